// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define LOG_PREFIX "zeroscope: "

static int log_verbosity;

static struct {
	void (*fn)(void *arg, const char *line);
	void *arg;
} log_diverted;

void log__divert(void (*fn)(void *arg, const char *line), void *arg)
{
	log_diverted.fn = fn;
	log_diverted.arg = arg;
}

void log__set_verbosity(int verbosity)
{
	log_verbosity = verbosity;
}

bool log__enabled(enum log_level level)
{
	return (int)level <= (int)LOG_LEVEL_WARN + log_verbosity;
}

/*
 * Names of processes, files and arguments come from outside: an escape sequence
 * in one must not reach the terminal.
 */
static void neutralise(char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			*text = '?';
	}
}

static void emit(const char *prefix, const char *fmt, va_list ap, const char *suffix)
	__attribute__((format(printf, 2, 0)));

static void emit(const char *prefix, const char *fmt, va_list ap, const char *suffix)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *line = NULL;
	int saved = errno;
	size_t len;
	int n;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		goto out;
	}
	neutralise(text);
	len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';

	n = asprintf(&line, "%s%s%s\n", prefix, text, suffix);
	if (n < 0) {
		line = NULL;
		goto out;
	}
	if (log_diverted.fn) {
		log_diverted.fn(log_diverted.arg, line);
		goto out;
	}
	/* Nobody is left to tell when even stderr fails. */
	(void)util__write_all(STDERR_FILENO, line, (size_t)n, NULL);
out:
	errno = saved;
}

void log__vprint(enum log_level level, const char *fmt, va_list ap)
{
	if (log__enabled(level))
		emit(LOG_PREFIX, fmt, ap, "");
}

void log__print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log__vprint(level, fmt, ap);
	va_end(ap);
}

void log__plain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("", fmt, ap, "");
	va_end(ap);
}

void log__print_errno(int r, const char *fmt, ...)
{
	char suffix[128];
	va_list ap;

	if (!log__enabled(LOG_LEVEL_ERROR))
		return;
	snprintf(suffix, sizeof(suffix), "%s%s", r ? ": " : "", r ? errname(r) : "");
	va_start(ap, fmt);
	emit(LOG_PREFIX, fmt, ap, suffix);
	va_end(ap);
}
