// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of io.prometheus.client (metrics.proto), each MetricFamily after its
 * length. Histograms carry classic and native buckets in one: a server takes
 * those that it is set up for.
 */
#include "exposition_writer.h"

#include <math.h>
#include <string.h>

#include "util.h"

enum wire {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
};

/* Field numbers. */
enum {
	FAMILY_NAME = 1,
	FAMILY_HELP = 2,
	FAMILY_TYPE = 3,
	FAMILY_METRIC = 4,
	FAMILY_UNIT = 5,
	METRIC_LABEL = 1,
	METRIC_GAUGE = 2,
	METRIC_COUNTER = 3,
	METRIC_HISTOGRAM = 7,
	LABEL_NAME = 1,
	LABEL_VALUE = 2,
	SIMPLE_VALUE = 1,
	HISTOGRAM_COUNT = 1,
	HISTOGRAM_SUM = 2,
	HISTOGRAM_BUCKET = 3,
	HISTOGRAM_SCHEMA = 5,
	HISTOGRAM_ZERO_THRESHOLD = 6,
	HISTOGRAM_ZERO_COUNT = 7,
	HISTOGRAM_SPAN = 12,
	HISTOGRAM_DELTA = 13,
	HISTOGRAM_EXEMPLAR = 16,
	BUCKET_COUNT = 1,
	BUCKET_BOUND = 2,
	SPAN_OFFSET = 1,
	SPAN_LENGTH = 2,
	EXEMPLAR_LABEL = 1,
	EXEMPLAR_VALUE = 2,
	EXEMPLAR_TIME = 3,
	TIME_SECONDS = 1,
	TIME_NANOS = 2,
};

static size_t varint(uint64_t v, uint8_t out[static 10])
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

static void put_varint(struct writer *w, struct pack_buffer *to, uint64_t v)
{
	uint8_t bytes[10];

	writer__add(w, to, bytes, varint(v, bytes));
}

static void put_tag(struct writer *w, struct pack_buffer *to, unsigned int field, enum wire wire)
{
	put_varint(w, to, field << 3 | wire);
}

static void put_uint(struct writer *w, struct pack_buffer *to, unsigned int field, uint64_t v)
{
	put_tag(w, to, field, WIRE_VARINT);
	put_varint(w, to, v);
}

static void put_bytes(struct writer *w, struct pack_buffer *to, unsigned int field,
		      const void *data, size_t len)
{
	put_tag(w, to, field, WIRE_BYTES);
	put_varint(w, to, len);
	writer__add(w, to, data, len);
}

static void put_double(struct writer *w, struct pack_buffer *to, unsigned int field, double d)
{
	uint8_t bytes[8];
	uint64_t bits;
	unsigned int i;

	memcpy(&bits, &d, sizeof(bits));
	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(bits >> (8 * i));
	put_tag(w, to, field, WIRE_FIXED64);
	writer__add(w, to, bytes, sizeof(bytes));
}

static double number(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NS:
		return (double)v->u / 1e9;
	case VALUE_DOUBLE:
		return v->d;
	default:
		return (double)v->u;
	}
}

static void proto_begin(struct writer *w, const struct family *f)
{
	static const char *const suffixes[] = {
		[FAMILY_COUNTER] = "_total",
		[FAMILY_GAUGE] = "",
		[FAMILY_INFO] = "_info",
		[FAMILY_HISTOGRAM] = "",
	};
	static const uint64_t types[] = {
		[FAMILY_COUNTER] = 0,
		[FAMILY_GAUGE] = 1,
		[FAMILY_INFO] = 1,
		[FAMILY_HISTOGRAM] = 4,
	};
	char name[128];

	if (w->family) {
		put_varint(w, w->out, w->scratch.len);
		writer__add(w, w->out, w->scratch.data, w->scratch.len);
	}
	w->family = f;
	w->scratch.len = 0;
	if (!f)
		return;
	snprintf(name, sizeof(name), "%s%s", f->name, suffixes[f->type]);
	put_bytes(w, &w->scratch, FAMILY_NAME, name, strlen(name));
	put_bytes(w, &w->scratch, FAMILY_HELP, f->help, strlen(f->help));
	put_uint(w, &w->scratch, FAMILY_TYPE, types[f->type]);
}

