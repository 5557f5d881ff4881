// SPDX-License-Identifier: GPL-2.0-only
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "quantity.h"
#include "rows.h"
#include "util.h"

#define DEFAULT_WIDTH 80
#define MIN_WIDTH     60
#define MAX_WIDTH     1000

/* Columns of a row: 2 + 5 + 2 * 15 + 10 + 7 + 14 leave 12 of 80 for the verdict. */
#define NAME_COLUMNS	 5
#define VALUE_COLUMNS	 15
#define CHANGE_COLUMNS	 10
#define RATIO_COLUMNS	 7
#define INTERVAL_COLUMNS 14

/* Adds text and blanks up to so many columns; text has no marks but NB, and no wide characters. */
static void add_cell(struct text *t, const char *text, int columns)
{
	int used = 0;
	size_t i;

	for (i = 0; text[i]; i++)
		used += (text[i] & 0xc0) != 0x80;
	text__add(t, "%s%*s", text, max(columns - used, 1), "");
}

static void put_file(struct page *p, const char *letter, const struct diff_file *f)
{
	const struct samples *s = f->samples;
	char name[NAME_SIZE], host[NAME_SIZE], release[NAME_SIZE];
	struct text t = {0};

	text__add(&t, BOLD "%s" PLAIN "  %s: %" PRIu64 " intervals in ", letter,
		  page__clean_name(p, name, f->name), s->intervals);
	text__quantity(p, &t, quantity__span, (double)s->total->interval_ns * 1e-9, 3);
	if (s->runs > 1)
		text__add(&t, ", %u runs", s->runs);
	text__add(&t, "; %s, %s, preempt=%s", page__clean_name(p, host, s->machine.host),
		  page__clean_name(p, release, s->machine.release),
		  preempt_model__name(s->machine.preempt_model));
	page__paragraph(p, 0, 3, &t);
	if (f->ends_early) {
		t.len = 0;
		text__add(&t, WARN "%s" PLAIN, page__clean_name(p, name, f->ends_early));
		page__paragraph(p, 3, 3, &t);
	}
}

static void put_warnings(struct page *p, const struct diff *d)
{
	char a[NAME_SIZE], b[NAME_SIZE], what[NAME_SIZE];
	size_t i;

	for (i = 0; i < d->nr_warnings; i++) {
		const struct diff_warning *w = &d->warning[i];
		struct text t = {0};

		text__add(&t, WARN "%s differs" PLAIN ": A %s, B %s; %s",
			  page__clean_name(p, what, w->what), page__clean_name(p, a, w->a),
			  page__clean_name(p, b, w->b), w->why);
		page__paragraph(p, 0, 4, &t);
	}
}

/* --- Sections: the rows of one quantity of one order ------------------------------------- */

static const char *const headings[METRICS] = {
	[METRIC_CLEAR] = "wall time of clears",
	[METRIC_ON_CPU] = "on-CPU time of clears",
	[METRIC_GAPS] = "gaps a clear",
	[METRIC_GAPS_ALL] = "gaps a clear, as the scheduler counts them",
	[METRIC_GAP] = "time of gaps",
	[METRIC_RESCHED] = "resched delay",
	[METRIC_EXTENT] = "time of extents",
	[METRIC_EXTENT_PAGE] = "time of a page in extents",
	[METRIC_EXTENT_PAGES] = "pages an extent",
	[METRIC_ALLOCATOR] = "time of allocator clears",
	[METRIC_FAULT] = "time of huge page faults",
};

static void add_events(struct text *t, const struct diff_side *side, const char *letter)
{
	if (side->measured)
		text__add(t, "%s" NB "%.0f", letter, side->events);
	else
		text__add(t, "%s" NB "not" NB "measured", letter);
}

static void put_section_heading(struct page *p, const struct diff_row *row)
{
	const char *part = metric__part(&row->key);
	struct text t = {0};

	text__add(&t, "%s", headings[row->key.metric]);
	if (row->key.order >= 0) {
		text__add(&t, ", order" NB "%d", row->key.order);
		text__folio_size(p, &t, row->key.order);
	}
	if (part)
		text__add(&t, ", %s", part);
	text__add(&t, ": ");
	add_events(&t, &row->a, "A");
	text__add(&t, ", ");
	add_events(&t, &row->b, "B");
	page__heading(p, &t);
}

