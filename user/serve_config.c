// SPDX-License-Identifier: GPL-2.0-only
#include "serve_config.h"

#include <crypt.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "parse.h"
#include "util.h"

struct reader {
	yaml_document_t document;
	struct web_config *config;
	struct web_config_error *err;
};

/* What a key of a mapping leads to. */
struct key {
	const char *name;
	int (*read)(struct reader *r, const char *name, const yaml_node_t *value, size_t arg);
	size_t arg;
};

__attribute__((format(printf, 3, 4))) static int fail(struct reader *r, const yaml_node_t *at,
						      const char *fmt, ...)
{
	size_t len = 0;
	va_list ap;

	if (at)
		len = (size_t)snprintf(r->err->text, sizeof(r->err->text),
				       "line %zu: ", at->start_mark.line + 1);
	va_start(ap, fmt);
	vsnprintf(r->err->text + len, sizeof(r->err->text) - len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The text of a scalar, or NULL with a sentence. Nothing in the file may hold a NUL. */
static const char *scalar(struct reader *r, const char *name, const yaml_node_t *n)
{
	if (n->type != YAML_SCALAR_NODE) {
		fail(r, n, "%s: expected a single value", name);
		return NULL;
	}
	if (strlen((const char *)n->data.scalar.value) != n->data.scalar.length) {
		fail(r, n, "%s: the value holds a NUL", name);
		return NULL;
	}
	return (const char *)n->data.scalar.value;
}

static int copy(struct reader *r, const yaml_node_t *at, const char *text, char **out)
{
	free(*out);
	*out = strdup(text);
	return *out ? 0 : (fail(r, at, "out of memory"), -ENOMEM);
}

static int add(struct reader *r, const yaml_node_t *at, struct web_list *l, const char *text)
{
	if (l->nr == WEB_CONFIG_LIST_MAX)
		return fail(r, at, "at most %d of these are possible", WEB_CONFIG_LIST_MAX);
	l->text[l->nr] = NULL;
	if (copy(r, at, text, &l->text[l->nr]))
		return -ENOMEM;
	l->nr++;
	return 0;
}

/* An empty value ("key:") is as good as none. */
static bool is_null(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!n->data.scalar.length || !strcmp((const char *)n->data.scalar.value, "null") ||
		!strcmp((const char *)n->data.scalar.value, "~"));
}

/* Calls fn for each pair; refuses a key that comes twice. */
static int for_each_pair(struct reader *r, const char *name, const yaml_node_t *n,
			 int (*fn)(struct reader *r, const yaml_node_t *key, const char *text,
				   const yaml_node_t *value, const void *arg),
			 const void *arg)
{
	const yaml_node_pair_t *p, *q;
	int err = 0;

	if (is_null(n))
		return 0;
	if (n->type != YAML_MAPPING_NODE)
		return fail(r, n, "%s: expected keys with values", name);
	for (p = n->data.mapping.pairs.start; !err && p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);
		const char *text = scalar(r, name, key);

		if (!text)
			return -EINVAL;
		for (q = n->data.mapping.pairs.start; q < p; q++) {
			const yaml_node_t *old = yaml_document_get_node(&r->document, q->key);

			if (!strcmp((const char *)old->data.scalar.value, text))
				return fail(r, key, "%s is there twice", text);
		}
		err = fn(r, key, text, yaml_document_get_node(&r->document, p->value), arg);
	}
	return err;
}

static int read_key(struct reader *r, const yaml_node_t *at, const char *text,
		    const yaml_node_t *value, const void *arg)
{
	const struct key *k;
	char quote[PARSE_QUOTE_SIZE];

	for (k = arg; k->name; k++)
		if (!strcmp(k->name, text))
			return k->read(r, text, value, k->arg);
	return fail(r, at, "%s is no key here", parse__quote(text, quote));
}

/* --- Values. */

static int read_pem(struct reader *r, const char *name, const yaml_node_t *v, size_t which)
{
	const char *text = scalar(r, name, v);

	return text ? copy(r, v, text, &r->config->pem[which]) : -EINVAL;
}

static int read_pem_file(struct reader *r, const char *name, const yaml_node_t *v, size_t which)
{
	const char *text = scalar(r, name, v);

	return text ? copy(r, v, text, &r->config->pem_file[which]) : -EINVAL;
}

static int read_enum(struct reader *r, const char *name, const yaml_node_t *v,
		     const struct parse_name *names, int *out)
{
	const char *text = scalar(r, name, v);
	struct parse_error e;

	if (!text)
		return -EINVAL;
	if (parse__enum(name, text, names, out, &e))
		return fail(r, v, "%s", e.text);
	return 0;
}

