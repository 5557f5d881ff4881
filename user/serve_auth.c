// SPDX-License-Identifier: GPL-2.0-only
#include "serve_auth.h"

#include <crypt.h>
#include <string.h>
#include <strings.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "util.h"

/* Longer ones are nobody's: bcrypt looks at 72 bytes of a password. */
#define CREDENTIALS_MAX 512

/* Of no password that anybody knows; compared where the user is unknown. */
#define NOBODYS_HASH "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

/* The value of a character of base64; -1: it is none. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strict: padding where it belongs, nothing else than the alphabet. The length, or -1. */
static long base64_decode(const char *text, char *out, size_t size)
{
	size_t len = strlen(text), i, n = 0;
	unsigned int bits = 0, have = 0;

	if (len % 4)
		return -1;
	while (len && text[len - 1] == '=' && strlen(text) - len < 2)
		len--;
	for (i = 0; i < len; i++) {
		int v = base64_value(text[i]);

		if (v < 0 || n == size)
			return -1;
		bits = bits << 6 | (unsigned int)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n++] = (char)(bits >> have);
	}
	return (long)n;
}

bool auth__decode(const char *header, char *name, char *password, size_t size)
{
	static const char scheme[] = "Basic ";
	char both[CREDENTIALS_MAX + 1];
	const char *colon;
	long len;

	if (!header || strncasecmp(header, scheme, strlen(scheme)) != 0)
		return false;
	header += strlen(scheme);
	header += strspn(header, " ");
	len = base64_decode(header, both, sizeof(both) - 1);
	if (len < 0 || memchr(both, '\0', (size_t)len))
		return false;
	both[len] = '\0';
	colon = strchr(both, ':');
	if (!colon || (size_t)(colon - both) >= size || strlen(colon + 1) >= size)
		return false;
	memcpy(name, both, (size_t)(colon - both));
	name[colon - both] = '\0';
	strcpy(password, colon + 1);
	explicit_bzero(both, sizeof(both));
	return true;
}

/* Takes as long wherever the difference is. */
static bool same(const char *a, const char *b)
{
	size_t len = strlen(a), i;
	unsigned char difference = 0;

	if (len != strlen(b))
		return false;
	for (i = 0; i < len; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return !difference;
}

static bool matches(const char *password, const char *hash)
{
	struct crypt_data data = {0};
	const char *made = crypt_r(password, hash, &data);
	bool good = made && same(made, hash);

	explicit_bzero(&data, sizeof(data));
	return good;
}

/* Each part with its NUL, so that none can run into the next. */
static bool digest(const char *name, const char *hash, const char *password, uint8_t out[32])
{
	gnutls_hash_hd_t h;

	if (gnutls_hash_init(&h, GNUTLS_DIG_SHA256))
		return false;
	gnutls_hash(h, name, strlen(name) + 1);
	gnutls_hash(h, hash, strlen(hash) + 1);
	gnutls_hash(h, password, strlen(password) + 1);
	gnutls_hash_deinit(h, out);
	return true;
}

static bool check(struct auth *a, const struct web_config *c, const char *name,
		  const char *password)
{
	const char *hash = NULL;
	uint8_t key[32];
	bool good, keyed;
	size_t i;

	for (i = 0; i < c->users.nr; i++)
		if (!strcmp(c->users.text[i], name))
			hash = c->hashes.text[i];
	keyed = digest(name, hash ? hash : NOBODYS_HASH, password, key);
	for (i = 0; keyed && i < AUTH_CACHE; i++)
		if (a->cache[i].used && !memcmp(a->cache[i].of, key, sizeof(key)))
			return a->cache[i].good;
	good = matches(password, hash ? hash : NOBODYS_HASH) && hash;
	if (!keyed)
		return good;
	memcpy(a->cache[a->next].of, key, sizeof(key));
	a->cache[a->next].used = true;
	a->cache[a->next].good = good;
	a->next = (a->next + 1) % AUTH_CACHE;
	return good;
}

bool auth__allows(struct auth *a, const struct web_config *c, const char *header)
{
	char name[CREDENTIALS_MAX] = "", password[CREDENTIALS_MAX] = "";
	bool good;

	if (!c->users.nr)
		return true;
	good = auth__decode(header, name, password, sizeof(name)) && check(a, c, name, password);
	explicit_bzero(password, sizeof(password));
	return good;
}

bool auth__has_room(struct auth *a, const struct web_config *c, uint64_t now_ns)
{
	double burst = (double)c->rate_burst;

	if (!c->rate_interval_ns)
		return true;
	if (!a->counted_ns)
		a->tokens = burst;
	else
		a->tokens += (double)(now_ns - a->counted_ns) / (double)c->rate_interval_ns;
	a->tokens = min(a->tokens, burst);
	a->counted_ns = now_ns;
	if (a->tokens < 1)
		return false;
	a->tokens -= 1;
	return true;
}
