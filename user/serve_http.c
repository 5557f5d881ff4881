// SPDX-License-Identifier: GPL-2.0-only
#include "serve_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <microhttpd.h>

#include "log.h"
#include "negotiate.h"
#include "pack.h"
#include "recording.h"
#include "serve_auth.h"
#include "serve_connections.h"
#include "serve_tls.h"
#include "util.h"

/* A snapshot of this age still serves: requests that come together share one. */
#define FRESH_NS (20 * NSEC_PER_MSEC)

/*
 * Of one connection, for as long as it is open: a request line and headers. Larger
 * ones are answered with 431. A scrape's are 500 bytes, or 2 KiB with a long token.
 */
#define CONNECTION_BYTES   (8 * 1024)
#define CONNECTIONS	   256
#define CONNECTION_SECONDS 30

enum body_form {
	BODY_TEXT, /* as enum exposition_format */
	BODY_OPENMETRICS,
	BODY_PROTOBUF,
	BODY_SNAPSHOT,
	BODY_FORMS,
};

struct http_server {
	const struct serve_options *opt;
	struct source *source;		/* not owned */
	struct process_reader *process; /* not owned */
	struct exposition *exposition;
	const struct listeners *listeners; /* not owned */
	const struct web_config *config;   /* not owned */
	struct auth auth;
	struct MHD_Daemon *daemon[LISTENERS_MAX];
	size_t nr;
	unsigned int busy;
	bool quiesced;
	struct connections connections;

	struct snapshot *total;
	uint64_t begin_ns;			  /* when it was begun; 0: there is none */
	struct MHD_Response *body[BODY_FORMS][2]; /* of total: plain, gzip */
	struct MHD_Response *landing;
};

/* Of one request; in *con_cls. */
enum request_state {
	REQUEST_NEW = 1, /* headers are there */
	REQUEST_COUNTED, /* is in busy */
};

/* Those of the configuration, which every answer has. */
static void add_headers(const struct http_server *s, struct MHD_Response *r)
{
	const struct web_config *c = s->config;
	size_t i;

	for (i = 0; i < c->header_names.nr; i++)
		MHD_add_response_header(r, c->header_names.text[i], c->header_values.text[i]);
}

/* --- Bodies. */

static void forget_bodies(struct http_server *s)
{
	unsigned int form, packed;

	for (form = 0; form < BODY_FORMS; form++) {
		for (packed = 0; packed < 2; packed++) {
			if (s->body[form][packed])
				MHD_destroy_response(s->body[form][packed]);
			s->body[form][packed] = NULL;
		}
	}
}

/* Makes sure that there is a snapshot that is fresh. */
static int refresh(struct http_server *s)
{
	uint64_t now = util__monotonic_ns();
	struct snapshot *total;
	bool restarted;

	if (s->begin_ns && now - s->begin_ns < FRESH_NS)
		return 0;
	total = source__total(s->source, &restarted);
	if (!total)
		return -EIO;
	if (restarted)
		exposition__restart(s->exposition);
	forget_bodies(s);
	snapshot__free(&s->total);
	s->total = total;
	s->begin_ns = now;
	return 0;
}

static int write_body(struct http_server *s, enum body_form form, struct pack_buffer *body)
{
	struct exposition_process p;

	if (form == BODY_SNAPSHOT)
		return recording__encode(s->total, RECORDING_TOTALS, body);
	process_reader__read(s->process, &p);
	p.scrape_begin_ns = s->begin_ns;
	return exposition__render(s->exposition, s->total, &p, (enum exposition_format)form, body);
}

/* In place of what it is packed from. */
static int pack_body(struct pack_buffer *body)
{
	_cleanup_pack_buffer_ struct pack_buffer plain = *body;
	z_stream z = {0};
	uint8_t chunk[4096];
	int ret, err = 0;

	*body = (struct pack_buffer){0};
	/* 15 + 16: gzip's own frame. The first level costs least, and text packs well at any. */
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	z.next_in = plain.data;
	z.avail_in = (uInt)plain.len;
	do {
		z.next_out = chunk;
		z.avail_out = sizeof(chunk);
		ret = deflate(&z, Z_FINISH);
		err = pack_buffer__append(body, chunk, sizeof(chunk) - z.avail_out);
	} while (ret == Z_OK && !err);
	deflateEnd(&z);
	return err;
}

