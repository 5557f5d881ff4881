// SPDX-License-Identifier: GPL-2.0-only
#include "interval_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const struct {
	const char *name;
	double q;
} quantiles[] = {
	{"0.5", 0.5},
	{"0.9", 0.9},
	{"0.99", 0.99},
	{"0.999", 0.999},
};

bool interval__measures_clears(const struct snapshot *s)
{
	size_t i;

	if (s->nr_clears)
		return true;
	for (i = 0; i < s->nr_probes; i++) {
		const struct probe_state *p = &s->probes[i];

		if (p->attached &&
		    (!strcmp(p->name, "folio_zero_user") || !strcmp(p->name, "clear_huge_page")))
			return true;
	}
	return false;
}

/*
 * Every hole comes with a reason. A reason may also be a remark, on a row that
 * lacks no more than what was in flight.
 */
bool interval__is_hole(const struct snapshot *s, const struct coverage *c)
{
	uint64_t flight = s->machine && s->machine->cpus > 0 ? (uint64_t)s->machine->cpus : 1;

	if (!c->reason[0] || !c->kernel.known || !c->seen.known || c->kernel.value <= c->seen.value)
		return false;
	return !c->seen.value || c->kernel.value - c->seen.value > flight;
}

struct opt_double interval__clear_share(const struct snapshot *s,
					const struct duration_series *fault)
{
	struct opt_double share = {0};
	uint64_t clear_ns = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		if (!s->clears[i].other && s->clears[i].order == fault->order)
			clear_ns += s->clears[i].wall.sum_ns;
	for (i = 0; i < s->nr_allocator; i++)
		if (s->allocator[i].order == fault->order)
			clear_ns += s->allocator[i].wall.sum_ns;
	if (!fault->wall.sum_ns || clear_ns > fault->wall.sum_ns)
		return share;
	share.known = true;
	share.value = (double)clear_ns / (double)fault->wall.sum_ns;
	return share;
}

/* Text that is empty where there is none. */
static void text_or_null(struct json_writer *w, const char *key, const char *text)
{
	json__string_field(w, key, text[0] ? text : NULL);
}

static void opt_u64_field(struct json_writer *w, const char *key, const struct opt_u64 *o)
{
	if (o->known)
		json__u64_field(w, key, o->value);
	else
		json__null_field(w, key);
}

static void opt_double_field(struct json_writer *w, const char *key, const struct opt_double *o)
{
	json__double_field(w, key, o->known ? o->value : NAN);
}

/* -1 stands for an order or node that there is not. */
static void index_field(struct json_writer *w, const char *key, int value)
{
	if (value >= 0)
		json__i64_field(w, key, value);
	else
		json__null_field(w, key);
}

static void max_field(struct json_writer *w, const char *key, const struct hist_max *m)
{
	char time[UTIL_TIME_SIZE];

	if (!m || !m->known) {
		json__null_field(w, key);
		return;
	}
	json__begin_object_field(w, key);
	json__seconds_field(w, "seconds", m->ns);
	json__string_n_field(w, "comm", m->comm, sizeof(m->comm));
	json__u64_field(w, "pid", m->pid);
	index_field(w, "order", m->order);
	index_field(w, "node", m->node);
	json__string_field(w, "time", util__format_time(m->time_ns, time));
	json__end_object(w);
}

static void range_field(struct json_writer *w, const char *key, bool empty, struct hist_range r)
{
	if (empty) {
		json__null_field(w, key);
		return;
	}
	json__begin_array_field(w, key);
	json__double(w, r.lo);
	json__double(w, r.hi); /* infinite: null */
	json__end_array(w);
}

static void bucket(struct json_writer *w, double bound, uint64_t count)
{
	if (!count)
		return;
	json__begin_array(w);
	if (isfinite(bound))
		json__double(w, bound);
	else
		json__string(w, "+Inf");
	json__u64(w, count);
	json__end_array(w);
}

