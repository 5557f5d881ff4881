// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics against closed forms, tables, and data whose truth is known:
 * how often a difference is claimed where there is none, and found where there
 * is one. Everything is seeded. ZEROSCOPE_TRIALS=N makes N trials of each.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "recorded.h"
#include "stats.h"

static unsigned int trials(void)
{
	const char *n = getenv("ZEROSCOPE_TRIALS");

	return n ? (unsigned int)atoi(n) : 1000;
}

static void assert_near(double a, double b, double relative)
{
	if (!(fabs(a - b) <= relative * fabs(b)))
		fail_msg("%.15g is not %.15g", a, b);
}

/* Closed forms: of one degree of freedom (Cauchy) and of two. */
static void t_tails(void **state)
{
	static const double at[] = {0, 0.1, 0.5, 1, 2, 4.3, 12.7, 100, 1e4};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		double t = at[i];

		/* 1 / (pi t) and not 1/2 - atan(t) / pi, of which nothing is left for large t. */
		assert_near(stats__t_tail(t, 1), t > 0 ? atan(1 / t) / M_PI : 0.5, 1e-10);
		assert_near(stats__t_tail(t, 2), 1 / (2 + t * t + t * sqrt(2 + t * t)), 1e-10);
		assert_near(stats__t_tail(-t, 3), 1 - stats__t_tail(t, 3), 1e-12);
	}
	assert_true(stats__t_tail(INFINITY, 5) == 0);
}

/* Two-sided 5 % and 0.1 %, as in every printed table; a million is as good as normal. */
static void t_quantiles(void **state)
{
	static const struct {
		double dof, five, tenth;
	} table[] = {
		{1, 12.7062047, 636.619249},  {2, 4.30265273, 31.5990546},
		{5, 2.57058184, 6.86882663},  {10, 2.22813885, 4.58689386},
		{30, 2.04227246, 3.64595864}, {1e6, 1.95996636, 3.29053631},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_near(stats__t_quantile(0.025, table[i].dof), table[i].five, 2e-6);
		assert_near(stats__t_quantile(0.0005, table[i].dof), table[i].tenth, 2e-6);
	}
	for (double dof = 1; dof < 60; dof *= 1.7)
		for (double tail = 0.49; tail > 1e-15; tail /= 3)
			assert_near(stats__t_tail(stats__t_quantile(tail, dof), dof), tail, 1e-8);
	assert_true(stats__t_quantile(0.5, 7) < 1e-6);
}

static void holm(void **state)
{
	const double p[] = {0.01, 0.04, 0.03, 0.005, 1};
	/* 0.005 * 5, 0.01 * 4, 0.03 * 3, then never less than the one before. */
	const double expected[] = {0.04, 0.09, 0.09, 0.025, 1};
	double adjusted[ARRAY_SIZE(p)];

	(void)state;
	assert_int_equal(stats__holm(p, ARRAY_SIZE(p), adjusted), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		assert_near(adjusted[i], expected[i], 1e-12);
	assert_int_equal(stats__holm(NULL, 0, NULL), 0);
}

static double normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - random_unit(state))) * cos(2 * M_PI * random_unit(state));
}

/* Of independent residuals: n times their variance, on average over many series. */
static void spread_of_noise(void **state)
{
	struct stats_cosines c;
	double in_time = 0, of_runs = 0, z[100];
	unsigned int run[100];
	uint64_t seed = 3;

	(void)state;
	assert_int_equal(stats__cosines_init(&c, 100), 0);
	for (int i = 0; i < 4000; i++) {
		for (size_t j = 0; j < 100; j++) {
			z[j] = 3 * normal(&seed);
			run[j] = (unsigned int)(j / 10);
		}
		in_time += stats__spread_in_time(&c, z, c.nr).variance / 4000;
		of_runs += stats__spread_of_runs(z, run, 100).variance / 4000;
	}
	/* Four standard errors of what is left of chance after 4000. */
	assert_near(in_time, 900, 4 * sqrt(2.0 / c.nr / 4000));
	assert_near(of_runs, 1000, 4 * sqrt(2.0 / 9 / 4000));
	assert_int_equal(stats__spread_of_runs(z, run, 100).dof, 9);
	assert_int_equal(stats__spread_of_runs(z, run, 10).dof, 0);
	stats__cosines_free(&c);
}

/* Likeness of neighbours costs cosines; so few that the estimate still holds. */
static void cosines(void **state)
{
	double z[400], slow = 0;
	uint64_t seed = 8;

	(void)state;
	for (size_t i = 0; i < 400; i++)
		z[i] = normal(&seed);
	assert_int_equal(stats__cosines(z, 400), 10);
	for (size_t i = 0; i < 400; i++)
		z[i] = slow = 0.97 * slow + normal(&seed);
	assert_in_range(stats__cosines(z, 400), 1, 6);
	memset(z, 0, sizeof(z));
	assert_int_equal(stats__cosines(z, 400), 10);
	assert_int_equal(stats__cosines(z, 1), 1);
}

