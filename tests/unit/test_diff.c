// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparisons of recordings of which is known what differs. Seeded;
 * ZEROSCOPE_TRIALS=N makes N of them. `test_diff write DIR` writes such
 * recordings to files, for the tests of the command.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compared.h"
#include "recording.h"

static unsigned int trials(void)
{
	const char *n = getenv("ZEROSCOPE_TRIALS");

	return n ? (unsigned int)atoi(n) : 1000;
}

/* So many intervals, as the reader of a recording would hand them on. */
static void add_intervals(struct samples *s, struct made *m, size_t n, unsigned int run)
{
	for (size_t i = 0; i < n; i++) {
		struct snapshot *in = made_interval(m);

		s->machine = made_machine;
		assert_int_equal(samples__add(s, in, run), 0);
		snapshot__free(&in);
	}
}

/* As samples__read() ends; samples__read() itself is tested with files. */
static void fill(struct samples *s)
{
	for (size_t i = 0; i < s->nr_series; i++) {
		struct sample_series *series = &s->series[i];

		assert_int_equal(series->nr_slots, s->nr);
		series->filled = 0;
		for (size_t j = 0; j < s->nr; j++)
			series->filled += series->slot[j].count > 0;
	}
}

static void make(struct samples *s, struct made *m, size_t n)
{
	memset(s, 0, sizeof(*s));
	add_intervals(s, m, n, 0);
	fill(s);
}

static const struct diff_row *find_row(const struct diff *d, enum metric metric, int order,
				       enum statistic statistic)
{
	for (size_t i = 0; i < d->nr_rows; i++)
		if (d->row[i].key.metric == metric && d->row[i].key.order == order &&
		    d->row[i].statistic == statistic)
			return &d->row[i];
	fail_msg("there is no such row");
	return NULL;
}

static unsigned int shown(const struct diff *d)
{
	unsigned int n = 0;

	for (size_t i = 0; i < d->nr_rows; i++)
		n += d->row[i].verdict > VERDICT_NONE;
	return n;
}

/* One trial of the whole comparison. */
struct outcome {
	unsigned int alarms;		   /* comparisons that show anything */
	unsigned int regressions;	   /* that find one, with a threshold of 0 */
	unsigned int uncovered, intervals; /* intervals without the true ratio, of all */
	unsigned int found;		   /* the clears of order 9 were told apart */
	size_t rows;
};

static void one_trial(struct outcome *o, uint64_t seed, double rho, size_t n, double slower)
{
	struct made made_a, made_b;
	struct samples a, b;
	struct diff d;

	made_init(&made_a, 2 * seed, rho);
	made_init(&made_b, 2 * seed + 1, rho);
	made_b.slower = slower;
	make(&a, &made_a, n);
	make(&b, &made_b, n);
	assert_int_equal(diff__compare(&d, &a, &b, 0), 0);
	o->alarms += shown(&d) > 0;
	o->regressions += d.regressions > 0;
	o->found += find_row(&d, METRIC_CLEAR, 9, STATISTIC_MEAN)->verdict == VERDICT_HIGHER;
	o->rows = d.nr_tested;
	for (size_t i = 0; i < d.nr_rows; i++) {
		const struct diff_row *row = &d.row[i];
		double truth = metric__is_time(row->key.metric) ? slower : 1;

		if (row->verdict == VERDICT_UNTESTED)
			continue;
		assert_true(row->has_ratio);
		o->intervals++;
		o->uncovered += row->interval.lo > truth || row->interval.hi < truth;
	}
	diff__free(&d);
	samples__free(&a);
	samples__free(&b);
}

static struct outcome run_trials(unsigned int n, double rho, size_t slots, double slower)
{
	struct outcome o = {0};

	for (unsigned int i = 0; i < n; i++)
		one_trial(&o, i + 1, rho, slots, slower);
	print_message("# rho %.1f, %zu intervals, B %.0f %% slower: of %u comparisons of %zu rows "
		      "%u show something, %u a regression, %u the clears; %.1f %% of the intervals "
		      "miss the truth\n",
		      rho, slots, 100 * slower - 100, n, o.rows, o.alarms, o.regressions, o.found,
		      100.0 * o.uncovered / max(o.intervals, 1U));
	return o;
}

/* Not above a rate of 5 % but by chance: four standard errors. */
static void assert_rate(unsigned int n, unsigned int of)
{
	assert_true(n <= 0.05 * of + 4 * sqrt(of * 0.05 * 0.95));
}

