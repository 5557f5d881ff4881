// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view without a terminal: golden screens that were looked at, what
 * each key does, and that no snapshot, size or sequence of keys leads it out of
 * its grid. ZEROSCOPE_UPDATE_GOLDEN=1 writes the golden files anew.
 */
#include <stdlib.h>

#include "live.h"
#include "synthetic.h"
#include "golden.h"
#include "recorded.h"

static struct live live;

static void begin(enum live_source source)
{
	live__free(&live);
	live__init(&live, source);
	live.interval_ns = NSEC_PER_SEC;
}

static int end(void **state)
{
	(void)state;
	live__free(&live);
	return 0;
}

static void push(struct snapshot *s)
{
	assert_int_equal(live__push(&live, s), 0);
	snapshot__free(&s);
}

static char *screen(int rows, int cols)
{
	_cleanup_cells_ struct cells c = {0};
	char *text;

	assert_int_equal(cells__reset(&c, rows, cols), 0);
	live__draw(&live, &c);
	text = cells__text(&c);
	assert_non_null(text);
	return text;
}

static void keys(const char *text)
{
	for (; *text; text++)
		live__key(&live, (uint32_t)(unsigned char)*text);
}

static void check_golden(const char *name, int rows, int cols)
{
	_cleanup_free_ char *text = screen(rows, cols);

	golden__compare(name, text, strlen(text));
}

