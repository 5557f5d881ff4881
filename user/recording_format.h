/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_RECORDING_FORMAT_H
#define ZEROSCOPE_RECORDING_FORMAT_H

/*
 * What the writer and the reader of recordings have in common, and nobody else
 * sees: frames, tags, and the numbers that others are told relative to.
 * docs/recording-format.md says the same in words.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "pack.h"
#include "recording.h"
#include "snapshot.h"

/*
 * A frame: "ZSR" and a letter for its type, the length of the payload, the
 * CRC-32 of the payload, and the CRC-32 of the twelve bytes before; numbers are
 * little-endian. The second checksum tells a damaged length from a file that
 * was cut off.
 */
#define FRAME_HEADER 16
#define FRAME_MAGIC  "ZSR"

/* Capitals must be understood; a reader steps over a small letter that it does not know. */
enum frame_type {
	FRAME_HEAD = 'H',
	FRAME_INTERVAL = 'I',
	FRAME_END = 'E',
};

/* The tags. One that was given out is never given another meaning. */
enum { HEAD_CONTENT = 1, HEAD_CONTINUED, HEAD_TIME, HEAD_MONO, HEAD_MACHINE };
enum { END_INTERVALS = 1, END_LOST };
enum {
	MACHINE_RELEASE = 1,
	MACHINE_VERSION,
	MACHINE_ARCH,
	MACHINE_HOST,
	MACHINE_PAGE_SIZE,
	MACHINE_PMD_ORDER,
	MACHINE_CPUS,
	MACHINE_NODES,
	MACHINE_PREEMPT_MODEL,
	MACHINE_PREEMPT_SOURCE,
	MACHINE_INIT_ON_ALLOC,
	MACHINE_HUGE_ZERO,
	MACHINE_TICK_NS,
};
enum {
	SNAP_TIME = 1,
	SNAP_MONO,
	SNAP_INTERVAL,
	SNAP_FLOOR,
	SNAP_FILTERS,
	SNAP_PROBE,
	SNAP_CLEARS_TOTAL,
	SNAP_CLEARS,
	SNAP_GAPS,
	SNAP_GAPS_PER_CLEAR,
	SNAP_GAPS_COUNTED,
	SNAP_RESCHED,
	SNAP_EXTENTS,
	SNAP_ALLOCATOR,
	SNAP_FAULTS,
	SNAP_HUGE_ZERO,
	SNAP_NODE_PAYER,
	SNAP_CGROUP_PAYER,
	SNAP_COVERAGE,
	SNAP_LOSS,
	SNAP_SELF,
	SNAP_COUNTERS, /* of totals alone: an interval has its rows */
	SNAP_SEEN,
};
enum { FILTER_PIDS = 1, FILTER_COMM, FILTER_CGROUP, FILTER_MIN_ORDER };
enum { PROBE_NAME = 1, PROBE_TIER, PROBE_ATTACHED, PROBE_REASON };
enum { HIST_SUM = 1, HIST_BUCKETS, HIST_MAX, HIST_MAX_SINCE_ATTACH, HIST_COUNT };
enum { MAX_NS = 1, MAX_TIME, MAX_PID, MAX_TID, MAX_ORDER, MAX_NODE, MAX_COMM };
enum {
	CLEARS_KIND = 1,
	CLEARS_NUMA,
	CLEARS_OTHER,
	CLEARS_ORDER,
	CLEARS_COUNT,
	CLEARS_BYTES,
	CLEARS_WALL,
	CLEARS_ON_CPU,
};
enum { DURATIONS_ROW = 1 };
enum { ROW_ORDER = 1, ROW_COUNT, ROW_BYTES, ROW_WALL, ROW_PAGES };
enum { GAPS_SUM = 1, GAPS_CAUSE };
enum { GAP_SUM_ORDER = 1, GAP_SUM_CAUSE, GAP_SUM_COUNT, GAP_SUM_NS };
enum { GAP_CAUSE_CAUSE = 1, GAP_CAUSE_DURATION };
enum { RESCHED_SOURCE = 1, RESCHED_NOW, RESCHED_LAZY, RESCHED_OUTLIVED };
enum {
	ZERO_REFCOUNT = 1,
	ZERO_HOLDERS,
	ZERO_OLDEST_NS,
	ZERO_OLDEST_BITS,
	ZERO_REASON,
	ZERO_GETS,
	ZERO_REFERENCES_TAKEN,
	ZERO_PUTS,
	ZERO_ALLOCATIONS,
	ZERO_ALLOCATION_FAILURES,
	ZERO_RECLAIMS,
	ZERO_RECLAIM_REFUSALS,
	ZERO_HOLD,
	ZERO_LIFETIME,
	ZERO_HOLDERS_REASON,
	ZERO_OLDEST_AT_LEAST,
};
enum { PAYER_ID = 1, PAYER_NAME, PAYER_COUNT, PAYER_BYTES, PAYER_SUM, PAYER_GAP, PAYER_MAX };
enum { COVERAGE_WHAT = 1, COVERAGE_KERNEL, COVERAGE_SEEN, COVERAGE_REASON };
enum { LOSS_RECURSION = 1, LOSS_MISSED, LOSS_STORAGE_FULL, LOSS_UNMATCHED, LOSS_DROPPED };
enum { SELF_BPF_NS = 1, SELF_BPF_BITS, SELF_MAP_BYTES, SELF_RSS_BYTES };
enum {
	COUNTERS_THP_FAULT = 1,
	COUNTERS_THP_FALLBACK,
	COUNTERS_ZERO_PAGE,
	COUNTERS_ZERO_PAGE_FAILED,
	COUNTERS_SHMEM_THP,
	COUNTERS_COLLAPSE,
	COUNTERS_ANON,
	COUNTERS_SHMEM,
	COUNTERS_GUEST_MEMFD,
};
enum { ORDERS_KNOWN = 1, ORDERS_VALUE };
enum {
	SEEN_CLEARS = 1, /* one for each page kind */
	SEEN_ALLOCATOR_MEASURED,
	SEEN_ALLOCATOR,
	SEEN_ALLOCATOR_SKIPS,
	SEEN_OPEN,
	SEEN_STRADDLED,
};

