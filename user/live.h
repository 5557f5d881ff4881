/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LIVE_H
#define ZEROSCOPE_LIVE_H

/*
 * The live view without a terminal: what it knows, what the keys do to that,
 * and how it is drawn into cells. Intervals go in, keys go in, a grid comes
 * out; nothing here reads a clock, waits or writes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cells.h"
#include "snapshot.h"

enum live_metric {
	LIVE_WALL,
	LIVE_ON_CPU,
	LIVE_GAPS,
	LIVE_RESCHED,
	LIVE_EXTENTS,
	LIVE_HOLD,
	/* Only where they are measured. */
	LIVE_ALLOCATOR,
	LIVE_FAULTS,
	LIVE_METRICS,
};

enum live_scope {
	LIVE_ALL,
	LIVE_ORDER,
	LIVE_KIND,
	LIVE_NODES,   /* a table */
	LIVE_CGROUPS, /* a table */
	LIVE_SCOPES,
};

/* Where the intervals come from: some keys make sense for one only. */
enum live_source {
	LIVE_HERE,	/* measured by this process */
	LIVE_RECORDING, /* played */
	LIVE_REMOTE,	/* a running exporter */
};

/* What is shown of a snapshot. */
struct live_selection {
	enum live_metric metric;
	enum live_scope scope;
	int order;	   /* for LIVE_ORDER */
	unsigned int kind; /* for LIVE_KIND */
};

/* Buckets of one kind of time. Spans (hold times) are coarser: see hist.h. */
struct live_hist {
	bool measured;
	bool span;
	bool whole; /* the scope does not apply: this metric is not kept apart by it */
	struct hist h;
};

/* One interval of the heat map: counts that are not zero. Owned by the history. */
struct live_point {
	uint16_t bucket;
	uint32_t count;
};

struct live_track {
	uint8_t metric; /* enum live_metric */
	uint8_t kind;	/* LIVE_ANY: not kept apart */
	int8_t order;	/* -1: not kept apart, or other */
	uint32_t first, nr;
};

#define LIVE_ANY 255

struct live_column {
	bool gap; /* nothing is known of this time */
	uint64_t interval_ns;
	uint32_t nr_tracks, nr_points;
	struct live_track *track;
	struct live_point *point;
};

#define LIVE_COLUMNS 512 /* intervals that are kept; wider terminals show no more */

struct live_history {
	uint64_t count; /* pushed so far */
	struct live_column column[LIVE_COLUMNS];
};

/* A copy of counts at one moment: of the last interval, and since the beginning. */
struct live_view {
	struct snapshot *interval;
	struct snapshot *since;
	uint64_t columns;
};

struct live {
	/* Set by the caller, before the first interval. */
	enum live_source source;
	bool ascii;	/* nothing but ASCII */
	bool density;	/* the heat map as characters: there are too few colours for a ramp */
	char name[128]; /* of the recording or the exporter; safe to print */

	/* Kept by the caller. */
	uint64_t interval_ns; /* nominal; 0: that of the data */
	double speed;	      /* of playing */
	bool ended;	      /* the recording */
	char trouble[200];    /* why nothing new comes; empty: it does */
	char message[256];    /* shown until the next key */

	/* The data. */
	struct machine machine;
	struct live_view now;
	struct live_view frozen; /* what is shown while frozen is set */
	struct live_history history;
	uint64_t baseline_ns; /* CLOCK_REALTIME of the reset; 0: none */

	/* The choices. */
	struct live_selection selection;
	bool is_frozen;
	bool total; /* since the beginning instead of the interval */
	bool log_bars;
	bool help;
	int scroll;
};

/* All of *l but what the caller sets is made empty. */
void live__init(struct live *l, enum live_source source);
void live__free(struct live *l);
#define _cleanup_live_ __attribute__((cleanup(live__free)))

/* Totals from before the first interval, for the view since the start. 0 or -ENOMEM. */
int live__begin(struct live *l, const struct snapshot *totals);

/* One more interval; s is copied. 0 or -ENOMEM. */
int live__push(struct live *l, const struct snapshot *s);

/* A time of which nothing is known: a column of its own in the heat map. */
void live__push_gap(struct live *l);

/* Everything from before is forgotten: another run begins. */
void live__forget(struct live *l);

/* What is shown now; NULL before the first interval. */
const struct snapshot *live__shown(const struct live *l);

/* A part of a snapshot. */
void live__gather(const struct snapshot *s, const struct live_selection *sel,
		  struct live_hist *out);

/*
 * The counts of a column, age intervals before the newest that is shown, added
 * to bucket. false: there is no such column, or it is a gap.
 */
bool live__column(const struct live *l, uint64_t age, uint64_t bucket[ZS_BUCKETS]);
bool live__column_exists(const struct live *l, uint64_t age);
/* The time that the newest nr columns cover. */
uint64_t live__columns_ns(const struct live *l, uint64_t nr);

/* Upper bound of a bucket in seconds; its quantile as an interval. */
double live__bound(const struct live_hist *h, unsigned int bucket);
unsigned int live__buckets(const struct live_hist *h);
struct hist_range live__quantile(const struct live_hist *h, double q);

/* brief: of at most nine letters. */
const char *live__metric_name(enum live_metric m, bool brief);
/* "clear" and "clears", "gap" and "gaps": what is counted. */
const char *live__metric_event(enum live_metric m);
const char *live__metric_events(enum live_metric m);
/* One sentence: why there is nothing to see. */
const char *live__why_not_measured(enum live_metric m);

/* Keys that are no characters; above all of Unicode. */
enum live_key_code {
	LIVE_KEY_UP = 0x110000,
	LIVE_KEY_DOWN,
	LIVE_KEY_BACKTAB,
	LIVE_KEY_HOME,
	LIVE_KEY_REDRAW,
};

/* What a key asks of the caller. */
enum live_request {
	LIVE_NOTHING,
	LIVE_QUIT,
	LIVE_SAVE,	 /* write what is shown to a file */
	LIVE_TIME,	 /* interval_ns or speed has changed */
	LIVE_STEP,	 /* one interval of a recording */
	LIVE_RESTART,	 /* play from the beginning */
	LIVE_REDRAW_ALL, /* as if nothing were on the screen */
};

enum live_request live__key(struct live *l, uint32_t key);

/* The keys that mean something here, for help and manual: name, short and long description. */
struct live_key_info {
	const char *name;
	const char *brief; /* NULL: not on the key line */
	const char *help;
};

/* The i-th, or false behind the last. */
bool live__key_info(const struct live *l, size_t i, struct live_key_info *info);

/* Below this nothing is drawn but a sentence that says so. */
#define LIVE_MIN_ROWS 10
#define LIVE_MIN_COLS 40

/* Draws all of it into a grid that has its size. */
void live__draw(const struct live *l, struct cells *c);

#endif /* ZEROSCOPE_LIVE_H */
