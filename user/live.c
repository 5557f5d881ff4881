// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const struct {
	const char *name, *brief;
	const char *event, *events;
	const char *without;
} metrics[LIVE_METRICS] = {
	[LIVE_WALL] = {"clear wall time", "wall time", "clear", "clears",
		       "Clears are not measured: no probe that sees them is attached."},
	[LIVE_ON_CPU] = {"clear on-CPU time", "on-CPU", "clear", "clears",
			 "On-CPU time is not measured: there is none for these clears, or this "
			 "kernel keeps no run delays of tasks."},
	[LIVE_GAPS] = {"gaps", "gaps", "gap", "gaps",
		       "The durations of gaps are not measured: sched_switch is not attached, or "
		       "--no-gaps was given."},
	[LIVE_RESCHED] = {"resched delay", "resched", "wait", "waits",
			  "The resched delay is not measured: no probe that sees reschedule "
			  "requests is attached."},
	[LIVE_EXTENTS] =
		{"extents", "extents", "extent", "extents",
		 "Extents are not measured: this kernel has nothing to attach to for them."},
	[LIVE_HOLD] = {"zero folio holds", "holds", "hold", "holds",
		       "Hold times are not measured: references on the huge zero folio are not "
		       "followed here."},
	[LIVE_ALLOCATOR] = {"allocator clears", "allocator", "clear", "clears",
			    "Allocator clears are not measured; --allocator measures them."},
	[LIVE_FAULTS] = {"huge page faults", "faults", "fault", "faults",
			 "Faults are not measured; --fault-share measures them."},
};

const char *live__metric_name(enum live_metric m, bool brief)
{
	return brief ? metrics[m].brief : metrics[m].name;
}

const char *live__metric_event(enum live_metric m)
{
	return metrics[m].event;
}

const char *live__metric_events(enum live_metric m)
{
	return metrics[m].events;
}

const char *live__why_not_measured(enum live_metric m)
{
	return metrics[m].without;
}

void live__init(struct live *l, enum live_source source)
{
	memset(l, 0, sizeof(*l));
	l->source = source;
	l->speed = 1;
}

static void view_free(struct live_view *v)
{
	snapshot__free(&v->interval);
	snapshot__free(&v->since);
	v->columns = 0;
}

static void column_free(struct live_column *c)
{
	free(c->track);
	free(c->point);
	*c = (struct live_column){0};
}

static void history_free(struct live_history *h)
{
	size_t i;

	for (i = 0; i < LIVE_COLUMNS; i++)
		column_free(&h->column[i]);
	h->count = 0;
}

void live__free(struct live *l)
{
	view_free(&l->now);
	view_free(&l->frozen);
	history_free(&l->history);
}

void live__forget(struct live *l)
{
	live__free(l);
	l->is_frozen = false;
	l->baseline_ns = 0;
}

/* The machine of a snapshot may go away with what it was read from. */
static struct snapshot *copy_of(struct live *l, const struct snapshot *s)
{
	struct snapshot *copy = snapshot__copy(s);

	if (copy)
		copy->machine = s->machine ? &l->machine : NULL;
	return copy;
}

/* --- A part of a snapshot ---------------------------------------------------------------- */

static bool selected(const struct live_selection *sel, int order, unsigned int kind)
{
	if (sel->scope == LIVE_ORDER)
		return order == sel->order;
	if (sel->scope == LIVE_KIND)
		return kind == sel->kind;
	return true;
}

static void gather_clears(const struct snapshot *s, const struct live_selection *sel,
			  struct live_hist *out)
{
	size_t i;

	out->measured = sel->metric == LIVE_WALL && s->nr_clears;
	for (i = 0; i < s->nr_clears; i++) {
		const struct clear_series *c = &s->clears[i];

		if (!selected(sel, c->order, c->kind))
			continue;
		if (sel->metric == LIVE_WALL) {
			hist__add(&out->h, &c->wall);
		} else if (c->has_on_cpu) {
			hist__add(&out->h, &c->on_cpu);
			out->measured = true;
		}
	}
}

static void gather_durations(bool has, const struct duration_series *d, size_t nr,
			     const struct live_selection *sel, struct live_hist *out)
{
	struct live_selection by_order = *sel;
	size_t i;

	out->measured = has;
	out->whole = sel->scope == LIVE_KIND;
	if (out->whole)
		by_order.scope = LIVE_ALL;
	for (i = 0; i < nr; i++)
		if (selected(&by_order, d[i].order, LIVE_ANY))
			hist__add(&out->h, &d[i].wall);
}

static void gather_gaps(const struct snapshot *s, struct live_hist *out)
{
	size_t i;

	out->whole = true;
	out->measured = s->gaps != NULL;
	for (i = 0; s->gaps && i < ZS_GAP_CAUSES; i++)
		if (s->gaps->has_cause[i])
			hist__add(&out->h, &s->gaps->duration[i]);
}

