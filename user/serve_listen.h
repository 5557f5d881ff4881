/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_LISTEN_H
#define USER_SERVE_LISTEN_H

/* The sockets that the exporter listens on: opened here, or handed over by systemd. */

#include <stdbool.h>
#include <stddef.h>

#define LISTENERS_MAX 16

struct listener {
	int fd;		/* owned; does not block */
	char name[160]; /* as a client would write it: "127.0.0.1:10409", "unix:/run/z" */
	bool local;	/* only this host can reach it */
	bool path;	/* a Unix socket with a name in the file system */
};

struct listeners {
	size_t nr;
	struct listener one[LISTENERS_MAX];
};

void listeners__close(struct listeners *l);
#define _cleanup_listeners_ __attribute__((cleanup(listeners__close)))

/* Whether it is written as an address. 0, or -EINVAL after a sentence. */
int listeners__check(const char *address);

/* Both add to *l. 0, or -errno after a sentence. */
int listeners__open(struct listeners *l, const char *address);
int listeners__from_systemd(struct listeners *l);

#endif /* USER_SERVE_LISTEN_H */
