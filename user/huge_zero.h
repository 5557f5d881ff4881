/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_HUGE_ZERO_H
#define USER_HUGE_ZERO_H

/*
 * What can be asked about the huge zero folio at one moment: the kernel's count,
 * and who holds it. The ledger of a run and `zeroscope holders` share this; see
 * bpf/huge_zero.bpf.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe.h"
#include "zeroscope.skel.h"

#define HUGE_ZERO_REASON 200

struct huge_zero_access {
	bool refcount;				/* the kernel's count can be read */
	bool iterator;				/* holders from before can be found */
	char refcount_reason[HUGE_ZERO_REASON]; /* why not; empty where it can */
	char iterator_reason[HUGE_ZERO_REASON];
};

/* Before loading: asks the kernel, and readies the programs that can be used. */
void huge_zero__prepare(struct zeroscope_bpf *skel, struct probe_kernel *k,
			struct huge_zero_access *a);

/* What huge_zero__refcount() returns besides the count. */
#define HUGE_ZERO_NOT_READABLE	(-1)
#define HUGE_ZERO_IS_PERSISTENT (-2) /* this kernel made it so at boot: nobody counts */

/* The kernel's huge_zero_refcount; the programs must be loaded. */
int huge_zero__refcount(const struct zeroscope_bpf *skel);

/*
 * From now on the ledger is kept: a folio that exists was there before. Once, with all
 * programs attached. 0 or -errno.
 */
int huge_zero__watch(const struct zeroscope_bpf *skel);

/*
 * Finds the mm flag that says "holds the huge zero folio", and leaves it in
 * bss->zero_flag: reads the flags of a child before and after its first read
 * fault. The child takes a reference and gives it back with its end, which is
 * before this returns. 0, or -errno with why in reason.
 */
int huge_zero__learn(struct zeroscope_bpf *skel, char *reason, size_t size);

/*
 * Goes through all tasks and enters those that hold the folio and are not in the
 * table yet. fn (may be NULL) gets each of them where rodata->zero_list was set.
 * 0 or -errno, also fn's own, which ends it.
 */
int huge_zero__iterate(struct zeroscope_bpf *skel,
		       int (*fn)(void *arg, const struct zs_zero_process *p), void *arg);

struct huge_zero_table {
	uint64_t holders;
	uint64_t before;    /* of them, those from before the programs counted */
	uint64_t oldest_ns; /* CLOCK_MONOTONIC of the oldest of the others; 0: there are none */
};

/* Counts the entries of a table of holders, given by its descriptor. 0 or -errno. */
int huge_zero__read_table(int fd, struct huge_zero_table *t);

/* Does the kernel's count agree with so many holders? */
bool huge_zero__agrees(int refcount, uint64_t holders);

#endif
