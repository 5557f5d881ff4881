// SPDX-License-Identifier: GPL-2.0-only
/* Text format 0.0.4 and OpenMetrics 1.0. */
#include "exposition_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static bool openmetrics(const struct writer *w)
{
	return w->format == EXPOSITION_OPENMETRICS;
}

static void put(struct writer *w, const char *text)
{
	writer__add(w, w->out, text, strlen(text));
}

/* A label's value. */
static void put_escaped(struct writer *w, const char *text)
{
	size_t plain;

	for (;;) {
		plain = strcspn(text, "\\\"\n");
		writer__add(w, w->out, text, plain);
		text += plain;
		if (!*text)
			return;
		put(w, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\");
		text++;
	}
}

/* What a sample of the family is called, and in 0.0.4 the family itself. */
static const char *suffix(const struct family *f)
{
	return f->type == FAMILY_COUNTER ? "_total" : f->type == FAMILY_INFO ? "_info" : "";
}

static const char *type_name(const struct writer *w, const struct family *f)
{
	switch (f->type) {
	case FAMILY_COUNTER:
		return "counter";
	case FAMILY_HISTOGRAM:
		return "histogram";
	case FAMILY_INFO:
		return openmetrics(w) ? "info" : "gauge";
	default:
		return "gauge";
	}
}

static void put_metadata(struct writer *w, const char *what, const char *text)
{
	put(w, "# ");
	put(w, what);
	put(w, " ");
	put(w, w->family->name);
	if (!openmetrics(w))
		put(w, suffix(w->family));
	put(w, " ");
	put(w, text);
	put(w, "\n");
}

static void text_begin(struct writer *w, const struct family *f)
{
	w->family = f;
	put_metadata(w, "HELP", f->help);
	put_metadata(w, "TYPE", type_name(w, f));
	if (openmetrics(w) && f->unit)
		put_metadata(w, "UNIT", f->unit);
}

static void put_label(struct writer *w, bool first, const char *name, const char *value)
{
	put(w, first ? "{" : ",");
	put(w, name);
	put(w, "=\"");
	put_escaped(w, value);
	put(w, "\"");
}

/* NAME{labels,le="..."} and a blank. le may be NULL. */
static void put_name(struct writer *w, const char *end, const struct labels *l, const char *le)
{
	char clean[256];
	unsigned int i;

	put(w, w->family->name);
	put(w, end);
	for (i = 0; i < l->nr; i++)
		put_label(w, !i, l->label[i].name,
			  writer__clean(l->label[i].value, SIZE_MAX, clean, sizeof(clean)));
	if (le)
		put_label(w, !l->nr, "le", le);
	put(w, l->nr || le ? "} " : " ");
	w->samples++;
}

static void put_value(struct writer *w, const struct value *v)
{
	char text[UTIL_DOUBLE_SIZE];

	if (v->kind == VALUE_NS)
		util__format_seconds(v->u, text);
	else if (v->kind == VALUE_DOUBLE)
		util__format_double(v->d, text);
	else
		snprintf(text, sizeof(text), "%" PRIu64, v->u);
	put(w, text);
}

static void put_created(struct writer *w, const struct labels *l)
{
	struct value created = {.kind = VALUE_NS, .u = w->created_ns};

	if (!openmetrics(w) || !w->opt->created)
		return;
	put_name(w, "_created", l, NULL);
	put_value(w, &created);
	put(w, "\n");
}

static void text_value(struct writer *w, const struct labels *l, const struct value *v)
{
	put_name(w, suffix(w->family), l, NULL);
	put_value(w, v);
	put(w, "\n");
	if (w->family->type == FAMILY_COUNTER)
		put_created(w, l);
}

/*
 * 2^exponent as OpenMetrics wants numbers that are compared as text: the
 * shortest decimal, with an exponent from 1e+06 on and ".0" where it would look
 * like an integer. Powers of two from 2^-22 to 2^31 have at most 16 digits.
 */
static void format_bound(const struct writer *w, int exponent, char text[UTIL_DOUBLE_SIZE])
{
	char digits[UTIL_DOUBLE_SIZE];
	double bound = exp2(exponent);
	size_t len;

	util__format_double(bound, text);
	if (!openmetrics(w))
		return;
	if (bound < 1e6) {
		if (bound >= 1)
			strcat(text, ".0");
		return;
	}
	len = strlen(text);
	memcpy(digits, text, len + 1);
	while (digits[strlen(digits) - 1] == '0')
		digits[strlen(digits) - 1] = '\0';
	snprintf(text, UTIL_DOUBLE_SIZE, "%c%s%.20se+%02zu", digits[0], digits[1] ? "." : "",
		 digits + 1, len - 1);
}

/* The slowest of all stands as the example of the bucket that it is in. */
static void put_exemplar(struct writer *w, const struct histogram *h, double above, double bound)
{
	const struct hist_max *m = h->max;
	char comm[ZS_COMM_LEN + 1], text[UTIL_DOUBLE_SIZE];
	double seconds;

	if (!openmetrics(w) || !m || !m->known)
		return;
	seconds = (double)m->ns / 1e9;
	if (seconds <= above || seconds > bound)
		return;
	put(w, " # ");
	put_label(w, true, "comm", writer__clean(m->comm, sizeof(m->comm), comm, sizeof(comm)));
	snprintf(text, sizeof(text), "%" PRIu32, m->pid);
	put_label(w, false, "pid", text);
	put(w, "} ");
	put(w, util__format_seconds(m->ns, text));
	put(w, " ");
	put(w, util__format_seconds(m->time_ns, text));
}

static void put_count(struct writer *w, const char *end, const struct labels *l, const char *le,
		      uint64_t count)
{
	struct value v = {.kind = VALUE_INTEGER, .u = count};

	put_name(w, end, l, le);
	put_value(w, &v);
}

static void text_histogram(struct writer *w, const struct labels *l, const struct histogram *h)
{
	int exponent = h->scheme->first - 1;
	uint64_t count = h->cumulative[h->nr - 1];
	char le[UTIL_DOUBLE_SIZE];
	double above = -1;

	while (writer__next_bound(w, h->scheme, &exponent)) {
		format_bound(w, exponent, le);
		put_count(w, "_bucket", l, le, writer__up_to(h, exponent));
		put_exemplar(w, h, above, exp2(exponent));
		put(w, "\n");
		above = exp2(exponent);
	}
	put_count(w, "_bucket", l, "+Inf", count);
	put_exemplar(w, h, above, INFINITY);
	put(w, "\n");
	put_name(w, "_sum", l, NULL);
	put_value(w, &h->sum);
	put(w, "\n");
	put_count(w, "_count", l, NULL, count);
	put(w, "\n");
	put_created(w, l);
}

static void text_end(struct writer *w)
{
	if (openmetrics(w))
		put(w, "# EOF\n");
}

const struct writer_ops exposition_text_ops = {
	.begin = text_begin,
	.value = text_value,
	.histogram = text_histogram,
	.end = text_end,
};
