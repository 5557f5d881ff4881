/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The knobs that the loader sets before the programs are verified (so that a
 * branch that a kernel or a flag rules out costs nothing), the per-CPU state,
 * and where the open clear of a task is kept.
 *
 * An open clear lives in the slot of the CPU on which it began, because a
 * per-CPU slot costs a few instructions and task storage about two hundred.
 * When the scheduler takes the task off that CPU, the switch program moves it to
 * task storage, where it stays until the end: only a clear that is interrupted
 * pays. Without the switch program (use_slot is false) it is in task storage
 * from the start.
 *
 * The slot may be read and written by programs that can be preempted: entry
 * and exit programs run in a trampoline with preemption on. They cannot leave
 * the CPU's id (migration is off) and cannot run twice on a CPU, but a switch
 * can come between any two instructions. Therefore the owner is written last,
 * and taken with a compare-and-exchange after the fields were copied: it
 * succeeds only if the clear was the slot's all the time.
 */
#ifndef ZEROSCOPE_STATE_BPF_H
#define ZEROSCOPE_STATE_BPF_H

/* Flipped last, when everything is attached; nothing is counted before. */
__u32 ready;

const volatile bool use_slot; /* the switch program is attached */
/*
 * Kernels before v6.4 take the memory of a task storage from kmalloc(), which
 * must not be called with a runqueue lock held (commit 08a7ce384e33, "bpf: use
 * bpf_mem_cache_alloc/free in bpf_local_storage_elem"): there it is made at
 * the start of a clear.
 */
const volatile bool storage_at_entry;
const volatile bool have_sched_info;
const volatile __u64 page_bytes;
const volatile __u8 pmd_order;
const volatile __u8 node_shift; /* 0: page flags hold no node */
const volatile bool have_node;
const volatile bool cooperative; /* preemption model none or voluntary */

/* Which histogram a series uses, or ZS_HIST_OTHER. */
const volatile __u8 clear_hist[ZS_KINDS][ZS_NUMAS][ZS_ORDERS];
/* on-CPU corrections of a wall histogram, or ZS_HIST_NONE. */
const volatile __u8 on_cpu_hist[ZS_HISTS_MAX];
const volatile __u8 gap_hist[ZS_GAP_CAUSES];

const volatile bool filter_on;
const volatile __u32 filter_pids;
const volatile __u32 filter_pid[ZS_PIDS];
const volatile __u8 filter_comm_len;
const volatile char filter_comm[ZS_COMM_LEN];
const volatile __u64 filter_cgroup;
const volatile __u32 filter_cgroup_level;
const volatile __u8 filter_min_order;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct zs_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct zs_open);
} parked SEC(".maps");

/*
 * Where the kernel brings no BTF there are no typed pointers and no task
 * storage: the open clear is in a hash by task. Such a kernel has only kprobes.
 */
const volatile bool no_btf;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct zs_open);
} opens SEC(".maps");

static __always_inline struct task_struct *state__current(void)
{
	if (no_btf)
		return (void *)bpf_get_current_task();
	return bpf_get_current_task_btf();
}

static __always_inline struct zs_cpu *state__cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/* Whether a task has any BPF task storage: one load where the kernel shows it. */
static __always_inline bool state__has_storage(struct task_struct *task)
{
	if (bpf_core_field_exists(task->bpf_storage))
		return task->bpf_storage;
	return true;
}

/* The task's clear in task storage, or NULL. */
static __always_inline struct zs_open *state__parked(struct task_struct *task)
{
	if (no_btf) {
		__u64 key = (__u64)task;

		return bpf_map_lookup_elem(&opens, &key);
	}
	if (!state__has_storage(task))
		return NULL;
	return bpf_task_storage_get(&parked, task, NULL, 0);
}

/* Room for the task's clear outside the slot; NULL: there is none. */
static __always_inline struct zs_open *state__park(struct task_struct *task)
{
	if (no_btf) {
		__u64 key = (__u64)task;
		struct zs_open none = {};

		/* A clear that is still open there stays: the caller counts it. */
		bpf_map_update_elem(&opens, &key, &none, BPF_NOEXIST);
		return bpf_map_lookup_elem(&opens, &key);
	}
	return bpf_task_storage_get(&parked, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Gives the room back, where giving it back is worth its cost. */
static __always_inline void state__unpark(struct task_struct *task)
{
	__u64 key = (__u64)task;

	if (no_btf)
		bpf_map_delete_elem(&opens, &key);
	else if (use_slot && !storage_at_entry)
		/* A task without storage costs the switch program one load. */
		bpf_task_storage_delete(&parked, task);
}

#endif
