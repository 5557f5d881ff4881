// SPDX-License-Identifier: GPL-2.0-only
/* What is cleared in one go, where the kernel tells it. See bpf/extents.bpf.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "collector_parts.h"
#include "util.h"

static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct probe_result r;

	if (ro->no_btf) {
		collector__not_measured(c, "extents", "they need BTF in the kernel itself");
		return 0;
	}
	if (probe__resolve(c->kernel, PROBE_EXTENT, c->machine->preempt_model, TIER_AUTO, false,
			   &r)) {
		collector__not_measured(c, "extents", r.answer.reason);
		return 0;
	}
	if (r.chosen->kind != PROBE_TRACEPOINT) {
		collector__not_measured(c, "extents",
					"this kernel has clear_pages() and no tracepoint in it");
		return 0;
	}
	bpf_program__set_autoload(c->skel->progs.extent_begin, true);
	ro->extents_on = true;
	c->plan_input.extents = true;
	collector__add_probe(c, r.chosen->name, "tp_btf");
	return 0;
}

static int attach(struct collector *c)
{
	if (!c->skel->rodata->extents_on)
		return 0;
	return collector__attach_program(c, c->skel->progs.extent_begin, "mm_folio_zero_extent");
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