static const char *type_of(enum body_form form)
{
	return form == BODY_SNAPSHOT ? "application/octet-stream"
				     : exposition__content_type((enum exposition_format)form);
}

/* The response, made where there is none yet; not to be destroyed by the caller. NULL: no memory. */
static struct MHD_Response *get_body(struct http_server *s, enum body_form form, bool gzip)
{
	_cleanup_pack_buffer_ struct pack_buffer body = {0};
	struct MHD_Response *r = s->body[form][gzip];
	void *data;

	if (r)
		return r;
	if (write_body(s, form, &body) || (gzip && pack_body(&body)))
		return NULL;
	/* It lives until the next snapshot, in no more memory than it needs. */
	data = realloc(body.data, body.len);
	if (data)
		body.data = data;
	r = MHD_create_response_from_buffer_with_free_callback(body.len, body.data, free);
	if (!r)
		return NULL;
	body = (struct pack_buffer){0};
	MHD_add_response_header(r, "Content-Type", type_of(form));
	add_headers(s, r);
	MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
	if (gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	s->body[form][gzip] = r;
	return r;
}

/* --- Answers. */

static enum MHD_Result send_text(const struct http_server *s, struct MHD_Connection *c,
				 unsigned int status, const char *text, const char *header,
				 const char *value)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
	add_headers(s, r);
	if (header)
		MHD_add_response_header(r, header, value);
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result send_body(struct http_server *s, struct MHD_Connection *c, void **state,
				 enum body_form form)
{
	struct MHD_Response *r;

	if (s->opt->max_requests && s->busy >= s->opt->max_requests)
		return send_text(s, c, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "Too many requests at a time; see --web.max-requests.\n",
				 "Retry-After", "1");
	if (refresh(s))
		return send_text(s, c, MHD_HTTP_INTERNAL_SERVER_ERROR,
				 "The counters could not be read; the log says why.\n", NULL, NULL);
	r = get_body(s, form,
		     form != BODY_SNAPSHOT &&
			     negotiate__gzip(header(c, MHD_HTTP_HEADER_ACCEPT_ENCODING)));
	if (!r)
		return send_text(s, c, MHD_HTTP_INTERNAL_SERVER_ERROR, "Out of memory.\n", NULL,
				 NULL);
	*state = (void *)REQUEST_COUNTED;
	s->busy++;
	return MHD_queue_response(c, MHD_HTTP_OK, r);
}

static enum MHD_Result send_landing(struct http_server *s, struct MHD_Connection *c)
{
	return MHD_queue_response(c, MHD_HTTP_OK, s->landing);
}

static enum MHD_Result answer_path(struct http_server *s, struct MHD_Connection *c, void **state,
				   const char *path)
{
	enum exposition_format format;

	if (!strcmp(path, s->opt->telemetry_path)) {
		format = negotiate__format(header(c, MHD_HTTP_HEADER_ACCEPT),
					   s->opt->native_schema >= 0);
		return send_body(s, c, state, (enum body_form)format);
	}
	if (!strcmp(path, "/snapshot"))
		return send_body(s, c, state, BODY_SNAPSHOT);
	if (!strcmp(path, "/"))
		return send_landing(s, c);
	if (!strcmp(path, "/-/healthy"))
		return send_text(s, c, MHD_HTTP_OK, "Healthy.\n", NULL, NULL);
	if (!strcmp(path, "/-/ready"))
		return s->quiesced ? send_text(s, c, MHD_HTTP_SERVICE_UNAVAILABLE, "Ending.\n",
					       NULL, NULL)
				   : send_text(s, c, MHD_HTTP_OK, "Ready.\n", NULL, NULL);
	return send_text(s, c, MHD_HTTP_NOT_FOUND, "There is nothing here.\n", NULL, NULL);
}

static bool has_body(struct MHD_Connection *c)
{
	const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) || (length && strcmp(length, "0") != 0);
}