/* A quantile's limits are buckets, and the truth may be anywhere in them. */
static void quantile_limits(void **state)
{
	const double share[] = {0, 0.2, 0.6, 0.9, 1}, error[] = {0, 0.1, 0.01, 0.1, 0};
	struct stats_estimate a = {
		.share = share, .share_error = error, .nr_buckets = 5, .q = 0.5, .dof = 1000};
	struct stats_estimate b = a;
	struct stats_interval i;

	(void)state;
	assert_true(stats__quantile_estimate(&a));
	assert_true(a.point == 2);
	/* 0.6 - 2 * 0.01 is above 0.5, 0.2 + 2 * 0.1 below it: this bucket and no other. */
	b = a;
	i = stats__difference(&a, &b, 0.025);
	assert_true(i.lo == -1 && i.hi == 1);
	/* At four errors the bucket below may hold it, too. */
	i = stats__difference(&a, &b, stats__t_tail(4, 1000));
	assert_near(i.hi, 2, 1e-9);
	/* One bucket apart is no difference, whatever the confidence. */
	b.point = 3;
	assert_true(stats__p_value(&a, &a, 0) == 1);
	assert_true(stats__p_above(&a, &b, 2) == 1);
}

/* --- Known truth ------------------------------------------------------------------------- */

/* How the levels of neighbouring intervals are alike, and how many intervals there are. */
struct regime {
	double rho;
	size_t slots;
};

/*
 * The mean of a recording, as a logarithm: the level of an interval follows a
 * first-order autoregression and varies by a tenth; 20 to 30 events each have a
 * duration of their own, of which one in fifty is five times as long.
 */
static struct stats_estimate recording(uint64_t *seed, const struct regime *r,
				       const struct stats_cosines *c)
{
	double sum[512], count[512], z[512], level = normal(seed), all = 0, events = 0, mean;
	struct stats_spread spread;

	for (size_t i = 0; i < r->slots; i++) {
		level = r->rho * level + sqrt(1 - r->rho * r->rho) * normal(seed);
		count[i] = 20 + (double)random_below(seed, 11);
		sum[i] = 0;
		for (size_t j = 0; j < count[i]; j++)
			sum[i] += (1 + 0.6 * random_unit(seed)) * (random_below(seed, 50) ? 1 : 5);
		sum[i] *= exp(0.1 * level);
		all += sum[i];
		events += count[i];
	}
	mean = all / events;
	for (size_t i = 0; i < r->slots; i++)
		z[i] = sum[i] - mean * count[i];
	spread = stats__spread_in_time(c, z, stats__cosines(z, r->slots));
	return (struct stats_estimate){
		.point = log(mean),
		.error = sqrt(spread.variance) / events / mean,
		.dof = spread.dof,
	};
}

static bool differs(const struct stats_estimate *a, const struct stats_estimate *b)
{
	struct stats_interval i = stats__difference(a, b, 0.025);

	return i.lo > 0 || i.hi < 0;
}

/*
 * Of trials without a difference at most 5 % may show one, and of those with
 * one of 5 % at least so many must. Four standard errors are allowed for.
 */
static void known_truth(void **state)
{
	static const struct {
		struct regime regime;
		double rate, power;
	} cases[] = {
		{{0, 60}, 0.05, 0.20},	  {{0.5, 60}, 0.05, 0.12},  {{0.7, 60}, 0.055, 0.08},
		{{0, 300}, 0.05, 0.85},	  {{0.5, 300}, 0.05, 0.60}, {{0.7, 300}, 0.055, 0.40},
		{{0.9, 300}, 0.08, 0.20},
	};
	uint64_t seed = 20;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		unsigned int n = trials(), alarms = 0, found = 0;
		double rate = cases[k].rate, power = cases[k].power;
		struct stats_cosines c;

		assert_int_equal(stats__cosines_init(&c, cases[k].regime.slots), 0);
		for (unsigned int i = 0; i < n; i++) {
			struct stats_estimate a = recording(&seed, &cases[k].regime, &c);
			struct stats_estimate b = recording(&seed, &cases[k].regime, &c);

			alarms += differs(&a, &b);
			b.point += log(1.05);
			found += differs(&a, &b);
		}
		print_message("# rho %.1f, %zu intervals: %.1f %% false alarms, %.0f %% of shifts "
			      "by 5 %% found, %u trials\n",
			      cases[k].regime.rho, cases[k].regime.slots, 100.0 * alarms / n,
			      100.0 * found / n, n);
		assert_true(alarms <= n * rate + 4 * sqrt(n * rate * (1 - rate)));
		assert_true(found >= n * power - 4 * sqrt(n * power * (1 - power)));
		stats__cosines_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_tails),     cmocka_unit_test(t_quantiles),
		cmocka_unit_test(holm),	       cmocka_unit_test(spread_of_noise),
		cmocka_unit_test(cosines),     cmocka_unit_test(quantile_limits),
		cmocka_unit_test(known_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
