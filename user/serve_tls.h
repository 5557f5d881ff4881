/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_TLS_H
#define USER_SERVE_TLS_H

/* TLS as the web configuration asks for it, and the certificates of clients. */

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "serve_config.h"

#define TLS_PRIORITIES_SIZE 1024

/* The versions, ciphers and curves in GnuTLS's words. 0 or -EINVAL with a sentence. */
int tls__priorities(const struct web_config *c, char out[static TLS_PRIORITIES_SIZE],
		    struct web_config_error *err);

/* Can these certificates and this key be served? All texts are in pem[]. 0 or -EINVAL. */
int tls__check(const struct web_config *c, struct web_config_error *err);

/* May the client of the session be answered, by its certificate or the lack of one? */
bool tls__allows(gnutls_session_t session, const struct web_config *c);

#endif /* USER_SERVE_TLS_H */
