// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is exported. A quantity that is not measured has no samples; one that is
 * has all of its series from the first scrape on, as zeros.
 */
#include <stdio.h>

#include "exposition_internal.h"
#include "interval_json.h"
#include "options.h"
#include "util.h"

struct order_text {
	char text[12];
};

/* "9"; "other" where a series stands for several. */
static const char *order_value(int order, struct order_text *buf)
{
	if (order < 0)
		return "other";
	snprintf(buf->text, sizeof(buf->text), "%d", order);
	return buf->text;
}

static struct value seconds(uint64_t ns)
{
	return (struct value){.kind = VALUE_NS, .u = ns};
}

static struct value integer(uint64_t u)
{
	return (struct value){.kind = VALUE_INTEGER, .u = u};
}

static void hist(struct body *b, const struct labels *l, const struct hist *h)
{
	body__histogram(b, l, &exposition_durations, h->bucket, ZS_BUCKETS, seconds(h->sum_ns),
			h->max_since_attach.known ? &h->max_since_attach : &h->max);
}

static void span(struct body *b, const struct family *f, bool has, const struct span_hist *h)
{
	if (!has)
		return;
	body__family(b, f);
	body__histogram(b, NO_LABELS, &exposition_spans, h->bucket, ZS_SPAN_BUCKETS,
			seconds(h->sum_ns), NULL);
}

/* --- What runs, and on what. */

static void build(struct body *b)
{
	FAMILY(info, FAMILY_INFO, NULL, "zeroscope_build", "The zeroscope that serves this");
	struct labels l = labels1("version", ZEROSCOPE_VERSION);

	body__family(b, &info);
	body__info(b, &l);
}

static void kernel(struct body *b, const struct machine *m)
{
	FAMILY(info, FAMILY_INFO, NULL, "zeroscope_kernel",
	       "The kernel that is measured, and what decides how it clears");
	const char *huge_zero = m ? huge_zero__name(m->huge_zero) : NULL;
	struct labels l;

	if (!m)
		return;
	l = (struct labels){
		.nr = 5,
		.label =
			{
				{"release", m->release},
				{"arch", m->arch},
				{"preempt_model", preempt_model__name(m->preempt_model)},
				{"init_on_alloc", m->init_on_alloc < 0 ? "unknown"
						  : m->init_on_alloc   ? "1"
								       : "0"},
				{"huge_zero", huge_zero ? huge_zero : "unknown"},
			},
	};
	body__family(b, &info);
	body__info(b, &l);
}

static void probes(struct body *b, const struct snapshot *s)
{
	FAMILY(attached, FAMILY_GAUGE, NULL, "zeroscope_probe_attached",
	       "1 where the probe is attached, by the tier named; 0 where it is not");
	size_t i;

	body__family(b, &attached);
	for (i = 0; i < s->nr_probes; i++) {
		const struct probe_state *p = &s->probes[i];
		struct labels l = {
			.nr = 2,
			.label = {{"probe", p->name}, {"tier", p->tier[0] ? p->tier : "none"}},
		};

		body__gauge(b, &l, p->attached);
	}
}

/* --- Clears. */

/* Calls fn for each series of clears, with its labels. */
static void for_each_clears(struct body *b, const struct snapshot *s,
			    void (*fn)(struct body *b, const struct labels *l,
				       const struct clear_series *c))
{
	size_t i;

	for (i = 0; i < s->nr_clears; i++) {
		const struct clear_series *c = &s->clears[i];
		struct order_text order;
		struct labels l = {
			.nr = 3,
			.label =
				{
					{"order",
					 c->other ? "other" : order_value(c->order, &order)},
					{"page_kind",
					 page_kind__name(c->other ? ZS_KIND_OTHER : c->kind)},
					{"numa", numa__name(c->other ? ZS_NUMA_UNKNOWN : c->numa)},
				},
		};

		fn(b, &l, c);
	}
}

static void clear_count(struct body *b, const struct labels *l, const struct clear_series *c)
{
	body__counter(b, l, c->count);
}

static void clear_bytes(struct body *b, const struct labels *l, const struct clear_series *c)
{
	body__counter(b, l, c->bytes);
}

static void clear_wall(struct body *b, const struct labels *l, const struct clear_series *c)
{
	hist(b, l, &c->wall);
}

