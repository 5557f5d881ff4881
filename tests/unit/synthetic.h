/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SYNTHETIC_H
#define TESTS_SYNTHETIC_H

/*
 * Snapshots made by hand, for the tests of everything that renders them. They
 * are the same on every machine: no clock, no libm beyond the bucket bounds.
 * The caller frees them with snapshot__free().
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot.h"
#include "util.h"

/* 2026-11-21 11:10:32.042 UTC */
#define SYNTHETIC_TIME_NS 1795259432042000000ULL

static const struct machine synthetic_machine = {
	.release = "6.12.94+deb12-cloud-amd64",
	.version = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.94-1~bpo12+1",
	.arch = "x86_64",
	.host = "vm",
	.page_size = 4096,
	.pmd_order = 9,
	.cpus = 4,
	.nodes = 2,
	.preempt_model = PREEMPT_VOLUNTARY,
	.preempt_source = "/sys/kernel/debug/sched/preempt",
	.init_on_alloc = 0,
	.huge_zero = HUGE_ZERO_REFCOUNTED,
};

static const struct machine synthetic_machine_7 = {
	.release = "7.2.6+deb14-cloud-amd64",
	.version = "#1 SMP PREEMPT_DYNAMIC Debian 7.2.6-1",
	.arch = "x86_64",
	.host = "vm",
	.page_size = 4096,
	.pmd_order = 9,
	.cpus = 2,
	.nodes = 1,
	.preempt_model = PREEMPT_LAZY,
	.preempt_source = "/proc/config.gz",
	.init_on_alloc = 1,
	.huge_zero = HUGE_ZERO_PERSISTENT,
	.tick_ns = 4000000,
};

static inline void *synthetic_zeroed(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	assert_non_null(p);
	return p;
}

static inline uint32_t synthetic_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static inline void synthetic_hit(struct hist *h, uint64_t ns, uint64_t n)
{
	h->bucket[hist__bucket(ns)] += n;
	h->count += n;
	h->sum_ns += ns * n;
}

static inline struct hist_max synthetic_max(uint64_t ns, const char *comm, uint32_t pid, int order,
					    int node)
{
	struct hist_max m = {
		.known = true,
		.ns = ns,
		.time_ns = SYNTHETIC_TIME_NS - 250000000,
		.pid = pid,
		.tid = pid + 1,
		.order = order,
		.node = node,
	};

	memcpy(m.comm, comm, min(strlen(comm), sizeof(m.comm)));
	return m;
}

/* n durations: most near typical_ns, some slower, few much slower, as clears are. */
static inline void synthetic_fill(struct hist *h, uint64_t typical_ns, unsigned int n,
				  const char *comm, uint32_t pid, int order, int node)
{
	uint32_t state = pid;
	uint64_t slowest = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint64_t ns = typical_ns * 7 / 8;
		unsigned int j;

		for (j = 0; j < 4; j++)
			ns += typical_ns / 16 * (synthetic_random(&state) % 1000) / 1000;
		if (synthetic_random(&state) % 16 == 0)
			ns += typical_ns * (synthetic_random(&state) % 1000) / 1000;
		if (synthetic_random(&state) % 256 == 0)
			ns += typical_ns * (synthetic_random(&state) % 4000) / 1000;
		synthetic_hit(h, ns, 1);
		slowest = max(slowest, ns);
	}
	h->max = synthetic_max(slowest, comm, pid, order, node);
	h->max_since_attach = h->max;
}

static inline void synthetic_probe(struct snapshot *s, const char *name, const char *tier,
				   const char *reason)
{
	struct probe_state *p;

	s->probes = realloc(s->probes, (s->nr_probes + 1) * sizeof(*p));
	assert_non_null(s->probes);
	p = &s->probes[s->nr_probes++];
	memset(p, 0, sizeof(*p));
	p->attached = tier != NULL;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->tier, sizeof(p->tier), "%s", tier ? tier : "");
	snprintf(p->reason, sizeof(p->reason), "%s", reason ? reason : "");
}

static inline struct opt_u64 synthetic_known(uint64_t value)
{
	return (struct opt_u64){.known = true, .value = value};
}

static inline void synthetic_coverage(struct snapshot *s, const char *what, struct opt_u64 kernel,
				      uint64_t seen, const char *reason)
{
	struct coverage *c;

	s->coverage = realloc(s->coverage, (s->nr_coverage + 1) * sizeof(*c));
	assert_non_null(s->coverage);
	c = &s->coverage[s->nr_coverage++];
	memset(c, 0, sizeof(*c));
	c->kernel = kernel;
	c->seen = synthetic_known(seen);
	snprintf(c->what, sizeof(c->what), "%s", what);
	snprintf(c->reason, sizeof(c->reason), "%s", reason ? reason : "");
}

