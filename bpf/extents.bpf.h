/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is cleared in one go, where the kernel tells it: a tracepoint at the start
 * of each extent (page, address, number of pages), or clear_pages(address, number of
 * pages) as a function of its own.
 *
 * An extent ends at that function's return, and with the tracepoint alone where the next
 * one of its clear begins or where its clear ends; with either where its task leaves the
 * CPU under a model in which that happens between extents only. Where a task can be preempted within an extent, one that was is
 * counted and not timed.
 */
#ifndef ZEROSCOPE_EXTENTS_BPF_H
#define ZEROSCOPE_EXTENTS_BPF_H

const volatile bool extents_on;
const volatile __u8 extent_hist[ZS_ORDERS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct zs_extents);
} extents SEC(".maps");

static __always_inline struct zs_extents *extent__cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&extents, &zero);
}

/* Ends the extent of a task that is open on this CPU, if there is one. */
static __always_inline void extent__end(struct zs_cpu *cpu, struct task_struct *task, __u64 now,
					bool timed)
{
	struct zs_extents *e;
	struct zs_hist *h;

	if (!extents_on)
		return;
	e = extent__cpu();
	if (!e || !e->task)
		return;
	if (timed && e->task == (__u64)task) {
		h = hist__get(cpu, extent_hist[e->order & (ZS_ORDERS - 1)]);
		if (h)
			hist__add(h, now - e->start_ns, now, e->order, e->node, task);
	}
	e->task = 0;
}

/* The bucket of a number of pages: up to 2^0, 2^1, … */
static __always_inline __u32 extent__bucket(__u32 pages)
{
	return pages > 1 ? hist__log2(pages - 1) + 1 : 0;
}

/* What the open clear of a task is, or 0. */
static __always_inline __u64 extent__clear(struct zs_cpu *cpu, struct task_struct *task)
{
	struct zs_open *o;

	if (use_slot && cpu->slot.task == (__u64)task)
		return cpu->slot.what;
	o = state__parked(task);
	return o && o->task == (__u64)task ? o->what : 0;
}

/* An extent of so many pages begins, in a clear or not. */
static __always_inline int extent__begin(__u32 pages)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct zs_cpu *cpu = state__cpu();
	__u64 now = bpf_ktime_get_ns(), clear;
	struct zs_extents *e;
	__u32 order, bucket;

	if (!cpu)
		return 0;
	clear = extent__clear(cpu, task);
	if (!clear)
		return 0;
	extent__end(cpu, task, now, true);
	e = extent__cpu();
	if (!e)
		return 0;
	order = what__order(clear);
	bucket = extent__bucket(pages);
	e->count[order]++;
	e->pages[order] += pages;
	if (bucket < ZS_PAGE_BUCKETS)
		e->bucket[order][bucket]++;
	e->order = order;
	e->node = what__node(clear);
	e->start_ns = now;
	barrier();
	e->task = (__u64)task;
	return 0;
}

/* At the return of the function that clears one; where there is only a tracepoint, see above. */
static __always_inline int extent__return(void)
{
	struct zs_cpu *cpu = state__cpu();

	if (cpu)
		extent__end(cpu, bpf_get_current_task_btf(), bpf_ktime_get_ns(), true);
	return 0;
}

SEC("tp_btf/mm_folio_zero_extent")
int BPF_PROG(extent_begin, struct page *page, unsigned long addr, unsigned int pages)
{
	return extent__begin(pages);
}

SEC("fentry/clear_pages")
int BPF_PROG(extent_begin_fentry, void *addr, unsigned int pages)
{
	return extent__begin(pages);
}

SEC("fexit/clear_pages")
int BPF_PROG(extent_end_fexit)
{
	return extent__return();
}

SEC("kprobe/clear_pages")
int BPF_KPROBE(extent_begin_kprobe, void *addr, unsigned int pages)
{
	return extent__begin(pages);
}

SEC("kretprobe/clear_pages")
int BPF_KRETPROBE(extent_end_kretprobe)
{
	return extent__return();
}

#endif
