/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the collector: its state, and its parts. Each part measures one
 * quantity: it decides whether this kernel can tell it, readies its programs,
 * attaches them and fills its piece of a snapshot. A new quantity is a new part
 * in the table of collector.c and, if it counts per CPU, a field in struct
 * zs_cpu between begun and payer, which are added up over all CPUs.
 */
#ifndef USER_COLLECTOR_PARTS_H
#define USER_COLLECTOR_PARTS_H

#include <bpf/libbpf.h>

#include "attach.h"
#include "collector.h"
#include "coverage.h"
#include "payers.h"
#include "plan.h"
#include "probe.h"
#include "zeroscope.skel.h"

#define COLLECTOR_PROBES 24
#define COLLECTOR_LINKS	 24

struct collector {
	const struct run_options *opt;
	struct machine *machine;
	struct probe_kernel *kernel;		 /* NULL once counting has begun */
	bool tells_link_misses, allocator_skips; /* of it, for later */
	struct coverage_reader *coverage;
	struct payers *payers;
	struct zeroscope_bpf *skel;
	struct plan_input plan_input; /* parts say here what they need before plan() */
	struct plan plan;
	struct attach_pair clear;
	struct attach_pair allocator; /* no function: not measured */
	struct bpf_program *resched;  /* NULL: not measured */
	const char *resched_source;
	const char *fault_function[2];	/* THP, hugetlb; NULL: not measured */
	bool cgroup_paths;		/* the programs take them down */
	int cpus;			/* possible */
	int statm_fd, stats_enabled_fd; /* -1: cannot be read */
	uint64_t map_bytes;

	struct probe_state probes[COLLECTOR_PROBES];
	size_t nr_probes;

	/* Of parts other than clears; destroyed in the opposite order. */
	struct bpf_link *links[COLLECTOR_LINKS];
	size_t nr_links;

	/* The memory of all CPUs, struct zs_area each, as the kernel side writes it; while it is read. */
	void *areas;
	size_t area_bytes;     /* of one CPU */
	struct zs_cpu *values; /* a copy of their counters, of the last reading; mapped */
	size_t values_bytes;
	uint64_t ended; /* clears of which both ends were seen, in that reading */

	/* For maxima: see read_max(). */
	uint32_t *claimed; /* begin of the newer epoch's entry, by histogram and CPU */
	struct hist_max since_attach[ZS_HISTS_MAX];

	/* At activation. */
	uint64_t start_ns;
	uint64_t entry_misses, exit_misses, link_misses; /* at activation */
	struct {
		struct opt_u64 entry, exit, link;
	} misses; /* of the clear's programs, when last sampled */
	uint64_t allocator_misses;
	struct coverage_counters counters; /* at start, just after the ready flag */
	uint64_t moved_at_start;	   /* the most that one moved while it was flipped */
	bool stopped;
	bool stop_known; /* what the kernel had counted by then, and how far that moved meanwhile */
	struct coverage_counters at_stop;
	uint64_t moved_at_stop;
	uint64_t most_missed; /* an estimate that must not fall */

	struct ring_buffer *slow; /* NULL: no slow clears are streamed */
	int (*slow_fn)(void *arg, const struct slow_clear *s);
	void *slow_arg;

	struct huge_zero_part *huge_zero; /* private to its part */
};

/* What one snapshot is made of. */
struct reading {
	struct zs_cpu sum; /* over all CPUs; payers by cgroup are not in it */
	/* The kernel's counters just before sum, and how far they moved until just after it. */
	struct coverage_counters kernel;
	uint64_t moved;
	uint32_t epoch;
	uint64_t offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
};

struct collector_part {
	/*
	 * Before loading: sets rodata, autoload and plan_input. What cannot be
	 * measured is said with collector__not_measured(); an error ends everything.
	 */
	int (*choose)(struct collector *c);
	/* The plan is made, nothing is loaded: what depends on the plan. May be NULL. */
	void (*planned)(struct collector *c);
	/* After loading, in the order of the table. May be NULL. */
	int (*attach)(struct collector *c);
	/* Just before the ready flag is flipped. May be NULL. */
	int (*activate)(struct collector *c);
	/*
	 * What the kernel counts about the part's programs: just before the
	 * counters are read and just before the ready flag is cleared. May be NULL.
	 */
	void (*sample)(struct collector *c);
	/* Fills its piece of the snapshot, totals since activate(). 0 or -errno. May be NULL. */
	int (*read)(struct collector *c, struct snapshot *s, const struct reading *r);
	/* May be NULL. */
	void (*free)(struct collector *c);
};

extern const struct collector_part gaps_part;
extern const struct collector_part allocator_part;
extern const struct collector_part resched_part;
extern const struct collector_part extents_part;
extern const struct collector_part faults_part;
extern const struct collector_part clears_part;
extern const struct collector_part huge_zero_part;
extern const struct collector_part slow_part;

/*
 * The first step of collector__load(), for a command that loads a few programs of
 * its own choice: asks the kernel and opens the object that fits it, with no program
 * chosen. 0 or -errno; the sentence has been logged.
 */
int collector__open(struct collector *c);

/*
 * As probe__resolve(), for programs that have no use for a session: r->choice.tier is the plain tier
 * of its kind, tried for itself. Whoever may attach a session may not always attach a kprobe:
 * Debian's kernels want CAP_SYS_ADMIN for perf_event_open() while kernel.perf_event_paranoid is 3.
 */
int collector__resolve_plain(struct collector *c, enum probe_id id, enum tier wanted,
			     struct probe_result *r);

/* A probe that is to be attached; tier as it is printed. */
struct probe_state *collector__add_probe(struct collector *c, const char *name, const char *tier);
/* A probe that is not measured, with the reason. */
void collector__not_measured(struct collector *c, const char *name, const char *reason);
void collector__mark_attached(struct collector *c, const char *name);

/*
 * Attaches one program of a part by what its SEC() says, keeps the link and
 * marks the probe of that name (may be NULL). 0, or -errno with a sentence.
 */
int collector__attach_program(struct collector *c, struct bpf_program *prog, const char *probe);

/* One histogram, all CPUs added, with its maxima. 0 or -errno. */
int collector__read_hist(struct collector *c, unsigned int id, const struct reading *r,
			 struct hist *h);

/*
 * The rows of a quantity that has a histogram by order: table says which, count
 * how many began. The caller owns *rows. 0 or -errno.
 */
int collector__read_orders(struct collector *c, const uint8_t table[ZS_ORDERS],
			   const __u64 count[ZS_ORDERS], const struct reading *r,
			   struct duration_series **rows, size_t *nr);

/* Logs the sentence of a refusal; -EPERM, which leads to exit status 3. */
int collector__refuse(const struct probe_answer *a);

static inline uint64_t known_or_0(struct opt_u64 v)
{
	return v.known ? v.value : 0;
}

#endif
