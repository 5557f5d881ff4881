// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots into fields. */
#include <string.h>

#include "coverage.h"
#include "recording_format.h"
#include "util.h"

/* Zeros and empty strings are left out, but not where a zero differs from "not known". */

static void pack_uint(struct packer *p, unsigned int tag, uint64_t value)
{
	if (value)
		pack__uint(p, tag, value);
}

static void pack_int(struct packer *p, unsigned int tag, int64_t value)
{
	if (value)
		pack__int(p, tag, value);
}

static void pack_opt(struct packer *p, unsigned int tag, const struct opt_u64 *o)
{
	if (o->known)
		pack__uint(p, tag, o->value);
}

static void pack_text(struct packer *p, unsigned int tag, const char *text)
{
	if (*text)
		pack__string(p, tag, text);
}

static uint64_t double_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Seconds that are whole nanoseconds, as most are, under tag_ns; else all of its bits. */
static void pack_seconds(struct packer *p, unsigned int tag_ns, unsigned int tag_bits,
			 const struct opt_double *o)
{
	double ns = o->value * 1e9;

	if (!o->known)
		return;
	if (ns >= 0 && ns < 1e18) {
		uint64_t whole = (uint64_t)(ns + 0.5);

		if (double_bits((double)whole / 1e9) == double_bits(o->value)) {
			pack__uint(p, tag_ns, whole);
			return;
		}
	}
	pack__uint(p, tag_bits, double_bits(o->value));
}

static void pack_max(struct packer *p, unsigned int tag, const struct hist_max *m, uint64_t time_ns)
{
	char comm[sizeof(m->comm) + 1] = {0};

	if (!m->known)
		return;
	memcpy(comm, m->comm, sizeof(m->comm));
	pack__open(p, tag);
	pack__uint(p, MAX_NS, m->ns);
	pack__int(p, MAX_TIME, (int64_t)(time_ns - m->time_ns));
	pack__uint(p, MAX_PID, m->pid);
	pack__int(p, MAX_TID, (int64_t)m->tid - m->pid);
	pack__int(p, MAX_ORDER, m->order);
	pack__int(p, MAX_NODE, m->node);
	pack__string(p, MAX_COMM, comm);
	pack__close(p);
}

static void pack_hist(struct packer *p, unsigned int tag, const struct hist *h, uint64_t time_ns,
		      const struct recording_base *base)
{
	pack__open(p, tag);
	pack__uint(p, HIST_SUM, h->sum_ns);
	pack__array(p, HIST_BUCKETS, h->bucket, ZS_BUCKETS);
	pack_max(p, HIST_MAX, &h->max, time_ns);
	/* Relative to what does not change, so that it is the same frame after frame. */
	pack_max(p, HIST_MAX_SINCE_ATTACH, &h->max_since_attach, base->time_ns);
	if (h->count != recording__sum(h->bucket, ZS_BUCKETS))
		pack__uint(p, HIST_COUNT, h->count);
	pack__close(p);
}

/*
 * On-CPU times are those of the same clears, less their gaps: most lie in the
 * bucket of the wall time, so what is packed is how the histograms differ.
 */
static void pack_on_cpu(struct packer *p, const struct clear_series *c, uint64_t time_ns,
			const struct recording_base *base)
{
	struct hist h = c->on_cpu;

	for (size_t i = 0; i < ZS_BUCKETS; i++)
		h.bucket[i] = pack__zigzag((int64_t)(h.bucket[i] - c->wall.bucket[i]));
	pack__open(p, CLEARS_ON_CPU);
	pack__int(p, HIST_SUM, (int64_t)(h.sum_ns - c->wall.sum_ns));
	pack__array(p, HIST_BUCKETS, h.bucket, ZS_BUCKETS);
	pack_max(p, HIST_MAX, &h.max, time_ns);
	pack_max(p, HIST_MAX_SINCE_ATTACH, &h.max_since_attach, base->time_ns);
	if (h.count != recording__sum(c->on_cpu.bucket, ZS_BUCKETS))
		pack__uint(p, HIST_COUNT, h.count);
	pack__close(p);
}

/* A histogram without maxima: spans and pages. */
static void pack_counts(struct packer *p, unsigned int tag, uint64_t count, uint64_t sum,
			const uint64_t *bucket, size_t nr)
{
	pack__open(p, tag);
	pack__uint(p, HIST_SUM, sum);
	pack__array(p, HIST_BUCKETS, bucket, nr);
	if (count != recording__sum(bucket, nr))
		pack__uint(p, HIST_COUNT, count);
	pack__close(p);
}