static int read_client_auth(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct parse_name names[] = {
		{"NoClientCert", CLIENT_CERT_NONE, NULL},
		{"RequestClientCert", CLIENT_CERT_REQUEST, NULL},
		{"RequireAnyClientCert", CLIENT_CERT_REQUIRE_ANY, NULL},
		{"VerifyClientCertIfGiven", CLIENT_CERT_VERIFY_IF_GIVEN, NULL},
		{"RequireAndVerifyClientCert", CLIENT_CERT_REQUIRE_AND_VERIFY, NULL},
		{NULL, 0, NULL},
	};
	int value = CLIENT_CERT_NONE;
	int err;

	(void)arg;
	if (is_null(v) || (v->type == YAML_SCALAR_NODE && !v->data.scalar.length))
		return 0;
	err = read_enum(r, name, v, names, &value);
	r->config->client_auth = (enum web_client_auth)value;
	return err;
}

static int read_version(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct parse_name names[] = {
		{"TLS12", 12, NULL}, {"TLS13", 13, NULL}, {NULL, 0, NULL}};

	return read_enum(r, name, v, names, (int *)((char *)r->config + arg));
}

static int read_bool(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct parse_name names[] = {
		{"true", 1, NULL}, {"false", 0, NULL}, {NULL, 0, NULL}};
	int ignored;

	(void)arg;
	/* Taken and without a meaning here: HTTP/1.1 is served, and our order of ciphers is used. */
	return read_enum(r, name, v, names, &ignored);
}

static int read_list(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	struct web_list *l = (struct web_list *)((char *)r->config + arg);
	const yaml_node_item_t *i;
	int err = 0;

	if (is_null(v))
		return 0;
	if (v->type != YAML_SEQUENCE_NODE)
		return fail(r, v, "%s: expected a list", name);
	for (i = v->data.sequence.items.start; !err && i < v->data.sequence.items.top; i++) {
		const yaml_node_t *n = yaml_document_get_node(&r->document, *i);
		const char *text = scalar(r, name, n);

		err = text ? add(r, n, l, text) : -EINVAL;
	}
	return err;
}

static int read_header(struct reader *r, const yaml_node_t *at, const char *text,
		       const yaml_node_t *value, const void *arg)
{
	static const char *const known[] = {
		"Strict-Transport-Security", "X-Content-Type-Options",	"X-Frame-Options",
		"X-XSS-Protection",	     "Content-Security-Policy",
	};
	const char *v = scalar(r, text, value);
	size_t i;

	(void)arg;
	if (!v)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(known) && strcasecmp(known[i], text) != 0; i++)
		;
	if (i == ARRAY_SIZE(known))
		return fail(r, at,
			    "%s is no header that can be set; expected Strict-Transport-Security, "
			    "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection or "
			    "Content-Security-Policy",
			    text);
	if (strpbrk(v, "\r\n"))
		return fail(r, value, "%s: a header is one line", text);
	/* An empty one is not sent. */
	if (!*v)
		return 0;
	return add(r, at, &r->config->header_names, known[i])
		       ?: add(r, value, &r->config->header_values, v);
}

static int read_headers(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	(void)arg;
	return for_each_pair(r, name, v, read_header, NULL);
}

static int read_user(struct reader *r, const yaml_node_t *at, const char *text,
		     const yaml_node_t *value, const void *arg)
{
	const char *hash = scalar(r, text, value);

	(void)arg;
	if (!hash)
		return -EINVAL;
	if (!*text || strchr(text, ':'))
		return fail(r, at, "a user's name is not empty and has no colon");
	if (strlen(hash) != 60 || hash[0] != '$' || hash[1] != '2' ||
	    crypt_checksalt(hash) != CRYPT_SALT_OK)
		return fail(r, value,
			    "the password of %s is no bcrypt hash; htpasswd -nBC 10 \"\" "
			    "makes one",
			    text);
	return add(r, at, &r->config->users, text) ?: add(r, value, &r->config->hashes, hash);
}

static int read_users(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	(void)arg;
	return for_each_pair(r, name, v, read_user, NULL);
}

static int read_interval(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	const char *text = scalar(r, name, v);
	struct parse_error e;

	(void)arg;
	if (!text)
		return -EINVAL;
	if (!strcmp(text, "0"))
		return 0;
	if (parse__time(name, text, 0, 3600 * NSEC_PER_SEC, &r->config->rate_interval_ns, &e))
		return fail(r, v, "%s", e.text);
	return 0;
}

static int read_burst(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	const char *text = scalar(r, name, v);
	struct parse_error e;

	(void)arg;
	if (!text)
		return -EINVAL;
	if (parse__u64(name, text, 1, 1000000, &r->config->rate_burst, &e))
		return fail(r, v, "%s", e.text);
	return 0;
}

/* --- Sections. */

