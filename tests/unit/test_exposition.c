// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Prometheus is given: exact sums of the fine buckets, counters that never
 * fall, and no more samples than the budget. The formats themselves are held
 * against other people's parsers in tests/host/exposition.sh.
 * ZEROSCOPE_UPDATE_GOLDEN=1 writes the golden files anew, see golden.h.
 */
#include <inttypes.h>

#include "exposition.h"
#include "synthetic.h"
#include "golden.h"

static const struct exposition_options defaults = {.native_schema = -1};
static const struct exposition_options everything = {
	.full = true,
	.created = true,
	.native_schema = 4,
	.cgroups = 8,
};

/* The body as a string; the caller frees it. */
static char *render(struct exposition *e, const struct snapshot *s, enum exposition_format format)
{
	struct pack_buffer body = {0};

	assert_int_equal(exposition__render(e, s, NULL, format, &body), 0);
	assert_int_equal(pack_buffer__append(&body, "", 1), 0);
	return (char *)body.data;
}

static char *render_once(const struct exposition_options *opt, const struct snapshot *s,
			 enum exposition_format format)
{
	_cleanup_exposition_ struct exposition *e = exposition__new(opt);

	assert_non_null(e);
	return render(e, s, format);
}

/* The value of the sample whose line begins with name and a blank; fails where there is none. */
static const char *find(const char *body, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = body; *line; line = strchr(line, '\n') + 1)
		if (!strncmp(line, name, len) && line[len] == ' ')
			return line + len + 1;
	fail_msg("no sample %s in\n%s", name, body);
	return NULL;
}

static uint64_t number(const char *body, const char *name)
{
	return strtoull(find(body, name), NULL, 10);
}

static void golden(const char *name, const struct exposition_options *opt, struct snapshot *s,
		   enum exposition_format format)
{
	_cleanup_free_ char *body = render_once(opt, s, format);

	golden__compare(name, body, strlen(body));
	snapshot__free(&s);
}

static void test_golden_text(void **state)
{
	(void)state;
	golden("metrics-default.txt", &defaults, synthetic_full(), EXPOSITION_TEXT);
}

static void test_golden_openmetrics(void **state)
{
	(void)state;
	golden("metrics-full.om", &everything, synthetic_full(), EXPOSITION_OPENMETRICS);
}

static void test_golden_hostile(void **state)
{
	(void)state;
	golden("metrics-hostile.om", &everything, synthetic_hostile(), EXPOSITION_OPENMETRICS);
}

static void test_golden_unknown(void **state)
{
	(void)state;
	golden("metrics-unknown.txt", &defaults, synthetic_unknown(), EXPOSITION_TEXT);
}

/* An event at each bound, below it and above it, is counted where le says. */
static void test_buckets_are_exact(void **state)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	struct clear_series *c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_LOCAL);
	_cleanup_free_ char *body = NULL;
	uint64_t below = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < ZS_BUCKETS; i++) {
		c->wall.bucket[i] = i + 1;
		c->wall.count += i + 1;
	}
	synthetic_settle(s, c);
	body = render_once(&everything, s, EXPOSITION_TEXT);
	for (i = 0; i < ZS_BUCKETS; i++) {
		char name[200], bound[UTIL_DOUBLE_SIZE];

		below += i + 1;
		util__format_double(hist__bound_seconds(i), bound);
		snprintf(name, sizeof(name),
			 "zeroscope_clear_duration_seconds_bucket{order=\"9\",page_kind=\"thp\","
			 "numa=\"local\",le=\"%s\"}",
			 bound);
		if (i % ZS_BUCKETS_PER_OCTAVE == 0 || i == ZS_BUCKETS - 1)
			assert_int_equal(number(body, name), below);
	}
	assert_int_equal(number(body, "zeroscope_clear_duration_seconds_count{order=\"9\","
				      "page_kind=\"thp\",numa=\"local\"}"),
			 below);
	snapshot__free(&s);
}

