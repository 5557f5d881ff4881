/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU histograms: the bucket of a duration, and adding one.
 *
 * The tables are filled in by the loader from the same function that every
 * view uses (hist__fill_tables()), so kernel and user side cannot disagree.
 */
#ifndef ZEROSCOPE_HIST_BPF_H
#define ZEROSCOPE_HIST_BPF_H

const volatile __u64 hist_bound[ZS_BOUNDS];
const volatile __u16 hist_cell[ZS_CELLS];
const volatile __u64 span_bound[ZS_SPAN_BOUNDS];

/* The epoch of the maxima; the collector raises it at each snapshot. */
__u32 epoch;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* the loader sets how many */
	__type(key, __u32);
	__type(value, struct zs_hist);
} hists SEC(".maps");

/* floor(log2(v)), v != 0: five compares, because BPF has no clz before v4. */
static __always_inline __u32 hist__log2(__u64 v)
{
	__u32 log = 0;

	if (v >> 32) {
		v >>= 32;
		log = 32;
	}
	if (v >> 16) {
		v >>= 16;
		log += 16;
	}
	if (v >> 8) {
		v >>= 8;
		log += 8;
	}
	if (v >> 4) {
		v >>= 4;
		log += 4;
	}
	if (v >> 2) {
		v >>= 2;
		log += 2;
	}
	return log + (v >> 1);
}

/* The bucket of a duration in ns: see ZS_BUCKETS and ZS_CELLS_PER_OCTAVE. */
static __always_inline __u32 hist__bucket(__u64 ns)
{
	__u32 octave, cell, i;

	if (ns <= hist_bound[0])
		return 0;
	if (ns > hist_bound[ZS_BOUNDS - 1])
		return ZS_BOUNDS;
	octave = hist__log2(ns);
	/* The shift drops the leading one and keeps five bits below it. */
	cell = (octave - ZS_CELL_OCTAVE_MIN) * ZS_CELLS_PER_OCTAVE +
	       ((ns >> (octave - 5)) & (ZS_CELLS_PER_OCTAVE - 1));
	if (cell >= ZS_CELLS)
		return ZS_BOUNDS;
	i = hist_cell[cell];
	if (i >= ZS_BOUNDS)
		return ZS_BOUNDS;
	return ns > hist_bound[i] ? i + 1 : i;
}

static __always_inline struct zs_hist *hist__get(__u32 id)
{
	return bpf_map_lookup_elem(&hists, &id);
}

/* Moves one event that was counted at from_ns to to_ns: see ZS on_cpu. */
static __always_inline void hist__move(struct zs_hist *h, __u64 from_ns, __u64 to_ns)
{
	__u32 from = hist__bucket(from_ns);
	__u32 to = hist__bucket(to_ns);

	h->sum_ns += to_ns - from_ns;
	if (from < ZS_BUCKETS)
		h->bucket[from]--;
	if (to < ZS_BUCKETS)
		h->bucket[to]++;
}

/* Rare, so it reads the task the way that is right for every kind of pointer. */
static __noinline void hist__new_max(struct zs_max *m, __u64 ns, __u64 now, __u32 order_node,
				     struct task_struct *task)
{
	/* An atomic with a result orders what is around it on every CPU. */
	__sync_fetch_and_add(&m->begin, 1);
	m->ns = ns;
	m->when_ns = now;
	m->tgid = BPF_CORE_READ(task, tgid);
	m->tid = BPF_CORE_READ(task, pid);
	m->order = order_node >> 16;
	m->node = order_node;
	BPF_CORE_READ_INTO(&m->comm, task, comm);
	__sync_fetch_and_add(&m->end, 1);
}

/*
 * Adds one event of a task to a histogram of this CPU. Each histogram is
 * written by one program only, which the kernel does not let run twice on a
 * CPU, so no update is lost without an atomic.
 */
static __always_inline void hist__add(struct zs_hist *h, __u64 ns, __u64 now, __u8 order,
				      __s16 node, struct task_struct *task)
{
	__u32 i = hist__bucket(ns);
	__u32 e = epoch;
	struct zs_max *m = &h->max[e & 1];

	h->sum_ns += ns;
	if (i < ZS_BUCKETS)
		h->bucket[i]++;
	/* Signed: a program that slept over two epochs must not take one back. */
	if ((__s32)(e - m->epoch) > 0) {
		m->epoch = e;
		m->ns = 0;
	}
	if (ns > m->ns)
		hist__new_max(m, ns, now, (__u32)order << 16 | (__u16)node, task);
}

/* Adds one long span. Its bucket is among the five that follow the first of its octave. */
static __always_inline void hist__add_span(struct zs_span *s, __u64 ns)
{
	__u32 octave = hist__log2(ns | 1), i = 0, n;

	if (octave > 20)
		i = (octave - 20) * ZS_SPANS_PER_OCTAVE;
	for (n = 0; n < ZS_SPANS_PER_OCTAVE + 2; n++) {
		/* The verifier must see the bound on what is used as the index. */
		barrier_var(i);
		if (i >= ZS_SPAN_BOUNDS || ns <= span_bound[i])
			break;
		i++;
	}
	s->sum_ns += ns;
	barrier_var(i);
	s->bucket[i < ZS_SPAN_BOUNDS ? i : ZS_SPAN_BOUNDS]++;
}

#endif
