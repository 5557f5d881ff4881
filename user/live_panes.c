// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histogram and the heat map. They share one axis, time upwards: a row of
 * the screen holds `size` buckets in both. Where there are colours for it, a
 * row of the heat map is two half cells, each of half as many buckets.
 */
#include "live_draw.h"

#include <math.h>
#include <string.h>

#include "quantity.h"
#include "rows.h"
#include "util.h"

/* Row r > 0 of the axis holds the buckets above (r - 1) * size, up to r * size. */
struct axis {
	unsigned int size;
	int first; /* row of the axis at the bottom of the body */
};

static int row_of(unsigned int bucket, unsigned int size)
{
	return (int)((bucket + size - 1) / size);
}

/* --- The axis ---------------------------------------------------------------------------- */

struct range {
	bool any;
	unsigned int lo, hi;
};

static void widen(struct range *r, const uint64_t *bucket, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!bucket[i])
			continue;
		r->lo = r->any ? min(r->lo, i) : i;
		r->hi = r->any ? max(r->hi, i) : i;
		r->any = true;
	}
}

/* Of all that is on the screen, so that the axis does not move with every interval. */
static struct range visible_range(const struct live_canvas *v)
{
	unsigned int nr = live__buckets(&v->h);
	struct range r = {0};
	int age;

	widen(&r, v->h.h.bucket, nr);
	for (age = 0; age < v->at.heat_width; age++) {
		uint64_t bucket[ZS_BUCKETS] = {0};

		if (!live__column_exists(v->l, (uint64_t)age))
			break;
		if (live__column(v->l, (uint64_t)age, bucket))
			widen(&r, bucket, nr);
	}
	return r;
}

static struct axis choose_axis(const struct live_canvas *v, const struct range *r)
{
	static const unsigned int sizes[] = {2, 4, 8, 16, 32, 64};
	int rows = v->at.body_rows, need = 0, top;
	struct axis a = {0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		a.size = sizes[i];
		need = row_of(r->hi, a.size) - row_of(r->lo, a.size) + 1;
		if (need <= rows)
			break;
	}
	top = row_of(live__buckets(&v->h) - 1, a.size);
	a.first = row_of(r->lo, a.size) - max(rows - need, 0) / 2;
	a.first = max(min(a.first, top - rows + 1), 0);
	return a;
}

/* Screen row of a row of the axis. */
static int screen_row(const struct live_canvas *v, const struct axis *a, int row)
{
	return v->at.body + v->at.body_rows - 1 - (row - a->first);
}

/* --- The histogram ----------------------------------------------------------------------- */

static const char *time_of(const struct live_canvas *v, unsigned int bucket,
			   char num[static QUANTITY_SIZE])
{
	return quantity__in_unit(&v->p, num, v->h.span ? quantity__span : quantity__time,
				 live__bound(&v->h, bucket), 3, ROUND_NEAREST);
}

/* "≤411 µs" */
static void add_upper_bound(const struct live_canvas *v, struct text *t, unsigned int end)
{
	char hi[QUANTITY_SIZE];
	const char *unit = time_of(v, end, hi);

	text__add(t, "%s%s %s", v->o.ascii ? "<=" : "≤", hi, unit);
}

/* "345-411 µs", "954 ns-3.81 µs" */
static void add_bounds(const struct live_canvas *v, struct text *t, unsigned int begin,
		       unsigned int end)
{
	char lo[QUANTITY_SIZE], hi[QUANTITY_SIZE];
	const char *lo_unit = time_of(v, begin, lo), *hi_unit = time_of(v, end, hi);

	if (!strcmp(lo_unit, hi_unit))
		text__add(t, "%s-%s %s", lo, hi, hi_unit);
	else
		text__add(t, "%s %s-%s %s", lo, lo_unit, hi, hi_unit);
}

/* Both bounds, or the upper one where there is no room for both. */
static void put_bounds(struct live_canvas *v, const struct axis *a, int row)
{
	unsigned int end = (unsigned int)row * a->size, begin = row ? end - a->size : 0;
	char lo[QUANTITY_SIZE];
	const char *unit;
	struct text t = {0};
	int width;

	if (end >= live__buckets(&v->h) - 1) {
		unit = time_of(v, begin, lo);
		text__add(&t, ">%s %s", lo, unit);
	} else {
		if (row && v->at.bounds_both)
			add_bounds(v, &t, begin, end);
		if (!t.len || cells__width(t.buf) > v->at.label) {
			t = (struct text){0};
			add_upper_bound(v, &t, end);
		}
	}
	width = min(cells__width(t.buf), v->at.label);
	cells__put(v->c, screen_row(v, a, row), v->at.label - width, v->at.label, PAINT_PLAIN,
		   t.buf);
}

