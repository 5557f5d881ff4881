/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_ROWS_H
#define ZEROSCOPE_ROWS_H

/* A histogram as rows with bars: exact sums of its fine buckets. */

#include <stdint.h>

#include "hist.h"
#include "page.h"

struct rows {
	unsigned int size;	  /* buckets a row: 4 is a quarter of an octave */
	unsigned int first, last; /* rows that are not empty */
	uint64_t count[ZS_BUCKETS];
	uint64_t highest;
};

/*
 * Eighths of an octave, which are 9 % wide; coarser where that takes too many
 * lines, finer where it would show next to nothing. Row r > 0 holds the buckets
 * above (r - 1) * size, up to r * size. For histograms that are not empty.
 */
void rows__make(struct rows *r, const struct hist *h);

/*
 * Prints them; "what" heads the column of bounds ("wall time"), "events" that
 * of counts. Nothing for an empty histogram.
 */
void rows__print(struct page *p, const struct hist *h, const char *what, const char *events);

/*
 * Two of them laid over each other, as shares of their own events: where both
 * have a share it is drawn once, and what one has more of in its own way.
 * Nothing unless both have events.
 */
void rows__print_two(struct page *p, const struct hist *a, const struct hist *b, const char *what);

/* A bar of n eighths of a character, padded to width characters. */
void rows__add_bar(const struct page *p, struct text *t, unsigned int n, int width);

#endif /* ZEROSCOPE_ROWS_H */
