// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "plain.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interval_json.h"
#include "util.h"

/*
 * Marks inside of text on its way to the page. Data cannot hold them: clean()
 * lets no control character through.
 */
#define NB    "\001" /* a space at which no line is broken */
#define BOLD  "\002"
#define WARN  "\003"
#define BAR   "\004"
#define PLAIN "\005"

#define DEFAULT_WIDTH 80
#define MIN_WIDTH     60
#define MAX_WIDTH     1000
#define SERIES_COLUMN 7	 /* where the text behind "  wall" begins */
#define KEY_COLUMN    11 /* the same in the other sections, whose keys are longer */
#define MAX_ROWS      16 /* of a histogram */
#define MAX_PAYERS    10

/* The block that is being written. */
struct page {
	FILE *out; /* memory */
	const struct plain_options *o;
	const struct snapshot *s;
	int width;
	const char *atleast; /* before counts: "≥" if they are floors */
};

/* Text that grows up to a bound and is cut there. */
struct text {
	char buf[4096];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = min(t->len + (size_t)n, sizeof(t->buf) - 1);
}

/* ---- characters ---- */

/* The character at s (at most left bytes) in *c; its length, or 0 if it is no UTF-8. */
static size_t utf8_get(const unsigned char *s, size_t left, uint32_t *c)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;

	*c = s[0];
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > left)
		return 0;
	*c &= 0x7f >> len;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < smallest[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

struct char_range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct char_range *ranges, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Characters that a terminal acts on, or that reorder or hide what stands beside them. */
static bool acts_on_terminal(uint32_t c)
{
	static const struct char_range ranges[] = {
		{0x00, 0x1f},	    {0x7f, 0x9f},     {0xad, 0xad},	{0x61c, 0x61c},
		{0x180e, 0x180e},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfe00, 0xfe0f},   {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0x1d173, 0x1d17a},
		{0xe0000, 0xe0fff},
	};

	return in_ranges(c, ranges, ARRAY_SIZE(ranges));
}

/* Columns that a character takes: East Asian wide ones and pictographs take two. */
static int columns_of(uint32_t c)
{
	static const struct char_range wide[] = {
		{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},	{0xf900, 0xfaff},
		{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
	};

	if (c >= 2 && c <= 5) /* BOLD to PLAIN */
		return 0;
	return in_ranges(c, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}

/* Columns of the first len bytes of our own, clean text. */
static int columns(const char *text, size_t len)
{
	int n = 0;
	size_t i, step;
	uint32_t c;

	for (i = 0; i < len; i += step) {
		step = utf8_get((const unsigned char *)text + i, len - i, &c);
		if (!step)
			step = 1;
		n += columns_of(c);
	}
	return n;
}

/*
 * Text from outside (at most len bytes) as text that is safe to print, '?' for
 * each character that is not. Returns buf.
 */
static char *clean(char *buf, size_t size, const char *text, size_t len, bool ascii)
{
	size_t i, step, to = 0;
	uint32_t c;

	len = strnlen(text, len);
	for (i = 0; i < len; i += step) {
		step = utf8_get((const unsigned char *)text + i, len - i, &c);
		if (to + max(step, (size_t)1) >= size)
			break;
		if (!step || acts_on_terminal(c) || (ascii && c >= 0x80)) {
			buf[to++] = '?';
			step = step ? step : 1;
			continue;
		}
		memcpy(buf + to, text + i, step);
		to += step;
	}
	buf[to] = '\0';
	return buf;
}

#define NAME_SIZE 400

/* A name or a sentence from the snapshot. */
static const char *safe(const struct page *p, char buf[static NAME_SIZE], const char *text)
{
	return clean(buf, NAME_SIZE, text, NAME_SIZE - 1, p->o->ascii);
}

/* ---- the page ---- */

static void emit(struct page *p, const char *text, size_t len)
{
	static const char *const sgr[] = {"\033[1m", "\033[1;31m", "\033[36m", "\033[0m"};
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == NB[0])
			fputc(' ', p->out);
		else if (text[i] < BOLD[0] || text[i] > PLAIN[0])
			fputc(text[i], p->out);
		else if (p->o->color)
			fputs(sgr[text[i] - BOLD[0]], p->out);
	}
}

static void indent(struct page *p, int n)
{
	fprintf(p->out, "%*s", n, "");
}

/* How many bytes of text fit into n columns; one character at least. */
static size_t fitting(const char *text, size_t len, int n)
{
	size_t i, step;
	uint32_t c;

	for (i = 0; i < len; i += step) {
		step = utf8_get((const unsigned char *)text + i, len - i, &c);
		if (!step)
			step = 1;
		n -= columns_of(c);
		if (n < 0 && i)
			return i;
	}
	return len;
}

/*
 * Text as a paragraph: wrapped at spaces, later lines start at column hang.
 * The cursor stands at column at. A word that is too long for a line is cut.
 */
