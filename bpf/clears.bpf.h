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

struct clear_what {
	__u8 order;
	__u8 kind;
	__u8 hist;
	__s16 node;
};

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

static __always_inline bool clear__filter_pid(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 i;

	for (i = 0; i < ZS_PIDS && i < filter_pids; i++)
		if (filter_pid[i] == tgid)
			return true;
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
	if (filter_cgroup &&
	    bpf_get_current_ancestor_cgroup_id(filter_cgroup_level) != filter_cgroup)
		return false;
	return true;
}

static __always_inline void clear__classify(struct clear_what *w, const struct page *head,
					    __u32 order, bool direct)
{
	__u32 numa = ZS_NUMA_UNKNOWN;

	w->order = order & (ZS_ORDERS - 1);
	if (compat__page_is_hugetlb(head, direct))
		w->kind = ZS_KIND_HUGETLB;
	else if (w->order == pmd_order)
		w->kind = ZS_KIND_THP;
	else if (w->order && w->order < pmd_order)
		w->kind = ZS_KIND_MTHP;
	else
		w->kind = ZS_KIND_OTHER;
	w->node = -1;
	if (have_node) {
		w->node = 0;
		/* NODES_PGSHIFT: the node sits at the top where the section does not. */
		if (node_shift)
			w->node = compat__page_flags(head, direct) >> (64 - node_shift);
		numa = w->node == (__s16)bpf_get_numa_node_id() ? ZS_NUMA_LOCAL : ZS_NUMA_REMOTE;
	}
	w->hist = clear_hist[w->kind & (ZS_KINDS - 1)][numa][w->order];
	if (w->hist >= ZS_HISTS_MAX)
		w->hist = ZS_HIST_OTHER;
}

/*
 * At entry. Returns false if the clear is not to be followed. A clear that
 * begins before the ready flag is followed but not counted, so that its end is
 * not mistaken for one whose beginning was missed.
 */
static __always_inline bool clear__begin(const struct page *head, __u32 order, bool direct)
{
	struct task_struct *task = state__current();
	struct zs_cpu *cpu = state__cpu();
	struct zs_open *old, *open;
	struct clear_what w;
	bool counted = ready;

	if (!cpu)
		return false;
	cpu->entries++;
	clear__classify(&w, head, order, direct);
	if (counted && !clear__wanted(w.order)) {
		cpu->rejected[w.kind & (ZS_KINDS - 1)][w.order & (ZS_ORDERS - 1)]++;
		return false;
	}
	if (counted) {
		cpu->begun[w.hist]++;
		if (w.hist == ZS_HIST_OTHER) {
			cpu->other_begun[w.kind & (ZS_KINDS - 1)][w.order & (ZS_ORDERS - 1)]++;
			cpu->other_bytes += page_bytes << w.order;
		}
	}
	if (use_slot && cpu->open.task) {
		/* Its exit was lost, or its switch was not seen. */
		if (cpu->open.counted)
			__sync_fetch_and_add(&cpu->entries_unmatched, 1);
		cpu->open.task = 0;
	}
	if (use_slot && !storage_at_entry) {
		old = state__parked(task);
	} else {
		old = state__park(task);
		if (!old) {
			if (counted)
				__sync_fetch_and_add(&cpu->storage_full, 1);
			return false;
		}
	}
	open = use_slot ? &cpu->open : old;
	if (!open)
		return false;
	if (old && old->task) {
		if (old->counted)
			__sync_fetch_and_add(&cpu->entries_unmatched, 1);
		old->task = 0;
	}
	open->order = w.order;
	open->kind = w.kind;
	open->hist = w.hist;
	open->node = w.node;
	open->cpu = bpf_get_smp_processor_id();
	open->counted = counted;
	open->gap_ns = 0;
	open->gaps = 0;
	open->out_ns = 0;
	if (have_sched_info) {
		open->run_delay_ns = READ(!no_btf, task, sched_info.run_delay);
		open->pcount = READ(!no_btf, task, sched_info.pcount);
	}
	open->start_ns = bpf_ktime_get_ns();
	barrier();
	open->task = (__u64)task;
	if (counted)
		resched__begin(cpu, w.order, w.node);
	return true;
}

