/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PARSE_H
#define ZEROSCOPE_PARSE_H

/*
 * Strict readers of values that people write. All take the name under which
 * the value was given ("--interval"), accept the whole text or nothing, leave
 * *out alone on an error, and return 0 or -EINVAL with one sentence in err
 * (may be NULL) that names what was given and what was expected:
 *
 *	--interval: "12abc" is not a time; expected a number with a unit, such
 *	as 500us, 1ms or 2s
 *
 * Bounds are inclusive. None of them depends on the locale.
 */

#include <stddef.h>
#include <stdint.h>

#define PARSE_ERROR_SIZE 400

struct parse_error {
	char text[PARSE_ERROR_SIZE];
};

/* Writes the sentence, cut at the size of the buffer; -EINVAL. */
#define parse__fail(err, ...) (parse__say(err, __VA_ARGS__), -EINVAL)
void parse__say(struct parse_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Decimal digits alone, no sign. */
int parse__u64(const char *name, const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
	       struct parse_error *err);

/* Decimal digits with an optional '-'. */
int parse__i64(const char *name, const char *text, int64_t lo, int64_t hi, int64_t *out,
	       struct parse_error *err);

/* "2", "0.5", "1e6": no sign, no hexadecimal, no infinity. */
int parse__double(const char *name, const char *text, double lo, double hi, double *out,
		  struct parse_error *err);

/*
 * A time with its unit (ns, us, ms, s, m, h), in ns: "500us", "1.5s". A bare
 * number, a negative one, and a fraction finer than 1 ns are errors.
 */
int parse__time(const char *name, const char *text, uint64_t lo_ns, uint64_t hi_ns,
		uint64_t *out_ns, struct parse_error *err);

/* A size in bytes: "4096", "64K", "64KiB", "2M", "1GiB"; units are powers of 1024. */
int parse__size(const char *name, const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
		struct parse_error *err);

/* The order of a folio: no kernel has one above PARSE_ORDER_MAX (4 GiB of 4 KiB pages). */
#define PARSE_ORDER_MAX 20
int parse__order(const char *name, const char *text, int *out, struct parse_error *err);

/* "5%" or "0.5%", as a fraction: 0.05. The bounds are percentages. */
int parse__percent(const char *name, const char *text, double lo, double hi, double *out,
		   struct parse_error *err);

/* The names that a value can have; the table ends with a NULL name. */
struct parse_name {
	const char *name;
	int value;
	const char *help; /* for completion and the manual, may be NULL */
};

int parse__enum(const char *name, const char *text, const struct parse_name *names, int *out,
		struct parse_error *err);

/* The name of value in the table, or NULL. */
const char *parse__enum_name(const struct parse_name *names, int value);

#define PARSE_TIME_SIZE 32

/* The shortest way to write ns that parse__time() reads back as the same: "1ms". Returns buf. */
char *parse__format_time(uint64_t ns, char buf[static PARSE_TIME_SIZE]);

/*
 * Of the candidates, the one that a mistyped word most likely means, or NULL:
 * an unambiguous beginning, or a few letters wrong, missing or swapped.
 * candidates ends with NULL.
 */
const char *parse__suggest(const char *word, const char *const *candidates);

#define PARSE_QUOTE_SIZE 80

/* text in quotes, cut to a readable length, with control characters made visible. Returns buf. */
char *parse__quote(const char *text, char buf[static PARSE_QUOTE_SIZE]);

#endif /* ZEROSCOPE_PARSE_H */
