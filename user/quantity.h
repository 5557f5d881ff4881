/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_QUANTITY_H
#define ZEROSCOPE_QUANTITY_H

/*
 * Numbers as people read them: a unit that suits them, no more digits than are
 * known, and a decimal point whatever the locale says.
 */

#include <stdbool.h>
#include <stdint.h>

#include "page.h"
#include "snapshot.h"

enum rounding {
	ROUND_NEAREST,
	ROUND_DOWN,
	ROUND_UP,
};

struct unit {
	const char *name;
	const char *ascii;
	double size;
	uint64_t limit; /* from here on the next one is used; 0: the last */
	bool whole;	/* there are no fractions of it */
};

/* Each ends with a unit that has no limit. Times and spans are in seconds. */
extern const struct unit quantity__time[];   /* ns to h */
extern const struct unit quantity__span[];   /* ms to d */
extern const struct unit quantity__bytes[];  /* B to TB */
extern const struct unit quantity__binary[]; /* B to GiB */

#define QUANTILES 4
struct quantile {
	const char *name; /* "p99.9" */
	double q;
};

extern const struct quantile quantity__quantiles[QUANTILES];

#define QUANTITY_SIZE 48

/*
 * v >= 0 with that many significant digits, by integers because printf() writes
 * the locale's decimal point. Returns false where rounding made it limit or
 * more (0: there is none), which then is better said in the next unit.
 */
bool quantity__number(char buf[static QUANTITY_SIZE], double v, int digits, enum rounding r,
		      uint64_t limit);

/* v in the unit that suits it; returns the unit's name. */
const char *quantity__in_unit(const struct page *p, char buf[static QUANTITY_SIZE],
			      const struct unit *unit, double v, int digits, enum rounding r);

/* Each of these adds to a text what can be broken only where it has several parts. */

/* "412 µs" */
void text__quantity(const struct page *p, struct text *t, const struct unit *unit, double v,
		    int digits);
void text__ns(const struct page *p, struct text *t, uint64_t ns);
void text__bytes(const struct page *p, struct text *t, double bytes);
/* " (2 MiB)"; nothing where the page size is not known. */
void text__folio_size(const struct page *p, struct text *t, int order);
/* ", 512/s": events of the interval a second. */
void text__rate(const struct page *p, struct text *t, uint64_t count);
/* The interval of a quantile in seconds, rounded outwards: "412-430 µs". */
void text__range(const struct page *p, struct text *t, struct hist_range r,
		 const struct unit *units, int digits);
/* "p99 412-430 µs"; which counts from 0. */
void text__quantile(const struct page *p, struct text *t, const struct hist *h, size_t which);
void text__quantiles(const struct page *p, struct text *t, const struct hist *h);
/* "691 µs by load (pid 12, node 0)"; whose: "by" who was slow, "for" who waited. */
void text__max(const struct page *p, struct text *t, const struct hist_max *m, const char *whose);
/* "99.0 %": 100 is said of the whole only. */
void text__percent(struct text *t, double share);
/* "512 clears", marked if it is a floor. */
void text__count(const struct page *p, struct text *t, uint64_t count, const char *one,
		 const char *many);

#endif /* ZEROSCOPE_QUANTITY_H */
