// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plain blocks: golden files that were looked at, and properties that hold
 * for any snapshot. ZEROSCOPE_UPDATE_GOLDEN=1 writes the golden files anew
 * instead of comparing; look at the difference before it is committed.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "plain.h"
#include "comma_locale.h"
#include "synthetic.h"
#include "golden.h"

static char *render(const struct snapshot *s, const struct plain_options *o)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	assert_non_null(f);
	assert_int_equal(plain__interval(f, s, o), 0);
	fclose(f);
	assert_int_equal(strlen(buf), len); /* no NUL inside */
	return buf;
}

static void check_golden(const char *name, struct snapshot *snapshot, const struct plain_options *o)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot;
	_cleanup_free_ char *text = render(s, o);

	golden__compare(name, text, strlen(text));
}

static void test_golden_simple(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-simple.txt", synthetic_simple(), &o);
}

static void test_golden_full(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-full.txt", synthetic_full(), &o);
}

static void test_golden_ascii_verbose_totals(void **state)
{
	struct plain_options o = {.ascii = true, .verbose = 1, .totals = true};

	(void)state;
	check_golden("plain-ascii-verbose-totals.txt", synthetic_full(), &o);
}

static void test_golden_color_wide(void **state)
{
	struct plain_options o = {.color = true, .width = 120};

	(void)state;
	check_golden("plain-color-wide.txt", synthetic_hole(), &o);
}

static void test_golden_hole(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-hole.txt", synthetic_hole(), &o);
}

static void test_golden_lossy(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-lossy.txt", synthetic_lossy(), &o);
}

static void test_golden_empty(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-empty.txt", synthetic_empty(&synthetic_machine), &o);
}

static void test_golden_unknown(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-unknown.txt", synthetic_unknown(), &o);
}

static void test_golden_hostile(void **state)
{
	struct plain_options o = {0};

	(void)state;
	check_golden("plain-hostile.txt", synthetic_hostile(), &o);
}

static struct snapshot *made(int which)
{
	switch (which) {
	case 0:
		return synthetic_simple();
	case 1:
		return synthetic_full();
	case 2:
		return synthetic_hole();
	case 3:
		return synthetic_lossy();
	case 4:
		return synthetic_empty(&synthetic_machine_7);
	case 5:
		return synthetic_unknown();
	default:
		return synthetic_hostile();
	}
}

#define MADE 7

/* Columns by an independent count: characters, and the one wide one that the snapshots hold. */
static int line_columns(const char *line, size_t len)
{
	int n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += ((unsigned char)line[i] & 0xc0) != 0x80;
	if (memmem(line, len, "\xe4\xb8\xad", 3))
		n++;
	return n;
}

static void check_lines(const char *text, int width, bool ascii)
{
	const char *end;

	for (; *text; text = end + 1) {
		const char *c;

		end = strchr(text, '\n');
		assert_non_null(end); /* every line is whole */
		if (line_columns(text, (size_t)(end - text)) > width)
			fail_msg("wider than %d columns: %.*s", width, (int)(end - text), text);
		for (c = text; c < end; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				fail_msg("character %#x: %.*s", *c, (int)(end - text), text);
			/* U+0080 to U+009F are control characters too. */
			if (*c == '\xc2' && (unsigned char)c[1] < 0xa0)
				fail_msg("C1 character: %.*s", (int)(end - text), text);
			if (ascii && (unsigned char)*c >= 0x80)
				fail_msg("not ASCII: %.*s", (int)(end - text), text);
		}
		if (end > text)
			assert_int_not_equal(end[-1], ' ');
	}
}

static void test_width_and_characters(void **state)
{
	static const int widths[] = {0, 1, 60, 79, 80, 81, 100, 133, 250};
	size_t w;
	int which, mode;

	(void)state;
	for (which = 0; which < MADE; which++) {
		for (w = 0; w < ARRAY_SIZE(widths); w++) {
			for (mode = 0; mode < 8; mode++) {
				_cleanup_snapshot_ struct snapshot *s = made(which);
				struct plain_options o = {
					.ascii = mode & 1,
					.verbose = mode & 2 ? 1 : 0,
					.totals = mode & 4,
					.width = widths[w],
				};
				_cleanup_free_ char *text = render(s, &o);

				check_lines(text, widths[w] ? max(widths[w], 60) : 80, o.ascii);
			}
		}
	}
}

