/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_DIFF_H
#define ZEROSCOPE_DIFF_H

/*
 * Recording B compared with recording A: a row for each quantity and order,
 * with what chance allows to be said of it. See stats.h for the method.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "plain.h"
#include "samples.h"

/* The chance that any verdict of a comparison is false where nothing differs. */
#define DIFF_ALPHA 0.05

/* Slots without which nothing is said of how they vary. */
#define DIFF_SLOTS_MIN 20
/* Runs in both recordings from which on they, and not intervals, are what is compared. */
#define DIFF_RUNS_MIN 5

enum statistic {
	STATISTIC_MEAN,
	STATISTIC_P50,
	STATISTIC_P99,
};

/* One recording's part of a row. */
struct diff_side {
	bool measured;
	double events;
	double value;		 /* of a mean; seconds, gaps or pages */
	struct hist_range range; /* of a quantile, seconds */
};

enum diff_verdict {
	VERDICT_UNTESTED, /* see reason */
	VERDICT_NONE,	  /* no difference shown */
	VERDICT_LOWER,	  /* B's is smaller */
	VERDICT_HIGHER,
};

struct diff_row {
	struct sample_key key;
	enum statistic statistic;
	struct diff_side a, b;
	enum diff_verdict verdict;
	const char *reason; /* why it was not tested, or NULL; static */

	/* What follows holds where it was tested. */
	bool has_ratio; /* false: one of them is 0; the interval is that of b - a */
	double ratio;
	struct {
		double lo, hi;
	} interval;	    /* 95 % confidence interval of this row alone */
	double p, p_family; /* two-sided; corrected for the number of rows */

	/* Slower by more than the threshold? Only with one, and where slower is worse. */
	bool gated;
	double p_above, p_above_family;
	bool regression;
};

/* Something that differs besides what is compared. Texts come from the recordings: not clean. */
struct diff_warning {
	char what[48];
	char a[256], b[256];
	const char *why; /* static */
};

struct diff {
	struct diff_row *row; /* owned */
	size_t nr_rows;
	size_t nr_tested, nr_gated;
	bool by_runs; /* runs were compared, not intervals */
	bool has_threshold;
	double threshold; /* a fraction */
	size_t regressions;
	struct diff_warning *warning; /* owned */
	size_t nr_warnings;
};

/* threshold: a fraction, negative for none. 0 or -ENOMEM; the caller frees either way. */
int diff__compare(struct diff *d, const struct samples *a, const struct samples *b,
		  double threshold);
void diff__free(struct diff *d);

/* Fills d->warning. 0 or -ENOMEM. */
int diff__warn(struct diff *d, const struct samples *a, const struct samples *b);

/* "clear", "resched_delay": as in the fields of an interval. */
const char *metric__name(enum metric metric);
const char *statistic__name(enum statistic statistic);
/* Of the key's part; NULL where it has none. */
const char *metric__part(const struct sample_key *key);
/* Is the quantity a time of which less is better for everyone? */
bool metric__is_cost(enum metric metric);
bool metric__is_time(enum metric metric);
/* "slower", "fewer"; NULL where nothing was tested. */
const char *diff__verdict(const struct diff_row *row);

/* What one recording is, for what is printed. */
struct diff_file {
	const char *name;
	const struct samples *samples;
	const char *ends_early; /* NULL: it does not */
};

/* One block for people; 0 or -errno, as plain__interval(). */
int diff__plain(FILE *out, const struct diff *d, const struct diff_file *a,
		const struct diff_file *b, const struct plain_options *o);
/* One JSON object; the caller ends the line. */
void diff__json(struct json_writer *w, const struct diff *d, const struct diff_file *a,
		const struct diff_file *b);

#endif /* ZEROSCOPE_DIFF_H */
