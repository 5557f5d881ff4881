// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "machine.h"
#include "util.h"

#define PREEMPTED_A_CPU 8

/* A copy of nr elements, NULL for none; *failed is set if memory ran out. */
static void *copy_array(const void *from, size_t nr, size_t size, bool *failed)
{
	void *to;

	if (!nr || !from)
		return NULL;
	to = malloc(nr * size);
	if (!to) {
		*failed = true;
		return NULL;
	}
	return memcpy(to, from, nr * size);
}

struct snapshot *snapshot__new(const struct machine *machine)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s)
		s->machine = machine;
	return s;
}

void snapshot__free(struct snapshot **sp)
{
	struct snapshot *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	free(s->probes);
	free(s->clears);
	if (s->gaps)
		free(s->gaps->sums);
	free(s->gaps);
	free(s->resched);
	free(s->extents);
	free(s->allocator);
	free(s->faults);
	free(s->huge_zero);
	free(s->node_payers);
	free(s->cgroup_payers);
	free(s->coverage);
	free(s->kernel_counters);
	free(s->seen);
	free(s);
}

struct snapshot *snapshot__copy(const struct snapshot *from)
{
	_cleanup_snapshot_ struct snapshot *s = malloc(sizeof(*s));
	bool failed = false;

	if (!s)
		return NULL;
	*s = *from;
	s->probes = copy_array(from->probes, from->nr_probes, sizeof(*s->probes), &failed);
	s->clears = copy_array(from->clears, from->nr_clears, sizeof(*s->clears), &failed);
	s->gaps = copy_array(from->gaps, !!from->gaps, sizeof(*s->gaps), &failed);
	if (s->gaps)
		s->gaps->sums = copy_array(from->gaps->sums, from->gaps->nr_sums,
					   sizeof(*s->gaps->sums), &failed);
	s->resched = copy_array(from->resched, !!from->resched, sizeof(*s->resched), &failed);
	s->extents = copy_array(from->extents, from->nr_extents, sizeof(*s->extents), &failed);
	s->allocator =
		copy_array(from->allocator, from->nr_allocator, sizeof(*s->allocator), &failed);
	s->faults = copy_array(from->faults, from->nr_faults, sizeof(*s->faults), &failed);
	s->huge_zero =
		copy_array(from->huge_zero, !!from->huge_zero, sizeof(*s->huge_zero), &failed);
	s->node_payers = copy_array(from->node_payers, from->nr_node_payers,
				    sizeof(*s->node_payers), &failed);
	s->cgroup_payers = copy_array(from->cgroup_payers, from->nr_cgroup_payers,
				      sizeof(*s->cgroup_payers), &failed);
	s->coverage = copy_array(from->coverage, from->nr_coverage, sizeof(*s->coverage), &failed);
	s->kernel_counters = copy_array(from->kernel_counters, !!from->kernel_counters,
					sizeof(*s->kernel_counters), &failed);
	s->seen = copy_array(from->seen, !!from->seen, sizeof(*s->seen), &failed);
	return failed ? NULL : TAKE_PTR(s);
}

static void opt_sub(struct opt_u64 *a, const struct opt_u64 *b)
{
	/* Losses are estimated while clears are open, and the last word may be a lower one. */
	if (a->known && b->known)
		a->value -= min(a->value, b->value);
}

static void opt_add(struct opt_u64 *a, const struct opt_u64 *b)
{
	a->known = a->known && b->known;
	a->value = a->known ? a->value + b->value : 0;
}

static void opt_double_sub(struct opt_double *a, const struct opt_double *b)
{
	if (a->known && b->known)
		a->value -= b->value;
}

static const struct clear_series *find_clears(const struct snapshot *s,
					      const struct clear_series *like)
{
	size_t i;

	for (i = 0; i < s->nr_clears; i++) {
		const struct clear_series *c = &s->clears[i];

		if (c->other == like->other && c->order == like->order && c->kind == like->kind &&
		    c->numa == like->numa)
			return c;
	}
	return NULL;
}

static const struct duration_series *find_order(const struct duration_series *series, size_t nr,
						int order)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (series[i].order == order)
			return &series[i];
	return NULL;
}

static const struct payer *find_payer(const struct payer *payers, size_t nr, const struct payer *p)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (payers[i].id == p->id && !strcmp(payers[i].name, p->name))
			return &payers[i];
	return NULL;
}

static void span_sub(struct span_hist *a, const struct span_hist *b)
{
	size_t i;

	a->count -= b->count;
	a->sum_ns -= b->sum_ns;
	for (i = 0; i < ZS_SPAN_BUCKETS; i++)
		a->bucket[i] -= b->bucket[i];
}

