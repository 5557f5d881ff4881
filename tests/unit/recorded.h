/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

/*
 * Snapshots for the tests of the recording: random ones in which every field
 * takes every kind of value, an hour of a busy machine, and a comparison of two
 * field by field. Without CMocka, so that the fuzzer's seeds come from here too.
 */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "snapshot.h"
#include "util.h"

static inline uint64_t random64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return random64(state) % n;
}

static inline double random_unit(uint64_t *state)
{
	return (double)(random64(state) >> 11) / (1ULL << 53);
}

/* Of any size, with the ends of every size often. */
static inline uint64_t random_number(uint64_t *state)
{
	unsigned int bits = (unsigned int)random_below(state, 65);
	uint64_t top = bits == 64 ? UINT64_MAX : (1ULL << bits) - 1;

	switch (random_below(state, 4)) {
	case 0:
		return top;
	case 1:
		return bits ? 1ULL << (bits - 1) : 0;
	default:
		return random64(state) & top;
	}
}

static inline void random_text(uint64_t *state, char *out, size_t size)
{
	size_t len = random_below(state, 4) ? random_below(state, 12) : random_below(state, size);

	memset(out, 0, size);
	for (size_t i = 0; i < len && i + 1 < size; i++)
		out[i] = (char)(1 + random_below(state, 255));
}

#define RANDOM_TEXT(state, out) random_text(state, out, sizeof(out))

static inline struct opt_u64 random_opt(uint64_t *state)
{
	if (random_below(state, 3))
		return (struct opt_u64){.known = true, .value = random_number(state)};
	return (struct opt_u64){0};
}

static inline struct opt_double random_opt_double(uint64_t *state)
{
	switch (random_below(state, 5)) {
	case 0:
		return (struct opt_double){0};
	case 1:
		return (struct opt_double){.known = true, .value = random_unit(state)};
	case 2:
		return (struct opt_double){.known = true,
					   .value = (double)random_below(state, 1ULL << 50) / 1e9};
	case 3:
		return (struct opt_double){.known = true, .value = -0.0};
	default:
		return (struct opt_double){.known = true, .value = INFINITY};
	}
}

static inline int random_order(uint64_t *state)
{
	return (int)random_below(state, ZS_ORDERS + 1) - 1;
}

static inline struct hist_max random_max(uint64_t *state)
{
	struct hist_max m = {0};

	if (!random_below(state, 4))
		return m;
	m.known = true;
	m.ns = random_number(state);
	m.time_ns = random_number(state);
	m.pid = (uint32_t)random_number(state);
	m.tid = (uint32_t)random_number(state);
	m.order = random_order(state);
	m.node = (int)random_below(state, ZS_NODES + 1) - 1;
	RANDOM_TEXT(state, m.comm);
	return m;
}

/* Returns the sum of the buckets, as the count is, but not where a series went wrong. */
static inline uint64_t random_buckets(uint64_t *state, uint64_t *bucket, size_t nr)
{
	size_t hits = random_below(state, 40);
	uint64_t sum = 0;

	if (!random_below(state, 50))
		hits = 4 * nr;
	for (size_t i = 0; i < hits; i++)
		bucket[random_below(state, nr)] = random_below(state, 8) ? random_below(state, 300)
									 : random_number(state);
	for (size_t i = 0; i < nr; i++)
		sum += bucket[i];
	return random_below(state, 20) ? sum : random_number(state);
}

static inline void random_hist(uint64_t *state, struct hist *h)
{
	h->count = random_buckets(state, h->bucket, ZS_BUCKETS);
	h->sum_ns = random_number(state);
	h->max = random_max(state);
	h->max_since_attach = random_below(state, 3) ? random_max(state) : h->max;
}

static inline void random_span(uint64_t *state, bool *has, struct span_hist *h)
{
	*has = random_below(state, 2);
	if (!*has)
		return;
	h->count = random_buckets(state, h->bucket, ZS_SPAN_BUCKETS);
	h->sum_ns = random_number(state);
}

/* A list of a random length, zeroed; the length goes to *nr. */
static inline void *random_list(uint64_t *state, size_t *nr, size_t size)
{
	*nr = random_below(state, 20) ? random_below(state, 4) : random_below(state, 60);
	return *nr ? calloc(*nr, size) : NULL;
}

static inline struct duration_series *random_durations(uint64_t *state, bool *has, size_t *nr)
{
	struct duration_series *d;

	*has = random_below(state, 2);
	if (!*has)
		return NULL;
	d = random_list(state, nr, sizeof(*d));
	for (size_t i = 0; i < *nr; i++) {
		d[i].order = random_order(state);
		d[i].count = random_number(state);
		d[i].bytes = random_number(state);
		random_hist(state, &d[i].wall);
		d[i].has_pages = random_below(state, 2);
		if (!d[i].has_pages)
			continue;
		d[i].pages.count = random_buckets(state, d[i].pages.bucket, HIST_PAGE_BUCKETS);
		d[i].pages.sum = random_number(state);
	}
	return d;
}