static void wrap(struct page *p, int at, int hang, const char *text)
{
	bool line_empty = true;

	while (*text) {
		size_t blanks = strspn(text, " ");
		size_t len = strcspn(text + blanks, " ");
		const char *word = text + blanks;
		int need = columns(word, len);

		text = word + len;
		if (!len)
			break;
		if (line_empty)
			blanks = 0;
		if (!line_empty && at + (int)blanks + need > p->width) {
			fputc('\n', p->out);
			indent(p, hang);
			at = hang;
			blanks = 0;
		}
		while (at + (int)blanks + need > p->width) {
			size_t part = fitting(word, len, p->width - at);

			if (part >= len)
				break;
			emit(p, word, part);
			fputc('\n', p->out);
			indent(p, hang);
			at = hang;
			word += part;
			len -= part;
			need = columns(word, len);
		}
		indent(p, (int)blanks);
		emit(p, word, len);
		at += (int)blanks + need;
		line_empty = false;
	}
	fputc('\n', p->out);
}

static void paragraph(struct page *p, int margin, int hang, const struct text *t)
{
	indent(p, margin);
	wrap(p, margin, hang, t->buf);
}

/* "  key      text" */
static void keyed_at(struct page *p, int column, const char *key, const struct text *t)
{
	fprintf(p->out, "  %-*s", column - 2, key);
	wrap(p, column, column, t->buf);
}

static void keyed(struct page *p, const char *key, const struct text *t)
{
	keyed_at(p, KEY_COLUMN, key, t);
}

static void keyed_series(struct page *p, const char *key, const struct text *t)
{
	keyed_at(p, SERIES_COLUMN, key, t);
}

/* A heading of its own line, in bold. */
static void heading(struct page *p, const struct text *t)
{
	struct text bold = {0};

	add(&bold, BOLD "%s" PLAIN, t->buf);
	paragraph(p, 0, 4, &bold);
}

static void blank(struct page *p)
{
	fputc('\n', p->out);
}

/* ---- quantities ---- */

enum rounding {
	NEAREST,
	DOWN,
	UP,
};

#define QUANTITY_SIZE 48

static double round_to(double v, enum rounding r)
{
	/* What is whole but for the last bits of a product counts as whole. */
	if (fabs(v - nearbyint(v)) <= 1e-12 * v)
		return nearbyint(v);
	return r == DOWN ? floor(v) : r == UP ? ceil(v) : nearbyint(v);
}

/*
 * v >= 0 with that many significant digits, by integers because printf() writes
 * the locale's decimal point. Returns false where rounding made it limit or
 * more (0: there is none), which then is better said in the next unit.
 */
static bool put_number(char buf[static QUANTITY_SIZE], double v, int digits, enum rounding r,
		       uint64_t limit)
{
	uint64_t whole = 1, n, scale = 1;
	int i, decimals = 0;

	for (i = 0; i < digits; i++)
		whole *= 10;
	if (v >= 1e18) {
		snprintf(buf, QUANTITY_SIZE, "%" PRIu64, v < 1.8e19 ? (uint64_t)v : UINT64_MAX);
		return true;
	}
	/* One digit is a whole number. Six decimals are the most: 0.000001. */
	while (digits > 1 && decimals < 6 && v > 0 && v * (double)scale * 10 < (double)whole) {
		scale *= 10;
		decimals++;
	}
	n = (uint64_t)round_to(v * (double)scale, r);
	if (n >= whole && scale > 1) {
		n /= 10;
		scale /= 10;
		decimals--;
	}
	if (limit && n >= limit * scale)
		return false;
	if (!n && v > 0 && r == NEAREST && decimals)
		snprintf(buf, QUANTITY_SIZE, "<0.000001");
	else if (decimals)
		snprintf(buf, QUANTITY_SIZE, "%" PRIu64 ".%0*" PRIu64, n / scale, decimals,
			 n % scale);
	else
		snprintf(buf, QUANTITY_SIZE, "%" PRIu64, n);
	return true;
}

struct unit {
	const char *name;
	const char *ascii;
	double size;
	uint64_t limit; /* from here on the next one is used; 0: the last */
	bool whole;	/* there are no fractions of it */
};

static const struct unit time_units[] = {
	{"ns", "ns", 1e-9, 1000, true}, {"µs", "us", 1e-6, 1000, false},
	{"ms", "ms", 1e-3, 1000, false}, {"s", "s", 1, 7200, false},
	{"h", "h", 3600, 0, false},
};

static const struct unit span_units[] = {
	{"ms", "ms", 1e-3, 1000, false}, {"s", "s", 1, 120, false},
	{"min", "min", 60, 120, false},	 {"h", "h", 3600, 48, false},
	{"d", "d", 86400, 0, false},
};

static const struct unit byte_units[] = {
	{"B", "B", 1, 1000, true},	{"kB", "kB", 1e3, 1000, false},
	{"MB", "MB", 1e6, 1000, false}, {"GB", "GB", 1e9, 1000, false},
	{"TB", "TB", 1e12, 0, false},
};