static void span_add(struct span_hist *a, const struct span_hist *b)
{
	size_t i;

	a->count += b->count;
	a->sum_ns += b->sum_ns;
	for (i = 0; i < ZS_SPAN_BUCKETS; i++)
		a->bucket[i] += b->bucket[i];
}

static void pages_apply(struct page_hist *a, const struct page_hist *b, int sign)
{
	size_t i;

	a->count += sign * b->count;
	a->sum += sign * b->sum;
	for (i = 0; i < HIST_PAGE_BUCKETS; i++)
		a->bucket[i] += sign * b->bucket[i];
}

static void sub_durations(struct duration_series *a, size_t nr, const struct duration_series *b,
			  size_t nr_b)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct duration_series *old = find_order(b, nr_b, a[i].order);

		if (!old)
			continue;
		a[i].count -= old->count;
		a[i].bytes -= old->bytes;
		hist__sub(&a[i].wall, &old->wall);
		if (a[i].has_pages)
			pages_apply(&a[i].pages, &old->pages, -1);
	}
}

/* max_ns of a payer stays the newer one: it has no epochs of its own. */
static void sub_payers(struct payer *a, size_t nr, const struct payer *b, size_t nr_b)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct payer *old = find_payer(b, nr_b, &a[i]);

		if (!old)
			continue;
		a[i].count -= old->count;
		a[i].bytes -= old->bytes;
		a[i].sum_ns -= old->sum_ns;
		a[i].gap_ns -= old->gap_ns;
	}
}

static void sub_gaps(struct gaps *a, const struct gaps *b)
{
	size_t i, j;

	for (i = 0; i < a->nr_sums; i++) {
		struct gap_sum *g = &a->sums[i];

		for (j = 0; j < b->nr_sums; j++) {
			if (b->sums[j].order != g->order || b->sums[j].cause != g->cause)
				continue;
			g->count -= b->sums[j].count;
			g->sum_ns -= b->sums[j].sum_ns;
		}
	}
	for (i = 0; i < ZS_GAP_CAUSES; i++)
		if (a->has_cause[i] && b->has_cause[i])
			hist__sub(&a->duration[i], &b->duration[i]);
}

static void sub_huge_zero(struct huge_zero *a, const struct huge_zero *b)
{
	opt_sub(&a->gets, &b->gets);
	opt_sub(&a->references_taken, &b->references_taken);
	opt_sub(&a->puts, &b->puts);
	opt_sub(&a->allocations, &b->allocations);
	opt_sub(&a->allocation_failures, &b->allocation_failures);
	opt_sub(&a->reclaims, &b->reclaims);
	opt_sub(&a->reclaim_refusals, &b->reclaim_refusals);
	if (a->has_hold && b->has_hold)
		span_sub(&a->hold, &b->hold);
	if (a->has_lifetime && b->has_lifetime)
		span_sub(&a->lifetime, &b->lifetime);
}

/*
 * Clears that had ended at the end of an interval and were on their way to the
 * kernel's count of them: one a CPU, and where tasks can be preempted there, as
 * many again as wait for a CPU. Nothing bounds these; a few a CPU is what is
 * believed, since more would hide what the kernel counts and nobody saw.
 */
static uint64_t on_their_way(const struct snapshot *s, const struct machine *m)
{
	uint64_t surplus = coverage__surplus(s->kernel_counters, s->seen, m);
	uint64_t a_cpu = preempt_model__preempts_programs(m->preempt_model) ? PREEMPTED_A_CPU : 1;

	return min(surplus, a_cpu * (uint64_t)m->cpus);
}

/*
 * The rows of an interval are made anew and not subtracted, since their
 * sentences speak of the interval's numbers.
 */
static int sub_coverage(struct snapshot *s, const struct snapshot *older)
{
	struct coverage_counters delta;
	uint64_t uncounted;
	size_t kind, order;

	if (!s->kernel_counters || !older->kernel_counters || !s->seen || !older->seen)
		return 0;
	uncounted = max(on_their_way(older, s->machine), on_their_way(s, s->machine));
	coverage__delta(s->kernel_counters, older->kernel_counters, &delta);
	*s->kernel_counters = delta;
	for (kind = 0; kind < ZS_KINDS; kind++)
		for (order = 0; order < ZS_ORDERS; order++)
			s->seen->clears[kind][order] -= older->seen->clears[kind][order];
	for (order = 0; order < ZS_ORDERS; order++)
		s->seen->allocator[order] -= older->seen->allocator[order];
	s->seen->straddled -= min(older->seen->straddled, s->seen->straddled);
	s->seen->open += older->seen->open + uncounted;
	free(s->coverage);
	s->coverage = NULL;
	s->nr_coverage = 0;
	return coverage__rows(&delta, s->seen, s->machine, &s->coverage, &s->nr_coverage);
}

