// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "load.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "load_internal.h"
#include "log.h"
#include "util.h"

#define MPOL_BIND 2

volatile sig_atomic_t load_stop;

/* For the handler of SIGBUS, which has no other way to the settings. */
static struct borrow *handler_borrow;

/* Pure parts */

uint64_t load__due_ns(uint64_t k, unsigned int t, unsigned int n, double rate)
{
	double ns = ((double)k * n + t) * 1e9 / rate;

	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): the same pages in each run. */
static uint64_t scatter(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t load__touched_page(enum load_touch touch, uint64_t slot, uint64_t folio_pages)
{
	switch (touch) {
	case TOUCH_FIRST:
		return 0;
	case TOUCH_LAST:
		return folio_pages - 1;
	case TOUCH_RANDOM:
		break;
	}
	return scatter(slot) % folio_pages;
}

void load__share(uint64_t count, unsigned int t, unsigned int n, uint64_t *first, uint64_t *end)
{
	uint64_t each = count / n, more = count % n;

	*first = t * each + min((uint64_t)t, more);
	*end = *first + each + (t < more);
}

static void scan_bytes(const unsigned char *mem, size_t bytes, uint64_t folio, uint64_t offset,
		       struct load_nonzero *nz)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		if (!mem[i])
			continue;
		if (!nz->bytes++) {
			nz->folio = folio;
			nz->offset = offset + i;
			nz->value = mem[i];
		}
	}
}

void load__scan(const void *mem, size_t bytes, uint64_t folio, uint64_t offset,
		struct load_nonzero *nz)
{
	const size_t block = 64 * sizeof(uint64_t);
	size_t at;

	for (at = 0; at < bytes; at += block) {
		const char *from = (const char *)mem + at;
		size_t n = min(block, bytes - at), i;
		uint64_t any = 0;

		for (i = 0; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t)) {
			uint64_t word;

			memcpy(&word, from + i, sizeof(word));
			any |= word;
		}
		for (; i < n; i++)
			any |= (unsigned char)from[i];
		if (any)
			scan_bytes((const unsigned char *)from, n, folio, offset + at, nz);
	}
}

void load__merge_nonzero(struct load_nonzero *sum, const struct load_nonzero *nz)
{
	uint64_t bytes = sum->bytes + nz->bytes;
	bool earlier = nz->folio < sum->folio ||
		       (nz->folio == sum->folio && nz->offset < sum->offset);

	if (!nz->bytes)
		return;
	if (!sum->bytes || earlier)
		*sum = *nz;
	sum->bytes = bytes;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

double load__median(float *values, size_t n)
{
	if (!n)
		return NAN;
	qsort(values, n, sizeof(*values), compare_floats);
	if (n % 2)
		return (double)values[n / 2];
	return ((double)values[n / 2 - 1] + (double)values[n / 2]) / 2;
}

/* Counters */

const char *const load_vmstat_names[VM_COUNTERS] = {
	[VM_THP_FAULT_ALLOC] = "thp_fault_alloc",
	[VM_THP_FAULT_FALLBACK] = "thp_fault_fallback",
	[VM_THP_FAULT_FALLBACK_CHARGE] = "thp_fault_fallback_charge",
	[VM_THP_ZERO_PAGE_ALLOC] = "thp_zero_page_alloc",
	[VM_THP_ZERO_PAGE_ALLOC_FAILED] = "thp_zero_page_alloc_failed",
	[VM_THP_FILE_ALLOC] = "thp_file_alloc",
	[VM_THP_FILE_FALLBACK] = "thp_file_fallback",
	[VM_THP_SPLIT_PAGE] = "thp_split_page",
};

const char *const load_mthp_names[MTHP_STATS] = {
	[MTHP_ANON_FAULT_ALLOC] = "anon_fault_alloc",
	[MTHP_ANON_FAULT_FALLBACK] = "anon_fault_fallback",
	[MTHP_SHMEM_ALLOC] = "shmem_alloc",
	[MTHP_SHMEM_FALLBACK] = "shmem_fallback",
};

#define THP_DIR "/sys/kernel/mm/transparent_hugepage"

void load__read_counters(uint64_t page_bytes, struct load_counters *c)
{
	int order, i;

	*c = (struct load_counters){0};
	for (i = 0; i < VM_COUNTERS; i++)
		c->vm_known[i] = !pagemap__vmstat("/proc/vmstat", load_vmstat_names[i], &c->vm[i]);
	c->mthp_orders = pagemap__orders(THP_DIR, "stats", page_bytes);
	for (order = 0; order < PAGEMAP_ORDERS; order++) {
		if (!(c->mthp_orders & (1U << order)))
			continue;
		for (i = 0; i < MTHP_STATS; i++) {
			char path[160];

			snprintf(path, sizeof(path), THP_DIR "/hugepages-%llukB/stats/%s",
				 (unsigned long long)(page_bytes << order) / 1024,
				 load_mthp_names[i]);
			c->mthp_known[order][i] = !util__read_u64(path, &c->mthp[order][i]);
		}
	}
}

void load__counters_delta(const struct load_counters *before, struct load_counters *after)
{
	int order, i;

	for (i = 0; i < VM_COUNTERS; i++)
		after->vm[i] -= before->vm[i];
	for (order = 0; order < PAGEMAP_ORDERS; order++)
		for (i = 0; i < MTHP_STATS; i++)
			after->mthp[order][i] -= before->mthp[order][i];
}

/* Signals */

static void on_stop(int sig)
{
	(void)sig;
	load_stop = 1;
}

/* A fault that the kernel cannot serve; nothing can go on, but the settings must go back. */
static void on_sigbus(int sig)
{
	static const char text[] =
		"zeroscope: the kernel had no page for a fault (SIGBUS): the hugetlb pool of the "
		"node or the limit of the cgroup is exhausted; ask for fewer folios, or raise it\n";
	static int once;
	ssize_t ignored;

	(void)sig;
	if (__atomic_exchange_n(&once, 1, __ATOMIC_SEQ_CST))
		pause();
	ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)ignored;
	if (handler_borrow)
		(void)borrow__return(handler_borrow);
	_exit(LOAD_FAILED);
}

