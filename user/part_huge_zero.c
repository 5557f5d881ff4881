// SPDX-License-Identifier: GPL-2.0-only
/* The ledger of the huge zero folio. See bpf/huge_zero.bpf.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "collector_parts.h"
#include "huge_zero.h"
#include "kbtf.h"
#include "log.h"
#include "util.h"

/* References come and go while we read: how often to look again, and how long to wait. */
#define TRIES	 4
#define PAUSE_NS NSEC_PER_MSEC

enum {
	GET,
	PUT,
	SCAN,
	COUNT,
	PAIRS,
};

/* What the kernels of kernel-patch/ tell by themselves */
enum {
	ALLOC,
	FREE,
	EVENTS,
};

struct huge_zero_part {
	struct attach_pair pair[PAIRS]; /* without a function: not measured */
	const char *event[EVENTS];	/* the tracepoint's name, or NULL */
	struct bpf_link *link[EVENTS];
	struct huge_zero_access access;
	uint64_t watched_ns; /* since when, CLOCK_MONOTONIC; 0: there is nothing to watch */

	bool before_known; /* holders from before were found, or there were none */
	char before_reason[HUGE_ZERO_REASON];
	uint64_t recursion, missed; /* at activation */

	/* The table as it was when these counters stood so. */
	struct huge_zero_table table;
	uint64_t taken, puts;
	bool table_valid;

	/* By how much the refcount was more than holders + 1, and in how many snapshots. */
	int64_t difference;
	unsigned int differed;
};

static void choose_programs(struct attach_pair *p, unsigned int which, struct zeroscope_bpf *skel)
{
	bool kprobe = p->tier == TIER_KPROBE;
	typeof(skel->progs) *progs = &skel->progs;

	switch (which) {
	case GET:
		p->entry = kprobe ? progs->zero_get_kprobe : NULL;
		p->exit = kprobe ? progs->zero_get_kretprobe : progs->zero_get_fexit;
		break;
	case PUT:
		p->entry = kprobe ? progs->zero_put_kprobe : progs->zero_put_fentry;
		break;
	case SCAN:
		p->exit = kprobe ? progs->zero_scan_kretprobe : progs->zero_scan_fexit;
		break;
	default:
		p->exit = kprobe ? progs->zero_count_kretprobe : progs->zero_count_fexit;
		break;
	}
}

/* The names differ between kernels, the arguments do not. */
static int set_target(const struct attach_pair *p)
{
	int err = 0;

	if (p->tier == TIER_KPROBE)
		return 0;
	if (p->entry)
		err = bpf_program__set_attach_target(p->entry, 0, p->function);
	if (!err && p->exit)
		err = bpf_program__set_attach_target(p->exit, 0, p->function);
	return err;
}

static int choose_one(struct collector *c, unsigned int which, enum probe_id id)
{
	struct attach_pair *p = &c->huge_zero->pair[which];
	enum tier tier = c->opt->tier;
	struct probe_result r;
	int err;

	if (c->skel->rodata->no_btf && tier == TIER_AUTO)
		tier = TIER_KPROBE;
	if (collector__resolve_plain(c, id, tier, &r)) {
		collector__not_measured(c, probe__def(id)->name, r.answer.reason);
		return 0;
	}
	p->function = r.chosen->name;
	p->tier = r.choice.tier;
	choose_programs(p, which, c->skel);
	attach__prepare(p);
	err = set_target(p);
	if (err)
		return err_errno_r(err, "%s is not what it is taken for", p->function);
	collector__add_probe(c, p->function, options__tier_name(p->tier));
	return 0;
}

/*
 * The tracepoints tell to the moment what gets and the shrinker's answers tell
 * afterwards. Most kernels have none: that nobody has to be told of.
 */
