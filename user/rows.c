// SPDX-License-Identifier: GPL-2.0-only
#include "rows.h"

#include <inttypes.h>
#include <string.h>

#include "quantity.h"
#include "util.h"

#define MAX_ROWS 16

/* Row of a bucket: rows end at multiples of the row's size, counted in buckets. */
static unsigned int row_of(unsigned int bucket, unsigned int size)
{
	return (bucket + size - 1) / size;
}

static void rows__fill(struct rows *r, const struct hist *h, unsigned int size)
{
	unsigned int i, row;

	memset(r, 0, sizeof(*r));
	r->size = size;
	r->first = ZS_BUCKETS;
	for (i = 0; i < ZS_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		row = row_of(i, size);
		r->first = min(r->first, row);
		r->last = row;
		r->count[row] += h->bucket[i];
		r->highest = max(r->highest, r->count[row]);
	}
}

/* The length of the run of empty rows that starts here. */
static unsigned int empty_run(const struct rows *r, unsigned int row)
{
	unsigned int n = 0;

	while (row + n < r->last && !r->count[row + n])
		n++;
	return n;
}

/* Lines that it takes: several empty rows in a sequence share one. */
static unsigned int lines_of(const struct rows *r)
{
	unsigned int row, n = 0;

	for (row = r->first; row <= r->last; row += max(empty_run(r, row), 1U))
		n++;
	return n;
}

void rows__make(struct rows *r, const struct hist *h)
{
	static const unsigned int coarser[] = {4, 8, 16, 32, 64};
	size_t i;

	rows__fill(r, h, 2);
	if (lines_of(r) <= 3) {
		rows__fill(r, h, 1);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(coarser) && lines_of(r) > MAX_ROWS; i++)
		rows__fill(r, h, coarser[i]);
}

/* " 345 µs -  411 µs" */
static void add_bound(const struct page *p, struct text *t, double seconds)
{
	char num[QUANTITY_SIZE];
	const char *unit = quantity__in_unit(p, num, quantity__time, seconds, 3, ROUND_NEAREST);

	text__add(t, "%4s" NB "%s", num, unit);
	if (strlen(unit) == 1)
		text__add(t, NB);
}

#define BOUNDS_WIDTH 17

static void add_row_bounds(const struct page *p, struct text *t, const struct rows *r,
			   unsigned int row)
{
	if (!row) {
		text__add(t, "%*s%s" NB, BOUNDS_WIDTH - 10, "", p->o->ascii ? "<=" : " ≤");
		add_bound(p, t, hist__bound_seconds(0));
	} else if (row * r->size >= ZS_BOUNDS) {
		text__add(t, "%*s>" NB, BOUNDS_WIDTH - 9, "");
		add_bound(p, t, hist__bound_seconds(ZS_BOUNDS - 1));
	} else {
		add_bound(p, t, hist__bound_seconds((row - 1) * r->size));
		text__add(t, NB "-" NB);
		add_bound(p, t, hist__bound_seconds(row * r->size));
	}
}

void rows__add_bar(const struct page *p, struct text *t, unsigned int n, int width)
{
	static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int used = (int)(n / 8);
	int i;

	text__add(t, BAR);
	for (i = 0; i < used; i++)
		text__add(t, "%s", p->o->ascii ? "#" : "█");
	if (n % 8) {
		/* ASCII has one step: a bar that is not even half of a character long. */
		text__add(t, "%s",
			  !p->o->ascii ? eighth[n % 8]
			  : n < 8      ? "."
			  : n % 8 >= 4 ? "#"
				       : " ");
		used++;
	}
	text__add(t, PLAIN "%*s", width - used, "");
}