static void put_columns(struct page *p)
{
	struct text t = {0};

	add_cell(&t, "", NAME_COLUMNS);
	add_cell(&t, "A", VALUE_COLUMNS);
	add_cell(&t, "B", VALUE_COLUMNS);
	add_cell(&t, "B - A", CHANGE_COLUMNS);
	add_cell(&t, "B / A", RATIO_COLUMNS);
	add_cell(&t, "95 %", INTERVAL_COLUMNS);
	text__add(&t, "verdict");
	page__indent(p, 2);
	page__emit(p, t.buf, t.len);
	fputc('\n', p->out);
}

/* A difference has at most the digits of what it is of: three. */
static void add_value(const struct page *p, struct text *t, enum metric metric, double v)
{
	char num[QUANTITY_SIZE];

	if (metric__is_time(metric)) {
		text__quantity(p, t, quantity__time, v, 3);
		return;
	}
	quantity__number(num, v, 3, ROUND_NEAREST, 0);
	text__add(t, "%s", num);
}

static void add_side(const struct page *p, struct text *t, const struct diff_row *row,
		     const struct diff_side *side)
{
	struct text v = {0};

	if (!side->measured)
		text__add(&v, "-");
	else if (row->statistic == STATISTIC_MEAN)
		add_value(p, &v, row->key.metric, side->value);
	else
		text__range(p, &v, side->range, quantity__time, 3);
	add_cell(t, v.buf, VALUE_COLUMNS);
}

static void add_change(const struct page *p, struct text *t, const struct diff_row *row)
{
	double change = row->b.value - row->a.value;
	struct text v = {0};

	if (row->statistic == STATISTIC_MEAN && row->a.measured && row->b.measured) {
		text__add(&v, "%s", change < 0 ? "-" : change > 0 ? "+" : "");
		add_value(p, &v, row->key.metric, fabs(change));
	}
	add_cell(t, v.buf, CHANGE_COLUMNS);
}

/* So many decimals near 1. Below 0, down means away from it. */
static void add_ratio_number(struct text *t, double v, int decimals, enum rounding r)
{
	char num[QUANTITY_SIZE];
	int digits = fabs(v) < 1 ? decimals : decimals + 1;
	enum rounding outwards = r == ROUND_DOWN ? ROUND_UP : ROUND_DOWN;

	quantity__number(num, fabs(v), digits, v < 0 ? outwards : r, 0);
	text__add(t, "%s%s", v < 0 ? "-" : "", num);
}

/* The ratio and its interval; where there is none, the interval of the difference. */
static void add_ratio(struct text *t, const struct diff_row *row)
{
	struct text ratio = {0}, interval = {0};
	/* What is known well is told well: 0.9989-0.9998. */
	int decimals = row->interval.hi - row->interval.lo < 0.02 ? 4 : 3;

	if (row->has_ratio)
		add_ratio_number(&ratio, row->ratio, decimals, ROUND_NEAREST);
	add_ratio_number(&interval, row->interval.lo, decimals, ROUND_DOWN);
	text__add(&interval, "%s", row->has_ratio ? "-" : " .. ");
	add_ratio_number(&interval, row->interval.hi, decimals, ROUND_UP);
	add_cell(t, ratio.buf, RATIO_COLUMNS);
	add_cell(t, interval.buf, INTERVAL_COLUMNS);
}

static void put_row(struct page *p, const struct diff_row *row)
{
	struct text t = {0};
	bool shown = row->verdict == VERDICT_LOWER || row->verdict == VERDICT_HIGHER;

	add_cell(&t, statistic__name(row->statistic), NAME_COLUMNS);
	add_side(p, &t, row, &row->a);
	add_side(p, &t, row, &row->b);
	add_change(p, &t, row);
	if (row->verdict == VERDICT_UNTESTED) {
		text__add(&t, "(%s)", row->reason);
	} else {
		add_ratio(&t, row);
		text__add(&t, "%s%s" PLAIN,
			  row->regression ? WARN
			  : shown	  ? BOLD
					  : "",
			  shown ? diff__verdict(row) : "none shown");
	}
	page__indent(p, 2);
	page__emit(p, t.buf, t.len);
	fputc('\n', p->out);
}