static unsigned int bar_length(const struct live_canvas *v, uint64_t count, uint64_t highest)
{
	long double share = (long double)count / highest;
	unsigned int eighths;

	if (!count)
		return 0;
	if (v->l->log_bars)
		share = logl(1 + (long double)count) / logl(1 + (long double)highest);
	eighths = (unsigned int)(share * v->at.bar_width * 8);
	return max(eighths, 1U);
}

/* Cut and not rounded: 100 is said of all only. */
static void put_share(struct live_canvas *v, int at_row, uint64_t below, uint64_t all)
{
	unsigned int tenths = 1000;
	struct text t = {0};

	if (below < all)
		tenths = min((unsigned int)((long double)below * 1000 / all), 999U);
	text__add(&t, "%3u.%u%%", tenths / 10, tenths % 10);
	cells__put(v->c, at_row, v->at.share, SHARE_WIDTH, PAINT_PLAIN, t.buf);
}

static void put_number(struct live_canvas *v, int row, int col, double n)
{
	char num[16];
	int width;

	live__short_number(num, n);
	width = cells__width(num);
	cells__put(v->c, row, col + max(COUNT_WIDTH - width, 0), COUNT_WIDTH, PAINT_PLAIN, num);
}

/* A short name for a row's percentiles, of which it may have several: "p50-99". */
static void put_mark(struct live_canvas *v, const struct axis *a, int row)
{
	static const char *const names[QUANTILES + 1] = {"p50", "p90", "p99", "p99.9", "max"};
	const char *first = NULL, *last = NULL;
	struct text t = {0};
	unsigned int i, top = 0;
	int mine;

	for (i = 0; i < live__buckets(&v->h); i++)
		if (v->h.h.bucket[i])
			top = i;
	for (i = 0; i <= QUANTILES; i++) {
		double hi = i < QUANTILES ? live__quantile(&v->h, quantity__quantiles[i].q).hi : 0;
		unsigned int bucket = 0;

		if (i == QUANTILES)
			bucket = top;
		else
			while (bucket < live__buckets(&v->h) - 1 && live__bound(&v->h, bucket) < hi)
				bucket++;
		mine = row_of(bucket, a->size);
		if (mine != row)
			continue;
		first = first ? first : names[i];
		last = names[i];
	}
	if (!first)
		return;
	text__add(&t, "%s", first);
	if (last != first)
		text__add(&t, "-%s", *last == 'p' ? last + 1 : last);
	cells__put(v->c, screen_row(v, a, row), v->at.mark, MARK_WIDTH, PAINT_MARK, t.buf);
}

static void draw_bars(struct live_canvas *v, const struct axis *a)
{
	uint64_t count[ZS_BUCKETS / 2 + 2] = {0}, highest = 0, below = 0;
	unsigned int i, nr = live__buckets(&v->h);
	int row, rows = row_of(nr - 1, a->size) + 1, last;

	for (i = 0; i < nr; i++)
		count[row_of(i, a->size)] += v->h.h.bucket[i];
	for (row = 0; row < rows; row++)
		highest = max(highest, count[row]);
	last = min(a->first + v->at.body_rows, rows);
	for (row = 0; row < last; row++) {
		struct text t = {0};
		int at_row = screen_row(v, a, row);

		below += count[row];
		if (row < a->first)
			continue;
		put_bounds(v, a, row);
		if (!count[row])
			continue;
		rows__add_bar(&v->p, &t, bar_length(v, count[row], highest), v->at.bar_width);
		cells__put(v->c, at_row, v->at.bar, v->at.bar_width, PAINT_PLAIN, t.buf);
		put_mark(v, a, row);
		put_number(v, at_row, v->at.count, (double)count[row]);
		if (v->at.rate && v->s->interval_ns)
			put_number(v, at_row, v->at.rate,
				   (double)count[row] * 1e9 / (double)v->s->interval_ns);
		put_share(v, at_row, below, v->h.h.count);
	}
}

/* --- The heat map ------------------------------------------------------------------------ */

struct heat {
	uint64_t highest; /* of a cell */
	bool halves;
};

