/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_FETCH_H
#define ZEROSCOPE_FETCH_H

/*
 * One document of an exporter over HTTP/1.1, without waiting: the caller polls
 * the descriptor and calls fetch__step(). Plain HTTP and Unix sockets; no TLS.
 */

#include <stddef.h>

#include "pack.h"
#include "parse.h"

#define FETCH_WHY_SIZE 300

struct fetch;

/*
 * address: "http://HOST[:PORT][/PATH]" or "unix:PATH"; a missing port or path is
 * the exporter's. Looks the host up, which may wait. 0, -EINVAL or another
 * -errno with a sentence in why.
 */
int fetch__new(const char *address, struct fetch **out, char why[static FETCH_WHY_SIZE]);
void fetch__free(struct fetch **f);
#define _cleanup_fetch_ __attribute__((cleanup(fetch__free)))

/* Begins a request; one that is under way is given up. 0, or -errno with a sentence. */
int fetch__start(struct fetch *f, char why[static FETCH_WHY_SIZE]);
void fetch__cancel(struct fetch *f);

/* What to poll: -1 where nothing is under way; the events of poll(). */
int fetch__fd(const struct fetch *f);
short fetch__events(const struct fetch *f);

/*
 * Goes on as far as it can without waiting. 1: the body is in *body, which the
 * fetch owns until the next start; 0: not yet; -errno with a sentence.
 */
int fetch__step(struct fetch *f, const struct pack_buffer **body, size_t *offset,
		char why[static FETCH_WHY_SIZE]);

#endif /* ZEROSCOPE_FETCH_H */
