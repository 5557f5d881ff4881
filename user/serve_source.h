/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_SOURCE_H
#define USER_SERVE_SOURCE_H

/* Where the exporter's totals come from: this kernel, or a recording. */

#include <stdbool.h>

#include "options.h"
#include "snapshot.h"

struct source;

/*
 * Attached and counting, or the recording opened. opt must outlive it. 0, or
 * -errno after a sentence; -EPERM: not allowed here.
 */
int source__open(const struct options *opt, struct source **s);
void source__free(struct source **s);
#define _cleanup_source_ __attribute__((cleanup(source__free)))

/*
 * Totals since attach; the caller owns them, and they live no longer than s.
 * Of a recording: up to where its pace has come. *restarted: a new run began
 * since the last call. NULL after a sentence.
 */
struct snapshot *source__total(struct source *s, bool *restarted);

/* A recording is read to its end at once, from now on. */
void source__skip_to_end(struct source *s);

/* Descriptors of its programs, which stay its own; of a recording none. Their number, at most max. */
size_t source__programs(const struct source *s, int *fds, size_t max);

/* Ends open clears, for exact totals at the end. */
void source__stop(struct source *s);

#endif /* USER_SERVE_SOURCE_H */