static void clear_on_cpu_sum(struct body *b, const struct labels *l, const struct clear_series *c)
{
	if (c->has_on_cpu)
		body__counter_ns(b, l, c->on_cpu.sum_ns);
}

static void clear_on_cpu(struct body *b, const struct labels *l, const struct clear_series *c)
{
	if (c->has_on_cpu)
		body__histogram(b, l, &exposition_durations, c->on_cpu.bucket, ZS_BUCKETS,
				seconds(c->on_cpu.sum_ns), NULL);
}

static void clears(struct body *b, const struct snapshot *s)
{
	FAMILY(calls, FAMILY_COUNTER, NULL, "zeroscope_clear_calls",
	       "Clears of all kinds before filters, those included that no other series saw");
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_clears", "Clears of a folio that began");
	FAMILY(bytes, FAMILY_COUNTER, "bytes", "zeroscope_cleared_bytes",
	       "Size of the folios whose clearing began");
	FAMILY(wall, FAMILY_HISTOGRAM, "seconds", "zeroscope_clear_duration_seconds",
	       "Wall time of a clear, entry to return, with interrupts and steal");
	FAMILY(on_cpu_sum, FAMILY_COUNTER, "seconds", "zeroscope_clear_on_cpu_seconds",
	       "Time that clears were on a CPU");
	FAMILY(on_cpu, FAMILY_HISTOGRAM, "seconds", "zeroscope_clear_on_cpu_duration_seconds",
	       "Time that a clear was on a CPU");

	if (!interval__measures_clears(s))
		return;
	body__family(b, &calls);
	body__counter(b, NO_LABELS, s->clears_total);
	body__family(b, &count);
	for_each_clears(b, s, clear_count);
	body__family(b, &bytes);
	for_each_clears(b, s, clear_bytes);
	body__family(b, &wall);
	for_each_clears(b, s, clear_wall);
	body__family(b, &on_cpu_sum);
	for_each_clears(b, s, clear_on_cpu_sum);
	if (!body__options(b)->full)
		return;
	body__family(b, &on_cpu);
	for_each_clears(b, s, clear_on_cpu);
}

/* --- Gaps and the delay of others. */

static const struct gap_sum *find_gap(const struct gaps *g, int order, unsigned int cause)
{
	size_t i;

	for (i = 0; i < g->nr_sums; i++)
		if (g->sums[i].order == order && g->sums[i].cause == cause)
			return &g->sums[i];
	return NULL;
}

/* Which orders can have gaps: those of the clears, and whatever had one. */
static uint32_t gap_orders(const struct snapshot *s)
{
	uint32_t orders = 0;
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		if (!s->clears[i].other && s->clears[i].order >= 0)
			orders |= 1U << (s->clears[i].order & 31);
	for (i = 0; i < s->gaps->nr_sums; i++)
		if (s->gaps->sums[i].order >= 0)
			orders |= 1U << (s->gaps->sums[i].order & 31);
	return orders;
}

static void gap_sums(struct body *b, const struct snapshot *s, bool time)
{
	uint32_t orders = gap_orders(s);
	unsigned int cause;
	int order;

	for (order = 0; order < 32; order++) {
		for (cause = 0; cause < ZS_GAP_CAUSES; cause++) {
			const struct gap_sum *g = find_gap(s->gaps, order, cause);
			struct order_text text;
			struct labels l = {
				.nr = 2,
				.label =
					{
						{"order", order_value(order, &text)},
						{"cause", gap_cause__name(cause)},
					},
			};

			if (!(orders & 1U << order) || (!g && !s->gaps->has_cause[cause]))
				continue;
			if (time)
				body__counter_ns(b, &l, g ? g->sum_ns : 0);
			else
				body__counter(b, &l, g ? g->count : 0);
		}
	}
}