/* A LabelPair as a field of the message that to is. */
static void put_label(struct writer *w, struct pack_buffer *to, unsigned int field,
		      const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	uint8_t bytes[10];

	put_tag(w, to, field, WIRE_BYTES);
	put_varint(w, to,
		   2 + varint(name_len, bytes) + name_len + varint(value_len, bytes) + value_len);
	put_bytes(w, to, LABEL_NAME, name, name_len);
	put_bytes(w, to, LABEL_VALUE, value, value_len);
}

/* The metric that is being written, with its labels. */
static struct pack_buffer *begin_metric(struct writer *w, const struct labels *l)
{
	char clean[256];
	unsigned int i;

	w->metric.len = 0;
	for (i = 0; i < l->nr; i++)
		put_label(w, &w->metric, METRIC_LABEL, l->label[i].name,
			  writer__clean(l->label[i].value, SIZE_MAX, clean, sizeof(clean)));
	return &w->metric;
}

static void end_metric(struct writer *w)
{
	put_bytes(w, &w->scratch, FAMILY_METRIC, w->metric.data, w->metric.len);
	w->samples++;
}

static void proto_value(struct writer *w, const struct labels *l, const struct value *v)
{
	bool counter = w->family->type == FAMILY_COUNTER;
	struct pack_buffer *m = begin_metric(w, l);

	put_tag(w, m, counter ? METRIC_COUNTER : METRIC_GAUGE, WIRE_BYTES);
	put_varint(w, m, 9);
	put_double(w, m, SIMPLE_VALUE, number(v));
	end_metric(w);
}

static void put_classic(struct writer *w, struct pack_buffer *to, uint64_t count, double bound)
{
	uint8_t bytes[10];

	put_tag(w, to, HISTOGRAM_BUCKET, WIRE_BYTES);
	put_varint(w, to, 1 + varint(count, bytes) + 9);
	put_uint(w, to, BUCKET_COUNT, count);
	put_double(w, to, BUCKET_BOUND, bound);
}

/* The non-empty native buckets, merged to the schema. */
struct native {
	size_t nr;
	int64_t index[ZS_BUCKETS];
	uint64_t count[ZS_BUCKETS];
};

static int log2_of(unsigned int power)
{
	return __builtin_ctz(power);
}

/*
 * Bucket i of schema n ends at 2^(i / 2^n), inclusive, as ours do. What is
 * above our last bound goes where an infinite observation would: it is known
 * to be larger, and not by how much.
 */
static void make_native(struct native *n, const struct histogram *h, int schema)
{
	int shift = log2_of(h->scheme->per_octave) - schema;
	int64_t offset = (int64_t)h->scheme->first * h->scheme->per_octave;
	size_t i;

	n->nr = 0;
	for (i = 1; i < h->nr; i++) {
		uint64_t count = h->cumulative[i] - h->cumulative[i - 1];
		int64_t index = (int64_t)i + offset;

		if (!count)
			continue;
		/* Upwards: a bucket holds its upper bound. */
		index = i + 1 == h->nr ? (1024LL << schema) + 1 : -((-index) >> shift);
		if (n->nr && n->index[n->nr - 1] == index) {
			n->count[n->nr - 1] += count;
			continue;
		}
		n->index[n->nr] = index;
		n->count[n->nr++] = count;
	}
}

static uint64_t zigzag32(int64_t v)
{
	return (uint32_t)pack__zigzag(v);
}