static const struct unit binary_units[] = {
	{"B", "B", 1, 1024, true},
	{"KiB", "KiB", 1024, 1024, false},
	{"MiB", "MiB", 1048576, 1024, false},
	{"GiB", "GiB", 1073741824, 0, false},
};

/* v in the unit that suits it; returns the unit's name. */
static const char *put_quantity(const struct page *p, char buf[static QUANTITY_SIZE],
				const struct unit *unit, double v, int digits, enum rounding r)
{
	for (;; unit++) {
		if (unit->limit && v >= (double)unit->limit * unit->size)
			continue;
		if (put_number(buf, v / unit->size, unit->whole ? 1 : digits, r, unit->limit))
			return p->o->ascii ? unit->ascii : unit->name;
	}
}

/* "412 µs", without a place to break. */
static void add_quantity(const struct page *p, struct text *t, const struct unit *unit, double v,
			 int digits)
{
	char num[QUANTITY_SIZE];
	const char *name = put_quantity(p, num, unit, v, digits, NEAREST);

	add(t, "%s" NB "%s", num, name);
}

static void add_ns(const struct page *p, struct text *t, uint64_t ns)
{
	add_quantity(p, t, time_units, (double)ns * 1e-9, 3);
}

static void add_bytes(const struct page *p, struct text *t, double bytes)
{
	add_quantity(p, t, byte_units, bytes, 3);
}

static void add_folio_size(const struct page *p, struct text *t, int order)
{
	uint64_t size = p->s->machine ? p->s->machine->page_size : 0;

	if (size && order >= 0 && order < 40) {
		add(t, " (");
		/* A power of two: whole in its unit. */
		add_quantity(p, t, binary_units, (double)(size << order), 1);
		add(t, ")");
	}
}

/* Events a second. */
static void add_rate(const struct page *p, struct text *t, uint64_t count)
{
	char num[QUANTITY_SIZE];

	if (!p->s->interval_ns)
		return;
	put_number(num, (double)count * 1e9 / (double)p->s->interval_ns, 3, NEAREST, 0);
	add(t, ", %s%s/s", p->atleast, num);
}

/* The interval of a quantile, rounded outwards: "412-430 µs". */
static void add_range(const struct page *p, struct text *t, struct hist_range r,
		      const struct unit *units, int digits)
{
	char lo[QUANTITY_SIZE], hi[QUANTITY_SIZE];
	const char *lo_unit, *hi_unit;

	lo_unit = put_quantity(p, lo, units, r.lo, digits, DOWN);
	if (!isfinite(r.hi)) {
		add(t, ">" NB "%s" NB "%s", lo, lo_unit);
		return;
	}
	hi_unit = put_quantity(p, hi, units, r.hi, digits, UP);
	if (r.lo <= 0)
		add(t, "%s" NB "%s" NB "%s", p->o->ascii ? "<=" : "≤", hi, hi_unit);
	else if (strcmp(lo_unit, hi_unit) != 0)
		add(t, "%s" NB "%s-%s" NB "%s", lo, lo_unit, hi, hi_unit);
	else
		add(t, "%s-%s" NB "%s", lo, hi, hi_unit);
}

static const struct {
	const char *name;
	double q;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

static void add_quantile(const struct page *p, struct text *t, const struct hist *h, size_t which)
{
	add(t, "%s" NB, quantiles[which].name);
	add_range(p, t, hist__quantile(h, quantiles[which].q), time_units, 3);
}

static void add_quantiles(const struct page *p, struct text *t, const struct hist *h)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(quantiles); i++) {
		if (i)
			add(t, "  ");
		add_quantile(p, t, h, i);
	}
}

/* "load (pid 12, node 0)"; the spaces of a comm are no places to break. */
static void add_who(const struct page *p, struct text *t, const struct hist_max *m, bool node)
{
	char comm[NAME_SIZE];
	char *space;

	clean(comm, sizeof(comm), m->comm, sizeof(m->comm), p->o->ascii);
	while ((space = strchr(comm, ' ')) != NULL)
		*space = NB[0];
	add(t, "%s" NB "(pid" NB "%" PRIu32, comm[0] ? comm : "?", m->pid);
	if (node && m->node >= 0 && p->s->machine && p->s->machine->nodes > 1)
		add(t, "," NB "node" NB "%d", m->node);
	add(t, ")");
}

/* whose: "by" who was slow, "for" who waited. */
static void add_max(const struct page *p, struct text *t, const struct hist_max *m,
		    const char *whose)
{
	if (!m->known) {
		add(t, "not known");
		return;
	}
	add_ns(p, t, m->ns);
	add(t, " %s ", whose);
	add_who(p, t, m, !strcmp(whose, "by"));
}

static void add_percent(struct text *t, double share)
{
	char num[QUANTITY_SIZE];

	/* 100 is said of the whole only. */
	if (share < 1 && share > 0.999)
		share = 0.999;
	put_number(num, share * 100, 3, NEAREST, 0);
	add(t, "%s" NB "%%", share >= 1 && share < 1.0005 ? "100" : num);
}

