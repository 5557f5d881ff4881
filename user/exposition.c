// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a body is made: each counter is held against what was exposed before, and
 * the budget against what the kernel's series need.
 */
#include "exposition.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposition_internal.h"
#include "payers.h"
#include "util.h"

const struct hist_scheme exposition_durations = {
	.per_octave = ZS_BUCKETS_PER_OCTAVE,
	.first = ZS_BOUND_MIN_LOG2,
	.last = ZS_BOUND_MAX_LOG2,
	/* 0.24 us to 4 s: a page of 16 KiB to one of 1 GiB that is interrupted for long. */
	.low = ZS_BOUND_MIN_LOG2,
	.high = 2,
};

/* 1/16 s to 194 days, by 16: the shape of these matters less than their ends. */
const struct hist_scheme exposition_spans = {
	.per_octave = 4,
	.first = -10,
	.last = 25,
	.low = -8,
	.high = 24,
	.step = 4,
};

const struct hist_scheme exposition_pages = {
	.per_octave = 1,
	.first = 0,
	.last = 31,
	.low = 0,
	.high = 18,
	.step = 1,
};

/* What was exposed of one series. */
struct floor {
	uint64_t key;	      /* 0: free */
	uint64_t value;	      /* of a counter, or the sum of a histogram */
	uint64_t *cumulative; /* owned; NULL: a counter */
	size_t nr;
};

struct exposition {
	struct exposition_options opt;
	unsigned int step; /* 0: not chosen yet */
	unsigned int samples;
	struct floor *floor; /* open addressing */
	size_t size, used;
	struct payer *cgroup; /* those with a label of their own, by key; then all others */
	unsigned int cgroups;
	struct pack_buffer scratch, metric; /* of the writers */
	bool failed;			    /* memory ran out */
	uint64_t created_ns; /* when counting began, CLOCK_REALTIME; 0: not known yet */
	uint64_t cumulative[ZS_BUCKETS];
};

struct exposition *exposition__new(const struct exposition_options *opt)
{
	struct exposition *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->opt = *opt;
	if (opt->full)
		e->step = 1;
	e->cgroup = calloc(opt->cgroups + 1, sizeof(*e->cgroup));
	if (!e->cgroup)
		exposition__free(&e);
	return e;
}

void exposition__restart(struct exposition *e)
{
	size_t i;

	for (i = 0; i < e->size; i++)
		free(e->floor[i].cumulative);
	free(e->floor);
	e->floor = NULL;
	e->size = e->used = 0;
	e->cgroups = 0;
	e->created_ns = 0;
}

void exposition__free(struct exposition **ep)
{
	struct exposition *e = *ep;

	*ep = NULL;
	if (!e)
		return;
	exposition__restart(e);
	pack_buffer__free(&e->scratch);
	pack_buffer__free(&e->metric);
	free(e->cgroup);
	free(e);
}

unsigned int exposition__samples(const struct exposition *e)
{
	return e->samples;
}

const char *exposition__content_type(enum exposition_format format)
{
	switch (format) {
	case EXPOSITION_OPENMETRICS:
		return "application/openmetrics-text; version=1.0.0; charset=utf-8";
	case EXPOSITION_PROTOBUF:
		return "application/vnd.google.protobuf; "
		       "proto=io.prometheus.client.MetricFamily; encoding=delimited";
	default:
		return "text/plain; version=0.0.4; charset=utf-8";
	}
}

/* --- Writers. */

bool writer__next_bound(const struct writer *w, const struct hist_scheme *s, int *exponent)
{
	int step = w->opt->full ? 1 : (int)(s->step ? s->step : w->step);
	int low = w->opt->full ? s->first : s->low;
	int high = w->opt->full ? s->last : s->high;

	do
		++*exponent;
	while (*exponent < low || *exponent % step);
	return *exponent <= high;
}

uint64_t writer__up_to(const struct histogram *h, int exponent)
{
	return h->cumulative[(size_t)(exponent - h->scheme->first) * h->scheme->per_octave];
}

void writer__add(struct writer *w, struct pack_buffer *to, const void *data, size_t len)
{
	if (!w->err)
		w->err = pack_buffer__append(to, data, len);
}

/* The length of the well-formed character at s, or 0. s ends with a NUL. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	size_t i;

	if (len > left)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, a surrogate, or above the last character. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

char *writer__clean(const char *text, size_t max, char *buf, size_t size)
{
	size_t len = strnlen(text, max), i = 0, n = 0;

	while (i < len) {
		const unsigned char *s = (const unsigned char *)text + i;
		size_t step = utf8_len(s, len - i);
		/* C0 and C1 controls */
		bool control = s[0] < 0x20 || s[0] == 0x7f ||
			       (step == 2 && s[0] == 0xc2 && s[1] < 0xa0);

		if (n + max(step, (size_t)1) >= size)
			break;
		if (!step || control) {
			buf[n++] = '?';
		} else {
			memcpy(buf + n, s, step);
			n += step;
		}
		i += max(step, (size_t)1);
	}
	buf[n] = '\0';
	return buf;
}

