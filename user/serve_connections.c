// SPDX-License-Identifier: GPL-2.0-only
#include "serve_connections.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util.h"

/* Fewer than the library's limit: at that it would leave newcomers waiting outside. */
#define CONNECTIONS_KEPT 240

#define CONNECTIONS_MANY 32

struct connection {
	TAILQ_ENTRY(connection) place;
	int fd;		/* the library's */
	bool answering; /* a request of it */
	bool told_to_go;
};

void connections__init(struct connections *s)
{
	TAILQ_INIT(&s->all);
	s->nr = 0;
}

/* The first, idle or not, that was not told to go. */
static struct connection *find(const struct connections *s, bool answering)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->all, place)
	if (!c->told_to_go && c->answering == answering)
		return c;
	return NULL;
}

static void make_room(struct connections *s)
{
	struct connection *c;

	if (s->nr <= CONNECTIONS_KEPT)
		return;
	c = find(s, false);
	if (!c)
		c = find(s, true);
	if (!c)
		return;
	c->told_to_go = true;
	s->nr--;
	/* The library finds its end, and closes it. */
	shutdown(c->fd, SHUT_RDWR);
}

static void begin(struct connections *s, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *c = info ? calloc(1, sizeof(*c)) : NULL;

	/* Without, it is only not among those that make room. */
	if (!c)
		return;
	/* A newcomer is not the one to go for itself. */
	make_room(s);
	c->fd = info->connect_fd;
	*context = c;
	TAILQ_INSERT_TAIL(&s->all, c, place);
	s->nr++;
}

void connections__notified(void *arg, struct MHD_Connection *mhd, void **context,
			   enum MHD_ConnectionNotificationCode what)
{
	struct connections *s = arg;
	struct connection *c = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		begin(s, mhd, context);
		return;
	}
	if (!c)
		return;
	TAILQ_REMOVE(&s->all, c, place);
	s->nr -= !c->told_to_go;
	s->most = max(s->most, s->nr);
	free(c);
	*context = NULL;
	/* Memory of many is not held for the few that come from now on. */
	if (!s->nr && s->most >= CONNECTIONS_MANY) {
		s->most = 0;
		malloc_trim(0);
	}
}

void connections__set_answering(struct connections *s, struct MHD_Connection *mhd, bool answering)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *c = info ? info->socket_context : NULL;

	if (!c)
		return;
	c->answering = answering;
	TAILQ_REMOVE(&s->all, c, place);
	TAILQ_INSERT_TAIL(&s->all, c, place);
}