static int digits_of(uint64_t n)
{
	int digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

/* Of what went up to here, cut and not rounded: 100 is said of all only. */
static void add_cumulative(struct text *t, uint64_t seen, uint64_t count)
{
	unsigned int tenths = 1000;

	if (seen < count) {
		tenths = (unsigned int)((long double)seen * 1000 / count);
		tenths = min(tenths, 999U); /* the division rounds */
	}
	text__add(t, "%3u.%u" NB "%%", tenths / 10, tenths % 10);
}

void rows__print(struct page *p, const struct hist *h, const char *what, const char *events)
{
	struct rows r;
	uint64_t seen = 0;
	unsigned int row, run;
	int count_width, bar_width;

	if (!h->count)
		return;
	rows__make(&r, h);
	count_width = max(digits_of(r.highest), (int)strlen(events));
	bar_width = p->width - 4 - BOUNDS_WIDTH - 2 - count_width - 2 - 8;
	bar_width = max(bar_width, 8);
	fprintf(p->out, "    %*s  %*s  %*s\n", BOUNDS_WIDTH, what, count_width, events,
		bar_width + 8, "cumulative");
	for (row = r.first; row <= r.last; row += max(run, 1U)) {
		struct text t = {0};
		unsigned int eighths;

		run = empty_run(&r, row);
		if (run > 1) {
			fprintf(p->out, "    %*s\n", BOUNDS_WIDTH, "...");
			continue;
		}
		seen += r.count[row];
		eighths = (unsigned int)((long double)r.count[row] * bar_width * 8 / r.highest);
		if (r.count[row] && !eighths)
			eighths = 1;
		add_row_bounds(p, &t, &r, row);
		text__add(&t, "  %*" PRIu64 "  ", count_width, r.count[row]);
		rows__add_bar(p, &t, eighths, bar_width);
		text__add(&t, " ");
		add_cumulative(&t, seen, h->count);
		page__indent(p, 4);
		page__emit(p, t.buf, t.len);
		fputc('\n', p->out);
	}
}

/* As in two overlaid bars: what both reach, and what only one does. */
static void add_two_bars(const struct page *p, struct text *t, int a, int b)
{
	const char *both = p->o->ascii ? "#" : "█";
	const char *more_a = p->o->ascii ? "a" : "░";
	const char *more_b = p->o->ascii ? "b" : "▓";
	int i;

	text__add(t, BAR);
	for (i = 0; i < max(a, b); i++)
		text__add(t, "%s", i < min(a, b) ? both : a > b ? more_a : more_b);
	text__add(t, PLAIN);
}

/* Something is drawn of all that is there. */
static int bar_length(double share, double highest, int width)
{
	return share > 0 ? max((int)(share / highest * width + 0.5), 1) : 0;
}

static void add_share(struct text *t, double share)
{
	char num[QUANTITY_SIZE];

	quantity__number(num, share * 100, share < 0.1 ? 2 : 3, ROUND_NEAREST, 0);
	text__add(t, "%7s" NB "%%", share > 0 && share < 0.0001 ? "<0.01" : num);
}

void rows__print_two(struct page *p, const struct hist *a, const struct hist *b, const char *what)
{
	struct hist both = *a;
	struct rows r, of_a, of_b;
	double highest = 0;
	int bar_width = p->width - 4 - BOUNDS_WIDTH - 2 * 11 - 2;
	unsigned int row, run;

	if (!a->count || !b->count)
		return;
	hist__add(&both, b);
	rows__make(&r, &both);
	rows__fill(&of_a, a, r.size);
	rows__fill(&of_b, b, r.size);
	for (row = r.first; row <= r.last; row++) {
		highest = max(highest, (double)of_a.count[row] / (double)a->count);
		highest = max(highest, (double)of_b.count[row] / (double)b->count);
	}
	fprintf(p->out, "    %*s  %9s  %9s  %s\n", BOUNDS_WIDTH, what, "A", "B",
		p->o->ascii ? "# both, a more in A, b more in B"
			    : "█ both, ░ more in A, ▓ more in B");
	for (row = r.first; row <= r.last; row += max(run, 1U)) {
		double share_a = (double)of_a.count[row] / (double)a->count;
		double share_b = (double)of_b.count[row] / (double)b->count;
		struct text t = {0};

		run = empty_run(&r, row);
		if (run > 1) {
			fprintf(p->out, "    %*s\n", BOUNDS_WIDTH, "...");
			continue;
		}
		add_row_bounds(p, &t, &r, row);
		text__add(&t, "  ");
		add_share(&t, share_a);
		text__add(&t, "  ");
		add_share(&t, share_b);
		if (share_a + share_b > 0)
			text__add(&t, "  ");
		add_two_bars(p, &t, bar_length(share_a, highest, bar_width),
			     bar_length(share_b, highest, bar_width));
		page__indent(p, 4);
		page__emit(p, t.buf, t.len);
		fputc('\n', p->out);
	}
}