/* Whatever bytes a name holds, what is printed is whole UTF-8 without control characters. */
static void test_any_name(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0};
	uint32_t seed = 3;
	int round;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	snprintf(s->coverage[0].reason, sizeof(s->coverage[0].reason), "reason");
	for (round = 0; round < 20000; round++) {
		struct hist_max *m = &s->clears[0].wall.max;
		_cleanup_free_ char *text = NULL;
		size_t i;

		for (i = 0; i < sizeof(m->comm); i++) {
			uint32_t r = synthetic_random(&seed);

			/* Mostly bytes that make or break sequences of UTF-8. */
			m->comm[i] = (char)(r & 0x100 ? 0x80 | (r & 0x7f) : r & 0xff);
			if (!(r & 0xe00))
				m->comm[i] = (char)(0xc2 + (r & 0x1f));
			s->coverage[0].reason[i] = m->comm[i] ? m->comm[i] : 'x';
		}
		text = render(s, &o);
		check_lines(text, 80, false);
		assert_int_not_equal(mbstowcs(NULL, text, 0), (size_t)-1);
	}
	setlocale(LC_CTYPE, "C");
}

static void test_color_changes_nothing_else(void **state)
{
	int which;

	(void)state;
	for (which = 0; which < MADE; which++) {
		_cleanup_snapshot_ struct snapshot *s = made(which);
		struct plain_options o = {.verbose = 1};
		_cleanup_free_ char *mono = render(s, &o);
		_cleanup_free_ char *color = NULL;
		char *from, *to;

		o.color = true;
		color = render(s, &o);
		assert_non_null(strstr(color, "\033[1m"));
		for (from = to = color; *from;) {
			if (*from == '\033') {
				assert_int_equal(from[1], '[');
				from += strcspn(from, "m") + 1;
				continue;
			}
			*to++ = *from++;
		}
		*to = '\0';
		assert_string_equal(color, mono);
	}
}

static void hit(struct hist *h, uint64_t ns)
{
	memset(h, 0, sizeof(*h));
	synthetic_hit(h, ns, 1);
	h->max = synthetic_max(ns, "x", 1, 9, 0);
}

/* "412 us" in ns; *at moves behind it. The unit may stand further on, as in "412-430 us". */
static double parse_value(const char **at)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	double value;
	const char *unit;
	char *end;
	size_t i;

	value = strtod(*at, &end);
	assert_ptr_not_equal(end, *at);
	*at = end;
	unit = end;
	if (*unit == '-') {
		strtod(unit + 1, &end);
		unit = end;
	}
	assert_int_equal(*unit, ' ');
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(unit + 1, units[i].name, len) != 0 ||
		    isalpha((unsigned char)unit[1 + len]))
			continue;
		if (unit == *at)
			*at = unit + 1 + len;
		return value * units[i].ns;
	}
	fail_msg("no unit: %s", unit);
	return 0;
}

static void parse_range(const char *text, double *lo, double *hi)
{
	if (!strncmp(text, "<= ", 3)) {
		text += 3;
		*lo = -1;
		*hi = parse_value(&text);
	} else if (!strncmp(text, "> ", 2)) {
		text += 2;
		*lo = parse_value(&text);
		*hi = 1e30;
	} else {
		*lo = parse_value(&text);
		assert_int_equal(*text, '-');
		text++;
		*hi = parse_value(&text);
	}
}

/* Both ends of every bucket lie inside of what is printed, and it is hardly wider. */
static void test_quantile_holds_every_input(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {.ascii = true};
	unsigned int i, end;

	(void)state;
	for (i = 0; i < ZS_BUCKETS; i++) {
		for (end = 0; end < 2; end++) {
			_cleanup_free_ char *text = NULL;
			double lo, hi;
			const char *p50;
			uint64_t ns;

			if (end)
				ns = i ? hist__bound_ns(i - 1) + 1 : 0;
			else
				ns = i < ZS_BOUNDS ? hist__bound_ns(i) : UINT64_MAX / 4;
			hit(&s->clears[0].wall, ns);
			text = render(s, &o);
			p50 = strstr(text, "p50 ");
			assert_non_null(p50);
			parse_range(p50 + 4, &lo, &hi);
			if (!((double)ns > lo && (double)ns < hi + 1e-3 * hi / 1e9 + 1))
				fail_msg("%" PRIu64 " ns is not in %.30s", ns, p50);
			if (lo > 0 && hi < 1e30 && lo > 1000 && hi / lo > 1.0443 * 1.02)
				fail_msg("too wide: %.30s", p50);
		}
	}
}

