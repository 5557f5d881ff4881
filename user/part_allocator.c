// SPDX-License-Identifier: GPL-2.0-only
/* Zeroing by the page allocator, when --allocator asks for it. See bpf/allocator.bpf.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector_parts.h"
#include "kbtf.h"
#include "log.h"

/* The zeroing alone, or what finds pages and zeroes them? */
static bool zeroes_only(const char *function)
{
	return strstr(function, "clear_") || strstr(function, "init_pages");
}

static void fill_tier(struct attach_pair *p, struct zeroscope_bpf *skel, enum tier tier)
{
	bool zeroing = zeroes_only(p->function);

	p->tier = tier;
	p->exit = NULL;
	switch (tier) {
	case TIER_FSESSION:
		p->entry = skel->progs.allocator_fsession;
		break;
	case TIER_KPROBE_SESSION:
		p->entry = skel->progs.allocator_kprobe_session;
		break;
	case TIER_FENTRY:
		p->entry = zeroing ? skel->progs.allocator_begin_fentry
				   : skel->progs.allocator_list_begin_fentry;
		p->exit = zeroing ? skel->progs.allocator_end_fexit
				  : skel->progs.allocator_list_end_fexit;
		break;
	default:
		p->entry = zeroing ? skel->progs.allocator_begin_kprobe
				   : skel->progs.allocator_list_begin_kprobe;
		p->exit = zeroing ? skel->progs.allocator_end_kretprobe
				  : skel->progs.allocator_list_end_kretprobe;
		break;
	}
}

/* Only where the function has the same arguments as the one in SEC(). */
static int set_target(const struct attach_pair *p)
{
	int err;

	if (p->tier != TIER_FENTRY && p->tier != TIER_FSESSION)
		return 0;
	err = bpf_program__set_attach_target(p->entry, 0, p->function);
	if (!err && p->exit)
		err = bpf_program__set_attach_target(p->exit, 0, p->function);
	return err;
}

/* Session programs exist for functions that do nothing but zero. */
static enum tier without_session(enum tier tier)
{
	switch (tier) {
	case TIER_FSESSION:
		return TIER_FENTRY;
	case TIER_KPROBE_SESSION:
		return TIER_KPROBE;
	default:
		return tier;
	}
}

/* What the numbers mean on this kernel, where it is not only what the name says. */
static void describe(const struct collector *c, struct probe_state *p)
{
	if (zeroes_only(c->allocator.function))
		return;
	snprintf(
		p->reason, sizeof(p->reason),
		"zeroing is inlined into it here: its times have the search of free pages in them%s",
		c->machine->init_on_alloc < 0
			? ", and whether init_on_alloc is on is not known: only __GFP_ZERO counts"
			: "");
}

/*
 * The bits of gfp_t have names in BTF since v6.10 (commit 772dd0342727, "mm:
 * enumerate all gfp flags"); before, this one was the same for years.
 */
static int zero_bit(const struct collector *c)
{
	int bit = kbtf__enumerator(probe_kernel__btf(c->kernel), "___GFP_ZERO_BIT");

	return bit >= 0 ? bit : 8;
}

static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	enum tier tier = c->opt->tier;
	struct probe_result r;
	int err;

	if (!c->opt->allocator)
		return 0;
	if (ro->no_btf && tier == TIER_AUTO)
		tier = TIER_KPROBE;
	/*
	 * Cost decides, whatever the preemption model: every single page that the
	 * kernel zeroes comes this way, and a kprobe would cost it a thousand
	 * instructions.
	 */
	if (probe__resolve(c->kernel, PROBE_ALLOCATOR, PREEMPT_VOLUNTARY, tier, false, &r)) {
		collector__not_measured(c, "allocator", r.answer.reason);
		return 0;
	}
	if (!zeroes_only(r.chosen->name)) {
		if (strcmp(r.chosen->name, "get_page_from_freelist")) {
			collector__not_measured(c, "allocator",
						"this kernel has zeroing inlined too far");
			return 0;
		}
		r.choice.tier = without_session(r.choice.tier);
	}
	c->allocator.function = r.chosen->name;
	fill_tier(&c->allocator, c->skel, r.choice.tier);
	attach__prepare(&c->allocator);
	err = set_target(&c->allocator);
	if (err)
		return err_errno_r(err, "%s is not what it is taken for", c->allocator.function);
	ro->allocator_zero_bit = zero_bit(c);
	ro->allocator_zeroes_all = c->machine->init_on_alloc == 1;
	c->plan_input.allocator = true;
	describe(c,
		 collector__add_probe(c, c->allocator.function, options__tier_name(r.choice.tier)));
	return 0;
}

static void planned(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	unsigned int order;

	for (order = 0; order < ZS_ORDERS; order++)
		if (c->plan.allocator_hist[order] != ZS_HIST_NONE)
			break;
	ro->allocator_min_order = order;
	ro->allocator_min_pages = order < ZS_ORDERS ? 1U << order : ~0U;
}

static int attach(struct collector *c)
{
	int err;

	if (!c->allocator.function)
		return 0;
	err = attach__pair(&c->allocator);
	if (err)
		return err_errno_r(err, "%s could not be attached by %s; leave out --allocator",
				   c->allocator.function, options__tier_name(c->allocator.tier));
	collector__mark_attached(c, c->allocator.function);
	return 0;
}

static uint64_t misses(const struct collector *c)
{
	return known_or_0(attach__recursion_misses(c->allocator.entry)) +
	       known_or_0(attach__recursion_misses(c->allocator.exit)) +
	       known_or_0(attach__link_misses(&c->allocator, c->tells_link_misses));
}

static int activate(struct collector *c)
{
	if (c->allocator.function)
		c->allocator_misses = misses(c);
	return 0;
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	if (!c->allocator.function)
		return 0;
	s->has_allocator = true;
	/* A miss does not tell its order: most were of single pages. */
	s->loss.recursion.value += misses(c) - c->allocator_misses;
	s->loss.storage_full.value += r->sum.allocator_full;
	return collector__read_orders(c, c->plan.allocator_hist, r->sum.allocator_begun, r,
				      &s->allocator, &s->nr_allocator);
}

static void free_part(struct collector *c)
{
	attach__detach(&c->allocator);
}

const struct collector_part allocator_part = {
	.choose = choose,
	.planned = planned,
	.attach = attach,
	.activate = activate,
	.read = read_part,
	.free = free_part,
};
