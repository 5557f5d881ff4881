// SPDX-License-Identifier: GPL-2.0-only
/* The clears themselves, who paid for them, and what of them was missed. See bpf/clears.bpf.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector_parts.h"
#include "kbtf.h"
#include "log.h"
#include "util.h"

static void fill_tiers(struct attach_pair *p, struct zeroscope_bpf *skel, enum tier tier)
{
	bool folio = !strcmp(p->function, "folio_zero_user");

	p->tier = tier;
	p->exit = NULL;
	switch (tier) {
	case TIER_FSESSION:
		p->entry = folio ? skel->progs.clear_fsession : skel->progs.clear_fsession_page;
		break;
	case TIER_KPROBE_SESSION:
		p->entry = folio ? skel->progs.clear_kprobe_session
				 : skel->progs.clear_kprobe_session_page;
		break;
	case TIER_FENTRY:
		p->entry = folio ? skel->progs.clear_begin_fentry
				 : skel->progs.clear_begin_fentry_page;
		p->exit = folio ? skel->progs.clear_end_fexit : skel->progs.clear_end_fexit_page;
		break;
	default:
		p->entry = folio ? skel->progs.clear_begin_kprobe
				 : skel->progs.clear_begin_kprobe_page;
		p->exit = folio ? skel->progs.clear_end_kretprobe
				: skel->progs.clear_end_kretprobe_page;
		break;
	}
}

static int choose(struct collector *c)
{
	enum tier tier = c->opt->tier;
	struct probe_result r;
	struct probe_state *p;

	/* All other tiers need BTF in the kernel itself. */
	if (c->skel->rodata->no_btf && tier == TIER_AUTO)
		tier = TIER_KPROBE;
	if (probe__resolve(c->kernel, PROBE_CLEAR, c->machine->preempt_model, tier, false, &r))
		return collector__refuse(&r.answer);
	c->clear.function = r.chosen->name;
	fill_tiers(&c->clear, c->skel, r.choice.tier);
	attach__prepare(&c->clear);
	p = collector__add_probe(c, r.chosen->name, options__tier_name(r.choice.tier));
	snprintf(p->reason, sizeof(p->reason), "%s", r.choice.note);
	return 0;
}

static int attach(struct collector *c)
{
	int err = attach__pair(&c->clear);

	if (err)
		return err_errno_r(err, "%s could not be attached by %s; try another --tier",
				   c->clear.function, options__tier_name(c->clear.tier));
	collector__mark_attached(c, c->clear.function);
	return 0;
}

static uint64_t since(const struct opt_u64 *misses, uint64_t before)
{
	return misses->known ? misses->value - before : 0;
}

/*
 * Before the counters that they are held against: what is missed in between is
 * then left to the next reading, where it would otherwise be taken for entries
 * that nothing else tells of. After the end, only ends are still ours.
 */
static void sample(struct collector *c)
{
	if (!c->stopped) {
		c->misses.entry = attach__recursion_misses(c->clear.entry);
		c->misses.link = attach__link_misses(&c->clear, c->tells_link_misses);
	}
	c->misses.exit = attach__recursion_misses(c->clear.exit);
}

static int activate(struct collector *c)
{
	sample(c);
	c->entry_misses = known_or_0(c->misses.entry);
	c->exit_misses = known_or_0(c->misses.exit);
	c->link_misses = known_or_0(c->misses.link);
	return 0;
}

static uint64_t bytes_of(const struct collector *c, uint64_t count, int order)
{
	return count * (c->machine->page_size << order);
}