static void assert_shows(int rows, int cols, const char *what)
{
	_cleanup_free_ char *text = screen(rows, cols);

	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void assert_hides(int rows, int cols, const char *what)
{
	_cleanup_free_ char *text = screen(rows, cols);

	if (strstr(text, what))
		fail_msg("\"%s\" in:\n%s", what, text);
}

/* A few intervals, so that there is something in the heat map. */
static void push_several(void)
{
	int i;

	push(synthetic_full());
	for (i = 0; i < 5; i++)
		push(synthetic_simple());
	push(synthetic_full());
}

static void golden_screens(void **state)
{
	(void)state;
	begin(LIVE_HERE);
	push_several();
	check_golden("live-80x24.txt", 24, 80);
	check_golden("live-200x60.txt", 60, 200);
	check_golden("live-40x10.txt", 10, 40);
	live.density = true;
	check_golden("live-nocolor.txt", 24, 80);
	live.ascii = true;
	check_golden("live-ascii.txt", 24, 80);
	live.ascii = live.density = false;
	keys("ssss");
	check_golden("live-cgroups.txt", 24, 80);
	keys("h");
	check_golden("live-help.txt", 24, 80);
}

static void golden_states(void **state)
{
	(void)state;
	begin(LIVE_HERE);
	check_golden("live-waiting.txt", 12, 60);
	push(synthetic_hole());
	check_golden("live-hole.txt", 24, 80);
	begin(LIVE_HERE);
	push(synthetic_lossy());
	check_golden("live-lossy.txt", 24, 80);
	begin(LIVE_HERE);
	push(synthetic_hostile());
	check_golden("live-hostile.txt", 24, 80);
}

static void small_terminals_are_told(void **state)
{
	(void)state;
	begin(LIVE_HERE);
	push_several();
	assert_shows(9, 80, "needs 40x10, has 80x9");
	assert_shows(24, 39, "needs 40x10, has 39x24");
	assert_hides(10, 40, "needs");
}

/* Totals must not be taken for an interval, whatever there is no room for. */
static void the_title_says_of_which_time(void **state)
{
	int cols, metric, scope;

	(void)state;
	begin(LIVE_HERE);
	push_several();
	keys(" ");
	for (cols = LIVE_MIN_COLS; cols < 110; cols++)
		for (metric = 0; metric < LIVE_METRICS; metric++) {
			for (scope = 0; scope < LIVE_SCOPES; scope++) {
				assert_shows(24, cols, "  interval");
				keys("t");
				assert_shows(24, cols, cols < 76 ? "start" : "  since start ");
				assert_shows(24, cols, "FROZEN");
				keys("ts");
			}
			keys("m");
		}
	live.source = LIVE_RECORDING;
	assert_shows(24, LIVE_MIN_COLS, "  interval  ");
	assert_shows(24, LIVE_MIN_COLS, "  PAUSED");
	keys(" ");
	assert_shows(24, LIVE_MIN_COLS, "  interval  ");
	assert_shows(24, LIVE_MIN_COLS, "  playing");
	strcpy(live.trouble, "x");
	assert_shows(24, LIVE_MIN_COLS, "  interval  ");
	assert_shows(24, LIVE_MIN_COLS, "  NO ANSWER");
}

/* What was left out stands in the comment of live_draw.c, in its order. */
static void panes_are_dropped_in_order(void **state)
{
	static const struct {
		int rows, cols;
		const char *what;
	} needs[] = {
		{15, 80, "q quit"}, {14, 80, "sched_switch"}, {13, 80, "mean"}, {12, 80, "o p50"},
		{11, 80, "cum."},   {24, 76, "/s "},	      {24, 66, "s to"}, {24, 56, "-244 "},
	};
	size_t i;

	(void)state;
	begin(LIVE_HERE);
	push_several();
	for (i = 0; i < ARRAY_SIZE(needs); i++) {
		assert_shows(needs[i].rows, needs[i].cols, needs[i].what);
		if (i < 5)
			assert_hides(needs[i].rows - 1, needs[i].cols, needs[i].what);
	}
	assert_hides(24, 65, "s to");
	assert_hides(24, 55, "-244 ");
}

/* Counts of the screen against those of the snapshot. */
static void counts_are_those_of_the_snapshot(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	struct live_selection sel = {0};
	uint64_t all = 0, some = 0;
	struct live_hist h;
	size_t i;

	(void)state;
	for (i = 0; i < s->nr_clears; i++) {
		all += s->clears[i].wall.count;
		if (s->clears[i].order == 9)
			some += s->clears[i].wall.count;
	}
	live__gather(s, &sel, &h);
	assert_int_equal(h.h.count, all);
	sel.scope = LIVE_ORDER;
	sel.order = 9;
	live__gather(s, &sel, &h);
	assert_int_equal(h.h.count, some);
	begin(LIVE_HERE);
	push(synthetic_full());
	for (sel.metric = 0; sel.metric < LIVE_METRICS; sel.metric++) {
		for (sel.scope = 0; sel.scope < LIVE_SCOPES; sel.scope++) {
			uint64_t bucket[ZS_BUCKETS] = {0};

			live.selection = sel;
			live__gather(s, &sel, &h);
			assert_true(live__column(&live, 0, bucket));
			assert_memory_equal(bucket, h.h.bucket, sizeof(bucket));
		}
	}
}

static void every_key_does_something(void **state)
{
	struct live_key_info info;
	size_t i;

	(void)state;
	begin(LIVE_HERE);
	push_several();
	for (i = 0; live__key_info(&live, i, &info); i++)
		assert_true(info.name[0] && info.help[0]);
	assert_true(i > 10);

	assert_int_equal(live__key(&live, 'q'), LIVE_QUIT);
	keys("h");
	assert_true(live.help);
	keys("h");
	assert_false(live.help);
	keys("\t");
	assert_int_equal(live.selection.metric, LIVE_ON_CPU);
	live__key(&live, LIVE_KEY_BACKTAB);
	assert_int_equal(live.selection.metric, LIVE_WALL);
	keys("s");
	assert_int_equal(live.selection.scope, LIVE_ORDER);
	assert_int_equal(live.selection.order, 18);
	live__key(&live, LIVE_KEY_DOWN);
	assert_int_equal(live.selection.order, 9);
	keys("k");
	assert_int_equal(live.selection.order, 18);
	assert_int_equal(live__key(&live, '+'), LIVE_TIME);
	assert_int_equal(live.interval_ns, 2 * NSEC_PER_SEC);
	keys("--");
	assert_int_equal(live.interval_ns, NSEC_PER_SEC / 2);
	keys("l");
	assert_true(live.log_bars);
	assert_int_equal(live__key(&live, 'w'), LIVE_SAVE);
	assert_int_equal(live__key(&live, 12), LIVE_REDRAW_ALL);
	assert_int_equal(live__key(&live, '.'), LIVE_NOTHING);
	begin(LIVE_RECORDING);
	assert_int_equal(live__key(&live, '.'), LIVE_STEP);
	assert_true(live.is_frozen);
	assert_int_equal(live__key(&live, '0'), LIVE_RESTART);
	keys(" +");
	assert_false(live.is_frozen);
	assert_true(live.speed == 2);
}

static void a_frozen_screen_stands_still(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	(void)state;
	begin(LIVE_HERE);
	push_several();
	keys(" ");
	before = screen(24, 80);
	push(synthetic_lossy());
	push(synthetic_simple());
	after = screen(24, 80);
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "FROZEN"));
	keys(" ");
	assert_shows(24, 80, "512 clears");
}