static inline struct payer *random_payers(uint64_t *state, size_t *nr)
{
	struct payer *p = random_list(state, nr, sizeof(*p));

	for (size_t i = 0; i < *nr; i++) {
		p[i].id = random_number(state);
		RANDOM_TEXT(state, p[i].name);
		p[i].count = random_number(state);
		p[i].bytes = random_number(state);
		p[i].sum_ns = random_number(state);
		p[i].gap_ns = random_number(state);
		p[i].max_ns = random_number(state);
	}
	return p;
}

static inline void random_machine(uint64_t *state, struct machine *m)
{
	memset(m, 0, sizeof(*m));
	RANDOM_TEXT(state, m->release);
	RANDOM_TEXT(state, m->version);
	RANDOM_TEXT(state, m->arch);
	RANDOM_TEXT(state, m->host);
	m->page_size = 1ULL << random_below(state, 17);
	m->pmd_order = random_order(state);
	m->cpus = (int)random_below(state, 4096);
	m->nodes = (int)random_below(state, 64);
	m->preempt_model = (enum preempt_model)random_below(state, PREEMPT_RT + 1);
	RANDOM_TEXT(state, m->preempt_source);
	m->init_on_alloc = (int)random_below(state, 3) - 1;
	m->huge_zero = (enum huge_zero_kind)random_below(state, HUGE_ZERO_ABSENT + 1);
	m->tick_ns = random_number(state);
}

static inline void random_gaps(uint64_t *state, struct snapshot *s)
{
	struct gaps *g = calloc(1, sizeof(*g));

	s->gaps = g;
	g->sums = random_list(state, &g->nr_sums, sizeof(*g->sums));
	for (size_t i = 0; i < g->nr_sums; i++) {
		g->sums[i].order = random_order(state);
		g->sums[i].cause = (uint8_t)random_below(state, ZS_GAP_CAUSES);
		g->sums[i].count = random_number(state);
		g->sums[i].sum_ns = random_number(state);
	}
	for (size_t i = 0; i < ZS_GAP_CAUSES; i++) {
		g->has_cause[i] = random_below(state, 2);
		if (g->has_cause[i])
			random_hist(state, &g->duration[i]);
	}
}

static inline void random_huge_zero(uint64_t *state, struct snapshot *s)
{
	struct huge_zero *z = calloc(1, sizeof(*z));

	s->huge_zero = z;
	z->refcount = random_opt(state);
	z->holders = random_opt(state);
	z->oldest_seconds = random_opt_double(state);
	RANDOM_TEXT(state, z->refcount_reason);
	RANDOM_TEXT(state, z->holders_reason);
	z->oldest_at_least = random_below(state, 2);
	z->gets = random_opt(state);
	z->references_taken = random_opt(state);
	z->puts = random_opt(state);
	z->allocations = random_opt(state);
	z->allocation_failures = random_opt(state);
	z->reclaims = random_opt(state);
	z->reclaim_refusals = random_opt(state);
	random_span(state, &z->has_hold, &z->hold);
	random_span(state, &z->has_lifetime, &z->lifetime);
}

static inline void random_lists(uint64_t *state, struct snapshot *s)
{
	s->probes = random_list(state, &s->nr_probes, sizeof(*s->probes));
	for (size_t i = 0; i < s->nr_probes; i++) {
		RANDOM_TEXT(state, s->probes[i].name);
		RANDOM_TEXT(state, s->probes[i].tier);
		RANDOM_TEXT(state, s->probes[i].reason);
		s->probes[i].attached = random_below(state, 2);
	}
	s->clears = random_list(state, &s->nr_clears, sizeof(*s->clears));
	for (size_t i = 0; i < s->nr_clears; i++) {
		struct clear_series *c = &s->clears[i];

		c->kind = (uint8_t)random_below(state, ZS_KINDS);
		c->numa = (uint8_t)random_below(state, ZS_NUMAS);
		c->other = random_below(state, 2);
		c->order = random_order(state);
		c->count = random_number(state);
		c->bytes = random_number(state);
		random_hist(state, &c->wall);
		c->has_on_cpu = random_below(state, 2);
		if (c->has_on_cpu)
			random_hist(state, &c->on_cpu);
	}
	s->coverage = random_list(state, &s->nr_coverage, sizeof(*s->coverage));
	for (size_t i = 0; i < s->nr_coverage; i++) {
		RANDOM_TEXT(state, s->coverage[i].what);
		s->coverage[i].kernel = random_opt(state);
		s->coverage[i].seen = random_opt(state);
		RANDOM_TEXT(state, s->coverage[i].reason);
	}
}