static void count_begin(struct writer *w, const struct family *f)
{
	w->family = f;
}

static void count_value(struct writer *w, const struct labels *l, const struct value *v)
{
	(void)l;
	(void)v;
	w->samples += 1 + (w->opt->created && w->family->type == FAMILY_COUNTER);
}

static void count_histogram(struct writer *w, const struct labels *l, const struct histogram *h)
{
	int exponent = h->scheme->first - 1;

	(void)l;
	while (writer__next_bound(w, h->scheme, &exponent))
		w->samples++;
	w->samples += 3 + w->opt->created; /* +Inf, sum, count */
}

static void count_end(struct writer *w)
{
	(void)w;
}

static const struct writer_ops count_ops = {
	.begin = count_begin,
	.value = count_value,
	.histogram = count_histogram,
	.end = count_end,
};

/* --- What was exposed before. */

/* FNV-1a */
#define FNV_BASIS 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

static uint64_t hash_text(uint64_t key, const char *s)
{
	for (; *s; s++)
		key = (key ^ (uint8_t)*s) * FNV_PRIME;
	return key;
}

/* Of the family's name and the values of the labels. */
static uint64_t key_of(const struct body *b, const struct labels *l)
{
	uint64_t key = hash_text(FNV_BASIS, b->family->name);
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		/* A byte that is in no name keeps "a","bc" and "ab","c" apart. */
		key = hash_text((key ^ 0xff) * FNV_PRIME, l->label[i].value);
	return key ? key : 1;
}

static struct floor *find_floor(struct floor *floor, size_t size, uint64_t key)
{
	size_t i;

	for (i = key % size; floor[i].key && floor[i].key != key; i = (i + 1) % size)
		;
	return &floor[i];
}

static int grow(struct exposition *e)
{
	size_t size = e->size ? e->size * 2 : 512, i;
	struct floor *floor = calloc(size, sizeof(*floor));

	if (!floor)
		return -ENOMEM;
	for (i = 0; i < e->size; i++)
		if (e->floor[i].key)
			*find_floor(floor, size, e->floor[i].key) = e->floor[i];
	free(e->floor);
	e->floor = floor;
	e->size = size;
	return 0;
}

/* The series' floor, made where there is none; nr: buckets, 0 for a counter. NULL: no memory. */
static struct floor *floor_of(struct exposition *e, uint64_t key, size_t nr)
{
	struct floor *f;

	if (e->used * 2 >= e->size && grow(e))
		return NULL;
	f = find_floor(e->floor, e->size, key);
	if (f->key)
		return f;
	if (nr) {
		f->cumulative = calloc(nr, sizeof(*f->cumulative));
		if (!f->cumulative)
			return NULL;
		f->nr = nr;
	}
	f->key = key;
	e->used++;
	return f;
}

/* --- One sample. */

void body__family(struct body *b, const struct family *f)
{
	b->family = f;
	b->begun = false;
}

static void emit(struct body *b, const struct labels *l, const struct value *v)
{
	if (!b->begun)
		b->w->ops->begin(b->w, b->family);
	b->begun = true;
	b->w->ops->value(b->w, l, v);
}

static void counter(struct body *b, const struct labels *l, struct value v)
{
	struct floor *f = b->dry ? NULL : floor_of(b->e, key_of(b, l), 0);

	if (f)
		f->value = v.u = max(f->value, v.u);
	else if (!b->dry)
		b->e->failed = true;
	emit(b, l, &v);
}

void body__counter(struct body *b, const struct labels *l, uint64_t value)
{
	counter(b, l, (struct value){.kind = VALUE_INTEGER, .u = value});
}

void body__counter_ns(struct body *b, const struct labels *l, uint64_t ns)
{
	counter(b, l, (struct value){.kind = VALUE_NS, .u = ns});
}

void body__gauge(struct body *b, const struct labels *l, uint64_t value)
{
	emit(b, l, &(struct value){.kind = VALUE_INTEGER, .u = value});
}

void body__gauge_double(struct body *b, const struct labels *l, double value)
{
	emit(b, l, &(struct value){.kind = VALUE_DOUBLE, .d = value});
}

void body__info(struct body *b, const struct labels *l)
{
	body__gauge(b, l, 1);
}

/*
 * Each cumulative count is held against its floor, not each bucket: an event
 * that was counted in one bucket and is then seen in a lower one (on-CPU times
 * are wall times corrected at the end of a clear) is one event in both.
 */
