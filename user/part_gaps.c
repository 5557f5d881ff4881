// SPDX-License-Identifier: GPL-2.0-only
/* While a folio is being cleared, when is its task off the CPU? See bpf/gaps.bpf.h. */
#include <errno.h>
#include <stdlib.h>

#include "collector_parts.h"
#include "kbtf.h"

/* Gaps are left out where they cannot be had: clears are measured all the same. */
static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct probe_result r;

	if (c->opt->no_gaps) {
		collector__not_measured(c, "sched_switch", "left out by --no-gaps");
		return 0;
	}
	if (ro->no_btf) {
		collector__not_measured(c, "sched_switch", "it needs BTF in the kernel itself");
		return 0;
	}
	if (probe__resolve(c->kernel, PROBE_GAPS, c->machine->preempt_model, TIER_AUTO, false,
			   &r)) {
		collector__not_measured(c, "sched_switch", r.answer.reason);
		return 0;
	}
	collector__add_probe(c, "sched_switch", "tp_btf");
	bpf_program__set_autoload(c->skel->progs.gaps_sched_switch, true);
	ro->use_slot = true;
	c->plan_input.gaps = true;
	return 0;
}

static int attach(struct collector *c)
{
	if (!c->skel->rodata->use_slot)
		return 0;
	return collector__attach_program(c, c->skel->progs.gaps_sched_switch, "sched_switch");
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	unsigned int cause, order;
	struct gaps *g;
	int err;

	if (!c->skel->rodata->use_slot)
		return 0;
	g = s->gaps = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->sums = calloc(ZS_GAP_CAUSES * ZS_ORDERS, sizeof(*g->sums));
	if (!g->sums)
		return -ENOMEM;
	for (cause = 0; cause < ZS_GAP_CAUSES; cause++) {
		for (order = 0; order < ZS_ORDERS; order++) {
			const struct zs_sum *from = &r->sum.gap[cause][order];

			if (from->count)
				g->sums[g->nr_sums++] = (struct gap_sum){
					.order = order,
					.cause = cause,
					.count = from->count,
					.sum_ns = from->sum_ns,
				};
		}
		if (c->plan.gap_hist[cause] == ZS_HIST_NONE)
			continue;
		err = collector__read_hist(c, c->plan.gap_hist[cause], r, &g->duration[cause]);
		if (err)
			return err;
		g->has_cause[cause] = true;
	}
	return 0;
}

const struct collector_part gaps_part = {
	.choose = choose,
	.attach = attach,
	.read = read_part,
};