/* What is above the last bound is in +Inf alone. */
static void test_overflow(void **state)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	struct clear_series *c = synthetic_series(s, 9, ZS_KIND_THP, ZS_NUMA_LOCAL);
	_cleanup_free_ char *body = NULL;

	(void)state;
	synthetic_hit(&c->wall, 64000000001, 3);
	synthetic_hit(&c->wall, 64000000000, 2);
	synthetic_settle(s, c);
	body = render_once(&everything, s, EXPOSITION_OPENMETRICS);
#define WALL "zeroscope_clear_duration_seconds_bucket{order=\"9\",page_kind=\"thp\",numa=\"local\","
	assert_int_equal(number(body, WALL "le=\"32.0\"}"), 0);
	assert_int_equal(number(body, WALL "le=\"64.0\"}"), 2);
	assert_int_equal(number(body, WALL "le=\"+Inf\"}"), 5);
	snapshot__free(&s);
}

/* Numbers as Go writes them, since servers compare le as text. */
static void test_canonical_bounds(void **state)
{
	struct snapshot *s = synthetic_full();
	_cleanup_free_ char *body = render_once(&everything, s, EXPOSITION_OPENMETRICS);

	(void)state;
	find(body, WALL "le=\"2.384185791015625e-07\"}");
	find(body, WALL "le=\"0.0001220703125\"}");
	find(body, WALL "le=\"6.103515625e-05\"}");
	find(body, WALL "le=\"1.0\"}");
#define HOLD "zeroscope_huge_zero_hold_duration_seconds_bucket{"
	find(body, HOLD "le=\"524288.0\"}");
	find(body, HOLD "le=\"1.048576e+06\"}");
	find(body, HOLD "le=\"3.3554432e+07\"}");
	snapshot__free(&s);
}

/* Counts that step back, as per-CPU sums can, do not; the next rise is seen when it is one. */
static void test_nothing_falls(void **state)
{
	_cleanup_exposition_ struct exposition *e = exposition__new(&defaults);
	struct snapshot *s = synthetic_simple();
	static const char *const names[] = {
		"zeroscope_clear_calls_total",
		"zeroscope_clears_total{order=\"9\",page_kind=\"thp\",numa=\"local\"}",
		"zeroscope_coverage_kernel_folios_total{what=\"thp\"}",
		WALL "le=\"0.00048828125\"}",
		"zeroscope_clear_duration_seconds_count{order=\"9\",page_kind=\"thp\",numa=\"local\"}",
	};
	uint64_t before[ARRAY_SIZE(names)];
	char *body;
	size_t i;

	(void)state;
	assert_non_null(e);
	body = render(e, s, EXPOSITION_TEXT);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		before[i] = number(body, names[i]);
	free(body);
	s->clears_total -= 5;
	s->clears[0].count -= 5;
	s->clears[0].wall.bucket[hist__bucket(205000)] -= 5;
	s->clears[0].wall.count -= 5;
	s->clears[0].wall.sum_ns -= 5 * 205000;
	s->coverage[0].kernel.value -= 5;
	body = render(e, s, EXPOSITION_TEXT);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(number(body, names[i]), before[i]);
	free(body);
	exposition__restart(e);
	body = render(e, s, EXPOSITION_TEXT);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(number(body, names[i]), before[i] - 5);
	free(body);
	snapshot__free(&s);
}

/* An on-CPU time that is corrected downwards moves one event and adds none. */
static void test_corrected_event_is_one(void **state)
{
	_cleanup_exposition_ struct exposition *e = exposition__new(&everything);
	struct snapshot *s = synthetic_simple();
	struct clear_series *c = &s->clears[0];
	char *body;

	(void)state;
	assert_non_null(e);
	c->has_on_cpu = true;
	memset(&c->on_cpu, 0, sizeof(c->on_cpu));
	synthetic_hit(&c->on_cpu, 900000, 1);
	free(render(e, s, EXPOSITION_TEXT));
	memset(&c->on_cpu, 0, sizeof(c->on_cpu));
	synthetic_hit(&c->on_cpu, 400000, 1);
	body = render(e, s, EXPOSITION_TEXT);
#define ON_CPU                                                                                     \
	"zeroscope_clear_on_cpu_duration_seconds_bucket{order=\"9\",page_kind=\"thp\",numa=\"local\","
	assert_int_equal(number(body, ON_CPU "le=\"0.00048828125\"}"), 1);
	assert_int_equal(number(body, ON_CPU "le=\"+Inf\"}"), 1);
	free(body);
	snapshot__free(&s);
}