/* What totals have and intervals do not. */
static inline void random_counters(uint64_t *state, struct snapshot *s)
{
	struct coverage_counters *c = s->kernel_counters = calloc(1, sizeof(*c));
	struct coverage_seen *seen = s->seen = calloc(1, sizeof(*seen));

	c->thp_fault = random_opt(state);
	c->thp_fallback = random_opt(state);
	c->thp_zero_page = random_opt(state);
	c->thp_zero_page_failed = random_opt(state);
	c->shmem_thp = random_opt(state);
	c->collapse = random_opt(state);
	c->guest_memfd = random_below(state, 2);
	for (size_t i = 0; i < ZS_ORDERS; i++) {
		c->anon[i] = random_opt(state);
		c->shmem[i] = random_opt(state);
		seen->allocator[i] = random_number(state);
		for (size_t k = 0; k < ZS_KINDS; k++)
			seen->clears[k][i] = random_below(state, 3) ? 0 : random_number(state);
	}
	seen->allocator_measured = random_below(state, 2);
	seen->allocator_skips = random_below(state, 2);
	seen->open = random_number(state);
}

/* Any snapshot that can be. */
static inline struct snapshot *random_snapshot(uint64_t *state, const struct machine *machine)
{
	struct snapshot *s = snapshot__new(machine);

	s->time_ns = random_number(state);
	s->mono_ns = random_number(state);
	s->interval_ns = random_number(state);
	s->floor = random_below(state, 2);
	if (random_below(state, 2)) {
		RANDOM_TEXT(state, s->filters.pids);
		RANDOM_TEXT(state, s->filters.comm);
		RANDOM_TEXT(state, s->filters.cgroup);
		s->filters.min_order = (int)random_below(state, ZS_ORDERS);
	}
	s->clears_total = random_number(state);
	random_lists(state, s);
	if (random_below(state, 2))
		random_gaps(state, s);
	s->gaps_per_clear = random_opt_double(state);
	s->gaps_counted = random_number(state);
	if (random_below(state, 2)) {
		s->resched = calloc(1, sizeof(*s->resched));
		RANDOM_TEXT(state, s->resched->source);
		random_hist(state, &s->resched->now);
		s->resched->has_lazy = random_below(state, 2);
		if (s->resched->has_lazy)
			random_hist(state, &s->resched->lazy);
		s->resched->outlived = random_number(state);
	}
	s->extents = random_durations(state, &s->has_extents, &s->nr_extents);
	s->allocator = random_durations(state, &s->has_allocator, &s->nr_allocator);
	s->faults = random_durations(state, &s->has_faults, &s->nr_faults);
	if (random_below(state, 2))
		random_huge_zero(state, s);
	s->node_payers = random_payers(state, &s->nr_node_payers);
	s->cgroup_payers = random_payers(state, &s->nr_cgroup_payers);
	s->loss.recursion = random_opt(state);
	s->loss.missed = random_opt(state);
	s->loss.storage_full = random_opt(state);
	s->loss.unmatched = random_opt(state);
	s->loss.dropped = random_opt(state);
	s->self.bpf_seconds = random_opt_double(state);
	s->self.map_bytes = random_number(state);
	s->self.rss_bytes = random_number(state);
	return s;
}

/*
 * Are two snapshots the same, field by field? Where not, *field says what
 * differs first.
 */
#define SAME(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			*field = #cond;                                                            \
			return false;                                                              \
		}                                                                                  \
	} while (0)

static inline bool same_opt(const struct opt_u64 *a, const struct opt_u64 *b)
{
	return a->known == b->known && (!a->known || a->value == b->value);
}

/* Bit by bit, so that NaN is itself and -0 is not 0. */
static inline bool same_opt_double(const struct opt_double *a, const struct opt_double *b)
{
	return a->known == b->known && (!a->known || !memcmp(&a->value, &b->value, sizeof(double)));
}

static inline bool same_max(const struct hist_max *a, const struct hist_max *b)
{
	if (!a->known || !b->known)
		return a->known == b->known;
	return a->ns == b->ns && a->time_ns == b->time_ns && a->pid == b->pid && a->tid == b->tid &&
	       a->order == b->order && a->node == b->node && !strcmp(a->comm, b->comm);
}

static inline bool same_hist(const struct hist *a, const struct hist *b)
{
	return a->count == b->count && a->sum_ns == b->sum_ns &&
	       !memcmp(a->bucket, b->bucket, sizeof(a->bucket)) && same_max(&a->max, &b->max) &&
	       same_max(&a->max_since_attach, &b->max_since_attach);
}

