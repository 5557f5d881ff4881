/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LIVE_DRAW_H
#define ZEROSCOPE_LIVE_DRAW_H

/* What the parts of the live view's drawing share; nobody else includes it. */

#include "cells.h"
#include "live.h"
#include "page.h"
#include "plain.h"

/* Where things stand; what there is no room for is 0. */
struct live_layout {
	/* Rows; 0: not shown (row 0 is the title). */
	int quantiles, slowest, rates, head, legend, status, probes, keys;
	int body, body_rows;
	/* Columns of the body. */
	int label; /* width of the bounds */
	bool bounds_both;
	int bar, bar_width;
	int mark;
	int count;
	int rate;
	int share;
	int heat, heat_width;
};

struct live_canvas {
	const struct live *l;
	struct cells *c;
	const struct snapshot *s; /* NULL: nothing yet */
	struct live_hist h;	  /* of s */
	struct plain_options o;
	struct page p;
	struct live_layout at;
};

#define MARK_WIDTH  9
#define COUNT_WIDTH 6
#define SHARE_WIDTH 6

/* "1234", "12.3k": at most five characters. */
void live__short_number(char buf[static 16], double v);

/* The first line. */
void live__draw_title(struct live_canvas *v);
/* Histogram and heat map on one axis. */
void live__draw_histogram(struct live_canvas *v);
/* The tables of nodes and cgroups. */
void live__draw_table(struct live_canvas *v);

#endif /* ZEROSCOPE_LIVE_DRAW_H */
