/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_FILES_H
#define USER_SERVE_FILES_H

/*
 * The web configuration and the files that it names, read again when they
 * change. What serves has no right to open them any more: a child that may read
 * files, and may do nothing else, opens them and hands the descriptors over.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "serve_config.h"

struct file_watch {
	const char *path; /* of the configuration; not owned */
	int socket;	  /* to the child; -1: there is none */
};

/*
 * Reads everything once, with the rights of the caller, and checks it. 0, or
 * -errno after a sentence; *c is the caller's in any case.
 */
int file_watch__read(const char *path, struct web_config *c);

/*
 * Starts the child; before rights are given up. user as in serve_drop.h. 0, or
 * -errno after a sentence.
 */
int file_watch__start(struct file_watch *w, const char *path, const char *user);
void file_watch__stop(struct file_watch *w);

/* Has the files read again, changed or not; the socket becomes readable then. */
void file_watch__ask(struct file_watch *w);

/*
 * What the child has sent, when the socket is readable. 0 with a configuration
 * that has been checked; -errno after a sentence, and the old one stays.
 */
int file_watch__take(struct file_watch *w, struct web_config *c);

#endif /* USER_SERVE_FILES_H */