static inline bool same_span(const struct span_hist *a, const struct span_hist *b)
{
	return a->count == b->count && a->sum_ns == b->sum_ns &&
	       !memcmp(a->bucket, b->bucket, sizeof(a->bucket));
}

static inline bool same_machines(const struct machine *a, const struct machine *b,
				 const char **field)
{
	SAME(!strcmp(a->release, b->release));
	SAME(!strcmp(a->version, b->version));
	SAME(!strcmp(a->arch, b->arch));
	SAME(!strcmp(a->host, b->host));
	SAME(a->page_size == b->page_size);
	SAME(a->pmd_order == b->pmd_order);
	SAME(a->cpus == b->cpus);
	SAME(a->nodes == b->nodes);
	SAME(a->preempt_model == b->preempt_model);
	SAME(!strcmp(a->preempt_source, b->preempt_source));
	SAME(a->init_on_alloc == b->init_on_alloc);
	SAME(a->huge_zero == b->huge_zero);
	SAME(a->tick_ns == b->tick_ns);
	return true;
}

static inline bool same_durations(const struct duration_series *a, const struct duration_series *b,
				  size_t nr, const char **field)
{
	for (size_t i = 0; i < nr; i++) {
		SAME(a[i].order == b[i].order);
		SAME(a[i].count == b[i].count);
		SAME(a[i].bytes == b[i].bytes);
		SAME(same_hist(&a[i].wall, &b[i].wall));
		SAME(a[i].has_pages == b[i].has_pages);
		if (!a[i].has_pages)
			continue;
		SAME(a[i].pages.count == b[i].pages.count);
		SAME(a[i].pages.sum == b[i].pages.sum);
		SAME(!memcmp(a[i].pages.bucket, b[i].pages.bucket, sizeof(a[i].pages.bucket)));
	}
	return true;
}

static inline bool same_payers(const struct payer *a, const struct payer *b, size_t nr,
			       const char **field)
{
	for (size_t i = 0; i < nr; i++) {
		SAME(a[i].id == b[i].id);
		SAME(!strcmp(a[i].name, b[i].name));
		SAME(a[i].count == b[i].count);
		SAME(a[i].bytes == b[i].bytes);
		SAME(a[i].sum_ns == b[i].sum_ns);
		SAME(a[i].gap_ns == b[i].gap_ns);
		SAME(a[i].max_ns == b[i].max_ns);
	}
	return true;
}

static inline bool same_rows(const struct snapshot *a, const struct snapshot *b, const char **field)
{
	SAME(a->nr_probes == b->nr_probes);
	for (size_t i = 0; i < a->nr_probes; i++) {
		SAME(!strcmp(a->probes[i].name, b->probes[i].name));
		SAME(!strcmp(a->probes[i].tier, b->probes[i].tier));
		SAME(!strcmp(a->probes[i].reason, b->probes[i].reason));
		SAME(a->probes[i].attached == b->probes[i].attached);
	}
	SAME(a->nr_clears == b->nr_clears);
	for (size_t i = 0; i < a->nr_clears; i++) {
		const struct clear_series *x = &a->clears[i], *y = &b->clears[i];

		SAME(x->kind == y->kind && x->numa == y->numa);
		SAME(x->other == y->other);
		SAME(x->order == y->order);
		SAME(x->count == y->count);
		SAME(x->bytes == y->bytes);
		SAME(same_hist(&x->wall, &y->wall));
		SAME(x->has_on_cpu == y->has_on_cpu);
		SAME(!x->has_on_cpu || same_hist(&x->on_cpu, &y->on_cpu));
	}
	SAME(a->nr_coverage == b->nr_coverage);
	for (size_t i = 0; i < a->nr_coverage; i++) {
		SAME(!strcmp(a->coverage[i].what, b->coverage[i].what));
		SAME(same_opt(&a->coverage[i].kernel, &b->coverage[i].kernel));
		SAME(same_opt(&a->coverage[i].seen, &b->coverage[i].seen));
		SAME(!strcmp(a->coverage[i].reason, b->coverage[i].reason));
	}
	return true;
}

static inline bool same_gaps(const struct gaps *a, const struct gaps *b, const char **field)
{
	SAME(!a == !b);
	if (!a)
		return true;
	SAME(a->nr_sums == b->nr_sums);
	for (size_t i = 0; i < a->nr_sums; i++) {
		SAME(a->sums[i].order == b->sums[i].order);
		SAME(a->sums[i].cause == b->sums[i].cause);
		SAME(a->sums[i].count == b->sums[i].count);
		SAME(a->sums[i].sum_ns == b->sums[i].sum_ns);
	}
	for (size_t i = 0; i < ZS_GAP_CAUSES; i++) {
		SAME(a->has_cause[i] == b->has_cause[i]);
		SAME(!a->has_cause[i] || same_hist(&a->duration[i], &b->duration[i]));
	}
	return true;
}

