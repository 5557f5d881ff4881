// SPDX-License-Identifier: GPL-2.0-only
#include "quantity.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "util.h"

static double round_to(double v, enum rounding r)
{
	/* What is whole but for the last bits of a product counts as whole. */
	if (fabs(v - nearbyint(v)) <= 1e-12 * v)
		return nearbyint(v);
	return r == ROUND_DOWN ? floor(v) : r == ROUND_UP ? ceil(v) : nearbyint(v);
}

bool quantity__number(char buf[static QUANTITY_SIZE], double v, int digits, enum rounding r,
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
	if (!n && v > 0 && r == ROUND_NEAREST && decimals)
		snprintf(buf, QUANTITY_SIZE, "<0.000001");
	else if (decimals)
		snprintf(buf, QUANTITY_SIZE, "%" PRIu64 ".%0*" PRIu64, n / scale, decimals,
			 n % scale);
	else
		snprintf(buf, QUANTITY_SIZE, "%" PRIu64, n);
	return true;
}

const struct unit quantity__time[] = {
	{"ns", "ns", 1e-9, 1000, true},	 {"µs", "us", 1e-6, 1000, false},
	{"ms", "ms", 1e-3, 1000, false}, {"s", "s", 1, 7200, false},
	{"h", "h", 3600, 0, false},
};

const struct unit quantity__span[] = {
	{"ms", "ms", 1e-3, 1000, false}, {"s", "s", 1, 120, false},
	{"min", "min", 60, 120, false},	 {"h", "h", 3600, 48, false},
	{"d", "d", 86400, 0, false},
};

const struct unit quantity__bytes[] = {
	{"B", "B", 1, 1000, true},	{"kB", "kB", 1e3, 1000, false},
	{"MB", "MB", 1e6, 1000, false}, {"GB", "GB", 1e9, 1000, false},
	{"TB", "TB", 1e12, 0, false},
};

const struct unit quantity__binary[] = {
	{"B", "B", 1, 1024, true},
	{"KiB", "KiB", 1024, 1024, false},
	{"MiB", "MiB", 1048576, 1024, false},
	{"GiB", "GiB", 1073741824, 0, false},
};

const char *quantity__in_unit(const struct page *p, char buf[static QUANTITY_SIZE],
			      const struct unit *unit, double v, int digits, enum rounding r)
{
	for (;; unit++) {
		if (unit->limit && v >= (double)unit->limit * unit->size)
			continue;
		if (quantity__number(buf, v / unit->size, unit->whole ? 1 : digits, r, unit->limit))
			return p->o->ascii ? unit->ascii : unit->name;
	}
}

void text__quantity(const struct page *p, struct text *t, const struct unit *unit, double v,
		    int digits)
{
	char num[QUANTITY_SIZE];
	const char *name = quantity__in_unit(p, num, unit, v, digits, ROUND_NEAREST);

	text__add(t, "%s" NB "%s", num, name);
}

void text__ns(const struct page *p, struct text *t, uint64_t ns)
{
	text__quantity(p, t, quantity__time, (double)ns * 1e-9, 3);
}

void text__bytes(const struct page *p, struct text *t, double bytes)
{
	text__quantity(p, t, quantity__bytes, bytes, 3);
}

void text__folio_size(const struct page *p, struct text *t, int order)
{
	uint64_t size = p->s->machine ? p->s->machine->page_size : 0;

	if (size && order >= 0 && order < 40) {
		text__add(t, " (");
		/* A power of two: whole in its unit. */
		text__quantity(p, t, quantity__binary, (double)(size << order), 1);
		text__add(t, ")");
	}
}

void text__rate(const struct page *p, struct text *t, uint64_t count)
{
	char num[QUANTITY_SIZE];

	if (!p->s->interval_ns)
		return;
	quantity__number(num, (double)count * 1e9 / (double)p->s->interval_ns, 3, ROUND_NEAREST, 0);
	text__add(t, ", %s%s/s", p->atleast, num);
}

void text__range(const struct page *p, struct text *t, struct hist_range r,
		 const struct unit *units, int digits)
{
	char lo[QUANTITY_SIZE], hi[QUANTITY_SIZE];
	const char *lo_unit, *hi_unit;

	lo_unit = quantity__in_unit(p, lo, units, r.lo, digits, ROUND_DOWN);
	if (!isfinite(r.hi)) {
		text__add(t, ">" NB "%s" NB "%s", lo, lo_unit);
		return;
	}
	hi_unit = quantity__in_unit(p, hi, units, r.hi, digits, ROUND_UP);
	if (r.lo <= 0)
		text__add(t, "%s" NB "%s" NB "%s", p->o->ascii ? "<=" : "≤", hi, hi_unit);
	else if (strcmp(lo_unit, hi_unit) != 0)
		text__add(t, "%s" NB "%s-%s" NB "%s", lo, lo_unit, hi, hi_unit);
	else
		text__add(t, "%s-%s" NB "%s", lo, hi, hi_unit);
}

const struct quantile quantity__quantiles[QUANTILES] = {
	{"p50", 0.5},
	{"p90", 0.9},
	{"p99", 0.99},
	{"p99.9", 0.999},
};

void text__quantile(const struct page *p, struct text *t, const struct hist *h, size_t which)
{
	text__add(t, "%s" NB, quantity__quantiles[which].name);
	text__range(p, t, hist__quantile(h, quantity__quantiles[which].q), quantity__time, 3);
}

void text__quantiles(const struct page *p, struct text *t, const struct hist *h)
{
	size_t i;

	for (i = 0; i < QUANTILES; i++) {
		if (i)
			text__add(t, "  ");
		text__quantile(p, t, h, i);
	}
}

/* "load (pid 12, node 0)"; the spaces of a comm are no places to break. */
static void add_who(const struct page *p, struct text *t, const struct hist_max *m, bool node)
{
	char comm[NAME_SIZE];
	char *space;

	page__clean(comm, sizeof(comm), m->comm, sizeof(m->comm), p->o->ascii);
	while ((space = strchr(comm, ' ')) != NULL)
		*space = NB[0];
	text__add(t, "%s" NB "(pid" NB "%" PRIu32, comm[0] ? comm : "?", m->pid);
	if (node && m->node >= 0 && p->s->machine && p->s->machine->nodes > 1)
		text__add(t, "," NB "node" NB "%d", m->node);
	text__add(t, ")");
}

void text__max(const struct page *p, struct text *t, const struct hist_max *m, const char *whose)
{
	if (!m->known) {
		text__add(t, "not known");
		return;
	}
	text__ns(p, t, m->ns);
	text__add(t, " %s ", whose);
	add_who(p, t, m, !strcmp(whose, "by"));
}

void text__percent(struct text *t, double share)
{
	char num[QUANTITY_SIZE];

	/* 100 is said of the whole only. */
	if (share < 1 && share > 0.999)
		share = 0.999;
	quantity__number(num, share * 100, 3, ROUND_NEAREST, 0);
	text__add(t, "%s" NB "%%", share >= 1 && share < 1.0005 ? "100" : num);
}

void text__count(const struct page *p, struct text *t, uint64_t count, const char *one,
		 const char *many)
{
	text__add(t, "%s%" PRIu64 NB "%s", p->atleast, count, count == 1 ? one : many);
}