static void gather_resched(const struct snapshot *s, struct live_hist *out)
{
	out->whole = true;
	out->measured = s->resched != NULL;
	if (!s->resched)
		return;
	hist__add(&out->h, &s->resched->now);
	if (s->resched->has_lazy)
		hist__add(&out->h, &s->resched->lazy);
}

static void gather_hold(const struct snapshot *s, struct live_hist *out)
{
	out->whole = true;
	out->span = true;
	out->measured = s->huge_zero && s->huge_zero->has_hold;
	if (!out->measured)
		return;
	out->h.count = s->huge_zero->hold.count;
	out->h.sum_ns = s->huge_zero->hold.sum_ns;
	memcpy(out->h.bucket, s->huge_zero->hold.bucket, sizeof(s->huge_zero->hold.bucket));
}

void live__gather(const struct snapshot *s, const struct live_selection *sel, struct live_hist *out)
{
	memset(out, 0, sizeof(*out));
	switch (sel->metric) {
	case LIVE_GAPS:
		gather_gaps(s, out);
		break;
	case LIVE_RESCHED:
		gather_resched(s, out);
		break;
	case LIVE_EXTENTS:
		gather_durations(s->has_extents, s->extents, s->nr_extents, sel, out);
		break;
	case LIVE_ALLOCATOR:
		gather_durations(s->has_allocator, s->allocator, s->nr_allocator, sel, out);
		break;
	case LIVE_FAULTS:
		gather_durations(s->has_faults, s->faults, s->nr_faults, sel, out);
		break;
	case LIVE_HOLD:
		gather_hold(s, out);
		break;
	default:
		gather_clears(s, sel, out);
	}
	if (sel->scope != LIVE_ORDER && sel->scope != LIVE_KIND)
		out->whole = false;
}

unsigned int live__buckets(const struct live_hist *h)
{
	return h->span ? ZS_SPAN_BUCKETS : ZS_BUCKETS;
}

double live__bound(const struct live_hist *h, unsigned int bucket)
{
	return h->span ? hist__span_bound_seconds(bucket) : hist__bound_seconds(bucket);
}

struct hist_range live__quantile(const struct live_hist *h, double q)
{
	struct span_hist span = {.count = h->h.count};

	if (!h->span)
		return hist__quantile(&h->h, q);
	memcpy(span.bucket, h->h.bucket, sizeof(span.bucket));
	return hist__span_quantile(&span, q);
}

/* --- The history ------------------------------------------------------------------------- */

/* Counts what a column needs, and fills it the second time. */
struct column_writer {
	struct live_column *column; /* without arrays: only count */
	uint32_t tracks, points;
};

static void add_track(struct column_writer *w, enum live_metric metric, int order,
		      unsigned int kind, const uint64_t *bucket, unsigned int nr)
{
	struct live_column *c = w->column;
	uint32_t first = w->points;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!bucket[i])
			continue;
		if (c->point) {
			c->point[w->points].bucket = (uint16_t)i;
			c->point[w->points].count = (uint32_t)min(bucket[i], (uint64_t)UINT32_MAX);
		}
		w->points++;
	}
	if (w->points == first)
		return;
	if (c->track)
		c->track[w->tracks] = (struct live_track){
			.metric = (uint8_t)metric,
			.kind = (uint8_t)kind,
			.order = (int8_t)order,
			.first = first,
			.nr = w->points - first,
		};
	w->tracks++;
}

static void add_durations(struct column_writer *w, enum live_metric metric,
			  const struct duration_series *d, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		add_track(w, metric, d[i].order, LIVE_ANY, d[i].wall.bucket, ZS_BUCKETS);
}

static void write_column(struct column_writer *w, const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->nr_clears; i++) {
		const struct clear_series *c = &s->clears[i];

		add_track(w, LIVE_WALL, c->order, c->kind, c->wall.bucket, ZS_BUCKETS);
		if (c->has_on_cpu)
			add_track(w, LIVE_ON_CPU, c->order, c->kind, c->on_cpu.bucket, ZS_BUCKETS);
	}
	for (i = 0; s->gaps && i < ZS_GAP_CAUSES; i++)
		if (s->gaps->has_cause[i])
			add_track(w, LIVE_GAPS, -1, LIVE_ANY, s->gaps->duration[i].bucket,
				  ZS_BUCKETS);
	if (s->resched)
		add_track(w, LIVE_RESCHED, -1, LIVE_ANY, s->resched->now.bucket, ZS_BUCKETS);
	if (s->resched && s->resched->has_lazy)
		add_track(w, LIVE_RESCHED, -1, LIVE_ANY, s->resched->lazy.bucket, ZS_BUCKETS);
	add_durations(w, LIVE_EXTENTS, s->extents, s->nr_extents);
	add_durations(w, LIVE_ALLOCATOR, s->allocator, s->nr_allocator);
	add_durations(w, LIVE_FAULTS, s->faults, s->nr_faults);
	if (s->huge_zero && s->huge_zero->has_hold)
		add_track(w, LIVE_HOLD, -1, LIVE_ANY, s->huge_zero->hold.bucket, ZS_SPAN_BUCKETS);
}