static void derive_gaps_per_clear(struct snapshot *s)
{
	uint64_t ended = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		ended += s->clears[i].wall.count;
	if (s->gaps_per_clear.known)
		s->gaps_per_clear.value = ended ? (double)s->gaps_counted / ended : 0;
}

/*
 * Between the moment at which the epoch is raised and that at which a histogram
 * is read, an event can be counted in one interval and its maximum kept in the
 * next. A maximum that is not in the highest bucket that counted is not that of
 * these events: it is not known, rather than wrong.
 */
static void check_max(struct hist *h)
{
	unsigned int i = ZS_BUCKETS;

	while (i > 0 && !h->bucket[i - 1])
		i--;
	if (!i || hist__bucket(h->max.ns) != i - 1)
		h->max.known = false;
}

/* Everything since attach is one interval. */
static void take_max_since_attach(struct hist *h)
{
	h->max = h->max_since_attach;
}

/* Calls fn for every histogram that keeps maxima. */
static void for_each_hist(struct snapshot *s, void (*fn)(struct hist *h))
{
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		fn(&s->clears[i].wall);
	for (i = 0; i < s->nr_extents; i++)
		fn(&s->extents[i].wall);
	for (i = 0; i < s->nr_allocator; i++)
		fn(&s->allocator[i].wall);
	for (i = 0; i < s->nr_faults; i++)
		fn(&s->faults[i].wall);
	for (i = 0; s->gaps && i < ZS_GAP_CAUSES; i++)
		fn(&s->gaps->duration[i]);
	if (s->resched) {
		fn(&s->resched->now);
		fn(&s->resched->lazy);
	}
}

static bool any_loss(const struct loss *l)
{
	return l->recursion.value || l->missed.value || l->storage_full.value ||
	       l->unmatched.value || l->dropped.value;
}

struct snapshot *snapshot__delta(const struct snapshot *newer, const struct snapshot *older)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot__copy(newer);
	size_t i;

	if (!s)
		return NULL;
	if (!older) {
		for_each_hist(s, take_max_since_attach);
		derive_gaps_per_clear(s);
		s->floor = any_loss(&s->loss);
		return TAKE_PTR(s);
	}
	s->interval_ns = newer->mono_ns - older->mono_ns;
	s->clears_total -= older->clears_total;
	for (i = 0; i < s->nr_clears; i++) {
		struct clear_series *c = &s->clears[i];
		const struct clear_series *old = find_clears(older, c);

		if (!old)
			continue;
		c->count -= old->count;
		c->bytes -= old->bytes;
		hist__sub(&c->wall, &old->wall);
		if (c->has_on_cpu && old->has_on_cpu)
			hist__sub(&c->on_cpu, &old->on_cpu);
	}
	if (s->gaps && older->gaps)
		sub_gaps(s->gaps, older->gaps);
	s->gaps_counted -= older->gaps_counted;
	derive_gaps_per_clear(s);
	if (s->resched && older->resched) {
		hist__sub(&s->resched->now, &older->resched->now);
		hist__sub(&s->resched->lazy, &older->resched->lazy);
		s->resched->outlived -= older->resched->outlived;
	}
	sub_durations(s->extents, s->nr_extents, older->extents, older->nr_extents);
	sub_durations(s->allocator, s->nr_allocator, older->allocator, older->nr_allocator);
	sub_durations(s->faults, s->nr_faults, older->faults, older->nr_faults);
	if (s->huge_zero && older->huge_zero)
		sub_huge_zero(s->huge_zero, older->huge_zero);
	sub_payers(s->node_payers, s->nr_node_payers, older->node_payers, older->nr_node_payers);
	sub_payers(s->cgroup_payers, s->nr_cgroup_payers, older->cgroup_payers,
		   older->nr_cgroup_payers);
	if (sub_coverage(s, older))
		return NULL;
	opt_sub(&s->loss.recursion, &older->loss.recursion);
	opt_sub(&s->loss.missed, &older->loss.missed);
	opt_sub(&s->loss.storage_full, &older->loss.storage_full);
	opt_sub(&s->loss.unmatched, &older->loss.unmatched);
	opt_sub(&s->loss.dropped, &older->loss.dropped);
	opt_double_sub(&s->self.bpf_seconds, &older->self.bpf_seconds);
	for_each_hist(s, check_max);
	s->floor = any_loss(&s->loss);
	return TAKE_PTR(s);
}

