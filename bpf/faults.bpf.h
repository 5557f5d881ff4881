/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a huge page fault is clearing? Asked for by --fault-share.
 *
 * The whole of do_huge_pmd_anonymous_page() and of hugetlb_fault() is timed, of
 * those calls in which a folio was cleared: by its order. A fault that found
 * the page there, mapped the huge zero folio or fell back has no share to tell.
 */
#ifndef ZEROSCOPE_FAULTS_BPF_H
#define ZEROSCOPE_FAULTS_BPF_H

const volatile bool faults_on;
const volatile __u8 fault_hist[ZS_ORDERS];

struct fault {
	__u64 start_ns; /* 0: none is open */
	__u32 order;
	__s16 node;
	__u16 cleared; /* a folio of that order was */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct fault);
} faulting SEC(".maps");

static __always_inline int fault__begin(void)
{
	struct zs_cpu *cpu;
	struct fault *f;

	if (!ready)
		return 0;
	f = bpf_task_storage_get(&faulting, bpf_get_current_task_btf(), NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!f) {
		cpu = state__cpu();
		if (cpu)
			__sync_fetch_and_add(&cpu->faults_full, 1);
		return 0;
	}
	f->cleared = 0;
	f->start_ns = bpf_ktime_get_ns();
	return 0;
}

/* A clear of this task has ended, in a fault or not. */
static __always_inline void fault__cleared(struct task_struct *task, __u32 order, __s16 node)
{
	struct fault *f;

	if (!faults_on || !state__has_storage(task))
		return;
	f = bpf_task_storage_get(&faulting, task, NULL, 0);
	if (!f)
		return;
	f->order = order;
	f->node = node;
	f->cleared = 1;
}

static __always_inline int fault__end(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 now = bpf_ktime_get_ns(), start;
	struct zs_hist *h;
	struct fault *f;

	if (!state__has_storage(task))
		return 0;
	f = bpf_task_storage_get(&faulting, task, NULL, 0);
	if (!f || !f->start_ns)
		return 0;
	start = f->start_ns;
	f->start_ns = 0;
	if (!f->cleared)
		return 0;
	h = hist__get(state__cpu(), fault_hist[f->order & (ZS_ORDERS - 1)]);
	if (h)
		hist__add(h, now - start, now, f->order, f->node, task);
	return 0;
}

SEC("fentry/do_huge_pmd_anonymous_page")
int BPF_PROG(fault_thp_fentry)
{
	return fault__begin();
}

SEC("fexit/do_huge_pmd_anonymous_page")
int BPF_PROG(fault_thp_fexit)
{
	return fault__end();
}

SEC("kprobe/do_huge_pmd_anonymous_page")
int BPF_KPROBE(fault_thp_kprobe)
{
	return fault__begin();
}

SEC("kretprobe/do_huge_pmd_anonymous_page")
int BPF_KRETPROBE(fault_thp_kretprobe)
{
	return fault__end();
}

SEC("fentry/hugetlb_fault")
int BPF_PROG(fault_hugetlb_fentry)
{
	return fault__begin();
}

SEC("fexit/hugetlb_fault")
int BPF_PROG(fault_hugetlb_fexit)
{
	return fault__end();
}

SEC("kprobe/hugetlb_fault")
int BPF_KPROBE(fault_hugetlb_kprobe)
{
	return fault__begin();
}

SEC("kretprobe/hugetlb_fault")
int BPF_KRETPROBE(fault_hugetlb_kretprobe)
{
	return fault__end();
}

#endif