static inline bool same_huge_zero(const struct huge_zero *a, const struct huge_zero *b,
				  const char **field)
{
	SAME(!a == !b);
	if (!a)
		return true;
	SAME(same_opt(&a->refcount, &b->refcount));
	SAME(same_opt(&a->holders, &b->holders));
	SAME(same_opt_double(&a->oldest_seconds, &b->oldest_seconds));
	SAME(!strcmp(a->refcount_reason, b->refcount_reason));
	SAME(!strcmp(a->holders_reason, b->holders_reason));
	SAME(a->oldest_at_least == b->oldest_at_least);
	SAME(same_opt(&a->gets, &b->gets));
	SAME(same_opt(&a->references_taken, &b->references_taken));
	SAME(same_opt(&a->puts, &b->puts));
	SAME(same_opt(&a->allocations, &b->allocations));
	SAME(same_opt(&a->allocation_failures, &b->allocation_failures));
	SAME(same_opt(&a->reclaims, &b->reclaims));
	SAME(same_opt(&a->reclaim_refusals, &b->reclaim_refusals));
	SAME(a->has_hold == b->has_hold);
	SAME(!a->has_hold || same_span(&a->hold, &b->hold));
	SAME(a->has_lifetime == b->has_lifetime);
	SAME(!a->has_lifetime || same_span(&a->lifetime, &b->lifetime));
	return true;
}

static inline bool same_counters(const struct snapshot *x, const struct snapshot *y,
				 const char **field)
{
	const struct coverage_counters *a = x->kernel_counters, *b = y->kernel_counters;

	SAME(!a == !b && !x->seen == !y->seen);
	if (a) {
		SAME(same_opt(&a->thp_fault, &b->thp_fault));
		SAME(same_opt(&a->thp_fallback, &b->thp_fallback));
		SAME(same_opt(&a->thp_zero_page, &b->thp_zero_page));
		SAME(same_opt(&a->thp_zero_page_failed, &b->thp_zero_page_failed));
		SAME(same_opt(&a->shmem_thp, &b->shmem_thp));
		SAME(same_opt(&a->collapse, &b->collapse));
		SAME(a->guest_memfd == b->guest_memfd);
		for (size_t i = 0; i < ZS_ORDERS; i++)
			SAME(same_opt(&a->anon[i], &b->anon[i]) &&
			     same_opt(&a->shmem[i], &b->shmem[i]));
	}
	if (!x->seen)
		return true;
	SAME(!memcmp(x->seen->clears, y->seen->clears, sizeof(x->seen->clears)));
	SAME(!memcmp(x->seen->allocator, y->seen->allocator, sizeof(x->seen->allocator)));
	SAME(x->seen->allocator_measured == y->seen->allocator_measured);
	SAME(x->seen->allocator_skips == y->seen->allocator_skips);
	SAME(x->seen->open == y->seen->open);
	return true;
}

static inline bool same_snapshot(const struct snapshot *a, const struct snapshot *b,
				 const char **field)
{
	SAME(a->time_ns == b->time_ns);
	SAME(a->mono_ns == b->mono_ns);
	SAME(a->interval_ns == b->interval_ns);
	SAME(a->floor == b->floor);
	SAME(!strcmp(a->filters.pids, b->filters.pids));
	SAME(!strcmp(a->filters.comm, b->filters.comm));
	SAME(!strcmp(a->filters.cgroup, b->filters.cgroup));
	SAME(a->filters.min_order == b->filters.min_order);
	SAME(a->clears_total == b->clears_total);
	if (!same_machines(a->machine, b->machine, field) || !same_rows(a, b, field) ||
	    !same_gaps(a->gaps, b->gaps, field) ||
	    !same_huge_zero(a->huge_zero, b->huge_zero, field) || !same_counters(a, b, field))
		return false;
	SAME(same_opt_double(&a->gaps_per_clear, &b->gaps_per_clear));
	SAME(a->gaps_counted == b->gaps_counted);
	SAME(!a->resched == !b->resched);
	if (a->resched) {
		SAME(!strcmp(a->resched->source, b->resched->source));
		SAME(same_hist(&a->resched->now, &b->resched->now));
		SAME(a->resched->has_lazy == b->resched->has_lazy);
		SAME(!a->resched->has_lazy || same_hist(&a->resched->lazy, &b->resched->lazy));
		SAME(a->resched->outlived == b->resched->outlived);
	}
	SAME(a->has_extents == b->has_extents && a->nr_extents == b->nr_extents);
	SAME(a->has_allocator == b->has_allocator && a->nr_allocator == b->nr_allocator);
	SAME(a->has_faults == b->has_faults && a->nr_faults == b->nr_faults);
	SAME(a->nr_node_payers == b->nr_node_payers);
	SAME(a->nr_cgroup_payers == b->nr_cgroup_payers);
	if (!same_durations(a->extents, b->extents, a->nr_extents, field) ||
	    !same_durations(a->allocator, b->allocator, a->nr_allocator, field) ||
	    !same_durations(a->faults, b->faults, a->nr_faults, field) ||
	    !same_payers(a->node_payers, b->node_payers, a->nr_node_payers, field) ||
	    !same_payers(a->cgroup_payers, b->cgroup_payers, a->nr_cgroup_payers, field))
		return false;
	SAME(same_opt(&a->loss.recursion, &b->loss.recursion));
	SAME(same_opt(&a->loss.missed, &b->loss.missed));
	SAME(same_opt(&a->loss.storage_full, &b->loss.storage_full));
	SAME(same_opt(&a->loss.unmatched, &b->loss.unmatched));
	SAME(same_opt(&a->loss.dropped, &b->loss.dropped));
	SAME(same_opt_double(&a->self.bpf_seconds, &b->self.bpf_seconds));
	SAME(a->self.map_bytes == b->self.map_bytes);
	SAME(a->self.rss_bytes == b->self.rss_bytes);
	return true;
}

