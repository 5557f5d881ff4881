/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LOAD_INTERNAL_H
#define ZEROSCOPE_LOAD_INTERNAL_H

/*
 * The parts of `zeroscope load`, in the order in which they act:
 *
 *	load_plan    what the options mean on this machine, or why they cannot be had
 *	load_dirty   leaves stale pages behind, which the kernel must clear
 *	load_fault   threads that fault, the check of what they were given
 *	load_report  what came of it
 *
 * A slot is the place of one folio in the arena. Memory holds a window of slots
 * at a time; where all do not fit, windows follow each other, each dirtied
 * before it is freed.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "borrow.h"
#include "load.h"
#include "pagemap.h"

#define LOAD_MAX_THREADS 512
#define LOAD_MAX_NODES	 128

/* What a write fault leaves behind, and what dirtied memory is full of. */
#define LOAD_MARK  0x5a
#define LOAD_STALE 0xa5

/* Exit statuses, as the manual has them. */
enum load_status {
	LOAD_OK = 0,
	LOAD_FAILED = 1,
	LOAD_USAGE = 2,
	LOAD_REFUSED = 3,
};

/* Set by SIGINT, SIGTERM and SIGHUP: everything that waits or loops looks at it. */
extern volatile sig_atomic_t load_stop;

struct load_plan {
	struct load_options opt;
	uint64_t page_bytes;
	uint64_t folio_bytes;
	uint64_t folio_pages;
	int order;
	int pmd_order;	      /* -1: no transparent huge pages in this kernel */
	uint64_t window;      /* slots held at a time */
	bool zero_folio;      /* the faults map the huge zero folio and get no memory */
	bool hugetlb;	      /* out of a hugetlb pool */
	bool shared;	      /* behind a memfd */
	bool clears;	      /* the kernel clears these folios whole (not page by page) */
	char pool[160];	      /* hugetlb: folder of the pool, or "" */
	uint64_t pool_wanted; /* nr_hugepages to reach, 0: leave it */
};

/* 0, or the exit status after one sentence on stderr. Settings to change are planned in b. */
int load_plan__make(const struct load_options *opt, struct load_plan *plan, struct borrow *b);

/* After borrow__commit(): whether the hugetlb pool really grew. 0 or the exit status. */
int load_plan__check_pool(const struct load_plan *plan);

const char *load__kind_name(enum load_kind kind);

enum load_dirtying {
	DIRTY_NOTHING,
	DIRTY_PAGES,  /* base pages, which no folio clear is counted for */
	DIRTY_UFFD,   /* hugetlb pages filled by userfaultfd instead of cleared */
	DIRTY_FAULTS, /* hugetlb pages by plain faults: each is cleared once more */
};

struct load_dirt {
	uint64_t bytes;
	uint64_t clears; /* of the plan's order, by another process than the one that loads */
	enum load_dirtying how;
};

/*
 * Fills about as much memory as a window takes with LOAD_STALE and frees it, in
 * a process of its own. Failing to is no error: *dirt says what was done.
 */
void load_dirty__run(const struct load_plan *plan, struct load_dirt *dirt);

/* A stale byte that the kernel handed out. */
struct load_nonzero {
	uint64_t bytes;	 /* how many */
	uint64_t folio;	 /* the first: number of its folio */
	uint64_t offset; /* in the folio */
	uint8_t value;
};

struct load_latency {
	uint64_t count;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t sum_ns;
};

/* Nanoseconds a cache line of reading back after a fault. */
struct load_reread {
	bool measured;
	double near_mean, near_median; /* the touched page and two on each side */
	double pass_mean, pass_median; /* the whole folio after that */
	uint64_t line_bytes;
};

struct load_pmu {
	double cycles;	  /* a fault; NaN: not measured */
	double misses;	  /* last-level cache misses a fault; NaN: not measured */
	char reason[160]; /* why not, or "" */
};

/*
 * The counters of one thread, read on both sides of a fault. Both descriptors
 * are -1 where reason says why.
 */
struct load_pmu_fds {
	int cycles; /* leads the group */
	int misses; /* -1: this PMU has no such event */
	char reason[160];
};

#define LOAD_PMU_FDS_NONE ((struct load_pmu_fds){.cycles = -1, .misses = -1})

struct load_pmu_sample {
	uint64_t cycles;
	uint64_t misses;
	bool valid;
};

void load_pmu__open(struct load_pmu_fds *fds);
struct load_pmu_sample load_pmu__read(const struct load_pmu_fds *fds);
void load_pmu__close(struct load_pmu_fds *fds);

