/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds the huge zero folio, since when, and how long does it live?
 *
 * An address space takes one reference with its first read fault of a huge page
 * and gives it back when it ends; a flag in the mm says that it has one. The
 * reference is that of the mm argument, never of the current task: a fork takes
 * the child's in the parent, and most ends run in another address space. Of two
 * threads that fault at once both may raise the count, and the one that finds the
 * flag set drops it again, inlined and unseen. So the table of holders decides,
 * not the number of calls: the first to put the mm there has taken it.
 *
 * The flag's number is not in BTF and moves between versions; the loader learns
 * it (see user/huge_zero.c). Until then, and where it cannot, the table alone
 * tells who holds.
 *
 * On stock kernels the folio is allocated inside of a get and freed inside of the
 * shrinker's scan. It is allocated by the first get that succeeds after it was
 * freed, which is what born_ns remembers. Those of kernel-patch/ tell both by
 * tracepoints.
 */
#ifndef ZEROSCOPE_HUGE_ZERO_BPF_H
#define ZEROSCOPE_HUGE_ZERO_BPF_H

const volatile __u64 zero_refcount_addr;   /* of huge_zero_refcount; 0: not readable */
const volatile __u64 zero_persistent_addr; /* of a pointer to a folio that is never freed; or 0 */
const volatile bool zero_list;		   /* the iterator writes out what it finds */
const volatile bool zero_free_told;	   /* a tracepoint tells when the folio is freed */

__u64 zero_flag;      /* of mm->flags, as a mask; 0: not known */
__s32 zero_learn_pid; /* not 0: the iterator only reads the flags of this child of its reader */
__u64 zero_learned;   /* those flags */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ZS_ZERO_HOLDERS);
	__type(key, __u64);
	__type(value, struct zs_zero_holder);
} zero_holders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct zs_zero_folio);
} zero_folio SEC(".maps");

/*
 * Gets that have begun, by task: a kretprobe does not see the arguments. The loader says
 * how many there is room for.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ZS_ZERO_WAITING);
	__type(key, __u64);
	__type(value, __u64);
} zero_waiting SEC(".maps");

static __always_inline struct zs_zero_folio *zero__folio(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&zero_folio, &zero);
}

/* The kernel's count, or -1 where it cannot be read. */
static __always_inline int zero__refcount(void)
{
	int count;

	if (!zero_refcount_addr ||
	    bpf_probe_read_kernel(&count, sizeof(count), (const void *)zero_refcount_addr))
		return -1;
	return count;
}

/* Somebody has just got the folio: if there was none, it was allocated. */
static __always_inline void zero__exists(struct zs_zero_folio *f, struct zs_cpu *cpu, __u64 now)
{
	if (f->born_ns || __sync_val_compare_and_swap(&f->born_ns, 0, now))
		return;
	if (ready)
		__sync_fetch_and_add(&cpu->zero_allocations, 1);
}

/* A get has returned; count: it was not counted when it began. */
static __always_inline void zero__got(__u64 mm, bool success, bool count)
{
	struct zs_zero_folio *f = zero__folio();
	struct zs_zero_holder h = {.taken_ns = ZS_ZERO_BEFORE};
	struct zs_cpu *cpu = state__cpu();
	__u64 now;
	long err;

	if (!cpu || !f)
		return;
	if (count && ready)
		cpu->zero_gets++;
	if (!success) {
		if (ready)
			cpu->zero_failures++;
		return;
	}
	if (bpf_map_lookup_elem(&zero_holders, &mm))
		return;
	now = bpf_ktime_get_ns();
	zero__exists(f, cpu, now);
	if (ready)
		h.taken_ns = now;
	err = bpf_map_update_elem(&zero_holders, &mm, &h, BPF_NOEXIST);
	if (!ready || err == -17 /* EEXIST: another thread was first */)
		return;
	if (err)
		__sync_fetch_and_add(&cpu->zero_full, 1);
	else
		cpu->zero_taken++;
}

/* An address space ends. This runs at the end of every process. */
static __always_inline void zero__put(const struct mm_struct *mm, bool direct)
{
	__u64 key = (__u64)mm, now, taken = ZS_ZERO_BEFORE;
	struct zs_zero_holder *h;
	struct zs_cpu *cpu;

	if (zero_flag && !(compat__mm_flags(mm, direct) & zero_flag))
		return;
	h = bpf_map_lookup_elem(&zero_holders, &key);
	if (h) {
		taken = h->taken_ns;
		bpf_map_delete_elem(&zero_holders, &key);
	} else if (!zero_flag) {
		return;
	}
	cpu = state__cpu();
	if (!cpu || !ready)
		return;
	cpu->zero_puts++;
	now = bpf_ktime_get_ns();
	if (taken != ZS_ZERO_BEFORE)
		hist__add_span(&cpu->zero_hold, now - taken);
}

