/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_SAMPLES_H
#define ZEROSCOPE_SAMPLES_H

/*
 * A recording as what statistics can be made of: for each quantity a sequence
 * of slots, one an interval, each with a sum, a count, and where there is one
 * a histogram. What is not measured is not in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"
#include "snapshot.h"

enum metric {
	METRIC_CLEAR,	     /* wall time of a clear: by kind and order */
	METRIC_ON_CPU,	     /* its on-CPU time: by kind and order */
	METRIC_GAPS,	     /* gaps a clear: by order */
	METRIC_GAPS_ALL,     /* gaps a clear, from the scheduler's own counts */
	METRIC_GAP,	     /* duration of a gap: by cause */
	METRIC_RESCHED,	     /* delay of a request to reschedule: 0 now, 1 lazy */
	METRIC_EXTENT,	     /* duration of an extent: by order */
	METRIC_EXTENT_PAGE,  /* its time a page: by order */
	METRIC_EXTENT_PAGES, /* pages an extent: by order */
	METRIC_ALLOCATOR,    /* duration of an allocator clear: by order */
	METRIC_FAULT,	     /* duration of a fault: by order */
	METRICS,
};

/* What a series is of. */
struct sample_key {
	enum metric metric;
	int order; /* -1: of all */
	int part;  /* page kind, cause, or now and lazy; -1: has none */
};

/* A bucket of a slot's histogram. */
struct sample_cell {
	uint32_t bucket;
	uint64_t count;
};

struct sample_slot {
	double sum;   /* seconds, gaps or pages */
	double count; /* what the sum is divided by */
	size_t cells; /* where its cells begin in the series' */
	size_t nr_cells;
};

struct sample_series {
	struct sample_key key;
	struct sample_slot *slot; /* samples->nr of them; owned */
	size_t nr_slots;
	size_t size;
	struct sample_cell *cell; /* owned */
	size_t nr_cells, size_cells;
	bool has_hist;
	/* Of all slots. */
	double sum, count;
	size_t filled; /* slots with a count */
	struct hist hist;
};

/* Slots that are kept. Where there are more intervals, neighbours are put together. */
#define SAMPLES_MAX 1024

/* Series of a recording; no machine has as many. */
#define SAMPLES_SERIES_MAX 512

struct samples {
	size_t nr;	   /* slots */
	unsigned int *run; /* of each slot, from 0; owned */
	size_t size;
	unsigned int runs;
	uint64_t intervals;
	size_t merged;	/* intervals in a slot */
	size_t pending; /* intervals in the last slot */

	struct sample_series *series; /* owned */
	size_t nr_series;

	struct snapshot *total; /* owned; its machine is that of the reader */
	uint64_t clears, clears_other, clears_remote;
	bool machine_changed;	/* its segments are of machines that differ in what matters */
	struct machine machine; /* of the last segment */
};

/*
 * Reads the rest of the recording. 0, or -errno with a sentence in err. The
 * caller frees what it holds in either case; the reader must outlive it.
 */
int samples__read(struct samples *s, struct recording_reader *r, struct recording_error *err);

/* One more interval of that run (from 0). 0 or -ENOMEM. */
int samples__add(struct samples *s, const struct snapshot *interval, unsigned int run);

void samples__free(struct samples *s);

/* NULL where there is none. */
const struct sample_series *samples__find(const struct samples *s, const struct sample_key *key);

#endif /* ZEROSCOPE_SAMPLES_H */
