/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_EXPOSITION_H
#define USER_EXPOSITION_H

/*
 * A snapshot of totals as Prometheus reads it. Nothing else in user/ knows of
 * Prometheus; docs/metrics.md lists what is exported.
 *
 * Classic buckets are powers of two seconds: exact sums of the fine buckets,
 * with what is above the highest in +Inf alone. By default a body has at most
 * EXPOSITION_BUDGET samples: where the series of this kernel need more, every
 * second, then every fourth power is left out, the same ones in every body.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pack.h"
#include "snapshot.h"

#define EXPOSITION_BUDGET 1000

enum exposition_format {
	EXPOSITION_TEXT,	/* text format 0.0.4 */
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0 */
	EXPOSITION_PROTOBUF, /* io.prometheus.client, delimited: the one with native histograms */
};

struct exposition_options {
	bool full;	      /* all there is, without a budget */
	bool created;	      /* _created samples in OpenMetrics */
	int native_schema;    /* of native histograms in protobuf, 0 to 4; -1: none */
	unsigned int cgroups; /* cgroups that get a label of their own; 0: no such label */
};

/* The process that serves, as the process_ metrics tell it; what is not known is left out. */
struct exposition_process {
	struct opt_u64 cpu_ns;
	struct opt_u64 resident_bytes, virtual_bytes;
	struct opt_u64 open_fds, max_fds;
	/* Of the BPF programs, and of how long it was measured, where it is sampled. */
	struct opt_u64 bpf_run_ns, bpf_measured_ns;
	struct opt_u64 start_ns;  /* CLOCK_REALTIME */
	uint64_t scrape_begin_ns; /* CLOCK_MONOTONIC, before the snapshot was made; 0: not told */
};

/*
 * What has been exposed: no counter ever falls below it, and the choice of
 * buckets and cgroups is kept.
 */
struct exposition;

/* NULL if memory ran out. */
struct exposition *exposition__new(const struct exposition_options *opt);
void exposition__free(struct exposition **e);
#define _cleanup_exposition_ __attribute__((cleanup(exposition__free)))

/* Counting has begun anew: counters may fall, once. */
void exposition__restart(struct exposition *e);

/*
 * Adds the body to out. total: since attach; p may be NULL. 0 or -ENOMEM, and
 * then out is not to be used.
 */
int exposition__render(struct exposition *e, const struct snapshot *total,
		       const struct exposition_process *p, enum exposition_format format,
		       struct pack_buffer *out);

/* How many samples the last body had. */
unsigned int exposition__samples(const struct exposition *e);

/* The Content-Type that goes with it. */
const char *exposition__content_type(enum exposition_format format);

#endif /* USER_EXPOSITION_H */
