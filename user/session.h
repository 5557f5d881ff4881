/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One measurement from start to end, the same for every command that makes
 * one: attach, say so, a snapshot each interval until interrupted or the time
 * is up, then a last one in which no clear is in the middle.
 */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include "collector.h"
#include "options.h"
#include "slow.h"
#include "snapshot.h"
#include "util.h"

/* What a command can change while it runs. */
struct session_control {
	bool stop; /* end as if interrupted */
	uint64_t interval_ns;
};

/* What a command does with the intervals. All may return -errno, which ends the session. */
struct session_sink {
	void *arg;
	/* The session also ends when this descriptor becomes readable; -1: none. */
	int end_fd;
	/* Called when this descriptor is readable. NULL: there is none. */
	int (*input)(void *arg, struct session_control *control);
	/* Asked for once begin() has returned. */
	int (*input_fd)(void *arg);
	/* Everything is attached; s has no counts yet. May be NULL. */
	int (*begin)(void *arg, const struct snapshot *s);
	/* interval: since the last call; total: since attach. */
	int (*interval)(void *arg, const struct snapshot *interval, const struct snapshot *total);
	/* A clear slower than --slower-than. NULL: they are not asked for. */
	int (*slow)(void *arg, const struct slow_clear *s);
	/* May be NULL. */
	int (*end)(void *arg, const struct snapshot *total);
};

/* Returns an enum exit_status; sentences have been logged. */
int session__run(const struct options *opt, const struct session_sink *sink);

/* How long open clears may take to end when the session does. */
#define SESSION_DRAIN_NS (2 * NSEC_PER_SEC)

/*
 * The steps of it, for a command with a loop of its own.
 *
 * SIGINT, SIGTERM and SIGHUP as a descriptor, or -errno. A reader that goes
 * away is EPIPE from then on.
 */
int session__open_signals(void);

/*
 * Reads *machine, attaches everything and starts to count. opt and machine must
 * outlive the collector. 0, or -errno after a sentence.
 */
int session__attach(const struct options *opt, struct machine *machine, struct collector **c);

/* Says "attached: ..." where scripts wait for it. */
void session__announce(const struct options *opt, const struct snapshot *s);

/* The enum exit_status for an -errno. */
int session__exit_status(int err);

#endif