/* Takes the task's open clear out of its place into *o. False: there was none. */
static __always_inline bool clear__take(struct zs_cpu *cpu, struct task_struct *task,
					struct zs_open *o)
{
	struct zs_open *open = &cpu->open;

	if (use_slot && open->task == (__u64)task) {
		*o = *open;
		barrier();
		if (__sync_val_compare_and_swap(&open->task, (__u64)task, 0) == (__u64)task)
			return true;
	}
	open = state__parked(task);
	if (!open || open->task != (__u64)task)
		return false;
	*o = *open;
	open->task = 0;
	state__unpark(task);
	return true;
}

static __always_inline void payer__add(struct zs_payer *p, const struct zs_open *o, __u64 wall)
{
	p->count++;
	p->bytes += page_bytes << (o->order & (ZS_ORDERS - 1));
	p->sum_ns += wall;
	p->gap_ns += o->gap_ns;
	if (wall > p->max_ns)
		p->max_ns = wall;
}

/*
 * The group's entry: at its place in the table or one of the next three, which
 * the first clear of a group takes for good. [0] is for all others.
 */
static __always_inline struct zs_payer *payer__of_cgroup(struct zs_cpu *cpu)
{
	__u64 id = bpf_get_current_cgroup_id();
	__u32 i, at;

	for (i = 0; i < ZS_CGROUP_TRIES; i++) {
		at = (id + i) & (ZS_CGROUPS - 1);
		if (cpu->cgroup[at].id == id)
			return &cpu->cgroup[at];
		if (at && !cpu->cgroup[at].id) {
			/* Before the entry counts: whoever sees it finds its path. */
			if (cgroup_paths_on)
				cgroup__take_down(id);
			cpu->cgroup[at].id = id;
			return &cpu->cgroup[at];
		}
	}
	return &cpu->cgroup[0];
}

static __always_inline void clear__end(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct task_struct *task = state__current();
	struct zs_cpu *cpu = state__cpu();
	__u64 wall, delay, on_cpu;
	struct zs_open o;
	struct zs_hist *h;
	__u64 switches;
	__u32 id;

	if (!cpu)
		return;
	if (!clear__take(cpu, task, &o)) {
		cpu->exits_unmatched += ready;
		return;
	}
	if (!o.counted) {
		cpu->straddled += ready;
		return;
	}
	resched__end(now);
	extent__end(task, now, true);
	fault__cleared(task, o.order, o.node);
	cpu->exits_matched++;
	wall = now - o.start_ns;
	h = hist__get(o.hist);
	if (!h)
		return;
	hist__add(h, wall, now, o.order, o.node, task);
	payer__add(&cpu->node[o.node & (ZS_NODES - 1)], &o, wall);
	payer__add(payer__of_cgroup(cpu), &o, wall);
	if (slower_than_ns && wall > slower_than_ns)
		slow__stream(ctx, cpu, &o, wall, now);
	if (!have_sched_info)
		return;
	switches = READ(!no_btf, task, sched_info.pcount) - o.pcount;
	if (!switches)
		return;
	cpu->gaps_counted += switches;
	delay = READ(!no_btf, task, sched_info.run_delay) - o.run_delay_ns;
	on_cpu = delay < wall ? wall - delay : 0;
	id = on_cpu_hist[o.hist < ZS_HISTS_MAX ? o.hist : 0];
	if (id == ZS_HIST_NONE)
		return;
	h = hist__get(id);
	if (h)
		hist__move(h, wall, on_cpu);
}

SEC("fentry/folio_zero_user")
int BPF_PROG(clear_begin_fentry, struct folio *folio)
{
	clear__begin(&folio->page, compat__folio_order(folio, true), true);
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
		clear__begin(&folio->page, compat__folio_order(folio, true), true);
	return 0;
}

SEC("kprobe/folio_zero_user")
int BPF_KPROBE(clear_begin_kprobe, struct folio *folio)
{
	clear__begin(&folio->page, compat__folio_order(folio, false), false);
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
	return !clear__begin(&folio->page, compat__folio_order(folio, false), false);
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
