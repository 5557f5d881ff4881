// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include <string.h>

#include "util.h"

/* --- What the keys do -------------------------------------------------------------------- */

static enum live_request quit(struct live *l)
{
	(void)l;
	return LIVE_QUIT;
}

static enum live_request toggle_help(struct live *l)
{
	l->help = !l->help;
	l->scroll = 0;
	return LIVE_NOTHING;
}

static bool metric_offered(const struct live *l, enum live_metric m)
{
	const struct snapshot *s = l->now.since;

	if (m == LIVE_ALLOCATOR)
		return s && s->has_allocator;
	if (m == LIVE_FAULTS)
		return s && s->has_faults;
	return true;
}

static uint32_t orders_of_durations(const struct duration_series *d, size_t nr)
{
	uint32_t orders = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		if (d[i].count && d[i].order >= 0 && d[i].order < ZS_ORDERS)
			orders |= 1U << d[i].order;
	return orders;
}

/* The orders that have anything of this metric, as bits. */
static uint32_t orders_of(const struct snapshot *s, enum live_metric m)
{
	uint32_t orders = 0;
	size_t i;

	if (m == LIVE_EXTENTS)
		return orders_of_durations(s->extents, s->nr_extents);
	if (m == LIVE_ALLOCATOR)
		return orders_of_durations(s->allocator, s->nr_allocator);
	if (m == LIVE_FAULTS)
		return orders_of_durations(s->faults, s->nr_faults);
	for (i = 0; i < s->nr_clears; i++)
		if (s->clears[i].count && s->clears[i].order >= 0 && s->clears[i].order < ZS_ORDERS)
			orders |= 1U << s->clears[i].order;
	return orders;
}

static uint32_t kinds_of(const struct snapshot *s)
{
	uint32_t kinds = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		if (s->clears[i].count && s->clears[i].kind < ZS_KINDS)
			kinds |= 1U << s->clears[i].kind;
	return kinds;
}

/* The next of the bits that are set, around the end; value itself where it is the only one. */
static int turn(uint32_t bits, int value, int by)
{
	int i, at = value;

	if (!bits)
		return value;
	for (i = 0; i < 32; i++) {
		at = (at + by + 32) % 32;
		if (bits & 1U << at)
			return at;
	}
	return value;
}

/* Chooses an order and a kind that exist, where the one chosen does not. */
static void settle(struct live *l)
{
	const struct snapshot *s = l->now.since;
	uint32_t bits;

	if (!s)
		return;
	bits = orders_of(s, l->selection.metric);
	if (!(bits & 1U << l->selection.order))
		l->selection.order = turn(bits, l->selection.order, -1);
	bits = kinds_of(s);
	if (!(bits & 1U << l->selection.kind))
		l->selection.kind = (unsigned int)turn(bits, (int)l->selection.kind, 1);
}

static enum live_request turn_metric(struct live *l, int by)
{
	int m = (int)l->selection.metric;

	do
		m = (m + by + LIVE_METRICS) % LIVE_METRICS;
	while (!metric_offered(l, (enum live_metric)m));
	l->selection.metric = (enum live_metric)m;
	settle(l);
	return LIVE_NOTHING;
}

static enum live_request next_metric(struct live *l)
{
	return turn_metric(l, 1);
}

static enum live_request previous_metric(struct live *l)
{
	return turn_metric(l, -1);
}

static enum live_request next_scope(struct live *l)
{
	l->selection.scope = (enum live_scope)((l->selection.scope + 1) % LIVE_SCOPES);
	l->scroll = 0;
	settle(l);
	return LIVE_NOTHING;
}

/* by: 1 is down, and the smaller order. */
static enum live_request turn_choice(struct live *l, int by)
{
	const struct snapshot *s = l->now.since;

	if (l->help || l->selection.scope >= LIVE_NODES) {
		/* Drawing knows where the end is. */
		l->scroll = max(l->scroll + by, 0);
		return LIVE_NOTHING;
	}
	if (!s)
		return LIVE_NOTHING;
	if (l->selection.scope == LIVE_ORDER)
		l->selection.order =
			turn(orders_of(s, l->selection.metric), l->selection.order, -by);
	else if (l->selection.scope == LIVE_KIND)
		l->selection.kind = (unsigned int)turn(kinds_of(s), (int)l->selection.kind, by);
	return LIVE_NOTHING;
}

static enum live_request up(struct live *l)
{
	return turn_choice(l, -1);
}

static enum live_request down(struct live *l)
{
	return turn_choice(l, 1);
}

static enum live_request freeze(struct live *l)
{
	struct snapshot *interval, *since;

	/* A recording that is paused brings nothing new, but step by step. */
	if (l->is_frozen || l->source == LIVE_RECORDING) {
		l->is_frozen = !l->is_frozen;
		snapshot__free(&l->frozen.interval);
		snapshot__free(&l->frozen.since);
		return LIVE_TIME;
	}
	if (!l->now.interval || !l->now.since)
		return LIVE_NOTHING;
	interval = snapshot__copy(l->now.interval);
	since = snapshot__copy(l->now.since);
	if (!interval || !since) {
		snapshot__free(&interval);
		snapshot__free(&since);
		return LIVE_NOTHING;
	}
	l->frozen.interval = interval;
	l->frozen.since = since;
	l->frozen.columns = l->now.columns;
	l->is_frozen = true;
	return LIVE_NOTHING;
}

static enum live_request toggle_log(struct live *l)
{
	l->log_bars = !l->log_bars;
	return LIVE_NOTHING;
}

static enum live_request toggle_total(struct live *l)
{
	l->total = !l->total;
	return LIVE_NOTHING;
}