/* Makes room for one more element at *array and returns it zeroed, or NULL. */
static void *grow(void *arrayp, size_t *nr, size_t size)
{
	void **array = arrayp;
	char *bigger = realloc(*array, (*nr + 1) * size);

	if (!bigger)
		return NULL;
	*array = bigger;
	return memset(bigger + (*nr)++ * size, 0, size);
}

static int add_clears(struct snapshot *a, const struct snapshot *b)
{
	size_t i;

	for (i = 0; i < b->nr_clears; i++) {
		const struct clear_series *from = &b->clears[i];
		struct clear_series *to = (struct clear_series *)find_clears(a, from);

		if (!to) {
			to = grow(&a->clears, &a->nr_clears, sizeof(*to));
			if (!to)
				return -ENOMEM;
			*to = *from;
			continue;
		}
		to->count += from->count;
		to->bytes += from->bytes;
		hist__add(&to->wall, &from->wall);
		to->has_on_cpu = to->has_on_cpu && from->has_on_cpu;
		if (to->has_on_cpu)
			hist__add(&to->on_cpu, &from->on_cpu);
	}
	return 0;
}

static int add_durations(struct duration_series **a, size_t *nr, const struct duration_series *b,
			 size_t nr_b)
{
	size_t i;

	for (i = 0; i < nr_b; i++) {
		struct duration_series *to =
			(struct duration_series *)find_order(*a, *nr, b[i].order);

		if (!to) {
			to = grow(a, nr, sizeof(*to));
			if (!to)
				return -ENOMEM;
			*to = b[i];
			continue;
		}
		to->count += b[i].count;
		to->bytes += b[i].bytes;
		hist__add(&to->wall, &b[i].wall);
		if (to->has_pages)
			pages_apply(&to->pages, &b[i].pages, 1);
	}
	return 0;
}

static int add_payers(struct payer **a, size_t *nr, const struct payer *b, size_t nr_b)
{
	size_t i;

	for (i = 0; i < nr_b; i++) {
		struct payer *to = (struct payer *)find_payer(*a, *nr, &b[i]);

		if (!to) {
			to = grow(a, nr, sizeof(*to));
			if (!to)
				return -ENOMEM;
			*to = b[i];
			continue;
		}
		to->count += b[i].count;
		to->bytes += b[i].bytes;
		to->sum_ns += b[i].sum_ns;
		to->gap_ns += b[i].gap_ns;
		to->max_ns = max(to->max_ns, b[i].max_ns);
	}
	return 0;
}

static int add_gaps(struct gaps *a, const struct gaps *b)
{
	size_t i, j;

	for (i = 0; i < b->nr_sums; i++) {
		struct gap_sum *to = NULL;

		for (j = 0; j < a->nr_sums; j++)
			if (a->sums[j].order == b->sums[i].order &&
			    a->sums[j].cause == b->sums[i].cause)
				to = &a->sums[j];
		if (!to) {
			to = grow(&a->sums, &a->nr_sums, sizeof(*to));
			if (!to)
				return -ENOMEM;
			*to = b->sums[i];
			continue;
		}
		to->count += b->sums[i].count;
		to->sum_ns += b->sums[i].sum_ns;
	}
	for (i = 0; i < ZS_GAP_CAUSES; i++) {
		a->has_cause[i] = a->has_cause[i] || b->has_cause[i];
		hist__add(&a->duration[i], &b->duration[i]);
	}
	return 0;
}

static void add_huge_zero(struct huge_zero *a, const struct huge_zero *b)
{
	a->refcount = b->refcount;
	a->holders = b->holders;
	a->oldest_seconds = b->oldest_seconds;
	a->oldest_at_least = b->oldest_at_least;
	memcpy(a->refcount_reason, b->refcount_reason, sizeof(a->refcount_reason));
	memcpy(a->holders_reason, b->holders_reason, sizeof(a->holders_reason));
	opt_add(&a->gets, &b->gets);
	opt_add(&a->references_taken, &b->references_taken);
	opt_add(&a->puts, &b->puts);
	opt_add(&a->allocations, &b->allocations);
	opt_add(&a->allocation_failures, &b->allocation_failures);
	opt_add(&a->reclaims, &b->reclaims);
	opt_add(&a->reclaim_refusals, &b->reclaim_refusals);
	span_add(&a->hold, &b->hold);
	span_add(&a->lifetime, &b->lifetime);
}