/* Half h of the axis holds half as many buckets: 2 * row is the upper one, 2 * row - 1 the lower. */
static uint64_t in_half(const uint64_t *bucket, unsigned int nr, const struct axis *a, int half)
{
	unsigned int size = a->size / 2, i, end;
	uint64_t n = 0;

	if (half < 0)
		return 0;
	end = (unsigned int)half * size;
	for (i = half ? end - size + 1 : 0; i <= end && i < nr; i++)
		n += bucket[i];
	return n;
}

static uint64_t in_row(const uint64_t *bucket, unsigned int nr, const struct axis *a, int row)
{
	return in_half(bucket, nr, a, 2 * row) + in_half(bucket, nr, a, 2 * row - 1);
}

/* 1 to levels, by the logarithm of the count. */
static int level_of(uint64_t count, uint64_t highest, int levels)
{
	int level;

	if (!count)
		return 0;
	if (highest < 2)
		return levels;
	level = 1 + (int)(log((double)count) / log((double)highest) * (levels - 1) + 0.5);
	return min(level, levels);
}

static const char *const utf8_density[] = {" ", "░", "▒", "▓", "█"};
static const char ascii_density[] = " .:+*#";

static int density_levels(const struct live *l)
{
	return l->ascii ? (int)sizeof(ascii_density) - 2 : (int)ARRAY_SIZE(utf8_density) - 1;
}

static void put_density(struct live_canvas *v, int row, int col, int level)
{
	char ascii[2] = {ascii_density[level], '\0'};

	cells__put(v->c, row, col, 1, PAINT_BAR, v->l->ascii ? ascii : utf8_density[min(level, 4)]);
}

static void put_heat(struct live_canvas *v, int row, int col, int upper, int lower)
{
	struct cell *cell = cells__at(v->c, row, col);

	if (!cell || (!upper && !lower))
		return;
	*cell = (struct cell){.c = upper == lower ? ' '
				   : upper	  ? 0x2580
						  : 0x2584,
			      .paint = PAINT_HEAT,
			      .upper = (uint8_t)upper,
			      .lower = (uint8_t)lower};
}

/* Letters, because they look the same on every terminal. */
static const struct {
	char letter;
	double q; /* 2: the highest */
} heat_marks[] = {{'o', 0.5}, {'x', 0.99}, {'+', 2}};

static void put_column_marks(struct live_canvas *v, const struct axis *a, int col,
			     const uint64_t *bucket, unsigned int nr)
{
	uint64_t count = 0, seen, rank;
	unsigned int i;
	size_t m;

	for (i = 0; i < nr; i++)
		count += bucket[i];
	/* The lowest last: where they meet it is the median that is seen. */
	for (m = ARRAY_SIZE(heat_marks); count && m > 0; m--) {
		double q = heat_marks[m - 1].q;
		struct cell *cell;

		rank = q > 1 ? count : (uint64_t)ceil(q * (double)count);
		seen = 0;
		for (i = 0; i < nr - 1; i++) {
			seen += bucket[i];
			if (seen >= max(rank, (uint64_t)1))
				break;
		}
		cell = cells__at(v->c, screen_row(v, a, row_of(i, a->size)), col);
		if (cell) {
			cell->c = (uint32_t)heat_marks[m - 1].letter;
			/* On the colour of the cell, where there is one. */
			if (cell->paint != PAINT_HEAT)
				cell->paint = PAINT_MARK;
		}
	}
}

static void draw_column(struct live_canvas *v, const struct axis *a, const struct heat *heat,
			int age)
{
	unsigned int nr = live__buckets(&v->h);
	int col = v->at.heat + v->at.heat_width - 1 - age, i;
	uint64_t bucket[ZS_BUCKETS] = {0};

	if (!live__column(v->l, (uint64_t)age, bucket)) {
		for (i = 0; i < v->at.body_rows; i++)
			cells__put(v->c, v->at.body + i, col, 1, PAINT_DIM, ":");
		return;
	}
	for (i = a->first; i < a->first + v->at.body_rows; i++) {
		int row = screen_row(v, a, i);

		if (heat->halves)
			put_heat(v, row, col,
				 level_of(in_half(bucket, nr, a, 2 * i), heat->highest,
					  CELLS_LEVELS),
				 level_of(in_half(bucket, nr, a, 2 * i - 1), heat->highest,
					  CELLS_LEVELS));
		else
			put_density(v, row, col,
				    level_of(in_row(bucket, nr, a, i), heat->highest,
					     density_levels(v->l)));
	}
	put_column_marks(v, a, col, bucket, nr);
}

