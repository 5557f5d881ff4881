// SPDX-License-Identifier: GPL-2.0-only
#include "plain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interval_json.h"
#include "page.h"
#include "quantity.h"
#include "rows.h"
#include "util.h"

#define DEFAULT_WIDTH 80
#define MIN_WIDTH     60
#define MAX_WIDTH     1000
#define SERIES_COLUMN 7	 /* where the text behind "  wall" begins */
#define KEY_COLUMN    11 /* the same in the other sections, whose keys are longer */
#define MAX_PAYERS    10

static void keyed(struct page *p, const char *key, const struct text *t)
{
	page__keyed(p, KEY_COLUMN, key, t);
}

static void keyed_series(struct page *p, const char *key, const struct text *t)
{
	page__keyed(p, SERIES_COLUMN, key, t);
}

static bool has_filters(const struct filters *f)
{
	return f->pids[0] || f->comm[0] || f->cgroup[0] || f->min_order;
}

static uint64_t all_counts(const struct snapshot *s)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		n += s->clears[i].count;
	return n;
}

static void put_filters(struct page *p)
{
	const struct filters *f = &p->s->filters;
	char name[NAME_SIZE], comm[NAME_SIZE];
	struct text t = {0};

	if (!has_filters(f))
		return;
	text__add(&t, "filtered: only");
	if (f->pids[0])
		text__add(&t, " pid" NB "%s,", page__clean_name(p, name, f->pids));
	if (f->comm[0])
		text__add(&t, " comm" NB "%s,",
			  page__clean(comm, sizeof(comm), f->comm, sizeof(f->comm), p->o->ascii));
	if (f->cgroup[0])
		text__add(&t, " cgroup" NB "%s,", page__clean_name(p, name, f->cgroup));
	if (f->min_order)
		text__add(&t, " order" NB "%d" NB "and" NB "up,", f->min_order);
	t.buf[--t.len] = '\0';
	if (interval__measures_clears(p->s))
		text__add(&t, ": %s%" PRIu64 " of %" PRIu64 " clears", p->atleast, all_counts(p->s),
			  p->s->clears_total);
	page__paragraph(p, 0, 4, &t);
}

static void put_header(struct page *p)
{
	const struct snapshot *s = p->s;
	time_t seconds = (time_t)(s->time_ns / NSEC_PER_SEC);
	char name[NAME_SIZE], date[UTIL_TIME_SIZE];
	struct text t = {0};
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d" NB "%H:%M:%S" NB "UTC", &tm);
	if (p->o->totals) {
		text__add(&t, "Total of ");
		text__quantity(p, &t, quantity__span, (double)s->interval_ns * 1e-9, 3);
		text__add(&t, " until %s", date);
	} else {
		text__add(&t, "%s", date);
		if (s->interval_ns) {
			text__add(&t, "  ");
			text__quantity(p, &t, quantity__span, (double)s->interval_ns * 1e-9, 3);
		}
	}
	if (s->machine) {
		text__add(&t, "  %s", page__clean_name(p, name, s->machine->release));
		text__add(&t, "  preempt=%s", preempt_model__name(s->machine->preempt_model));
	}
	page__heading(p, &t);
	put_filters(p);
}

static void put_speed(struct page *p, uint64_t bytes, uint64_t timed_bytes, uint64_t wall_ns)
{
	char num[QUANTITY_SIZE];
	struct text t = {0};

	/* Bytes a nanosecond are GB a second. */
	if (wall_ns) {
		quantity__number(num, (double)timed_bytes / (double)wall_ns, 3, ROUND_NEAREST, 0);
		text__add(&t, "%s while clearing (bytes" NB "/" NB "wall" NB "time)", num);
	}
	if (p->s->interval_ns) {
		quantity__number(num, (double)bytes / (double)p->s->interval_ns, 3, ROUND_NEAREST,
				 0);
		text__add(&t, "%s%s%s over the %s", t.len ? ", " : "", p->atleast, num,
			  p->o->totals ? "run" : "interval");
	}
	if (t.len)
		keyed_series(p, "GB/s", &t);
}

static void put_on_cpu(struct page *p, const struct clear_series *c)
{
	struct text t = {0};

	if (!c->has_on_cpu || !c->on_cpu.count || !c->wall.sum_ns)
		return;
	if (c->on_cpu.sum_ns == c->wall.sum_ns) {
		text__add(&t, "on it all of the wall time: no gaps");
	} else {
		text__add(&t, "on it ");
		text__percent(&t, (double)c->on_cpu.sum_ns / (double)c->wall.sum_ns);
		text__add(&t, " of the wall time  ");
		text__quantile(p, &t, &c->on_cpu, 0);
		text__add(&t, "  ");
		text__quantile(p, &t, &c->on_cpu, 2);
	}
	keyed_series(p, "CPU", &t);
}