static void a_reset_counts_from_now(void **state)
{
	(void)state;
	begin(LIVE_HERE);
	push_several();
	keys("t");
	assert_shows(24, 120, "since start 7.00 s");
	keys("r");
	push(synthetic_simple());
	push(synthetic_simple());
	assert_shows(24, 120, "since reset 2.00 s");
	assert_int_equal(live__shown(&live)->clears_total, 1024);
}

static void a_late_interval_leaves_a_gap(void **state)
{
	uint64_t bucket[ZS_BUCKETS];
	struct snapshot *late;

	(void)state;
	begin(LIVE_HERE);
	push_several();
	late = synthetic_simple();
	late->interval_ns = 60 * NSEC_PER_SEC;
	push(late);
	assert_true(live__column(&live, 0, bucket));
	assert_false(live__column(&live, 1, bucket));
	assert_true(live__column_exists(&live, 1));
}

/* Whatever comes, in any order: the sanitizers watch, and the grid is kept. */
static void anything_can_be_drawn(void **state)
{
	static const uint32_t some[] = {'h',	       '\t', 'M', 's',	  's', LIVE_KEY_UP,
					LIVE_KEY_DOWN, ' ',  '.', '+',	  '-', 'l',
					't',	       'r',  'w', 0x1F600};
	uint64_t random = 11;
	int i, j;

	(void)state;
	for (i = 0; i < 300; i++) {
		struct machine m;

		random_machine(&random, &m);
		if (i % 20 == 0)
			begin((enum live_source)random_below(&random, 3));
		live.ascii = random_below(&random, 3) == 0;
		live.density = random_below(&random, 2);
		push(random_snapshot(&random, &m));
		if (!random_below(&random, 10))
			live__push_gap(&live);
		for (j = 0; j < 4; j++) {
			int rows = 1 + (int)random_below(&random, 70);
			int cols = 1 + (int)random_below(&random, 600);

			live__key(&live, some[random_below(&random, ARRAY_SIZE(some))]);
			free(screen(rows, cols));
		}
	}
}

static void the_history_ends(void **state)
{
	uint64_t bucket[ZS_BUCKETS];
	int i;

	(void)state;
	begin(LIVE_HERE);
	for (i = 0; i < LIVE_COLUMNS + 7; i++)
		push(synthetic_simple());
	assert_true(live__column(&live, LIVE_COLUMNS - 1, bucket));
	assert_false(live__column_exists(&live, LIVE_COLUMNS));
	/* What is frozen falls out of it in the end, and is not mixed up. */
	keys(" ");
	for (i = 0; i < 3; i++)
		push(synthetic_simple());
	assert_false(live__column_exists(&live, LIVE_COLUMNS - 1));
	assert_true(live__column_exists(&live, LIVE_COLUMNS - 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(golden_screens, end),
		cmocka_unit_test_teardown(golden_states, end),
		cmocka_unit_test_teardown(small_terminals_are_told, end),
		cmocka_unit_test_teardown(the_title_says_of_which_time, end),
		cmocka_unit_test_teardown(panes_are_dropped_in_order, end),
		cmocka_unit_test_teardown(counts_are_those_of_the_snapshot, end),
		cmocka_unit_test_teardown(every_key_does_something, end),
		cmocka_unit_test_teardown(a_frozen_screen_stands_still, end),
		cmocka_unit_test_teardown(a_reset_counts_from_now, end),
		cmocka_unit_test_teardown(a_late_interval_leaves_a_gap, end),
		cmocka_unit_test_teardown(anything_can_be_drawn, end),
		cmocka_unit_test_teardown(the_history_ends, end),
	};

	return golden__status(cmocka_run_group_tests(tests, NULL, NULL));
}
