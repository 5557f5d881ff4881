// SPDX-License-Identifier: GPL-2.0-only
/* How long does clearing keep others waiting for the CPU? See bpf/resched.bpf.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector_parts.h"
#include "log.h"
#include "util.h"

/* What is printed where no program is attached, whichever source it would have had. */
#define NAME "resched delay"

/* Where a request may be lazy, one function is told which kind it is. */
static bool tells_bit(const struct probe_result *r)
{
	return !strcmp(r->chosen->name, "__resched_curr");
}

static struct bpf_program *program_of(struct collector *c, const struct probe_result *r)
{
	bool kprobe = r->choice.tier == TIER_KPROBE;

	if (tells_bit(r))
		return kprobe ? c->skel->progs.resched_kprobe_bit
			      : c->skel->progs.resched_fentry_bit;
	return kprobe ? c->skel->progs.resched_kprobe : c->skel->progs.resched_fentry;
}

static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct probe_result r;

	if (!ro->use_slot) {
		collector__not_measured(
			c, NAME,
			c->opt->no_gaps ? "left out by --no-gaps: the switch program ends it"
					: "it needs the context switch program");
		return 0;
	}
	/*
	 * Interrupts are off there, so that fentry loses nothing whatever the model. A
	 * kprobe would cost each wakeup a trap, and is for where there is nothing else.
	 */
	if (probe__resolve(c->kernel, PROBE_RESCHED, PREEMPT_VOLUNTARY, TIER_FENTRY, false, &r) &&
	    probe__resolve(c->kernel, PROBE_RESCHED, PREEMPT_VOLUNTARY, TIER_KPROBE, false, &r)) {
		collector__not_measured(c, NAME, r.answer.reason);
		return 0;
	}
	c->resched = program_of(c, &r);
	c->resched_source = r.chosen->name;
	bpf_program__set_autoload(c->resched, true);
	ro->resched_on = true;
	ro->resched_learns = tells_bit(&r);
	c->plan_input.resched = true;
	c->plan_input.resched_lazy = ro->resched_learns;
	collector__add_probe(c, r.chosen->name, options__tier_name(r.choice.tier));
	return 0;
}

/*
 * Which requests are lazy is learnt from one to an idle CPU: a sleep of ours
 * ends with one, unless no CPU is idle now. Then lazy requests are told apart
 * from when one is.
 */
static void learn(struct collector *c)
{
	struct timespec pause = {.tv_nsec = NSEC_PER_MSEC};
	unsigned int tries;

	for (tries = 0; tries < 50; tries++) {
		if (__atomic_load_n(&c->skel->bss->resched_bit, __ATOMIC_ACQUIRE))
			return;
		nanosleep(&pause, NULL);
	}
}

static int attach(struct collector *c)
{
	int err;

	if (!c->resched)
		return 0;
	err = collector__attach_program(c, c->resched, c->resched_source);
	if (!err && c->skel->rodata->resched_learns)
		learn(c);
	return err;
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	struct resched *d;
	int err;

	if (!c->resched)
		return 0;
	d = s->resched = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	snprintf(d->source, sizeof(d->source), "%s", c->resched_source);
	d->outlived = r->sum.resched_outlived;
	err = collector__read_hist(c, c->plan.resched_hist[0], r, &d->now);
	if (err)
		return err;
	d->has_lazy = c->plan.resched_hist[1] != ZS_HIST_NONE && c->skel->bss->resched_bit;
	return d->has_lazy ? collector__read_hist(c, c->plan.resched_hist[1], r, &d->lazy) : 0;
}

const struct collector_part resched_part = {
	.choose = choose,
	.attach = attach,
	.read = read_part,
};
