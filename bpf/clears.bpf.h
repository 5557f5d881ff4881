/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long does the kernel take to clear a folio?
 *
 * folio_zero_user(folio, addr_hint), or before v6.11 (commit 78fefd04c123)
 * clear_huge_page(page, addr_hint, pages), from entry to return. The same two
 * steps, clear__begin() and clear__end(), stand behind every tier.
 */
#ifndef ZEROSCOPE_CLEARS_BPF_H
#define ZEROSCOPE_CLEARS_BPF_H

static __always_inline bool clear__filter_comm(void)
{
	char comm[ZS_COMM_LEN];
	int i;

	if (bpf_get_current_comm(comm, sizeof(comm)))
		return false;
	for (i = 0; i < ZS_COMM_LEN; i++) {
		if (comm[i] != filter_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

/* As the caller of zeroscope numbers it; 0: it is in no namespace that the caller sees. */
static __always_inline __u32 clear__tgid(void)
{
	struct {
		__u32 pid, tgid;
	} ns; /* struct bpf_pidns_info */

	if (!filter_pidns_ino)
		return bpf_get_current_pid_tgid() >> 32;
	if (bpf_get_ns_current_pid_tgid(filter_pidns_dev, filter_pidns_ino, (void *)&ns,
					sizeof(ns)))
		return 0;
	return ns.tgid;
}

static __always_inline bool clear__filter_pid(void)
{
	__u32 tgid = clear__tgid();
	__u32 i;

	for (i = 0; i < ZS_PIDS && i < filter_pids; i++)
		if (filter_pid[i] == tgid)
			return true;
	return false;
}

#define CLEAR_HIDDEN_LEVELS 32 /* that a namespace may hide of a cgroup's path */

/*
 * In a cgroup namespace, or with a part of the hierarchy mounted, nobody can
 * tell how far below the root the group really is: all levels are tried from
 * the least that it can be, which is the right one elsewhere.
 */
static __always_inline bool clear__filter_cgroup(void)
{
	__u64 ancestor;
	__u32 i;

	for (i = 0; i < CLEAR_HIDDEN_LEVELS; i++) {
		ancestor = bpf_get_current_ancestor_cgroup_id(filter_cgroup_level + i);
		if (ancestor == filter_cgroup)
			return true;
		if (!ancestor)
			break;
	}
	return false;
}

static __always_inline bool clear__wanted(__u8 order)
{
	if (!filter_on)
		return true;
	if (order < filter_min_order)
		return false;
	if (filter_pids && !clear__filter_pid())
		return false;
	if (filter_comm_len && !clear__filter_comm())
		return false;
	if (filter_cgroup && !clear__filter_cgroup())
		return false;
	return true;
}

/* What is cleared, as in ZS_WHAT_…, but for the CPU. */
static __always_inline __u64 clear__classify(const struct page *head, __u32 order, bool direct)
{
	/* [hugetlb][numa][order], as one index: a local folio that is not hugetlb's is at 0. */
	const volatile __u32 *table = &clear_what[0][0][0];
	__u32 at = order & (ZS_ORDERS - 1), numa;
	__u16 node;

	if (__builtin_expect(compat__page_is_hugetlb(head, direct), 0))
		at += ZS_NUMAS * ZS_ORDERS;
	if (one_node)
		return table[at];
	node = -1;
	numa = ZS_NUMA_UNKNOWN;
	if (have_node) {
		node = 0;
		/* NODES_PGSHIFT: the node sits at the top where the section does not. */
		if (node_shift)
			node = compat__page_flags(head, direct) >> (64 - node_shift);
		numa = node == bpf_get_numa_node_id() ? ZS_NUMA_LOCAL : ZS_NUMA_REMOTE;
	}
	at += numa * ZS_ORDERS;
	return table[at] | (__u64)node << ZS_WHAT_NODE_SHIFT;
}

/* A clear of a series without a histogram of its own. */
static __noinline int clear__count_other(struct zs_cpu *cpu, __u64 what)
{
	__u32 order = what__order(what);

	if (!cpu)
		return 0;
	cpu->other_begun[what__kind(what) & (ZS_KINDS - 1)][order]++;
	cpu->other_bytes += page_bytes << order;
	return 0;
}

/* Counts one that passed the filters. */
static __always_inline void clear__count(struct zs_cpu *cpu, __u64 what)
{
	cpu->begun[what__hist(what)]++;
	if (what__hist(what) == ZS_HIST_OTHER)
		clear__count_other(cpu, what);
}

/* The exit of an open clear was lost, or its switch was not seen. */
static __always_inline void clear__unmatched(struct zs_cpu *cpu, __u64 *task, __u64 what)
{
	if (what)
		__sync_fetch_and_add(&cpu->entries_unmatched, 1);
	*task = 0;
}

/* Ends what the task or the CPU should have no more: rarely there is anything. */
static __noinline int clear__drop_old(struct zs_cpu *cpu)
{
	struct zs_open *old = state__parked(state__current());

	if (!cpu)
		return 0;
	if (old && old->task)
		clear__unmatched(cpu, &old->task, old->what);
	if (cpu->slot.task)
		clear__unmatched(cpu, &cpu->slot.task, cpu->slot.what);
	return 0;
}

/*
 * In the slot or in task storage, whatever the kernel and the options. Returns whether the
 * clear is followed.
 */
static __noinline int clear__begin_anywhere(struct zs_cpu *cpu, __u64 what)
{
	struct task_struct *task = state__current();
	struct zs_open *o = NULL;
	struct zs_slot *slot;
	__u64 run_delay = 0, pcount = 0;
	__u32 order = what__order(what);

	if (!cpu)
		return 0;
	if (what && !clear__wanted(order)) {
		cpu->rejected[what__kind(what) & (ZS_KINDS - 1)][order]++;
		return 0;
	}
	if (what)
		clear__count(cpu, what);
	if (!use_slot || storage_at_entry) {
		o = state__park(task);
		if (!o) {
			if (what)
				__sync_fetch_and_add(&cpu->storage_full, 1);
			return 0;
		}
	}
	clear__drop_old(cpu);
	if (have_sched_info) {
		run_delay = READ(!NO_BTF, task, sched_info.run_delay);
		pcount = READ(!NO_BTF, task, sched_info.pcount);
	}
	if (use_slot) {
		slot = &cpu->slot;
		slot->what = what;
		slot->run_delay_ns = run_delay;
		slot->pcount = pcount;
		slot->start_ns = bpf_ktime_get_ns();
		barrier();
		slot->task = (__u64)task;
		return 1;
	}
	o->what = what;
	o->gap_ns = 0;
	o->gaps = 0;
	o->out_ns = 0;
	o->run_delay_ns = run_delay;
	o->pcount = pcount;
	o->start_ns = bpf_ktime_get_ns();
	barrier();
	o->task = (__u64)task;
	return 1;
}

/*
 * At entry. Returns false if the clear is not to be followed. A clear that
 * begins before the ready flag is followed but not counted, so that its end is
 * not mistaken for one whose beginning was missed.
 */
static __always_inline bool clear__begin(const struct page *head, __u32 order, bool direct)
{
	struct zs_cpu *cpu = state__cpu();
	struct task_struct *task;
	__u64 what;

	if (!cpu)
		return false;
	what = clear__classify(head, order, direct);
	if (!ready)
		what = 0;
	if (!quick) {
		if (what)
			what |= (__u64)bpf_get_smp_processor_id() << ZS_WHAT_CPU_SHIFT;
		return clear__begin_anywhere(cpu, what);
	}
	if (what)
		clear__count(cpu, what);
	task = state__current();
	if (cpu->slot.task || state__has_storage(task))
		clear__drop_old(cpu);
	cpu->slot.what = what;
	cpu->slot.start_ns = 0;
	barrier();
	cpu->slot.task = (__u64)task;
	barrier();
	/* From here on a switch is a gap. */
	cpu->slot.start_ns = bpf_ktime_get_ns();
	return true;
}

static __always_inline __u64 payer__cgroup(struct task_struct *task)
{
	/* What the helper would return, without the call. */
	return NO_BTF ? bpf_get_current_cgroup_id() : task->cgroups->dfl_cgrp->kn->id;
}

/*
 * The place in the table that a cgroup and a node take for good with their first clear,
 * or the node's for all cgroups without one.
 */
static __noinline __u32 payer__find(struct zs_cpu *cpu, __u64 key)
{
	__u32 i, at;

	if (!cpu)
		return 0;
	for (i = 0; i < ZS_PAYER_TRIES; i++) {
		at = (key + i) & (ZS_PAYERS - 1);
		if (!cpu->payer[at].key) {
			/* Before the entry counts: whoever sees it finds its path. */
			if (cgroup_paths_on)
				cgroup__take_down(key & ZS_PAYER_CGROUP);
			cpu->payer[at].key = key;
		}
		if (cpu->payer[at].key == key)
			return at;
	}
	return ZS_PAYERS + (key >> ZS_WHAT_NODE_SHIFT & (ZS_NODES - 1));
}

static __always_inline void payer__add(struct zs_cpu *cpu, struct task_struct *task, __u64 what,
				       __u64 wall, __u64 gap_ns)
{
	__u64 key = payer__cgroup(task) | (what & ~ZS_PAYER_CGROUP);
	__u32 at = key & (ZS_PAYERS - 1);
	struct zs_payer *p = &cpu->payer[at];

	if (p->key != key) {
		at = payer__find(cpu, key);
		if (at >= ZS_PAYERS + ZS_NODES)
			return;
		p = &cpu->payer[at];
	}
	barrier_var(p);
	p->count++;
	p->pages += 1ULL << what__order(what);
	p->sum_ns += wall;
	p->gap_ns += gap_ns;
	if (wall > p->max_ns)
		p->max_ns = wall;
}

/* Rare: see hist__top(). */
static __noinline int clear__top(struct zs_hist *h, __u64 wall, __u64 now, __u64 what)
{
	hist__top(h, wall, now, what__order(what) << 16 | (__u16)what__node(what),
		  state__current());
	return 0;
}

/* One clear of the task that ended now on this CPU, and counts. False: it has no histogram. */
static __always_inline bool clear__record(struct zs_cpu *cpu, struct task_struct *task, __u64 what,
					  __u64 wall, __u64 now, __u64 gap_ns)
{
	struct zs_hist *h;

	if (cpu->slot.waiter)
		resched__outlived(cpu, now);
	h = hist__get(cpu, what__hist(what));
	if (!h)
		return false;
	/* Or the compiler works its address out again for each member. */
	barrier_var(h);
	if (hist__count(h, wall))
		clear__top(h, wall, now, what);
	payer__add(cpu, task, what, wall, gap_ns);
	return true;
}

/* Off the CPU meanwhile: how often by the scheduler's account, and how long. */
static __noinline int clear__correct(struct zs_cpu *cpu, __u64 what, __u64 wall, __u64 switches,
				     __u64 delay)
{
	__u64 on_cpu = delay < wall ? wall - delay : 0;
	struct zs_hist *h;
	__u32 id;

	if (!cpu)
		return 0;
	cpu->gaps_counted += switches;
	id = on_cpu_hist[what__hist(what)];
	h = id == ZS_HIST_NONE ? NULL : hist__get(cpu, id);
	if (h)
		hist__move(h, wall, on_cpu);
	return 0;
}

static __noinline int clear__serve_options(void *ctx, struct zs_cpu *cpu,
					   const struct clear_ended *e)
{
	struct task_struct *task = state__current();

	if (!cpu)
		return 0;
	extent__end(cpu, task, e->end_ns, true);
	fault__cleared(task, what__order(e->what), what__node(e->what));
	if (slower_than_ns && e->wall_ns > slower_than_ns)
		slow__stream(ctx, cpu, e);
	return 0;
}

/* The end of a clear that is wherever clear__begin_anywhere() or a switch put it. */
static __noinline int clear__end_anywhere(void *ctx, struct zs_cpu *cpu, __u64 now)
{
	struct task_struct *task = state__current();
	__u64 gap_ns = 0, gaps = 0, switches = 0, delay = 0;
	struct zs_open *open;
	__u64 wall, what, start;

	if (!cpu)
		return 0;
	if (use_slot && !quick && cpu->slot.task == (__u64)task) {
		start = cpu->slot.start_ns;
		what = cpu->slot.what;
		if (have_sched_info) {
			switches = READ(!NO_BTF, task, sched_info.pcount) - cpu->slot.pcount;
			delay = READ(!NO_BTF, task, sched_info.run_delay) - cpu->slot.run_delay_ns;
		}
		barrier();
		if (__sync_val_compare_and_swap(&cpu->slot.task, (__u64)task, 0) == (__u64)task)
			goto taken;
	}
	open = state__parked(task);
	if (!open || open->task != (__u64)task) {
		cpu->exits_unmatched += ready;
		return 0;
	}
	start = open->start_ns;
	what = open->what;
	gap_ns = open->gap_ns;
	gaps = open->gaps;
	if (have_sched_info) {
		switches = READ(!NO_BTF, task, sched_info.pcount) - open->pcount;
		delay = READ(!NO_BTF, task, sched_info.run_delay) - open->run_delay_ns;
	}
	open->task = 0;
	cpu->slot.parked = 0;
	state__unpark(task);
taken:
	if (!what) {
		cpu->straddled += ready;
		return 0;
	}
	wall = now - start;
	if (!clear__record(cpu, task, what, wall, now, gap_ns))
		return 0;
	/*
	 * Where each switch was seen, the gaps are how long: run_delay leaves out what
	 * is slept, and is too long by the resched delay before each switch.
	 * wakeup_preempt() has the next __schedule() skip its update of the runqueue's
	 * clock, so that the wait of the task that leaves begins when it was asked to.
	 */
	if (gaps == switches)
		delay = gap_ns;
	if (switches)
		clear__correct(cpu, what, wall, switches, delay);
	if (clear_options) {
		struct clear_ended e = {what, wall, now, have_sched_info ? delay : gap_ns,
					have_sched_info ? switches : gaps};

		clear__serve_options(ctx, cpu, &e);
	}
	return 0;
}

static __always_inline void clear__end(void *ctx)
{
	__u64 now = bpf_ktime_get_ns(), wall, what;
	struct zs_cpu *cpu = state__cpu();
	struct task_struct *task;

	if (!cpu)
		return;
	if (!quick) {
		clear__end_anywhere(ctx, cpu, now);
		return;
	}
	task = state__current();
	if (cpu->slot.task != (__u64)task) {
		clear__end_anywhere(ctx, cpu, now);
		return;
	}
	what = cpu->slot.what;
	wall = now - cpu->slot.start_ns;
	barrier();
	if (cooperative) {
		cpu->slot.task = 0;
	} else if (__sync_val_compare_and_swap(&cpu->slot.task, (__u64)task, 0) != (__u64)task) {
		clear__end_anywhere(ctx, cpu, now);
		return;
	}
	if (!what) {
		cpu->straddled += ready;
		return;
	}
	clear__record(cpu, task, what, wall, now, 0);
}

/* A folio begins with its head page: a member's address would be worked out at run time. */
SEC("fentry/folio_zero_user")
int BPF_PROG(clear_begin_fentry, struct folio *folio)
{
	clear__begin((const struct page *)folio, compat__folio_order(folio, true), true);
	return 0;
}

SEC("fexit/folio_zero_user")
int BPF_PROG(clear_end_fexit)
{
	clear__end(ctx);
	return 0;
}

/* The loader turns this one into an fsession program (see tier__prepare()). */
SEC("fentry/folio_zero_user")
int BPF_PROG(clear_fsession, struct folio *folio)
{
	if (compat__session_is_return(ctx))
		clear__end(ctx);
	else
		clear__begin((const struct page *)folio, compat__folio_order(folio, true), true);
	return 0;
}

SEC("kprobe/folio_zero_user")
int BPF_KPROBE(clear_begin_kprobe, struct folio *folio)
{
	clear__begin((const struct page *)folio, compat__folio_order(folio, false), false);
	return 0;
}

SEC("kretprobe/folio_zero_user")
int BPF_KRETPROBE(clear_end_kretprobe)
{
	clear__end(ctx);
	return 0;
}

/* The loader turns this one into a kprobe.session program. */
SEC("kprobe/folio_zero_user")
int BPF_KPROBE(clear_kprobe_session, struct folio *folio)
{
	if (compat__session_is_return(ctx)) {
		clear__end(ctx);
		return 0;
	}
	/* Non-zero: the return need not be reported. */
	return !clear__begin((const struct page *)folio, compat__folio_order(folio, false), false);
}

SEC("fentry/clear_huge_page")
int BPF_PROG(clear_fsession_page, struct page *page, unsigned long addr, unsigned int pages)
{
	if (compat__session_is_return(ctx))
		clear__end(ctx);
	else
		clear__begin(page, hist__log2(pages | 1), true);
	return 0;
}

SEC("kprobe/clear_huge_page")
int BPF_KPROBE(clear_kprobe_session_page, struct page *page, unsigned long addr, unsigned int pages)
{
	if (compat__session_is_return(ctx)) {
		clear__end(ctx);
		return 0;
	}
	return !clear__begin(page, hist__log2(pages | 1), false);
}

/* pages is a power of two: the number of pages of a huge page. */
SEC("fentry/clear_huge_page")
int BPF_PROG(clear_begin_fentry_page, struct page *page, unsigned long addr, unsigned int pages)
{
	clear__begin(page, hist__log2(pages | 1), true);
	return 0;
}

SEC("fexit/clear_huge_page")
int BPF_PROG(clear_end_fexit_page)
{
	clear__end(ctx);
	return 0;
}

SEC("kprobe/clear_huge_page")
int BPF_KPROBE(clear_begin_kprobe_page, struct page *page, unsigned long addr, unsigned int pages)
{
	clear__begin(page, hist__log2(pages | 1), false);
	return 0;
}

SEC("kretprobe/clear_huge_page")
int BPF_KRETPROBE(clear_end_kretprobe_page)
{
	clear__end(ctx);
	return 0;
}

#endif
