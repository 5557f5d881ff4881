/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When somebody else wants the CPU on which a folio is being cleared, how long
 * does clearing make them wait?
 *
 * A request to reschedule comes from any CPU, with the target's runqueue locked,
 * and asks one thing first: does a clear run there? The answer is in the target's slot,
 * or beside it where the clear is in task storage: nearly always it is no, and that is
 * all. Otherwise the time of the request is noted there and the target's slot is
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

struct rq___resched {
	int cpu;
	struct task_struct *curr;
} __attribute__((preserve_access_index));

/* What clears on that CPU, or 0. */
static __always_inline __u64 resched__running(const struct zs_slot *slot)
{
	/* Without a start, somebody else may run while it waits to begin. */
	if (slot->task && slot->start_ns)
		return slot->what;
	return slot->parked ? slot->parked : slot->allocator;
}

/*
 * An allocator clear runs here from now on; the next switch must look. Where this
 * program is preempted between two of these lines, that switch has taken the mark away.
 */
static __always_inline void resched__begin_allocator(struct zs_cpu *cpu, __u32 order)
{
	struct zs_slot *slot = &cpu->slot;

	if (!resched_on)
		return;
	slot->running = 1;
	barrier();
	slot->allocator = -1ULL << ZS_WHAT_NODE_SHIFT | ZS_WHAT_COUNTED | order;
	barrier();
	slot->running = 1;
}

/* Keeps of the requests to this CPU those that were not answered without a switch. */
static __noinline int resched__outlived(struct zs_cpu *cpu, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	unsigned long flags = task->thread_info.flags;
	__u32 bit = resched_learns ? resched_bit : RESCHED_OLD_BIT;
	struct zs_wait *w;

	if (!cpu)
		return 0;
	w = &cpu->wait;
	if (w->until_ns)
		return 0;
	if (bit && !(flags >> (bit & 63) & 1))
		w->since_ns[0] = 0;
	if (bit && !(flags >> ((bit + 1) & 63) & 1))
		w->since_ns[1] = 0;
	if (w->since_ns[0] | w->since_ns[1])
		w->until_ns = now;
	return 0;
}

/* The clear that ran here, in the slot or not, ended at now. */
static __always_inline void resched__end(struct zs_cpu *cpu, __u64 now)
{
	if (cpu->slot.waiter)
		resched__outlived(cpu, now);
}

static __always_inline void resched__end_allocator(struct zs_cpu *cpu, __u64 now)
{
	if (!resched_on || !cpu)
		return;
	cpu->slot.allocator = 0;
	resched__end(cpu, now);
}

static __always_inline void resched__add(struct zs_cpu *cpu, __u32 lazy, __u64 end, __u64 now,
					 struct task_struct *next)
{
	struct zs_wait *w = &cpu->wait;
	__u64 since = w->since_ns[lazy];
	struct zs_hist *h;

	w->since_ns[lazy] = 0;
	/* A request that raced with the end of the clear was not kept waiting by it. */
	if (!since || end < since)
		return;
	h = hist__get(cpu, resched_hist[lazy]);
	if (!h)
		return;
	if (end != now)
		cpu->resched_outlived++;
	hist__add(h, end - since, now, what__order(w->what), what__node(w->what), next);
}

/* The CPU goes to another task; its slot said that there is something to close. */
static __noinline int resched__switch(unsigned long long *ctx, struct zs_cpu *cpu)
{
	struct task_struct *next = (void *)ctx[2];
	struct zs_wait *w;
	__u64 now, end;

	if (!cpu)
		return 0;
	w = &cpu->wait;
	cpu->slot.attention = 0;
	/* Neither: the request came as the clear ended. */
	if ((w->since_ns[0] | w->since_ns[1]) && (w->until_ns | resched__running(&cpu->slot))) {
		now = bpf_ktime_get_ns();
		end = w->until_ns ? w->until_ns : now;
		resched__add(cpu, 0, end, now, next);
		resched__add(cpu, 1, end, now, next);
	}
	w->since_ns[0] = 0;
	w->since_ns[1] = 0;
	w->until_ns = 0;
	/* A clear's is set again when its task is back. */
	cpu->slot.parked = 0;
	cpu->slot.allocator = 0;
	return 0;
}

/* A request to that CPU, on which something clears; its runqueue is locked. */
static __always_inline int resched__request(struct zs_cpu *cpu, __u32 bit, unsigned long flags)
{
	__u32 now_bit = bit ? resched_bit : RESCHED_OLD_BIT;
	bool lazy = bit && now_bit && bit != now_bit;
	struct zs_wait *w = &cpu->wait;
	__u64 what = resched__running(&cpu->slot);

	if (((flags >> (bit & 63)) | (flags >> (now_bit & 63))) & 1)
		return 0;
	if (!what)
		return 0;
	/* One that outlived its clear counts up to there, unless it was answered since. */
	if (w->until_ns && !w->since_ns[lazy])
		return 0;
	w->until_ns = 0;
	w->what = what;
	w->since_ns[lazy] = bpf_ktime_get_ns();
	cpu->slot.waiter = 1;
	return 0;
}

/* bit: of the request, or 0 where all requests are of one kind. */
static __always_inline int resched__requested(struct rq *rq, __u32 bit, bool direct)
{
	struct rq___resched *q = (void *)rq;
	struct zs_cpu *cpu = state__cpu_at(READ(direct, q, cpu));

	if (!cpu)
		return 0;
	if (!(cpu->slot.task | cpu->slot.parked | cpu->slot.allocator)) {
		/* What makes an idle task give way is never lazy: so the two are told apart. */
		if (bit && !resched_bit && !READ(direct, q, curr->pid))
			resched_bit = bit;
		return 0;
	}
	return resched__request(cpu, bit, READ(direct, q, curr->thread_info.flags));
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
