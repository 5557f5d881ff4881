/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_THP_SETTINGS_H
#define USER_THP_SETTINGS_H

/* How huge pages are set up: transparent ones of every size, and hugetlb pools. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THP_MAX_SIZES	  20
#define HUGETLB_MAX_POOLS 16
#define HUGETLB_MAX_NODES 16

struct mthp_setting {
	int order;
	uint64_t kb;
	char enabled[16];	/* "inherit", "always", "madvise", "never"; empty: not told */
	char shmem_enabled[16]; /* the same, and "advise", "within_size" */
};

struct hugetlb_pool {
	int order;
	uint64_t kb;
	uint64_t pages, free, reserved, surplus, overcommit;
	size_t nr_nodes;
	struct {
		int node;
		uint64_t pages, free;
	} node[HUGETLB_MAX_NODES];
};

struct thp_settings {
	bool present;	  /* the kernel has transparent huge pages */
	char enabled[16]; /* the chosen word; empty: not told */
	char defrag[16];
	char shmem_enabled[16];
	int use_zero_page; /* 0, 1, -1: not told */
	uint64_t pmd_kb;   /* 0: not told */
	size_t nr_mthp;
	struct mthp_setting mthp[THP_MAX_SIZES]; /* by size */
	size_t nr_hugetlb;
	struct hugetlb_pool hugetlb[HUGETLB_MAX_POOLS]; /* by size */
};

/* Cannot fail: what is not there is not told. */
void thp_settings__read(struct thp_settings *t, const char *root, uint64_t page_size);

/* "64 kB" of kernel names as an order of pages; -1 where it is no power of two pages. */
int order_of_kb(uint64_t kb, uint64_t page_size);

#endif