/* Who may ask at all. False: *ret says what became of the answer. */
static bool is_let_in(struct http_server *s, struct MHD_Connection *c, enum MHD_Result *ret)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!auth__has_room(&s->auth, s->config, util__monotonic_ns())) {
		*ret = send_text(s, c, MHD_HTTP_TOO_MANY_REQUESTS,
				 "More requests than rate_limit allows.\n", "Retry-After", "1");
		return false;
	}
	if (s->config->tls && (!info || !tls__allows(info->tls_session, s->config))) {
		*ret = send_text(
			s, c, MHD_HTTP_FORBIDDEN,
			"A certificate is asked for, and none that is trusted was shown.\n",
			"Connection", "close");
		return false;
	}
	if (!auth__allows(&s->auth, s->config, header(c, MHD_HTTP_HEADER_AUTHORIZATION))) {
		*ret = send_text(s, c, MHD_HTTP_UNAUTHORIZED,
				 "A name and its password are asked for.\n", "WWW-Authenticate",
				 "Basic");
		return false;
	}
	return true;
}

/* Called twice for a request: with its headers, and with its end. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *len, void **state)
{
	struct http_server *s = arg;
	enum MHD_Result ret;

	(void)version;
	(void)data;
	(void)len;
	if (!*state)
		connections__set_answering(&s->connections, c, true);
	if (!*state && !is_let_in(s, c, &ret))
		return ret;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_text(s, c, MHD_HTTP_METHOD_NOT_ALLOWED,
				 "Only GET and HEAD are known here.\n", "Allow", "GET, HEAD");
	if (has_body(c))
		return send_text(s, c, MHD_HTTP_BAD_REQUEST, "A request has no body here.\n",
				 "Connection", "close");
	if (!*state) {
		*state = (void *)REQUEST_NEW;
		return MHD_YES;
	}
	return answer_path(s, c, state, path);
}

static void completed(void *arg, struct MHD_Connection *c, void **state,
		      enum MHD_RequestTerminationCode why)
{
	struct http_server *s = arg;

	(void)why;
	connections__set_answering(&s->connections, c, false);
	s->busy -= *state == (void *)REQUEST_COUNTED;
	*state = NULL;
}

/* Paths are compared as they come: no other writing of one means the same. */
static size_t unescape_nothing(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

static void log_mhd(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void log_mhd(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	/* Mostly what clients did wrong. */
	log__vprint(LOG_LEVEL_DEBUG, fmt, ap);
}

/* --- The server. */

/* The path goes into a page: what means something there does not. */
static void add_escaped(struct pack_buffer *b, const char *text, int *err)
{
	for (; *text && !*err; text++) {
		const char *as = *text == '<'	? "&lt;"
				 : *text == '>' ? "&gt;"
				 : *text == '&' ? "&amp;"
				 : *text == '"' ? "&quot;"
						: NULL;

		*err = pack_buffer__append(b, as ? as : text, as ? strlen(as) : 1);
	}
}

static struct MHD_Response *make_landing(const struct http_server *s)
{
	static const char before[] =
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
		"<title>zeroscope</title></head>\n<body>\n<h1>zeroscope " ZEROSCOPE_VERSION
		"</h1>\n"
		"<p>Who pays for clearing huge pages, for Prometheus.</p>\n<ul>\n<li><a href=\"";
	static const char after[] =
		"\">Metrics</a></li>\n"
		"<li><a href=\"/snapshot\">Snapshot</a>: totals at full resolution, for "
		"<code>zeroscope report</code></li>\n</ul>\n</body>\n</html>\n";
	_cleanup_pack_buffer_ struct pack_buffer b = {0};
	struct MHD_Response *r;
	int err = pack_buffer__append(&b, before, strlen(before));

	add_escaped(&b, s->opt->telemetry_path, &err);
	if (err || pack_buffer__append(&b, after, strlen(after)))
		return NULL;
	r = MHD_create_response_from_buffer(b.len, b.data, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return NULL;
	MHD_add_response_header(r, "Content-Type", "text/html; charset=utf-8");
	add_headers(s, r);
	return r;
}

struct http_server *http_server__new(const struct serve_options *opt, struct source *source,
				     struct process_reader *process,
				     const struct listeners *listeners)
{
	_cleanup_http_server_ struct http_server *s = calloc(1, sizeof(*s));
	struct exposition_options e = {
		.full = opt->series == SERIES_FULL,
		.created = opt->created,
		.native_schema = opt->native_schema,
		.cgroups = opt->cgroup_series,
	};

	if (!s)
		return NULL;
	s->opt = opt;
	s->source = source;
	s->process = process;
	s->exposition = exposition__new(&e);
	s->listeners = listeners;
	connections__init(&s->connections);
	return s->exposition ? TAKE_PTR(s) : NULL;
}

/* Ends the daemons, and what answers were made for their configuration. */
static void stop(struct http_server *s)
{
	while (s->nr)
		MHD_stop_daemon(s->daemon[--s->nr]);
	forget_bodies(s);
	if (s->landing)
		MHD_destroy_response(s->landing);
	s->landing = NULL;
}

void http_server__free(struct http_server **sp)
{
	struct http_server *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	stop(s);
	snapshot__free(&s->total);
	exposition__free(&s->exposition);
	free(s);
}

static int listen_on(struct http_server *s, const struct listener *l, const char *priorities)
{
	const struct web_config *c = s->config;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, c->pem[PEM_CERT]},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, c->pem[PEM_KEY]},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)priorities},
		{MHD_OPTION_END, 0, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
	/* The socket is closed by whoever opened it, not by the library. */
	int fd = dup(l->fd);

	if (fd < 0)
		return err_errno_r(-errno, "%s cannot be served", l->name);
	if (c->tls)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	/* With it, clients are asked for a certificate; whether it will do is ours to say. */
	if (c->client_auth >= CLIENT_CERT_REQUIRE_ANY)
		tls[3] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0,
						 c->pem[PEM_CLIENT_CA]};
	s->daemon[s->nr] = MHD_start_daemon(
		flags, 0, NULL, NULL, answer, s, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)CONNECTION_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		completed, s, MHD_OPTION_NOTIFY_CONNECTION, connections__notified, &s->connections,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!s->daemon[s->nr]) {
		close(fd);
		return err_r(-EIO, "%s cannot be served: the HTTP library refused it", l->name);
	}
	s->nr++;
	return 0;
}

