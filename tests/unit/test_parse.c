// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict parsers: what is nearly right is refused, what is right is exact, and
 * every refusal is a sentence that says what was given and what was expected.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "comma_locale.h"
#include "parse.h"
#include "util.h"

static uint64_t rng = 88172645463325252ULL;

static uint64_t random_u64(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* Evenly over magnitudes, so that small numbers are tried as often as large ones. */
static uint64_t random_magnitude(void)
{
	return random_u64() >> (random_u64() % 64);
}

/* One readable sentence, with the name first. */
static void assert_sentence(const struct parse_error *err, const char *name)
{
	size_t len = strnlen(err->text, sizeof(err->text));

	assert_in_range(len, strlen(name) + 10, sizeof(err->text) - 1);
	assert_int_equal(strncmp(err->text, name, strlen(name)), 0);
	for (size_t i = 0; i < len; i++)
		assert_false(iscntrl((unsigned char)err->text[i]));
	assert_true(err->text[len - 1] != '.' && err->text[len - 1] != ' ');
}

static void assert_message(int ret, const struct parse_error *err, const char *expected)
{
	assert_int_equal(ret, -EINVAL);
	assert_string_equal(err->text, expected);
}

/* --- Times ------------------------------------------------------------------------------- */

static void times_are_exact(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"500us", 500000},
		{"1ms", 1000000},
		{"2s", 2000000000},
		{"1.5s", 1500000000},
		{"100ns", 100},
		{"1m", 60000000000},
		{"1.5m", 90000000000},
		{"0.25h", 900000000000},
		{"24h", 86400000000000},
		{"0s", 0},
		{"007ms", 7000000},
		{"1.000000001s", 1000000001},
		{"1.50000000000000000000000000s", 1500000000},
		{"0.1us", 100},
		{"1.0ns", 1},
		{"0.3s", 300000000}, /* not what a double holds */
		{"9223372036.854775807s", INT64_MAX},
		{"10\xc2\xb5s", 10000},
		{"10\xce\xbcs", 10000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 4711;
		struct parse_error err;

		if (parse__time("--x", cases[i].text, 0, INT64_MAX, &ns, &err))
			fail_msg("%s: %s", cases[i].text, err.text);
		if (ns != cases[i].ns)
			fail_msg("%s: %" PRIu64, cases[i].text, ns);
	}
}

static void times_are_strict(void **state)
{
	static const char *const bad[] = {
		"",
		"1",
		"0",
		"12abc",
		"abc",
		"s",
		"ms",
		" 1s",
		"1s ",
		"1 s",
		"-1s",
		"-1",
		"-0s",
		"+1s",
		"--1s",
		"1.s",
		".5s",
		"1..5s",
		"1.5.5s",
		"1,5s",
		"1e3s",
		"0x10s",
		"1S",
		"1MS",
		"1sec",
		"1min",
		"1d",
		"1s2",
		"1ms1s",
		"infs",
		"nans",
		"1\ns",
		"1s\n",
		"1.5ns",
		"0.1ns",
		"0.0000000001s",
		"1.0000000001s",
		"18446744073709551616ns",
		"99999999999999999999h",
		"9223372037s",
		"1\xc2s",
		"1\xc2\xb5",
		"\xc2\xb5s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t ns = 4711;
		struct parse_error err;

		if (parse__time("--x", bad[i], 0, INT64_MAX, &ns, &err) != -EINVAL)
			fail_msg("\"%s\" was taken for a time", bad[i]);
		assert_true(ns == 4711);
		assert_sentence(&err, "--x: \"");
		assert_int_equal(parse__time("--x", bad[i], 0, INT64_MAX, &ns, NULL), -EINVAL);
	}
}

