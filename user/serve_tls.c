// SPDX-License-Identifier: GPL-2.0-only
#include "serve_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/x509.h>

#include "util.h"

struct word {
	const char *name; /* as the configuration has it */
	const char *priorities;
};

/* Of TLS 1.3 there is nothing to choose: all of its suites are good, and always on. */
static const struct word suites[] = {
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "+ECDHE-RSA:+AES-128-GCM"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "+ECDHE-RSA:+AES-256-GCM"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "+ECDHE-ECDSA:+AES-128-GCM"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "+ECDHE-ECDSA:+AES-256-GCM"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "+ECDHE-RSA:+CHACHA20-POLY1305"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "+ECDHE-ECDSA:+CHACHA20-POLY1305"},
	{"TLS_AES_128_GCM_SHA256", "+AES-128-GCM"},
	{"TLS_AES_256_GCM_SHA384", "+AES-256-GCM"},
	{"TLS_CHACHA20_POLY1305_SHA256", "+CHACHA20-POLY1305"},
};

static const struct word curves[] = {
	{"CurveP256", "+GROUP-SECP256R1"},
	{"CurveP384", "+GROUP-SECP384R1"},
	{"CurveP521", "+GROUP-SECP521R1"},
	{"X25519", "+GROUP-X25519"},
};

static int add(char *out, const char *text)
{
	size_t len = strlen(out);

	return snprintf(out + len, TLS_PRIORITIES_SIZE - len, ":%s", text) >=
			       (int)(TLS_PRIORITIES_SIZE - len)
		       ? -EINVAL
		       : 0;
}

