// SPDX-License-Identifier: GPL-2.0-only
/* How much of a huge page fault is clearing? When --fault-share asks. See bpf/faults.bpf.h. */
#include <errno.h>

#include "collector_parts.h"

enum { THP, HUGETLB, FAULTS };

/* The programs of a fault, both ends. */
static void programs_of(const struct collector *c, int fault, bool kprobe,
			struct bpf_program *ends[2])
{
	typeof(c->skel->progs) *p = &c->skel->progs;

	if (fault == THP) {
		ends[0] = kprobe ? p->fault_thp_kprobe : p->fault_thp_fentry;
		ends[1] = kprobe ? p->fault_thp_kretprobe : p->fault_thp_fexit;
	} else {
		ends[0] = kprobe ? p->fault_hugetlb_kprobe : p->fault_hugetlb_fentry;
		ends[1] = kprobe ? p->fault_hugetlb_kretprobe : p->fault_hugetlb_fexit;
	}
}

static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct bpf_program *ends[2];
	struct probe_result r;
	bool kprobe;
	int i;

	if (!c->opt->fault_share)
		return 0;
	if (ro->no_btf) {
		collector__not_measured(c, "faults", "they need BTF in the kernel itself");
		return 0;
	}
	for (i = 0; i < FAULTS; i++) {
		enum probe_id id = i == THP ? PROBE_FAULT_THP : PROBE_FAULT_HUGETLB;

		if (collector__resolve_plain(c, id, c->opt->tier, &r)) {
			collector__not_measured(c, probe__def(id)->name, r.answer.reason);
			continue;
		}
		/* The start is kept by task: a session has nothing to offer here. */
		kprobe = r.choice.tier == TIER_KPROBE;
		programs_of(c, i, kprobe, ends);
		bpf_program__set_autoload(ends[0], true);
		bpf_program__set_autoload(ends[1], true);
		c->fault_function[i] = r.chosen->name;
		ro->faults_on = true;
		c->plan_input.faults = true;
		collector__add_probe(c, r.chosen->name,
				     options__tier_name(kprobe ? TIER_KPROBE : TIER_FENTRY));
	}
	return 0;
}

/* The end first: no call may be seen to begin whose end is not. */
static int attach(struct collector *c)
{
	struct bpf_program *ends[2];
	int i, err = 0;

	for (i = 0; !err && i < FAULTS; i++) {
		if (!c->fault_function[i])
			continue;
		programs_of(c, i, false, ends);
		if (!bpf_program__autoload(ends[0]))
			programs_of(c, i, true, ends);
		err = collector__attach_program(c, ends[1], NULL);
		if (!err)
			err = collector__attach_program(c, ends[0], c->fault_function[i]);
	}
	return err;
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	const __u64 none[ZS_ORDERS] = {0};
	size_t i;
	int err;

	if (!c->skel->rodata->faults_on)
		return 0;
	s->loss.storage_full.value += r->sum.faults_full;
	err = collector__read_orders(c, c->plan.fault_hist, none, r, &s->faults, &s->nr_faults);
	if (err)
		return err;
	s->has_faults = true;
	for (i = 0; i < s->nr_faults; i++) {
		s->faults[i].count = s->faults[i].wall.count;
		s->faults[i].bytes =
			s->faults[i].count * (c->machine->page_size << s->faults[i].order);
	}
	return 0;
}

const struct collector_part faults_part = {
	.choose = choose,
	.attach = attach,
	.read = read_part,
};