static void times_say_what_was_expected(void **state)
{
	struct parse_error err;
	uint64_t ns;

	(void)state;
	assert_message(
		parse__time("--interval", "12abc", 1, INT64_MAX, &ns, &err), &err,
		"--interval: \"12abc\" is not a time; expected a number with a unit, such as "
		"500us, 1ms or 2s");
	assert_message(
		parse__time("--interval", "5", 1, INT64_MAX, &ns, &err), &err,
		"--interval: \"5\" has no unit; expected a number with a unit, such as 500us, "
		"1ms or 2s");
	assert_message(
		parse__time("--interval", "-1", 1, INT64_MAX, &ns, &err), &err,
		"--interval: \"-1\" is negative; expected a number with a unit, such as 500us, "
		"1ms or 2s");
	assert_message(parse__time("--interval", "0.5ns", 1, INT64_MAX, &ns, &err), &err,
		       "--interval: \"0.5ns\" is finer than a nanosecond; expected a number with a "
		       "unit, such as 500us, 1ms or 2s");
	assert_message(parse__time("--interval", "0s", NSEC_PER_MSEC, 86400 * NSEC_PER_SEC, &ns,
				   &err),
		       &err, "--interval: \"0s\" is out of range; expected a time from 1ms to 24h");
	assert_message(
		parse__time("--interval", "25h", NSEC_PER_MSEC, 86400 * NSEC_PER_SEC, &ns, &err),
		&err, "--interval: \"25h\" is out of range; expected a time from 1ms to 24h");
	assert_message(parse__time("--hold", "0s", 1, INT64_MAX, &ns, &err), &err,
		       "--hold: \"0s\" is too short; expected at least 1ns");
	assert_message(parse__time("--hold", "9999999999999h", 1, INT64_MAX, &ns, &err), &err,
		       "--hold: \"9999999999999h\" is too long; expected less than 292 years");
}

static void bounds_of_times_are_inclusive(void **state)
{
	uint64_t ns;

	(void)state;
	assert_int_equal(parse__time("x", "1ms", 1000000, 2000000, &ns, NULL), 0);
	assert_int_equal(parse__time("x", "2ms", 1000000, 2000000, &ns, NULL), 0);
	assert_int_equal(parse__time("x", "999999ns", 1000000, 2000000, &ns, NULL), -EINVAL);
	assert_int_equal(parse__time("x", "2000001ns", 1000000, 2000000, &ns, NULL), -EINVAL);
}

static void times_written_are_read_back(void **state)
{
	char text[PARSE_TIME_SIZE];

	(void)state;
	assert_string_equal(parse__format_time(0, text), "0s");
	assert_string_equal(parse__format_time(1000000, text), "1ms");
	assert_string_equal(parse__format_time(1500, text), "1500ns");
	assert_string_equal(parse__format_time(90 * NSEC_PER_SEC, text), "90s");
	assert_string_equal(parse__format_time(3600 * NSEC_PER_SEC, text), "1h");
	for (int i = 0; i < 100000; i++) {
		uint64_t ns = random_magnitude() >> 1, back = 4711;

		assert_int_equal(parse__time("x", parse__format_time(ns, text), 0, INT64_MAX, &back,
					     NULL),
				 0);
		assert_true(back == ns);
	}
}

/* ns as a decimal fraction of every unit, and against 128-bit arithmetic. */
static void times_agree_with_wider_arithmetic(void **state)
{
	static const struct {
		const char *name;
		uint64_t ns;
		int digits; /* after the point that still are whole ns */
	} units[] = {{"ns", 1, 0},	   {"us", 1000, 3},	   {"ms", 1000000, 6},
		     {"s", 1000000000, 9}, {"m", 60000000000, 10}, {"h", 3600000000000, 11}};

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t u = random_u64() % ARRAY_SIZE(units);
		uint64_t whole = random_magnitude(), frac = 0, power = 1, ns = 4711;
		int digits = (int)(random_u64() % (uint64_t)(units[u].digits + 1));
		unsigned __int128 expected;
		char text[80];
		int ret;

		for (int k = 0; k < digits; k++)
			power *= 10;
		frac = random_u64() % power;
		if (digits)
			snprintf(text, sizeof(text), "%" PRIu64 ".%0*" PRIu64 "%s", whole, digits,
				 frac, units[u].name);
		else
			snprintf(text, sizeof(text), "%" PRIu64 "%s", whole, units[u].name);
		expected = (unsigned __int128)whole * units[u].ns +
			   (unsigned __int128)frac * units[u].ns / power;

		ret = parse__time("x", text, 0, INT64_MAX, &ns, NULL);
		if (expected > INT64_MAX) {
			if (ret != -EINVAL)
				fail_msg("%s did not overflow", text);
		} else if (ret || ns != expected) {
			fail_msg("%s: %d, %" PRIu64, text, ret, ns);
		}
	}
}

