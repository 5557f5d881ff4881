/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_BORROW_H
#define ZEROSCOPE_BORROW_H

/*
 * Settings of the machine (sysfs switches, numbers of hugetlb pages) that a
 * command changes for as long as it runs. They are given back whatever ends the
 * command, kill -9 included: a keeper, forked before the first change, waits
 * for the end of the process and then writes the old values.
 *
 * Two commands that need the same setting share it while neither has to change
 * it; a flock(2) on the file itself keeps one from giving back what another
 * still relies on.
 *
 *	borrow__new → borrow__rely / borrow__set … → borrow__commit → borrow__free
 */

#include <stddef.h>

#define BORROW_MAX	  4
#define BORROW_VALUE_SIZE 32

struct borrow;

#define _cleanup_borrow_ __attribute__((cleanup(borrow__cleanup)))

int borrow__new(struct borrow **b);

/* The file is right as it is and must stay so. 0, -EBUSY: another command borrowed it, or -errno. */
int borrow__rely(struct borrow *b, const char *path);

/*
 * Plans to change the file from old to value; nothing is written yet. 0, -EBUSY
 * where another command relies on it or borrowed it, or -errno.
 */
int borrow__set(struct borrow *b, const char *path, const char *old, const char *value);

/*
 * Starts the keeper and makes the changes. 0 or -errno; *path (may be NULL)
 * then names the file that refused. Call it while the process has one thread.
 */
int borrow__commit(struct borrow *b, const char **path);

/* The changes planned or made, for a report. NULL past the last one. */
const char *borrow__entry(const struct borrow *b, size_t i, const char **old, const char **value);

/*
 * Lets the keeper give everything back and waits for it. 0, or -EIO where it
 * could not (it has said so on stderr). Safe in a signal handler, and twice.
 */
int borrow__return(struct borrow *b);

/* Gives back and releases. */
void borrow__free(struct borrow *b);
void borrow__cleanup(struct borrow **b);

#endif /* ZEROSCOPE_BORROW_H */
