// SPDX-License-Identifier: GPL-2.0-only
#include "fetch.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "options.h"
#include "recording.h"
#include "util.h"

#define HEAD_MAX 16384
/* A recording of one snapshot: its frames, and what HTTP puts before them. */
#define ANSWER_MAX (2U * RECORDING_FRAME_MAX + HEAD_MAX)

enum fetch_state {
	FETCH_IDLE,
	FETCH_SENDING, /* connecting, too */
	FETCH_READING,
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "localhost" may be ::1 first, where an exporter listens on 127.0.0.1 alone. */
#define ADDRESSES_MAX 8

struct fetch {
	char host[256], port[8], path[512];
	struct address address[ADDRESSES_MAX];
	size_t nr_addresses;
	size_t at; /* the one that is in use, and the first to be tried the next time */
	size_t tried;
	enum fetch_state state;
	int fd;
	char request[1024];
	size_t sent;
	struct pack_buffer answer;
};

static int fail(char *why, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int fail(char *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, FETCH_WHY_SIZE, fmt, ap);
	va_end(ap);
	return err;
}

/* --- The address ------------------------------------------------------------------------- */

static int unix_address(struct fetch *f, const char *path, char *why)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&f->address[0].sa;

	if (!*path || strlen(path) >= sizeof(sun->sun_path))
		return fail(why, -EINVAL, "--connect: the path of a Unix socket has 1 to %zu bytes",
			    sizeof(sun->sun_path) - 1);
	sun->sun_family = AF_UNIX;
	strcpy(sun->sun_path, path);
	f->address[0].len = sizeof(*sun);
	f->nr_addresses = 1;
	strcpy(f->host, "localhost");
	strcpy(f->path, "/snapshot");
	return 0;
}

/* "HOST", "HOST:PORT", "[HOST]:PORT" */
static int split_host(struct fetch *f, const char *text, size_t len, char *why)
{
	const char *end = text + len, *host = text, *host_end, *port;

	if (*text == '[') {
		host = text + 1;
		host_end = memchr(host, ']', (size_t)(end - host));
		port = host_end ? host_end + 1 : end;
	} else {
		host_end = memchr(text, ':', len);
		host_end = host_end ? host_end : end;
		port = host_end;
	}
	if (!host_end || host_end == host || (port < end && *port != ':') ||
	    (size_t)(host_end - host) >= sizeof(f->host) || (size_t)(end - port) > sizeof(f->port))
		return fail(why, -EINVAL,
			    "--connect: expected http://HOST:PORT or unix:PATH, not a host like "
			    "\"%.*s\"",
			    (int)min(len, (size_t)60), text);
	memcpy(f->host, host, (size_t)(host_end - host));
	snprintf(f->port, sizeof(f->port), "%.*s", (int)(end - port) - (port < end),
		 port < end ? port + 1 : "");
	if (!f->port[0])
		strcpy(f->port, SERVE_DEFAULT_PORT);
	return 0;
}

static int http_address(struct fetch *f, const char *text, char *why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL, *i;
	size_t len = strcspn(text, "/?#");
	int err = split_host(f, text, len, why);

	if (err)
		return err;
	if (strlen(text + len) >= sizeof(f->path) || strpbrk(text, " \t\r\n?#"))
		return fail(why, -EINVAL,
			    "--connect: that is no address of an exporter; expected "
			    "http://HOST:PORT or unix:PATH");
	strcpy(f->path, text[len] && text[len + 1] ? text + len : "/snapshot");
	err = getaddrinfo(f->host, f->port, &hints, &found);
	if (err)
		return fail(why, -EADDRNOTAVAIL, "the host \"%s\" cannot be found: %s", f->host,
			    gai_strerror(err));
	for (i = found; i && f->nr_addresses < ADDRESSES_MAX; i = i->ai_next) {
		struct address *a = &f->address[f->nr_addresses++];

		memcpy(&a->sa, i->ai_addr, i->ai_addrlen);
		a->len = i->ai_addrlen;
	}
	freeaddrinfo(found);
	return 0;
}

int fetch__new(const char *address, struct fetch **out, char why[static FETCH_WHY_SIZE])
{
	_cleanup_fetch_ struct fetch *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return fail(why, -ENOMEM, "out of memory");
	f->fd = -1;
	if (!strncmp(address, "unix:", 5))
		err = unix_address(f, address + 5, why);
	else if (!strncasecmp(address, "http://", 7))
		err = http_address(f, address + 7, why);
	else if (!strncasecmp(address, "https://", 8))
		err = fail(why, -EINVAL,
			   "--connect speaks no TLS; connect on the exporter's own host, over "
			   "unix:PATH, or through a tunnel");
	else
		err = fail(why, -EINVAL,
			   "--connect: expected http://HOST:PORT or unix:PATH, such as "
			   "http://localhost:" SERVE_DEFAULT_PORT);
	if (err)
		return err;
	snprintf(f->request, sizeof(f->request),
		 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: zeroscope/" ZEROSCOPE_VERSION
		 "\r\nConnection: close\r\n\r\n",
		 f->path, f->host);
	*out = TAKE_PTR(f);
	return 0;
}

void fetch__cancel(struct fetch *f)
{
	util__cleanup_close(&f->fd);
	f->fd = -1;
	f->state = FETCH_IDLE;
}

