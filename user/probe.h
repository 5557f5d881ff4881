/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_PROBE_H
#define USER_PROBE_H

/*
 * What this kernel lets us attach to, decided by asking it: its BTF, its
 * symbols, and a trial load and attach of a two-instruction program. Never by
 * version or architecture.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h" /* enum tier */
#include "snapshot.h"

enum probe_verdict {
	PROBE_USABLE,
	PROBE_ABSENT,  /* this kernel has no such function, tracepoint or symbol */
	PROBE_INLINED, /* the code is there, but not as a function of its own */
	PROBE_NOTRACE, /* a function that the kernel does not let be traced */
	PROBE_NO_BTF,
	PROBE_LOCKDOWN,
	PROBE_CAPABILITY,
	PROBE_NOT_CONFIGURED, /* the mechanism is not built into this kernel */
	PROBE_UNSAFE,	      /* would work, and could crash the kernel */
	PROBE_HIDDEN,	      /* the symbol's address is hidden from this process */
	PROBE_REFUSED,	      /* the kernel said no for another reason */
};

/* "usable", "absent", "inlined", "notrace", "no-btf", "lockdown", "capability" … */
const char *probe_verdict__name(enum probe_verdict verdict);

struct probe_answer {
	enum probe_verdict verdict;
	char reason[200]; /* one sentence; empty where usable */
	char remedy[200]; /* one sentence, or empty where nothing helps */
};

/*
 * To be called before anything asks for symbols of the running kernel: one pass over them all then
 * serves the probes as well.
 */
void probe__expect_symbols(void);

/*
 * The kernel as asked so far: BTF, symbols, privileges, and every answer, since
 * a trial costs milliseconds. Not for use by two threads at once.
 */
struct probe_kernel;

/*
 * root as in machine.h; in a fixture tree no trial is made and answers follow
 * from the files alone. btf is the --btf file or NULL. 0 or -errno; a kernel
 * without BTF is no error here. -EINVAL: the --btf file is none, -ENOENT …:
 * it cannot be read.
 */
int probe_kernel__open(const char *root, const char *btf, struct probe_kernel **k);
/* The same of the running kernel. What is wrong is said: an error comes with a sentence. */
int probe_kernel__open_here(const char *btf, struct probe_kernel **k);
void probe_kernel__close(struct probe_kernel **k);
#define _cleanup_probe_kernel_ __attribute__((cleanup(probe_kernel__close)))

struct btf;

/* The kernel's BTF, or that of --btf, or NULL. Not owned. */
const struct btf *probe_kernel__btf(const struct probe_kernel *k);

/* True where the running kernel brings BTF itself: all tiers but kprobe need that. */
bool probe_kernel__has_own_btf(const struct probe_kernel *k);

/* Does BTF name such a function / a struct of that name / such a tracepoint's type? */
bool probe_kernel__btf_has_func(const struct probe_kernel *k, const char *name);
bool probe_kernel__btf_has_struct(const struct probe_kernel *k, const char *name);

/*
 * Does the page allocator leave folios alone that are zeroed at the fault, with
 * init_on_alloc=1 as well? Else each of them is zeroed twice.
 */
bool probe_kernel__allocator_skips(const struct probe_kernel *k);

/*
 * Everything that stands in the way of loading any tracing program at all:
 * capabilities, lockdown, no BTF (a.verdict says which). 0, or -errno with the
 * answer. The first thing that a command asks.
 */
int probe__loadable(struct probe_kernel *k, struct probe_answer *a);

/* Which ends of a function a probe needs. */
enum probe_ends {
	PROBE_ENTRY,
	PROBE_RETURN,
	PROBE_BOTH,
};

/* 0, or -errno with the answer. tier is not TIER_AUTO. */
int probe__tier_usable(struct probe_kernel *k, const char *function, enum probe_ends ends,
		       enum tier tier, struct probe_answer *a);

/* A raw tracepoint with its types (tp_btf). */
int probe__tracepoint_usable(struct probe_kernel *k, const char *tracepoint,
			     struct probe_answer *a);

/* An iterator ("task"). */
int probe__iterator_usable(struct probe_kernel *k, const char *target, struct probe_answer *a);

/* A variable read by its address; address may be NULL. */
int probe__ksym_usable(struct probe_kernel *k, const char *symbol, uint64_t *address,
		       struct probe_answer *a);

/*
 * The order in which tiers are tried under a model: least loss first, then least
 * cost. scarce_sessions: kprobe.session has few instances on this kernel.
 */
#define PROBE_TIERS 4
void probe__tier_order(enum preempt_model model, bool scarce_sessions,
		       enum tier order[static PROBE_TIERS]);

struct probe_choice {
	enum tier tier;
	bool may_lose;	    /* programs of this tier can be preempted here and miss entries */
	enum tier cheaper;  /* a usable tier that costs less and may lose; TIER_AUTO: none */
	enum tier lossless; /* a usable tier that loses nothing where this one may; or TIER_AUTO */
	char note[200];	    /* a sentence for the reason of an attached probe, or empty */
};

/*
 * The best usable tier, or `wanted` alone where it is not TIER_AUTO. 0, or
 * -errno with the answer that matters most to the user.
 */
int probe__choose_tier(struct probe_kernel *k, const char *function, enum probe_ends ends,
		       enum preempt_model model, enum tier wanted, struct probe_choice *c,
		       struct probe_answer *a);

/* --- The table of everything that zeroscope can attach. */

enum probe_kind {
	PROBE_FUNCTION,
	PROBE_TRACEPOINT,
	PROBE_ITERATOR,
	PROBE_KSYM,
};

enum probe_id {
	PROBE_CLEAR,
	PROBE_GAPS,
	PROBE_RESCHED,
	PROBE_EXTENT,
	PROBE_ALLOCATOR,
	PROBE_FAULT_THP,
	PROBE_FAULT_HUGETLB,
	PROBE_ZERO_GET,
	PROBE_ZERO_PUT,
	PROBE_ZERO_SCAN,
	PROBE_ZERO_COUNT,
	PROBE_ZERO_ALLOC,
	PROBE_ZERO_FREE,
	PROBE_REFCOUNT,
	PROBE_HOLDERS,
	PROBE_IDS,
};

struct probe_candidate {
	const char *name; /* NULL ends the list */
	enum probe_kind kind;
	enum probe_ends ends;
};

#define PROBE_CANDIDATES 8

struct probe_def {
	const char *name;    /* "clear" */
	const char *purpose; /* "how long the kernel takes to clear a folio" */
	const char *option;  /* measured only with this option ("--allocator"), or NULL */
	const char *without; /* what is not measured where it is not attachable */
	const char *help;    /* the remedy where the kernel has none of the candidates, or NULL */
	struct probe_candidate candidate[PROBE_CANDIDATES]; /* best first */
};

const struct probe_def *probe__def(enum probe_id id);

/* What came of the candidates of one probe. */
struct probe_result {
	const struct probe_candidate *chosen; /* NULL: none can be attached */
	const struct probe_candidate *asked;  /* the one that answer speaks of */
	struct probe_choice choice;	      /* of a function */
	bool tier_usable[PROBE_TIERS + 1];    /* by enum tier, of the chosen function */
	struct probe_answer tier_answer[PROBE_TIERS + 1];
	struct probe_answer answer; /* usable, or why not */
};

/*
 * all_tiers: try every tier of the chosen function, not only until one works
 * (doctor). 0, or -errno as in result.answer.
 */
int probe__resolve(struct probe_kernel *k, enum probe_id id, enum preempt_model model,
		   enum tier wanted, bool all_tiers, struct probe_result *r);

#endif