/* The kernel's own counters over the run; the whole machine's. */
enum load_vmstat {
	VM_THP_FAULT_ALLOC,
	VM_THP_FAULT_FALLBACK,
	VM_THP_FAULT_FALLBACK_CHARGE,
	VM_THP_ZERO_PAGE_ALLOC,
	VM_THP_ZERO_PAGE_ALLOC_FAILED,
	VM_THP_FILE_ALLOC,
	VM_THP_FILE_FALLBACK,
	VM_THP_SPLIT_PAGE,
	VM_COUNTERS,
};

enum load_mthp_stat {
	MTHP_ANON_FAULT_ALLOC,
	MTHP_ANON_FAULT_FALLBACK,
	MTHP_SHMEM_ALLOC,
	MTHP_SHMEM_FALLBACK,
	MTHP_STATS,
};

struct load_counters {
	uint64_t vm[VM_COUNTERS];
	bool vm_known[VM_COUNTERS];
	uint32_t mthp_orders; /* that have counters */
	uint64_t mthp[PAGEMAP_ORDERS][MTHP_STATS];
	bool mthp_known[PAGEMAP_ORDERS][MTHP_STATS];
};

extern const char *const load_vmstat_names[VM_COUNTERS];
extern const char *const load_mthp_names[MTHP_STATS];

void load__read_counters(uint64_t page_bytes, struct load_counters *c);
/* after becomes after − before. */
void load__counters_delta(const struct load_counters *before, struct load_counters *after);

struct load_result {
	pid_t pid;
	pid_t tids[LOAD_MAX_THREADS];
	uint64_t faults;
	uint64_t elapsed_ns; /* of the faulting alone */
	uint64_t windows;
	bool interrupted;
	char error[200]; /* what a fault ended with, or "" */

	const char *oracle; /* NULL: nothing told */
	bool orders_known;
	struct folio_counts folios;
	bool smaps_known;
	struct smaps_sum smaps;

	struct load_counters counters;
	uint64_t minflt;

	uint64_t verified_bytes; /* one less a folio where the fault's own store hides it */
	struct load_nonzero nonzero;

	bool nodes_known;
	uint64_t nodes[LOAD_MAX_NODES];

	struct load_latency latency;
	struct load_reread reread;
	struct load_pmu pmu;
	struct load_dirt dirt;
};

/*
 * Faults, counts, verifies. 0 or the exit status after one sentence, where it
 * could not even start. The memory of the last window is kept: free it with
 * load_fault__release().
 */
struct load_arena;
int load_fault__run(const struct load_plan *plan, struct load_result *r, struct load_arena **arena);
void load_fault__release(struct load_arena *arena);

/* Prints the result; 0, or LOAD_FAILED where stdout takes nothing. */
int load_report__print(const struct load_plan *plan, const struct load_result *r,
		       const struct borrow *b);

/* Whether the run did what was asked: 0, or LOAD_FAILED after one sentence. */
int load_report__judge(const struct load_plan *plan, const struct load_result *r);

/* Folios of order that a tracer of the kernel's clearing function counts in this process. */
uint64_t load__clears_expected(const struct load_plan *plan, const struct load_result *r,
			       int order);

/* Pure parts. */

/* When fault number k of thread t of n is due, ns after the start, at rate faults a second. */
uint64_t load__due_ns(uint64_t k, unsigned int t, unsigned int n, double rate);

/* The page of its folio that fault number slot touches. */
uint64_t load__touched_page(enum load_touch touch, uint64_t slot, uint64_t folio_pages);

/* Thread t of n has the slots [*first, *end) out of count. */
void load__share(uint64_t count, unsigned int t, unsigned int n, uint64_t *first, uint64_t *end);

/*
 * Looks for bytes other than 0 in mem and adds them to *nz; folio and offset
 * say where mem is.
 */
void load__scan(const void *mem, size_t bytes, uint64_t folio, uint64_t offset,
		struct load_nonzero *nz);

/* Adds what another thread found; the first place is the one in the lowest folio. */
void load__merge_nonzero(struct load_nonzero *sum, const struct load_nonzero *nz);

/* Sorts the values. NaN for none. */
double load__median(float *values, size_t n);

/* Memory that never becomes huge, zeroed, from mmap; NULL where there is none. */
void *load__small_map(size_t bytes);

#endif /* ZEROSCOPE_LOAD_INTERNAL_H */
