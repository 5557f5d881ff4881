/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_INTERVAL_JSON_H
#define ZEROSCOPE_INTERVAL_JSON_H

/*
 * A snapshot or an interval as one JSON object of "type" "interval".
 *
 * All times are seconds, sizes are bytes. What is not measured is null, never 0
 * and never []: an empty list says that it was measured and nothing happened,
 * and a series in which nothing happened is left out of its list.
 *
 * Behind the fields that every reader can rely on stand those that only refine
 * them, so that a reader that does not know them loses nothing:
 *	"cumulative"    true: since attach; false: what the interval added
 *	"clears_total"  all clears, before filters
 *	"gaps_counted"  switches inside clears, from which gaps_per_clear is made
 *	"faults"        [{"order", "count", "wall": HIST, "clear_share"}], see
 *	                interval__clear_share()
 *	"nodes"         [{"node", "count", "bytes", "sum", "gap_sum", "max_since_attach"}]
 *	"cgroups"       the same with "cgroup" and "id" for "node"
 * and inside of objects: kernel.{version, host, preempt_source, pmd_order, cpus,
 * nodes}, huge_zero.{refcount_reason, holders_reason, oldest_at_least}.
 */

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "snapshot.h"

#define INTERVAL_JSON_CUMULATIVE (1U << 0) /* the snapshot holds totals since attach */

/* Writes one object; the caller ends the line, where errors are reported. */
void interval__json(struct json_writer *w, const struct snapshot *s, unsigned int flags);

/* Was there a probe that sees clears? Without one, no clears is not "none". */
bool interval__measures_clears(const struct snapshot *s);

/* Does this row say that the kernel counted what was out of sight? */
bool interval__is_hole(const struct snapshot *s, const struct coverage *c);

/*
 * The share of the time of this order's huge page faults that was clearing, at
 * the fault or in the allocator, 0..1. Not known where there was no fault, and
 * where clears outside of faults (fallocate() of a hugetlb file) make it more
 * than 1.
 */
struct opt_double interval__clear_share(const struct snapshot *s,
					const struct duration_series *fault);

#endif /* ZEROSCOPE_INTERVAL_JSON_H */