/* --- Numbers ----------------------------------------------------------------------------- */

static const char *const not_numbers[] = {
	"",   "abc", "12abc", " 1",  "1 ",  "+1",   "0x10", "1e3", "1.0", "1,000", "--1",
	"1-", "١",   "\n1",   "1\n", "- 1", "1\t2", "inf",  "nan", "-",	  "NULL",
};

static void unsigned_numbers(void **state)
{
	struct parse_error err;
	uint64_t v = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(not_numbers); i++) {
		assert_int_equal(parse__u64("--n", not_numbers[i], 0, UINT64_MAX, &v, &err),
				 -EINVAL);
		assert_sentence(&err, "--n: \"");
		assert_non_null(strstr(err.text, "not a whole number"));
		assert_true(v == 4711);
	}
	assert_message(parse__u64("--count", "0", 1, 10, &v, &err), &err,
		       "--count: \"0\" is out of range; expected a whole number from 1 to 10");
	assert_message(parse__u64("--count", "-5", 1, 10, &v, &err), &err,
		       "--count: \"-5\" is out of range; expected a whole number from 1 to 10");
	assert_message(
		parse__u64("--count", "18446744073709551616", 1, UINT64_MAX, &v, &err), &err,
		"--count: \"18446744073709551616\" is out of range; expected a whole number of "
		"at least 1");
	assert_true(v == 4711);
	assert_int_equal(parse__u64("n", "1", 1, 10, &v, NULL), 0);
	assert_int_equal(parse__u64("n", "10", 1, 10, &v, NULL), 0);
	assert_int_equal(parse__u64("n", "11", 1, 10, &v, NULL), -EINVAL);
	for (int i = 0; i < 100000; i++) {
		uint64_t n = random_magnitude();
		char text[32];

		snprintf(text, sizeof(text), "%" PRIu64, n);
		assert_int_equal(parse__u64("n", text, 0, UINT64_MAX, &v, NULL), 0);
		assert_true(v == n);
		strcat(text, "0123456789");
		if (n > UINT64_MAX / 1000000000)
			assert_int_equal(parse__u64("n", text, 0, UINT64_MAX, &v, NULL), -EINVAL);
	}
}