static int read_tls(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct key keys[] = {
		{"cert", read_pem, PEM_CERT},
		{"key", read_pem, PEM_KEY},
		{"client_ca", read_pem, PEM_CLIENT_CA},
		{"cert_file", read_pem_file, PEM_CERT},
		{"key_file", read_pem_file, PEM_KEY},
		{"client_ca_file", read_pem_file, PEM_CLIENT_CA},
		{"client_auth_type", read_client_auth, 0},
		{"client_allowed_sans", read_list, offsetof(struct web_config, client_sans)},
		{"min_version", read_version, offsetof(struct web_config, min_version)},
		{"max_version", read_version, offsetof(struct web_config, max_version)},
		{"cipher_suites", read_list, offsetof(struct web_config, ciphers)},
		{"curve_preferences", read_list, offsetof(struct web_config, curves)},
		{"prefer_server_cipher_suites", read_bool, 0},
		{NULL, NULL, 0},
	};

	(void)arg;
	r->config->tls = !is_null(v);
	return for_each_pair(r, name, v, read_key, keys);
}

static int read_http(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct key keys[] = {
		{"http2", read_bool, 0},
		{"headers", read_headers, 0},
		{NULL, NULL, 0},
	};

	(void)arg;
	return for_each_pair(r, name, v, read_key, keys);
}

static int read_rate(struct reader *r, const char *name, const yaml_node_t *v, size_t arg)
{
	static const struct key keys[] = {
		{"interval", read_interval, 0},
		{"burst", read_burst, 0},
		{NULL, NULL, 0},
	};

	(void)arg;
	return for_each_pair(r, name, v, read_key, keys);
}

static int check(struct reader *r)
{
	const struct web_config *c = r->config;
	static const char *const names[PEMS] = {"cert", "key", "client_ca"};
	bool has[PEMS];
	size_t i;

	for (i = 0; i < PEMS; i++) {
		if (c->pem[i] && c->pem_file[i])
			return fail(r, NULL, "%s and %s_file are both there; one is enough",
				    names[i], names[i]);
		has[i] = c->pem[i] || c->pem_file[i];
	}
	if (!c->tls)
		return 0;
	if (!has[PEM_CERT] || !has[PEM_KEY])
		return fail(r, NULL,
			    "tls_server_config needs a certificate and its key: cert_file "
			    "and key_file");
	if (c->client_auth >= CLIENT_CERT_REQUIRE_ANY && !has[PEM_CLIENT_CA])
		return fail(r, NULL,
			    "client_auth_type asks for client certificates, which needs "
			    "client_ca_file");
	if (c->client_sans.nr && c->client_auth < CLIENT_CERT_VERIFY_IF_GIVEN)
		return fail(r, NULL, "client_allowed_sans needs a client_auth_type that verifies");
	if (c->min_version > c->max_version)
		return fail(r, NULL, "min_version is above max_version");
	return 0;
}

static int read_root(struct reader *r)
{
	static const struct key keys[] = {
		{"tls_server_config", read_tls, 0},
		{"http_server_config", read_http, 0},
		{"basic_auth_users", read_users, 0},
		{"rate_limit", read_rate, 0},
		{NULL, NULL, 0},
	};
	const yaml_node_t *root = yaml_document_get_root_node(&r->document);
	int err = root ? for_each_pair(r, "the file", root, read_key, keys) : 0;

	return err ? err : check(r);
}

int web_config__parse(const char *text, size_t len, struct web_config *c,
		      struct web_config_error *e)
{
	struct reader r = {.config = c, .err = e};
	yaml_parser_t parser;
	int err;

	*c = (struct web_config){.min_version = 12, .max_version = 13, .rate_burst = 1};
	e->text[0] = '\0';
	if (!yaml_parser_initialize(&parser))
		return fail(&r, NULL, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &r.document)) {
		err = fail(&r, NULL, "line %zu: it is no YAML: %s", parser.problem_mark.line + 1,
			   parser.problem ? parser.problem : "it cannot be read");
	} else {
		err = read_root(&r);
		yaml_document_delete(&r.document);
	}
	yaml_parser_delete(&parser);
	return err;
}

static void free_list(struct web_list *l)
{
	while (l->nr)
		free(l->text[--l->nr]);
}

void web_config__free(struct web_config *c)
{
	size_t i;

	for (i = 0; i < PEMS; i++) {
		free(c->pem[i]);
		free(c->pem_file[i]);
		c->pem[i] = c->pem_file[i] = NULL;
	}
	free_list(&c->client_sans);
	free_list(&c->ciphers);
	free_list(&c->curves);
	free_list(&c->users);
	free_list(&c->hashes);
	free_list(&c->header_names);
	free_list(&c->header_values);
}

bool web_config__protects(const struct web_config *c)
{
	return c->tls || c->users.nr;
}