void recording__pack_machine(struct packer *p, const struct machine *m)
{
	pack_text(p, MACHINE_RELEASE, m->release);
	pack_text(p, MACHINE_VERSION, m->version);
	pack_text(p, MACHINE_ARCH, m->arch);
	pack_text(p, MACHINE_HOST, m->host);
	pack_uint(p, MACHINE_PAGE_SIZE, m->page_size);
	pack_int(p, MACHINE_PMD_ORDER, m->pmd_order);
	pack_int(p, MACHINE_CPUS, m->cpus);
	pack_int(p, MACHINE_NODES, m->nodes);
	pack_uint(p, MACHINE_PREEMPT_MODEL, m->preempt_model);
	pack_text(p, MACHINE_PREEMPT_SOURCE, m->preempt_source);
	pack_int(p, MACHINE_INIT_ON_ALLOC, m->init_on_alloc);
	pack_uint(p, MACHINE_HUGE_ZERO, m->huge_zero);
	pack_uint(p, MACHINE_TICK_NS, m->tick_ns);
}

static void pack_filters(struct packer *p, const struct filters *f)
{
	if (!f->pids[0] && !f->comm[0] && !f->cgroup[0] && !f->min_order)
		return;
	pack__open(p, SNAP_FILTERS);
	pack_text(p, FILTER_PIDS, f->pids);
	pack_text(p, FILTER_COMM, f->comm);
	pack_text(p, FILTER_CGROUP, f->cgroup);
	pack_int(p, FILTER_MIN_ORDER, f->min_order);
	pack__close(p);
}

static void pack_probe(struct packer *p, const struct probe_state *probe)
{
	pack__open(p, SNAP_PROBE);
	pack__string(p, PROBE_NAME, probe->name);
	pack_text(p, PROBE_TIER, probe->tier);
	pack_uint(p, PROBE_ATTACHED, probe->attached);
	pack_text(p, PROBE_REASON, probe->reason);
	pack__close(p);
}

static void pack_clears(struct packer *p, const struct clear_series *c, const struct snapshot *s,
			const struct recording_base *base)
{
	pack__open(p, SNAP_CLEARS);
	pack__uint(p, CLEARS_KIND, c->kind);
	pack__uint(p, CLEARS_NUMA, c->numa);
	pack_uint(p, CLEARS_OTHER, c->other);
	pack__int(p, CLEARS_ORDER, c->order);
	pack__int(p, CLEARS_COUNT, (int64_t)(c->count - c->wall.count));
	pack__int(p, CLEARS_BYTES,
		  (int64_t)(c->bytes - recording__usual_bytes(base, c->order, c->count)));
	pack_hist(p, CLEARS_WALL, &c->wall, s->time_ns, base);
	if (c->has_on_cpu)
		pack_on_cpu(p, c, s->time_ns, base);
	pack__close(p);
}

static void pack_durations(struct packer *p, unsigned int tag, const struct duration_series *rows,
			   size_t nr, const struct snapshot *s, const struct recording_base *base)
{
	pack__open(p, tag);
	for (size_t i = 0; i < nr; i++) {
		const struct duration_series *d = &rows[i];

		pack__open(p, DURATIONS_ROW);
		pack__int(p, ROW_ORDER, d->order);
		pack__int(p, ROW_COUNT, (int64_t)(d->count - d->wall.count));
		pack__int(p, ROW_BYTES,
			  (int64_t)(d->bytes - recording__usual_bytes(base, d->order, d->count)));
		pack_hist(p, ROW_WALL, &d->wall, s->time_ns, base);
		if (d->has_pages)
			pack_counts(p, ROW_PAGES, d->pages.count, d->pages.sum, d->pages.bucket,
				    HIST_PAGE_BUCKETS);
		pack__close(p);
	}
	pack__close(p);
}

static void pack_gaps(struct packer *p, const struct snapshot *s, const struct recording_base *base)
{
	const struct gaps *g = s->gaps;

	pack__open(p, SNAP_GAPS);
	for (size_t i = 0; i < g->nr_sums; i++) {
		pack__open(p, GAPS_SUM);
		pack__int(p, GAP_SUM_ORDER, g->sums[i].order);
		pack__uint(p, GAP_SUM_CAUSE, g->sums[i].cause);
		pack__uint(p, GAP_SUM_COUNT, g->sums[i].count);
		pack__uint(p, GAP_SUM_NS, g->sums[i].sum_ns);
		pack__close(p);
	}
	for (unsigned int i = 0; i < ZS_GAP_CAUSES; i++) {
		if (!g->has_cause[i])
			continue;
		pack__open(p, GAPS_CAUSE);
		pack__uint(p, GAP_CAUSE_CAUSE, i);
		pack_hist(p, GAP_CAUSE_DURATION, &g->duration[i], s->time_ns, base);
		pack__close(p);
	}
	pack__close(p);
}

