// SPDX-License-Identifier: GPL-2.0-only
/*
 * Headers are lists with commas, whose elements have parameters after
 * semicolons (RFC 9110, 5.6 and 12.5). Values may be quoted. Whatever is not
 * understood is passed over: a header is never an error.
 */
#include "negotiate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t len;
};

static bool is(struct text t, const char *word)
{
	return strlen(word) == t.len && !strncasecmp(t.at, word, t.len);
}

static struct text trim(struct text t)
{
	while (t.len && (*t.at == ' ' || *t.at == '\t')) {
		t.at++;
		t.len--;
	}
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Cuts what comes before the separator, outside of quotes, off *rest. False at the end. */
static bool cut(struct text *rest, char separator, struct text *piece)
{
	bool quoted = false;
	size_t i;

	if (!rest->at)
		return false;
	for (i = 0; i < rest->len; i++) {
		if (quoted && rest->at[i] == '\\' && i + 1 < rest->len)
			i++;
		else if (rest->at[i] == '"')
			quoted = !quoted;
		else if (!quoted && rest->at[i] == separator)
			break;
	}
	*piece = trim((struct text){rest->at, i});
	if (i == rest->len) {
		rest->at = NULL;
		return true;
	}
	rest->at += i + 1;
	rest->len -= i + 1;
	return true;
}

static struct text unquote(struct text t)
{
	if (t.len >= 2 && t.at[0] == '"' && t.at[t.len - 1] == '"')
		return (struct text){t.at + 1, t.len - 2};
	return t;
}

/* In thousandths: "0.75" is 750. What is no weight counts as 0. */
static unsigned int weight(struct text t)
{
	unsigned int q, unit = 100;
	size_t i;

	if (!t.len || (t.at[0] != '0' && t.at[0] != '1') || (t.len > 1 && t.at[1] != '.') ||
	    t.len > 5)
		return 0;
	q = t.at[0] == '1' ? 1000 : 0;
	for (i = 2; i < t.len; i++, unit /= 10) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return 0;
		q += (unsigned int)(t.at[i] - '0') * unit;
	}
	return q > 1000 ? 0 : q;
}

/* One element of a list. */
struct element {
	struct text name;
	unsigned int q;
	struct text version, proto, encoding;
};

static bool next_element(struct text *list, struct element *e)
{
	struct text piece, part;

	if (!cut(list, ',', &piece))
		return false;
	*e = (struct element){.q = 1000};
	cut(&piece, ';', &e->name);
	while (cut(&piece, ';', &part)) {
		const char *equals = memchr(part.at, '=', part.len);
		struct text name, value;

		if (!equals)
			continue;
		name = trim((struct text){part.at, (size_t)(equals - part.at)});
		value = trim((struct text){equals + 1, part.len - (size_t)(equals - part.at) - 1});
		value = unquote(value);
		if (is(name, "q"))
			e->q = weight(value);
		else if (is(name, "version"))
			e->version = value;
		else if (is(name, "proto"))
			e->proto = value;
		else if (is(name, "encoding"))
			e->encoding = value;
	}
	return true;
}

/* Does the element mean this form? *specific: how closely, as the closest decides the weight. */
static bool means(const struct element *e, enum exposition_format format, unsigned int *specific)
{
	*specific = e->version.len ? 3 : 2;
	switch (format) {
	case EXPOSITION_PROTOBUF:
		return is(e->name, "application/vnd.google.protobuf") &&
		       is(e->proto, "io.prometheus.client.MetricFamily") &&
		       is(e->encoding, "delimited");
	case EXPOSITION_OPENMETRICS:
		return is(e->name, "application/openmetrics-text") &&
		       (!e->version.len || is(e->version, "1.0.0"));
	default:
		break;
	}
	if (is(e->name, "text/plain"))
		return !e->version.len || is(e->version, "0.0.4");
	*specific = is(e->name, "text/*");
	return *specific || is(e->name, "*/*");
}

enum exposition_format negotiate__format(const char *accept, bool protobuf)
{
	/* Of equal weight, the first. */
	static const enum exposition_format formats[] = {
		EXPOSITION_PROTOBUF,
		EXPOSITION_OPENMETRICS,
		EXPOSITION_TEXT,
	};
	enum exposition_format best = EXPOSITION_TEXT;
	unsigned int best_q = 0;
	size_t i;

	for (i = protobuf ? 0 : 1; accept && i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct text list = {accept, strlen(accept)};
		unsigned int q = 0, closest = 0, specific;
		bool any = false;
		struct element e;

		while (next_element(&list, &e)) {
			if (!means(&e, formats[i], &specific) || (any && specific < closest))
				continue;
			q = any && specific == closest && q > e.q ? q : e.q;
			closest = specific;
			any = true;
		}
		if (q > best_q) {
			best_q = q;
			best = formats[i];
		}
	}
	return best;
}

bool negotiate__gzip(const char *accept_encoding)
{
	struct text list = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0};
	bool named = false, any = false;
	unsigned int q = 0;
	struct element e;

	while (next_element(&list, &e)) {
		if (is(e.name, "gzip") || is(e.name, "x-gzip")) {
			named = true;
			q = e.q;
		} else if (is(e.name, "*")) {
			any = e.q > 0;
		}
	}
	return named ? q > 0 : any;
}