static void choose_event(struct collector *c, unsigned int which, enum probe_id id)
{
	struct huge_zero_part *part = c->huge_zero;
	struct probe_result r;

	if (c->skel->rodata->no_btf ||
	    probe__resolve(c->kernel, id, c->machine->preempt_model, TIER_AUTO, false, &r) ||
	    r.chosen->kind != PROBE_TRACEPOINT)
		return;
	part->event[which] = r.chosen->name;
	bpf_program__set_autoload(
		which == ALLOC ? c->skel->progs.zero_alloc : c->skel->progs.zero_free, true);
	collector__add_probe(c, r.chosen->name, "tp_btf");
}

/* Gets and puts make the ledger only together. */
static bool is_followed(const struct huge_zero_part *part)
{
	return part->pair[GET].function && part->pair[PUT].function;
}

/* Address spaces that there is room for. */
static unsigned int holders(const struct collector *c)
{
	return min(ZS_ZERO_HOLDERS_CPU * c->cpus, ZS_ZERO_HOLDERS);
}

/* Gets under way that there is room for; 0: they need none. */
static unsigned int waiting(const struct collector *c)
{
	const struct attach_pair *get = &c->huge_zero->pair[GET];

	if (!get->function || get->tier != TIER_KPROBE)
		return 0;
	return min(ZS_ZERO_WAITING_CPU * c->cpus, ZS_ZERO_WAITING);
}

/* An empty table is an array of that many list heads, a power of two. */
static size_t table_bytes(unsigned int entries)
{
	size_t heads = 1;

	while (heads < entries)
		heads *= 2;
	return heads * 2 * sizeof(void *);
}

static int choose(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	int err;

	c->huge_zero = calloc(1, sizeof(*c->huge_zero));
	if (!c->huge_zero)
		return err_r(-ENOMEM, "out of memory");
	if (c->machine->huge_zero == HUGE_ZERO_PERSISTENT ||
	    c->machine->huge_zero == HUGE_ZERO_ABSENT)
		return 0;
	hist__fill_spans((uint64_t *)ro->span_bound);
	err = choose_one(c, GET, PROBE_ZERO_GET);
	if (!err)
		err = choose_one(c, PUT, PROBE_ZERO_PUT);
	if (!err)
		err = choose_one(c, SCAN, PROBE_ZERO_SCAN);
	if (!err)
		err = choose_one(c, COUNT, PROBE_ZERO_COUNT);
	if (err)
		return err;
	choose_event(c, ALLOC, PROBE_ZERO_ALLOC);
	choose_event(c, FREE, PROBE_ZERO_FREE);
	ro->zero_free_told = c->huge_zero->event[FREE];
	huge_zero__prepare(c->skel, c->kernel, &c->huge_zero->access);
	c->plan_input.table_bytes += table_bytes(holders(c));
	if (waiting(c))
		c->plan_input.table_bytes += table_bytes(waiting(c));
	return 0;
}

/*
 * Room for an entry is taken when it is needed where that is allowed in any context:
 * since v6.1 (commit fba1a1c6c912, "bpf: Convert hash map to bpf_mem_alloc.").
 */
static void size_table(struct collector *c, struct bpf_map *map, unsigned int entries)
{
	bpf_map__set_max_entries(map, entries);
	if (kbtf__has_member(probe_kernel__btf(c->kernel), "bpf_htab", "ma"))
		bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
}

static void planned(struct collector *c)
{
	const struct attach_pair *pair = c->huge_zero->pair;
	bool any = pair[GET].function || pair[PUT].function || pair[SCAN].function ||
		   pair[COUNT].function;
	const char *const *event = c->huge_zero->event;

	bpf_map__set_autocreate(c->skel->maps.zero_folio, any || event[ALLOC] || event[FREE]);
	bpf_map__set_autocreate(c->skel->maps.zero_holders, any);
	bpf_program__set_autoload(c->skel->progs.zero_watch, any || event[ALLOC] || event[FREE]);
	size_table(c, c->skel->maps.zero_holders, holders(c));
	if (waiting(c))
		size_table(c, c->skel->maps.zero_waiting, waiting(c));
	bpf_map__set_autocreate(c->skel->maps.zero_waiting, waiting(c));
}

