/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_HTTP_H
#define USER_SERVE_HTTP_H

/*
 * The exporter's HTTP: one thread, driven from outside. Requests that come
 * together share one snapshot and one body.
 */

#include <poll.h>
#include <stdbool.h>

#include "exposition.h"
#include "options.h"
#include "serve_config.h"
#include "serve_listen.h"
#include "serve_process.h"
#include "serve_source.h"

struct http_server;

/* All arguments must outlive the server. NULL if memory ran out. */
struct http_server *http_server__new(const struct serve_options *opt, struct source *source,
				     struct process_reader *process,
				     const struct listeners *listeners);
void http_server__free(struct http_server **s);
#define _cleanup_http_server_ __attribute__((cleanup(http_server__free)))

/*
 * Begins to answer as the configuration says, on sockets that stay the
 * caller's. Called again, connections are closed and new ones are met by the
 * new configuration, which must outlive the next call. 0, or -errno after a
 * sentence.
 */
int http_server__configure(struct http_server *s, const struct web_config *config);

/* What poll() is to wait for, at most nr descriptors; their number. */
size_t http_server__fds(const struct http_server *s, struct pollfd *fds, size_t nr);

/* How long poll() may wait, in ms; -1: for ever. */
int http_server__timeout(const struct http_server *s);

/* Does all that can be done without waiting. */
void http_server__run(struct http_server *s);

/* Takes no more connections. */
void http_server__quiesce(struct http_server *s);

/* Requests that are being answered. */
unsigned int http_server__busy(const struct http_server *s);

#endif /* USER_SERVE_HTTP_H */
