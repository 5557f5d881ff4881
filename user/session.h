/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One measurement from start to end, the same for every command that makes
 * one: attach, say so, a snapshot each interval until interrupted or the time
 * is up, then a last one in which no clear is in the middle.
 */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include "options.h"
#include "slow.h"
#include "snapshot.h"

/* What a command does with the intervals. All may return -errno, which ends the session. */
struct session_sink {
	void *arg;
	/* The session also ends when this descriptor becomes readable; -1: none. */
	int end_fd;
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

#endif