static struct live_column *next_column(struct live *l)
{
	struct live_column *c = &l->history.column[l->history.count++ % LIVE_COLUMNS];

	column_free(c);
	return c;
}

static int push_column(struct live *l, const struct snapshot *s)
{
	struct live_column *c = next_column(l);
	struct column_writer w = {.column = c};

	c->interval_ns = s->interval_ns;
	write_column(&w, s);
	/* One more, because an empty allocation may be NULL. */
	c->track = calloc(w.tracks + 1, sizeof(*c->track));
	c->point = calloc(w.points + 1, sizeof(*c->point));
	if (!c->track || !c->point) {
		column_free(c);
		c->gap = true;
		return -ENOMEM;
	}
	c->nr_tracks = w.tracks;
	c->nr_points = w.points;
	w.tracks = 0;
	w.points = 0;
	write_column(&w, s);
	return 0;
}

void live__push_gap(struct live *l)
{
	/* One is enough, and none is needed where nothing was before. */
	if (!l->history.count || l->history.column[(l->history.count - 1) % LIVE_COLUMNS].gap)
		return;
	next_column(l)->gap = true;
	l->now.columns = l->history.count;
}

/* A recording that is paused does not move; what is measured does, behind the screen. */
static const struct live_view *shown_view(const struct live *l)
{
	return l->is_frozen && l->source != LIVE_RECORDING ? &l->frozen : &l->now;
}

/* The column of that age, or NULL: the ring has moved on, or there was none. */
static const struct live_column *column_of_age(const struct live *l, uint64_t age)
{
	uint64_t end = shown_view(l)->columns;
	uint64_t number;

	if (age >= end)
		return NULL;
	number = end - 1 - age;
	if (l->history.count - number > LIVE_COLUMNS)
		return NULL;
	return &l->history.column[number % LIVE_COLUMNS];
}

bool live__column_exists(const struct live *l, uint64_t age)
{
	return column_of_age(l, age) != NULL;
}

uint64_t live__columns_ns(const struct live *l, uint64_t nr)
{
	const struct live_column *c;
	uint64_t ns = 0, age;

	for (age = 0; age < nr && (c = column_of_age(l, age)) != NULL; age++)
		ns += c->interval_ns;
	return ns;
}

bool live__column(const struct live *l, uint64_t age, uint64_t bucket[ZS_BUCKETS])
{
	const struct live_column *c = column_of_age(l, age);
	const struct live_selection *sel = &l->selection;
	uint32_t i, j;

	if (!c || c->gap)
		return false;
	for (i = 0; i < c->nr_tracks; i++) {
		const struct live_track *t = &c->track[i];

		if (t->metric != sel->metric)
			continue;
		if (sel->scope == LIVE_ORDER && t->order >= 0 && t->order != sel->order)
			continue;
		/* Clears of all other orders belong to none. */
		if (sel->scope == LIVE_ORDER && t->order < 0 && t->kind != LIVE_ANY)
			continue;
		if (sel->scope == LIVE_KIND && t->kind != LIVE_ANY && t->kind != sel->kind)
			continue;
		for (j = t->first; j < t->first + t->nr; j++)
			bucket[c->point[j].bucket] += c->point[j].count;
	}
	return true;
}

/* --- Intervals --------------------------------------------------------------------------- */

int live__begin(struct live *l, const struct snapshot *totals)
{
	if (totals->machine)
		l->machine = *totals->machine;
	snapshot__free(&l->now.since);
	l->now.since = copy_of(l, totals);
	return l->now.since ? 0 : -ENOMEM;
}

/* An interval that took much longer than the one before: the process was stopped. */
static bool was_late(const struct live *l, const struct snapshot *s)
{
	const struct snapshot *last = l->now.interval;

	return l->source == LIVE_HERE && last && l->interval_ns &&
	       s->interval_ns > 2 * max(l->interval_ns, last->interval_ns) &&
	       s->interval_ns > 2 * NSEC_PER_SEC;
}

int live__push(struct live *l, const struct snapshot *s)
{
	struct snapshot *copy;
	int err;

	if (s->machine)
		l->machine = *s->machine;
	copy = copy_of(l, s);
	if (!copy)
		return -ENOMEM;
	if (was_late(l, s))
		live__push_gap(l);
	snapshot__free(&l->now.interval);
	l->now.interval = copy;
	if (l->now.since) {
		err = snapshot__accumulate(l->now.since, copy);
	} else {
		l->now.since = copy_of(l, s);
		err = l->now.since ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	err = push_column(l, s);
	l->now.columns = l->history.count;
	return err;
}

const struct snapshot *live__shown(const struct live *l)
{
	const struct live_view *v = shown_view(l);

	return l->total && v->since ? v->since : v->interval;
}
