/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which histograms a run keeps. They are laid out before the programs are
 * loaded, from what this kernel can produce, so that the kernel side needs one
 * table look-up to find its histogram and every known series exists, as zeros,
 * from the first snapshot. What was not foreseen or has no room is counted in
 * one histogram for all others.
 */
#ifndef USER_PLAN_H
#define USER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "../bpf/zeroscope.h"

enum plan_class {
	PLAN_OTHER,  /* clears without a histogram of their own; always slot 0 */
	PLAN_CLEAR,  /* wall time of clears */
	PLAN_ON_CPU, /* corrections that turn a wall histogram into an on-CPU one */
	PLAN_GAP,    /* by cause */
	PLAN_RESCHED_NOW,
	PLAN_RESCHED_LAZY,
	PLAN_ALLOCATOR, /* by order */
	PLAN_EXTENT,	/* by order */
	PLAN_FAULT,	/* by order */
};

struct plan_slot {
	enum plan_class class;
	uint8_t kind;  /* enum zs_page_kind */
	uint8_t numa;  /* enum zs_numa */
	uint8_t cause; /* enum zs_gap_cause */
	int order;
	uint8_t of; /* PLAN_ON_CPU: the slot it corrects */
};

struct plan {
	unsigned int nr;
	struct plan_slot slot[ZS_HISTS_MAX];
	/* The tables of bpf/state.bpf.h. */
	uint8_t clear_hist[ZS_KINDS][ZS_NUMAS][ZS_ORDERS];
	uint8_t on_cpu_hist[ZS_HISTS_ROOM];
	uint8_t gap_hist[ZS_GAP_CAUSES];
	uint8_t resched_hist[2]; /* now, lazy */
	uint8_t allocator_hist[ZS_ORDERS];
	uint8_t extent_hist[ZS_ORDERS];
	uint8_t fault_hist[ZS_ORDERS];
	unsigned int left_out; /* series for which there was no room */
};

#define PLAN_MAX_FOLIOS 48

/* Where room is short, the first of these get it first. */
enum plan_use {
	PLAN_USED,   /* enabled, or a pool exists */
	PLAN_UNUSED, /* may come to be while we run */
	/* No anonymous memory comes in this size, and shared memory is cleared page by page. */
	PLAN_SHARED_ONLY,
	PLAN_USES,
};

/* One size of folio that this kernel can hand to user space. */
struct plan_folio {
	uint8_t kind;
	int order;
	enum plan_use use;
};

struct plan_input {
	size_t nr_folios;
	struct plan_folio folio[PLAN_MAX_FOLIOS];
	bool have_node; /* the folio's node can be read */
	bool many_nodes;
	bool sched_info; /* on-CPU time can be told */
	bool gaps;
	bool cooperative; /* preemption model none or voluntary */
	bool resched;
	bool resched_lazy; /* and lazy requests can be told apart */
	bool allocator;
	bool extents;
	bool faults;
	size_t table_bytes;  /* of tables that exist once, empty */
	size_t budget_bytes; /* per CPU, for histograms */
};

/* The budget of the default configuration: 128 KiB a possible CPU, all maps included. */
#define PLAN_CPU_BYTES (128 * 1024)
/*
 * Of it, what exists once: constants and variables (8 KiB each, being mapped), the head of
 * the counters' map and its last page, and those of small maps. Tables come on top.
 */
#define PLAN_ONCE_BYTES (26 * 1024)
/* And for a quantity by order that is measured only when asked for. */
#define PLAN_OPTION_BYTES (12 * sizeof(struct zs_hist))

/* The kind of a folio that is not hugetlb's. */
enum zs_page_kind plan__kind(unsigned int order, int pmd_order);

/* Never fails; what has no room is counted in left_out. */
void plan__make(struct plan *p, const struct plan_input *in);

/*
 * Fills folio[] from sysfs: the PMD order, the mTHP sizes and the hugetlb
 * pools below root ("" for the running system).
 */
void plan__read_folios(struct plan_input *in, const char *root, int pmd_order, uint64_t page_size);

#endif