static void signed_numbers(void **state)
{
	struct parse_error err;
	int64_t v = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(not_numbers); i++) {
		assert_int_equal(parse__i64("--n", not_numbers[i], INT64_MIN, INT64_MAX, &v, &err),
				 -EINVAL);
		assert_sentence(&err, "--n: \"");
		assert_true(v == 4711);
	}
	assert_message(parse__i64("--node", "-1", 0, 9, &v, &err), &err,
		       "--node: \"-1\" is out of range; expected a whole number from 0 to 9");
	assert_int_equal(parse__i64("n", "9223372036854775807", INT64_MIN, INT64_MAX, &v, NULL), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(parse__i64("n", "-9223372036854775808", INT64_MIN, INT64_MAX, &v, NULL),
			 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(parse__i64("n", "9223372036854775808", INT64_MIN, INT64_MAX, &v, NULL),
			 -EINVAL);
	assert_int_equal(parse__i64("n", "-9223372036854775809", INT64_MIN, INT64_MAX, &v, NULL),
			 -EINVAL);
	for (int i = 0; i < 100000; i++) {
		int64_t n = (int64_t)random_magnitude();
		char text[32];

		snprintf(text, sizeof(text), "%" PRId64, n);
		assert_int_equal(parse__i64("n", text, INT64_MIN, INT64_MAX, &v, NULL), 0);
		assert_true(v == n);
	}
}

static void real_numbers(void **state)
{
	static const char *const bad[] = {
		"",	 "abc", "1x",	 " 1",	"1 ",  "+1",	   "-1",
		".5",	 "1.",	"1e",	 "1e+", "0x1", "inf",	   "nan",
		"1e999", "1,5", "1.5.5", "--1", "1_0", "infinity", "1e5.5",
	};
	struct parse_error err;
	double v = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse__double("--rate", bad[i], 0, 1e301, &v, &err) != -EINVAL)
			fail_msg("\"%s\" was taken for a number", bad[i]);
		assert_sentence(&err, "--rate: \"");
		assert_true(v == 4711);
	}
	assert_message(parse__double("--rate", "x", 0.001, 1e9, &v, &err), &err,
		       "--rate: \"x\" is not a number; expected a number from 0.001 to 1000000000");
	assert_message(
		parse__double("--rate", "-2", 0.001, 1e9, &v, &err), &err,
		"--rate: \"-2\" is out of range; expected a number from 0.001 to 1000000000");
	for (int i = 0; i < 100000; i++) {
		double n = (double)random_magnitude() / (double)(random_magnitude() + 1);
		char text[64];

		snprintf(text, sizeof(text), i & 1 ? "%.17g" : "%.17e", n);
		assert_int_equal(parse__double("n", text, 0, 1e301, &v, NULL), 0);
		assert_true(v == n);
	}
}

static void real_numbers_ignore_the_locale(void **state)
{
	uint64_t ns;
	double v;

	(void)state;
	assert_true(enter_comma_locale());
	assert_true(strtod("1,5", NULL) == 1.5); /* or the test would prove nothing */
	assert_int_equal(parse__double("n", "1.5", 0, 10, &v, NULL), 0);
	assert_true(v == 1.5);
	assert_int_equal(parse__double("n", "1,5", 0, 10, &v, NULL), -EINVAL);
	assert_int_equal(parse__percent("n", "2.5%", 0, 10, &v, NULL), 0);
	assert_true(v == 0.025);
	assert_int_equal(parse__time("n", "1.5s", 0, INT64_MAX, &ns, NULL), 0);
	assert_true(ns == 1500000000);
	leave_comma_locale();
}

static void percentages(void **state)
{
	static const char *const bad[] = {"",	  "5",	 "%",	 "5%%",	 "5 %",	 "-5%",
					  "101%", "5x%", "1e1%", "five", "0.05", "%5"};
	struct parse_error err;
	double v = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse__percent("--threshold", bad[i], 0, 100, &v, &err), -EINVAL);
		assert_sentence(&err, "--threshold: \"");
		assert_true(v == 4711);
	}
	assert_message(
		parse__percent("--threshold", "5", 0, 100, &v, &err), &err,
		"--threshold: \"5\" is not a percentage; expected a percentage from 0% to 100%");
	assert_int_equal(parse__percent("x", "5%", 0, 100, &v, NULL), 0);
	assert_true(v == 0.05);
	assert_int_equal(parse__percent("x", "0.5%", 0, 100, &v, NULL), 0);
	assert_true(v == 0.005);
	assert_int_equal(parse__percent("x", "100%", 0, 100, &v, NULL), 0);
	assert_true(v == 1);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"4096B", 4096},
		{"64K", 65536},
		{"64KiB", 65536},
		{"2M", 2 << 20},
		{"2MiB", 2 << 20},
		{"1G", 1 << 30},
		{"1GiB", 1 << 30},
		{"1T", 1ULL << 40},
		{"16777215TiB", 16777215ULL << 40},
	};
	static const char *const bad[] = {
		"",	     "K",   "-1",   "-1K", "1.5K", "1k",  "1KB",
		"1kB",	     "1 K", "0x10", "1KK", " 1",   "1\n", "18446744073709551616",
		"16777216T",
	};
	struct parse_error err;
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(parse__size("--s", good[i].text, 0, UINT64_MAX, &v, &err), 0);
		assert_true(v == good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		v = 4711;
		assert_int_equal(parse__size("--s", bad[i], 0, UINT64_MAX, &v, &err), -EINVAL);
		assert_sentence(&err, "--s: \"");
		assert_true(v == 4711);
	}
	assert_int_equal(parse__size("--s", "1K", 1025, 2048, &v, NULL), -EINVAL);
	assert_int_equal(parse__size("--s", "2K", 1025, 2048, &v, NULL), 0);
}