/* maxima: false for histograms that are kept without them. */
static void hist_field(struct json_writer *w, const char *key, const struct hist *h, bool maxima)
{
	unsigned int i;

	if (!h) {
		json__null_field(w, key);
		return;
	}
	json__begin_object_field(w, key);
	json__u64_field(w, "count", h->count);
	json__seconds_field(w, "sum", h->sum_ns);
	max_field(w, "max", maxima ? &h->max : NULL);
	max_field(w, "max_since_attach", maxima ? &h->max_since_attach : NULL);
	json__begin_object_field(w, "quantiles");
	for (i = 0; i < ARRAY_SIZE(quantiles); i++)
		range_field(w, quantiles[i].name, !h->count, hist__quantile(h, quantiles[i].q));
	json__end_object(w);
	json__begin_array_field(w, "buckets");
	for (i = 0; i < ZS_BUCKETS; i++)
		bucket(w, hist__bound_seconds(i), h->bucket[i]);
	json__end_array(w);
	json__end_object(w);
}

static void span_field(struct json_writer *w, const char *key, const struct span_hist *h)
{
	unsigned int i;

	if (!h) {
		json__null_field(w, key);
		return;
	}
	json__begin_object_field(w, key);
	json__u64_field(w, "count", h->count);
	json__seconds_field(w, "sum", h->sum_ns);
	json__null_field(w, "max");
	json__null_field(w, "max_since_attach");
	json__begin_object_field(w, "quantiles");
	for (i = 0; i < ARRAY_SIZE(quantiles); i++)
		range_field(w, quantiles[i].name, !h->count,
			    hist__span_quantile(h, quantiles[i].q));
	json__end_object(w);
	json__begin_array_field(w, "buckets");
	for (i = 0; i < ZS_SPAN_BUCKETS; i++)
		bucket(w, hist__span_bound_seconds(i), h->bucket[i]);
	json__end_array(w);
	json__end_object(w);
}

static void pages_field(struct json_writer *w, const char *key, const struct page_hist *h)
{
	unsigned int i;

	if (!h) {
		json__null_field(w, key);
		return;
	}
	json__begin_object_field(w, key);
	json__u64_field(w, "count", h->count);
	json__u64_field(w, "sum", h->sum);
	json__begin_array_field(w, "buckets");
	for (i = 0; i < HIST_PAGE_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		json__begin_array(w);
		if (i + 1 < HIST_PAGE_BUCKETS)
			json__u64(w, 1ULL << i);
		else
			json__string(w, "+Inf");
		json__u64(w, h->bucket[i]);
		json__end_array(w);
	}
	json__end_array(w);
	json__end_object(w);
}

/* "12,13" as [12,13]. */
static void pids_field(struct json_writer *w, const char *pids)
{
	if (!pids[0]) {
		json__null_field(w, "pid");
		return;
	}
	json__begin_array_field(w, "pid");
	while (*pids) {
		char *end;
		unsigned long long pid = strtoull(pids, &end, 10);

		if (end != pids)
			json__u64(w, pid);
		pids = *end ? end + 1 : end;
	}
	json__end_array(w);
}

static void filters_field(struct json_writer *w, const struct filters *f)
{
	json__begin_object_field(w, "filters");
	pids_field(w, f->pids);
	json__string_n_field(w, "comm", f->comm[0] ? f->comm : NULL, sizeof(f->comm));
	text_or_null(w, "cgroup", f->cgroup);
	index_field(w, "min_order", f->min_order ? f->min_order : -1);
	json__end_object(w);
}

static void kernel_field(struct json_writer *w, const struct machine *m)
{
	if (!m) {
		json__null_field(w, "kernel");
		return;
	}
	json__begin_object_field(w, "kernel");
	text_or_null(w, "release", m->release);
	text_or_null(w, "arch", m->arch);
	json__u64_field(w, "page_size", m->page_size);
	json__string_field(
		w, "preempt_model",
		m->preempt_model == PREEMPT_UNKNOWN ? NULL : preempt_model__name(m->preempt_model));
	if (m->init_on_alloc < 0)
		json__null_field(w, "init_on_alloc");
	else
		json__bool_field(w, "init_on_alloc", m->init_on_alloc);
	json__string_field(w, "huge_zero",
			   m->huge_zero == HUGE_ZERO_UNKNOWN ? NULL
							     : huge_zero__name(m->huge_zero));
	text_or_null(w, "version", m->version);
	text_or_null(w, "host", m->host);
	text_or_null(w, "preempt_source", m->preempt_source);
	json__i64_field(w, "pmd_order", m->pmd_order);
	json__i64_field(w, "cpus", m->cpus);
	json__i64_field(w, "nodes", m->nodes);
	json__end_object(w);
}

static void probes_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	json__begin_array_field(w, "probes");
	for (i = 0; i < s->nr_probes; i++) {
		const struct probe_state *p = &s->probes[i];

		json__begin_object(w);
		json__string_field(w, "name", p->name);
		text_or_null(w, "tier", p->tier);
		json__bool_field(w, "attached", p->attached);
		text_or_null(w, "reason", p->reason);
		json__end_object(w);
	}
	json__end_array(w);
}

static void clears_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	if (!interval__measures_clears(s)) {
		json__null_field(w, "clears");
		return;
	}
	json__begin_array_field(w, "clears");
	for (i = 0; i < s->nr_clears; i++) {
		const struct clear_series *c = &s->clears[i];

		if (!c->count && !c->wall.count)
			continue;
		json__begin_object(w);
		index_field(w, "order", c->order);
		json__string_field(w, "page_kind",
				   page_kind__name(c->other ? ZS_KIND_OTHER : c->kind));
		json__string_field(w, "numa", numa__name(c->other ? ZS_NUMA_UNKNOWN : c->numa));
		json__u64_field(w, "count", c->count);
		json__u64_field(w, "bytes", c->bytes);
		hist_field(w, "wall", &c->wall, true);
		hist_field(w, "on_cpu", c->has_on_cpu ? &c->on_cpu : NULL, false);
		json__end_object(w);
	}
	json__end_array(w);
}

static bool nothing_happened(const struct duration_series *d)
{
	return !d->count && !d->wall.count;
}

static void extents_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	if (!s->has_extents) {
		json__null_field(w, "extents");
		return;
	}
	json__begin_array_field(w, "extents");
	for (i = 0; i < s->nr_extents; i++) {
		const struct duration_series *d = &s->extents[i];

		if (nothing_happened(d))
			continue;
		json__begin_object(w);
		index_field(w, "order", d->order);
		json__u64_field(w, "count", d->count);
		pages_field(w, "pages", d->has_pages ? &d->pages : NULL);
		hist_field(w, "wall", &d->wall, true);
		json__end_object(w);
	}
	json__end_array(w);
}

static void allocator_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	if (!s->has_allocator) {
		json__null_field(w, "allocator");
		return;
	}
	json__begin_array_field(w, "allocator");
	for (i = 0; i < s->nr_allocator; i++) {
		const struct duration_series *d = &s->allocator[i];

		if (nothing_happened(d))
			continue;
		json__begin_object(w);
		index_field(w, "order", d->order);
		json__u64_field(w, "count", d->count);
		json__u64_field(w, "bytes", d->bytes);
		hist_field(w, "wall", &d->wall, true);
		json__end_object(w);
	}
	json__end_array(w);
}

static void gaps_fields(struct json_writer *w, const struct snapshot *s)
{
	unsigned int cause;
	size_t i;

	if (!s->gaps) {
		json__null_field(w, "gaps");
		json__null_field(w, "gap");
		opt_double_field(w, "gaps_per_clear", &s->gaps_per_clear);
		return;
	}
	json__begin_array_field(w, "gaps");
	for (i = 0; i < s->gaps->nr_sums; i++) {
		const struct gap_sum *g = &s->gaps->sums[i];

		if (!g->count)
			continue;
		json__begin_object(w);
		index_field(w, "order", g->order);
		json__string_field(w, "cause", gap_cause__name(g->cause));
		json__u64_field(w, "count", g->count);
		json__seconds_field(w, "sum", g->sum_ns);
		json__end_object(w);
	}
	json__end_array(w);
	json__begin_array_field(w, "gap");
	for (cause = 0; cause < ZS_GAP_CAUSES; cause++) {
		if (!s->gaps->has_cause[cause])
			continue;
		json__begin_object(w);
		json__string_field(w, "cause", gap_cause__name(cause));
		hist_field(w, "duration", &s->gaps->duration[cause], true);
		json__end_object(w);
	}
	json__end_array(w);
	opt_double_field(w, "gaps_per_clear", &s->gaps_per_clear);
}

static void resched_field(struct json_writer *w, const struct resched *r)
{
	if (!r) {
		json__null_field(w, "resched_delay");
		return;
	}
	json__begin_object_field(w, "resched_delay");
	text_or_null(w, "source", r->source);
	hist_field(w, "now", &r->now, true);
	hist_field(w, "lazy", r->has_lazy ? &r->lazy : NULL, true);
	json__u64_field(w, "outlived", r->outlived);
	json__end_object(w);
}

static void huge_zero_field(struct json_writer *w, const struct huge_zero *z)
{
	if (!z) {
		json__null_field(w, "huge_zero");
		return;
	}
	json__begin_object_field(w, "huge_zero");
	opt_u64_field(w, "refcount", &z->refcount);
	opt_u64_field(w, "holders", &z->holders);
	opt_double_field(w, "oldest_seconds", &z->oldest_seconds);
	opt_u64_field(w, "gets", &z->gets);
	opt_u64_field(w, "references_taken", &z->references_taken);
	opt_u64_field(w, "puts", &z->puts);
	opt_u64_field(w, "allocations", &z->allocations);
	opt_u64_field(w, "allocation_failures", &z->allocation_failures);
	opt_u64_field(w, "reclaims", &z->reclaims);
	opt_u64_field(w, "reclaim_refusals", &z->reclaim_refusals);
	span_field(w, "hold", z->has_hold ? &z->hold : NULL);
	span_field(w, "lifetime", z->has_lifetime ? &z->lifetime : NULL);
	text_or_null(w, "refcount_reason", z->refcount_reason);
	text_or_null(w, "holders_reason", z->holders_reason);
	json__bool_field(w, "oldest_at_least", z->oldest_at_least);
	json__end_object(w);
}

static void coverage_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	if (!s->nr_coverage) {
		json__null_field(w, "coverage");
		return;
	}
	json__begin_array_field(w, "coverage");
	for (i = 0; i < s->nr_coverage; i++) {
		const struct coverage *c = &s->coverage[i];

		json__begin_object(w);
		json__string_field(w, "what", c->what);
		opt_u64_field(w, "kernel", &c->kernel);
		opt_u64_field(w, "seen", &c->seen);
		text_or_null(w, "reason", c->reason);
		json__end_object(w);
	}
	json__end_array(w);
}

static void loss_field(struct json_writer *w, const struct loss *l)
{
	json__begin_object_field(w, "loss");
	opt_u64_field(w, "recursion", &l->recursion);
	opt_u64_field(w, "missed", &l->missed);
	opt_u64_field(w, "storage_full", &l->storage_full);
	opt_u64_field(w, "unmatched", &l->unmatched);
	opt_u64_field(w, "dropped", &l->dropped);
	json__end_object(w);
}

/* A size of 0 cannot be: it was not looked at. */
static void size_field(struct json_writer *w, const char *key, uint64_t bytes)
{
	if (bytes)
		json__u64_field(w, key, bytes);
	else
		json__null_field(w, key);
}

static void self_field(struct json_writer *w, const struct self_cost *c)
{
	json__begin_object_field(w, "self");
	opt_double_field(w, "bpf_seconds", &c->bpf_seconds);
	size_field(w, "map_bytes", c->map_bytes);
	size_field(w, "rss_bytes", c->rss_bytes);
	json__end_object(w);
}

static void faults_field(struct json_writer *w, const struct snapshot *s)
{
	size_t i;

	if (!s->has_faults) {
		json__null_field(w, "faults");
		return;
	}
	json__begin_array_field(w, "faults");
	for (i = 0; i < s->nr_faults; i++) {
		const struct duration_series *d = &s->faults[i];
		struct opt_double share = interval__clear_share(s, d);

		if (nothing_happened(d))
			continue;
		json__begin_object(w);
		index_field(w, "order", d->order);
		json__u64_field(w, "count", d->count);
		hist_field(w, "wall", &d->wall, true);
		opt_double_field(w, "clear_share", &share);
		json__end_object(w);
	}
	json__end_array(w);
}

static void payer_fields(struct json_writer *w, const struct snapshot *s, const struct payer *p)
{
	json__u64_field(w, "count", p->count);
	json__u64_field(w, "bytes", p->bytes);
	json__seconds_field(w, "sum", p->sum_ns);
	if (s->gaps)
		json__seconds_field(w, "gap_sum", p->gap_ns);
	else
		json__null_field(w, "gap_sum");
	json__seconds_field(w, "max_since_attach", p->max_ns);
	json__end_object(w);
}

static void payers_fields(struct json_writer *w, const struct snapshot *s)
{
	const struct payer *p;

	if (s->node_payers) {
		json__begin_array_field(w, "nodes");
		for (p = s->node_payers; p < s->node_payers + s->nr_node_payers; p++) {
			if (!p->count)
				continue;
			json__begin_object(w);
			json__u64_field(w, "node", p->id);
			payer_fields(w, s, p);
		}
		json__end_array(w);
	} else {
		json__null_field(w, "nodes");
	}
	if (!s->cgroup_payers) {
		json__null_field(w, "cgroups");
		return;
	}
	json__begin_array_field(w, "cgroups");
	for (p = s->cgroup_payers; p < s->cgroup_payers + s->nr_cgroup_payers; p++) {
		if (!p->count)
			continue;
		json__begin_object(w);
		text_or_null(w, "cgroup", p->name);
		json__u64_field(w, "id", p->id);
		payer_fields(w, s, p);
	}
	json__end_array(w);
}

void interval__json(struct json_writer *w, const struct snapshot *s, unsigned int flags)
{
	char time[UTIL_TIME_SIZE];

	json__begin_object(w);
	json__string_field(w, "type", "interval");
	json__u64_field(w, "schema", 1);
	json__string_field(w, "time", util__format_time(s->time_ns, time));
	json__seconds_field(w, "interval_seconds", s->interval_ns);
	json__bool_field(w, "floor", s->floor);
	filters_field(w, &s->filters);
	kernel_field(w, s->machine);
	probes_field(w, s);
	clears_field(w, s);
	extents_field(w, s);
	allocator_field(w, s);
	gaps_fields(w, s);
	resched_field(w, s->resched);
	huge_zero_field(w, s->huge_zero);
	coverage_field(w, s);
	loss_field(w, &s->loss);
	self_field(w, &s->self);
	json__bool_field(w, "cumulative", flags & INTERVAL_JSON_CUMULATIVE);
	if (interval__measures_clears(s))
		json__u64_field(w, "clears_total", s->clears_total);
	else
		json__null_field(w, "clears_total");
	if (s->gaps_per_clear.known)
		json__u64_field(w, "gaps_counted", s->gaps_counted);
	else
		json__null_field(w, "gaps_counted");
	faults_field(w, s);
	payers_fields(w, s);
	json__end_object(w);
}