static int attach_event(struct collector *c, unsigned int which)
{
	struct huge_zero_part *part = c->huge_zero;

	if (!part->event[which])
		return 0;
	part->link[which] = bpf_program__attach(which == ALLOC ? c->skel->progs.zero_alloc
							       : c->skel->progs.zero_free);
	if (!part->link[which])
		return err_errno_r(-errno, "%s could not be attached", part->event[which]);
	collector__mark_attached(c, part->event[which]);
	return 0;
}

static int attach(struct collector *c)
{
	struct huge_zero_part *part = c->huge_zero;
	unsigned int i;
	int err;

	for (i = 0; i < PAIRS; i++) {
		struct attach_pair *p = &part->pair[i];

		if (!p->function)
			continue;
		err = attach__pair(p);
		if (err)
			return err_errno_r(err,
					   "%s could not be attached by %s; try another --tier",
					   p->function, options__tier_name(p->tier));
		collector__mark_attached(c, p->function);
	}
	err = attach_event(c, ALLOC);
	return err ? err : attach_event(c, FREE);
}

static void pause_briefly(void)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

/*
 * Those that took their reference before the programs were attached. A fork that
 * was under way then shows its child a moment later, so this looks again until
 * the numbers agree.
 */
static int find_holders(struct collector *c, int refcount)
{
	struct huge_zero_part *part = c->huge_zero;
	struct huge_zero_table t;
	unsigned int i;
	int err;

	if (!part->access.iterator) {
		snprintf(part->before_reason, sizeof(part->before_reason), "%s",
			 part->access.iterator_reason);
		return 0;
	}
	if (huge_zero__learn(c->skel, part->before_reason, sizeof(part->before_reason)))
		return 0;
	for (i = 0; i < TRIES; i++) {
		err = huge_zero__iterate(c->skel, NULL, NULL);
		if (!err)
			err = huge_zero__read_table(bpf_map__fd(c->skel->maps.zero_holders), &t);
		if (err)
			return err;
		if (refcount >= 0)
			refcount = huge_zero__refcount(c->skel);
		if (refcount < 0 || huge_zero__agrees(refcount, t.holders))
			break;
		pause_briefly();
	}
	part->before_known = true;
	return 0;
}

static void sum_misses(const struct collector *c, uint64_t *recursion, uint64_t *missed)
{
	unsigned int i;

	*recursion = *missed = 0;
	for (i = 0; i < PAIRS; i++) {
		const struct attach_pair *p = &c->huge_zero->pair[i];

		if (!p->function)
			continue;
		*recursion += known_or_0(attach__recursion_misses(p->entry)) +
			      known_or_0(attach__recursion_misses(p->exit));
		*missed += known_or_0(attach__link_misses(p, c->tells_link_misses));
	}
}

static void detach(struct huge_zero_part *part)
{
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		if (part->pair[i].function)
			attach__detach(&part->pair[i]);
		part->pair[i].function = NULL;
	}
	for (i = 0; i < EVENTS; i++) {
		bpf_link__destroy(part->link[i]);
		part->link[i] = NULL;
		part->event[i] = NULL;
	}
}

/* Shown as not attached, if it is one of ours (name is not NULL) */
static void give_up_probe(struct collector *c, const char *name, const char *reason)
{
	size_t i;

	for (i = 0; name && i < c->nr_probes; i++) {
		struct probe_state *p = &c->probes[i];

		if (strcmp(p->name, name))
			continue;
		p->attached = false;
		p->tier[0] = '\0';
		snprintf(p->reason, sizeof(p->reason), "%s", reason);
	}
}

/* It turned out that there is nothing to follow. */
static void give_up(struct collector *c, const char *reason)
{
	struct huge_zero_part *part = c->huge_zero;
	unsigned int i;

	for (i = 0; i < PAIRS; i++)
		give_up_probe(c, part->pair[i].function, reason);
	for (i = 0; i < EVENTS; i++)
		give_up_probe(c, part->event[i], reason);
	detach(part);
}

