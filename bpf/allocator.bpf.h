/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Zeroing by the page allocator, because of init_on_alloc=1 or __GFP_ZERO.
 *
 * Where the kernel keeps it in a function of its own (page, number of pages),
 * each call is one allocator clear. Elsewhere it is inlined into
 * get_page_from_freelist(): what a call of that hands out, if it is to be zeroed,
 * counts, and its time has the search of the free lists in it.
 *
 * These are among the hottest functions of the kernel and nearly all their calls
 * are for single pages, which leave at the first comparison. The others can be in
 * any context, an interrupt included, one within another, and can be preempted:
 * the start time is therefore kept by call, not by task. A session program has
 * room for it in the call's own frame; for a pair of trampoline programs the
 * address of that frame, which both see as their context, is the key of a hash.
 * Only kprobes have nothing that both ends see but the task.
 */
#ifndef ZEROSCOPE_ALLOCATOR_BPF_H
#define ZEROSCOPE_ALLOCATOR_BPF_H

/* Smaller allocations belong to no histogram. */
const volatile __u32 allocator_min_pages;
const volatile __u8 allocator_min_order;
const volatile __u8 allocator_hist[ZS_ORDERS];
/* init_on_alloc=1: all allocations are zeroed, not only those that ask for it. */
const volatile bool allocator_zeroes_all;
const volatile __u8 allocator_zero_bit; /* of gfp_t, that says __GFP_ZERO */

struct allocator_call {
	__u64 start_ns;
	__u32 order;
	__u32 inner; /* calls within this one, which only kprobes cannot tell apart */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct allocator_call);
} allocator_calls SEC(".maps");

static __always_inline bool allocator__zeroes(__u32 gfp)
{
	return allocator_zeroes_all || (gfp >> (allocator_zero_bit & 31) & 1);
}

/* Counts one call before and after the filters. False: it is not to be timed. */
static __always_inline bool allocator__count(__u32 order)
{
	struct zs_cpu *cpu;

	order &= ZS_ORDERS - 1;
	if (!ready || allocator_hist[order] == ZS_HIST_NONE)
		return false;
	cpu = state__cpu();
	if (!cpu)
		return false;
	if (!clear__wanted(order)) {
		cpu->allocator_rejected[order]++;
		return false;
	}
	cpu->allocator_begun[order]++;
	return true;
}

static __always_inline __s16 allocator__node(const struct page *page, bool direct)
{
	if (!have_node)
		return -1;
	return node_shift ? compat__page_flags(page, direct) >> (64 - node_shift) : 0;
}

/* For those who want the CPU meanwhile: see resched.bpf.h. */
static __always_inline void allocator__running(__u32 order)
{
	struct zs_cpu *cpu;

	if (!resched_on)
		return;
	cpu = state__cpu();
	if (cpu)
		resched__begin_allocator(cpu, order);
}

static __always_inline void allocator__add(__u64 start, __u32 order, __s16 node)
{
	__u64 now = bpf_ktime_get_ns();
	struct zs_cpu *cpu = state__cpu();
	struct zs_hist *h;

	resched__end_allocator(cpu, now);
	if (faults_on)
		fault__cleared(bpf_get_current_task_btf(), order, node);
	order &= ZS_ORDERS - 1;
	h = hist__get(cpu, allocator_hist[order]);
	if (h)
		hist__add(h, now - start, now, order, node, state__current());
}

/* Keeps the start of a call under a key that its end will know. */
static __always_inline void allocator__put(__u64 key, __u32 order)
{
	struct allocator_call call = {.start_ns = bpf_ktime_get_ns()};
	struct zs_cpu *cpu;

	if (bpf_map_update_elem(&allocator_calls, &key, &call, BPF_ANY)) {
		cpu = state__cpu();
		if (cpu)
			__sync_fetch_and_add(&cpu->allocator_full, 1);
		return;
	}
	allocator__running(order);
}

/* The start of that call, or 0. */
static __always_inline __u64 allocator__take(__u64 key)
{
	struct allocator_call *call = bpf_map_lookup_elem(&allocator_calls, &key);
	__u64 start;

	if (!call)
		return 0;
	start = call->start_ns;
	bpf_map_delete_elem(&allocator_calls, &key);
	return start;
}

SEC("fentry/clear_highpages_kasan_tagged")
int BPF_PROG(allocator_fsession, struct page *page, int numpages)
{
	__u64 *start;

	if ((__u32)numpages < allocator_min_pages)
		return 0;
	start = compat__session_cookie(ctx);
	if (!start)
		return 0;
	if (compat__session_is_return(ctx)) {
		if (*start)
			allocator__add(*start, hist__log2((__u32)numpages | 1),
				       allocator__node(page, true));
		return 0;
	}
	*start = 0;
	if (!allocator__count(hist__log2((__u32)numpages | 1)))
		return 0;
	allocator__running(hist__log2((__u32)numpages | 1));
	*start = bpf_ktime_get_ns();
	return 0;
}