/* Rows add up to the buckets that their labels name. */
static void check_rows(const char *text, const struct hist *h)
{
	uint64_t total = 0;
	unsigned int lines = 0;
	const char *line = strstr(text, "cumulative\n");

	assert_non_null(line);
	line += strlen("cumulative\n");
	for (; !strncmp(line, "    ", 4); line = strchr(line, '\n') + 1) {
		double lo = -1, hi = 1e30;
		uint64_t count, expected = 0;
		const char *at = line + strspn(line, " ");
		unsigned int i;

		lines++;
		if (!strncmp(at, "...", 3))
			continue;
		if (!strncmp(at, "<=", 2)) {
			at += 2;
			hi = parse_value(&at);
		} else if (*at == '>') {
			at++;
			lo = parse_value(&at);
		} else {
			lo = parse_value(&at);
			at += strspn(at, " -");
			hi = parse_value(&at);
		}
		count = strtoull(at, NULL, 10);
		for (i = 0; i < ZS_BUCKETS; i++) {
			double bound = hist__bound_seconds(i) * 1e9;

			if (bound > lo * 1.006 && (hi >= 1e30 || bound < hi * 1.006))
				expected += h->bucket[i];
		}
		if (count != expected)
			fail_msg("%" PRIu64 " expected: %.40s", expected, line);
		total += count;
	}
	assert_int_equal(total, h->count);
	assert_in_range(lines, 1, 20);
}

static void test_rows_are_exact_sums(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {.ascii = true};
	struct hist *h = &s->clears[0].wall;
	uint32_t seed = 7;
	int round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		_cleanup_free_ char *text = NULL;
		unsigned int first = synthetic_random(&seed) % ZS_BUCKETS;
		unsigned int spread = 1 + synthetic_random(&seed) % (round % 3 ? 40 : ZS_BUCKETS);
		unsigned int n = 1 + synthetic_random(&seed) % 60;

		memset(h, 0, sizeof(*h));
		while (n--) {
			unsigned int b = first + synthetic_random(&seed) % spread;
			uint64_t count = 1 + synthetic_random(&seed) % (round % 5 ? 9 : 900000);

			b = min(b, (unsigned int)ZS_BUCKETS - 1);
			h->bucket[b] += count;
			h->count += count;
		}
		h->sum_ns = 1;
		text = render(s, &o);
		check_rows(text, h);
	}
}

/* The longest bar belongs to the highest row, and every row that is not empty has one. */
static void test_bars(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0};
	struct hist *h = &s->clears[0].wall;
	_cleanup_free_ char *text = NULL;
	const char *row;

	(void)state;
	memset(h, 0, sizeof(*h));
	synthetic_hit(h, 1000, 1);
	synthetic_hit(h, 2000, 1000000);
	synthetic_hit(h, 4000, 500000);
	text = render(s, &o);
	row = strstr(text, "1000000  ████████████████████████████████████████  66.6 %");
	assert_non_null(row);
	assert_non_null(strstr(text, " 500000  ████████████████████  "));
	assert_non_null(strstr(text, "      1  ▏ "));
	/* The last row that holds something is 100 %, those before never are. */
	assert_ptr_equal(strstr(text, "100.0 %"), strrchr(text, '%') - 6);
}

/* Does the text say so, wherever its lines are broken? */
static bool says(const char *text, const char *words)
{
	_cleanup_free_ char *flat = strdup(text);
	char *from, *to;

	assert_non_null(flat);
	for (from = to = flat; *from; from++) {
		char c = *from == '\n' ? ' ' : *from;

		if (c != ' ' || to == flat || to[-1] != ' ')
			*to++ = c;
	}
	*to = '\0';
	return strstr(flat, words) != NULL;
}

static void assert_says(const char *text, const char *words)
{
	if (!says(text, words))
		fail_msg("does not say \"%s\"", words);
}

static void assert_says_not(const char *text, const char *words)
{
	if (says(text, words))
		fail_msg("says \"%s\"", words);
}

static void test_floor_marks_every_count(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	struct plain_options o = {0};
	_cleanup_free_ char *before = render(s, &o), *after = NULL;

	(void)state;
	assert_says_not(before, "≥");
	s->floor = true;
	after = render(s, &o);
	assert_says(after, "≥4608 clears, ≥4608/s, ≥9.66 GB");
	assert_says(after, "resched ≥158");
	assert_says(after, "now ≥171");
	assert_says(after, "outlived ≥13");
	assert_says(after, "order 4 ≥96");
	assert_says(after, "Counts with ≥ are floors.");
}

