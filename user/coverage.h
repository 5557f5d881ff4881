/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_COVERAGE_H
#define USER_COVERAGE_H

/*
 * What was seen against what the kernel itself counted. The two come from
 * different places on purpose: a hole in one is visible in the other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

/* The kernel's counters since boot; known == false where this kernel does not have one. */
struct coverage_counters {
	struct opt_u64 thp_fault;     /* anonymous PMD faults that got a folio */
	struct opt_u64 thp_fallback;  /* and those that did not */
	struct opt_u64 thp_zero_page; /* allocations of the huge zero folio */
	struct opt_u64 thp_zero_page_failed;
	struct opt_u64 shmem_thp;	/* PMD folios of shmem, memfd and file systems */
	struct opt_u64 collapse;	/* folios that khugepaged and MADV_COLLAPSE allocated */
	struct opt_u64 anon[ZS_ORDERS]; /* by order, PMD order included */
	struct opt_u64 shmem[ZS_ORDERS];
	bool guest_memfd; /* this kernel can back guests with it; nothing counts that */
};

struct coverage_reader;

/*
 * Opens the counters, and keeps them open so that they can be read after
 * privileges were dropped. root and page_size as in machine.h. 0 or -errno; a
 * kernel without any of the counters is no error.
 */
int coverage_reader__new(const char *root, uint64_t page_size, struct coverage_reader **r);
void coverage_reader__free(struct coverage_reader **r);
#define _cleanup_coverage_reader_ __attribute__((cleanup(coverage_reader__free)))

/* All counters now, totals since boot. 0, or -errno where a file could not be read. */
int coverage__read(struct coverage_reader *r, struct coverage_counters *c);

/* newer - older; unknown where either is. older may be newer. */
void coverage__delta(const struct coverage_counters *newer, const struct coverage_counters *older,
		     struct coverage_counters *delta);

/* What was seen between the two readings, before any filter. */
struct coverage_seen {
	uint64_t clears[ZS_KINDS][ZS_ORDERS];
	bool allocator_measured;       /* --allocator, and its probe is attached */
	uint64_t allocator[ZS_ORDERS]; /* folios that the allocator zeroed, by order */
	/* The allocator leaves folios that a clear follows alone, even with init_on_alloc=1. */
	bool allocator_skips;
	/*
	 * Folios that one side has and the other has not yet, at either reading:
	 * clears that have not ended, faults between clear and count, and what
	 * went on between reading the one and the other. A difference up to this
	 * is no hole.
	 */
	uint64_t open;
	/* The same at the beginning: a total, which an interval has its part of. */
	uint64_t straddled;
};

/* The most that any count of faults moved between two readings, one soon after the other. */
uint64_t coverage__movement(const struct coverage_counters *newer,
			    const struct coverage_counters *older);

/* Folios that were seen to be cleared and that the kernel has not counted, of the worst row. */
uint64_t coverage__surplus(const struct coverage_counters *kernel, const struct coverage_seen *seen,
			   const struct machine *m);

/*
 * The rows of a snapshot, in a fixed order; the caller frees *rows. *nr is 0
 * where nothing is known. Sentences name the numbers and what would change
 * them. 0 or -ENOMEM.
 */
int coverage__rows(const struct coverage_counters *delta, const struct coverage_seen *seen,
		   const struct machine *m, struct coverage **rows, size_t *nr);

#endif