static void hold(struct body *b, const struct labels *l, struct histogram *h)
{
	struct floor *f = floor_of(b->e, key_of(b, l), h->nr);
	size_t i;

	if (!f || f->nr != h->nr) {
		b->e->failed = true;
		return;
	}
	for (i = 0; i < h->nr; i++)
		f->cumulative[i] = max(f->cumulative[i], h->cumulative[i]);
	f->value = h->sum.u = max(f->value, h->sum.u);
	h->cumulative = f->cumulative;
}

void body__histogram(struct body *b, const struct labels *l, const struct hist_scheme *scheme,
		     const uint64_t *bucket, size_t nr, struct value sum,
		     const struct hist_max *max)
{
	struct histogram h = {
		.cumulative = b->e->cumulative,
		.nr = nr,
		.sum = sum,
		.scheme = scheme,
		.max = max,
	};
	uint64_t seen = 0;
	size_t i;

	if (!b->dry) {
		for (i = 0; i < nr; i++)
			b->e->cumulative[i] = seen += bucket[i];
		hold(b, l, &h);
	}
	if (!b->begun)
		b->w->ops->begin(b->w, b->family);
	b->begun = true;
	b->w->ops->histogram(b->w, l, &h);
}

/* Where the group of that name is counted; the last one is for all that have no label. */
static struct payer *cgroup_row(struct exposition *e, const char *name)
{
	char clean[PAYER_NAME];
	uint64_t key = FNV_BASIS;
	struct payer *row;
	unsigned int i;

	/* What is written is what must not be there twice. */
	key = hash_text(key, writer__clean(name, sizeof(clean), clean, sizeof(clean)));
	for (i = 0; i < e->cgroups; i++)
		if (e->cgroup[i].id == key)
			return &e->cgroup[i];
	if (e->cgroups == e->opt.cgroups)
		return &e->cgroup[e->cgroups];
	row = &e->cgroup[e->cgroups++];
	row->id = key;
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

const struct payer *body__cgroups(struct body *b, const struct snapshot *s, size_t *nr,
				  uint64_t *folded)
{
	struct exposition *e = b->e;
	struct payer others = {.name = "other"}, *row;
	size_t i;

	for (i = 0; i < e->cgroups; i++)
		e->cgroup[i].count = e->cgroup[i].sum_ns = e->cgroup[i].gap_ns = 0;
	*folded = 0;
	for (i = 0; i < s->nr_cgroup_payers; i++) {
		const struct payer *p = &s->cgroup_payers[i];

		/* The programs' own rest has the id 0. */
		row = p->id ? cgroup_row(e, p->name) : &others;
		if (row == &e->cgroup[e->cgroups])
			row = &others;
		*folded += p->id && row == &others;
		row->count += p->count;
		row->sum_ns += p->sum_ns;
		row->gap_ns += p->gap_ns;
	}
	e->cgroup[e->cgroups] = others;
	*nr = e->cgroups + 1;
	return e->cgroup;
}

const struct exposition_options *body__options(const struct body *b)
{
	return &b->e->opt;
}

/* --- A whole body. */

/* The finest buckets with which the body stays within the budget. */
static void choose_step(struct exposition *e, const struct snapshot *total,
			const struct exposition_process *p)
{
	static const unsigned int steps[] = {1, 2, 4};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		struct writer w = {.ops = &count_ops, .opt = &e->opt, .step = steps[i]};
		struct body b = {.e = e, .w = &w, .dry = true};

		e->step = steps[i];
		exposition__families(&b, total, p);
		/* Cgroups come later than this, each with three samples. */
		if (w.samples + 3 * (e->opt.cgroups - e->cgroups) <= EXPOSITION_BUDGET)
			return;
	}
}

int exposition__render(struct exposition *e, const struct snapshot *total,
		       const struct exposition_process *p, enum exposition_format format,
		       struct pack_buffer *out)
{
	struct writer w = {
		.ops = format == EXPOSITION_PROTOBUF ? &exposition_proto_ops : &exposition_text_ops,
		.out = out,
		.format = format,
		.opt = &e->opt,
		.scratch = e->scratch,
		.metric = e->metric,
	};
	struct body b = {.e = e, .w = &w};

	if (!e->step)
		choose_step(e, total, p);
	if (!e->created_ns)
		e->created_ns = total->time_ns - total->interval_ns;
	w.step = e->step;
	w.created_ns = e->created_ns;
	e->failed = false;
	exposition__families(&b, total, p);
	w.ops->end(&w);
	/* The writers' buffers may have grown. */
	e->scratch = w.scratch;
	e->metric = w.metric;
	e->samples = w.samples;
	return w.err || e->failed ? -ENOMEM : 0;
}