/* What both sides take the numbers of a segment relative to. */
struct recording_base {
	enum recording_content content;
	uint64_t time_ns;
	uint64_t mono_ns;
	uint64_t page_size;
};

/*
 * The size of what is cleared, so that bytes need packing only where they are
 * not count times it.
 */
static inline uint64_t recording__usual_bytes(const struct recording_base *base, int order,
					      uint64_t count)
{
	return order >= 0 && order < 64 ? count * (base->page_size << order) : 0;
}

/* It wraps as the counts do. */
static inline uint64_t recording__sum(const uint64_t *bucket, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += bucket[i];
	return sum;
}

static inline uint32_t recording__checksum(const uint8_t *data, size_t len)
{
	/* len is at most RECORDING_FRAME_MAX */
	return (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)len);
}

/* Writes the sentence, cut at the size of err (which may be NULL), and is r. */
#define recording__say(err, r, ...)                                                                \
	({                                                                                         \
		int say_r_ = (r);                                                                  \
		recording__explain(err, __VA_ARGS__);                                              \
		say_r_;                                                                            \
	})

static inline void recording__explain(struct recording_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline void recording__explain(struct recording_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

bool recording__same_machine(const struct machine *a, const struct machine *b);

/* recording_pack.c: the fields of a message that is open, or of a frame. */
void recording__pack_machine(struct packer *p, const struct machine *m);
void recording__pack_snapshot(struct packer *p, const struct snapshot *s,
			      const struct recording_base *base);
/* A reader would refuse the snapshot for its many rows. */
bool recording__too_many_rows(const struct snapshot *s);

/*
 * recording_unpack.c: what they fill is zeroed before and may be half filled
 * after an error, which is the unpacker's.
 */
void recording__unpack_machine(struct unpacker *u, struct machine *m);
void recording__unpack_snapshot(struct unpacker *u, struct snapshot *s,
				const struct recording_base *base);
/* Marks the frame as damaged unless the field is of that type. */
bool recording__expect(struct unpacker *u, const struct pack_field *f, enum pack_type type);
void recording__read_uint(struct unpacker *u, const struct pack_field *f, uint64_t *out);

/* recording_reader.c: where the last whole frame that was read ended. */
uint64_t recording_reader__whole_size(const struct recording_reader *r);

#endif /* ZEROSCOPE_RECORDING_FORMAT_H */