int http_server__configure(struct http_server *s, const struct web_config *config)
{
	char priorities[TLS_PRIORITIES_SIZE] = "";
	struct web_config_error err;
	size_t i;
	int ret;

	if (config->tls && tls__priorities(config, priorities, &err))
		return err_r(-EINVAL, "%s", err.text);
	stop(s);
	s->config = config;
	/* What was true of passwords may not be any more. */
	memset(&s->auth, 0, sizeof(s->auth));
	s->landing = make_landing(s);
	if (!s->landing)
		return err_r(-ENOMEM, "out of memory");
	for (i = 0; i < s->listeners->nr; i++) {
		ret = listen_on(s, &s->listeners->one[i], priorities);
		if (ret)
			return ret;
	}
	return 0;
}

size_t http_server__fds(const struct http_server *s, struct pollfd *fds, size_t nr)
{
	size_t i;

	for (i = 0; i < s->nr && i < nr; i++) {
		const union MHD_DaemonInfo *info =
			MHD_get_daemon_info(s->daemon[i], MHD_DAEMON_INFO_EPOLL_FD);

		fds[i] = (struct pollfd){.fd = info ? info->epoll_fd : -1, .events = POLLIN};
	}
	return i;
}

int http_server__timeout(const struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int timeout = -1;
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (MHD_get_timeout(s->daemon[i], &ms) == MHD_YES &&
		    (timeout < 0 || ms < (MHD_UNSIGNED_LONG_LONG)timeout))
			timeout = (int)min(ms, 3600000ULL);
	return timeout;
}

void http_server__run(struct http_server *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		MHD_run(s->daemon[i]);
}

void http_server__quiesce(struct http_server *s)
{
	size_t i;

	s->quiesced = true;
	for (i = 0; i < s->nr; i++) {
		int fd = MHD_quiesce_daemon(s->daemon[i]);

		if (fd >= 0)
			close(fd);
	}
}

unsigned int http_server__busy(const struct http_server *s)
{
	return s->busy;
}
