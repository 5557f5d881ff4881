/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_CONFIG_H
#define USER_SERVE_CONFIG_H

/*
 * The file of --web.config.file: TLS, passwords, headers and rate limit, with
 * the keys that the exporters of the Prometheus project share. Strict: what is
 * not known is an error, and a broken file is never used in part.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_CONFIG_BYTES_MAX (256 * 1024) /* of the file, and of each that it names */
#define WEB_CONFIG_LIST_MAX  32

enum web_client_auth {
	CLIENT_CERT_NONE,
	CLIENT_CERT_REQUEST,
	CLIENT_CERT_REQUIRE_ANY,
	CLIENT_CERT_VERIFY_IF_GIVEN,
	CLIENT_CERT_REQUIRE_AND_VERIFY,
};

/* What a certificate or key is: the text itself, or the file that has it. */
enum web_pem {
	PEM_CERT,
	PEM_KEY,
	PEM_CLIENT_CA,
	PEMS,
};

struct web_list {
	size_t nr;
	char *text[WEB_CONFIG_LIST_MAX]; /* owned */
};

struct web_config {
	bool tls;
	char *pem[PEMS];      /* owned; NULL: none, or it is in a file */
	char *pem_file[PEMS]; /* owned; NULL: none */
	enum web_client_auth client_auth;
	struct web_list client_sans;
	int min_version, max_version; /* 12 or 13 */
	struct web_list ciphers, curves;
	struct web_list users, hashes; /* of one length */
	struct web_list header_names, header_values;
	uint64_t rate_interval_ns; /* 0: no limit */
	uint64_t rate_burst;
};

#define WEB_CONFIG_ERROR_SIZE 400

struct web_config_error {
	char text[WEB_CONFIG_ERROR_SIZE]; /* one sentence without a newline */
};

/*
 * 0, or -EINVAL or -ENOMEM with a sentence. *c is to be freed in any case; the
 * texts of pem_file[] are not read here.
 */
int web_config__parse(const char *text, size_t len, struct web_config *c,
		      struct web_config_error *err);
void web_config__free(struct web_config *c);
#define _cleanup_web_config_ __attribute__((cleanup(web_config__free)))

/* True where somebody must show who they are, or what is said cannot be read on the way. */
bool web_config__protects(const struct web_config *c);

#endif /* USER_SERVE_CONFIG_H */
