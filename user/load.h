/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LOAD_H
#define ZEROSCOPE_LOAD_H

/*
 * `zeroscope load`: faults folios of a chosen order and kind, checks that every
 * byte of them is zero, and says how many it really got.
 */

#include <stdbool.h>
#include <stdint.h>

enum load_kind {
	LOAD_THP,
	LOAD_MTHP,
	LOAD_HUGETLB,
	LOAD_SHMEM,
	LOAD_MEMFD_HUGETLB,
};

enum load_touch {
	TOUCH_FIRST,
	TOUCH_LAST,
	TOUCH_RANDOM,
};

struct load_options {
	enum load_kind kind;
	int order;	/* -1: the one that the kind has by default */
	uint64_t count; /* folios in all, over every thread */
	unsigned int threads;
	enum load_touch touch;
	bool read;	  /* read faults, which map the huge zero folio */
	int node;	  /* NUMA node to allocate on, -1: any */
	double rate;	  /* faults a second in all, 0: flat out */
	uint64_t hold_ns; /* keep the memory this long before exit */
	bool reserve;	  /* reserve the hugetlb pages and give them back */
	bool reread;	  /* time reading back after each fault */
	bool pmu;	  /* cycles and cache misses of a clear */
	bool json;
};

/* Returns the exit status of the command. */
int load__run(const struct load_options *opt);

#endif /* ZEROSCOPE_LOAD_H */