SEC("fentry/clear_highpages_kasan_tagged")
int BPF_PROG(allocator_begin_fentry, struct page *page, int numpages)
{
	if ((__u32)numpages < allocator_min_pages)
		return 0;
	if (allocator__count(hist__log2((__u32)numpages | 1)))
		allocator__put((__u64)ctx, hist__log2((__u32)numpages | 1));
	return 0;
}

SEC("fexit/clear_highpages_kasan_tagged")
int BPF_PROG(allocator_end_fexit, struct page *page, int numpages)
{
	__u64 start;

	if ((__u32)numpages < allocator_min_pages)
		return 0;
	start = allocator__take((__u64)ctx);
	if (start)
		allocator__add(start, hist__log2((__u32)numpages | 1), allocator__node(page, true));
	return 0;
}

SEC("fentry/get_page_from_freelist")
int BPF_PROG(allocator_list_begin_fentry, __u32 gfp, __u32 order)
{
	if (order < allocator_min_order)
		return 0;
	if (ready && allocator__zeroes(gfp))
		allocator__put((__u64)ctx, order);
	return 0;
}

/* What was not found was not zeroed: counted at the end. */
SEC("fexit/get_page_from_freelist")
int BPF_PROG(allocator_list_end_fexit, __u32 gfp, __u32 order, int flags, void *context,
	     struct page *page)
{
	__u64 start;

	if (order < allocator_min_order)
		return 0;
	start = allocator__take((__u64)ctx);
	if (!start)
		return 0;
	if (page && allocator__count(order))
		allocator__add(start, order, allocator__node(page, true));
	else
		resched__end_allocator(state__cpu(), bpf_ktime_get_ns());
	return 0;
}

/* The order in the low bits: 2^59 ns are 18 years. */
SEC("kprobe/clear_highpages_kasan_tagged")
int BPF_KPROBE(allocator_kprobe_session, struct page *page, int numpages)
{
	__u64 *start = compat__session_cookie(ctx);
	__u32 order;

	if (!start)
		return 1;
	if (compat__session_is_return(ctx)) {
		allocator__add(*start >> 5, *start & 31, -1);
		return 0;
	}
	if ((__u32)numpages < allocator_min_pages)
		return 1;
	order = hist__log2((__u32)numpages | 1);
	if (!allocator__count(order))
		return 1;
	allocator__running(order);
	*start = bpf_ktime_get_ns() << 5 | (order & 31);
	return 0;
}

/*
 * An interrupt can allocate while its task does: what is within is not timed, but
 * its end must not be taken for that of what is around it, whatever its size.
 */
static __always_inline void allocator__begin_in_task(__u32 order, bool timed)
{
	__u64 key = bpf_get_current_task();
	struct allocator_call *outer = bpf_map_lookup_elem(&allocator_calls, &key);
	struct allocator_call call = {.order = order};
	struct zs_cpu *cpu;

	if (!outer && !timed)
		return;
	if (outer)
		outer->inner++;
	call.start_ns = bpf_ktime_get_ns();
	if (!outer && !bpf_map_update_elem(&allocator_calls, &key, &call, BPF_NOEXIST)) {
		allocator__running(order);
		return;
	}
	cpu = state__cpu();
	if (cpu && timed)
		__sync_fetch_and_add(&cpu->allocator_full, 1);
}

static __always_inline void allocator__end_in_task(bool done, bool count)
{
	__u64 key = bpf_get_current_task();
	struct allocator_call *call = bpf_map_lookup_elem(&allocator_calls, &key);
	__u64 start;
	__u32 order;

	if (!call)
		return;
	if (call->inner) {
		call->inner--;
		return;
	}
	start = call->start_ns;
	order = call->order;
	bpf_map_delete_elem(&allocator_calls, &key);
	if (done && (!count || allocator__count(order)))
		allocator__add(start, order, -1);
	else
		resched__end_allocator(state__cpu(), bpf_ktime_get_ns());
}

SEC("kprobe/clear_highpages_kasan_tagged")
int BPF_KPROBE(allocator_begin_kprobe, struct page *page, int numpages)
{
	__u32 order = hist__log2((__u32)numpages | 1);

	allocator__begin_in_task(order,
				 (__u32)numpages >= allocator_min_pages && allocator__count(order));
	return 0;
}

SEC("kretprobe/clear_highpages_kasan_tagged")
int BPF_KRETPROBE(allocator_end_kretprobe)
{
	allocator__end_in_task(true, false);
	return 0;
}

SEC("kprobe/get_page_from_freelist")
int BPF_KPROBE(allocator_list_begin_kprobe, __u32 gfp, __u32 order)
{
	allocator__begin_in_task(order,
				 order >= allocator_min_order && ready && allocator__zeroes(gfp));
	return 0;
}

SEC("kretprobe/get_page_from_freelist")
int BPF_KRETPROBE(allocator_list_end_kretprobe, struct page *page)
{
	allocator__end_in_task(page, true);
	return 0;
}

#endif
