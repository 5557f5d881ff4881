/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one owner of programs and maps: opens, loads and attaches them, and makes
 * snapshots of what they count. Nothing else in user/ but the probe room knows
 * libbpf.
 *
 *	new -> load -> attach -> activate -> snapshot* -> stop -> free
 *
 * Nothing is counted before activate() and no clear that began after stop().
 * Every object lives in descriptors of this process: however it ends, the
 * kernel removes them.
 */
#ifndef USER_COLLECTOR_H
#define USER_COLLECTOR_H

#include "options.h"
#include "slow.h"
#include "snapshot.h"

struct collector;

/*
 * Both arguments must outlive the collector; machine's preemption model and
 * huge zero kind may be made more exact by what the programs read. Returns NULL
 * if memory ran out.
 */
struct collector *collector__new(const struct run_options *opt, struct machine *machine);
void collector__free(struct collector **c);
#define _cleanup_collector_ __attribute__((cleanup(collector__free)))

/*
 * Asks the kernel which tier serves and loads the programs. 0, -EPERM (not
 * allowed here) or another -errno; the sentence has been logged.
 */
int collector__load(struct collector *c);
/*
 * Before load: the programs take down the paths of cgroups, so that snapshots
 * name those made later even if this process may not look them up then.
 */
void collector__take_cgroup_paths(struct collector *c);
/* Descriptors of the programs that are loaded; they stay the collector's. Their number, at most max. */
size_t collector__programs(const struct collector *c, int *fds, size_t max);
int collector__attach(struct collector *c);
/* Starts counting. */
int collector__activate(struct collector *c);
/* Totals since activate(); the caller owns it. NULL with a logged sentence on failure. */
struct snapshot *collector__snapshot(struct collector *c);
/* Becomes readable when slow clears wait to be fetched; -1 where none are streamed. */
int collector__slow_fd(const struct collector *c);
/*
 * Hands each slow clear that waits to fn. 0, or -errno, also fn's own, which
 * ends it.
 */
int collector__fetch_slow(struct collector *c, int (*fn)(void *arg, const struct slow_clear *s),
			  void *arg);
/*
 * Stops counting new clears and waits until those that are open have ended, but
 * at most wait_ns: a snapshot taken now has no clear in the middle.
 */
void collector__stop(struct collector *c, uint64_t wait_ns);

#endif