static int activate(struct collector *c)
{
	struct huge_zero_part *part = c->huge_zero;
	int refcount, err;

	if (bpf_map__fd(c->skel->maps.zero_folio) < 0)
		return 0;
	refcount = huge_zero__refcount(c->skel);
	if (refcount == HUGE_ZERO_IS_PERSISTENT) {
		c->machine->huge_zero = HUGE_ZERO_PERSISTENT;
		give_up(c, "the huge zero folio is persistent");
		return 0;
	}
	err = huge_zero__watch(c->skel);
	if (err)
		return err_errno_r(err, "the huge zero folio could not be watched");
	part->watched_ns = util__monotonic_ns();
	/*
	 * With a count of 1 or less nobody held it when the programs stood: there is
	 * nothing to look for, and no child has to touch the folio.
	 */
	if (refcount == 0 || refcount == 1)
		part->before_known = true;
	else if (is_followed(part))
		err = find_holders(c, refcount);
	if (err)
		return err_errno_r(err, "the tasks of this machine could not be gone through");
	sum_misses(c, &part->recursion, &part->missed);
	return 0;
}

/* --- Reading. */

static void set(struct opt_u64 *to, bool known, uint64_t value)
{
	to->known = known;
	to->value = known ? value : 0;
}

static void read_span(struct span_hist *to, const struct zs_span *from)
{
	size_t i;

	to->sum_ns = from->sum_ns;
	for (i = 0; i < ZS_SPAN_BUCKETS; i++) {
		to->bucket[i] = from->bucket[i];
		to->count += from->bucket[i];
	}
}

static int read_table(struct collector *c, const struct zs_cpu *sum)
{
	struct huge_zero_part *part = c->huge_zero;
	int err;

	err = huge_zero__read_table(bpf_map__fd(c->skel->maps.zero_holders), &part->table);
	part->table_valid = !err && !c->stopped;
	part->taken = sum->zero_taken;
	part->puts = sum->zero_puts;
	return err;
}

/*
 * The table and the kernel's count, which cannot be read at one moment: again if
 * they differ, since a process may just be taking or giving back its reference.
 */
static int read_holders(struct collector *c, const struct zs_cpu *sum, int *refcount)
{
	struct huge_zero_part *part = c->huge_zero;
	unsigned int i;
	int err = 0;

	*refcount = huge_zero__refcount(c->skel);
	/* Nothing was entered or removed since: the table need not be gone through. */
	if (!part->table_valid || part->taken != sum->zero_taken || part->puts != sum->zero_puts)
		err = read_table(c, sum);
	for (i = 1; !err && i < TRIES; i++) {
		if (*refcount < 0 || !part->before_known ||
		    huge_zero__agrees(*refcount, part->table.holders))
			break;
		pause_briefly();
		err = read_table(c, sum);
		*refcount = huge_zero__refcount(c->skel);
	}
	return err;
}

/* The same difference in two snapshots is none that a moment explains. */
static void judge(struct huge_zero_part *part, const struct loss *loss, int refcount,
		  struct huge_zero *z)
{
	int64_t difference = (int64_t)refcount - (int64_t)part->table.holders - 1;
	const char *why = "an address space without a process holds it, or one that this pid "
			  "namespace does not show";

	if (refcount < 0 || huge_zero__agrees(refcount, part->table.holders)) {
		part->differed = 0;
		return;
	}
	part->differed = difference == part->difference ? part->differed + 1 : 1;
	part->difference = difference;
	if (part->differed < 2)
		return;
	if (loss->recursion.value || loss->storage_full.value || known_or_0(loss->missed))
		why = "events were lost";
	else if (difference < 0)
		why = "a reference was given back unseen";
	snprintf(z->holders_reason, sizeof(z->holders_reason),
		 "the refcount is %" PRIu64 " %s than holders and the shrinker's pin in %u "
		 "snapshots: %s",
		 (uint64_t)llabs(difference), difference > 0 ? "more" : "less", part->differed,
		 why);
}

