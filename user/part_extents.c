// SPDX-License-Identifier: GPL-2.0-only
/* What is cleared in one go, where the kernel tells it. See bpf/extents.bpf.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "collector_parts.h"
#include "util.h"

#define FUNCTION "clear_pages"

/*
 * The tracepoint, or with a tier that was asked for the function, where the kernel has
 * both. A session has nothing to offer here: the start is kept by CPU.
 */
static int resolve(struct collector *c, struct probe_result *r)
{
	enum tier tier = c->opt->tier;
	int err = probe__resolve(c->kernel, PROBE_EXTENT, c->machine->preempt_model, TIER_AUTO,
				 false, r);

	if (err || r->chosen->kind != PROBE_TRACEPOINT)
		return err;
	if (tier == TIER_FENTRY || tier == TIER_KPROBE) {
		static const struct probe_candidate function = {FUNCTION, PROBE_FUNCTION,
								PROBE_BOTH};
		struct probe_choice choice;
		struct probe_answer a;

		if (!probe__choose_tier(c->kernel, FUNCTION, PROBE_BOTH, c->machine->preempt_model,
					tier, &choice, &a)) {
			r->chosen = &function;
			r->choice = choice;
		}
	}
	return 0;
}

static int choose(struct collector *c)
{
	typeof(c->skel->progs) *p = &c->skel->progs;
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct probe_result r;
	bool kprobe;

	if (ro->no_btf) {
		collector__not_measured(c, "extents", "they need BTF in the kernel itself");
		return 0;
	}
	if (resolve(c, &r)) {
		collector__not_measured(c, "extents", r.answer.reason);
		return 0;
	}
	ro->extents_on = true;
	c->plan_input.extents = true;
	if (r.chosen->kind == PROBE_TRACEPOINT) {
		bpf_program__set_autoload(p->extent_begin, true);
		collector__add_probe(c, r.chosen->name, "tp_btf");
		return 0;
	}
	kprobe = r.choice.tier == TIER_KPROBE || r.choice.tier == TIER_KPROBE_SESSION;
	bpf_program__set_autoload(kprobe ? p->extent_begin_kprobe : p->extent_begin_fentry, true);
	bpf_program__set_autoload(kprobe ? p->extent_end_kretprobe : p->extent_end_fexit, true);
	collector__add_probe(c, r.chosen->name,
			     options__tier_name(kprobe ? TIER_KPROBE : TIER_FENTRY));
	return 0;
}

/* The end first: no extent may be seen to begin whose end is not. */
static int attach(struct collector *c)
{
	typeof(c->skel->progs) *p = &c->skel->progs;
	struct bpf_program *const in_order[] = {p->extent_end_fexit, p->extent_end_kretprobe,
						p->extent_begin_fentry, p->extent_begin_kprobe};
	size_t i;
	int err = 0;

	if (!c->skel->rodata->extents_on)
		return 0;
	if (bpf_program__autoload(p->extent_begin))
		return collector__attach_program(c, p->extent_begin, "mm_folio_zero_extent");
	for (i = 0; !err && i < ARRAY_SIZE(in_order); i++)
		if (bpf_program__autoload(in_order[i]))
			err = collector__attach_program(c, in_order[i], FUNCTION);
	return err;
}

static void add_pages(struct page_hist *to, const struct zs_extents *e, unsigned int order)
{
	size_t i;

	to->count += e->count[order];
	to->sum += e->pages[order];
	for (i = 0; i < HIST_PAGE_BUCKETS; i++)
		to->bucket[i] += e->bucket[order][i];
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	_cleanup_free_ struct zs_extents *cpu = NULL;
	struct zs_extents sum = {0};
	__u32 zero = 0;
	size_t i, j;
	int err;

	if (!c->skel->rodata->extents_on)
		return 0;
	cpu = calloc(c->cpus, sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.extents), &zero, cpu))
		return -errno;
	for (i = 0; i < (size_t)c->cpus; i++)
		for (j = 0; j < ZS_ORDERS; j++)
			sum.count[j] += cpu[i].count[j];
	err = collector__read_orders(c, c->plan.extent_hist, sum.count, r, &s->extents,
				     &s->nr_extents);
	if (err)
		return err;
	s->has_extents = true;
	for (i = 0; i < s->nr_extents; i++) {
		struct duration_series *row = &s->extents[i];

		row->has_pages = true;
		for (j = 0; j < (size_t)c->cpus; j++)
			add_pages(&row->pages, &cpu[j], row->order);
		row->bytes = row->pages.sum * c->machine->page_size;
	}
	return 0;
}

const struct collector_part extents_part = {
	.choose = choose,
	.attach = attach,
	.read = read_part,
};
