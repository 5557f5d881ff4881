/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PLAIN_H
#define ZEROSCOPE_PLAIN_H

/*
 * A snapshot or an interval as a block of text for people: what `run` prints
 * where the output is no terminal, and what `report` prints.
 *
 * Bounds are printed so that what is printed holds what was measured: the low
 * end of a quantile is rounded down and the high end up, to three digits.
 * Nothing that comes from a process (comm, cgroup) can act on a terminal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "snapshot.h"

struct plain_options {
	bool ascii;  /* nothing but ASCII: '#' for bars, "us" for µs */
	bool color;  /* SGR escapes for headings, bars and warnings */
	int width;   /* columns; 0: 80; less than 60 is 60 */
	int verbose; /* 1: also what the kernel does not count, gaps by order, probes */
	bool totals; /* the snapshot holds the sum of the run: says so in the heading */
};

/*
 * Writes one block with a single fwrite() and flushes it, so that a reader of a
 * pipe gets whole blocks. 0, or -errno: -EPIPE is a reader that went away.
 */
int plain__interval(FILE *out, const struct snapshot *s, const struct plain_options *o);

/* The same for the sum of a run, whatever o->totals says. */
int plain__totals(FILE *out, const struct snapshot *s, const struct plain_options *o);

/*
 * The line that says that everything is attached, without a newline:
 * "attached: folio_zero_user (fentry), …; not attached: clear_pages (inlined)".
 * Pure ASCII; cut to size if it has to be.
 */
void plain__attached(char *buf, size_t size, const struct snapshot *s);

#endif /* ZEROSCOPE_PLAIN_H */