/* Any verdict in any of the rows is a false alarm. */
static void no_difference(void **state)
{
	static const double rhos[] = {0, 0.6};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rhos); i++) {
		struct outcome o = run_trials(trials() / 2, rhos[i], 40, 1);

		assert_in_range(o.rows, 5, 12);
		assert_rate(o.alarms, trials() / 2);
		assert_rate(o.regressions, trials() / 2);
		assert_true(o.uncovered <= 0.06 * o.intervals);
	}
}

static void shift_of_five_percent(void **state)
{
	unsigned int n = max(trials() / 20, 20U);
	struct outcome o = run_trials(n, 0.5, 400, 1.05);

	(void)state;
	assert_true(o.found > n / 3);
	assert_true(o.regressions > n / 2);
	assert_true(o.uncovered <= 0.07 * o.intervals);
}

/*
 * Runs that differ more from each other than their intervals do: intervals
 * alone see a difference in most pairs, the runs do not.
 */
static void runs_are_compared(void **state)
{
	unsigned int n = max(trials() / 20, 50U), alarms = 0, naive = 0;
	uint64_t seed = 99;

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		struct samples s[2], single[2];
		struct made made;
		struct diff d;

		for (size_t k = 0; k < 2; k++) {
			made_init(&made, 1000 + 2 * i + k, 0);
			memset(&s[k], 0, sizeof(s[k]));
			for (unsigned int run = 0; run < 6; run++) {
				made.run_level = 0.1 * made_normal(&seed);
				add_intervals(&s[k], &made, 10, run);
			}
			fill(&s[k]);
			make(&single[k], &made, 60);
		}
		assert_int_equal(diff__compare(&d, &s[0], &s[1], -1), 0);
		assert_true(d.by_runs);
		alarms += shown(&d) > 0;
		diff__free(&d);
		assert_int_equal(diff__compare(&d, &single[0], &single[1], -1), 0);
		assert_false(d.by_runs);
		naive += shown(&d) > 0;
		diff__free(&d);
		for (size_t k = 0; k < 2; k++) {
			samples__free(&s[k]);
			samples__free(&single[k]);
		}
	}
	print_message(
		"# runs that vary by 10 %%: of %u comparisons %u of runs show something, %u of "
		"intervals\n",
		n, alarms, naive);
	assert_rate(alarms, n);
	assert_true(naive > n / 5);
}

/* Where intervals are put together nothing is lost. */
static void many_intervals(void **state)
{
	struct sample_key key = {METRIC_CLEAR, 9, ZS_KIND_THP};
	const struct sample_series *series;
	double sum = 0, count = 0, events = 0;
	struct samples s;
	struct made made;

	(void)state;
	made_init(&made, 4, 0);
	made.events = 4;
	memset(&s, 0, sizeof(s));
	add_intervals(&s, &made, 1501, 0);
	add_intervals(&s, &made, 1502, 1);
	fill(&s);
	assert_int_equal(s.intervals, 3003);
	assert_int_equal(s.merged, 4);
	assert_in_range(s.nr, 3003 / 4, SAMPLES_MAX);
	series = samples__find(&s, &key);
	for (size_t i = 0; i < s.nr; i++) {
		const struct sample_slot *slot = &series->slot[i];
		double in_cells = 0;

		for (size_t j = 0; j < slot->nr_cells; j++)
			in_cells += (double)series->cell[slot->cells + j].count;
		assert_true(in_cells == slot->count);
		assert_true(!i || s.run[i] >= s.run[i - 1]);
		sum += slot->sum;
		count += slot->count;
		events += in_cells;
	}
	assert_true(count == (double)series->hist.count && events == count);
	assert_true(fabs(sum - (double)series->hist.sum_ns * 1e-9) < 1e-9 * sum);
	assert_int_equal(s.total->clears[0].count, series->hist.count);
	samples__free(&s);
}

static bool warns(const struct diff *d, const char *what, const char *a, const char *b)
{
	for (size_t i = 0; i < d->nr_warnings; i++)
		if (!strcmp(d->warning[i].what, what))
			return !strcmp(d->warning[i].a, a) && !strcmp(d->warning[i].b, b);
	return false;
}

