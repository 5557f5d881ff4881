/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_COMMAND_GROUP_H
#define ZEROSCOPE_COMMAND_GROUP_H

/*
 * A control group for one command, so that it and all that it starts can be
 * told from everything else. It is made below the caller's own: limits that
 * hold for the caller hold in it.
 */

#include <stddef.h>
#include <sys/types.h>

struct command_group {
	char path[1024]; /* of its directory; empty: there is none */
};

/* Makes it and moves pid into it. 0 or -errno, and then nothing was made. */
int command_group__make(struct command_group *g, pid_t pid);

/* Removes it. What the command left running keeps it; -EBUSY then. */
int command_group__remove(struct command_group *g);

#endif /* ZEROSCOPE_COMMAND_GROUP_H */
