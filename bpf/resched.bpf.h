/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When somebody else wants the CPU on which a folio is being cleared, how long
 * does clearing make them wait?
 *
 * A request to reschedule comes from any CPU, with the target's runqueue locked,
 * and asks one thing first: does a clear run there? The answer is in an array by
 * CPU, which needs no call of a helper; nearly always it is no, and that is all.
 * Otherwise the time of the request is noted there and the target's slot is
 * marked, so that its next switch, which looks at its slot anyway, closes it:
 * at that switch, or at the end of the clear if that came first ("outlived").
 * Who waited is then who gets the CPU.
 *
 * A request can be answered without a switch, when the scheduler finds that the
 * clearing task may go on. Nothing tells of that but the flag that is gone: so
 * only what finds the flag not set is a request, it takes the place of an older
 * one of its kind, and the end of a clear looks whether the flag is still set.
 *
 * The tracepoint sched_set_need_resched_tp would tell the same, and is deadly:
 * RCU sets the flag too, at the end of a reader that it waits for, and a program
 * on a tracepoint is such a reader. With preemptible RCU the tracepoint then
 * calls itself until the stack is used up. resched_curr() is not called there.
 */
#ifndef ZEROSCOPE_RESCHED_BPF_H
#define ZEROSCOPE_RESCHED_BPF_H

const volatile bool resched_on;
const volatile __u8 resched_hist[2]; /* now, lazy */

/*
 * The bit of the thread flags for a request that is not lazy: a #define, and so
 * in no BTF. It has always been the same where lazy requests do not exist. Where
 * they do, __resched_curr() is told the bit, and lazy is the next one.
 */
#if defined(__TARGET_ARCH_arm64)
#define RESCHED_OLD_BIT 1
#else
#define RESCHED_OLD_BIT 3
#endif
const volatile bool resched_learns; /* the bit, from the requests */
__u32 resched_bit;		    /* as learnt; 0: not known yet */

/*
 * One cache line a CPU. "what" is written by its CPU at each clear and read by
 * those who wake a task there; they write only while a clear runs.
 */
struct resched_cpu {
	__u64 clear;	   /* what runs, or 0: see resched__what() */
	__u64 allocator;   /* the same for an allocator clear */
	__u64 waited_for;  /* what ran at the first request */
	__u64 since_ns[2]; /* of the request that is not answered; 0: none */
	__u64 until_ns;	   /* the clear ended before the switch */
	__u64 pad[2];
};

_Static_assert(sizeof(struct resched_cpu) == 64, "one cache line");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to pages, therefore to cache lines */
	__uint(max_entries, 1);		   /* the loader sets how many */
	__type(key, __u32);
	__type(value, struct resched_cpu);
} resched_cpus SEC(".maps");

struct rq___resched {
	int cpu;
	struct task_struct *curr;
} __attribute__((preserve_access_index));

static __always_inline struct resched_cpu *resched__cpu(__u32 cpu)
{
	return bpf_map_lookup_elem(&resched_cpus, &cpu);
}

/* Never 0. */
static __always_inline __u64 resched__what(__u32 order, __s16 node)
{
	return 1ULL << 32 | order << 16 | (__u16)node;
}

/*
 * It runs here from now on; the next switch must look. Where this program is
 * preempted between two of these lines, that switch has taken the mark away.
 */
static __always_inline void resched__mark(struct zs_cpu *cpu, __u64 *place, __u64 what)
{
	cpu->open.running = 1;
	barrier();
	*place = what;
	barrier();
	cpu->open.running = 1;
}

/* A clear runs on this CPU: it began, or its task is back. */
static __always_inline void resched__begin(struct zs_cpu *cpu, __u32 order, __s16 node)
{
	struct resched_cpu *r;

	if (!resched_on)
		return;
	r = resched__cpu(bpf_get_smp_processor_id());
	if (r)
		resched__mark(cpu, &r->clear, resched__what(order, node));
}

static __always_inline void resched__begin_allocator(struct zs_cpu *cpu, __u32 order)
{
	struct resched_cpu *r;

	if (!resched_on)
		return;
	r = resched__cpu(bpf_get_smp_processor_id());
	if (r)
		resched__mark(cpu, &r->allocator, resched__what(order, -1));
}

/* Keeps of the requests of *r those that were not answered without a switch. */
static __noinline int resched__outlived(struct resched_cpu *r, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	unsigned long flags = task->thread_info.flags;
	__u32 bit = resched_learns ? resched_bit : RESCHED_OLD_BIT;

	if (!r || r->until_ns)
		return 0;
	if (bit && !(flags >> (bit & 63) & 1))
		r->since_ns[0] = 0;
	if (bit && !(flags >> ((bit + 1) & 63) & 1))
		r->since_ns[1] = 0;
	if (r->since_ns[0] | r->since_ns[1])
		r->until_ns = now;
	return 0;
}