static void pack_resched(struct packer *p, const struct snapshot *s,
			 const struct recording_base *base)
{
	const struct resched *r = s->resched;

	pack__open(p, SNAP_RESCHED);
	pack_text(p, RESCHED_SOURCE, r->source);
	pack_hist(p, RESCHED_NOW, &r->now, s->time_ns, base);
	if (r->has_lazy)
		pack_hist(p, RESCHED_LAZY, &r->lazy, s->time_ns, base);
	pack__uint(p, RESCHED_OUTLIVED, r->outlived);
	pack__close(p);
}

static void pack_huge_zero(struct packer *p, const struct huge_zero *z)
{
	pack__open(p, SNAP_HUGE_ZERO);
	pack_opt(p, ZERO_REFCOUNT, &z->refcount);
	pack_opt(p, ZERO_HOLDERS, &z->holders);
	pack_seconds(p, ZERO_OLDEST_NS, ZERO_OLDEST_BITS, &z->oldest_seconds);
	pack_text(p, ZERO_REASON, z->refcount_reason);
	pack_opt(p, ZERO_GETS, &z->gets);
	pack_opt(p, ZERO_REFERENCES_TAKEN, &z->references_taken);
	pack_opt(p, ZERO_PUTS, &z->puts);
	pack_opt(p, ZERO_ALLOCATIONS, &z->allocations);
	pack_opt(p, ZERO_ALLOCATION_FAILURES, &z->allocation_failures);
	pack_opt(p, ZERO_RECLAIMS, &z->reclaims);
	pack_opt(p, ZERO_RECLAIM_REFUSALS, &z->reclaim_refusals);
	if (z->has_hold)
		pack_counts(p, ZERO_HOLD, z->hold.count, z->hold.sum_ns, z->hold.bucket,
			    ZS_SPAN_BUCKETS);
	if (z->has_lifetime)
		pack_counts(p, ZERO_LIFETIME, z->lifetime.count, z->lifetime.sum_ns,
			    z->lifetime.bucket, ZS_SPAN_BUCKETS);
	pack_text(p, ZERO_HOLDERS_REASON, z->holders_reason);
	pack_uint(p, ZERO_OLDEST_AT_LEAST, z->oldest_at_least);
	pack__close(p);
}

static void pack_payer(struct packer *p, unsigned int tag, const struct payer *payer)
{
	pack__open(p, tag);
	pack__uint(p, PAYER_ID, payer->id);
	pack_text(p, PAYER_NAME, payer->name);
	pack__uint(p, PAYER_COUNT, payer->count);
	pack__uint(p, PAYER_BYTES, payer->bytes);
	pack__uint(p, PAYER_SUM, payer->sum_ns);
	pack__uint(p, PAYER_GAP, payer->gap_ns);
	pack__uint(p, PAYER_MAX, payer->max_ns);
	pack__close(p);
}

static void pack_coverage(struct packer *p, const struct coverage *c)
{
	pack__open(p, SNAP_COVERAGE);
	pack__string(p, COVERAGE_WHAT, c->what);
	pack_opt(p, COVERAGE_KERNEL, &c->kernel);
	/* What was seen mostly is what the kernel counted. */
	if (c->seen.known)
		pack__int(p, COVERAGE_SEEN,
			  (int64_t)(c->seen.value - (c->kernel.known ? c->kernel.value : 0)));
	pack_text(p, COVERAGE_REASON, c->reason);
	pack__close(p);
}

static void pack_loss(struct packer *p, const struct loss *l)
{
	pack__open(p, SNAP_LOSS);
	pack_opt(p, LOSS_RECURSION, &l->recursion);
	pack_opt(p, LOSS_MISSED, &l->missed);
	pack_opt(p, LOSS_STORAGE_FULL, &l->storage_full);
	pack_opt(p, LOSS_UNMATCHED, &l->unmatched);
	pack_opt(p, LOSS_DROPPED, &l->dropped);
	pack__close(p);
}

static void pack_self(struct packer *p, const struct self_cost *c)
{
	pack__open(p, SNAP_SELF);
	pack_seconds(p, SELF_BPF_NS, SELF_BPF_BITS, &c->bpf_seconds);
	pack__uint(p, SELF_MAP_BYTES, c->map_bytes);
	pack__uint(p, SELF_RSS_BYTES, c->rss_bytes);
	pack__close(p);
}

/* Orders of which the kernel has a counter, and what it says. */
static void pack_orders(struct packer *p, unsigned int tag, const struct opt_u64 *orders)
{
	uint64_t value[ZS_ORDERS] = {0}, known = 0;

	for (unsigned int i = 0; i < ZS_ORDERS; i++) {
		if (!orders[i].known)
			continue;
		known |= 1ULL << i;
		value[i] = orders[i].value;
	}
	pack__open(p, tag);
	pack__uint(p, ORDERS_KNOWN, known);
	pack__array(p, ORDERS_VALUE, value, ZS_ORDERS);
	pack__close(p);
}