/* The shrinker was answered that there is nothing to free: a refusal if there is a folio. */
static __always_inline void zero__refused(struct zs_zero_folio *f)
{
	__u64 now = bpf_ktime_get_ns();
	struct zs_cpu *cpu;

	if (zero_refcount_addr ? zero__refcount() <= 0 : !f->born_ns)
		return;
	if (now - f->refused_ns > 10000000)
		f->refused_ns = now;
	cpu = state__cpu();
	if (cpu && ready)
		__sync_fetch_and_add(&cpu->zero_refusals, 1);
}

/* Its count callback. */
static __always_inline void zero__counted(unsigned long objects)
{
	struct zs_zero_folio *f = zero__folio();

	if (f && !objects)
		zero__refused(f);
}

/*
 * The end of the folio. A new one may have been allocated before we run; whoever
 * sees it first, here or in zero__got(), counts it.
 */
static __always_inline void zero__freed(struct zs_zero_folio *f)
{
	struct zs_cpu *cpu;
	__u64 born, now;

	now = bpf_ktime_get_ns();
	born = __sync_fetch_and_and(&f->born_ns, 0);
	f->freed_ns = now;
	cpu = state__cpu();
	if (!cpu)
		return;
	if (ready) {
		cpu->zero_reclaims++;
		if (born > ZS_ZERO_BEFORE)
			hist__add_span(&cpu->zero_lifetime, now - born);
	}
	if (zero__refcount() > 0)
		zero__exists(f, cpu, now);
}

/* Its scan callback: not 0 is the end of the folio. */
static __always_inline void zero__scanned(unsigned long freed)
{
	struct zs_zero_folio *f = zero__folio();

	if (!f)
		return;
	if (!freed)
		zero__refused(f);
	else if (!zero_free_told)
		zero__freed(f);
}

SEC("fexit/mm_get_huge_zero_folio")
int BPF_PROG(zero_get_fexit, struct mm_struct *mm, void *folio)
{
	zero__got((__u64)mm, folio, true);
	return 0;
}

SEC("kprobe/mm_get_huge_zero_folio")
int BPF_KPROBE(zero_get_kprobe, struct mm_struct *mm)
{
	__u64 task = bpf_get_current_task(), key = (__u64)mm;
	struct zs_cpu *cpu = state__cpu();

	if (!cpu)
		return 0;
	if (ready)
		cpu->zero_gets++;
	/* One that holds it already gets nothing new. */
	if (zero_flag && compat__mm_flags(mm, false) & zero_flag)
		return 0;
	if (bpf_map_update_elem(&zero_waiting, &task, &key, BPF_ANY) && ready)
		__sync_fetch_and_add(&cpu->zero_full, 1);
	return 0;
}

SEC("kretprobe/mm_get_huge_zero_folio")
int BPF_KRETPROBE(zero_get_kretprobe, void *folio)
{
	__u64 task = bpf_get_current_task();
	__u64 *mm = bpf_map_lookup_elem(&zero_waiting, &task);

	if (!mm)
		return 0;
	zero__got(*mm, folio, false);
	bpf_map_delete_elem(&zero_waiting, &task);
	return 0;
}

SEC("fentry/mm_put_huge_zero_folio")
int BPF_PROG(zero_put_fentry, struct mm_struct *mm)
{
	zero__put(mm, true);
	return 0;
}

SEC("kprobe/mm_put_huge_zero_folio")
int BPF_KPROBE(zero_put_kprobe, struct mm_struct *mm)
{
	zero__put(mm, false);
	return 0;
}

SEC("fexit/shrink_huge_zero_folio_count")
int BPF_PROG(zero_count_fexit, struct shrinker *shrink, struct shrink_control *sc,
	     unsigned long objects)
{
	zero__counted(objects);
	return 0;
}

SEC("kretprobe/shrink_huge_zero_folio_count")
int BPF_KRETPROBE(zero_count_kretprobe, unsigned long objects)
{
	zero__counted(objects);
	return 0;
}

