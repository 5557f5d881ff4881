// SPDX-License-Identifier: GPL-2.0-only
#include "stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define P_MIN 1e-15

/* --- Student's t ------------------------------------------------------------------------- */

/*
 * The continued fraction of the incomplete beta function (Lentz's way of
 * evaluating it; converges quickly for x < (a + 1) / (a + b + 2)).
 */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;
	int m;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	f = d;
	for (m = 1; m < 500; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		f *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		f *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return f;
}

/* ln Γ without the sign that lgamma() leaves in a global. */
static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

/* The regularised incomplete beta function I_x(a, b). */
static double beta_share(double a, double b, double x)
{
	double front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats__t_tail(double t, double dof)
{
	double half;

	if (isinf(t))
		return t > 0 ? 0 : 1;
	half = beta_share(dof / 2, 0.5, dof / (dof + t * t)) / 2;
	return t >= 0 ? half : 1 - half;
}

/* How far the tail of t = exp(x) is above the wanted one, in logarithms. */
static double tail_excess(double x, double log_tail, double dof)
{
	return log(max(stats__t_tail(exp(x), dof), 1e-300)) - log_tail;
}

/*
 * The logarithm of the tail falls with that of t, and nearly on a line: the
 * root is found by false position, with the side that stays put weakened
 * (the Illinois way), in a few steps.
 */
double stats__t_quantile(double tail, double dof)
{
	double log_tail = log(tail), lo = -30, hi = 1, x = 0;
	double at_lo, at_hi, at_x;
	int i;

	at_lo = tail_excess(lo, log_tail, dof);
	if (at_lo <= 0)
		return 0;
	while ((at_hi = tail_excess(hi, log_tail, dof)) > 0 && hi < 64) {
		lo = hi;
		at_lo = at_hi;
		hi *= 2;
	}
	for (i = 0; i < 100 && hi - lo > 1e-12; i++) {
		x = (lo * at_hi - hi * at_lo) / (at_hi - at_lo);
		at_x = tail_excess(x, log_tail, dof);
		if (fabs(at_x) < 1e-13)
			break;
		if (at_x > 0) {
			lo = x;
			at_lo = at_x;
			at_hi /= 2;
		} else {
			hi = x;
			at_hi = at_x;
			at_lo /= 2;
		}
	}
	return exp(x);
}

/* --- Spread ------------------------------------------------------------------------------ */

/*
 * Fewer than the paper's rule, so that slow swings under much noise, whose
 * neighbours do not look alike, do not pass for chance either. What that costs
 * in power, the joint degrees of freedom of two estimates give back: see
 * tests/unit/test_stats.c for the rates of false alarms.
 */
static unsigned int cosines_at_most(size_t n)
{
	return (unsigned int)max(1.0, floor(0.5 * sqrt((double)n)));
}

/*
 * With nr cosines of n slots the variance is taken from frequencies up to
 * nr/2n, and misses the relative part
 *
 *	(pi^2 / 6) (nr / n)^2 2 rho / (1 - rho)^2
 *
 * of it where residuals follow a first-order autoregression (the same paper,
 * its expression for the bias of the cosines' estimate). nr is kept so small
 * that this is not above BIAS.
 */
#define BIAS 0.04

unsigned int stats__cosines(const double *z, size_t n)
{
	unsigned int most = cosines_at_most(n);
	double square = 0, product = 0, rho, nr;
	size_t i;

	for (i = 0; i < n; i++) {
		square += z[i] * z[i];
		product += i ? z[i] * z[i - 1] : 0;
	}
	if (square <= 0)
		return most;
	/* The estimate is too low in short series: by (1 + 3 rho) / n. */
	rho = product / square;
	rho += (1 + 3 * rho) / (double)n;
	if (rho <= 0)
		return most;
	rho = min(rho, 0.98);
	nr = (double)n * (1 - rho) * sqrt(BIAS * 6 / (M_PI * M_PI) / (2 * rho));
	return (unsigned int)max(1.0, min(nr, (double)most));
}

int stats__cosines_init(struct stats_cosines *c, size_t n)
{
	unsigned int j;
	size_t i;

	c->n = n;
	c->nr = cosines_at_most(n);
	c->value = malloc(max(c->nr * n, (size_t)1) * sizeof(*c->value));
	if (!c->value)
		return -ENOMEM;
	for (j = 0; j < c->nr; j++)
		for (i = 0; i < n; i++)
			c->value[j * n + i] =
				M_SQRT2 * cos(M_PI * (j + 1) * ((double)i + 0.5) / (double)n);
	return 0;
}

void stats__cosines_free(struct stats_cosines *c)
{
	free(c->value);
	c->value = NULL;
}

struct stats_spread stats__spread_in_time(const struct stats_cosines *c, const double *z,
					  unsigned int nr)
{
	struct stats_spread spread = {.dof = nr};
	unsigned int j;
	size_t i;

	for (j = 0; j < nr; j++) {
		const double *cosine = c->value + j * c->n;
		double sum = 0;

		for (i = 0; i < c->n; i++)
			sum += cosine[i] * z[i];
		/* Each of these sums has the variance of the plain sum. */
		spread.variance += sum * sum / nr;
	}
	return spread;
}

struct stats_spread stats__spread_of_runs(const double *z, const unsigned int *run, size_t n)
{
	struct stats_spread spread = {0};
	unsigned int runs = 0;
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		sum += z[i];
		if (i + 1 < n && run[i + 1] == run[i])
			continue;
		spread.variance += sum * sum;
		sum = 0;
		runs++;
	}
	if (runs < 2)
		return (struct stats_spread){0};
	spread.variance *= runs / (runs - 1.0);
	spread.dof = runs - 1;
	return spread;
}