static bool same_section(const struct diff_row *a, const struct diff_row *b)
{
	return a->key.metric == b->key.metric && a->key.order == b->key.order &&
	       a->key.part == b->key.part;
}

static void put_histograms(struct page *p, const struct diff_row *row, const struct diff_file *a,
			   const struct diff_file *b)
{
	const struct sample_series *of_a = samples__find(a->samples, &row->key);
	const struct sample_series *of_b = samples__find(b->samples, &row->key);

	/* On-CPU time is wall time but for the gaps; one picture shows both. */
	if (!of_a || !of_b || !of_a->has_hist || !of_b->has_hist ||
	    row->key.metric == METRIC_ON_CPU)
		return;
	rows__print_two(p, &of_a->hist, &of_b->hist, "time");
}

static void put_sections(struct page *p, const struct diff *d, const struct diff_file *a,
			 const struct diff_file *b)
{
	size_t i;

	for (i = 0; i < d->nr_rows; i++) {
		const struct diff_row *row = &d->row[i];

		if (!i || !same_section(row, row - 1)) {
			page__blank(p);
			put_section_heading(p, row);
			put_columns(p);
		}
		put_row(p, row);
		if (i + 1 == d->nr_rows || !same_section(row, row + 1))
			put_histograms(p, row, a, b);
	}
}

static size_t count_shown(const struct diff *d)
{
	size_t i, n = 0;

	for (i = 0; i < d->nr_rows; i++)
		n += d->row[i].verdict > VERDICT_NONE;
	return n;
}

static void put_threshold(struct page *p, const struct diff *d)
{
	char num[QUANTITY_SIZE];
	struct text t = {0};

	/* With nothing to decide on, the command says so. */
	if (!d->has_threshold || !d->nr_gated)
		return;
	quantity__number(num, d->threshold * 100, 3, ROUND_NEAREST, 0);
	if (d->regressions)
		text__add(&t,
			  WARN "regression" PLAIN ": %zu of %zu times are longer in B by more "
			       "than %s" NB "%%, beyond chance",
			  d->regressions, d->nr_gated, num);
	else
		text__add(&t,
			  "no regression: none of %zu times is shown to be longer in B by more "
			  "than %s" NB "%%",
			  d->nr_gated, num);
	page__paragraph(p, 0, 4, &t);
}

static void put_summary(struct page *p, const struct diff *d)
{
	size_t shown = count_shown(d);
	struct text t = {0};

	page__blank(p);
	text__add(&t, "%zu of %zu rows compared differ%s. ", shown, d->nr_tested,
		  shown == 1 ? "s" : "");
	text__add(&t, "Where nothing differs, the chance of any verdict is at most 5" NB "%% "
		      "over all rows (Holm). An interval is that of its row alone; \"none shown\" "
		      "says that the data do not show a difference, not that there is none.");
	page__paragraph(p, 0, 0, &t);
	t.len = 0;
	if (d->by_runs)
		text__add(&t, "Compared are the runs, as they differ among themselves.");
	else
		text__add(&t,
			  "Compared are intervals, which says nothing of how one run differs "
			  "from the next: record %d runs or more into each file to have the runs "
			  "compared.",
			  DIFF_RUNS_MIN);
	page__paragraph(p, 0, 0, &t);
	put_threshold(p, d);
}

int diff__plain(FILE *out, const struct diff *d, const struct diff_file *a,
		const struct diff_file *b, const struct plain_options *o)
{
	_cleanup_free_ char *buf = NULL;
	struct page p = {.o = o, .s = a->samples->total, .atleast = ""};
	size_t len = 0;

	p.width = o->width > 0 ? min(max(o->width, MIN_WIDTH), MAX_WIDTH) : DEFAULT_WIDTH;
	p.out = open_memstream(&buf, &len);
	if (!p.out)
		return -errno;
	put_file(&p, "A", a);
	put_file(&p, "B", b);
	put_warnings(&p, d);
	put_sections(&p, d, a, b);
	put_summary(&p, d);
	if (fclose(p.out))
		return -errno;
	errno = 0;
	if (fwrite(buf, 1, len, out) != len || fflush(out))
		return errno ? -errno : -EIO;
	return 0;
}