static void read_gauges(struct collector *c, const struct snapshot *s, int refcount,
			struct huge_zero *z)
{
	struct huge_zero_part *part = c->huge_zero;
	const struct huge_zero_table *t = &part->table;
	uint64_t since = t->before ? part->watched_ns : t->oldest_ns;

	set(&z->refcount, refcount >= 0, refcount);
	if (refcount < 0)
		snprintf(z->refcount_reason, sizeof(z->refcount_reason), "%s",
			 part->access.refcount ? "the kernel did not let its address be read"
					       : part->access.refcount_reason);
	if (!is_followed(part) || !part->before_known) {
		snprintf(z->holders_reason, sizeof(z->holders_reason), "%s",
			 is_followed(part) ? part->before_reason
					   : "gets and puts cannot both be followed");
		return;
	}
	set(&z->holders, true, t->holders);
	judge(part, &s->loss, refcount, z);
	if (!t->holders)
		return;
	/* Who held it before is older than all others, but not known how much. */
	z->oldest_at_least = t->before;
	z->oldest_seconds.known = true;
	/* One may have come since the snapshot began. */
	z->oldest_seconds.value = (s->mono_ns - min(s->mono_ns, since)) / 1e9;
}

static void read_counters(const struct huge_zero_part *part, const struct zs_cpu *sum,
			  struct huge_zero *z)
{
	bool get = part->pair[GET].function, put = part->pair[PUT].function;
	bool scan = part->pair[SCAN].function;

	set(&z->gets, get, sum->zero_gets);
	set(&z->references_taken, get, sum->zero_taken);
	set(&z->puts, put, sum->zero_puts);
	set(&z->allocation_failures, get, sum->zero_failures);
	/* Unless told, a folio is known to be a new one by the end of the one before. */
	set(&z->allocations, part->event[ALLOC] || (get && scan && part->access.refcount),
	    sum->zero_allocations);
	set(&z->reclaims, scan, sum->zero_reclaims);
	set(&z->reclaim_refusals, part->pair[COUNT].function, sum->zero_refusals);
	z->has_hold = get && put;
	if (z->has_hold)
		read_span(&z->hold, &sum->zero_hold);
	z->has_lifetime = get && scan;
	if (z->has_lifetime)
		read_span(&z->lifetime, &sum->zero_lifetime);
}

static int read_part(struct collector *c, struct snapshot *s, const struct reading *r)
{
	struct huge_zero_part *part = c->huge_zero;
	struct huge_zero *z = s->huge_zero = calloc(1, sizeof(*z));
	uint64_t recursion, missed;
	int refcount, err;

	if (!z)
		return -ENOMEM;
	if (!part->watched_ns || c->machine->huge_zero == HUGE_ZERO_PERSISTENT) {
		snprintf(
			z->refcount_reason, sizeof(z->refcount_reason), "%s",
			c->machine->huge_zero == HUGE_ZERO_PERSISTENT
				? "the huge zero folio is persistent: its references are not counted"
				: "this kernel's huge zero folio cannot be followed");
		return 0;
	}
	sum_misses(c, &recursion, &missed);
	s->loss.recursion.value += recursion - part->recursion;
	s->loss.missed.value += missed - part->missed;
	s->loss.storage_full.value += r->sum.zero_full;
	err = read_holders(c, &r->sum, &refcount);
	if (err)
		return err;
	read_gauges(c, s, refcount, z);
	read_counters(part, &r->sum, z);
	return 0;
}

static void free_part(struct collector *c)
{
	struct huge_zero_part *part = c->huge_zero;

	if (!part)
		return;
	detach(part);
	free(part);
}

const struct collector_part huge_zero_part = {
	.choose = choose,
	.planned = planned,
	.attach = attach,
	.activate = activate,
	.read = read_part,
	.free = free_part,
};