/* --- Two estimates ----------------------------------------------------------------------- */

bool stats__quantile_estimate(struct stats_estimate *e)
{
	size_t i;

	for (i = 0; i < e->nr_buckets; i++) {
		/* Shares are quotients: what is the share but for rounding is. */
		if (e->share[i] >= e->q - 1e-12) {
			e->point = (double)i;
			return true;
		}
	}
	return false;
}

/* The buckets in which the quantile can be: those whose ends t errors do not exclude. */
static struct stats_interval quantile_limits(const struct stats_estimate *e, double t)
{
	size_t lo = (size_t)e->point, hi = lo;

	while (lo && e->share[lo - 1] + t * e->share_error[lo - 1] >= e->q)
		lo--;
	while (hi + 1 < e->nr_buckets && e->share[hi] - t * e->share_error[hi] < e->q)
		hi++;
	return (struct stats_interval){(double)lo, (double)hi};
}

/* How far the truth can be below and above the point. */
static struct stats_interval reach(const struct stats_estimate *e, double tail, double dof)
{
	double t = stats__t_quantile(tail, dof);
	struct stats_interval limits;

	if (!e->share)
		return (struct stats_interval){t * e->error, t * e->error};
	limits = quantile_limits(e, t);
	return (struct stats_interval){e->point - limits.lo, limits.hi - e->point};
}

/*
 * The degrees of freedom of a difference of two means, after Welch and
 * Satterthwaite: a sum of two independent variances is known better than each.
 */
static double joint_dof(const struct stats_estimate *a, const struct stats_estimate *b)
{
	double va = a->error * a->error, vb = b->error * b->error;
	double dof_a = max(a->dof, 1U), dof_b = max(b->dof, 1U);

	if (va + vb <= 0)
		return min(dof_a, dof_b);
	return (va + vb) * (va + vb) / (va * va / dof_a + vb * vb / dof_b);
}

struct stats_interval stats__difference(const struct stats_estimate *a,
					const struct stats_estimate *b, double tail)
{
	struct stats_interval of_a, of_b;
	double d = b->point - a->point;
	/* Half a bucket each: chance does not make this smaller, so it is added whole. */
	double width = (a->share ? 0.5 : 0) + (b->share ? 0.5 : 0);
	double dof_a = max(a->dof, 1U), dof_b = max(b->dof, 1U);

	if (!a->share && !b->share)
		dof_a = dof_b = joint_dof(a, b);
	of_a = reach(a, tail, dof_a);
	of_b = reach(b, tail, dof_b);
	return (struct stats_interval){
		d - width - hypot(of_b.lo, of_a.hi),
		d + width + hypot(of_b.hi, of_a.lo),
	};
}

/* Does the interval of that tail leave null out? */
static bool excludes(const struct stats_estimate *a, const struct stats_estimate *b, double null,
		     double tail)
{
	struct stats_interval i = stats__difference(a, b, tail);

	return null < i.lo || null > i.hi;
}

double stats__p_value(const struct stats_estimate *a, const struct stats_estimate *b, double null)
{
	double lo = log(P_MIN / 2), hi = log(0.5);
	int i;

	if (!excludes(a, b, null, 0.5))
		return 1;
	if (excludes(a, b, null, P_MIN / 2))
		return P_MIN;
	/* In logarithms, where the bisection is as exact for small ones. */
	for (i = 0; i < 40; i++) {
		double mid = (lo + hi) / 2;

		if (excludes(a, b, null, exp(mid)))
			hi = mid;
		else
			lo = mid;
	}
	return min(1.0, 2 * exp(hi));
}

double stats__p_above(const struct stats_estimate *a, const struct stats_estimate *b, double null)
{
	return b->point - a->point > null ? stats__p_value(a, b, null) : 1;
}

/* --- Many rows --------------------------------------------------------------------------- */

struct ranked {
	double p;
	size_t at;
};

static int by_p(const void *a, const void *b)
{
	double pa = ((const struct ranked *)a)->p, pb = ((const struct ranked *)b)->p;

	return (pa > pb) - (pa < pb);
}

int stats__holm(const double *p, size_t n, double *adjusted)
{
	_cleanup_free_ struct ranked *order = calloc(max(n, (size_t)1), sizeof(*order));
	double largest = 0;
	size_t i;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		order[i] = (struct ranked){p[i], i};
	qsort(order, n, sizeof(*order), by_p);
	for (i = 0; i < n; i++) {
		largest = max(largest, min(1.0, order[i].p * (double)(n - i)));
		adjusted[order[i].at] = largest;
	}
	return 0;
}