static int add_words(char *out, const struct web_list *list, const struct word *words, size_t nr,
		     const char *key, struct web_config_error *err)
{
	size_t i, j;

	for (i = 0; i < list->nr; i++) {
		for (j = 0; j < nr && strcmp(words[j].name, list->text[i]) != 0; j++)
			;
		if (j == nr || add(out, words[j].priorities)) {
			snprintf(err->text, sizeof(err->text),
				 "%s: %.80s is none that can be had here", key, list->text[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int tls__priorities(const struct web_config *c, char out[static TLS_PRIORITIES_SIZE],
		    struct web_config_error *err)
{
	gnutls_priority_t made;
	const char *at;
	int ret;

	snprintf(out, TLS_PRIORITIES_SIZE, "SECURE128:%%SERVER_PRECEDENCE:-VERS-ALL%s%s",
		 c->min_version <= 12 && c->max_version >= 12 ? ":+VERS-TLS1.2" : "",
		 c->max_version >= 13 ? ":+VERS-TLS1.3" : "");
	if (c->ciphers.nr) {
		/* Keys are exchanged with forward secrecy; TLS 1.3 has its own names for them. */
		ret = add(out, "-CIPHER-ALL:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA")
			      ?: add_words(out, &c->ciphers, suites, ARRAY_SIZE(suites),
					   "cipher_suites", err);
		if (ret)
			return ret;
	}
	if (c->curves.nr) {
		ret = add(out, "-GROUP-ALL")
			      ?: add_words(out, &c->curves, curves, ARRAY_SIZE(curves),
					   "curve_preferences", err);
		if (ret)
			return ret;
	}
	ret = gnutls_priority_init(&made, out, &at);
	if (ret) {
		snprintf(err->text, sizeof(err->text), "TLS cannot be set up so: %s",
			 gnutls_strerror(ret));
		return -EINVAL;
	}
	gnutls_priority_deinit(made);
	return 0;
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned int)strlen(text)};
}

/* The trusted certificates as a list of their own. NULL: there are none, or no memory. */
static gnutls_x509_trust_list_t make_trust(const char *pem)
{
	gnutls_x509_trust_list_t trust;
	gnutls_datum_t d = datum(pem);

	if (gnutls_x509_trust_list_init(&trust, 0))
		return NULL;
	if (gnutls_x509_trust_list_add_trust_mem(trust, &d, NULL, GNUTLS_X509_FMT_PEM, 0, 0) > 0)
		return trust;
	gnutls_x509_trust_list_deinit(trust, 1);
	return NULL;
}

int tls__check(const struct web_config *c, struct web_config_error *err)
{
	gnutls_certificate_credentials_t cred;
	gnutls_x509_trust_list_t trust;
	gnutls_datum_t cert, key;
	char priorities[TLS_PRIORITIES_SIZE];
	int ret;

	if (!c->tls)
		return 0;
	cert = datum(c->pem[PEM_CERT]);
	key = datum(c->pem[PEM_KEY]);
	ret = gnutls_certificate_allocate_credentials(&cred);
	if (!ret) {
		ret = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(cred);
	}
	if (ret) {
		snprintf(err->text, sizeof(err->text),
			 "the certificate and its key cannot be used: %s", gnutls_strerror(ret));
		return -EINVAL;
	}
	if (c->pem[PEM_CLIENT_CA]) {
		trust = make_trust(c->pem[PEM_CLIENT_CA]);
		if (!trust) {
			snprintf(err->text, sizeof(err->text), "client_ca holds no certificate");
			return -EINVAL;
		}
		gnutls_x509_trust_list_deinit(trust, 1);
	}
	return tls__priorities(c, priorities, err);
}

/* --- Clients. */

static bool is_san(const char *allowed, const char *san, size_t size, int type)
{
	char text[INET6_ADDRSTRLEN];

	if (type == GNUTLS_SAN_IPADDRESS) {
		if (!inet_ntop(size == 4 ? AF_INET : AF_INET6, san, text, sizeof(text)))
			return false;
		return !strcmp(text, allowed);
	}
	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME && type != GNUTLS_SAN_URI)
		return false;
	return size == strlen(allowed) && !memcmp(san, allowed, size);
}

static bool has_allowed_san(gnutls_x509_crt_t crt, const struct web_list *allowed)
{
	char san[256];
	unsigned int n;
	size_t size, i;
	int type;

	for (n = 0;; n++) {
		size = sizeof(san);
		type = gnutls_x509_crt_get_subject_alt_name(crt, n, san, &size, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		/* One that is too long is not among those that are allowed. */
		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return false;
		for (i = 0; type >= 0 && i < allowed->nr; i++)
			if (is_san(allowed->text[i], san, size, type))
				return true;
	}
}

/* Signed by one that is trusted, in its time, and meant for clients. */
static bool is_verified(const gnutls_datum_t *certs, unsigned int nr, const struct web_config *c)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	gnutls_x509_crt_t chain[8];
	gnutls_x509_trust_list_t trust = make_trust(c->pem[PEM_CLIENT_CA]);
	unsigned int i, got = 0, status = 1;

	for (i = 0; trust && i < nr && i < ARRAY_SIZE(chain); i++) {
		if (gnutls_x509_crt_init(&chain[i]))
			break;
		got++;
		if (gnutls_x509_crt_import(chain[i], &certs[i], GNUTLS_X509_FMT_DER))
			break;
	}
	if (!trust || i != nr ||
	    gnutls_x509_trust_list_verify_crt2(trust, chain, got, &purpose, 1, 0, &status, NULL))
		status = 1;
	if (!status && c->client_sans.nr && !has_allowed_san(chain[0], &c->client_sans))
		status = 1;
	while (got)
		gnutls_x509_crt_deinit(chain[--got]);
	if (trust)
		gnutls_x509_trust_list_deinit(trust, 1);
	return !status;
}

bool tls__allows(gnutls_session_t session, const struct web_config *c)
{
	const gnutls_datum_t *certs;
	unsigned int nr = 0;

	if (c->client_auth == CLIENT_CERT_NONE || c->client_auth == CLIENT_CERT_REQUEST)
		return true;
	certs = gnutls_certificate_get_peers(session, &nr);
	if (!certs || !nr)
		return c->client_auth == CLIENT_CERT_VERIFY_IF_GIVEN;
	/* The handshake has shown that the client has the key. */
	return c->client_auth == CLIENT_CERT_REQUIRE_ANY || is_verified(certs, nr, c);
}