static void add_count(const struct page *p, struct text *t, uint64_t count, const char *one,
		      const char *many)
{
	add(t, "%s%" PRIu64 NB "%s", p->atleast, count, count == 1 ? one : many);
}

/* ---- histograms ---- */

/* Row of a bucket: rows end at multiples of the row's size, counted in buckets. */
static unsigned int row_of(unsigned int bucket, unsigned int size)
{
	return (bucket + size - 1) / size;
}

/* Counts of rows; the first and the last row that are not empty. */
struct rows {
	unsigned int size; /* buckets a row: 4 is a quarter of an octave */
	unsigned int first, last;
	uint64_t count[ZS_BUCKETS];
	uint64_t highest;
};

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

/*
 * Eighths of an octave, which are 9 % wide; coarser where that takes too many
 * lines, finer where it would show next to nothing.
 */
static void rows__make(struct rows *r, const struct hist *h)
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
	const char *unit = put_quantity(p, num, time_units, seconds, 3, NEAREST);

	add(t, "%4s" NB "%s", num, unit);
	if (strlen(unit) == 1)
		add(t, NB);
}

#define BOUNDS_WIDTH 17

static void add_row_bounds(const struct page *p, struct text *t, const struct rows *r,
			   unsigned int row)
{
	if (!row) {
		add(t, "%*s%s" NB, BOUNDS_WIDTH - 10, "", p->o->ascii ? "<=" : " ≤");
		add_bound(p, t, hist__bound_seconds(0));
	} else if (row * r->size >= ZS_BOUNDS) {
		add(t, "%*s>" NB, BOUNDS_WIDTH - 9, "");
		add_bound(p, t, hist__bound_seconds(ZS_BOUNDS - 1));
	} else {
		add_bound(p, t, hist__bound_seconds((row - 1) * r->size));
		add(t, NB "-" NB);
		add_bound(p, t, hist__bound_seconds(row * r->size));
	}
}

/* A bar of n eighths of a character, padded to width characters. */
static void add_bar(const struct page *p, struct text *t, unsigned int n, int width)
{
	static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int used = (int)(n / 8);
	int i;

	add(t, BAR);
	for (i = 0; i < used; i++)
		add(t, "%s", p->o->ascii ? "#" : "█");
	if (n % 8) {
		/* ASCII has one step: a bar that is not even half of a character long. */
		add(t, "%s", !p->o->ascii ? eighth[n % 8] : n < 8 ? "." : n % 8 >= 4 ? "#" : " ");
		used++;
	}
	add(t, PLAIN "%*s", width - used, "");
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
	add(t, "%3u.%u" NB "%%", tenths / 10, tenths % 10);
}

/* "what" heads the column of bounds: "wall time". */
static void histogram(struct page *p, const struct hist *h, const char *what, const char *events)
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
		add(&t, "  %*" PRIu64 "  ", count_width, r.count[row]);
		add_bar(p, &t, eighths, bar_width);
		add(&t, " ");
		add_cumulative(&t, seen, h->count);
		indent(p, 4);
		emit(p, t.buf, t.len);
		fputc('\n', p->out);
	}
}

/* ---- the sections of a block ---- */

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
	add(&t, "filtered: only");
	if (f->pids[0])
		add(&t, " pid" NB "%s,", safe(p, name, f->pids));
	if (f->comm[0])
		add(&t, " comm" NB "%s,",
		    clean(comm, sizeof(comm), f->comm, sizeof(f->comm), p->o->ascii));
	if (f->cgroup[0])
		add(&t, " cgroup" NB "%s,", safe(p, name, f->cgroup));
	if (f->min_order)
		add(&t, " order" NB "%d" NB "and" NB "up,", f->min_order);
	t.buf[--t.len] = '\0';
	if (interval__measures_clears(p->s))
		add(&t, ": %s%" PRIu64 " of %" PRIu64 " clears", p->atleast, all_counts(p->s),
		    p->s->clears_total);
	paragraph(p, 0, 4, &t);
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
		add(&t, "Total of ");
		add_quantity(p, &t, span_units, (double)s->interval_ns * 1e-9, 3);
		add(&t, " until %s", date);
	} else {
		add(&t, "%s", date);
		if (s->interval_ns) {
			add(&t, "  ");
			add_quantity(p, &t, span_units, (double)s->interval_ns * 1e-9, 3);
		}
	}
	if (s->machine) {
		add(&t, "  %s", safe(p, name, s->machine->release));
		add(&t, "  preempt=%s", preempt_model__name(s->machine->preempt_model));
	}
	heading(p, &t);
	put_filters(p);
	if (s->floor && !has_filters(&s->filters) && s->clears_total > all_counts(s)) {
		t.len = 0;
		add(&t, "%" PRIu64 " clears in all, which is exact; what is told apart is a floor",
		    s->clears_total);
		paragraph(p, 0, 4, &t);
	}
}

