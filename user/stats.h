/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_STATS_H
#define ZEROSCOPE_STATS_H

/*
 * What can be said of two recordings beyond chance. Knows of numbers alone.
 *
 * A recording is a sequence of slots (intervals). They are not independent: a
 * machine that is slow in this second is likely to be slow in the next one. So
 * the spread of a sum over them is not that of as many single observations.
 * It is taken
 *
 *   - from the recording's own low frequencies: the mean square of the first
 *     few cosine transforms of the residuals, which estimates their long-run
 *     variance; the result divided by it follows Student's t with as many
 *     degrees of freedom as there were cosines. (E. Lazarus, D. Lewis, J. Stock
 *     and M. Watson, HAR Inference: Recommendations for Practice, Journal of
 *     Business & Economic Statistics 36, 2018: "EWC".) How many is decided
 *     from the number of slots, and fewer where neighbours are more alike. It
 *     is preferred to a moving-block bootstrap because that is too narrow for
 *     the few dozen blocks that a recording has, and because its p-values end
 *     where its resamples do, which leaves a correction for many rows nothing
 *     to work with.
 *   - where both recordings hold several runs, from the differences between
 *     the runs: those of one boot say nothing about the next.
 *
 * Two estimates are compared by combining their own limits (MOVER: G. Zou and
 * A. Donner, Construction of confidence limits about effect measures,
 * Statistics in Medicine 27, 2008), which suits limits that are not symmetric.
 */

#include <stdbool.h>
#include <stddef.h>

/* P(T > t) for Student's t; t may be negative, dof is at least 1. */
double stats__t_tail(double t, double dof);

/* The t with P(T > t) = tail; 0 < tail <= 0.5. */
double stats__t_quantile(double tail, double dof);

/* The variance of a sum of residuals, and how well it is known. */
struct stats_spread {
	double variance;
	unsigned int dof; /* 0: it is not known at all */
};

/* How many cosines for n slots whose residuals are z. At least 1. */
unsigned int stats__cosines(const double *z, size_t n);

/*
 * z[0..n) are residuals, of expectation 0 and in the order of time. The table
 * of cosines is made once for every series of the same length.
 */
struct stats_cosines {
	size_t n;
	unsigned int nr;
	double *value; /* nr rows of n; owned */
};

/* 0 or -ENOMEM; nr as many as stats__cosines() ever returns for n. */
int stats__cosines_init(struct stats_cosines *c, size_t n);
void stats__cosines_free(struct stats_cosines *c);

/* From the first nr cosines; nr at most c->nr. */
struct stats_spread stats__spread_in_time(const struct stats_cosines *c, const double *z,
					  unsigned int nr);

/* From the sums of the runs; run[i] is the run of slot i, from 0, never falling. */
struct stats_spread stats__spread_of_runs(const double *z, const unsigned int *run, size_t n);

/* A mean or a quantile of one recording, with what limits it. */
struct stats_estimate {
	double point;
	unsigned int dof;

	/* A mean: its standard error in the unit of point. */
	double error;

	/*
	 * A quantile of a histogram: what is known is the bucket. point is then
	 * the number of the bucket, whose width is 1; share[i] is the share of
	 * events up to and with bucket i, share_error[i] its standard error.
	 * Not owned. NULL: a mean.
	 */
	const double *share, *share_error;
	size_t nr_buckets;
	double q;
};

/* Makes e an estimate of that quantile; false: there is no event. */
bool stats__quantile_estimate(struct stats_estimate *e);

/*
 * The interval of b - a that holds the truth but for a chance of tail on each
 * side. Where both are quantiles, in buckets, and wide enough for the truth to
 * be anywhere in its bucket.
 */
struct stats_interval {
	double lo, hi;
};

struct stats_interval stats__difference(const struct stats_estimate *a,
					const struct stats_estimate *b, double tail);

/*
 * The two-sided p-value of "b - a is null": twice the smallest tail whose
 * interval leaves null out; not below 1e-15.
 */
double stats__p_value(const struct stats_estimate *a, const struct stats_estimate *b, double null);

/* The same for "b - a is not above null": 1 where the estimate is not. */
double stats__p_above(const struct stats_estimate *a, const struct stats_estimate *b, double null);

/*
 * Holm's step-down correction: the chance that any of those with
 * adjusted[i] <= alpha is false is at most alpha, whatever they have to do
 * with each other. 0 or -ENOMEM.
 */
int stats__holm(const double *p, size_t n, double *adjusted);

#endif /* ZEROSCOPE_STATS_H */