static enum live_request reset(struct live *l)
{
	if (!l->now.interval)
		return LIVE_NOTHING;
	l->baseline_ns = l->now.interval->time_ns;
	snapshot__free(&l->now.since);
	l->total = true;
	return LIVE_NOTHING;
}

static enum live_request save(struct live *l)
{
	(void)l;
	return LIVE_SAVE;
}

static const uint64_t intervals_ns[] = {
	100 * NSEC_PER_MSEC, 200 * NSEC_PER_MSEC, 500 * NSEC_PER_MSEC,
	NSEC_PER_SEC,	     2 * NSEC_PER_SEC,	  5 * NSEC_PER_SEC,
	10 * NSEC_PER_SEC,   30 * NSEC_PER_SEC,	  60 * NSEC_PER_SEC,
};

static const double speeds[] = {0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100};

static enum live_request longer(struct live *l)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(intervals_ns); i++) {
		if (intervals_ns[i] <= l->interval_ns)
			continue;
		l->interval_ns = intervals_ns[i];
		return LIVE_TIME;
	}
	return LIVE_NOTHING;
}

static enum live_request shorter(struct live *l)
{
	size_t i;

	for (i = ARRAY_SIZE(intervals_ns); i-- > 0;) {
		if (intervals_ns[i] >= l->interval_ns)
			continue;
		l->interval_ns = intervals_ns[i];
		return LIVE_TIME;
	}
	return LIVE_NOTHING;
}

static enum live_request faster(struct live *l)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(speeds); i++) {
		if (speeds[i] <= l->speed)
			continue;
		l->speed = speeds[i];
		return LIVE_TIME;
	}
	return LIVE_NOTHING;
}

static enum live_request slower(struct live *l)
{
	size_t i;

	for (i = ARRAY_SIZE(speeds); i-- > 0;) {
		if (speeds[i] >= l->speed)
			continue;
		l->speed = speeds[i];
		return LIVE_TIME;
	}
	return LIVE_NOTHING;
}

static enum live_request step(struct live *l)
{
	if (!l->is_frozen)
		freeze(l);
	return LIVE_STEP;
}

static enum live_request restart(struct live *l)
{
	(void)l;
	return LIVE_RESTART;
}

static enum live_request redraw(struct live *l)
{
	(void)l;
	return LIVE_REDRAW_ALL;
}

/* --- The table --------------------------------------------------------------------------- */

#define HERE	  (1U << LIVE_HERE)
#define RECORDING (1U << LIVE_RECORDING)
#define REMOTE	  (1U << LIVE_REMOTE)
#define MEASURED  (HERE | REMOTE)
#define ANYWHERE  (MEASURED | RECORDING)

static const struct key_row {
	uint32_t key, alias; /* alias 0: none */
	unsigned int on;
	enum live_request (*act)(struct live *l);
	struct live_key_info info;
} rows[] = {
	{'q', 'Q', ANYWHERE, quit, {"q", "quit", "quit"}},
	{'h', '?', ANYWHERE, toggle_help, {"h ?", "help", "this help, and back"}},
	{'\t',
	 'm',
	 ANYWHERE,
	 next_metric,
	 {"Tab m", "metric", "next metric: wall, on-CPU, gaps, delay, extents, holds"}},
	{LIVE_KEY_BACKTAB, 'M', ANYWHERE, previous_metric, {"S-Tab M", NULL, "previous metric"}},
	{'s',
	 0,
	 ANYWHERE,
	 next_scope,
	 {"s", "scope", "scope: all, one order, one kind, nodes, cgroups"}},
	{LIVE_KEY_DOWN,
	 'j',
	 ANYWHERE,
	 down,
	 {"Down j", NULL, "next order or kind; down in a table and in the help"}},
	{LIVE_KEY_UP, 'k', ANYWHERE, up, {"Up k", NULL, "previous order or kind; up"}},
	{' ', 0, MEASURED, freeze, {"Space", "freeze", "freeze the screen; measuring goes on"}},
	{' ', 0, RECORDING, freeze, {"Space", "pause", "pause, and play on"}},
	{'.', 0, RECORDING, step, {".", "step", "one interval ahead, and pause"}},
	{LIVE_KEY_HOME, '0', RECORDING, restart, {"Home 0", NULL, "play from the beginning"}},
	{'+', '=', RECORDING, faster, {"+", "faster", "play faster"}},
	{'-', '_', RECORDING, slower, {"-", "slower", "play slower"}},
	{'+', '=', MEASURED, longer, {"+", "longer", "longer intervals"}},
	{'-', '_', MEASURED, shorter, {"-", "shorter", "shorter intervals"}},
	{'l', 0, ANYWHERE, toggle_log, {"l", "log", "bars: linear or logarithmic"}},
	{'t',
	 0,
	 ANYWHERE,
	 toggle_total,
	 {"t", "total", "the interval, or all since the start or reset"}},
	{'r', 0, ANYWHERE, reset, {"r", "reset", "start \"all since\" anew from now"}},
	{'w', 0, ANYWHERE, save, {"w", "write", "write what is shown to a recording here"}},
	{LIVE_KEY_REDRAW, 0x0c, ANYWHERE, redraw, {"Ctrl-L", NULL, "draw the screen anew"}},
};

enum live_request live__key(struct live *l, uint32_t key)
{
	size_t i;

	l->message[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if ((rows[i].key == key || (rows[i].alias && rows[i].alias == key)) &&
		    rows[i].on & 1U << l->source)
			return rows[i].act(l);
	return LIVE_NOTHING;
}

bool live__key_info(const struct live *l, size_t i, struct live_key_info *info)
{
	size_t at;

	for (at = 0; at < ARRAY_SIZE(rows); at++) {
		if (!(rows[at].on & 1U << l->source) || i--)
			continue;
		*info = rows[at].info;
		return true;
	}
	return false;
}