static void put_span(struct writer *w, struct pack_buffer *to, int64_t offset, uint64_t length)
{
	uint8_t bytes[10];

	put_tag(w, to, HISTOGRAM_SPAN, WIRE_BYTES);
	put_varint(w, to, 2 + varint(zigzag32(offset), bytes) + varint(length, bytes));
	put_uint(w, to, SPAN_OFFSET, zigzag32(offset));
	put_uint(w, to, SPAN_LENGTH, length);
}

static void put_native(struct writer *w, struct pack_buffer *to, const struct histogram *h)
{
	int schema = min(w->opt->native_schema, log2_of(h->scheme->per_octave));
	struct native n;
	int64_t next = 0;
	size_t i, end;

	make_native(&n, h, schema);
	put_uint(w, to, HISTOGRAM_SCHEMA, pack__zigzag(schema));
	put_double(w, to, HISTOGRAM_ZERO_THRESHOLD, exp2(h->scheme->first));
	put_uint(w, to, HISTOGRAM_ZERO_COUNT, h->cumulative[0]);
	/* An empty span marks the histogram as a native one when nothing else does. */
	if (!n.nr)
		put_span(w, to, 0, 0);
	for (i = 0; i < n.nr; i = end) {
		for (end = i + 1; end < n.nr && n.index[end] == n.index[end - 1] + 1; end++)
			;
		put_span(w, to, n.index[i] - next, end - i);
		next = n.index[end - 1] + 1;
	}
	for (i = 0; i < n.nr; i++)
		put_uint(w, to, HISTOGRAM_DELTA,
			 pack__zigzag((int64_t)(n.count[i] - (i ? n.count[i - 1] : 0))));
}

static void put_exemplar(struct writer *w, struct pack_buffer *to, const struct hist_max *m)
{
	struct pack_buffer exemplar = {0}, time = {0};
	char comm[ZS_COMM_LEN + 1], pid[16];

	if (!m || !m->known)
		return;
	snprintf(pid, sizeof(pid), "%u", m->pid);
	put_label(w, &exemplar, EXEMPLAR_LABEL, "comm",
		  writer__clean(m->comm, sizeof(m->comm), comm, sizeof(comm)));
	put_label(w, &exemplar, EXEMPLAR_LABEL, "pid", pid);
	put_double(w, &exemplar, EXEMPLAR_VALUE, (double)m->ns / 1e9);
	put_uint(w, &time, TIME_SECONDS, m->time_ns / NSEC_PER_SEC);
	put_uint(w, &time, TIME_NANOS, m->time_ns % NSEC_PER_SEC);
	put_bytes(w, &exemplar, EXEMPLAR_TIME, time.data, time.len);
	put_bytes(w, to, HISTOGRAM_EXEMPLAR, exemplar.data, exemplar.len);
	pack_buffer__free(&exemplar);
	pack_buffer__free(&time);
}

static void proto_histogram(struct writer *w, const struct labels *l, const struct histogram *h)
{
	_cleanup_pack_buffer_ struct pack_buffer body = {0};
	uint64_t count = h->cumulative[h->nr - 1];
	int exponent = h->scheme->first - 1;
	struct pack_buffer *m;

	put_uint(w, &body, HISTOGRAM_COUNT, count);
	put_double(w, &body, HISTOGRAM_SUM, number(&h->sum));
	while (writer__next_bound(w, h->scheme, &exponent))
		put_classic(w, &body, writer__up_to(h, exponent), exp2(exponent));
	put_classic(w, &body, count, INFINITY);
	if (w->opt->native_schema >= 0) {
		put_native(w, &body, h);
		put_exemplar(w, &body, h->max);
	}
	m = begin_metric(w, l);
	put_bytes(w, m, METRIC_HISTOGRAM, body.data, body.len);
	end_metric(w);
}

static void proto_end(struct writer *w)
{
	proto_begin(w, NULL);
}

const struct writer_ops exposition_proto_ops = {
	.begin = proto_begin,
	.value = proto_value,
	.histogram = proto_histogram,
	.end = proto_end,
};