static void catch_signals(void)
{
	/* No SA_RESTART: what waits must come back and look. */
	struct sigaction stop = {.sa_handler = on_stop};
	struct sigaction bus = {.sa_handler = on_sigbus};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGBUS, &bus, NULL);
}

/* The run */

static int bind_node(int node)
{
	unsigned long mask[LOAD_MAX_NODES / (8 * sizeof(unsigned long))] = {0};
	const unsigned int bits = 8 * sizeof(unsigned long);

	if (node < 0)
		return 0;
	mask[(unsigned int)node / bits] = 1UL << ((unsigned int)node % bits);
	/* The kernel takes one bit less than it is told. */
	if (!syscall(SYS_set_mempolicy, MPOL_BIND, mask, LOAD_MAX_NODES + 1))
		return 0;
	if (errno == EINVAL)
		return err_r(LOAD_USAGE, "node %d has no memory to bind to; choose another --node",
			     node);
	return err_r(LOAD_REFUSED, "this process cannot be bound to node %d: %s; leave --node out",
		     node, errname(errno));
}

static int apply_settings(const struct load_plan *plan, struct borrow *b)
{
	const char *path;
	int err;

	err = borrow__commit(b, &path);
	if (err)
		return err_r(LOAD_REFUSED, "%s could not be changed: %s; set it by hand",
			     path ? path : "a setting", errname(err));
	return load_plan__check_pool(plan);
}

static void hold(uint64_t hold_ns)
{
	uint64_t end = util__monotonic_ns() + hold_ns;
	uint64_t now;

	while (!load_stop && (now = util__monotonic_ns()) < end) {
		uint64_t left = min(end - now, (uint64_t)NSEC_PER_SEC);
		struct timespec ts = {
			.tv_sec = (time_t)(left / NSEC_PER_SEC),
			.tv_nsec = (long)(left % NSEC_PER_SEC),
		};

		nanosleep(&ts, NULL);
	}
}

static int load_and_report(const struct load_plan *plan, struct load_result *r, struct borrow *b)
{
	struct load_arena *arena = NULL;
	int status, judged;

	status = load_fault__run(plan, r, &arena);
	if (!status) {
		/* Before holding: who waits for the memory to be there waits for this line. */
		status = load_report__print(plan, r, b);
		judged = load_report__judge(plan, r);
		status = status ? status : judged;
		if (!r->interrupted)
			hold(plan->opt.hold_ns);
	}
	/* Pages go back to the pool before the pool gets its old size. */
	load_fault__release(arena);
	return status;
}

int load__run(const struct load_options *opt)
{
	_cleanup_borrow_ struct borrow *b = NULL;
	static struct load_result result; /* too much for a stack, and there is one run */
	struct load_result *r = &result;
	struct load_plan plan;
	int status;

	/*
	 * What is not the workload keeps out of the measurement: no huge page
	 * for anything but the arena. Children inherit it.
	 */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);

	if (borrow__new(&b))
		return err_r(LOAD_FAILED, "out of memory; free some and try again");
	status = load_plan__make(opt, &plan, b);
	if (!status)
		status = bind_node(opt->node);
	if (status)
		return status;

	handler_borrow = b;
	catch_signals();
	status = apply_settings(&plan, b);
	if (!status) {
		load_dirty__run(&plan, &r->dirt);
		status = load_and_report(&plan, r, b);
	}
	handler_borrow = NULL;
	if (borrow__return(b) && !status)
		status = LOAD_FAILED;
	return status;
}
