// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define DIGITS "0123456789"

#define EXPECTED_TIME "expected a number with a unit, such as 500us, 1ms or 2s"
#define EXPECTED_SIZE "expected a number of bytes or a number with a unit, such as 64K or 2MiB"

void parse__say(struct parse_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

char *parse__quote(const char *text, char buf[static PARSE_QUOTE_SIZE])
{
	const size_t room = PARSE_QUOTE_SIZE - sizeof("\"...\"");
	size_t len;

	buf[0] = '"';
	for (len = 0; len < room && text[len]; len++) {
		unsigned char c = (unsigned char)text[len];

		buf[len + 1] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	/* Never end inside a UTF-8 sequence. */
	if (text[len])
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	strcpy(buf + len + 1, text[len] ? "...\"" : "\"");
	return buf;
}

static size_t count_digits(const char *text)
{
	return strspn(text, DIGITS);
}

/* The first len characters are digits. 0 or -ERANGE. */
static int digits_to_u64(const char *text, size_t len, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return -ERANGE;
	}
	*out = v;
	return 0;
}

/* A '-' and then a digit: a number, but not one that can be meant here. */
static bool is_negative(const char *text)
{
	return text[0] == '-' && count_digits(text + 1) > 0;
}

int parse__u64(const char *name, const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
	       struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE];
	const char *what;
	uint64_t v;
	int ret;

	ret = util__str_to_u64(text, &v);
	if (!ret && v >= lo && v <= hi) {
		*out = v;
		return 0;
	}
	what = ret != -EINVAL || is_negative(text) ? "out of range" : "not a whole number";
	if (hi == UINT64_MAX)
		return parse__fail(err,
				   "%s: %s is %s; expected a whole number of at least %" PRIu64,
				   name, parse__quote(text, quote), what, lo);
	return parse__fail(err,
			   "%s: %s is %s; expected a whole number from %" PRIu64 " to %" PRIu64,
			   name, parse__quote(text, quote), what, lo, hi);
}

int parse__i64(const char *name, const char *text, int64_t lo, int64_t hi, int64_t *out,
	       struct parse_error *err)
{
	bool negative = text[0] == '-';
	char quote[PARSE_QUOTE_SIZE];
	uint64_t magnitude;
	int64_t v = 0;
	int ret;

	ret = util__str_to_u64(text + negative, &magnitude);
	if (!ret) {
		if (negative && magnitude <= (uint64_t)INT64_MAX + 1)
			v = (int64_t)(0 - magnitude);
		else if (!negative && magnitude <= INT64_MAX)
			v = (int64_t)magnitude;
		else
			ret = -ERANGE;
	}
	if (!ret && v >= lo && v <= hi) {
		*out = v;
		return 0;
	}
	return parse__fail(err,
			   "%s: %s is %s; expected a whole number from %" PRId64 " to %" PRId64,
			   name, parse__quote(text, quote),
			   ret == -EINVAL ? "not a whole number" : "out of range", lo, hi);
}

/* strtod() under the C locale, whatever the process has set; the text was checked before. */
static double to_double(const char *text)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double v;

	if (c == (locale_t)0)
		return strtod(text, NULL);
	v = strtod_l(text, NULL, c);
	freelocale(c);
	return v;
}

/* The length of the decimal number that text begins with, 0 if none. */
static size_t decimal_len(const char *text, bool exponent)
{
	size_t len = count_digits(text), n, sign;

	if (!len)
		return 0;
	if (text[len] == '.') {
		n = count_digits(text + len + 1);
		if (!n)
			return 0;
		len += 1 + n;
	}
	if (exponent && (text[len] == 'e' || text[len] == 'E')) {
		sign = text[len + 1] == '-' || text[len + 1] == '+';
		n = count_digits(text + len + 1 + sign);
		if (!n)
			return 0;
		len += 1 + sign + n;
	}
	return len;
}

/* "from 0 to 100", "of at least 1": bounds of a number. */
static const char *describe_bounds(double lo, double hi, const char *unit, char *buf, size_t size)
{
	char a[UTIL_DOUBLE_SIZE], b[UTIL_DOUBLE_SIZE];

	util__format_double(lo, a);
	util__format_double(hi, b);
	if (hi >= 1e300)
		snprintf(buf, size, "of at least %s%s", a, unit);
	else
		snprintf(buf, size, "from %s%s to %s%s", a, unit, b, unit);
	return buf;
}