static void test_refcount(void **state)
{
	static const struct {
		struct opt_u64 refcount, holders;
		const char *reason; /* of holders */
		const char *words;
	} cases[] = {
		{{true, 2}, {true, 1}, "", "refcount 2 = 1 holder + the shrinker's pin"},
		{{true, 0}, {true, 0}, "", "refcount 0: not allocated"},
		{{true, 7}, {true, 4}, "", "refcount 7, 4 holders a moment apart"},
		{{true, 7}, {true, 4}, "it stays so", "refcount 7, but 4 holders (it stays so)"},
		{{true, 7}, {false, 0}, "", "refcount 7 use"},
		{{true, 7}, {false, 0}, "off", "refcount 7, holders not known (off)"},
		{{false, 0}, {true, 4}, "", "refcount not known (CAP_SYSLOG is missing), 4 holders"},
	};
	struct plain_options o = {0};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_snapshot_ struct snapshot *s = synthetic_full();
		_cleanup_free_ char *text = NULL;

		s->huge_zero->refcount = cases[i].refcount;
		s->huge_zero->holders = cases[i].holders;
		s->huge_zero->oldest_seconds.known = false;
		snprintf(s->huge_zero->refcount_reason, sizeof(s->huge_zero->refcount_reason),
			 "CAP_SYSLOG is missing");
		snprintf(s->huge_zero->holders_reason, sizeof(s->huge_zero->holders_reason), "%s",
			 cases[i].reason);
		text = render(s, &o);
		assert_says(text, cases[i].words);
	}
}

static void test_coverage_words(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0}, verbose = {.verbose = 1};
	_cleanup_free_ char *close = NULL, *apart = NULL, *twice = NULL, *one = NULL;
	_cleanup_free_ char *quiet = NULL, *all = NULL;

	(void)state;
	/* Whoever compares gives a reason for what is more than what was in flight. */
	s->coverage[0].kernel.value = 516;
	close = render(s, &o);
	assert_says(close, "thp 512 of 516 (the rest in flight)");

	strcpy(s->coverage[0].reason, "out of sight");
	s->coverage[0].kernel.value = 517;
	apart = render(s, &o);
	assert_says(apart, "coverage hole, thp: the kernel counted 517, seen 512, 5 not seen: "
			   "out of sight.");

	/* A remark without a hole. */
	s->coverage[0].kernel.value = 513;
	strcpy(s->coverage[0].reason, "zeroed twice");
	twice = render(s, &o);
	assert_says(twice, "coverage note, thp: the kernel counted 513, seen 512: zeroed twice.");

	/* One that was not seen at all is a hole, however small. */
	s->coverage[0].kernel.value = 1;
	s->coverage[0].seen.value = 0;
	one = render(s, &o);
	assert_says(one, "coverage hole, thp: the kernel counted 1, seen 0, 1 not seen");

	/* What the kernel does not count is said on request only. */
	quiet = render(s, &o);
	assert_says_not(quiet, "hugetlb");
	all = render(s, &verbose);
	assert_says(all, "not counted by the kernel, so not compared: hugetlb (seen 0)");
}

static void test_allocator_clears_are_clears(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_hole(), *full = synthetic_full();
	struct plain_options o = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	s->has_allocator = true;
	s->allocator = TAKE_PTR(full->allocator);
	s->nr_allocator = 1;
	full->nr_allocator = 0;
	text = render(s, &o);
	assert_says(text, "Nothing was cleared at the fault; see allocator clears.");
	assert_says(text, "order 4 96, ");
}

static void test_gaps_without_durations(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	s->gaps_per_clear = (struct opt_double){.known = true, .value = 0.25};
	s->gaps_counted = 128;
	text = render(s, &o);
	assert_says(text, "0.250 a clear 128 counted; how long they took is not measured");
}

static void test_no_gaps(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	_cleanup_snapshot_ struct snapshot *e = synthetic_empty(s->machine);
	struct plain_options o = {0};
	_cleanup_free_ char *text = NULL, *empty = NULL;

	(void)state;
	s->gaps = synthetic_zeroed(1, sizeof(*s->gaps));
	s->gaps_per_clear.known = true;
	text = render(s, &o);
	assert_says(text, "gaps while clearing (the task was off its CPU): none");
	/* Without clears there is nothing to say about them. */
	e->gaps = synthetic_zeroed(1, sizeof(*e->gaps));
	e->gaps_per_clear.known = true;
	empty = render(e, &o);
	assert_says_not(empty, "gaps");
}

static void test_blocked_gap_is_flagged(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	struct plain_options o = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	s->gaps->sums[2].count = 1;
	s->gaps->sums[2].sum_ns = 5000000;
	text = render(s, &o);
	assert_says(text, "blocked 1, 5.00 ms in all; the task blocked, which is not expected");
}

static void test_bound_is_held_against(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	struct plain_options o = {0};
	_cleanup_free_ char *below = render(s, &o), *above = NULL;

	(void)state;
	assert_says_not(below, "above it");
	s->resched->now.max.ns = 400000000;
	above = render(s, &o);
	assert_says(above, "the maximum is above it");
}

