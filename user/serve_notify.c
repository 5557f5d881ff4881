// SPDX-License-Identifier: GPL-2.0-only
#include "serve_notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "log.h"
#include "util.h"

static int connect_to(const char *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	if (fd < 0 || len < 2 || len >= sizeof(un.sun_path) || (name[0] != '/' && name[0] != '@'))
		return -1;
	memcpy(un.sun_path, name, len);
	/* The abstract name space. */
	if (name[0] == '@')
		un.sun_path[0] = '\0';
	if (connect(fd, (struct sockaddr *)&un,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return -1;
	return TAKE_FD(fd);
}

void notifier__open(struct notifier *n)
{
	const char *socket_name = getenv("NOTIFY_SOCKET");
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t of = 0, period = 0;

	*n = (struct notifier){.fd = -1};
	if (!socket_name)
		return;
	n->fd = connect_to(socket_name);
	if (n->fd < 0) {
		log_warn("NOTIFY_SOCKET names no socket of systemd; nothing is told to it");
		return;
	}
	if (pid && (util__str_to_u64(pid, &of) || of != (uint64_t)getpid()))
		return;
	if (usec && !util__str_to_u64(usec, &period))
		n->watchdog_ns = period * NSEC_PER_USEC / 2;
}

void notifier__close(struct notifier *n)
{
	util__cleanup_close(&n->fd);
	n->fd = -1;
}

void notifier__tell(const struct notifier *n, const char *state)
{
	if (n->fd >= 0 && send(n->fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_info("systemd could not be told %s", state);
}