/* The largest that a kernel can need: every folio size of arm64, two nodes, every option. */
static struct snapshot *largest(void)
{
	struct snapshot *s = synthetic_full();
	int order, numa;
	size_t i;

	for (order = 2; order <= 18; order++)
		for (numa = 0; numa < 2; numa++)
			synthetic_series(s, order, order > 13 ? ZS_KIND_HUGETLB : ZS_KIND_MTHP,
					 numa)
				->has_on_cpu = true;
	free(s->allocator);
	s->nr_allocator = 12;
	s->allocator = synthetic_zeroed(s->nr_allocator, sizeof(*s->allocator));
	free(s->faults);
	s->nr_faults = 12;
	s->faults = synthetic_zeroed(s->nr_faults, sizeof(*s->faults));
	for (i = 0; i < 12; i++)
		s->allocator[i].order = s->faults[i].order = (int)i + 2;
	return s;
}

static unsigned int lines_of_samples(const char *body)
{
	unsigned int nr = 0;

	for (const char *line = body; *line; line = strchr(line, '\n') + 1)
		nr += *line != '#';
	return nr;
}

static void test_budget(void **state)
{
	struct exposition_options opt = {.native_schema = -1, .cgroups = 32};
	_cleanup_exposition_ struct exposition *e = exposition__new(&opt);
	_cleanup_exposition_ struct exposition *full = exposition__new(&everything);
	struct snapshot *s = largest();
	char *body;

	(void)state;
	assert_non_null(e);
	assert_non_null(full);
	body = render(e, s, EXPOSITION_TEXT);
	assert_int_equal(exposition__samples(e), lines_of_samples(body));
	assert_in_range(exposition__samples(e), 500, EXPOSITION_BUDGET);
	free(body);
	body = render(full, s, EXPOSITION_OPENMETRICS);
	assert_int_equal(exposition__samples(full), lines_of_samples(body));
	assert_in_range(exposition__samples(full), EXPOSITION_BUDGET + 1, 10 * EXPOSITION_BUDGET);
	free(body);
	snapshot__free(&s);
}

/* An ordinary machine gets every power of two. */
static void test_budget_is_not_spent_in_vain(void **state)
{
	struct snapshot *s = synthetic_simple();
	_cleanup_free_ char *body = render_once(&defaults, s, EXPOSITION_TEXT);

	(void)state;
	find(body, WALL "le=\"2.384185791015625e-07\"}");
	find(body, WALL "le=\"4.76837158203125e-07\"}");
	find(body, WALL "le=\"4\"}");
	snapshot__free(&s);
}

/* The first cgroups keep their labels; the rest is one, and does not fall either. */
static void test_cgroups(void **state)
{
	struct exposition_options opt = {.native_schema = -1, .cgroups = 1};
	_cleanup_exposition_ struct exposition *e = exposition__new(&opt);
	struct snapshot *s = synthetic_full();
	struct payer *p = s->cgroup_payers;
	char *body;

	(void)state;
	assert_non_null(e);
	body = render(e, s, EXPOSITION_TEXT);
	assert_int_equal(number(body, "zeroscope_cgroup_clears_total{cgroup="
				      "\"/machine.slice/vm-1.scope\"}"),
			 5521);
	assert_int_equal(number(body, "zeroscope_cgroup_clears_total{cgroup=\"other\"}"), 100);
	assert_int_equal(number(body, "zeroscope_cgroups_folded"), 0);
	free(body);
	p[0].id = 4711;
	snprintf(p[0].name, sizeof(p[0].name), "/b");
	body = render(e, s, EXPOSITION_TEXT);
	assert_null(strstr(body, "\"/b\""));
	assert_int_equal(number(body, "zeroscope_cgroup_clears_total{cgroup=\"other\"}"), 100);
	assert_int_equal(number(body, "zeroscope_cgroups_folded"), 1);
	free(body);
	snapshot__free(&s);
}