static void gaps(struct body *b, const struct snapshot *s)
{
	FAMILY(counted, FAMILY_COUNTER, NULL, "zeroscope_sched_info_gaps",
	       "Times that a task left the CPU in a clear, as its sched_info counts them");
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_gaps",
	       "Intervals in a clear in which its task was off the CPU");
	FAMILY(sum, FAMILY_COUNTER, "seconds", "zeroscope_gap_seconds",
	       "Time in clears in which their tasks were off the CPU");
	FAMILY(duration, FAMILY_HISTOGRAM, "seconds", "zeroscope_gap_duration_seconds",
	       "How long the task of a clear was off the CPU at a time");
	unsigned int cause;

	if (s->gaps_per_clear.known) {
		body__family(b, &counted);
		body__counter(b, NO_LABELS, s->gaps_counted);
	}
	if (!s->gaps)
		return;
	body__family(b, &count);
	gap_sums(b, s, false);
	body__family(b, &sum);
	gap_sums(b, s, true);
	body__family(b, &duration);
	for (cause = 0; body__options(b)->full && cause < ZS_GAP_CAUSES; cause++) {
		struct labels l = labels1("cause", gap_cause__name(cause));

		if (s->gaps->has_cause[cause])
			hist(b, &l, &s->gaps->duration[cause]);
	}
}

static void resched(struct body *b, const struct resched *r)
{
	FAMILY(delay, FAMILY_HISTOGRAM, "seconds", "zeroscope_resched_delay_seconds",
	       "From the request to reschedule, made in a clear, to the switch or the clear's end");
	FAMILY(outlived, FAMILY_COUNTER, NULL, "zeroscope_resched_requests_outlived",
	       "Requests to reschedule that were still unmet at the end of the clear");
	struct labels l = labels1("request", "now");

	if (!r)
		return;
	body__family(b, &delay);
	hist(b, &l, &r->now);
	l = labels1("request", "lazy");
	if (r->has_lazy)
		hist(b, &l, &r->lazy);
	body__family(b, &outlived);
	body__counter(b, NO_LABELS, r->outlived);
}

/* --- What is measured by order. */

enum by_order {
	BY_ORDER_COUNT,
	BY_ORDER_BYTES,
	BY_ORDER_PAGES,
	BY_ORDER_WALL,
	BY_ORDER_PAGE_HIST,
};

static void by_order(struct body *b, const struct family *f, enum by_order what,
		     const struct duration_series *d, size_t nr)
{
	size_t i;

	body__family(b, f);
	for (i = 0; i < nr; i++) {
		struct order_text text;
		struct labels l = labels1("order", order_value(d[i].order, &text));

		if (what == BY_ORDER_COUNT)
			body__counter(b, &l, d[i].count);
		else if (what == BY_ORDER_BYTES)
			body__counter(b, &l, d[i].bytes);
		else if (what == BY_ORDER_WALL)
			hist(b, &l, &d[i].wall);
		else if (d[i].has_pages && what == BY_ORDER_PAGES)
			body__counter(b, &l, d[i].pages.sum);
		else if (d[i].has_pages)
			body__histogram(b, &l, &exposition_pages, d[i].pages.bucket,
					HIST_PAGE_BUCKETS, integer(d[i].pages.sum), NULL);
	}
}

static void extents(struct body *b, const struct snapshot *s)
{
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_extents",
	       "Extents that were cleared in one go");
	FAMILY(pages, FAMILY_COUNTER, "pages", "zeroscope_extent_cleared_pages",
	       "Pages of the extents that were cleared");
	FAMILY(wall, FAMILY_HISTOGRAM, "seconds", "zeroscope_extent_duration_seconds",
	       "Time to clear an extent");
	FAMILY(size, FAMILY_HISTOGRAM, "pages", "zeroscope_extent_size_pages",
	       "Pages of an extent");

	if (!s->has_extents)
		return;
	by_order(b, &count, BY_ORDER_COUNT, s->extents, s->nr_extents);
	by_order(b, &pages, BY_ORDER_PAGES, s->extents, s->nr_extents);
	by_order(b, &wall, BY_ORDER_WALL, s->extents, s->nr_extents);
	if (body__options(b)->full)
		by_order(b, &size, BY_ORDER_PAGE_HIST, s->extents, s->nr_extents);
}

static void allocator(struct body *b, const struct snapshot *s)
{
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_allocator_clears",
	       "Folios that the page allocator zeroed");
	FAMILY(bytes, FAMILY_COUNTER, "bytes", "zeroscope_allocator_cleared_bytes",
	       "Size of what the page allocator zeroed");
	FAMILY(wall, FAMILY_HISTOGRAM, "seconds", "zeroscope_allocator_clear_duration_seconds",
	       "Time in which the page allocator zeroed a folio");

	if (!s->has_allocator)
		return;
	by_order(b, &count, BY_ORDER_COUNT, s->allocator, s->nr_allocator);
	by_order(b, &bytes, BY_ORDER_BYTES, s->allocator, s->nr_allocator);
	by_order(b, &wall, BY_ORDER_WALL, s->allocator, s->nr_allocator);
}