int parse__double(const char *name, const char *text, double lo, double hi, double *out,
		  struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE], bounds[2 * UTIL_DOUBLE_SIZE + 32];
	size_t len = decimal_len(text, true);
	bool number = len && !text[len];
	double v;

	if (number) {
		v = to_double(text);
		if (v >= lo && v <= hi) {
			*out = v;
			return 0;
		}
	}
	return parse__fail(err, "%s: %s is %s; expected a number %s", name,
			   parse__quote(text, quote),
			   number || is_negative(text) ? "out of range" : "not a number",
			   describe_bounds(lo, hi, "", bounds, sizeof(bounds)));
}

int parse__percent(const char *name, const char *text, double lo, double hi, double *out,
		   struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE], bounds[2 * UTIL_DOUBLE_SIZE + 32];
	size_t len = decimal_len(text, false);
	bool number = len && strcmp(text + len, "%") == 0;
	double v;

	if (number) {
		v = to_double(text); /* stops at the % */
		if (v >= lo && v <= hi) {
			*out = v / 100;
			return 0;
		}
	}
	return parse__fail(err, "%s: %s is %s; expected a percentage %s", name,
			   parse__quote(text, quote),
			   number || is_negative(text) ? "out of range" : "not a percentage",
			   describe_bounds(lo, hi, "%", bounds, sizeof(bounds)));
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{"h", 3600 * NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC},
	{"s", NSEC_PER_SEC},
	{"ms", NSEC_PER_MSEC},
	{"us", NSEC_PER_USEC},
	{"\xc2\xb5s", NSEC_PER_USEC}, /* the micro sign */
	{"\xce\xbcs", NSEC_PER_USEC}, /* the Greek letter, which looks the same */
	{"ns", 1},
};

static const struct unit size_units[] = {
	{"", 1},	   {"B", 1},
	{"K", 1ULL << 10}, {"KiB", 1ULL << 10},
	{"M", 1ULL << 20}, {"MiB", 1ULL << 20},
	{"G", 1ULL << 30}, {"GiB", 1ULL << 30},
	{"T", 1ULL << 40}, {"TiB", 1ULL << 40},
};

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/*
 * number × factor in integers, since a double would round what was written.
 * 0, -ERANGE (too large), -EDOM (a fraction finer than 1).
 */
static int scale(const char *text, uint64_t factor, uint64_t *out)
{
	size_t whole = count_digits(text), i;
	uint64_t v;

	if (digits_to_u64(text, whole, &v) || __builtin_mul_overflow(v, factor, &v))
		return -ERANGE;
	if (text[whole] == '.') {
		const char *frac = text + whole + 1;
		size_t n = count_digits(frac);

		for (i = 0; i < n; i++) {
			if (factor % 10) {
				/* Zeros may follow for ever. */
				if (frac[i] != '0')
					return -EDOM;
				continue;
			}
			factor /= 10;
			if (__builtin_add_overflow(v, (uint64_t)(frac[i] - '0') * factor, &v))
				return -ERANGE;
		}
	}
	*out = v;
	return 0;
}

char *parse__format_time(uint64_t ns, char buf[static PARSE_TIME_SIZE])
{
	size_t i;

	if (!ns)
		return strcpy(buf, "0s");
	/* The last unit, ns, divides everything. */
	for (i = 0; i < ARRAY_SIZE(time_units) - 1; i++)
		if (ns % time_units[i].factor == 0)
			break;
	snprintf(buf, PARSE_TIME_SIZE, "%" PRIu64 "%s", ns / time_units[i].factor,
		 time_units[i].name);
	return buf;
}

int parse__time(const char *name, const char *text, uint64_t lo_ns, uint64_t hi_ns,
		uint64_t *out_ns, struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE], lo[PARSE_TIME_SIZE], hi[PARSE_TIME_SIZE];
	size_t len = decimal_len(text, false);
	const struct unit *unit;
	uint64_t ns;
	int ret;

	parse__quote(text, quote);
	if (is_negative(text))
		return parse__fail(err, "%s: %s is negative; " EXPECTED_TIME, name, quote);
	if (!len)
		return parse__fail(err, "%s: %s is not a time; " EXPECTED_TIME, name, quote);
	if (!text[len])
		return parse__fail(err, "%s: %s has no unit; " EXPECTED_TIME, name, quote);
	unit = find_unit(time_units, ARRAY_SIZE(time_units), text + len);
	if (!unit)
		return parse__fail(err, "%s: %s is not a time; " EXPECTED_TIME, name, quote);

	ret = scale(text, unit->factor, &ns);
	if (ret == -EDOM)
		return parse__fail(err, "%s: %s is finer than a nanosecond; " EXPECTED_TIME, name,
				   quote);
	if (!ret && ns >= lo_ns && ns <= hi_ns) {
		*out_ns = ns;
		return 0;
	}
	parse__format_time(lo_ns, lo);
	if (hi_ns >= INT64_MAX && (ret || ns > hi_ns))
		return parse__fail(err, "%s: %s is too long; expected less than 292 years", name,
				   quote);
	if (hi_ns >= INT64_MAX)
		return parse__fail(err, "%s: %s is too short; expected at least %s", name, quote,
				   lo);
	return parse__fail(err, "%s: %s is out of range; expected a time from %s to %s", name,
			   quote, lo, parse__format_time(hi_ns, hi));
}