static int add_coverage(struct snapshot *a, const struct snapshot *b)
{
	size_t i, j;

	for (i = 0; i < b->nr_coverage; i++) {
		struct coverage *to = NULL;

		for (j = 0; j < a->nr_coverage; j++)
			if (!strcmp(a->coverage[j].what, b->coverage[i].what))
				to = &a->coverage[j];
		if (!to) {
			to = grow(&a->coverage, &a->nr_coverage, sizeof(*to));
			if (!to)
				return -ENOMEM;
			*to = b->coverage[i];
			continue;
		}
		opt_add(&to->kernel, &b->coverage[i].kernel);
		opt_add(&to->seen, &b->coverage[i].seen);
		if (b->coverage[i].reason[0])
			memcpy(to->reason, b->coverage[i].reason, sizeof(to->reason));
	}
	return 0;
}

int snapshot__accumulate(struct snapshot *a, const struct snapshot *b)
{
	int err;

	a->time_ns = b->time_ns;
	a->mono_ns = b->mono_ns;
	a->interval_ns += b->interval_ns;
	a->clears_total += b->clears_total;
	err = add_clears(a, b);
	if (!err)
		err = add_durations(&a->extents, &a->nr_extents, b->extents, b->nr_extents);
	if (!err)
		err = add_durations(&a->allocator, &a->nr_allocator, b->allocator, b->nr_allocator);
	if (!err)
		err = add_durations(&a->faults, &a->nr_faults, b->faults, b->nr_faults);
	if (!err)
		err = add_payers(&a->node_payers, &a->nr_node_payers, b->node_payers,
				 b->nr_node_payers);
	if (!err)
		err = add_payers(&a->cgroup_payers, &a->nr_cgroup_payers, b->cgroup_payers,
				 b->nr_cgroup_payers);
	if (!err && a->gaps && b->gaps)
		err = add_gaps(a->gaps, b->gaps);
	if (!err)
		err = add_coverage(a, b);
	if (err)
		return err;
	a->gaps_counted += b->gaps_counted;
	derive_gaps_per_clear(a);
	if (a->resched && b->resched) {
		hist__add(&a->resched->now, &b->resched->now);
		hist__add(&a->resched->lazy, &b->resched->lazy);
		a->resched->outlived += b->resched->outlived;
	}
	if (a->huge_zero && b->huge_zero)
		add_huge_zero(a->huge_zero, b->huge_zero);
	opt_add(&a->loss.recursion, &b->loss.recursion);
	opt_add(&a->loss.missed, &b->loss.missed);
	opt_add(&a->loss.storage_full, &b->loss.storage_full);
	opt_add(&a->loss.unmatched, &b->loss.unmatched);
	opt_add(&a->loss.dropped, &b->loss.dropped);
	if (a->self.bpf_seconds.known && b->self.bpf_seconds.known)
		a->self.bpf_seconds.value += b->self.bpf_seconds.value;
	a->self.map_bytes = b->self.map_bytes;
	a->self.rss_bytes = b->self.rss_bytes;
	a->floor = a->floor || b->floor;
	return 0;
}

const char *preempt_model__name(enum preempt_model model)
{
	static const char *const names[] = {
		[PREEMPT_UNKNOWN] = "unknown",	   [PREEMPT_NONE] = "none",
		[PREEMPT_VOLUNTARY] = "voluntary", [PREEMPT_FULL] = "full",
		[PREEMPT_LAZY] = "lazy",	   [PREEMPT_RT] = "rt",
	};

	return names[model];
}

const char *page_kind__name(unsigned int kind)
{
	static const char *const names[] = {"thp", "mthp", "hugetlb", "other"};

	return names[min(kind, 3U)];
}

const char *numa__name(unsigned int numa)
{
	static const char *const names[] = {"local", "remote", "unknown"};

	return names[min(numa, 2U)];
}

const char *gap_cause__name(unsigned int cause)
{
	static const char *const names[] = {"resched", "preempt", "blocked"};

	return names[min(cause, 2U)];
}

const char *huge_zero__name(enum huge_zero_kind kind)
{
	static const char *const names[] = {
		[HUGE_ZERO_UNKNOWN] = NULL,
		[HUGE_ZERO_REFCOUNTED] = "refcounted",
		[HUGE_ZERO_PERSISTENT] = "persistent",
		[HUGE_ZERO_ABSENT] = "absent",
	};

	return names[kind];
}
