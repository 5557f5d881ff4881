/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * While a folio is being cleared, when is its task off the CPU, and why?
 *
 * This is the hottest path that the tool touches: every context switch of the
 * machine. A task that is not clearing costs three loads and three compares:
 * the CPU's slot has another owner, and neither task has task storage.
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

/* It is back. */
static __always_inline void gap__end(struct zs_cpu *cpu, struct zs_open *o,
				     struct task_struct *task, __u64 now)
{
	__u64 gap = now - o->out_ns;
	__u32 cause = o->out_cause;
	struct zs_hist *h;
	__u32 id;

	o->out_ns = 0;
	o->gap_ns += gap;
	o->gaps++;
	if (!o->counted || cause >= ZS_GAP_CAUSES)
		return;
	resched__begin(cpu, o->order, o->node);
	cpu->gap[cause][o->order & (ZS_ORDERS - 1)].count++;
	cpu->gap[cause][o->order & (ZS_ORDERS - 1)].sum_ns += gap;
	id = gap_hist[cause];
	if (id == ZS_HIST_NONE)
		return;
	h = hist__get(id);
	if (h)
		hist__add(h, gap, now, o->order, o->node, task);
}

/*
 * A task that is still running leaves the CPU without being preempted only on
 * its way back to user mode: its clear has ended and the exit was lost.
 */
static __always_inline bool gap__to_user_mode(bool preempt, unsigned int prev_state)
{
	return !preempt && !prev_state;
}

static __noinline int gap__switched_out(struct zs_cpu *cpu, struct task_struct *prev, bool preempt,
					unsigned int prev_state)
{
	/* It leaves now: making room for it takes longer than anything else here. */
	__u64 now = bpf_ktime_get_ns();
	struct zs_open *slot = &cpu->open, *o;

	if (gap__to_user_mode(preempt, prev_state)) {
		if (slot->counted)
			__sync_fetch_and_add(&cpu->entries_unmatched, 1);
		slot->task = 0;
		return 0;
	}
	o = state__park(prev);
	if (o) {
		*o = *slot;
		gap__begin(o, preempt, now);
	} else if (slot->counted) {
		__sync_fetch_and_add(&cpu->storage_full, 1);
	}
	slot->task = 0;
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(gaps_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct zs_cpu *cpu = state__cpu();
	struct zs_open *o;

	if (!cpu)
		return 0;
	if (cpu->open.attention)
		resched__switch(cpu, next);
	if (cpu->open.task == (__u64)prev) {
		extent__end(prev, bpf_ktime_get_ns(), cooperative);
		gap__switched_out(cpu, prev, preempt, prev_state);
	} else if (state__has_storage(prev)) {
		o = state__parked(prev);
		if (o && o->task == (__u64)prev) {
			if (gap__to_user_mode(preempt, prev_state)) {
				if (o->counted)
					__sync_fetch_and_add(&cpu->entries_unmatched, 1);
				o->task = 0;
				state__unpark(prev);
			} else {
				extent__end(prev, bpf_ktime_get_ns(), cooperative);
				gap__begin(o, preempt, bpf_ktime_get_ns());
			}
		}
	}
	if (!state__has_storage(next))
		return 0;
	o = state__parked(next);
	if (o && o->task == (__u64)next && o->out_ns)
		gap__end(cpu, o, next, bpf_ktime_get_ns());
	return 0;
}

#endif