static inline struct clear_series *synthetic_series(struct snapshot *s, int order, int kind,
						    int numa)
{
	struct clear_series *c;

	s->clears = realloc(s->clears, (s->nr_clears + 1) * sizeof(*c));
	assert_non_null(s->clears);
	c = &s->clears[s->nr_clears++];
	memset(c, 0, sizeof(*c));
	c->order = order;
	c->kind = (uint8_t)kind;
	c->numa = (uint8_t)numa;
	return c;
}

/* Makes count, bytes and the total fit what the histogram holds. */
static inline void synthetic_settle(struct snapshot *s, struct clear_series *c)
{
	c->count = c->wall.count;
	c->bytes = c->order >= 0 ? c->count * 4096 << c->order : c->count * 65536;
	s->clears_total += c->count;
}

static inline void synthetic_no_loss(struct snapshot *s)
{
	s->loss.recursion = synthetic_known(0);
	s->loss.missed = synthetic_known(0);
	s->loss.storage_full = synthetic_known(0);
	s->loss.unmatched = synthetic_known(0);
	s->loss.dropped = synthetic_known(0);
}

static inline struct snapshot *synthetic_empty(const struct machine *m)
{
	struct snapshot *s = snapshot__new(m);

	assert_non_null(s);
	s->time_ns = SYNTHETIC_TIME_NS;
	s->mono_ns = 5000000000;
	s->interval_ns = 1000042000;
	synthetic_no_loss(s);
	s->self.map_bytes = 4 * 118272;
	s->self.rss_bytes = 4325376;
	synthetic_probe(s, "folio_zero_user", "fentry", NULL);
	synthetic_probe(s, "sched_switch", "tp_btf", NULL);
	synthetic_probe(s, "clear_pages", NULL, "inlined");
	synthetic_coverage(s, "thp", synthetic_known(0), 0, NULL);
	synthetic_coverage(s, "hugetlb", (struct opt_u64){0}, 0, NULL);
	return s;
}

/* What most first looks will show: one order, one node, nothing else measured. */
static inline struct snapshot *synthetic_simple(void)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	struct clear_series *c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_LOCAL);

	synthetic_fill(&c->wall, 205000, 512, "load", 1234, 9, 0);
	synthetic_settle(s, c);
	s->coverage[0].kernel.value = 512;
	s->coverage[0].seen.value = 512;
	return s;
}

static inline void synthetic_gaps(struct snapshot *s)
{
	struct gaps *g = synthetic_zeroed(1, sizeof(*g));

	s->gaps = g;
	g->sums = synthetic_zeroed(3, sizeof(*g->sums));
	g->nr_sums = 3;
	g->sums[0] = (struct gap_sum){.order = 9, .cause = ZS_GAP_RESCHED};
	g->sums[1] = (struct gap_sum){.order = 18, .cause = ZS_GAP_RESCHED};
	g->sums[2] = (struct gap_sum){.order = 9, .cause = ZS_GAP_BLOCKED};
	g->has_cause[ZS_GAP_RESCHED] = true;
	g->has_cause[ZS_GAP_BLOCKED] = true;
	synthetic_fill(&g->duration[ZS_GAP_RESCHED], 61000, 158, "load", 1234, 9, -1);
	g->sums[0].count = 150;
	g->sums[0].sum_ns = g->duration[ZS_GAP_RESCHED].sum_ns - 8 * 61000;
	g->sums[1].count = 8;
	g->sums[1].sum_ns = 8 * 61000;
	s->gaps_per_clear = (struct opt_double){.known = true, .value = 0.03046};
	s->gaps_counted = 158;
}

static inline void synthetic_resched(struct snapshot *s)
{
	struct resched *r = synthetic_zeroed(1, sizeof(*r));

	s->resched = r;
	snprintf(r->source, sizeof(r->source), "resched_curr");
	synthetic_fill(&r->now, 31000, 171, "cyclictest", 812, 9, 0);
	r->has_lazy = true;
	r->outlived = 13;
}

static inline void synthetic_orders(struct snapshot *s)
{
	struct duration_series *d;

	s->has_extents = true;
	s->nr_extents = 2;
	s->extents = d = synthetic_zeroed(2, sizeof(*d));
	d[0].order = 9;
	d[0].has_pages = true;
	synthetic_fill(&d[0].wall, 68000, 13824, "load", 1234, 9, 0);
	d[0].pages.count = 13824;
	d[0].pages.sum = 4608 * 512;
	d[0].pages.bucket[0] = 4096;
	d[0].pages.bucket[8] = 9728;
	d[1].order = 18;
	d[1].has_pages = true;
	synthetic_fill(&d[1].wall, 3270000, 33, "qemu-system-x86", 4711, 18, 1);
	d[1].pages.count = 33;
	d[1].pages.sum = 262144;
	d[1].pages.bucket[13] = 32;
	d[1].pages.bucket[HIST_PAGE_BUCKETS - 1] = 1;
	d[0].count = d[0].wall.count;
	d[1].count = d[1].wall.count;

	s->has_allocator = true;
	s->nr_allocator = 1;
	s->allocator = d = synthetic_zeroed(1, sizeof(*d));
	d->order = 4;
	synthetic_fill(&d->wall, 6100, 96, "dd", 902, 4, 0);
	d->count = d->wall.count;
	d->bytes = d->count * 65536;

	s->has_faults = true;
	s->nr_faults = 1;
	s->faults = d = synthetic_zeroed(1, sizeof(*d));
	d->order = 9;
	synthetic_fill(&d->wall, 234000, 4608, "load", 1234, 9, -1);
	d->count = d->wall.count;
}

