/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms on the user side: the bucket scheme, differences, quantiles.
 * One function defines the bounds; the kernel side's tables, every view, the
 * recording and the exporter are made from it.
 */
#ifndef USER_HIST_H
#define USER_HIST_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>

#include "../bpf/zeroscope.h"

/* The slowest event of a time, and who it was. */
struct hist_max {
	bool known; /* false: nothing was seen, or which event it was is not known */
	uint64_t ns;
	uint64_t time_ns; /* CLOCK_REALTIME at its end */
	uint32_t pid;	  /* process (tgid) */
	uint32_t tid;
	int order; /* -1: has none */
	int node;  /* -1: unknown */
	char comm[ZS_COMM_LEN];
};

/* Durations in the contract's fine buckets: see ZS_BUCKETS. */
struct hist {
	uint64_t count; /* always the sum of the buckets */
	uint64_t sum_ns;
	uint64_t bucket[ZS_BUCKETS];
	struct hist_max max; /* of this interval */
	struct hist_max max_since_attach;
};

/* Long spans (hold times, lifetimes): see ZS_SPAN_BUCKETS. */
struct span_hist {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t bucket[ZS_SPAN_BUCKETS];
};

#define HIST_PAGE_BUCKETS ZS_PAGE_BUCKETS
struct page_hist {
	uint64_t count;
	uint64_t sum; /* pages */
	uint64_t bucket[HIST_PAGE_BUCKETS];
};

/* An interval in which a quantile lies, in seconds. hi may be INFINITY. */
struct hist_range {
	double lo, hi;
};

/* Upper bound of a bucket: floor(1e9 * 2^(i/16 - 22)) ns, inclusive; i < ZS_BOUNDS. */
uint64_t hist__bound_ns(unsigned int i);
/* The same in seconds, exact: 2^(i/16 - 22); INFINITY for the last bucket. */
double hist__bound_seconds(unsigned int i);
/* The same for spans: floor(1e9 * 2^(i/4 - 10)) ns, i < ZS_SPAN_BOUNDS, and in seconds. */
uint64_t hist__span_bound_ns(unsigned int i);
double hist__span_bound_seconds(unsigned int i);
/* Which bucket holds a duration. The slow and obvious way, for tests and import. */
unsigned int hist__bucket(uint64_t ns);
/* Fills the tables of bpf/hist.bpf.h. */
void hist__fill_cells(uint64_t cell[ZS_CELLS_PER_OCTAVE]);
void hist__fill_spans(uint64_t bound[ZS_SPAN_BOUNDS]);

/*
 * The bucket interval in which the q-quantile lies (q in 0..1, to a millionth):
 * the rank is ceil(q * count), the smallest duration that at least a share q
 * did not exceed. {0, 0} for an empty histogram.
 */
struct hist_range hist__quantile(const struct hist *h, double q);
struct hist_range hist__span_quantile(const struct span_hist *h, double q);

/* a - b and a + b, bucket by bucket. Maxima: sub leaves a's, add takes the larger. */
void hist__sub(struct hist *a, const struct hist *b);
void hist__add(struct hist *a, const struct hist *b);
void hist__max_fold(struct hist_max *into, const struct hist_max *m);

#endif