int parse__size(const char *name, const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
		struct parse_error *err)
{
	size_t len = decimal_len(text, false);
	char quote[PARSE_QUOTE_SIZE];
	const struct unit *unit;
	uint64_t v;
	int ret;

	parse__quote(text, quote);
	if (is_negative(text))
		return parse__fail(err, "%s: %s is negative; " EXPECTED_SIZE, name, quote);
	unit = len ? find_unit(size_units, ARRAY_SIZE(size_units), text + len) : NULL;
	if (!unit)
		return parse__fail(err, "%s: %s is not a size; " EXPECTED_SIZE, name, quote);
	/* "1.5K" would be whole, but halves of bytes are not worth a rule of their own. */
	if (text[count_digits(text)] == '.')
		return parse__fail(err, "%s: %s has a fraction; " EXPECTED_SIZE, name, quote);
	ret = scale(text, unit->factor, &v);
	if (!ret && v >= lo && v <= hi) {
		*out = v;
		return 0;
	}
	return parse__fail(err, "%s: %s is out of range; expected %" PRIu64 " to %" PRIu64 " bytes",
			   name, quote, lo, hi);
}

int parse__order(const char *name, const char *text, int *out, struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE];
	uint64_t v;

	if (parse__u64(name, text, 0, PARSE_ORDER_MAX, &v, NULL) == 0) {
		*out = (int)v;
		return 0;
	}
	return parse__fail(
		err, "%s: %s is not an order; expected 0 to %d, such as 9 for 2 MiB of 4 KiB pages",
		name, parse__quote(text, quote), PARSE_ORDER_MAX);
}

const char *parse__enum_name(const struct parse_name *names, int value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

int parse__enum(const char *name, const char *text, const struct parse_name *names, int *out,
		struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE], list[200];
	const struct parse_name *n;
	size_t len = 0;

	for (n = names; n->name; n++) {
		if (strcmp(n->name, text) == 0) {
			*out = n->value;
			return 0;
		}
	}
	list[0] = '\0';
	for (n = names; n->name && len < sizeof(list); n++) {
		const char *glue = n == names ? "" : n[1].name ? ", " : " or ";

		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", glue, n->name);
	}
	return parse__fail(err, "%s: %s is not known; expected %s", name, parse__quote(text, quote),
			   list);
}

#define SUGGEST_MAX 32

/* Edit distance with swaps of neighbours (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
	size_t d[SUGGEST_MAX + 1][SUGGEST_MAX + 1] = {{0}};
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SIZE_MAX;
	for (i = 0; i <= la; i++)
		d[i][0] = i;
	for (j = 0; j <= lb; j++)
		d[0][j] = j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			size_t cost = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost = min(cost, d[i - 1][j] + 1);
			cost = min(cost, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost = min(cost, d[i - 2][j - 2] + 1);
			d[i][j] = cost;
		}
	}
	return d[la][lb];
}

const char *parse__suggest(const char *word, const char *const *candidates)
{
	const char *best = NULL, *begins = NULL;
	size_t best_distance = SIZE_MAX, begin_count = 0, len = strlen(word);

	for (; *candidates; candidates++) {
		size_t distance = edit_distance(word, *candidates);

		if (len >= 2 && strncmp(word, *candidates, len) == 0) {
			begins = *candidates;
			begin_count++;
		}
		if (distance < best_distance) {
			best_distance = distance;
			best = *candidates;
		}
	}
	/* One wrong letter in three is a slip; more is another word. */
	if (best && best_distance <= max(len / 3, (size_t)1) && best_distance < len)
		return best;
	return begin_count == 1 ? begins : NULL;
}
