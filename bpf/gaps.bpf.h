/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * While a folio is being cleared, when is its task off the CPU, and why?
 *
 * This is the hottest path that the tool touches: every context switch of the
 * machine. Where nobody clears it costs three loads and two compares: the CPU's
 * slot is empty, nothing cleared beside it, and the next task has no task storage.
 */
#ifndef ZEROSCOPE_GAPS_BPF_H
#define ZEROSCOPE_GAPS_BPF_H

/*
 * Under none and voluntary the only way to switch in the middle is
 * cond_resched(); under the others cond_resched() does nothing and the switch
 * comes from an interrupt or from preempt_enable().
 */
static __always_inline __u8 gap__cause(bool preempt)
{
	if (!preempt)
		return ZS_GAP_BLOCKED;
	return cooperative ? ZS_GAP_RESCHED : ZS_GAP_PREEMPT;
}

/* The task leaves the CPU with a clear open. */
static __always_inline void gap__begin(struct zs_open *o, bool preempt, __u64 now)
{
	o->out_ns = now;
	o->out_cause = gap__cause(preempt);
}

/*
 * A task that is still running leaves the CPU without being preempted only on
 * its way back to user mode: its clear has ended and the exit was lost.
 */
static __always_inline bool gap__to_user_mode(bool preempt, unsigned int prev_state)
{
	return !preempt && !prev_state;
}

/* The task that leaves has its clear in this CPU's slot. */
static __noinline int gap__out_of_slot(unsigned long long *ctx, struct zs_cpu *cpu)
{
	struct task_struct *prev = (void *)ctx[1];
	/* It leaves now: making room for it takes longer than anything else here. */
	__u64 now = bpf_ktime_get_ns();
	bool preempt = ctx[0];
	struct zs_slot *slot;
	struct zs_open *o;

	if (!cpu)
		return 0;
	slot = &cpu->slot;
	if (gap__to_user_mode(preempt, ctx[3])) {
		clear__unmatched(cpu, &slot->task, slot->what);
		return 0;
	}
	/* In the middle of the program that begins it: its time does not run yet. */
	if (!slot->start_ns)
		return 0;
	extent__end(cpu, prev, now, cooperative);
	o = state__park(prev);
	if (o) {
		o->start_ns = slot->start_ns;
		o->what = slot->what;
		o->run_delay_ns = slot->run_delay_ns;
		o->pcount = slot->pcount;
		if (have_sched_info && quick) {
			o->run_delay_ns = prev->sched_info.run_delay;
			o->pcount = prev->sched_info.pcount;
		}
		o->gap_ns = 0;
		o->gaps = 0;
		o->task = (__u64)prev;
		gap__begin(o, preempt, now);
	} else if (slot->what) {
		__sync_fetch_and_add(&cpu->storage_full, 1);
	}
	slot->task = 0;
	return 0;
}

/* It has task storage: perhaps a clear that was off the CPU before. */
static __noinline int gap__out_again(unsigned long long *ctx, struct zs_cpu *cpu)
{
	struct task_struct *prev = (void *)ctx[1];
	struct zs_open *o = state__parked(prev);
	bool preempt = ctx[0];

	if (!cpu || !o || o->task != (__u64)prev)
		return 0;
	if (gap__to_user_mode(preempt, ctx[3])) {
		clear__unmatched(cpu, &o->task, o->what);
		state__unpark(prev);
		return 0;
	}
	extent__end(cpu, prev, bpf_ktime_get_ns(), cooperative);
	gap__begin(o, preempt, bpf_ktime_get_ns());
	return 0;
}

/* A task leaves, and something cleared on this CPU since the last one did. */
static __noinline int gap__leave(unsigned long long *ctx, struct zs_cpu *cpu)
{
	struct task_struct *prev = (void *)ctx[1];

	if (!cpu)
		return 0;
	if (cpu->slot.attention)
		resched__switch(ctx, cpu);
	if (cpu->slot.task == (__u64)prev)
		gap__out_of_slot(ctx, cpu);
	else
		gap__out_again(ctx, cpu);
	return 0;
}

/* A task comes that has task storage: perhaps a clear, of which a gap ends. */
static __noinline int gap__back(unsigned long long *ctx, struct zs_cpu *cpu)
{
	struct task_struct *next = (void *)ctx[2];
	struct zs_open *o = state__parked(next);
	__u32 cause, order;
	struct zs_hist *h;
	__u64 now, gap;

	if (!cpu || !o || o->task != (__u64)next)
		return 0;
	/* Also where that is all: only then is it looked for when it leaves again. */
	cpu->slot.running = 1;
	if (!o->out_ns)
		return 0;
	now = bpf_ktime_get_ns();
	gap = now - o->out_ns;
	cause = o->out_cause;
	order = what__order(o->what);
	o->out_ns = 0;
	o->gap_ns += gap;
	o->gaps++;
	if (!o->what || cause >= ZS_GAP_CAUSES)
		return 0;
	if (resched_on)
		cpu->slot.parked = o->what;
	cpu->gap[cause][order].count++;
	cpu->gap[cause][order].sum_ns += gap;
	h = gap_hist[cause] == ZS_HIST_NONE ? NULL : hist__get(cpu, gap_hist[cause]);
	if (h)
		hist__add(h, gap, now, order, what__node(o->what), next);
	return 0;
}

/*
 * (bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
 *
 * The functions above read them from the context themselves: for nearly all switches
 * only one of them is needed.
 */
SEC("tp_btf/sched_switch")
int gaps_sched_switch(unsigned long long *ctx)
{
	struct zs_cpu *cpu = state__cpu();

	if (!cpu)
		return 0;
	if (cpu->slot.task | cpu->slot.attention)
		gap__leave(ctx, cpu);
	if (state__has_storage((struct task_struct *)ctx[2]))
		gap__back(ctx, cpu);
	return 0;
}

#endif
