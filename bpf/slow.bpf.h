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

/* What of a clear that ended is needed by options; off_cpu_ns by the best account there is. */
struct clear_ended {
	__u64 what;
	__u64 wall_ns;
	__u64 end_ns;
	__u64 off_cpu_ns;
	__u64 gaps;
};

static __always_inline int slow__stream(void *ctx, struct zs_cpu *cpu, const struct clear_ended *s)
{
	struct zs_slow *e = bpf_ringbuf_reserve(&slow_clears, sizeof(*e), 0);
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	if (!e) {
		if (cpu)
			cpu->dropped++;
		return 0;
	}
	e->when_ns = s->end_ns;
	e->wall_ns = s->wall_ns;
	e->off_cpu_ns = s->off_cpu_ns;
	e->gaps = s->gaps;
	e->off_cpu_known = have_sched_info || use_slot;
	e->cgroup = bpf_get_current_cgroup_id();
	e->tgid = pid_tgid >> 32;
	e->tid = pid_tgid;
	e->node = what__node(s->what);
	e->cpu_start = s->what >> ZS_WHAT_CPU_SHIFT;
	e->cpu_end = bpf_get_smp_processor_id();
	e->order = what__order(s->what);
	e->kind = what__kind(s->what);
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->stack_bytes = bpf_get_stack(ctx, e->stack, sizeof(e->stack), 0);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

#endif