static void put_speed(struct page *p, uint64_t bytes, uint64_t timed_bytes, uint64_t wall_ns)
{
	char num[QUANTITY_SIZE];
	struct text t = {0};

	/* Bytes a nanosecond are GB a second. */
	if (wall_ns) {
		put_number(num, (double)timed_bytes / (double)wall_ns, 3, NEAREST, 0);
		add(&t, "%s while clearing (bytes" NB "/" NB "wall" NB "time)", num);
	}
	if (p->s->interval_ns) {
		put_number(num, (double)bytes / (double)p->s->interval_ns, 3, NEAREST, 0);
		add(&t, "%s%s%s over the %s", t.len ? ", " : "", p->atleast, num,
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
		add(&t, "on it all of the wall time: no gaps");
	} else {
		add(&t, "on it ");
		add_percent(&t, (double)c->on_cpu.sum_ns / (double)c->wall.sum_ns);
		add(&t, " of the wall time  ");
		add_quantile(p, &t, &c->on_cpu, 0);
		add(&t, "  ");
		add_quantile(p, &t, &c->on_cpu, 2);
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
		add_quantiles(p, &t, &c->wall);
	else
		add(&t, "none of them has ended yet");
	keyed_series(p, "wall", &t);
	if (c->wall.count) {
		t.len = 0;
		add_max(p, &t, &c->wall.max, "by");
		if (c->other && c->wall.max.known && c->wall.max.order >= 0)
			add(&t, ", order" NB "%d", c->wall.max.order);
		keyed_series(p, "max", &t);
	}
	put_on_cpu(p, c);
	put_speed(p, c->bytes, timed_bytes, c->wall.sum_ns);
	if (c->wall.count && c->wall.count < c->count && (p->s->floor || p->o->verbose)) {
		t.len = 0;
		add(&t, "%" PRIu64 " of them to the end; ", c->wall.count);
		add(&t, "the others are open, or their end was missed");
		keyed_series(p, "seen", &t);
	}
	histogram(p, &c->wall, "wall time", "clears");
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
	add_count(p, t, count, "clear", "clears");
	add_rate(p, t, count);
	add(t, ", %s", p->atleast);
	add_bytes(p, t, (double)bytes);
}

static void add_series_name(const struct page *p, struct text *t, const struct clear_series *c)
{
	if (c->other) {
		add(t, "all other clears (no histogram of their own was left)");
		return;
	}
	add(t, "order" NB "%d", c->order);
	add_folio_size(p, t, c->order);
	add(t, " %s", c->kind == ZS_KIND_OTHER ? "other kind" : page_kind__name(c->kind));
}

static void put_series(struct page *p, const struct clear_series *c, bool name_numa)
{
	struct text t = {0};

	add_series_name(p, &t, c);
	if (name_numa)
		add(&t, ", %s%s", c->numa == ZS_NUMA_UNKNOWN ? "node " : "", numa__name(c->numa));
	add(&t, ": ");
	add_clears(p, &t, c->count, c->bytes);
	heading(p, &t);
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

	blank(p);
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
	add(&t, ": ");
	add_clears(p, &t, count, bytes);
	add(&t, " in all");
	heading(p, &t);
	for (i = 0; i < nr; i++) {
		if (i)
			blank(p);
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

/*
 * Every hole comes with a reason. A reason may also be a remark, on a row that
 * lacks no more than what was in flight.
 */
static bool is_hole(const struct page *p, const struct coverage *c)
{
	uint64_t flight = p->s->machine && p->s->machine->cpus > 0 ? p->s->machine->cpus : 1;

	if (!c->reason[0] || !c->kernel.known || !c->seen.known ||
	    c->kernel.value <= c->seen.value)
		return false;
	return !c->seen.value || c->kernel.value - c->seen.value > flight;
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

	blank(p);
	if (!interval__measures_clears(s)) {
		add(&t, WARN "Clears are not measured" PLAIN);
		add(&t, ": no probe that sees them is attached.");
		paragraph(p, 0, 0, &t);
		return;
	}
	if (any_durations(s->allocator, s->nr_allocator)) {
		add(&t, "Nothing was cleared at the fault; see allocator clears.");
		paragraph(p, 0, 0, &t);
		return;
	}
	add(&t, "Nothing was cleared");
	if (has_filters(&s->filters) && s->clears_total)
		add(&t, " by what the filter lets through");
	for (i = 0; i < s->nr_coverage; i++) {
		if (!is_hole(p, &s->coverage[i]))
			continue;
		add(&t, "%s %s" NB "%" PRIu64,
		    hole ? "," : " within sight, but the kernel counted",
		    safe(p, name, s->coverage[i].what), s->coverage[i].kernel.value);
		hole = true;
	}
	add(&t, "%s", hole ? ": see coverage." : ".");
	paragraph(p, 0, 0, &t);
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
	add(t, "%s%" PRIu64 ", ", p->atleast, count);
	add_ns(p, t, sum_ns);
	add(t, NB "in" NB "all");
	if (!h || !h->count)
		return;
	add(t, ", ");
	add_quantile(p, t, h, 0);
	add(t, ", ");
	add_quantile(p, t, h, 2);
	if (!h->max.known)
		return;
	add(t, ", max" NB);
	add_max(p, t, &h->max, whose);
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
		add(&t, "order" NB "%d: %s%" PRIu64 ", ", g->sums[i].order, p->atleast,
		    g->sums[i].count);
		add_ns(p, &t, g->sums[i].sum_ns);
		add(&t, NB "in" NB "all");
		paragraph(p, KEY_COLUMN, KEY_COLUMN, &t);
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
	add(&t, "%s; the task %s%s", odd ? WARN : "", explain_cause(cause), odd ? PLAIN : "");
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
	blank(p);
	add(&t, "gaps while clearing (the task was off its CPU)");
	if (!any_gaps(s)) {
		add(&t, ": none");
	} else if (s->gaps_per_clear.known) {
		put_number(num, s->gaps_per_clear.value, 3, NEAREST, 0);
		add(&t, ": %s a clear", num);
	}
	heading(p, &t);
	if (!any_gaps(s))
		return;
	if (!s->gaps) {
		t.len = 0;
		add(&t, "%" PRIu64 " counted; how long they took is not measured", s->gaps_counted);
		paragraph(p, 2, 4, &t);
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

static void put_resched_bound(struct page *p)
{
	enum preempt_model model =
		p->s->machine ? p->s->machine->preempt_model : PREEMPT_UNKNOWN;
	const struct hist_max *m = &p->s->resched->now.max;
	uint64_t bound = slowest_extent_ns(p->s);
	struct text t = {0};

	if (model == PREEMPT_LAZY && p->s->resched->has_lazy) {
		add(&t, "one tick for lazy requests, under preempt=lazy");
	} else if ((model == PREEMPT_NONE || model == PREEMPT_VOLUNTARY) && bound) {
		add_ns(p, &t, bound);
		add(&t, ", the slowest extent, under preempt=%s", preempt_model__name(model));
		if (m->known && m->ns > bound)
			add(&t, "; " WARN "the maximum is above it" PLAIN);
	} else {
		return;
	}
	keyed(p, "bound", &t);
}

static void put_resched_one(struct page *p, const char *key, const struct hist *h)
{
	struct text t = {0};

	if (h->count)
		add_summary(p, &t, h->count, h->sum_ns, h, "for");
	else
		add(&t, "none");
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
	blank(p);
	add(&t, "resched delay (how long others waited for a clearing CPU, from %s)",
	    safe(p, name, r->source));
	heading(p, &t);
	put_resched_one(p, "now", &r->now);
	if (r->has_lazy)
		put_resched_one(p, "lazy", &r->lazy);
	if (r->outlived) {
		t.len = 0;
		add(&t, "%s%" PRIu64 " of them: the clear ended before the switch came",
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
	blank(p);
	add(&t, "extents (what was cleared in one go)");
	heading(p, &t);
	for (i = 0; i < s->nr_extents; i++) {
		const struct duration_series *d = &s->extents[i];
		uint64_t clears = clears_of_order(s, d->order);
		char num[QUANTITY_SIZE];

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		if (clears) {
			put_number(num, (double)d->count / (double)clears, 3, NEAREST, 0);
			add(&t, "; %s" NB "a" NB "clear", num);
		}
		if (d->has_pages && d->pages.count) {
			put_number(num, (double)d->pages.sum / (double)d->pages.count, 3, NEAREST,
				   0);
			add(&t, ", %s" NB "pages" NB "each on average", num);
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
	blank(p);
	add(&t, "allocator clears (init_on_alloc: zeroed when allocated)");
	heading(p, &t);
	if (!any_durations(s->allocator, s->nr_allocator)) {
		t.len = 0;
		add(&t, "none");
		paragraph(p, 2, 4, &t);
	}
	for (i = 0; i < s->nr_allocator; i++) {
		const struct duration_series *d = &s->allocator[i];

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		add(&t, "; %s", p->atleast);
		add_bytes(p, &t, (double)d->bytes);
		if (d->wall.sum_ns) {
			add(&t, ", ");
			add_bytes(p, &t, (double)d->bytes * 1e9 / (double)d->wall.sum_ns);
			add(&t, "/s" NB "while" NB "clearing");
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
	blank(p);
	add(&t, "huge page faults, and how much of their time was clearing");
	heading(p, &t);
	for (i = 0; i < s->nr_faults; i++) {
		const struct duration_series *d = &s->faults[i];
		struct opt_double share = interval__clear_share(s, d);

		if (!d->count && !d->wall.count)
			continue;
		t.len = 0;
		if (share.known) {
			add_percent(&t, share.value);
			add(&t, NB "clearing; ");
		}
		add_summary(p, &t, d->count, d->wall.sum_ns, &d->wall, "by");
		keyed_order(p, d->order, &t);
	}
}

static void add_opt(struct text *t, const char *name, const struct opt_u64 *v)
{
	if (!v->known)
		return;
	add(t, "%s%s" NB "%" PRIu64, t->len ? ", " : "", name, v->value);
}

static void put_span(struct page *p, const char *key, const struct span_hist *h)
{
	struct text t = {0};
	size_t i;

	if (!h->count)
		return;
	add(&t, "%" PRIu64 " ended", h->count);
	for (i = 0; i < 3; i++) {
		add(&t, "  %s" NB, quantiles[i].name);
		add_range(p, &t, hist__span_quantile(h, quantiles[i].q), span_units, 2);
	}
	keyed(p, key, &t);
}

static void add_refcount(const struct page *p, struct text *t, const struct huge_zero *z)
{
	char reason[NAME_SIZE];

	if (!z->refcount.known) {
		add(t, "refcount not known");
		if (z->refcount_reason[0])
			add(t, " (%s)", safe(p, reason, z->refcount_reason));
		if (z->holders.known)
			add(t, ", %" PRIu64 NB "%s", z->holders.value,
			    z->holders.value == 1 ? "holder" : "holders");
		return;
	}
	add(t, "refcount %" PRIu64, z->refcount.value);
	if (!z->holders.known)
		return;
	if (!z->refcount.value && !z->holders.value)
		add(t, ": not allocated");
	else if (z->refcount.value == z->holders.value + 1)
		add(t, " = %" PRIu64 NB "%s + the shrinker's pin", z->holders.value,
		    z->holders.value == 1 ? "holder" : "holders");
	else
		add(t, ", " WARN "but %" PRIu64 NB "%s + the shrinker's pin make %" PRIu64 PLAIN,
		    z->holders.value, z->holders.value == 1 ? "holder" : "holders",
		    z->holders.value + 1);
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
	blank(p);
	add(&t, BOLD "huge zero folio:" PLAIN " ");
	if (kind == HUGE_ZERO_PERSISTENT || kind == HUGE_ZERO_ABSENT) {
		add(&t, kind == HUGE_ZERO_PERSISTENT ? "persistent, never freed" :
						       "this kernel has none");
		paragraph(p, 0, 4, &t);
		return;
	}
	add_refcount(p, &t, z);
	if (z->oldest_seconds.known) {
		add(&t, ", oldest" NB "hold" NB);
		add_quantity(p, &t, span_units, z->oldest_seconds.value, 3);
	}
	paragraph(p, 0, 4, &t);
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
		add(&t, "node" NB "%" PRIu64, payer->id);
	else if (payer->name[0])
		add(&t, "%s", safe(p, name, payer->name));
	else
		add(&t, "cgroup" NB "%" PRIu64, payer->id);
	add(&t, ": ");
	add_ns(p, &t, payer->sum_ns);
	add(&t, NB "in ");
	add_count(p, &t, payer->count, "clear", "clears");
	add(&t, ", %s", p->atleast);
	add_bytes(p, &t, (double)payer->bytes);
	if (p->s->gaps && payer->gap_ns) {
		add(&t, ", gaps" NB);
		add_ns(p, &t, payer->gap_ns);
	}
	add(&t, ", max" NB "since" NB "start" NB);
	add_ns(p, &t, payer->max_ns);
	paragraph(p, 2, 4, &t);
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
	blank(p);
	add(&t, "%s", title);
	heading(p, &t);
	for (i = 0; i < used && (i < MAX_PAYERS || p->o->verbose); i++)
		put_payer(p, list[i], node);
	if (i < used) {
		t.len = 0;
		add(&t, "and %zu more (-v shows all)", used - i);
		paragraph(p, 2, 4, &t);
	}
	return 0;
}

static void add_coverage_name(const struct page *p, struct text *t, const struct coverage *c)
{
	char name[NAME_SIZE];

	add(t, "%s", safe(p, name, c->what));
}

/* A hole, or a remark on a row where something happened. */
static void put_coverage_row(struct page *p, const struct coverage *c)
{
	char reason[NAME_SIZE];
	struct text t = {0};

	add(&t, is_hole(p, c) ? WARN "coverage hole," PLAIN " " : "coverage note, ");
	add_coverage_name(p, &t, c);
	if (c->kernel.known)
		add(&t, ": the kernel counted %" PRIu64, c->kernel.value);
	else
		add(&t, ": the kernel does not count these");
	if (c->seen.known)
		add(&t, ", seen %" PRIu64, c->seen.value);
	if (is_hole(p, c))
		add(&t, ", " WARN "%" PRIu64 " not seen" PLAIN, c->kernel.value - c->seen.value);
	add(&t, ": %s", safe(p, reason, c->reason));
	if (!strchr(".!?", c->reason[strlen(c->reason) - 1]))
		add(&t, ".");
	paragraph(p, 0, 2, &t);
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
		add(&t, "%s", t.len ? ", " : "not counted by the kernel, so not compared: ");
		add_coverage_name(p, &t, c);
		if (c->seen.known)
			add(&t, " (seen" NB "%" PRIu64 ")", c->seen.value);
	}
	if (t.len)
		paragraph(p, 0, 2, &t);
}

static void put_coverage(struct page *p)
{
	const struct snapshot *s = p->s;
	bool compared = false, hole = false, told_any = false;
	struct text t = {0};
	size_t i;

	blank(p);
	for (i = 0; i < s->nr_coverage; i++) {
		const struct coverage *c = &s->coverage[i];
		bool told = is_hole(p, c) || (c->reason[0] && coverage_active(c));

		hole = hole || is_hole(p, c);
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
		add(&t, "%s", t.len ? ", " : "");
		add_coverage_name(p, &t, c);
		add(&t, NB "%" PRIu64, c->seen.value);
		if (c->seen.value < c->kernel.value)
			add(&t, NB "of" NB "%" PRIu64 NB "(the" NB "rest" NB "in" NB "flight)",
			    c->kernel.value);
		else if (c->seen.value > c->kernel.value)
			add(&t, NB "(kernel" NB "%" PRIu64 ")", c->kernel.value);
	}
	if (t.len) {
		struct text line = {0};

		add(&line, "coverage%s: all that the kernel counted was seen: %s",
		    hole ? " of the rest" : "", t.buf);
		paragraph(p, 0, 2, &line);
	} else if (compared && !told_any) {
		add(&t, "coverage: %s",
		    all_counts(s) ? "nothing that the kernel counts was cleared" :
				    "the kernel counted nothing either");
		paragraph(p, 0, 2, &t);
	} else if (!s->nr_coverage) {
		add(&t, "coverage: not known, nothing was compared with the kernel's counters");
		paragraph(p, 0, 2, &t);
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
			add(&untold, "%s%s", untold.len ? ", " : "", rows[i].name);
			continue;
		}
		if (!rows[i].v->value)
			continue;
		add(&t, "%s%s" NB "%" PRIu64 " (%s)", any ? ", " : WARN "loss:" PLAIN " ",
		    rows[i].name, rows[i].v->value, rows[i].words);
		any = true;
	}
	if (!any)
		add(&t, "loss: none%s", untold.len ? " that is known of" : "");
	if (untold.len)
		add(&t, "; not told by the kernel: %s", untold.buf);
	if (p->s->floor)
		add(&t, ". Counts with %s are floors.", p->o->ascii ? ">=" : "≥");
	paragraph(p, 0, 2, &t);
}

static void put_self(struct page *p)
{
	const struct self_cost *c = &p->s->self;
	struct text t = {0};

	add(&t, "own cost: ");
	if (c->bpf_seconds.known) {
		add(&t, "BPF ");
		add_quantity(p, &t, time_units, c->bpf_seconds.value, 3);
		if (p->s->interval_ns) {
			add(&t, " (");
			add_percent(&t, c->bpf_seconds.value * 1e9 / (double)p->s->interval_ns);
			add(&t, NB "of" NB "one" NB "CPU)");
		}
	} else {
		add(&t, "BPF time not measured");
	}
	if (c->map_bytes) {
		add(&t, ", maps ");
		add_quantity(p, &t, binary_units, (double)c->map_bytes, 3);
	}
	if (c->rss_bytes) {
		add(&t, ", process ");
		add_quantity(p, &t, binary_units, (double)c->rss_bytes, 3);
	}
	paragraph(p, 0, 2, &t);
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

		add(&t, "%s: ", safe(p, name, probe->name));
		add(&t, "%s", probe->attached ? safe(p, name, probe->tier) : "not attached");
		if (probe->reason[0])
			add(&t, " (%s)", safe(p, name, probe->reason));
		paragraph(p, 2, 4, &t);
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
	blank(p);
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

	add(t, "%s%s", sep, clean(name, sizeof(name), probe->name, sizeof(probe->name), true));
	if (text[0])
		add(t, " (%s)", clean(why, sizeof(why), text, sizeof(why) - 1, true));
}

void plain__attached(char *buf, size_t size, const struct snapshot *s)
{
	struct text t = {0};
	const char *sep;
	size_t i;

	add(&t, "attached:");
	sep = " ";
	for (i = 0; i < s->nr_probes; i++) {
		if (!s->probes[i].attached)
			continue;
		add_probe(&t, &s->probes[i], sep);
		sep = ", ";
	}
	if (*sep == ' ')
		add(&t, " nothing");
	sep = "; not attached: ";
	for (i = 0; i < s->nr_probes; i++) {
		if (s->probes[i].attached)
			continue;
		add_probe(&t, &s->probes[i], sep);
		sep = ", ";
	}
	snprintf(buf, size, "%s", t.buf);
}
