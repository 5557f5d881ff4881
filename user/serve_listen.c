// SPDX-License-Identifier: GPL-2.0-only
#include "serve_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "parse.h"
#include "util.h"

#define BACKLOG	    1024
#define SYSTEMD_FD  3
#define UNIX_PREFIX "unix:"

void listeners__close(struct listeners *l)
{
	size_t i;

	for (i = 0; i < l->nr; i++) {
		util__cleanup_close(&l->one[i].fd);
	}
	l->nr = 0;
}

static bool is_loopback(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	switch (addr->ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			return v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	default:
		return false;
	}
}

/* Says what the socket is really bound to: port 0 has become one by now. */
static int describe(struct listener *l)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	const struct sockaddr_un *un = (const void *)&addr;

	if (getsockname(l->fd, (struct sockaddr *)&addr, &len))
		return -errno;
	l->local = is_loopback(&addr);
	if (addr.ss_family == AF_UNIX) {
		snprintf(l->name, sizeof(l->name), UNIX_PREFIX "%.*s", (int)sizeof(un->sun_path),
			 un->sun_path);
		return 0;
	}
	if (getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return -EINVAL;
	snprintf(l->name, sizeof(l->name), addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
	return 0;
}

static int add(struct listeners *l, int fd)
{
	struct listener *one = &l->one[l->nr];
	int err;

	*one = (struct listener){.fd = fd};
	err = describe(one);
	if (!err)
		l->nr++;
	return err;
}

/*
 * A socket that nobody listens on any more is in the way of the next start: a
 * server that has given up its rights cannot remove its own.
 */
static void remove_stale(const struct sockaddr_un *un)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) && errno == ECONNREFUSED)
		unlink(un->sun_path);
}

static int check_unix(const char *path)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (*path && strlen(path) < room)
		return 0;
	return err_r(-EINVAL, "--web.listen-address: the path of a Unix socket has 1 to %zu bytes",
		     room - 1);
}

static int open_unix(struct listeners *l, const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int err;

	err = check_unix(path);
	if (err)
		return err;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	remove_stale(&un);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, BACKLOG))
		return err_errno_r(-errno, "unix:%s cannot be listened on", path);
	err = add(l, fd);
	if (err)
		return err_errno_r(err, "unix:%s cannot be listened on", path);
	(void)TAKE_FD(fd);
	return 0;
}

static int open_one(const struct addrinfo *ai, bool both)
{
	_cleanup_close_ int fd =
		socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, v6only = !both;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG))
		return -errno;
	return TAKE_FD(fd);
}

/* Cuts "HOST:PORT" and "[HOST]:PORT"; host is empty for ":PORT". */
static int split(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	char quote[PARSE_QUOTE_SIZE];
	bool bracketed = len >= 2 && address[0] == '[' && address[len - 1] == ']';
	struct parse_error err;
	uint64_t number;

	if (!colon || len >= size || (!bracketed && memchr(address, ':', len)))
		return err_r(-EINVAL,
			     "--web.listen-address: %s is no address; expected HOST:PORT, "
			     "[HOST]:PORT, :PORT or unix:PATH",
			     parse__quote(address, quote));
	*port = colon + 1;
	if (parse__u64("--web.listen-address: the port", *port, 0, 65535, &number, &err))
		return err_r(-EINVAL, "%s", err.text);
	snprintf(host, size, "%.*s", (int)(bracketed ? len - 2 : len), address + bracketed);
	return 0;
}

static int open_inet(struct listeners *l, const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL, *ai;
	int err, fd = -EADDRNOTAVAIL;
	char host[256] = "";
	const char *port = NULL;

	err = split(address, host, sizeof(host), &port);
	if (err)
		return err;
	err = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (err)
		return err_r(-EINVAL, "%s is not an address of this host: %s", address,
			     gai_strerror(err));
	/* One socket for all addresses, where IPv6 is there to take both kinds. */
	for (ai = found; ai && !host[0] && fd < 0; ai = ai->ai_next)
		if (ai->ai_family == AF_INET6)
			fd = open_one(ai, true);
	for (ai = found; ai && fd < 0; ai = ai->ai_next)
		fd = open_one(ai, false);
	freeaddrinfo(found);
	if (fd < 0)
		return err_errno_r(fd, "%s cannot be listened on", address);
	err = add(l, fd);
	if (err) {
		close(fd);
		return err_errno_r(err, "%s cannot be listened on", address);
	}
	return 0;
}

int listeners__check(const char *address)
{
	const char *port;
	char host[256];

	if (!strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)))
		return check_unix(address + strlen(UNIX_PREFIX));
	return split(address, host, sizeof(host), &port);
}

int listeners__open(struct listeners *l, const char *address)
{
	if (l->nr == LISTENERS_MAX)
		return err_r(-E2BIG, "at most %d sockets can be listened on", LISTENERS_MAX);
	if (!strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)))
		return open_unix(l, address + strlen(UNIX_PREFIX));
	return open_inet(l, address);
}

int listeners__from_systemd(struct listeners *l)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t of = 0, nr = 0, i;
	int fd, flags, err, is_listening;
	socklen_t len = sizeof(is_listening);

	if (!pid || !fds || util__str_to_u64(pid, &of) || util__str_to_u64(fds, &nr) ||
	    of != (uint64_t)getpid() || !nr || nr > LISTENERS_MAX)
		return err_r(-EINVAL,
			     "--web.systemd-socket: systemd handed no socket over; start it "
			     "through a socket unit");
	for (i = 0; i < nr; i++) {
		fd = SYSTEMD_FD + (int)i;
		flags = fcntl(fd, F_GETFL);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) ||
		    !is_listening || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC))
			return err_r(-EINVAL,
				     "--web.systemd-socket: descriptor %d is no listening socket; "
				     "the socket unit needs ListenStream=",
				     fd);
		err = add(l, fd);
		if (err)
			return err_errno_r(err, "a socket of systemd cannot be used");
	}
	return 0;
}