static void pack_counters(struct packer *p, const struct coverage_counters *c)
{
	pack__open(p, SNAP_COUNTERS);
	pack_opt(p, COUNTERS_THP_FAULT, &c->thp_fault);
	pack_opt(p, COUNTERS_THP_FALLBACK, &c->thp_fallback);
	pack_opt(p, COUNTERS_ZERO_PAGE, &c->thp_zero_page);
	pack_opt(p, COUNTERS_ZERO_PAGE_FAILED, &c->thp_zero_page_failed);
	pack_opt(p, COUNTERS_SHMEM_THP, &c->shmem_thp);
	pack_opt(p, COUNTERS_COLLAPSE, &c->collapse);
	pack_orders(p, COUNTERS_ANON, c->anon);
	pack_orders(p, COUNTERS_SHMEM, c->shmem);
	pack_uint(p, COUNTERS_GUEST_MEMFD, c->guest_memfd);
	pack__close(p);
}

static void pack_seen(struct packer *p, const struct coverage_seen *s)
{
	pack__open(p, SNAP_SEEN);
	for (size_t i = 0; i < ZS_KINDS; i++)
		pack__array(p, SEEN_CLEARS, s->clears[i], ZS_ORDERS);
	pack_uint(p, SEEN_ALLOCATOR_MEASURED, s->allocator_measured);
	pack__array(p, SEEN_ALLOCATOR, s->allocator, ZS_ORDERS);
	pack_uint(p, SEEN_ALLOCATOR_SKIPS, s->allocator_skips);
	pack_uint(p, SEEN_OPEN, s->open);
	pack_uint(p, SEEN_STRADDLED, s->straddled);
	pack__close(p);
}

void recording__pack_snapshot(struct packer *p, const struct snapshot *s,
			      const struct recording_base *base)
{
	uint64_t since = s->time_ns - base->time_ns;

	pack__int(p, SNAP_TIME, (int64_t)since);
	pack__int(p, SNAP_MONO, (int64_t)(s->mono_ns - base->mono_ns - since));
	pack__uint(p, SNAP_INTERVAL, s->interval_ns);
	pack_uint(p, SNAP_FLOOR, s->floor);
	pack_filters(p, &s->filters);
	for (size_t i = 0; i < s->nr_probes; i++)
		pack_probe(p, &s->probes[i]);
	pack__uint(p, SNAP_CLEARS_TOTAL, s->clears_total);
	for (size_t i = 0; i < s->nr_clears; i++)
		pack_clears(p, &s->clears[i], s, base);
	if (s->gaps)
		pack_gaps(p, s, base);
	if (s->gaps_per_clear.known)
		pack__uint(p, SNAP_GAPS_PER_CLEAR, double_bits(s->gaps_per_clear.value));
	pack__uint(p, SNAP_GAPS_COUNTED, s->gaps_counted);
	if (s->resched)
		pack_resched(p, s, base);
	if (s->has_extents)
		pack_durations(p, SNAP_EXTENTS, s->extents, s->nr_extents, s, base);
	if (s->has_allocator)
		pack_durations(p, SNAP_ALLOCATOR, s->allocator, s->nr_allocator, s, base);
	if (s->has_faults)
		pack_durations(p, SNAP_FAULTS, s->faults, s->nr_faults, s, base);
	if (s->huge_zero)
		pack_huge_zero(p, s->huge_zero);
	for (size_t i = 0; i < s->nr_node_payers; i++)
		pack_payer(p, SNAP_NODE_PAYER, &s->node_payers[i]);
	for (size_t i = 0; i < s->nr_cgroup_payers; i++)
		pack_payer(p, SNAP_CGROUP_PAYER, &s->cgroup_payers[i]);
	for (size_t i = 0; i < s->nr_coverage; i++)
		pack_coverage(p, &s->coverage[i]);
	pack_loss(p, &s->loss);
	pack_self(p, &s->self);
	if (base->content == RECORDING_TOTALS && s->kernel_counters)
		pack_counters(p, s->kernel_counters);
	if (base->content == RECORDING_TOTALS && s->seen)
		pack_seen(p, s->seen);
}

bool recording__too_many_rows(const struct snapshot *s)
{
	return s->nr_probes > RECORDING_ROWS_MAX || s->nr_clears > RECORDING_ROWS_MAX ||
	       (s->gaps && s->gaps->nr_sums > RECORDING_ROWS_MAX) ||
	       s->nr_extents > RECORDING_ROWS_MAX || s->nr_allocator > RECORDING_ROWS_MAX ||
	       s->nr_faults > RECORDING_ROWS_MAX || s->nr_node_payers > RECORDING_ROWS_MAX ||
	       s->nr_cgroup_payers > RECORDING_ROWS_MAX || s->nr_coverage > RECORDING_ROWS_MAX;
}