/* Everything about one series but its heading. */
static void put_series_body(struct page *p, const struct clear_series *c)
{
	uint64_t timed_bytes = c->bytes;
	struct text t = {0};

	if (c->count && c->wall.count != c->count) {
		long double timed = (long double)c->bytes / c->count * c->wall.count;

		/* A recording can say anything. */
		timed_bytes = timed < UINT64_MAX ? (uint64_t)timed : UINT64_MAX;
	}
	if (c->wall.count)
		text__quantiles(p, &t, &c->wall);
	else
		text__add(&t, "none of them has ended yet");
	keyed_series(p, "wall", &t);
	if (c->wall.count) {
		t.len = 0;
		text__max(p, &t, &c->wall.max, "by");
		if (c->other && c->wall.max.known && c->wall.max.order >= 0)
			text__add(&t, ", order" NB "%d", c->wall.max.order);
		keyed_series(p, "max", &t);
	}
	put_on_cpu(p, c);
	put_speed(p, c->bytes, timed_bytes, c->wall.sum_ns);
	if (c->wall.count && c->wall.count < c->count && (p->s->floor || p->o->verbose)) {
		t.len = 0;
		text__add(&t, "%" PRIu64 " of them to the end; ", c->wall.count);
		text__add(&t, "the others are open, or their end was missed");
		keyed_series(p, "seen", &t);
	}
	rows__print(p, &c->wall, "wall time", "clears");
}

static bool happened(const struct clear_series *c)
{
	return c->count || c->wall.count;
}

static bool same_group(const struct clear_series *a, const struct clear_series *b)
{
	return a->other == b->other && (a->other || (a->order == b->order && a->kind == b->kind));
}

static void add_clears(const struct page *p, struct text *t, uint64_t count, uint64_t bytes)
{
	text__count(p, t, count, "clear", "clears");
	text__rate(p, t, count);
	text__add(t, ", %s", p->atleast);
	text__bytes(p, t, (double)bytes);
}

static void add_series_name(const struct page *p, struct text *t, const struct clear_series *c)
{
	if (c->other) {
		text__add(t,
			  "all other clears (begin missed, or no histogram of their own was left)");
		return;
	}
	text__add(t, "order" NB "%d", c->order);
	text__folio_size(p, t, c->order);
	text__add(t, " %s", c->kind == ZS_KIND_OTHER ? "other kind" : page_kind__name(c->kind));
}

static void put_series(struct page *p, const struct clear_series *c, bool name_numa)
{
	struct text t = {0};

	add_series_name(p, &t, c);
	if (name_numa)
		text__add(&t, ", %s%s", c->numa == ZS_NUMA_UNKNOWN ? "node " : "",
			  numa__name(c->numa));
	text__add(&t, ": ");
	add_clears(p, &t, c->count, c->bytes);
	page__heading(p, &t);
	put_series_body(p, c);
}

/* Series of one order and kind: a line for all of them where more than one place occurred. */
static void put_group(struct page *p, const struct clear_series *const *group, size_t nr)
{
	const struct machine *m = p->s->machine;
	const struct clear_series *c = group[0];
	uint64_t count = 0, bytes = 0;
	struct text t = {0};
	size_t i;

	page__blank(p);
	if (nr == 1) {
		put_series(p, c,
			   !c->other && (c->numa == ZS_NUMA_REMOTE ||
					 (c->numa == ZS_NUMA_LOCAL && m && m->nodes > 1)));
		return;
	}
	for (i = 0; i < nr; i++) {
		count += group[i]->count;
		bytes += group[i]->bytes;
	}
	add_series_name(p, &t, c);
	text__add(&t, ": ");
	add_clears(p, &t, count, bytes);
	text__add(&t, " in all");
	page__heading(p, &t);
	for (i = 0; i < nr; i++) {
		if (i)
			page__blank(p);
		put_series(p, group[i], true);
	}
}

/* Kind, then order, then place; what had no series of its own at the end. */
static int compare_series(const void *pa, const void *pb)
{
	const struct clear_series *a = *(const struct clear_series *const *)pa;
	const struct clear_series *b = *(const struct clear_series *const *)pb;

	if (a->other != b->other)
		return a->other - b->other;
	if (a->kind != b->kind)
		return a->kind - b->kind;
	if (a->order != b->order)
		return a->order - b->order;
	return a->numa - b->numa;
}

/* Does any of them have something to say? */
static bool any_durations(const struct duration_series *d, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (d[i].count || d[i].wall.count)
			return true;
	return false;
}

static void put_nothing(struct page *p)
{
	const struct snapshot *s = p->s;
	char name[NAME_SIZE];
	bool hole = false;
	struct text t = {0};
	size_t i;

	page__blank(p);
	if (!interval__measures_clears(s)) {
		text__add(&t, WARN "Clears are not measured" PLAIN);
		text__add(&t, ": no probe that sees them is attached.");
		page__paragraph(p, 0, 0, &t);
		return;
	}
	if (any_durations(s->allocator, s->nr_allocator)) {
		text__add(&t, "Nothing was cleared at the fault; see allocator clears.");
		page__paragraph(p, 0, 0, &t);
		return;
	}
	text__add(&t, "Nothing was cleared");
	if (has_filters(&s->filters) && s->clears_total)
		text__add(&t, " by what the filter lets through");
	for (i = 0; i < s->nr_coverage; i++) {
		if (!interval__is_hole(s, &s->coverage[i]))
			continue;
		text__add(&t, "%s %s" NB "%" PRIu64,
			  hole ? "," : " within sight, but the kernel counted",
			  page__clean_name(p, name, s->coverage[i].what),
			  s->coverage[i].kernel.value);
		hole = true;
	}
	text__add(&t, "%s", hole ? ": see coverage." : ".");
	page__paragraph(p, 0, 0, &t);
}

static int put_clears(struct page *p)
{
	_cleanup_free_ const struct clear_series **list = NULL;
	const struct snapshot *s = p->s;
	size_t nr = 0, i, j;

	list = calloc(s->nr_clears + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < s->nr_clears; i++)
		if (happened(&s->clears[i]))
			list[nr++] = &s->clears[i];
	if (!nr) {
		put_nothing(p);
		return 0;
	}
	qsort(list, nr, sizeof(*list), compare_series);
	for (i = 0; i < nr; i = j) {
		for (j = i + 1; j < nr && same_group(list[i], list[j]); j++)
			;
		put_group(p, list + i, j - i);
	}
	return 0;
}

/* "158, 12.3 ms in all, p50 …, p99 …, max … by …" */
static void add_summary(const struct page *p, struct text *t, uint64_t count, uint64_t sum_ns,
			const struct hist *h, const char *whose)
{
	text__add(t, "%s%" PRIu64 ", ", p->atleast, count);
	text__ns(p, t, sum_ns);
	text__add(t, NB "in" NB "all");
	if (!h || !h->count)
		return;
	text__add(t, ", ");
	text__quantile(p, t, h, 0);
	text__add(t, ", ");
	text__quantile(p, t, h, 2);
	if (!h->max.known)
		return;
	text__add(t, ", max" NB);
	text__max(p, t, &h->max, whose);
}

static const char *explain_cause(unsigned int cause)
{
	static const char *const words[ZS_GAP_CAUSES] = {
		[ZS_GAP_RESCHED] = "gave way in cond_resched()",
		[ZS_GAP_PREEMPT] = "was preempted",
		[ZS_GAP_BLOCKED] = "blocked, which is not expected",
	};

	return words[cause];
}

static void put_gaps_by_order(struct page *p, unsigned int cause)
{
	const struct gaps *g = p->s->gaps;
	struct text t = {0};
	size_t i;

	for (i = 0; i < g->nr_sums; i++) {
		if (g->sums[i].cause != cause || !g->sums[i].count)
			continue;
		t.len = 0;
		text__add(&t, "order" NB "%d: %s%" PRIu64 ", ", g->sums[i].order, p->atleast,
			  g->sums[i].count);
		text__ns(p, &t, g->sums[i].sum_ns);
		text__add(&t, NB "in" NB "all");
		page__paragraph(p, KEY_COLUMN, KEY_COLUMN, &t);
	}
}

static void sum_gaps(const struct gaps *g, unsigned int cause, uint64_t *count, uint64_t *sum_ns)
{
	size_t i;

	*count = 0;
	*sum_ns = 0;
	for (i = 0; i < g->nr_sums; i++) {
		if (g->sums[i].cause != cause)
			continue;
		*count += g->sums[i].count;
		*sum_ns += g->sums[i].sum_ns;
	}
}

static bool any_gaps(const struct snapshot *s)
{
	size_t i;

	if (s->gaps_per_clear.known && s->gaps_counted)
		return true;
	for (i = 0; s->gaps && i < s->gaps->nr_sums; i++)
		if (s->gaps->sums[i].count)
			return true;
	return false;
}

static void put_gap_cause(struct page *p, unsigned int cause)
{
	const struct gaps *g = p->s->gaps;
	bool odd = cause == ZS_GAP_BLOCKED;
	uint64_t count, sum_ns;
	struct text t = {0};

	sum_gaps(g, cause, &count, &sum_ns);
	if (!count)
		return;
	add_summary(p, &t, count, sum_ns, g->has_cause[cause] ? &g->duration[cause] : NULL, "by");
	text__add(&t, "%s; the task %s%s", odd ? WARN : "", explain_cause(cause), odd ? PLAIN : "");
	keyed(p, gap_cause__name(cause), &t);
	if (p->o->verbose)
		put_gaps_by_order(p, cause);
}

static void put_gaps(struct page *p)
{
	const struct snapshot *s = p->s;
	char num[QUANTITY_SIZE];
	struct text t = {0};
	unsigned int cause;

	if (!s->gaps && !s->gaps_per_clear.known)
		return;
	if (!s->clears_total && !any_gaps(s) && !p->o->verbose)
		return;
	page__blank(p);
	text__add(&t, "gaps while clearing (the task was off its CPU)");
	if (!any_gaps(s)) {
		text__add(&t, ": none");
	} else if (s->gaps_per_clear.known) {
		quantity__number(num, s->gaps_per_clear.value, 3, ROUND_NEAREST, 0);
		text__add(&t, ": %s a clear", num);
	}
	page__heading(p, &t);
	if (!any_gaps(s))
		return;
	if (!s->gaps) {
		t.len = 0;
		text__add(&t, "%" PRIu64 " counted; how long they took is not measured",
			  s->gaps_counted);
		page__paragraph(p, 2, 4, &t);
		return;
	}
	for (cause = 0; cause < ZS_GAP_CAUSES; cause++)
		put_gap_cause(p, cause);
}

/* The longest that a cooperative kernel clears without giving way, as far as it was measured. */
static uint64_t slowest_extent_ns(const struct snapshot *s)
{
	uint64_t ns = 0;
	size_t i;

	for (i = 0; i < s->nr_extents; i++)
		if (s->extents[i].wall.max_since_attach.known)
			ns = max(ns, s->extents[i].wall.max_since_attach.ns);
	return ns;
}

/* That of all clears, where what is within them is not measured. */
static uint64_t slowest_clear_ns(const struct snapshot *s)
{
	uint64_t ns = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		if (s->clears[i].wall.max_since_attach.known)
			ns = max(ns, s->clears[i].wall.max_since_attach.ns);
	return ns;
}

static void add_bound(struct page *p, struct text *t, uint64_t bound, const char *what,
		      const struct hist_max *m)
{
	enum preempt_model model = p->s->machine->preempt_model;

	text__ns(p, t, bound);
	text__add(t, ", %s, under preempt=%s", what, preempt_model__name(model));
	if (m->known && m->ns > bound)
		text__add(t, "; " WARN "the maximum is above it" PLAIN);
	keyed(p, "bound", t);
}

static void put_resched_bound(struct page *p)
{
	const struct machine *machine = p->s->machine;
	const struct resched *r = p->s->resched;
	uint64_t extent = slowest_extent_ns(p->s), clear = slowest_clear_ns(p->s);
	struct text t = {0};

	if (!machine)
		return;
	switch (machine->preempt_model) {
	case PREEMPT_LAZY:
		if (r->has_lazy && machine->tick_ns)
			add_bound(p, &t, machine->tick_ns, "one tick for lazy requests",
				  &r->lazy.max);
		break;
	case PREEMPT_NONE:
	case PREEMPT_VOLUNTARY:
		if (extent)
			add_bound(p, &t, extent, "the slowest extent", &r->now.max);
		else if (clear)
			add_bound(p, &t, clear, "the slowest clear (nothing within it is measured)",
				  &r->now.max);
		break;
	default:
		break;
	}
}

static void put_resched_one(struct page *p, const char *key, const struct hist *h)
{
	struct text t = {0};

	if (h->count)
		add_summary(p, &t, h->count, h->sum_ns, h, "for");
	else
		text__add(&t, "none");
	keyed(p, key, &t);
}

static void put_resched(struct page *p)
{
	const struct resched *r = p->s->resched;
	char name[NAME_SIZE];
	struct text t = {0};

	if (!r)
		return;
	if (!r->now.count && !r->lazy.count && !r->outlived && !p->s->clears_total &&
	    !p->o->verbose)
		return;
	page__blank(p);
	text__add(&t, "resched delay (how long others waited for a clearing CPU, from %s)",
		  page__clean_name(p, name, r->source));
	page__heading(p, &t);
	put_resched_one(p, "now", &r->now);
	if (r->has_lazy)
		put_resched_one(p, "lazy", &r->lazy);
	if (r->outlived) {
		t.len = 0;
		text__add(&t, "%s%" PRIu64 " of them: the clear ended before the switch came",
			  p->atleast, r->outlived);
		keyed(p, "outlived", &t);
	}
	put_resched_bound(p);
}

static void keyed_order(struct page *p, int order, const struct text *t)
{
	char key[32];

	snprintf(key, sizeof(key), "order %d", order);
	keyed(p, key, t);
}

static uint64_t clears_of_order(const struct snapshot *s, int order)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		if (!s->clears[i].other && s->clears[i].order == order)
			n += s->clears[i].wall.count;
	return n;
}

static void put_extents(struct page *p)
{
	const struct snapshot *s = p->s;
	struct text t = {0};
	size_t i;

	if (!any_durations(s->extents, s->nr_extents))
		return;
	page__blank(p);
	text__add(&t, "extents (what was cleared in one go)");
	page__heading(p, &t);
	for (i = 0; i < s->nr_extents; i++) {
		const struct duration_series *d = &s->extents[i];
		uint64_t clears = clears_of_order(s, d->order);
		char num[QUANTITY_SIZE];

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		if (clears) {
			quantity__number(num, (double)d->count / (double)clears, 3, ROUND_NEAREST,
					 0);
			text__add(&t, "; %s" NB "a" NB "clear", num);
		}
		if (d->has_pages && d->pages.count) {
			quantity__number(num, (double)d->pages.sum / (double)d->pages.count, 3,
					 ROUND_NEAREST, 0);
			text__add(&t, ", %s" NB "pages" NB "each on average", num);
		}
		keyed_order(p, d->order, &t);
	}
}

static void put_allocator(struct page *p)
{
	const struct snapshot *s = p->s;
	struct text t = {0};
	size_t i;

	if (!s->has_allocator)
		return;
	if (!any_durations(s->allocator, s->nr_allocator) && !p->o->verbose)
		return;
	page__blank(p);
	text__add(&t, "allocator clears (init_on_alloc: zeroed when allocated)");
	page__heading(p, &t);
	if (!any_durations(s->allocator, s->nr_allocator)) {
		t.len = 0;
		text__add(&t, "none");
		page__paragraph(p, 2, 4, &t);
	}
	for (i = 0; i < s->nr_allocator; i++) {
		const struct duration_series *d = &s->allocator[i];

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		text__add(&t, "; %s", p->atleast);
		text__bytes(p, &t, (double)d->bytes);
		if (d->wall.sum_ns) {
			text__add(&t, ", ");
			text__bytes(p, &t, (double)d->bytes * 1e9 / (double)d->wall.sum_ns);
			text__add(&t, "/s" NB "while" NB "clearing");
		}
		keyed_order(p, d->order, &t);
	}
}

static void put_faults(struct page *p)
{
	const struct snapshot *s = p->s;
	struct text t = {0};
	size_t i;

	if (!any_durations(s->faults, s->nr_faults))
		return;
	page__blank(p);
	text__add(&t, "huge page faults, and how much of their time was clearing");
	page__heading(p, &t);
	for (i = 0; i < s->nr_faults; i++) {
		const struct duration_series *d = &s->faults[i];
		struct opt_double share = interval__clear_share(s, d);

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		if (share.known) {
			text__percent(&t, share.value);
			text__add(&t, NB "clearing; ");
		}
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		keyed_order(p, d->order, &t);
	}
}

static void add_opt(struct text *t, const char *name, const struct opt_u64 *v)
{
	if (!v->known)
		return;
	text__add(t, "%s%s" NB "%" PRIu64, t->len ? ", " : "", name, v->value);
}

static void put_span(struct page *p, const char *key, const struct span_hist *h)
{
	struct text t = {0};
	size_t i;

	if (!h->count)
		return;
	text__add(&t, "%" PRIu64 " ended", h->count);
	for (i = 0; i < 3; i++) {
		text__add(&t, "  %s" NB, quantity__quantiles[i].name);
		text__range(p, &t, hist__span_quantile(h, quantity__quantiles[i].q), quantity__span,
			    2);
	}
	keyed(p, key, &t);
}

/* Both are read one after the other: only a difference that stays means anything. */
static void add_difference(const struct page *p, struct text *t, const struct huge_zero *z)
{
	char reason[NAME_SIZE];

	text__add(t, ", %s%" PRIu64 NB "%s%s", z->holders_reason[0] ? WARN "but " : "",
		  z->holders.value, z->holders.value == 1 ? "holder" : "holders",
		  z->holders_reason[0] ? PLAIN : " a moment apart");
	if (z->holders_reason[0])
		text__add(t, " (%s)", page__clean_name(p, reason, z->holders_reason));
}

static void add_refcount(const struct page *p, struct text *t, const struct huge_zero *z)
{
	char reason[NAME_SIZE];

	if (!z->refcount.known) {
		text__add(t, "refcount not known");
		if (z->refcount_reason[0])
			text__add(t, " (%s)", page__clean_name(p, reason, z->refcount_reason));
		if (z->holders.known)
			text__add(t, ", %" PRIu64 NB "%s", z->holders.value,
				  z->holders.value == 1 ? "holder" : "holders");
		return;
	}
	text__add(t, "refcount %" PRIu64, z->refcount.value);
	if (!z->holders.known) {
		if (z->holders_reason[0])
			text__add(t, ", holders not known (%s)",
				  page__clean_name(p, reason, z->holders_reason));
		return;
	}
	if (!z->refcount.value && !z->holders.value)
		text__add(t, ": not allocated");
	else if (z->refcount.value == z->holders.value + 1)
		text__add(t, " = %" PRIu64 NB "%s + the shrinker's pin", z->holders.value,
			  z->holders.value == 1 ? "holder" : "holders");
	else
		add_difference(p, t, z);
}

static bool huge_zero_moved(const struct huge_zero *z)
{
	return z->gets.value || z->references_taken.value || z->puts.value ||
	       z->allocations.value || z->allocation_failures.value || z->reclaims.value ||
	       z->reclaim_refusals.value;
}

static void put_huge_zero(struct page *p)
{
	const struct huge_zero *z = p->s->huge_zero;
	enum huge_zero_kind kind = p->s->machine ? p->s->machine->huge_zero : HUGE_ZERO_UNKNOWN;
	struct text t = {0};

	if (!z)
		return;
	page__blank(p);
	text__add(&t, BOLD "huge zero folio:" PLAIN " ");
	if (kind == HUGE_ZERO_PERSISTENT || kind == HUGE_ZERO_ABSENT) {
		text__add(&t, kind == HUGE_ZERO_PERSISTENT ? "persistent, never freed"
							   : "this kernel has none");
		page__paragraph(p, 0, 4, &t);
		return;
	}
	add_refcount(p, &t, z);
	if (z->oldest_seconds.known) {
		text__add(&t, ", oldest" NB "hold" NB "%s",
			  z->oldest_at_least ? "at" NB "least" NB : "");
		text__quantity(p, &t, quantity__span, z->oldest_seconds.value, 3);
	}
	page__paragraph(p, 0, 4, &t);
	if (huge_zero_moved(z) || p->o->verbose) {
		t.len = 0;
		t.buf[0] = '\0';
		add_opt(&t, "gets", &z->gets);
		add_opt(&t, "references taken", &z->references_taken);
		add_opt(&t, "puts", &z->puts);
		if (t.len)
			keyed(p, "use", &t);
		t.len = 0;
		t.buf[0] = '\0';
		add_opt(&t, "allocations", &z->allocations);
		add_opt(&t, "allocation failures", &z->allocation_failures);
		add_opt(&t, "reclaims", &z->reclaims);
		add_opt(&t, "reclaim refusals", &z->reclaim_refusals);
		if (t.len)
			keyed(p, "folio", &t);
	}
	if (z->has_hold)
		put_span(p, "hold", &z->hold);
	if (z->has_lifetime)
		put_span(p, "lifetime", &z->lifetime);
}

static int compare_payers(const void *pa, const void *pb)
{
	const struct payer *a = *(const struct payer *const *)pa;
	const struct payer *b = *(const struct payer *const *)pb;

	if (a->sum_ns != b->sum_ns)
		return a->sum_ns < b->sum_ns ? 1 : -1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void put_payer(struct page *p, const struct payer *payer, bool node)
{
	char name[NAME_SIZE];
	struct text t = {0};

	if (node)
		text__add(&t, "node" NB "%" PRIu64, payer->id);
	else if (payer->name[0])
		text__add(&t, "%s", page__clean_name(p, name, payer->name));
	else
		text__add(&t, "cgroup" NB "%" PRIu64, payer->id);
	text__add(&t, ": ");
	text__ns(p, &t, payer->sum_ns);
	text__add(&t, NB "in ");
	text__count(p, &t, payer->count, "clear", "clears");
	text__add(&t, ", %s", p->atleast);
	text__bytes(p, &t, (double)payer->bytes);
	if (p->s->gaps && payer->gap_ns) {
		text__add(&t, ", gaps" NB);
		text__ns(p, &t, payer->gap_ns);
	}
	text__add(&t, ", max" NB "since" NB "start" NB);
	text__ns(p, &t, payer->max_ns);
	page__paragraph(p, 2, 4, &t);
}

static int put_payers(struct page *p, const char *title, const struct payer *payers, size_t nr,
		      bool node)
{
	_cleanup_free_ const struct payer **list = NULL;
	struct text t = {0};
	size_t used = 0, i;

	list = calloc(nr + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (payers[i].count)
			list[used++] = &payers[i];
	/* One node pays for everything: that is no news. */
	if (!used || (node && used < 2 && !p->o->verbose))
		return 0;
	qsort(list, used, sizeof(*list), compare_payers);
	page__blank(p);
	text__add(&t, "%s", title);
	page__heading(p, &t);
	for (i = 0; i < used && (i < MAX_PAYERS || p->o->verbose); i++)
		put_payer(p, list[i], node);
	if (i < used) {
		t.len = 0;
		text__add(&t, "and %zu more (-v shows all)", used - i);
		page__paragraph(p, 2, 4, &t);
	}
	return 0;
}

static void add_coverage_name(const struct page *p, struct text *t, const struct coverage *c)
{
	char name[NAME_SIZE];

	text__add(t, "%s", page__clean_name(p, name, c->what));
}

/* A hole, or a remark on a row where something happened. */
static void put_coverage_row(struct page *p, const struct coverage *c)
{
	char reason[NAME_SIZE];
	struct text t = {0};

	text__add(&t,
		  interval__is_hole(p->s, c) ? WARN "coverage hole," PLAIN " " : "coverage note, ");
	add_coverage_name(p, &t, c);
	if (c->kernel.known)
		text__add(&t, ": the kernel counted %" PRIu64, c->kernel.value);
	else
		text__add(&t, ": the kernel does not count these");
	if (c->seen.known)
		text__add(&t, ", seen %" PRIu64, c->seen.value);
	if (interval__is_hole(p->s, c))
		text__add(&t, ", " WARN "%" PRIu64 " not seen" PLAIN,
			  c->kernel.value - c->seen.value);
	text__add(&t, ": %s", page__clean_name(p, reason, c->reason));
	if (!strchr(".!?", c->reason[strlen(c->reason) - 1]))
		text__add(&t, ".");
	page__paragraph(p, 0, 2, &t);
}

static bool coverage_active(const struct coverage *c)
{
	return (c->kernel.known && c->kernel.value) || (c->seen.known && c->seen.value);
}

static void put_coverage_uncounted(struct page *p)
{
	const struct snapshot *s = p->s;
	struct text t = {0};
	size_t i;

	for (i = 0; i < s->nr_coverage; i++) {
		const struct coverage *c = &s->coverage[i];

		if (c->kernel.known || c->reason[0])
			continue;
		text__add(&t, "%s", t.len ? ", " : "not counted by the kernel, so not compared: ");
		add_coverage_name(p, &t, c);
		if (c->seen.known)
			text__add(&t, " (seen" NB "%" PRIu64 ")", c->seen.value);
	}
	if (t.len)
		page__paragraph(p, 0, 2, &t);
}

static void put_coverage(struct page *p)
{
	const struct snapshot *s = p->s;
	bool compared = false, hole = false, told_any = false;
	struct text t = {0};
	size_t i;

	page__blank(p);
	for (i = 0; i < s->nr_coverage; i++) {
		const struct coverage *c = &s->coverage[i];
		bool told = interval__is_hole(p->s, c) || (c->reason[0] && coverage_active(c));

		hole = hole || interval__is_hole(p->s, c);
		if (told || (c->reason[0] && p->o->verbose)) {
			put_coverage_row(p, c);
			told_any = told_any || told;
			continue;
		}
		if (!c->kernel.known || !c->seen.known)
			continue;
		compared = true;
		if (!c->kernel.value && !c->seen.value)
			continue;
		text__add(&t, "%s", t.len ? ", " : "");
		add_coverage_name(p, &t, c);
		text__add(&t, NB "%" PRIu64, c->seen.value);
		if (c->seen.value < c->kernel.value)
			text__add(&t,
				  NB "of" NB "%" PRIu64 NB "(the" NB "rest" NB "in" NB "flight)",
				  c->kernel.value);
		else if (c->seen.value > c->kernel.value)
			text__add(&t, NB "(kernel" NB "%" PRIu64 ")", c->kernel.value);
	}
	if (t.len) {
		struct text line = {0};

		text__add(&line, "coverage%s: all that the kernel counted was seen: %s",
			  hole ? " of the rest" : "", t.buf);
		page__paragraph(p, 0, 2, &line);
	} else if (compared && !told_any) {
		text__add(&t, "coverage: %s",
			  all_counts(s) ? "nothing that the kernel counts was cleared"
					: "the kernel counted nothing either");
		page__paragraph(p, 0, 2, &t);
	} else if (!s->nr_coverage) {
		text__add(&t,
			  "coverage: not known, nothing was compared with the kernel's counters");
		page__paragraph(p, 0, 2, &t);
	}
	if (p->o->verbose)
		put_coverage_uncounted(p);
}

static void put_loss(struct page *p)
{
	const struct loss *l = &p->s->loss;
	const struct {
		const char *name;
		const char *words;
		const struct opt_u64 *v;
	} rows[] = {
		{"recursion", "not seen, a program was running on that CPU", &l->recursion},
		{"missed", "not passed on by the kernel's probe", &l->missed},
		{"storage_full", "no room to follow them", &l->storage_full},
		{"unmatched", "begin or end missed", &l->unmatched},
		{"dropped", "slow clears not streamed, the buffer was full", &l->dropped},
	};
	bool any = false;
	struct text t = {0}, untold = {0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].v->known) {
			text__add(&untold, "%s%s", untold.len ? ", " : "", rows[i].name);
			continue;
		}
		if (!rows[i].v->value)
			continue;
		text__add(&t, "%s%s" NB "%" PRIu64 " (%s)", any ? ", " : WARN "loss:" PLAIN " ",
			  rows[i].name, rows[i].v->value, rows[i].words);
		any = true;
	}
	if (!any)
		text__add(&t, "loss: none%s", untold.len ? " that is known of" : "");
	if (untold.len)
		text__add(&t, "; not told by the kernel: %s", untold.buf);
	if (p->s->floor)
		text__add(&t, ". Counts with %s are floors.", p->o->ascii ? ">=" : "≥");
	page__paragraph(p, 0, 2, &t);
}

static void put_self(struct page *p)
{
	const struct self_cost *c = &p->s->self;
	struct text t = {0};

	text__add(&t, "own cost: ");
	if (c->bpf_seconds.known) {
		text__add(&t, "BPF ");
		text__quantity(p, &t, quantity__time, c->bpf_seconds.value, 3);
		if (p->s->interval_ns) {
			text__add(&t, " (");
			text__percent(&t, c->bpf_seconds.value * 1e9 / (double)p->s->interval_ns);
			text__add(&t, NB "of" NB "one" NB "CPU)");
		}
	} else {
		text__add(&t, "BPF time not measured");
	}
	if (c->map_bytes) {
		text__add(&t, ", maps ");
		text__quantity(p, &t, quantity__binary, (double)c->map_bytes, 3);
	}
	if (c->rss_bytes) {
		text__add(&t, ", process ");
		text__quantity(p, &t, quantity__binary, (double)c->rss_bytes, 3);
	}
	page__paragraph(p, 0, 2, &t);
}

static void put_probes(struct page *p)
{
	char name[NAME_SIZE];
	size_t i;

	if (!p->s->nr_probes || !p->o->verbose || !p->o->totals)
		return;
	fputs("probes:\n", p->out);
	for (i = 0; i < p->s->nr_probes; i++) {
		const struct probe_state *probe = &p->s->probes[i];
		struct text t = {0};

		text__add(&t, "%s: ", page__clean_name(p, name, probe->name));
		text__add(&t, "%s",
			  probe->attached ? page__clean_name(p, name, probe->tier)
					  : "not attached");
		if (probe->reason[0])
			text__add(&t, " (%s)", page__clean_name(p, name, probe->reason));
		page__paragraph(p, 2, 4, &t);
	}
}

static int put_block(struct page *p)
{
	const struct snapshot *s = p->s;
	int err;

	put_header(p);
	err = put_clears(p);
	if (err)
		return err;
	put_gaps(p);
	put_resched(p);
	put_extents(p);
	put_allocator(p);
	put_faults(p);
	put_huge_zero(p);
	err = put_payers(p, "by node of the folio", s->node_payers, s->nr_node_payers, true);
	if (!err)
		err = put_payers(p, "by cgroup", s->cgroup_payers, s->nr_cgroup_payers, false);
	if (err)
		return err;
	put_coverage(p);
	put_loss(p);
	put_self(p);
	put_probes(p);
	page__blank(p);
	return 0;
}

int plain__interval(FILE *out, const struct snapshot *s, const struct plain_options *o)
{
	_cleanup_free_ char *buf = NULL;
	struct page p = {.o = o, .s = s};
	size_t len = 0;
	int err;

	p.width = o->width > 0 ? min(max(o->width, MIN_WIDTH), MAX_WIDTH) : DEFAULT_WIDTH;
	p.atleast = !s->floor ? "" : o->ascii ? ">=" : "≥";
	p.out = open_memstream(&buf, &len);
	if (!p.out)
		return -errno;
	err = put_block(&p);
	if (fclose(p.out) && !err)
		err = -errno;
	if (err)
		return err;
	errno = 0;
	if (fwrite(buf, 1, len, out) != len || fflush(out))
		return errno ? -errno : -EIO;
	return 0;
}

int plain__totals(FILE *out, const struct snapshot *s, const struct plain_options *o)
{
	struct plain_options totals = *o;

	totals.totals = true;
	return plain__interval(out, s, &totals);
}

static void add_probe(struct text *t, const struct probe_state *probe, const char *sep)
{
	char name[NAME_SIZE], why[NAME_SIZE];
	const char *text = probe->attached ? probe->tier : probe->reason;

	text__add(t, "%s%s", sep,
		  page__clean(name, sizeof(name), probe->name, sizeof(probe->name), true));
	if (text[0])
		text__add(t, " (%s)", page__clean(why, sizeof(why), text, sizeof(why) - 1, true));
}

void plain__attached(char *buf, size_t size, const struct snapshot *s)
{
	struct text t = {0};
	const char *sep;
	size_t i;

	text__add(&t, "attached:");
	sep = " ";
	for (i = 0; i < s->nr_probes; i++) {
		if (!s->probes[i].attached)
			continue;
		add_probe(&t, &s->probes[i], sep);
		sep = ", ";
	}
	if (*sep == ' ')
		text__add(&t, " nothing");
	sep = "; not attached: ";
	for (i = 0; i < s->nr_probes; i++) {
		if (s->probes[i].attached)
			continue;
		add_probe(&t, &s->probes[i], sep);
		sep = ", ";
	}
	snprintf(buf, size, "%s", t.buf);
}
