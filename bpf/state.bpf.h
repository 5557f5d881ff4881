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
 * can come between any two instructions. Therefore an end takes the owner with a
 * compare-and-exchange after the fields were copied: it succeeds only if the clear was
 * the slot's all the time. A beginning writes the owner last, or, where the switch
 * program keeps sched_info for it (quick), the start: a switch before that leaves the
 * slot alone, which nobody else can use until the beginning goes on.
 *
 * The memory of a CPU is one element of an array that the reader maps, not a
 * per-CPU map: one look-up serves a program for all it needs, a waker sees another
 * CPU's slot without calling a helper, and a snapshot maps all of them at once.
 */
#ifndef ZEROSCOPE_STATE_BPF_H
#define ZEROSCOPE_STATE_BPF_H

/* Flipped last, when everything is attached; nothing is counted before. */
__u32 ready;

const volatile bool use_slot; /* the switch program is attached */
/*
 * Kernels before v6.4 take the memory of a task storage from kmalloc(), which must not be
 * called with a runqueue lock held: there it is made at the start of a clear. Later ones
 * have allocators for any context (commits 08a7ce384e33, "bpf: use
 * bpf_mem_cache_alloc/free in bpf_local_storage_elem", and f484f4a3e058, "bpf: Replace bpf
 * memory allocator with kmalloc_nolock() in local storage", of v6.19), of which the second
 * need not have any for a CPU that PREEMPT_RT does not let be preempted (commit 99a3e3a1cfc9).
 */
const volatile bool storage_at_entry;
const volatile bool have_sched_info;
/*
 * A clear that is still in the slot was never switched out: sched_info need not be kept
 * at its start, because it is the same at the first switch. False where there is no slot,
 * where room in task storage must be made at the start, or where an option asks for more.
 */
const volatile bool quick;
const volatile __u64 page_bytes;
const volatile __u32 nr_hists;
const volatile __u8 node_shift; /* 0: page flags hold no node */
const volatile bool have_node;
const volatile bool one_node;	 /* no other is possible: nothing needs be read */
const volatile bool cooperative; /* preemption model none or voluntary */

/*
 * The low half of the word that says what a clear is, by whether its folio is
 * hugetlb's: order, kind, and the histogram of the series or ZS_HIST_OTHER.
 */
const volatile __u32 clear_what[2][ZS_NUMAS][ZS_ORDERS];
/* on-CPU corrections of a wall histogram, or ZS_HIST_NONE. */
const volatile __u8 on_cpu_hist[ZS_HISTS_ROOM];
const volatile __u8 gap_hist[ZS_GAP_CAUSES];

/* Extents, fault shares or slow clears are asked for: the end of a clear serves them. */
const volatile bool clear_options;

const volatile bool filter_on;
const volatile __u32 filter_pids;
const volatile __u32 filter_pid[ZS_PIDS];
/* The PID namespace in which these are numbered; 0: the first one. */
const volatile __u64 filter_pidns_dev, filter_pidns_ino;
const volatile __u8 filter_comm_len;
const volatile char filter_comm[ZS_COMM_LEN];
const volatile __u64 filter_cgroup;
/* Of the group, as far as the loader sees the hierarchy: it is no higher than that. */
const volatile __u32 filter_cgroup_level;
const volatile __u8 filter_min_order;

/* The loader sets how many CPUs and how large: see struct zs_area. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to pages, therefore to cache lines */
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct zs_area));
} areas SEC(".maps");

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
const volatile bool no_btf = NO_BTF; /* for the loader: what this object was compiled for */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct zs_open);
} opens SEC(".maps");

static __always_inline struct task_struct *state__current(void)
{
	if (NO_BTF)
		return (void *)bpf_get_current_task();
	return bpf_get_current_task_btf();
}

static __always_inline struct zs_cpu *state__cpu_at(__u32 cpu)
{
	return bpf_map_lookup_elem(&areas, &cpu);
}

static __always_inline struct zs_cpu *state__cpu(void)
{
	return state__cpu_at(bpf_get_smp_processor_id());
}

/* A histogram of that CPU; NULL if there is none of that number. */
static __always_inline struct zs_hist *hist__get(struct zs_cpu *cpu, __u32 id)
{
	if (!cpu || id >= nr_hists)
		return NULL;
	return &((struct zs_area *)cpu)->hist[id];
}

static __always_inline __u32 what__order(__u64 what)
{
	return what & (ZS_ORDERS - 1);
}

static __always_inline __u32 what__kind(__u64 what)
{
	return what >> ZS_WHAT_KIND_SHIFT & 0xff;
}

static __always_inline __u32 what__hist(__u64 what)
{
	return what >> ZS_WHAT_HIST_SHIFT & (ZS_HISTS_ROOM - 1);
}

static __always_inline __s16 what__node(__u64 what)
{
	return (__s64)what >> ZS_WHAT_NODE_SHIFT;
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
	if (NO_BTF) {
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
	if (NO_BTF) {
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

	if (NO_BTF)
		bpf_map_delete_elem(&opens, &key);
	else if (use_slot && !storage_at_entry)
		/* A task without storage costs the switch program one load. */
		bpf_task_storage_delete(&parked, task);
}

#endif