#undef SAME

/*
 * An hour of a busy machine, second by second: ten series, each with a
 * log-normal body, outliers of up to twenty times in one of a hundred, on-CPU
 * times of those that had a gap, maxima by a few processes, gaps, resched
 * delays, the ledger, two nodes, nineteen rows of coverage.
 */
#define HOUR_SERIES  10
#define HOUR_SECONDS 3600

struct hour {
	uint64_t state;
	uint64_t second;
	uint64_t bound_ns[ZS_BUCKETS];
	double share[HOUR_SERIES][ZS_BUCKETS]; /* of a bucket in the series' clears */
	struct hist_max max[HOUR_SERIES];
};

static const struct hour_series {
	int order;
	uint8_t kind, numa;
	double rate, typical_ns, sigma;
} hour_series[HOUR_SERIES] = {
	{9, ZS_KIND_THP, ZS_NUMA_LOCAL, 2000, 120e3, .30},
	{9, ZS_KIND_THP, ZS_NUMA_REMOTE, 60, 300e3, .35},
	{4, ZS_KIND_MTHP, ZS_NUMA_LOCAL, 4000, 6e3, .25},
	{4, ZS_KIND_MTHP, ZS_NUMA_REMOTE, 300, 9e3, .25},
	{5, ZS_KIND_MTHP, ZS_NUMA_LOCAL, 800, 11e3, .20},
	{2, ZS_KIND_MTHP, ZS_NUMA_LOCAL, 1000, 2e3, .20},
	{3, ZS_KIND_MTHP, ZS_NUMA_LOCAL, 200, 3e3, .20},
	{9, ZS_KIND_HUGETLB, ZS_NUMA_LOCAL, 100, 150e3, .25},
	{9, ZS_KIND_HUGETLB, ZS_NUMA_REMOTE, 20, 320e3, .15},
	{18, ZS_KIND_HUGETLB, ZS_NUMA_LOCAL, 2, 60e6, .10},
};

static inline double normal_below(double x)
{
	return erfc(-x / sqrt(2)) / 2;
}

static inline void hour_init(struct hour *hour)
{
	memset(hour, 0, sizeof(*hour));
	hour->state = 6;
	for (size_t i = 0; i < ZS_BUCKETS; i++)
		hour->bound_ns[i] = i < ZS_BOUNDS ? hist__bound_ns((unsigned int)i)
						  : 128 * NSEC_PER_SEC;
	for (size_t i = 0; i < HOUR_SERIES; i++) {
		const struct hour_series *h = &hour_series[i];
		double below = 0, tail_below = 0;

		for (size_t j = 0; j < ZS_BUCKETS; j++) {
			double x = (double)hour->bound_ns[j] / h->typical_ns;
			double body = normal_below(log(x) / h->sigma);
			double tail = x < 1 ? 0 : x < 20 ? (x - 1) / 19 : 1;

			hour->share[i][j] = .99 * (body - below) + .01 * (tail - tail_below);
			below = body;
			tail_below = tail;
		}
	}
}

