/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One snapshot of everything that is measured, and the difference of two.
 *
 * The collector makes snapshots (totals since attach); snapshot__delta() makes
 * an interval of two of them, in the same type. Every view, the recording and
 * the exporter render this type and nothing else, so they cannot disagree.
 *
 * What is not measured is absent: a NULL pointer, or known == false. It is
 * never a zero.
 */
#ifndef USER_SNAPSHOT_H
#define USER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hist.h"

struct coverage_counters;
struct coverage_seen;

struct opt_u64 {
	bool known;
	uint64_t value;
};

struct opt_double {
	bool known;
	double value;
};

enum preempt_model {
	PREEMPT_UNKNOWN,
	PREEMPT_NONE,
	PREEMPT_VOLUNTARY,
	PREEMPT_FULL,
	PREEMPT_LAZY,
	PREEMPT_RT,
};

enum huge_zero_kind {
	HUGE_ZERO_UNKNOWN,
	HUGE_ZERO_REFCOUNTED,
	HUGE_ZERO_PERSISTENT,
	HUGE_ZERO_ABSENT,
};

/* What kernel this was measured on; the same for all snapshots of a run. */
struct machine {
	char release[65];
	char version[65]; /* uname -v */
	char arch[65];
	char host[65];
	uint64_t page_size;
	int pmd_order;
	int cpus;	    /* possible */
	int nodes;	    /* online */
	int possible_nodes; /* 0: not told; neither recorded nor shown */
	enum preempt_model preempt_model;
	char preempt_source[64]; /* where it was read: "/sys/kernel/debug/sched/preempt" */
	int init_on_alloc;	 /* 1, 0, or -1 unknown */
	enum huge_zero_kind huge_zero;
	uint64_t tick_ns; /* of the scheduler's clock; 0: not known */
};

struct probe_state {
	char name[40]; /* the function or tracepoint: "folio_zero_user" */
	char tier[20]; /* "fentry"; empty where it is not attached */
	bool attached;
	char reason[200]; /* why it is not attached, or which tier would lose less */
};

struct filters {
	char pids[128]; /* "12,13", empty: none */
	char comm[ZS_COMM_LEN];
	char cgroup[256];
	int min_order; /* 0: none */
};

struct clear_series {
	uint8_t kind; /* enum zs_page_kind */
	uint8_t numa; /* enum zs_numa */
	bool other;   /* the series of all that had no room; order is then -1 */
	int order;
	uint64_t count; /* entries; wall.count lacks what was lost or is still open */
	uint64_t bytes;
	struct hist wall;
	bool has_on_cpu;
	struct hist on_cpu; /* without maxima */
};

struct duration_series { /* extents, allocator clears, faults: by order */
	int order;
	uint64_t count;
	uint64_t bytes;
	struct hist wall;
	bool has_pages;
	struct page_hist pages; /* extents only */
};

struct gap_sum {
	int order;
	uint8_t cause; /* enum zs_gap_cause */
	uint64_t count;
	uint64_t sum_ns;
};

struct gaps {
	size_t nr_sums;
	struct gap_sum *sums; /* owned */
	bool has_cause[ZS_GAP_CAUSES];
	struct hist duration[ZS_GAP_CAUSES];
};

struct resched {
	char source[40]; /* "__resched_curr" or "resched_curr" */
	struct hist now;
	bool has_lazy;
	struct hist lazy;
	uint64_t outlived;
};

struct huge_zero {
	struct opt_u64 refcount;	  /* gauge */
	struct opt_u64 holders;		  /* gauge */
	struct opt_double oldest_seconds; /* gauge */
	bool oldest_at_least;		  /* it is older: from before the measurement */
	char refcount_reason[200];	  /* why it is not known */
	char holders_reason[200]; /* why not known, or why they and the refcount keep differing */
	struct opt_u64 gets, references_taken, puts;
	struct opt_u64 allocations, allocation_failures, reclaims, reclaim_refusals;
	bool has_hold;
	struct span_hist hold;
	bool has_lifetime;
	struct span_hist lifetime;
};

struct payer { /* a node's or a cgroup's share */
	uint64_t id;
	char name[256]; /* cgroup path, "other"; empty for a node */
	uint64_t count, bytes, sum_ns, gap_ns, max_ns;
};

struct coverage {
	char what[32];	       /* "thp", "mthp-64kB", "hugetlb" … */
	struct opt_u64 kernel; /* the kernel's own counter */
	struct opt_u64 seen;
	char reason[320]; /* why there is a hole, and what would change it; empty: none */
};

struct loss {
	struct opt_u64 recursion; /* programs not run because they were running on that CPU */
	struct opt_u64 missed;	  /* by the link: kretprobe instances exhausted and the like */
	struct opt_u64 storage_full;
	struct opt_u64 unmatched; /* entry without exit, beyond what recursion explains */
	struct opt_u64 dropped;	  /* slow clears for which the ring buffer was full */
};

struct self_cost {
	struct opt_double bpf_seconds;
	uint64_t map_bytes;
	uint64_t rss_bytes;
};

struct snapshot {
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t mono_ns;
	uint64_t interval_ns;	       /* since attach, or of the interval */
	bool floor;		       /* events were lost: every count is a lower bound */
	const struct machine *machine; /* not owned */
	struct filters filters;

	size_t nr_probes;
	struct probe_state *probes; /* owned */

	uint64_t clears_total; /* entry runs + entry misses, exact; before filters */
	size_t nr_clears;
	struct clear_series *clears; /* owned */

	struct gaps *gaps; /* owned; NULL: not measured. So with all below */
	struct opt_double gaps_per_clear;
	uint64_t gaps_counted; /* from sched_info; valid if gaps_per_clear.known */
	struct resched *resched;
	bool has_extents;
	size_t nr_extents;
	struct duration_series *extents;
	bool has_allocator;
	size_t nr_allocator;
	struct duration_series *allocator;
	bool has_faults;
	size_t nr_faults;
	struct duration_series *faults;
	struct huge_zero *huge_zero;
	size_t nr_node_payers, nr_cgroup_payers;
	struct payer *node_payers, *cgroup_payers;

	size_t nr_coverage;
	struct coverage *coverage; /* owned */
	/*
	 * What the rows are made from; a snapshot that comes from a recording has
	 * only the rows. Owned.
	 */
	struct coverage_counters *kernel_counters;
	struct coverage_seen *seen;
	struct loss loss;
	struct self_cost self;
};

struct snapshot *snapshot__new(const struct machine *machine);
void snapshot__free(struct snapshot **s);
#define _cleanup_snapshot_ __attribute__((cleanup(snapshot__free)))

/* A copy that shares nothing but the machine; NULL if memory ran out. */
struct snapshot *snapshot__copy(const struct snapshot *from);

/*
 * What happened between two snapshots of one run. newer - older for counts,
 * newer's value for gauges. older may be NULL: everything since attach.
 * Returns NULL if memory ran out. The caller owns the result.
 */
struct snapshot *snapshot__delta(const struct snapshot *newer, const struct snapshot *older);

/* Adds the interval b to a, for totals of a recording. 0 or -ENOMEM. */
int snapshot__accumulate(struct snapshot *a, const struct snapshot *b);

/* Words of the contract: "voluntary", "thp", "local", "preempt", "refcounted". */
const char *preempt_model__name(enum preempt_model model);
const char *page_kind__name(unsigned int kind);
const char *numa__name(unsigned int numa);
const char *gap_cause__name(unsigned int cause);
const char *huge_zero__name(enum huge_zero_kind kind);

#endif
