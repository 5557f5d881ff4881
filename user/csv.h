/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_CSV_H
#define ZEROSCOPE_CSV_H

/*
 * Intervals as comma-separated values (RFC 4180) for spreadsheets and data
 * frames: a line for each quantity that was measured, the same columns in all.
 * What a quantity does not have, or what is not known, is an empty field.
 *
 *	time, interval_seconds	of the interval
 *	floor			1: events were lost, every count is a lower bound
 *	quantity		clear, on_cpu, gap, resched_delay, extent, allocator, fault,
 *				hold, lifetime; or one number: refcount, coverage_seen, ...
 *	order, part, numa	part: page kind, cause, now or lazy, or what is covered
 *	count, bytes		of events
 *	sum, max		seconds; of one number: its value is in sum
 *	p50_low ... p999_high	the bucket of each quantile, seconds
 */

#include <stdio.h>

#include "snapshot.h"

/* The line of names. 0 or -errno, as csv__interval(). */
int csv__header(FILE *out);

/* Writes all lines with one fwrite(); -EPIPE is a reader that went away. */
int csv__interval(FILE *out, const struct snapshot *s);

#endif /* ZEROSCOPE_CSV_H */
