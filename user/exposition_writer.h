/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_EXPOSITION_WRITER_H
#define USER_EXPOSITION_WRITER_H

/*
 * Between what is exported (exposition.c) and how it is written: one text
 * writer for both text formats, one for protobuf, and one that only counts.
 */

#include "exposition.h"

enum family_type {
	FAMILY_COUNTER,
	FAMILY_GAUGE,
	FAMILY_INFO, /* a gauge that is 1, where the format has no such type */
	FAMILY_HISTOGRAM,
};

struct family {
	const char *name; /* without _total or _info */
	const char *help; /* one line without backslashes, no full stop */
	const char *unit; /* the end of the name, or NULL */
	enum family_type type;
};

#define LABELS_MAX 6

struct label {
	const char *name;
	const char *value; /* any bytes */
};

struct labels {
	unsigned int nr;
	struct label label[LABELS_MAX];
};

enum value_kind {
	VALUE_INTEGER,
	VALUE_NS, /* exposed as exact decimal seconds */
	VALUE_DOUBLE,
};

struct value {
	enum value_kind kind;
	uint64_t u;
	double d; /* VALUE_DOUBLE */
};

/* A histogram of any of the three bucket schemes, cumulated. */
struct histogram {
	const uint64_t *cumulative; /* nr of them; the last is the count */
	size_t nr;
	struct value sum;
	const struct hist_scheme *scheme;
	const struct hist_max *max; /* of whom an exemplar is made; NULL: none */
};

/* Buckets with bounds 2^(i / per_octave + first), i from 0 to nr - 2, and one above. */
struct hist_scheme {
	unsigned int per_octave; /* a power of two */
	int first;
	int last; /* the exponent of the highest bound */
	/* Within the budget: the exponents that are shown, and their step if it is always the same. */
	int low, high;
	unsigned int step;
};

struct writer;

struct writer_ops {
	void (*begin)(struct writer *w, const struct family *f);
	void (*value)(struct writer *w, const struct labels *l, const struct value *v);
	void (*histogram)(struct writer *w, const struct labels *l, const struct histogram *h);
	void (*end)(struct writer *w); /* of the body */
};

struct writer {
	const struct writer_ops *ops;
	struct pack_buffer *out; /* not owned */
	const struct family *family;
	enum exposition_format format;
	const struct exposition_options *opt;
	unsigned int step;   /* of exponents of classic bounds: 1, 2, 4 */
	uint64_t created_ns; /* when counting began, CLOCK_REALTIME */
	unsigned int samples;
	int err;
	struct pack_buffer scratch; /* protobuf: a message whose length comes before it */
	struct pack_buffer metric;
};

extern const struct writer_ops exposition_text_ops;
extern const struct writer_ops exposition_proto_ops;

/* The classic bounds: sets *exponent to the next one shown, from scheme->first - 1 on. */
bool writer__next_bound(const struct writer *w, const struct hist_scheme *s, int *exponent);

/* Events up to 2^exponent. */
uint64_t writer__up_to(const struct histogram *h, int exponent);

/* Adds bytes to a buffer; an error sticks in w->err. */
void writer__add(struct writer *w, struct pack_buffer *to, const void *data, size_t len);

/*
 * A name as valid UTF-8 without control characters, at most size - 1 bytes:
 * what is neither becomes '?'. Returns buf.
 */
char *writer__clean(const char *text, size_t max, char *buf, size_t size);

#endif /* USER_EXPOSITION_WRITER_H */