static void orders(void **state)
{
	static const char *const bad[] = {"21", "-1", "", "nine", "9.0", "99999999999999999999",
					  "0x9"};
	struct parse_error err;
	int v;

	(void)state;
	for (int i = 0; i <= 20; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(parse__order("--order", text, &v, &err), 0);
		assert_int_equal(v, i);
	}
	v = 4711;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse__order("--order", bad[i], &v, &err), -EINVAL);
		assert_sentence(&err, "--order: \"");
		assert_int_equal(v, 4711);
	}
	assert_message(
		parse__order("--order", "21", &v, &err), &err,
		"--order: \"21\" is not an order; expected 0 to 20, such as 9 for 2 MiB of 4 KiB "
		"pages");
}

static void names(void **state)
{
	static const struct parse_name table[] = {
		{"first", 3, NULL}, {"last", 5, NULL}, {"random", -7, NULL}, {NULL, 0, NULL}};
	static const char *const bad[] = {"", "firs", "firstt", "First", "first ", "0", "3"};
	struct parse_error err;
	int v = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse__enum("--touch", bad[i], table, &v, &err), -EINVAL);
		assert_int_equal(v, 4711);
	}
	assert_message(parse__enum("--touch", "middle", table, &v, &err), &err,
		       "--touch: \"middle\" is not known; expected first, last or random");
	for (const struct parse_name *n = table; n->name; n++) {
		assert_int_equal(parse__enum("--touch", n->name, table, &v, NULL), 0);
		assert_int_equal(v, n->value);
		assert_string_equal(parse__enum_name(table, n->value), n->name);
	}
	assert_null(parse__enum_name(table, 4711));
}

/* --- Messages ---------------------------------------------------------------------------- */

static void quotes_are_short_and_clean(void **state)
{
	char buf[PARSE_QUOTE_SIZE], text[300];

	(void)state;
	assert_string_equal(parse__quote("", buf), "\"\"");
	assert_string_equal(parse__quote("a\033[2J\nb\x7f", buf), "\"a?[2J?b?\"");
	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		parse__quote(text, buf);
		assert_in_range(strlen(buf), 2, PARSE_QUOTE_SIZE - 1);
		assert_true(buf[0] == '"' && buf[strlen(buf) - 1] == '"');
		/* All of it, or three dots. */
		assert_true((strstr(buf, "...") != NULL) == (strstr(buf, text) == NULL));
	}
	/* A cut never leaves half a character. */
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		text[shift] = '\0';
		for (int i = 0; i < 60; i++)
			strcat(text, "\xe2\x82\xac");
		parse__quote(text, buf);
		assert_int_equal((strlen(buf) - 2 - 3 - shift) % 3, 0);
	}
}

static void long_values_do_not_break_the_sentence(void **state)
{
	static char text[100000];
	struct parse_error err;
	uint64_t v;
	double d;
	int i;

	(void)state;
	memset(text, '9', sizeof(text) - 1);
	assert_int_equal(parse__u64("--n", text, 0, 10, &v, &err), -EINVAL);
	assert_sentence(&err, "--n: ");
	assert_int_equal(parse__time("--n", text, 0, 10, &v, &err), -EINVAL);
	assert_sentence(&err, "--n: ");
	assert_int_equal(parse__double("--n", text, 0, 10, &d, &err), -EINVAL);
	assert_sentence(&err, "--n: ");
	assert_int_equal(parse__order("--n", text, &i, &err), -EINVAL);
	assert_sentence(&err, "--n: ");
}

