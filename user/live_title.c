// SPDX-License-Identifier: GPL-2.0-only
/* The first line of the live view. */
#include "live_draw.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "quantity.h"
#include "util.h"

static void add_scope(const struct live_canvas *v, bool brief, struct text *t)
{
	const struct live_selection *sel = &v->l->selection;

	switch (v->h.whole ? LIVE_ALL : sel->scope) {
	case LIVE_ORDER:
		text__add(t, "order %d", sel->order);
		if (v->s && !brief)
			text__folio_size(&v->p, t, sel->order);
		break;
	case LIVE_KIND:
		text__add(t, "%s", page_kind__name(sel->kind));
		break;
	case LIVE_NODES:
		text__add(t, "by node");
		break;
	case LIVE_CGROUPS:
		text__add(t, "by cgroup");
		break;
	default:
		text__add(t, brief ? "all" : "all orders");
	}
}

static void add_span(const struct live_canvas *v, bool brief, struct text *t)
{
	const char *since = v->l->baseline_ns ? "since reset" : "since start";

	if (brief)
		since += strlen("since ");
	text__add(t, "%s", v->l->total ? since : "interval");
	if (!v->s || brief)
		return;
	text__add(t, " ");
	text__quantity(&v->p, t, quantity__span, (double)v->s->interval_ns * 1e-9, 3);
}

static void add_state(const struct live_canvas *v, bool brief, struct text *t)
{
	const struct live *l = v->l;
	char num[UTIL_DOUBLE_SIZE];

	if (l->trouble[0]) {
		text__add(t, "NO ANSWER");
	} else if (l->source == LIVE_RECORDING) {
		util__format_double(l->speed, num);
		if (l->ended)
			text__add(t, "END");
		else if (l->is_frozen)
			text__add(t, "PAUSED");
		else if (brief)
			text__add(t, "playing");
		else
			text__add(t, "playing %s%s", v->o.ascii ? "x" : "×", num);
	} else if (l->is_frozen) {
		text__add(t, "FROZEN");
	}
}

static void add_time(const struct live_canvas *v, struct text *t)
{
	time_t seconds = (time_t)(v->s->time_ns / NSEC_PER_SEC);
	char date[UTIL_TIME_SIZE];
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%H:%M:%S", &tm);
	text__add(t, "%s", date);
}

/* "clear wall time  order 9 (2 MiB)  since start 45.0 s"; returns its width. */
static int compose_title(const struct live_canvas *v, bool brief, struct text *t)
{
	struct text scope = {0}, span = {0};
	const char *metric = live__metric_name(v->l->selection.metric, brief);

	add_scope(v, brief, &scope);
	add_span(v, brief, &span);
	*t = (struct text){0};
	text__add(t, "%s" ITEM "%s" ITEM "%s", metric, scope.buf, span.buf);
	return cells__width(metric) + 2 + cells__width(scope.buf) + 2 + cells__width(span.buf);
}

/* "1184 clears": how many of them everything below is made of. */
static void add_events(const struct live_canvas *v, struct text *t)
{
	enum live_metric m = v->l->selection.metric;
	uint64_t count = v->h.h.count;

	if (count)
		text__add(t, "%s%" PRIu64 " %s", v->p.atleast, count,
			  count == 1 ? live__metric_event(m) : live__metric_events(m));
}

/*
 * What is shown, of what, and of which time: without one of these the numbers
 * below would be taken for others. State and clock come next, the rest where there
 * is room.
 */
void live__draw_title(struct live_canvas *v)
{
	struct text left = {0}, right = {0}, time = {0}, events = {0};
	int width = compose_title(v, false, &left), room;
	char name[NAME_SIZE];
	bool brief;

	cells__fill(v->c, 0, 0, v->c->cols, ' ', PAINT_HEAD);
	add_state(v, false, &right);
	add_events(v, &events);
	/* A blank at each end, and two before the state. */
	room = v->c->cols - 4 - width;
	brief = cells__width(right.buf) > room;
	if (brief) {
		compose_title(v, true, &left);
		right = (struct text){0};
		add_state(v, true, &right);
	} else if (v->s) {
		text__add(&time, "%s", right.len ? " " : "");
		add_time(v, &time);
		if (cells__width(right.buf) + cells__width(time.buf) <= room)
			text__add(&right, "%s", time.buf);
	}
	width = cells__width(right.buf);
	cells__put(v->c, 0, v->c->cols - width - 1, width, PAINT_HEAD, right.buf);
	text__add(&left, ITEM "%s" ITEM "%s", events.buf, v->l->name);
	if (v->s && v->s->machine)
		text__add(&left, ITEM "%s" ITEM "preempt=%s",
			  page__clean_name(&v->p, name, v->s->machine->release),
			  preempt_model__name(v->s->machine->preempt_model));
	cells__items(v->c, 0, 1, v->c->cols - width - 4, PAINT_HEAD, left.buf);
}