static inline void synthetic_huge_zero(struct snapshot *s)
{
	struct huge_zero *z = synthetic_zeroed(1, sizeof(*z));

	s->huge_zero = z;
	z->refcount = synthetic_known(5);
	z->holders = synthetic_known(4);
	z->oldest_seconds = (struct opt_double){.known = true, .value = 4211.5};
	z->gets = synthetic_known(12);
	z->references_taken = synthetic_known(5);
	z->puts = synthetic_known(3);
	z->allocations = synthetic_known(1);
	z->allocation_failures = synthetic_known(0);
	z->reclaims = synthetic_known(0);
	z->reclaim_refusals = synthetic_known(2);
	z->has_hold = true;
	z->hold.count = 3;
	z->hold.sum_ns = 4212500000000;
	z->hold.bucket[40] = 2;
	z->hold.bucket[88] = 1;
	z->has_lifetime = true;
}

static inline void synthetic_payers(struct snapshot *s)
{
	s->nr_node_payers = 2;
	s->node_payers = synthetic_zeroed(2, sizeof(*s->node_payers));
	s->node_payers[0] = (struct payer){.count = 5108,
					   .bytes = 8640000000,
					   .sum_ns = 899000000,
					   .gap_ns = 9100000,
					   .max_ns = 1270000};
	s->node_payers[1] = (struct payer){.id = 1,
					   .count = 513,
					   .bytes = 2147483648,
					   .sum_ns = 289000000,
					   .gap_ns = 512000,
					   .max_ns = 108000000};
	s->nr_cgroup_payers = 2;
	s->cgroup_payers = synthetic_zeroed(2, sizeof(*s->cgroup_payers));
	s->cgroup_payers[0] = (struct payer){.id = 0,
					     .name = "other",
					     .count = 100,
					     .bytes = 6553600,
					     .sum_ns = 610000,
					     .max_ns = 9000};
	s->cgroup_payers[1] = (struct payer){.id = 4503,
					     .name = "/machine.slice/vm-1.scope",
					     .count = 5521,
					     .bytes = 10780000000,
					     .sum_ns = 1187390000,
					     .gap_ns = 9612000,
					     .max_ns = 108000000};
}

/* Everything that can be measured is. */
static inline struct snapshot *synthetic_full(void)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	struct clear_series *c;
	uint64_t mthp;

	s->probes[2].attached = true;
	snprintf(s->probes[2].tier, sizeof(s->probes[2].tier), "fentry");
	s->probes[2].reason[0] = '\0';
	snprintf(s->probes[0].reason, sizeof(s->probes[0].reason),
		 "kprobe would lose less under preempt=full");
	c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_LOCAL);
	synthetic_fill(&c->wall, 205000, 4096, "load", 1234, 9, 0);
	c->has_on_cpu = true;
	synthetic_fill(&c->on_cpu, 203000, 4096, "load", 1234, 9, 0);
	memset(&c->on_cpu.max, 0, sizeof(c->on_cpu.max));
	c->on_cpu.sum_ns = c->wall.sum_ns - 9100000;
	synthetic_settle(s, c);
	c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_REMOTE);
	synthetic_fill(&c->wall, 351000, 512, "load", 1235, 9, 1);
	c->has_on_cpu = true;
	c->on_cpu = c->wall;
	synthetic_settle(s, c);
	c = synthetic_series(s, 18, ZS_KIND_HUGETLB, ZS_NUMA_REMOTE);
	synthetic_hit(&c->wall, 108000000, 1);
	c->wall.max = synthetic_max(108000000, "qemu-system-x86", 4711, 18, 1);
	c->wall.max_since_attach = c->wall.max;
	synthetic_settle(s, c);
	c = synthetic_series(s, 4, ZS_KIND_MTHP, ZS_NUMA_LOCAL);
	synthetic_fill(&c->wall, 5900, 512, "Web Content", 99, 4, 0);
	synthetic_settle(s, c);
	mthp = c->count;
	c = synthetic_series(s, 3, ZS_KIND_MTHP, ZS_NUMA_LOCAL); /* nothing happened */
	synthetic_settle(s, c);
	c = synthetic_series(s, -1, ZS_KIND_OTHER, ZS_NUMA_UNKNOWN);
	c->other = true;
	synthetic_fill(&c->wall, 12000, 100, "systemd", 1, -1, -1);
	c->wall.max.order = -1;
	synthetic_settle(s, c);

	synthetic_gaps(s);
	synthetic_resched(s);
	synthetic_orders(s);
	synthetic_huge_zero(s);
	synthetic_payers(s);
	s->coverage[0].kernel.value = 4608;
	s->coverage[0].seen.value = 4608;
	synthetic_coverage(s, "mthp-64kB", synthetic_known(mthp), mthp, NULL);
	s->coverage[1].seen.value = 1;
	s->self.bpf_seconds = (struct opt_double){.known = true, .value = 0.00121};
	return s;
}