/* Rows of the plan's clears; on-CPU times are the wall times, corrected. */
static int read_clears(struct collector *c, struct snapshot *s, const struct reading *r)
{
	unsigned int id;
	int err;

	s->clears = calloc(c->plan.nr, sizeof(*s->clears));
	if (!s->clears)
		return -ENOMEM;
	for (id = 0; id < c->plan.nr; id++) {
		const struct plan_slot *slot = &c->plan.slot[id];
		struct clear_series *row = &s->clears[s->nr_clears];

		if (slot->class != PLAN_CLEAR && slot->class != PLAN_OTHER)
			continue;
		row->other = slot->class == PLAN_OTHER;
		row->kind = row->other ? ZS_KIND_OTHER : slot->kind;
		row->numa = row->other ? ZS_NUMA_UNKNOWN : slot->numa;
		row->order = row->other ? -1 : slot->order;
		row->count = r->sum.begun[id];
		row->bytes = row->other ? r->sum.other_bytes : bytes_of(c, row->count, row->order);
		/* Corrections first: none of them may be of a clear that is not in the wall times. */
		if (c->plan.on_cpu_hist[id] != ZS_HIST_NONE) {
			err = collector__read_hist(c, c->plan.on_cpu_hist[id], r, &row->on_cpu);
			if (err)
				return err;
			row->has_on_cpu = true;
		}
		err = collector__read_hist(c, id, r, &row->wall);
		if (err)
			return err;
		if (row->has_on_cpu) {
			hist__add(&row->on_cpu, &row->wall);
			memset(&row->on_cpu.max, 0, sizeof(row->on_cpu.max));
			memset(&row->on_cpu.max_since_attach, 0, sizeof(row->on_cpu.max));
		}
		s->nr_clears++;
	}
	return 0;
}

static uint64_t begun_of(const struct collector *c, const struct zs_cpu *sum)
{
	uint64_t begun = 0;
	unsigned int i;

	for (i = 0; i < c->plan.nr; i++)
		begun += sum->begun[i];
	return begun;
}

static uint64_t rejected_of(const struct zs_cpu *sum)
{
	uint64_t rejected = 0;
	unsigned int kind, order;

	for (kind = 0; kind < ZS_KINDS; kind++)
		for (order = 0; order < ZS_ORDERS; order++)
			rejected += sum->rejected[kind][order];
	return rejected;
}

/* Clears that began and did not end, of which some may never: their ends were missed. */
static uint64_t not_ended(const struct collector *c, const struct zs_cpu *sum)
{
	return begun_of(c, sum) - c->ended - sum->storage_full;
}

/* Clears that are open now. A CPU's counters are read one after the other: an estimate. */
static uint64_t still_open(const struct collector *c, const struct zs_cpu *sum)
{
	uint64_t lost = since(&c->misses.exit, c->exit_misses) + sum->entries_unmatched;
	int64_t left = (int64_t)not_ended(c, sum);

	return left > 0 ? (uint64_t)left - min(lost, (uint64_t)left) : 0;
}

static int read_coverage(struct collector *c, struct snapshot *s, const struct reading *r)
{
	const struct zs_cpu *sum = &r->sum;
	unsigned int id, kind, order;

	s->kernel_counters = calloc(1, sizeof(*s->kernel_counters));
	s->seen = calloc(1, sizeof(*s->seen));
	if (!s->kernel_counters || !s->seen)
		return -ENOMEM;
	coverage__delta(&r->kernel, &c->counters, s->kernel_counters);
	for (id = 0; id < c->plan.nr; id++) {
		const struct plan_slot *slot = &c->plan.slot[id];

		if (slot->class == PLAN_CLEAR)
			s->seen->clears[slot->kind][slot->order] += sum->begun[id];
	}
	for (kind = 0; kind < ZS_KINDS; kind++)
		for (order = 0; order < ZS_ORDERS; order++)
			s->seen->clears[kind][order] +=
				sum->rejected[kind][order] + sum->other_begun[kind][order];
	s->seen->open = still_open(c, sum) + r->moved;
	s->seen->straddled = sum->straddled + c->moved_at_start;
	s->seen->allocator_skips = c->allocator_skips;
	s->seen->allocator_measured = c->allocator.function;
	for (order = 0; order < ZS_ORDERS; order++)
		s->seen->allocator[order] =
			sum->allocator_begun[order] + sum->allocator_rejected[order];
	return coverage__rows(s->kernel_counters, s->seen, c->machine, &s->coverage,
			      &s->nr_coverage);
}

/* Misses of either end since activate(). */
struct missed {
	bool known;
	uint64_t entries; /* whole calls of a session that found no instance free as well */
	uint64_t exits;
	struct opt_u64 link;
};