/* A group that was removed and the one that has its path now are one series. */
static void test_cgroup_made_anew(void **state)
{
	struct exposition_options opt = {.native_schema = -1, .cgroups = 2};
	struct snapshot *s = synthetic_full();
	const char *series = "zeroscope_cgroup_clears_total{cgroup=\"/a\"}";
	struct payer *p = s->cgroup_payers;
	char *body;

	(void)state;
	assert_int_equal(s->nr_cgroup_payers, 2);
	p[0].id = 4711;
	snprintf(p[0].name, sizeof(p[0].name), "/a");
	snprintf(p[1].name, sizeof(p[1].name), "/a");
	body = render_once(&opt, s, EXPOSITION_TEXT);
	assert_int_equal(number(body, series), 5621);
	assert_null(strstr(strstr(body, series) + 1, series));
	assert_int_equal(number(body, "zeroscope_cgroup_clears_total{cgroup=\"other\"}"), 0);
	free(body);
	snapshot__free(&s);
}

static void test_zero_doubts(void **state)
{
	static const char series[] = "zeroscope_huge_zero_unexplained_references";
	struct snapshot *s = synthetic_full();
	struct huge_zero *z = s->huge_zero;
	char *body;

	(void)state;
	z->refcount.value = 7;
	body = render_once(&defaults, s, EXPOSITION_TEXT);
	assert_int_equal(number(body, "zeroscope_huge_zero_oldest_hold_at_least"), 0);
	/* For a moment any difference is one of reading. */
	assert_int_equal(number(body, series), 0);
	free(body);

	z->oldest_at_least = true;
	snprintf(z->holders_reason, sizeof(z->holders_reason), "so in 2 snapshots");
	body = render_once(&defaults, s, EXPOSITION_TEXT);
	assert_int_equal(number(body, "zeroscope_huge_zero_oldest_hold_at_least"), 1);
	assert_int_equal(number(body, series), 2);
	assert_null(strstr(body, "so in 2"));
	free(body);

	z->holders.known = false;
	body = render_once(&defaults, s, EXPOSITION_TEXT);
	assert_int_equal(number(body, "zeroscope_huge_zero_unknown_info{quantity=\"holders\","
				      "reason=\"so in 2 snapshots\"}"),
			 1);
	assert_null(strstr(body, series));
	free(body);
	snapshot__free(&s);
}

static void test_nothing_measured_has_no_series(void **state)
{
	struct snapshot *s = synthetic_empty(&synthetic_machine);
	_cleanup_free_ char *body = NULL;

	(void)state;
	s->loss.missed.known = false;
	body = render_once(&defaults, s, EXPOSITION_TEXT);
	assert_null(strstr(body, "huge_zero_gets"));
	assert_null(strstr(body, "zeroscope_gaps"));
	assert_null(strstr(body, "cause=\"missed\""));
	assert_non_null(strstr(body, "zeroscope_lost_events_total{cause=\"recursion\"} 0\n"));
	/* The kernel does not count these. */
	assert_null(strstr(body, "zeroscope_coverage_kernel_folios_total{what=\"hugetlb\"}"));
	snapshot__free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_text),
		cmocka_unit_test(test_golden_openmetrics),
		cmocka_unit_test(test_golden_hostile),
		cmocka_unit_test(test_golden_unknown),
		cmocka_unit_test(test_buckets_are_exact),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_canonical_bounds),
		cmocka_unit_test(test_nothing_falls),
		cmocka_unit_test(test_corrected_event_is_one),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_is_not_spent_in_vain),
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_cgroup_made_anew),
		cmocka_unit_test(test_zero_doubts),
		cmocka_unit_test(test_nothing_measured_has_no_series),
	};

	return golden__status(cmocka_run_group_tests(tests, NULL, NULL));
}
