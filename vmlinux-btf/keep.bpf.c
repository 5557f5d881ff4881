// SPDX-License-Identifier: GPL-2.0-only
/*
 * What zeroscope's user space looks up in the kernel's BTF, next to what its programs relocate
 * against: `minimise` keeps this as well. Never loaded. The types are empty shells, because
 * only names matter for the question whether a member exists.
 */
#define CORE __attribute__((preserve_access_index))
#define EXISTS 2
#define KEEP(type, member) __builtin_preserve_field_info(((struct type *)0)->member, EXISTS)

/* NODES_SHIFT is log2 of the number of elements. */
struct hstate {
	unsigned int nr_huge_pages_node[1];
} CORE;

struct sched_info {
	unsigned long long run_delay;
} CORE;

/* How task storage allocates, which decides when it is created. */
struct bpf_local_storage_map {
	struct allocator {
	} selem_ma;
	_Bool use_kmalloc_nolock;
} CORE;

/* Whether the kernel counts what a kprobe missed. */
struct bpf_link_info {
	struct {
		struct {
			unsigned long long missed;
		} kprobe;
	} perf_event;
	struct {
		unsigned long long missed;
	} kprobe_multi;
} CORE;

__attribute__((section("raw_tp/never_loaded"), used)) int keep(void *ctx)
{
	(void)ctx;
	return KEEP(hstate, nr_huge_pages_node) + KEEP(sched_info, run_delay) +
	       KEEP(bpf_local_storage_map, selem_ma) +
	       KEEP(bpf_local_storage_map, use_kmalloc_nolock) +
	       KEEP(bpf_link_info, perf_event.kprobe.missed) +
	       KEEP(bpf_link_info, kprobe_multi.missed);
}