/* A stock 7.x: the allocator zeroes, nothing is seen at the fault. */
static inline struct snapshot *synthetic_hole(void)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine_7);

	s->coverage[0].kernel.value = 512;
	snprintf(s->coverage[0].reason, sizeof(s->coverage[0].reason),
		 "the page allocator zeroes them (init_on_alloc=1), and then no clear follows at "
		 "the fault; run with --allocator to time them there, or boot with "
		 "init_on_alloc=0");
	synthetic_coverage(s, "shmem", synthetic_known(32), 0,
			   "shmem zeroes page by page, which is not a folio clear");
	return s;
}

/* Events were lost, and the kernel does not tell everything. */
static inline struct snapshot *synthetic_lossy(void)
{
	struct snapshot *s = synthetic_simple();

	s->floor = true;
	s->clears[0].wall.bucket[hist__bucket(205000)] -= 9;
	s->clears[0].wall.count -= 9;
	s->clears_total += 21;
	s->loss.recursion = synthetic_known(21);
	s->loss.missed.known = false;
	s->loss.unmatched = synthetic_known(9);
	return s;
}

/* Names that try to act on what they are printed to, and numbers that try the columns. */
static inline struct snapshot *synthetic_hostile(void)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	struct clear_series *c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_LOCAL);
	unsigned int i;

	synthetic_hit(&c->wall, 0, 3);
	synthetic_hit(&c->wall, 238, 1);
	synthetic_hit(&c->wall, 205000, 18000000000000ULL);
	synthetic_hit(&c->wall, 100000000000ULL, 2);
	c->wall.max = synthetic_max(100000000000ULL,
				    "\033]0;pwn\007\"\\\n\x9b"
				    "2J",
				    4194304, 9, 0);
	c->wall.max_since_attach = c->wall.max;
	c->count = c->wall.count;
	c->bytes = UINT64_MAX;
	s->clears_total = c->count;
	s->interval_ns = 86400ULL * NSEC_PER_SEC;

	c = synthetic_series(s, 2, ZS_KIND_MTHP, ZS_NUMA_UNKNOWN);
	/* U+202E turns the line around, \xc3\x28 is no UTF-8, U+4E2D takes two columns. */
	synthetic_hit(&c->wall, 900, 1);
	c->wall.max = synthetic_max(900, "a\xe2\x80\xaez\xc3\x28\xe4\xb8\xad\xc3\xbc'", 1, 2, -1);
	c->wall.max_since_attach = c->wall.max;
	synthetic_settle(s, c);

	memcpy(s->filters.comm, "\033[31mred", 9);
	for (i = 0; i < sizeof(s->filters.cgroup) - 1; i++)
		s->filters.cgroup[i] = (char)(i % 16 ? 'a' + i % 26 : '/');
	snprintf(s->filters.pids, sizeof(s->filters.pids), "12,4194304");
	s->filters.min_order = 2;
	s->nr_cgroup_payers = 1;
	s->cgroup_payers = synthetic_zeroed(1, sizeof(*s->cgroup_payers));
	s->cgroup_payers[0].id = 77;
	s->cgroup_payers[0].count = UINT64_MAX;
	s->cgroup_payers[0].bytes = UINT64_MAX;
	s->cgroup_payers[0].sum_ns = UINT64_MAX;
	s->cgroup_payers[0].max_ns = UINT64_MAX;
	snprintf(s->cgroup_payers[0].name, sizeof(s->cgroup_payers[0].name),
		 "/x\033[2J\r\n\t\x7f\x01\x05\xc2\x9b"
		 "2Jy");
	return s;
}

/* Nothing is known about anything. */
static inline struct snapshot *synthetic_unknown(void)
{
	struct snapshot *s = snapshot__new(NULL);

	assert_non_null(s);
	s->time_ns = SYNTHETIC_TIME_NS;
	return s;
}

#endif /* TESTS_SYNTHETIC_H */