static void suggestions(void **state)
{
	static const char *const words[] = {"interval", "duration", "no-gaps",	  "json", "comm",
					    "count",	"color",    "cumulative", "tier", NULL};
	static const struct {
		const char *word;
		const char *meant;
	} cases[] = {
		{"intervall", "interval"},
		{"interva", "interval"},
		{"itnerval", "interval"},
		{"int", "interval"},
		{"jsno", "json"},
		{"jsn", "json"},
		{"colour", "color"},
		{"cum", "cumulative"},
		{"no-gap", "no-gaps"},
		{"nogaps", "no-gaps"},
		{"xyzzy", NULL},
		{"", NULL},
		{"a", NULL},
		{"listen-address", NULL},
		{"interval", "interval"},
		{"averyverylongwordthatisnooptionatall", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *meant = parse__suggest(cases[i].word, words);

		if (!meant != !cases[i].meant || (meant && strcmp(meant, cases[i].meant) != 0))
			fail_msg("%s: %s", cases[i].word, meant ? meant : "nothing");
	}
}

/* --- Random text ------------------------------------------------------------------------- */

/*
 * Texts of the characters that the grammars use. Whatever a parser accepts must
 * be what a second, independent description of the grammar accepts.
 */
static void random_texts(void **state)
{
	static const char alphabet[] = "0011259.-+eEnumsh%KMiB x\n";

	(void)state;
	for (int i = 0; i < 500000; i++) {
		size_t len = random_u64() % 9, digits, after;
		struct parse_error err = {""};
		char text[16];
		uint64_t u;
		int64_t s;
		double d;

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[random_u64() % (sizeof(alphabet) - 1)];
		text[len] = '\0';

		digits = strspn(text, "0123456789");
		assert_int_equal(parse__u64("n", text, 0, UINT64_MAX, &u, &err) == 0,
				 len && digits == len);
		if (parse__i64("n", text, INT64_MIN, INT64_MAX, &s, &err) == 0) {
			char *end;

			assert_true(s == strtoll(text, &end, 10));
			assert_true(!*end && text[0] != '+' && text[0] != ' ');
		}
		if (parse__double("n", text, 0, 1e301, &d, &err) == 0) {
			char *end;

			assert_true(d == strtod(text, &end));
			assert_true(!*end && text[0] >= '0' && text[0] <= '9');
		}
		if (parse__time("n", text, 0, INT64_MAX, &u, &err) == 0) {
			long double value;
			char unit[16] = "";
			int used = 0;

			assert_true(sscanf(text, "%Lf%n", &value, &used) == 1);
			/* sscanf() would take an exponent too; the parser must not have. */
			assert_null(strpbrk(text, "eE-+ \n"));
			strcpy(unit, text + used);
			assert_true(!strcmp(unit, "ns") || !strcmp(unit, "us") ||
				    !strcmp(unit, "ms") || !strcmp(unit, "s") ||
				    !strcmp(unit, "m") || !strcmp(unit, "h"));
		} else {
			assert_sentence(&err, "n: ");
		}
		after = strspn(text + digits, "0123456789.");
		if (parse__percent("n", text, 0, 1e9, &d, &err) == 0)
			assert_true(digits && strcmp(text + digits + after, "%") == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(times_are_strict),
		cmocka_unit_test(times_say_what_was_expected),
		cmocka_unit_test(bounds_of_times_are_inclusive),
		cmocka_unit_test(times_written_are_read_back),
		cmocka_unit_test(times_agree_with_wider_arithmetic),
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(real_numbers),
		cmocka_unit_test(real_numbers_ignore_the_locale),
		cmocka_unit_test(percentages),
		cmocka_unit_test(sizes),
		cmocka_unit_test(orders),
		cmocka_unit_test(names),
		cmocka_unit_test(quotes_are_short_and_clean),
		cmocka_unit_test(long_values_do_not_break_the_sentence),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(random_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