static uint64_t highest_cell(const struct live_canvas *v, const struct axis *a, bool halves)
{
	unsigned int nr = live__buckets(&v->h);
	uint64_t highest = 0;
	int age, i;

	for (age = 0; age < v->at.heat_width; age++) {
		uint64_t bucket[ZS_BUCKETS] = {0};

		if (!live__column_exists(v->l, (uint64_t)age))
			break;
		if (!live__column(v->l, (uint64_t)age, bucket))
			continue;
		for (i = a->first; i < a->first + v->at.body_rows; i++) {
			if (!halves) {
				highest = max(highest, in_row(bucket, nr, a, i));
				continue;
			}
			highest = max(highest, in_half(bucket, nr, a, 2 * i));
			highest = max(highest, in_half(bucket, nr, a, 2 * i - 1));
		}
	}
	return highest;
}

/* "o p50  x p99  + max      1 ░▒▓█ 4.2k clears a cell" */
static void put_legend(struct live_canvas *v, const struct heat *heat)
{
	int row = v->at.legend, col, i, levels;
	char high[16];
	struct text t = {0};

	if (!row || !heat->highest)
		return;
	live__short_number(high, (double)heat->highest);
	levels = heat->halves ? CELLS_LEVELS / 2 : density_levels(v->l);
	/* Right-aligned under the heat map, and to the left of it where it is narrow. */
	text__add(&t, " %s %s a cell", high,
		  heat->highest > 1 ? live__metric_events(v->l->selection.metric)
				    : live__metric_event(v->l->selection.metric));
	col = v->at.heat + v->at.heat_width - cells__width(t.buf) - levels - 2;
	cells__put(v->c, row, 0, col - 1, PAINT_DIM, "heat map: o p50  x p99  + max");
	cells__put(v->c, row, col, 2, PAINT_PLAIN, heat->highest > 1 ? "1 " : "  ");
	for (i = 0; i < levels; i++) {
		if (heat->halves)
			put_heat(v, row, col + 2 + i, 2 * (i + 1), 2 * (i + 1));
		else
			put_density(v, row, col + 2 + i, i + 1);
	}
	cells__put(v->c, row, col + 2 + levels, cells__width(t.buf), PAINT_PLAIN, t.buf);
}

static void draw_heat(struct live_canvas *v, const struct axis *a)
{
	struct heat heat = {.halves = !v->l->density && !v->l->ascii};
	int age;

	heat.highest = highest_cell(v, a, heat.halves);
	for (age = 0; age < v->at.heat_width; age++) {
		if (!live__column_exists(v->l, (uint64_t)age))
			break;
		draw_column(v, a, &heat, age);
	}
	put_legend(v, &heat);
}

static void put_right(struct live_canvas *v, int row, int end, const char *text)
{
	cells__put(v->c, row, end - cells__width(text), cells__width(text), PAINT_DIM, text);
}

static void put_heads(struct live_canvas *v)
{
	int row = v->at.head;
	struct text t = {0};

	if (!row)
		return;
	put_right(v, row, v->at.label, "time");
	if (v->l->log_bars)
		cells__put(v->c, row, v->at.bar, v->at.bar_width, PAINT_DIM, "log scale");
	put_right(v, row, v->at.count + COUNT_WIDTH, live__metric_events(v->l->selection.metric));
	if (v->at.rate)
		put_right(v, row, v->at.rate + COUNT_WIDTH, "/s");
	put_right(v, row, v->at.share + SHARE_WIDTH, "cum.");
	if (!v->at.heat)
		return;
	put_right(v, row, v->at.heat + v->at.heat_width, "now");
	text__quantity(&v->p, &t, quantity__span,
		       (double)live__columns_ns(v->l, (uint64_t)v->at.heat_width) * 1e-9, 3);
	text__add(&t, " to");
	cells__put(v->c, row, v->at.heat, v->at.heat_width - 4, PAINT_DIM, t.buf);
}

void live__draw_histogram(struct live_canvas *v)
{
	struct range r = visible_range(v);
	struct axis a;

	if (!r.any)
		return;
	a = choose_axis(v, &r);
	put_heads(v);
	draw_bars(v, &a);
	if (v->at.heat)
		draw_heat(v, &a);
}