void fetch__free(struct fetch **fp)
{
	struct fetch *f = *fp;

	if (!f)
		return;
	*fp = NULL;
	fetch__cancel(f);
	pack_buffer__free(&f->answer);
	free(f);
}

/* --- The request ------------------------------------------------------------------------- */

int fetch__fd(const struct fetch *f)
{
	return f->fd;
}

short fetch__events(const struct fetch *f)
{
	return f->state == FETCH_SENDING ? POLLOUT : POLLIN;
}

static int refused(struct fetch *f, int err, char *why)
{
	fetch__cancel(f);
	return fail(why, err, "the exporter does not answer: %s", errname(err));
}

static int connect_to(struct fetch *f, const struct address *a)
{
	fetch__cancel(f);
	f->fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return -errno;
	if (connect(f->fd, (const struct sockaddr *)&a->sa, a->len) && errno != EINPROGRESS)
		return -errno;
	f->state = FETCH_SENDING;
	return 0;
}

/* The address in use has answered with err: takes the others in their turn, once each. */
static int connect_next(struct fetch *f, int err)
{
	while (err && ++f->tried < f->nr_addresses) {
		f->at = (f->at + 1) % f->nr_addresses;
		err = connect_to(f, &f->address[f->at]);
	}
	return err;
}

int fetch__start(struct fetch *f, char why[static FETCH_WHY_SIZE])
{
	int err;

	f->answer.len = 0;
	f->sent = 0;
	f->tried = 0;
	err = connect_next(f, connect_to(f, &f->address[f->at]));
	return err ? refused(f, err, why) : 0;
}

/* 1: all of it is sent. */
static int send_request(struct fetch *f)
{
	size_t len = strlen(f->request);
	ssize_t n;

	while (f->sent < len) {
		n = send(f->fd, f->request + f->sent, len - f->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == ENOTCONN || errno == EINTR ? 0 : -errno;
		f->sent += (size_t)n;
	}
	f->state = FETCH_READING;
	return 1;
}

/* 1: the other side has closed. */
static int read_answer(struct fetch *f)
{
	char buf[65536];
	ssize_t n;
	int err;

	for (;;) {
		n = recv(f->fd, buf, sizeof(buf), 0);
		if (n == 0)
			return 1;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (f->answer.len + (size_t)n > ANSWER_MAX)
			return -EFBIG;
		err = pack_buffer__append(&f->answer, buf, (size_t)n);
		if (err)
			return err;
	}
}

/* --- The answer -------------------------------------------------------------------------- */

/* The value of a header in the head, up to the end of its line; NULL: it is not there. */
static const char *header(const char *head, const char *name)
{
	const char *line = head;
	size_t len = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (!strncasecmp(line, name, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static int refuse_status(const char *head, char *why)
{
	int status = atoi(head + 9);

	if (status == 401 || status == 403)
		return fail(why, -EACCES,
			    "the exporter asks for a password (HTTP %d), which this view has no "
			    "way to give; connect over its Unix socket",
			    status);
	if (status == 404)
		return fail(
			why, -EPROTO,
			"there is no snapshot at that address (HTTP 404); is it zeroscope serve?");
	return fail(why, -EPROTO, "the exporter answered with HTTP %d", status);
}

/* 1: whole, and where the body begins. */
static int judge(struct fetch *f, size_t *offset, char *why)
{
	const char *end = f->answer.len ? memmem(f->answer.data, f->answer.len, "\r\n\r\n", 4)
					: NULL;
	char head[HEAD_MAX];
	const char *length;
	uint64_t want;
	size_t len;

	/* An alert is what TLS says to a request in plain text. */
	if (f->answer.len >= 2 && !memcmp(f->answer.data, "\x15\x03", 2))
		return fail(why, -EPROTO,
			    "the exporter speaks TLS, and this view does not; connect over its "
			    "Unix socket, or through a tunnel");
	len = end ? (size_t)(end - (const char *)f->answer.data) : 0;
	if (!end || len >= sizeof(head))
		return fail(why, -EPROTO, "what answers there does not speak HTTP");
	memcpy(head, f->answer.data, len);
	head[len] = '\0';
	if (strncmp(head, "HTTP/1.", 7) != 0 || strlen(head) < 12)
		return fail(why, -EPROTO, "what answers there does not speak HTTP");
	if (strncmp(head + 8, " 200", 4) != 0)
		return refuse_status(head, why);
	*offset = len + 4;
	length = header(head, "Content-Length");
	want = length ? strtoull(length, NULL, 10) : f->answer.len - *offset;
	if (header(head, "Transfer-Encoding") || want != f->answer.len - *offset)
		return fail(why, -EPROTO, "the exporter's answer was cut off");
	return 1;
}

int fetch__step(struct fetch *f, const struct pack_buffer **body, size_t *offset,
		char why[static FETCH_WHY_SIZE])
{
	int ret = 1;

	if (f->state == FETCH_IDLE)
		return 0;
	if (f->state == FETCH_SENDING)
		ret = send_request(f);
	if (ret < 0 && !f->sent)
		ret = connect_next(f, ret);
	if (ret > 0)
		ret = read_answer(f);
	if (ret < 0)
		return refused(f, ret, why);
	if (!ret)
		return 0;
	fetch__cancel(f);
	*body = &f->answer;
	return judge(f, offset, why);
}