static inline uint64_t poisson(uint64_t *state, double mean)
{
	double limit = exp(-mean), p = 1;
	uint64_t n = 0;

	if (mean < 1e-9)
		return 0;
	if (mean > 60) {
		double z =
			sqrt(-2 * log(1 - random_unit(state))) * cos(2 * M_PI * random_unit(state));

		return (uint64_t)max(0.0, floor(mean + sqrt(mean) * z + .5));
	}
	while ((p *= random_unit(state)) > limit)
		n++;
	return n;
}

/* A second of one series; scale thins it out. */
static inline void hour_hist(struct hour *hour, size_t series, double scale, struct hist *h)
{
	double rate = hour_series[series].rate * scale;

	for (size_t i = 0; i < ZS_BUCKETS; i++) {
		uint64_t n = poisson(&hour->state, rate * hour->share[series][i]);
		uint64_t lo = i ? hour->bound_ns[i - 1] : 0, hi = hour->bound_ns[i];

		if (!n)
			continue;
		h->bucket[i] = n;
		h->count += n;
		for (uint64_t k = 0; k < n; k++)
			h->sum_ns += lo + 1 + random_below(&hour->state, hi - lo);
		h->max.ns = lo + 1 + random_below(&hour->state, hi - lo);
	}
}

/* Some clears had a gap and were a few buckets less on the CPU. */
static inline void hour_on_cpu(struct hour *hour, double gap_share, struct clear_series *c)
{
	c->on_cpu.count = c->wall.count;
	c->on_cpu.sum_ns = c->wall.sum_ns;
	for (size_t i = 0; i < ZS_BUCKETS; i++) {
		uint64_t nr = c->wall.bucket[i], moved = 0;

		for (uint64_t k = 0; k < nr && i >= 8; k++) {
			if (random_unit(&hour->state) >= gap_share)
				continue;
			moved++;
			c->on_cpu.bucket[i - 1 - random_below(&hour->state, 8)]++;
			c->on_cpu.sum_ns -= random_below(&hour->state, hour->bound_ns[i] / 4);
		}
		c->on_cpu.bucket[i] += nr - moved;
	}
}

static inline void hour_max(struct hour *hour, size_t series, uint64_t time_ns, struct hist *h)
{
	static const char *const comms[] = {"postgres",	 "java",	"qemu-system-x86",
					    "memcached", "Web Content", "redis-server"};
	uint64_t who = random_below(&hour->state, 40);

	if (!h->count)
		return;
	h->max.known = true;
	h->max.time_ns = time_ns - random_below(&hour->state, NSEC_PER_SEC);
	h->max.pid = (uint32_t)(1200 + 37 * who);
	h->max.tid = h->max.pid + (uint32_t)(who % 3 ? random_below(&hour->state, 64) : 0);
	h->max.order = hour_series[series].order;
	h->max.node = (int)random_below(&hour->state, 2);
	snprintf(h->max.comm, sizeof(h->max.comm), "%s", comms[who % ARRAY_SIZE(comms)]);
	hist__max_fold(&hour->max[series], &h->max);
	h->max_since_attach = hour->max[series];
}

static inline void hour_coverage(struct snapshot *s)
{
	static const char *const what[] = {
		"thp",		"mthp-16kB",  "mthp-32kB",   "mthp-64kB",   "mthp-128kB",
		"mthp-256kB",	"mthp-512kB", "mthp-1024kB", "shmem",	    "shmem-16kB",
		"shmem-32kB",	"shmem-64kB", "shmem-128kB", "shmem-256kB", "shmem-512kB",
		"shmem-1024kB", "collapse",   "guest_memfd", "hugetlb"};

	s->nr_coverage = ARRAY_SIZE(what);
	s->coverage = calloc(s->nr_coverage, sizeof(*s->coverage));
	for (size_t i = 0; i < s->nr_coverage; i++) {
		struct coverage *c = &s->coverage[i];

		snprintf(c->what, sizeof(c->what), "%s", what[i]);
		c->kernel.known = i + 1 < s->nr_coverage;
		c->seen.known = true;
		if (i < 4)
			c->kernel.value = c->seen.value = s->clears[i].count;
		if (i == 8)
			snprintf(c->reason, sizeof(c->reason),
				 "shmem zeroes page by page, which no probe can tell from others");
	}
}