static void faults(struct body *b, const struct snapshot *s)
{
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_huge_faults", "Huge page faults");
	FAMILY(wall, FAMILY_HISTOGRAM, "seconds", "zeroscope_huge_fault_duration_seconds",
	       "Time of a huge page fault, clearing included");

	if (!s->has_faults)
		return;
	by_order(b, &count, BY_ORDER_COUNT, s->faults, s->nr_faults);
	by_order(b, &wall, BY_ORDER_WALL, s->faults, s->nr_faults);
}

/* --- The huge zero folio. */

static void unknown_row(struct body *b, const char *quantity, bool known, const char *reason)
{
	struct labels l = {
		.nr = 2,
		.label = {{"quantity", quantity}, {"reason", reason}},
	};

	if (!known && reason[0])
		body__info(b, &l);
}

/*
 * What the two counts say of each other. The sentence of a difference has numbers in it, which
 * is for people: here they are values.
 */
static void zero_doubts(struct body *b, const struct huge_zero *z)
{
	FAMILY(unknown, FAMILY_INFO, NULL, "zeroscope_huge_zero_unknown",
	       "Why the refcount or the holders of the huge zero folio are not known");
	FAMILY(unexplained, FAMILY_GAUGE, NULL, "zeroscope_huge_zero_unexplained_references",
	       "References beyond those of holders and the shrinker, where the two keep differing");
	FAMILY(at_least, FAMILY_GAUGE, NULL, "zeroscope_huge_zero_oldest_hold_at_least",
	       "1 where the oldest holder is older than its hold says: it held before the attach");
	double difference = 0;

	body__family(b, &unknown);
	unknown_row(b, "refcount", z->refcount.known, z->refcount_reason);
	unknown_row(b, "holders", z->holders.known, z->holders_reason);
	if (z->refcount.known && z->holders.known) {
		/* The reason is there once it has been so in two snapshots, not for a moment. */
		if (z->holders_reason[0])
			difference = (double)z->refcount.value - (double)z->holders.value - 1;
		body__family(b, &unexplained);
		body__gauge_double(b, NO_LABELS, difference);
	}
	if (z->oldest_seconds.known) {
		body__family(b, &at_least);
		body__gauge(b, NO_LABELS, z->oldest_at_least);
	}
}

static void huge_zero(struct body *b, const struct huge_zero *z)
{
	FAMILY(refcount, FAMILY_GAUGE, NULL, "zeroscope_huge_zero_refcount",
	       "The kernel's own reference count of the huge zero folio, as read");
	FAMILY(holders, FAMILY_GAUGE, NULL, "zeroscope_huge_zero_holders",
	       "Processes that hold the huge zero folio");
	FAMILY(oldest, FAMILY_GAUGE, "seconds", "zeroscope_huge_zero_oldest_hold_seconds",
	       "How long the oldest holder has held the huge zero folio");
	FAMILY(gets, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_gets",
	       "Requests for a reference on the huge zero folio");
	FAMILY(taken, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_references_taken",
	       "References on the huge zero folio that a process took");
	FAMILY(puts, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_puts",
	       "References on the huge zero folio given back");
	FAMILY(allocations, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_allocations",
	       "Allocations of the huge zero folio");
	FAMILY(failures, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_allocation_failures",
	       "Allocations of the huge zero folio that failed");
	FAMILY(reclaims, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_reclaims",
	       "Times that the shrinker freed the huge zero folio");
	FAMILY(refusals, FAMILY_COUNTER, NULL, "zeroscope_huge_zero_reclaim_refusals",
	       "Times that the shrinker found the huge zero folio in use");
	FAMILY(hold, FAMILY_HISTOGRAM, "seconds", "zeroscope_huge_zero_hold_duration_seconds",
	       "How long a process held the huge zero folio, of holds that have ended");
	FAMILY(lifetime, FAMILY_HISTOGRAM, "seconds", "zeroscope_huge_zero_lifetime_seconds",
	       "From the allocation of the huge zero folio to its release by the shrinker");

	if (!z)
		return;
	opt_gauge(b, &refcount, &z->refcount);
	opt_gauge(b, &holders, &z->holders);
	if (z->oldest_seconds.known) {
		body__family(b, &oldest);
		body__gauge_double(b, NO_LABELS, z->oldest_seconds.value);
	}
	zero_doubts(b, z);
	opt_counter(b, &gets, &z->gets);
	opt_counter(b, &taken, &z->references_taken);
	opt_counter(b, &puts, &z->puts);
	opt_counter(b, &allocations, &z->allocations);
	opt_counter(b, &failures, &z->allocation_failures);
	opt_counter(b, &reclaims, &z->reclaims);
	opt_counter(b, &refusals, &z->reclaim_refusals);
	span(b, &hold, z->has_hold, &z->hold);
	span(b, &lifetime, z->has_lifetime, &z->lifetime);
}

