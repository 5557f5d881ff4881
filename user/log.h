/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LOG_H
#define ZEROSCOPE_LOG_H

/*
 * Messages to people: stderr only, one write() a message so that lines of
 * several threads or processes do not mix, each with the prefix "zeroscope: ".
 * errno is the same after a call as before. A message is one sentence that
 * names the cause and the remedy, without a newline at its end.
 */

#include <stdarg.h>
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR, /* shown always */
	LOG_LEVEL_WARN,	 /* shown always */
	LOG_LEVEL_INFO,	 /* shown from -v on */
	LOG_LEVEL_DEBUG, /* shown from -vv on */
};

/* The number of -v given; less than 0 shows errors alone. */
void log__set_verbosity(int verbosity);

/* For callers that would have to work to make a message that nobody sees. */
bool log__enabled(enum log_level level);

void log__print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log__vprint(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/*
 * While a screen is drawn on the terminal that stderr goes to, messages go to
 * fn: one line with its newline. NULL: to stderr again.
 */
void log__divert(void (*fn)(void *arg, const char *line), void *arg);

/* A line that is part of an interface ("attached: ..."): always, without the prefix. */
void log__plain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_err(...)   log__print(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log__print(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log__print(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log__print(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Logs an error and returns r, so that a message and its code cannot part:
 *	return err_r(-EINVAL, "the recording has no header; is it one?");
 */
#define err_r(r, ...)                                                                              \
	({                                                                                         \
		int err_r_ = (r);                                                                  \
		log_err(__VA_ARGS__);                                                              \
		err_r_;                                                                            \
	})

/* The same, with ": ENAME (text of r)" after the message. */
#define err_errno_r(r, ...)                                                                        \
	({                                                                                         \
		int err_r_ = (r);                                                                  \
		log__print_errno(err_r_, __VA_ARGS__);                                             \
		err_r_;                                                                            \
	})

void log__print_errno(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* ZEROSCOPE_LOG_H */
