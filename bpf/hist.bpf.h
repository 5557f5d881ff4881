/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU histograms: the bucket of a duration, and adding one.
 *
 * The tables are filled in by the loader from the same function that every
 * view uses (hist__fill_tables()), so kernel and user side cannot disagree.
 */
#ifndef ZEROSCOPE_HIST_BPF_H
#define ZEROSCOPE_HIST_BPF_H

const volatile __u64 hist_cell[ZS_CELLS_PER_OCTAVE];
const volatile __u64 span_bound[ZS_SPAN_BOUNDS];

/* The epoch of the maxima; the collector raises it at each snapshot. Never 0. */
__u32 epoch;

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

/* By how much to shift ns for its five bits after the leading one, from 0 to ZS_CELL_SHIFT. */
static __noinline __u32 hist__shift(__u64 ns)
{
	if (ns < ZS_CELLS_PER_OCTAVE)
		return 0;
	if (ns >> ZS_CELL_OCTAVE)
		return ZS_CELL_SHIFT;
	return hist__log2(ns) - 5;
}

/*
 * The bucket of a duration in ns: see ZS_BUCKETS and ZS_CELLS_PER_OCTAVE. *shift is
 * that of the last duration of the same kind: most are of its octave, which is then
 * known without being searched.
 */
static __always_inline __u32 hist__bucket(__u64 ns, __u32 *shift)
{
	__u32 by = *shift & ZS_CELL_SHIFT, up;
	__u64 cell = (ns >> by) - ZS_CELLS_PER_OCTAVE, entry;
	__s32 bucket;

	if (cell >= ZS_CELLS_PER_OCTAVE) {
		by = hist__shift(ns) & ZS_CELL_SHIFT;
		*shift = by;
		cell = (ns >> by) - ZS_CELLS_PER_OCTAVE;
		/* An octave without bounds. */
		if (cell >= ZS_CELLS_PER_OCTAVE)
			return by ? ZS_BOUNDS : 0;
	}
	up = ZS_CELL_SHIFT - by;
	entry = hist_cell[cell & (ZS_CELLS_PER_OCTAVE - 1)];
	/* The sign of the difference: one more if ns is above the bound. */
	bucket = (entry & ((1 << ZS_CELL_BUCKET_BITS) - 1)) +
		 (((entry >> ZS_CELL_BUCKET_BITS) - (ns << up)) >> 63) - up * ZS_BUCKETS_PER_OCTAVE;
	if (bucket < 0)
		return 0;
	return bucket > ZS_BOUNDS ? ZS_BOUNDS : bucket;
}

/* Moves one event that was counted at from_ns to to_ns: see ZS on_cpu. */
static __always_inline void hist__move(struct zs_hist *h, __u64 from_ns, __u64 to_ns)
{
	__u32 from = hist__bucket(from_ns, &h->shift);
	__u32 to = hist__bucket(to_ns, &h->shift);

	h->epoch = 1;
	h->sum_ns += to_ns - from_ns;
	if (from < ZS_BUCKETS)
		h->bucket[from]--;
	if (to < ZS_BUCKETS)
		h->bucket[to]++;
}

/*
 * The first event of an epoch, or its largest so far. Rare, so it reads the task the
 * way that is right for every kind of pointer.
 */
static __noinline void hist__top(struct zs_hist *h, __u64 ns, __u64 now, __u32 order_node,
				 struct task_struct *task)
{
	__u32 e = epoch;
	struct zs_max *m;

	if (!h)
		return;
	/* Signed: a program that slept over two epochs must not take one back. */
	if ((__s32)(e - h->epoch) <= 0)
		e = h->epoch;
	m = &h->max[e & 1];
	if (e != h->epoch) {
		m->epoch = e;
		m->ns = 0;
		h->top_ns = 0;
		h->epoch = e;
	}
	if (ns <= m->ns)
		return;
	h->top_ns = ns;
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
 * Adds one event to a histogram of this CPU. Returns whether it is the first of its
 * epoch or the largest so far: hist__top() is to be told then. Each histogram is
 * written by one program only, which the kernel does not let run twice on a
 * CPU, so no update is lost without an atomic.
 */
static __always_inline bool hist__count(struct zs_hist *h, __u64 ns)
{
	__u32 i = hist__bucket(ns, &h->shift);

	h->sum_ns += ns;
	if (i < ZS_BUCKETS)
		h->bucket[i]++;
	return ns > h->top_ns || h->epoch != epoch;
}

/* The whole of it. */
static __always_inline void hist__add(struct zs_hist *h, __u64 ns, __u64 now, __u8 order,
				      __s16 node, struct task_struct *task)
{
	if (hist__count(h, ns))
		hist__top(h, ns, now, (__u32)order << 16 | (__u16)node, task);
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