/* --- Who paid. */

enum payer_field {
	PAYER_COUNT,
	PAYER_SECONDS,
	PAYER_GAP_SECONDS,
};

static void add_payer(struct body *b, const struct labels *l, enum payer_field field,
		      const struct payer *p)
{
	if (field == PAYER_COUNT)
		body__counter(b, l, p->count);
	else
		body__counter_ns(b, l, field == PAYER_SECONDS ? p->sum_ns : p->gap_ns);
}

static void nodes(struct body *b, const struct snapshot *s, const struct family *f,
		  enum payer_field field)
{
	size_t i;

	body__family(b, f);
	for (i = 0; i < s->nr_node_payers; i++) {
		char id[24];
		struct labels l = labels1("node", id);

		snprintf(id, sizeof(id), "%llu", (unsigned long long)s->node_payers[i].id);
		add_payer(b, &l, field, &s->node_payers[i]);
	}
}

static void cgroups(struct body *b, const struct family *f, enum payer_field field,
		    const struct payer *rows, size_t nr)
{
	size_t i;

	body__family(b, f);
	for (i = 0; i < nr; i++) {
		struct labels l = labels1("cgroup", rows[i].name);

		add_payer(b, &l, field, &rows[i]);
	}
}

static void payers(struct body *b, const struct snapshot *s)
{
	FAMILY(node_count, FAMILY_COUNTER, NULL, "zeroscope_node_clears",
	       "Clears of folios of a NUMA node");
	FAMILY(node_seconds, FAMILY_COUNTER, "seconds", "zeroscope_node_clear_seconds",
	       "Wall time of clears of folios of a NUMA node");
	FAMILY(count, FAMILY_COUNTER, NULL, "zeroscope_cgroup_clears",
	       "Clears by tasks of a cgroup");
	FAMILY(sum, FAMILY_COUNTER, "seconds", "zeroscope_cgroup_clear_seconds",
	       "Wall time that clears cost tasks of a cgroup");
	FAMILY(gap, FAMILY_COUNTER, "seconds", "zeroscope_cgroup_gap_seconds",
	       "Part of it in which the tasks of a cgroup were off the CPU");
	FAMILY(folded_groups, FAMILY_GAUGE, NULL, "zeroscope_cgroups_folded",
	       "Cgroups that are counted in the one named other");
	const struct payer *rows;
	uint64_t folded;
	size_t nr;

	if (body__options(b)->full && s->node_payers) {
		nodes(b, s, &node_count, PAYER_COUNT);
		nodes(b, s, &node_seconds, PAYER_SECONDS);
	}
	if (!body__options(b)->cgroups || !s->cgroup_payers)
		return;
	rows = body__cgroups(b, s, &nr, &folded);
	cgroups(b, &count, PAYER_COUNT, rows, nr);
	cgroups(b, &sum, PAYER_SECONDS, rows, nr);
	if (s->gaps)
		cgroups(b, &gap, PAYER_GAP_SECONDS, rows, nr);
	body__family(b, &folded_groups);
	body__gauge(b, NO_LABELS, folded);
}

void exposition__families(struct body *b, const struct snapshot *s,
			  const struct exposition_process *p)
{
	build(b);
	kernel(b, s->machine);
	probes(b, s);
	clears(b, s);
	gaps(b, s);
	resched(b, s->resched);
	extents(b, s);
	allocator(b, s);
	faults(b, s);
	huge_zero(b, s->huge_zero);
	payers(b, s);
	exposition__trust(b, s, p);
}