/*
 * Entries that a session program missed. It has one counter for both ends, and a
 * clear can be missed at both. fsession's returns run all the same, those of clears
 * that a filter rejected too, so that both ends add up to two a clear:
 *	2 (begun + rejected + entries) = begun + rejected + exits run + both
 * A kprobe.session skips the return of an entry that did not run: what did not end
 * was missed at its return. While clears are open, either is a lower bound.
 */
static uint64_t session_entries(const struct collector *c, const struct zs_cpu *sum, uint64_t both)
{
	uint64_t runs = both + c->ended + sum->exits_unmatched;
	uint64_t begun = begun_of(c, sum), missed;

	if (c->clear.tier == TIER_KPROBE_SESSION) {
		missed = not_ended(c, sum);
		return both > missed ? both - missed : 0;
	}
	begun += rejected_of(sum);
	return runs > begun ? min((runs - begun) / 2, both) : 0;
}

static void read_missed(struct collector *c, const struct zs_cpu *sum, struct missed *m)
{
	m->known = c->misses.entry.known;
	m->entries = since(&c->misses.entry, c->entry_misses);
	m->exits = since(&c->misses.exit, c->exit_misses);
	m->link = c->misses.link;
	if (m->link.known)
		m->link.value -= c->link_misses;
	if (!c->clear.exit) {
		m->exits = m->entries;
		m->entries = session_entries(c, sum, m->entries);
		m->exits -= m->entries;
	}
	/* After stop() nothing is open: a clear missed at both ends is one lost clear. */
	if (c->stopped)
		m->exits = min(m->exits, not_ended(c, sum));
}

/* A total never falls, though what it is estimated from may: an interval is a difference. */
static uint64_t rising(uint64_t *highest, uint64_t value)
{
	*highest = max(*highest, value);
	return *highest;
}

/* Clears whose entry was missed have no order and no kind; they are clears all the same. */
static void count_missed(struct collector *c, struct snapshot *s, uint64_t missed)
{
	size_t i;

	if (c->skel->rodata->filter_on)
		return;
	for (i = 0; i < s->nr_clears; i++)
		if (s->clears[i].other)
			s->clears[i].count += missed;
}

/* The exact count of clears, and what is between it and the histograms. */
static void read_loss(struct collector *c, struct snapshot *s, const struct zs_cpu *sum)
{
	uint64_t unended = not_ended(c, sum), entries, lost;
	struct missed m = {0};

	read_missed(c, sum, &m);
	entries = m.entries;
	if (c->clear.tier == TIER_KPROBE_SESSION)
		entries += known_or_0(m.link);
	entries = rising(&c->most_missed, entries);
	s->clears_total = begun_of(c, sum) + rejected_of(sum) + entries;
	count_missed(c, s, entries);
	s->loss.recursion.known = m.known;
	s->loss.recursion.value += m.entries + m.exits;
	s->loss.missed = m.link;
	s->loss.storage_full.known = true;
	s->loss.storage_full.value += sum->storage_full;
	/* After stop() what did not end was lost. */
	lost = c->stopped ? unended : min((uint64_t)sum->entries_unmatched, unended);
	lost -= min(lost, m.exits);
	if (c->clear.tier != TIER_KPROBE_SESSION)
		lost -= min(lost, known_or_0(m.link));
	s->loss.unmatched.known = true;
	s->loss.unmatched.value = lost;
	s->loss.dropped.known = true;
	s->loss.dropped.value = sum->dropped;
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	int err = read_clears(c, s, r);

	if (!err)
		err = read_coverage(c, s, r);
	if (err)
		return err;
	s->gaps_per_clear.known = c->skel->rodata->have_sched_info;
	s->gaps_counted = r->sum.gaps_counted;
	read_loss(c, s, &r->sum);
	return 0;
}

static void free_part(struct collector *c)
{
	attach__detach(&c->clear);
}

const struct collector_part clears_part = {
	.choose = choose,
	.attach = attach,
	.activate = activate,
	.sample = sample,
	.read = read_part,
	.free = free_part,
};