/* The clear that ran here ended, at now. */
static __always_inline void resched__end(__u64 now)
{
	struct resched_cpu *r;

	if (!resched_on)
		return;
	r = resched__cpu(bpf_get_smp_processor_id());
	if (!r)
		return;
	r->clear = 0;
	if (r->since_ns[0] | r->since_ns[1])
		resched__outlived(r, now);
}

static __always_inline void resched__end_allocator(__u64 now)
{
	struct resched_cpu *r;

	if (!resched_on)
		return;
	r = resched__cpu(bpf_get_smp_processor_id());
	if (!r)
		return;
	r->allocator = 0;
	if (r->since_ns[0] | r->since_ns[1])
		resched__outlived(r, now);
}

/* A request of that kind to that CPU, with its runqueue locked. */
static __always_inline void resched__request(struct resched_cpu *r, __u32 target, bool lazy)
{
	struct zs_cpu *cpu;
	__u32 zero = 0;

	/* What another CPU's slot holds is looked up by a call: only here. */
	cpu = bpf_map_lookup_percpu_elem(&cpus, &zero, target);
	if (!cpu)
		return;
	/* One that outlived its clear counts up to there, unless it was answered since. */
	if (r->until_ns && !r->since_ns[lazy])
		return;
	r->until_ns = 0;
	r->waited_for = r->clear ? r->clear : r->allocator;
	r->since_ns[lazy] = bpf_ktime_get_ns();
	cpu->open.waiter = 1;
}

static __always_inline void resched__add(struct zs_cpu *cpu, struct resched_cpu *r, __u32 lazy,
					 __u64 end, __u64 now, struct task_struct *next)
{
	__u64 since = r->since_ns[lazy];
	struct zs_hist *h;

	r->since_ns[lazy] = 0;
	/* A request that raced with the end of the clear was not kept waiting by it. */
	if (!since || end < since)
		return;
	h = hist__get(resched_hist[lazy]);
	if (!h)
		return;
	if (end != now)
		cpu->resched_outlived++;
	hist__add(h, end - since, now, r->waited_for >> 16 & (ZS_ORDERS - 1), r->waited_for, next);
}

/* The CPU goes to another task; its slot said that there is something to close. */
static __noinline int resched__switch(struct zs_cpu *cpu, struct task_struct *next)
{
	struct resched_cpu *r = resched__cpu(bpf_get_smp_processor_id());
	__u64 now, end;

	if (!cpu || !r)
		return 0;
	cpu->open.attention = 0;
	/* Neither: the request came as the clear ended. */
	if ((r->since_ns[0] | r->since_ns[1]) && (r->until_ns | r->clear | r->allocator)) {
		now = bpf_ktime_get_ns();
		end = r->until_ns ? r->until_ns : now;
		resched__add(cpu, r, 0, end, now, next);
		resched__add(cpu, r, 1, end, now, next);
	}
	r->since_ns[0] = 0;
	r->since_ns[1] = 0;
	r->until_ns = 0;
	/* A clear's is set again when its task is back. */
	r->clear = 0;
	r->allocator = 0;
	return 0;
}

/* bit: of the request, or 0 where all requests are of one kind. */
static __always_inline int resched__requested(struct rq *rq, __u32 bit, bool direct)
{
	struct rq___resched *q = (void *)rq;
	__u32 target = READ(direct, q, cpu), now_bit;
	struct resched_cpu *r = resched__cpu(target);
	unsigned long flags;

	if (!r)
		return 0;
	if (!(r->clear | r->allocator)) {
		/* What makes an idle task give way is never lazy: so the two are told apart. */
		if (bit && !resched_bit && !READ(direct, q, curr->pid))
			resched_bit = bit;
		return 0;
	}
	now_bit = bit ? resched_bit : RESCHED_OLD_BIT;
	flags = READ(direct, q, curr->thread_info.flags);
	if (((flags >> (bit & 63)) | (flags >> (now_bit & 63))) & 1)
		return 0;
	resched__request(r, target, bit && now_bit && bit != now_bit);
	return 0;
}

/* Before v6.13 (commit 26baa1f1c4bd, "sched: Add TIF_NEED_RESCHED_LAZY infrastructure"). */
SEC("fentry/resched_curr")
int BPF_PROG(resched_fentry, struct rq *rq)
{
	return resched__requested(rq, 0, true);
}

SEC("kprobe/resched_curr")
int BPF_KPROBE(resched_kprobe, struct rq *rq)
{
	return resched__requested(rq, 0, false);
}

SEC("fentry/__resched_curr")
int BPF_PROG(resched_fentry_bit, struct rq *rq, int bit)
{
	return resched__requested(rq, bit, true);
}

SEC("kprobe/__resched_curr")
int BPF_KPROBE(resched_kprobe_bit, struct rq *rq, int bit)
{
	return resched__requested(rq, bit, false);
}

#endif