static void test_bound_without_extents(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	_cleanup_free_ char *below = NULL, *above = NULL;
	struct plain_options o = {0};

	(void)state;
	s->nr_extents = 0;
	below = render(s, &o);
	assert_says(below, "108 ms, the slowest clear (nothing within it is measured)");
	assert_says_not(below, "above it");
	s->resched->now.max.ns = 108000001;
	above = render(s, &o);
	assert_says(above, "the maximum is above it");
}

/* One tick bounds what lazy requests wait, and only those. */
static void test_bound_of_lazy_requests(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	_cleanup_free_ char *below = NULL, *above = NULL;
	struct plain_options o = {0};

	(void)state;
	s->machine = &synthetic_machine_7;
	s->resched->now.max.ns = 4000001;
	s->resched->lazy = s->resched->now;
	s->resched->lazy.max.ns = 4000000;
	below = render(s, &o);
	assert_says(below, "4.00 ms, one tick for lazy requests, under preempt=lazy");
	assert_says_not(below, "above it");
	s->resched->lazy.max.ns = 4000001;
	above = render(s, &o);
	assert_says(above, "the maximum is above it");
}

static void test_write_errors_are_reported(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(plain__interval(full, s, &o), -ENOSPC);
	fclose(full);
}

static void test_locale_changes_nothing(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	struct plain_options o = {.ascii = true};
	_cleanup_free_ char *c = render(s, &o), *comma = NULL;

	(void)state;
	assert_true(enter_comma_locale());
	comma = render(s, &o);
	leave_comma_locale();
	assert_string_equal(c, comma);
}

static void test_attached(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_empty(&synthetic_machine);
	char line[512], cut[20];

	(void)state;
	plain__attached(line, sizeof(line), s);
	assert_string_equal(line, "attached: folio_zero_user (fentry), sched_switch (tp_btf); "
				  "not attached: clear_pages (inlined)");
	plain__attached(cut, sizeof(cut), s);
	assert_string_equal(cut, "attached: folio_zer");
	strcpy(s->probes[2].reason, "\033[2J\n");
	plain__attached(line, sizeof(line), s);
	assert_non_null(strstr(line, "clear_pages (?[2J?)"));
	s->nr_probes = 2;
	plain__attached(line, sizeof(line), s);
	assert_string_equal(line, "attached: folio_zero_user (fentry), sched_switch (tp_btf)");
	s->nr_probes = 0;
	plain__attached(line, sizeof(line), s);
	assert_string_equal(line, "attached: nothing");
}

static void test_totals_say_so(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct plain_options o = {0};
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	(void)state;
	assert_non_null(f);
	s->interval_ns = 12 * NSEC_PER_SEC;
	assert_int_equal(plain__totals(f, s, &o), 0);
	fclose(f);
	assert_int_equal(strncmp(buf, "Total of 12.0 s until 2026-11-21 11:10:32 UTC", 45), 0);
	assert_says(buf, "over the run");
	assert_false(o.totals);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_simple),
		cmocka_unit_test(test_golden_full),
		cmocka_unit_test(test_golden_ascii_verbose_totals),
		cmocka_unit_test(test_golden_color_wide),
		cmocka_unit_test(test_golden_hole),
		cmocka_unit_test(test_golden_lossy),
		cmocka_unit_test(test_golden_empty),
		cmocka_unit_test(test_golden_unknown),
		cmocka_unit_test(test_golden_hostile),
		cmocka_unit_test(test_width_and_characters),
		cmocka_unit_test(test_any_name),
		cmocka_unit_test(test_color_changes_nothing_else),
		cmocka_unit_test(test_quantile_holds_every_input),
		cmocka_unit_test(test_rows_are_exact_sums),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_floor_marks_every_count),
		cmocka_unit_test(test_refcount),
		cmocka_unit_test(test_coverage_words),
		cmocka_unit_test(test_allocator_clears_are_clears),
		cmocka_unit_test(test_gaps_without_durations),
		cmocka_unit_test(test_no_gaps),
		cmocka_unit_test(test_blocked_gap_is_flagged),
		cmocka_unit_test(test_bound_is_held_against),
		cmocka_unit_test(test_bound_without_extents),
		cmocka_unit_test(test_bound_of_lazy_requests),
		cmocka_unit_test(test_write_errors_are_reported),
		cmocka_unit_test(test_locale_changes_nothing),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_totals_say_so),
	};

	return golden__status(cmocka_run_group_tests(tests, NULL, NULL));
}