static inline void hour_rest(struct hour *hour, struct snapshot *s)
{
	static const char *const probes[] = {"folio_zero_user",
					     "sched_switch",
					     "resched_curr",
					     "clear_pages",
					     "mm_get_huge_zero_folio",
					     "mm_put_huge_zero_folio",
					     "shrink_huge_zero_folio_count"};

	s->nr_probes = ARRAY_SIZE(probes);
	s->probes = calloc(s->nr_probes, sizeof(*s->probes));
	for (size_t i = 0; i < s->nr_probes; i++) {
		struct probe_state *p = &s->probes[i];

		snprintf(p->name, sizeof(p->name), "%s", probes[i]);
		p->attached = i != 3;
		snprintf(p->tier, sizeof(p->tier), "%s", i == 3 ? "" : "fentry");
		snprintf(p->reason, sizeof(p->reason), "%s", i == 3 ? "inlined" : "");
	}
	s->gaps = calloc(1, sizeof(*s->gaps));
	s->gaps->nr_sums = 3;
	s->gaps->sums = calloc(3, sizeof(*s->gaps->sums));
	s->gaps->has_cause[ZS_GAP_RESCHED] = true;
	hour_hist(hour, 4, .1, &s->gaps->duration[ZS_GAP_RESCHED]);
	hour_max(hour, 4, s->time_ns, &s->gaps->duration[ZS_GAP_RESCHED]);
	for (size_t i = 0; i < 3; i++) {
		s->gaps->sums[i].order = i ? (i == 1 ? 9 : 18) : 4;
		s->gaps->sums[i].count = poisson(&hour->state, 25);
		s->gaps->sums[i].sum_ns =
			s->gaps->sums[i].count * 11000 + random_below(&hour->state, 100000);
		s->gaps_counted += s->gaps->sums[i].count;
	}
	s->gaps_per_clear = (struct opt_double){true, (double)s->gaps_counted / 8000};
	s->resched = calloc(1, sizeof(*s->resched));
	snprintf(s->resched->source, sizeof(s->resched->source), "resched_curr");
	hour_hist(hour, 7, .5, &s->resched->now);
	hour_max(hour, 7, s->time_ns, &s->resched->now);
	s->huge_zero = calloc(1, sizeof(*s->huge_zero));
	s->huge_zero->refcount = (struct opt_u64){true, 12};
	s->huge_zero->holders = (struct opt_u64){true, 11};
	s->huge_zero->oldest_seconds = (struct opt_double){true, (double)s->mono_ns / 1e9};
	s->huge_zero->gets = (struct opt_u64){true, poisson(&hour->state, 5)};
	s->huge_zero->references_taken = (struct opt_u64){true, poisson(&hour->state, 1)};
	s->huge_zero->puts = s->huge_zero->references_taken;
	s->huge_zero->allocations.known = true;
	s->huge_zero->has_hold = true;
	s->huge_zero->has_lifetime = true;
	s->nr_node_payers = 2;
	s->node_payers = calloc(2, sizeof(*s->node_payers));
	for (size_t i = 0; i < s->nr_clears; i++) {
		struct payer *p = &s->node_payers[s->clears[i].numa == ZS_NUMA_REMOTE];

		p->id = s->clears[i].numa == ZS_NUMA_REMOTE;
		p->count += s->clears[i].count;
		p->bytes += s->clears[i].bytes;
		p->sum_ns += s->clears[i].wall.sum_ns;
		p->gap_ns += s->clears[i].wall.sum_ns - s->clears[i].on_cpu.sum_ns;
		p->max_ns = max(p->max_ns, s->clears[i].wall.max_since_attach.ns);
	}
	s->self.bpf_seconds = (struct opt_double){
		true, (double)(4000000 + random_below(&hour->state, 500000)) / 1e9};
	s->self.map_bytes = 5218304;
	s->self.rss_bytes = 9003008;
}

/* The next second. NULL if memory ran out. */
static inline struct snapshot *hour_second(struct hour *hour, const struct machine *machine,
					   double gap_share)
{
	struct snapshot *s = snapshot__new(machine);

	hour->second++;
	s->mono_ns = hour->second * NSEC_PER_SEC + random_below(&hour->state, 200000);
	s->time_ns = 1795259432042000000 + s->mono_ns + random_below(&hour->state, 3000);
	s->interval_ns = NSEC_PER_SEC + random_below(&hour->state, 200000);
	s->nr_clears = HOUR_SERIES;
	s->clears = calloc(HOUR_SERIES, sizeof(*s->clears));
	for (size_t i = 0; i < HOUR_SERIES; i++) {
		struct clear_series *c = &s->clears[i];

		c->order = hour_series[i].order;
		c->kind = hour_series[i].kind;
		c->numa = hour_series[i].numa;
		hour_hist(hour, i, 1, &c->wall);
		hour_max(hour, i, s->time_ns, &c->wall);
		c->has_on_cpu = true;
		hour_on_cpu(hour, gap_share, c);
		c->count = c->wall.count;
		c->bytes = c->count * 4096 << c->order;
		s->clears_total += c->count;
	}
	hour_coverage(s);
	hour_rest(hour, s);
	s->loss.recursion.known = true;
	s->loss.storage_full.known = true;
	s->loss.unmatched.known = true;
	s->loss.dropped.known = true;
	return s;
}

#endif