SEC("fexit/shrink_huge_zero_folio_scan")
int BPF_PROG(zero_scan_fexit, struct shrinker *shrink, struct shrink_control *sc,
	     unsigned long freed)
{
	zero__scanned(freed);
	return 0;
}

SEC("kretprobe/shrink_huge_zero_folio_scan")
int BPF_KRETPROBE(zero_scan_kretprobe, unsigned long freed)
{
	zero__scanned(freed);
	return 0;
}

SEC("tp_btf/huge_zero_folio_alloc")
int BPF_PROG(zero_alloc, struct folio *folio)
{
	struct zs_zero_folio *f = zero__folio();
	struct zs_cpu *cpu = state__cpu();

	if (f && cpu)
		zero__exists(f, cpu, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/huge_zero_folio_free")
int BPF_PROG(zero_free, struct folio *folio)
{
	struct zs_zero_folio *f = zero__folio();

	if (f)
		zero__freed(f);
	return 0;
}

/* Who to show for an address space that several tasks share: its owner, where it has one. */
static __always_inline void zero__write(struct seq_file *seq, struct task_struct *task,
					struct mm_struct *mm)
{
	struct zs_zero_process p = {.mm = (__u64)mm};
	struct task_struct *who = task->group_leader;

	if (bpf_core_field_exists(mm->owner)) {
		struct task_struct *owner = mm->owner;

		if (owner && owner->mm == mm)
			who = owner->group_leader;
	}
	/* Two ways lead here: to the verifier they are two kinds of pointers. */
	p.tgid = BPF_CORE_READ(who, tgid);
	p.cgroup = BPF_CORE_READ(who, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&p.comm, who, comm);
	bpf_seq_write(seq, &p, sizeof(p));
}

/* Whether it is the child whose flag is to be learned: by its number where its parent lives. */
static __always_inline bool zero__is_child(struct task_struct *task)
{
	__u64 reader = bpf_get_current_pid_tgid() >> 32;
	struct pid *pid = task->thread_pid;
	struct upid upid;
	__u64 at;

	if ((__u64)task->real_parent->tgid != reader || !pid)
		return false;
	at = pid->level * bpf_core_type_size(struct upid);
	barrier_var(at);
	if (at > 1024) /* 32 levels at most: the verifier wants a bound */
		return false;
	if (bpf_probe_read_kernel(&upid, sizeof(upid),
				  (void *)__builtin_preserve_access_index(&pid->numbers[0]) + at))
		return false;
	return upid.nr == zero_learn_pid;
}

/*
 * Holders from before the programs were attached. What ends meanwhile would stay
 * in the table for ever: an entry is taken back if the task has left the address
 * space by the time it stands there. As long as it has not, the put is still to
 * come and removes it.
 */
SEC("iter/task")
int zero_tasks(struct bpf_iter__task *ctx)
{
	struct zs_zero_holder h = {.taken_ns = ZS_ZERO_BEFORE};
	struct task_struct *task = ctx->task;
	struct mm_struct *mm;
	__u64 key;

	if (!task)
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	if (zero_learn_pid) {
		if (zero__is_child(task))
			zero_learned = compat__mm_flags(mm, true);
		return 0;
	}
	if (!(compat__mm_flags(mm, true) & zero_flag))
		return 0;
	key = (__u64)mm;
	if (bpf_map_update_elem(&zero_holders, &key, &h, BPF_NOEXIST))
		return 0;
	if (task->mm != mm) {
		bpf_map_delete_elem(&zero_holders, &key);
		return 0;
	}
	if (zero_list)
		zero__write(ctx->meta->seq, task, mm);
	return 0;
}

/* Run by the loader when all programs stand: what it finds was there before, 0 or -1. */
SEC("syscall")
int zero_watch(void *ctx)
{
	struct zs_zero_folio *f = zero__folio();

	if (!f)
		return -1;
	/* Where the count cannot be read, there may be a folio already. */
	if (zero__refcount())
		__sync_val_compare_and_swap(&f->born_ns, 0, ZS_ZERO_BEFORE);
	f->watched_ns = bpf_ktime_get_ns();
	return 0;
}

/* Run by the loader: the kernel's count, -1 if it cannot be read, -2 if the folio is never freed. */
SEC("syscall")
int zero_read(void *ctx)
{
	__u64 folio = 0;

	if (zero_persistent_addr &&
	    !bpf_probe_read_kernel(&folio, sizeof(folio), (const void *)zero_persistent_addr) &&
	    folio)
		return -2;
	return zero__refcount();
}

#endif
