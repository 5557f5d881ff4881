/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_CONNECTIONS_H
#define USER_SERVE_CONNECTIONS_H

/*
 * Whoever opens connections and says nothing cannot keep others out: where room
 * gets short, a new one gets the place of the one that has asked nothing for
 * longest, or if all of them are being answered, of the first of these.
 */

#include <stdbool.h>
#include <sys/queue.h>

#include <microhttpd.h>

/* What the library may be given as its limit, for each listener. */
#define CONNECTIONS_MAX 256

struct connection;

struct connections {
	/* In the order of their last requests, and of their begin before the first. */
	TAILQ_HEAD(connection_list, connection) all;
	unsigned int nr;   /* less those that were told to go */
	unsigned int most; /* at a time, since there were none */
};

void connections__init(struct connections *s);
/* For MHD_OPTION_NOTIFY_CONNECTION; arg: struct connections. */
void connections__notified(void *arg, struct MHD_Connection *mhd, void **context,
			   enum MHD_ConnectionNotificationCode what);
/* A request of it begins to be answered, or has been. */
void connections__set_answering(struct connections *s, struct MHD_Connection *mhd, bool answering);

#endif /* USER_SERVE_CONNECTIONS_H */