static void what_else_differs(void **state)
{
	struct made made_a, made_b;
	struct samples a, b;
	struct diff d;

	(void)state;
	made_init(&made_a, 1, 0);
	made_init(&made_b, 2, 0);
	make(&a, &made_a, 30);
	make(&b, &made_b, 30);
	assert_int_equal(diff__compare(&d, &a, &b, -1), 0);
	assert_int_equal(d.nr_warnings, 0);
	assert_int_equal(d.nr_gated, 0);
	diff__free(&d);

	snprintf(b.machine.host, sizeof(b.machine.host), "other");
	snprintf(b.machine.release, sizeof(b.machine.release), "7.2");
	b.machine.preempt_model = PREEMPT_LAZY;
	b.machine.init_on_alloc = 1;
	b.machine.cpus = 64;
	b.total->floor = true;
	b.total->loss.recursion = (struct opt_u64){true, 17};
	b.total->coverage[0].seen.value /= 2;
	snprintf(b.total->probes[0].tier, sizeof(b.total->probes[0].tier), "kprobe");
	snprintf(b.total->filters.comm, sizeof(b.total->filters.comm), "java");
	b.clears_remote = b.clears / 2;
	assert_int_equal(diff__compare(&d, &a, &b, -1), 0);
	assert_true(warns(&d, "machine", "vm", "other"));
	assert_true(warns(&d, "kernel", made_machine.release, "7.2"));
	assert_true(warns(&d, "preemption model", "voluntary", "lazy"));
	assert_true(warns(&d, "init_on_alloc", "off", "on"));
	assert_true(warns(&d, "processors", "2", "64"));
	assert_true(warns(&d, "loss", "none", "17 events"));
	assert_true(warns(&d, "coverage of thp", "100 %", "50 %"));
	assert_true(warns(&d, "probe folio_zero_user", "fentry", "kprobe"));
	assert_true(warns(&d, "filters", "none", "comm java"));
	assert_true(warns(&d, "clears of remote memory", "0 %", "50 %"));
	diff__free(&d);
	samples__free(&a);
	samples__free(&b);
}

/* Too little is said to be so, with what; none in one of them is a difference. */
static void what_cannot_be_compared(void **state)
{
	struct made made_a, made_b;
	struct samples a, b;
	struct diff d;

	(void)state;
	made_init(&made_a, 1, 0);
	made_init(&made_b, 2, 0);
	make(&a, &made_a, 19);
	make(&b, &made_b, 60);
	assert_int_equal(diff__compare(&d, &a, &b, 0), 0);
	assert_int_equal(d.nr_tested, 0);
	assert_int_equal(d.nr_gated, 0);
	assert_string_equal(find_row(&d, METRIC_CLEAR, 9, STATISTIC_MEAN)->reason,
			    "too few intervals");
	diff__free(&d);
	samples__free(&a);

	made_init(&made_a, 1, 0);
	make(&a, &made_a, 60);
	/* No gap at all in B, and no clears of order 4. */
	for (size_t i = 0; i < b.nr_series; i++) {
		struct sample_series *series = &b.series[i];

		if (series->key.metric == METRIC_GAPS) {
			for (size_t j = 0; j < series->nr_slots; j++)
				series->slot[j].sum = 0;
			series->sum = 0;
		} else if (series->key.order == 4) {
			series->key.order = 5;
		}
	}
	assert_int_equal(diff__compare(&d, &a, &b, -1), 0);
	assert_int_equal(find_row(&d, METRIC_GAPS, 9, STATISTIC_MEAN)->verdict, VERDICT_LOWER);
	assert_false(find_row(&d, METRIC_GAPS, 9, STATISTIC_MEAN)->has_ratio);
	assert_string_equal(find_row(&d, METRIC_CLEAR, 4, STATISTIC_MEAN)->reason, "only in A");
	assert_string_equal(find_row(&d, METRIC_CLEAR, 5, STATISTIC_MEAN)->reason, "only in B");
	assert_string_equal(find_row(&d, METRIC_CLEAR, 9, STATISTIC_P99)->reason, "too few events");
	diff__free(&d);
	samples__free(&a);
	samples__free(&b);
}

/* --- Files ------------------------------------------------------------------------------- */

static int write_recording(const char *dir, const char *name, uint64_t seed, double slower,
			   size_t n)
{
	struct recording_error err;
	struct recorder *rec;
	struct made made;
	char path[4096];
	int ret;

	made_init(&made, seed, 0.3);
	made.slower = slower;
	made.events = 60;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ret = recorder__open(path, &made_machine, &rec, &err);
	for (size_t i = 0; i < n && !ret; i++) {
		struct snapshot *in = made_interval(&made);

		ret = recorder__append(rec, in, &err);
		snapshot__free(&in);
	}
	if (!ret)
		ret = recorder__close(&rec, &err);
	if (ret)
		fprintf(stderr, "%s\n", err.text);
	return ret;
}

static int write_recordings(const char *dir)
{
	return write_recording(dir, "a", 1, 1, 200) || write_recording(dir, "same", 2, 1, 200) ||
	       write_recording(dir, "slower", 3, 1.15, 200) ||
	       write_recording(dir, "short", 4, 1, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_difference),     cmocka_unit_test(shift_of_five_percent),
		cmocka_unit_test(runs_are_compared), cmocka_unit_test(many_intervals),
		cmocka_unit_test(what_else_differs), cmocka_unit_test(what_cannot_be_compared),
	};

	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_recordings(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
