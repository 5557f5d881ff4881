/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clears that took longer than asked for, one by one. They are counted like all
 * others; what has no room in the buffer is counted as dropped.
 */
#ifndef ZEROSCOPE_SLOW_BPF_H
#define ZEROSCOPE_SLOW_BPF_H

const volatile __u64 slower_than_ns; /* 0: no slow clears are streamed */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ZS_SLOW_BYTES);
} slow_clears SEC(".maps");

static __noinline int slow__stream(void *ctx, struct zs_cpu *cpu, const struct zs_open *o,
				   __u64 wall, __u64 now)
{
	struct task_struct *task = state__current();
	struct zs_slow *e = bpf_ringbuf_reserve(&slow_clears, sizeof(*e), 0);
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	if (!e) {
		if (cpu)
			cpu->dropped++;
		return 0;
	}
	e->when_ns = now;
	e->wall_ns = wall;
	e->off_cpu_ns = o->gap_ns;
	e->gaps = o->gaps;
	e->off_cpu_known = have_sched_info || use_slot;
	if (have_sched_info) {
		e->off_cpu_ns = READ(!no_btf, task, sched_info.run_delay) - o->run_delay_ns;
		e->gaps = READ(!no_btf, task, sched_info.pcount) - o->pcount;
	}
	e->cgroup = bpf_get_current_cgroup_id();
	e->tgid = pid_tgid >> 32;
	e->tid = pid_tgid;
	e->node = o->node;
	e->cpu_start = o->cpu;
	e->cpu_end = bpf_get_smp_processor_id();
	e->order = o->order;
	e->kind = o->kind;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->stack_bytes = bpf_get_stack(ctx, e->stack, sizeof(e->stack), 0);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif
