// SPDX-License-Identifier: GPL-2.0-only
#include "hist.h"

#include <math.h>
#include <string.h>

uint64_t hist__bound_ns(unsigned int i)
{
	/*
	 * long double has 64 bits of mantissa and the largest bound needs 36,
	 * so the fraction is known to 28 bits: the test holds every bound
	 * against exact integer arithmetic.
	 */
	long double exponent = (long double)i / ZS_BUCKETS_PER_OCTAVE + ZS_BOUND_MIN_LOG2;

	return (uint64_t)floorl(1e9L * exp2l(exponent));
}

double hist__bound_seconds(unsigned int i)
{
	if (i >= ZS_BOUNDS)
		return INFINITY;
	return exp2((double)i / ZS_BUCKETS_PER_OCTAVE + ZS_BOUND_MIN_LOG2);
}

uint64_t hist__span_bound_ns(unsigned int i)
{
	return (uint64_t)floorl(
		1e9L * exp2l((long double)i / ZS_SPANS_PER_OCTAVE + ZS_SPAN_BOUND_MIN_LOG2));
}

double hist__span_bound_seconds(unsigned int i)
{
	if (i >= ZS_SPAN_BOUNDS)
		return INFINITY;
	return exp2((double)i / ZS_SPANS_PER_OCTAVE + ZS_SPAN_BOUND_MIN_LOG2);
}

unsigned int hist__bucket(uint64_t ns)
{
	unsigned int low = 0, high = ZS_BOUNDS;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (ns <= hist__bound_ns(mid))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Buckets and bounds go on above the last ones here: what is shifted back is below them. */
void hist__fill_cells(uint64_t cell[ZS_CELLS_PER_OCTAVE])
{
	unsigned int c, bucket = ZS_BOUNDS;

	for (c = 0; c < ZS_CELLS_PER_OCTAVE; c++) {
		uint64_t begin = (uint64_t)(c + ZS_CELLS_PER_OCTAVE) << ZS_CELL_SHIFT;

		while (hist__bound_ns(bucket) < begin)
			bucket++;
		cell[c] = hist__bound_ns(bucket) << ZS_CELL_BUCKET_BITS | bucket;
	}
}

void hist__fill_spans(uint64_t bound[ZS_SPAN_BOUNDS])
{
	unsigned int i;

	for (i = 0; i < ZS_SPAN_BOUNDS; i++)
		bound[i] = hist__span_bound_ns(i);
}

/* The bucket of the event of rank ceil(q * count); count != 0. */
static size_t bucket_of_rank(const uint64_t *bucket, size_t nr, uint64_t count, double q)
{
	/*
	 * In millionths: 0.1 * 10 is more than 1 in floating point, and its ceiling 2. Whole millions
	 * of events apart from the rest, so that nothing overflows.
	 */
	uint64_t millionths = llround(q * 1e6);
	uint64_t rank =
		count / 1000000 * millionths + (count % 1000000 * millionths + 999999) / 1000000;
	uint64_t seen = 0;
	size_t i;

	if (!rank)
		rank = 1;
	for (i = 0; i + 1 < nr; i++) {
		seen += bucket[i];
		if (seen >= rank)
			break;
	}
	return i;
}

struct hist_range hist__quantile(const struct hist *h, double q)
{
	struct hist_range r = {0, 0};
	size_t i;

	if (!h->count)
		return r;
	i = bucket_of_rank(h->bucket, ZS_BUCKETS, h->count, q);
	r.lo = i ? hist__bound_seconds(i - 1) : 0;
	r.hi = hist__bound_seconds(i);
	return r;
}

struct hist_range hist__span_quantile(const struct span_hist *h, double q)
{
	struct hist_range r = {0, 0};
	size_t i;

	if (!h->count)
		return r;
	i = bucket_of_rank(h->bucket, ZS_SPAN_BUCKETS, h->count, q);
	r.lo = i ? hist__span_bound_seconds(i - 1) : 0;
	r.hi = hist__span_bound_seconds(i);
	return r;
}

void hist__sub(struct hist *a, const struct hist *b)
{
	size_t i;

	a->count -= b->count;
	a->sum_ns -= b->sum_ns;
	for (i = 0; i < ZS_BUCKETS; i++)
		a->bucket[i] -= b->bucket[i];
}

void hist__add(struct hist *a, const struct hist *b)
{
	size_t i;

	a->count += b->count;
	a->sum_ns += b->sum_ns;
	for (i = 0; i < ZS_BUCKETS; i++)
		a->bucket[i] += b->bucket[i];
	hist__max_fold(&a->max, &b->max);
	hist__max_fold(&a->max_since_attach, &b->max_since_attach);
}

void hist__max_fold(struct hist_max *into, const struct hist_max *m)
{
	if (m->known && (!into->known || m->ns > into->ns))
		*into = *m;
}
