// SPDX-License-Identifier: GPL-2.0-only
/* Fields into snapshots: every number that others rely on is checked here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "recording_format.h"
#include "util.h"

/* What is not known to this version is stepped over. */

struct context {
	struct unpacker *u;
	const struct recording_base *base;
	uint64_t time_ns; /* of the snapshot */
};

bool recording__expect(struct unpacker *u, const struct pack_field *f, enum pack_type type)
{
	if (f->type == type)
		return true;
	unpack__fail(u, "a field is not of the type that it has to be");
	return false;
}

void recording__read_uint(struct unpacker *u, const struct pack_field *f, uint64_t *out)
{
	if (recording__expect(u, f, PACK_UINT))
		*out = f->value;
}

static void read_opt(struct unpacker *u, const struct pack_field *f, struct opt_u64 *out)
{
	if (!recording__expect(u, f, PACK_UINT))
		return;
	out->known = true;
	out->value = f->value;
}

static void read_bool(struct unpacker *u, const struct pack_field *f, bool *out)
{
	if (recording__expect(u, f, PACK_UINT))
		*out = f->value;
}

/* A difference of two unsigned numbers, which wraps as they do. */
static void read_difference(struct unpacker *u, const struct pack_field *f, uint64_t *out)
{
	if (recording__expect(u, f, PACK_UINT))
		*out = (uint64_t)pack__unzigzag(f->value);
}

static void read_int(struct unpacker *u, const struct pack_field *f, int64_t lo, int64_t hi,
		     int *out)
{
	int64_t value = pack__unzigzag(f->value);

	if (!recording__expect(u, f, PACK_UINT))
		return;
	if (value < lo || value > hi) {
		unpack__fail(u, "a number is not in the range that it has to be");
		return;
	}
	*out = (int)value;
}

static void read_order(struct unpacker *u, const struct pack_field *f, int *out)
{
	read_int(u, f, -1, ZS_ORDERS - 1, out);
}

/* An enumeration: what is above limit is one of a newer version, and unknown. */
static unsigned int read_enum(struct unpacker *u, const struct pack_field *f, unsigned int limit,
			      unsigned int unknown)
{
	if (!recording__expect(u, f, PACK_UINT) || f->value >= limit)
		return unknown;
	return (unsigned int)f->value;
}

/* Cut to the size of what it goes to. */
static void read_text(struct unpacker *u, const struct pack_field *f, char *out, size_t size)
{
	size_t len;

	if (!recording__expect(u, f, PACK_STRING))
		return;
	len = min(strlen(f->text), size - 1);
	memcpy(out, f->text, len);
	memset(out + len, 0, size - len);
}

#define READ_TEXT(u, f, out) read_text(u, f, out, sizeof(out))

static double bits_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void read_double(struct unpacker *u, const struct pack_field *f, struct opt_double *out)
{
	if (!recording__expect(u, f, PACK_UINT))
		return;
	out->known = true;
	out->value = bits_double(f->value);
}

static void read_seconds(struct unpacker *u, const struct pack_field *f, struct opt_double *out)
{
	if (!recording__expect(u, f, PACK_UINT))
		return;
	out->known = true;
	out->value = (double)f->value / 1e9;
}

static void read_buckets(struct unpacker *u, const struct pack_field *f, uint64_t *out, size_t nr)
{
	if (!recording__expect(u, f, PACK_ARRAY))
		return;
	if (f->nr > nr) {
		unpack__fail(u, "a histogram has more buckets than there are");
		return;
	}
	memset(out, 0, nr * sizeof(*out));
	memcpy(out, f->array, f->nr * sizeof(*out));
}

static void read_max(const struct context *c, struct hist_max *m, uint64_t time_ns)
{
	uint64_t pid = 0, tid = 0, before = 0;
	struct unpacker *u = c->u;
	struct pack_field f;

	memset(m, 0, sizeof(*m));
	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case MAX_NS:
			recording__read_uint(u, &f, &m->ns);
			break;
		case MAX_TIME:
			read_difference(u, &f, &before);
			break;
		case MAX_PID:
			recording__read_uint(u, &f, &pid);
			break;
		case MAX_TID:
			read_difference(u, &f, &tid);
			break;
		case MAX_ORDER:
			read_order(u, &f, &m->order);
			break;
		case MAX_NODE:
			read_int(u, &f, -1, INT16_MAX, &m->node);
			break;
		case MAX_COMM:
			READ_TEXT(u, &f, m->comm);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	m->known = true;
	m->pid = (uint32_t)pid;
	m->tid = (uint32_t)(pid + tid);
	m->time_ns = time_ns - before;
}

/* Where relative_to is given, the sum and the buckets are differences from it. */
static void read_hist_relative(const struct context *c, const struct pack_field *field,
			       const struct hist *relative_to, struct hist *h)
{
	struct opt_u64 count = {0};
	struct unpacker *u = c->u;
	struct pack_field f;

	if (!recording__expect(u, field, PACK_MESSAGE))
		return;
	memset(h, 0, sizeof(*h));
	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case HIST_SUM:
			recording__read_uint(u, &f, &h->sum_ns);
			break;
		case HIST_BUCKETS:
			read_buckets(u, &f, h->bucket, ZS_BUCKETS);
			break;
		case HIST_MAX:
			if (recording__expect(u, &f, PACK_MESSAGE))
				read_max(c, &h->max, c->time_ns);
			break;
		case HIST_MAX_SINCE_ATTACH:
			if (recording__expect(u, &f, PACK_MESSAGE))
				read_max(c, &h->max_since_attach, c->base->time_ns);
			break;
		case HIST_COUNT:
			read_opt(u, &f, &count);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	if (relative_to) {
		h->sum_ns = relative_to->sum_ns + (uint64_t)pack__unzigzag(h->sum_ns);
		for (size_t i = 0; i < ZS_BUCKETS; i++)
			h->bucket[i] =
				relative_to->bucket[i] + (uint64_t)pack__unzigzag(h->bucket[i]);
	}
	h->count = count.known ? count.value : recording__sum(h->bucket, ZS_BUCKETS);
}

static void read_hist(const struct context *c, const struct pack_field *field, struct hist *h)
{
	read_hist_relative(c, field, NULL, h);
}

static void read_counts(const struct context *c, const struct pack_field *field, uint64_t *count,
			uint64_t *sum, uint64_t *bucket, size_t nr)
{
	struct opt_u64 explicit = {0};
	struct unpacker *u = c->u;
	struct pack_field f;

	if (!recording__expect(u, field, PACK_MESSAGE))
		return;
	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case HIST_SUM:
			recording__read_uint(u, &f, sum);
			break;
		case HIST_BUCKETS:
			read_buckets(u, &f, bucket, nr);
			break;
		case HIST_COUNT:
			read_opt(u, &f, &explicit);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	*count = explicit.known ? explicit.value : recording__sum(bucket, nr);
}

/*
 * Opens a row of a list: makes room for one more element, zeroed. NULL after an
 * error. room is what the list has been grown to.
 */
static void *add_row(struct unpacker *u, const struct pack_field *f, void *listp, size_t *nr,
		     size_t size)
{
	void **list = listp;

	if (!recording__expect(u, f, PACK_MESSAGE))
		return NULL;
	if (*nr == RECORDING_ROWS_MAX) {
		unpack__fail(u, "a list is longer than it can be");
		return NULL;
	}
	/* Room is what a power of two gives, from four on. */
	if (!(*nr & (*nr - 1)) && (!*nr || *nr >= 4)) {
		void *bigger = realloc(*list, (*nr ? 2 * *nr : 4) * size);

		if (!bigger) {
			if (!u->err)
				u->err = -ENOMEM;
			return NULL;
		}
		*list = bigger;
	}
	return memset((char *)*list + (*nr)++ * size, 0, size);
}

void recording__unpack_machine(struct unpacker *u, struct machine *m)
{
	uint64_t page_size = 0;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case MACHINE_RELEASE:
			READ_TEXT(u, &f, m->release);
			break;
		case MACHINE_VERSION:
			READ_TEXT(u, &f, m->version);
			break;
		case MACHINE_ARCH:
			READ_TEXT(u, &f, m->arch);
			break;
		case MACHINE_HOST:
			READ_TEXT(u, &f, m->host);
			break;
		case MACHINE_PAGE_SIZE:
			recording__read_uint(u, &f, &page_size);
			break;
		case MACHINE_PMD_ORDER:
			read_int(u, &f, -1, ZS_ORDERS - 1, &m->pmd_order);
			break;
		case MACHINE_CPUS:
			read_int(u, &f, -1, 1 << 20, &m->cpus);
			break;
		case MACHINE_NODES:
			read_int(u, &f, -1, 1 << 20, &m->nodes);
			break;
		case MACHINE_PREEMPT_MODEL:
			m->preempt_model = read_enum(u, &f, PREEMPT_RT + 1, PREEMPT_UNKNOWN);
			break;
		case MACHINE_PREEMPT_SOURCE:
			READ_TEXT(u, &f, m->preempt_source);
			break;
		case MACHINE_INIT_ON_ALLOC:
			read_int(u, &f, -1, 1, &m->init_on_alloc);
			break;
		case MACHINE_HUGE_ZERO:
			m->huge_zero = read_enum(u, &f, HUGE_ZERO_ABSENT + 1, HUGE_ZERO_UNKNOWN);
			break;
		case MACHINE_TICK_NS:
			recording__read_uint(u, &f, &m->tick_ns);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	if (page_size > 1U << 30)
		unpack__fail(u, "no machine has pages of such a size");
	m->page_size = page_size;
}

static void read_filters(struct unpacker *u, struct filters *filters)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case FILTER_PIDS:
			READ_TEXT(u, &f, filters->pids);
			break;
		case FILTER_COMM:
			READ_TEXT(u, &f, filters->comm);
			break;
		case FILTER_CGROUP:
			READ_TEXT(u, &f, filters->cgroup);
			break;
		case FILTER_MIN_ORDER:
			read_order(u, &f, &filters->min_order);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_probe(struct unpacker *u, struct probe_state *p)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case PROBE_NAME:
			READ_TEXT(u, &f, p->name);
			break;
		case PROBE_TIER:
			READ_TEXT(u, &f, p->tier);
			break;
		case PROBE_ATTACHED:
			read_bool(u, &f, &p->attached);
			break;
		case PROBE_REASON:
			READ_TEXT(u, &f, p->reason);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_clears(const struct context *c, struct clear_series *s)
{
	uint64_t more = 0, more_bytes = 0;
	struct unpacker *u = c->u;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case CLEARS_KIND:
			s->kind = (uint8_t)read_enum(u, &f, ZS_KINDS, ZS_KIND_OTHER);
			break;
		case CLEARS_NUMA:
			s->numa = (uint8_t)read_enum(u, &f, ZS_NUMAS, ZS_NUMA_UNKNOWN);
			break;
		case CLEARS_OTHER:
			read_bool(u, &f, &s->other);
			break;
		case CLEARS_ORDER:
			read_order(u, &f, &s->order);
			break;
		case CLEARS_COUNT:
			read_difference(u, &f, &more);
			break;
		case CLEARS_BYTES:
			read_difference(u, &f, &more_bytes);
			break;
		case CLEARS_WALL:
			read_hist(c, &f, &s->wall);
			break;
		case CLEARS_ON_CPU:
			/* Comes after the wall time. */
			s->has_on_cpu = true;
			read_hist_relative(c, &f, &s->wall, &s->on_cpu);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	s->count = s->wall.count + more;
	s->bytes = recording__usual_bytes(c->base, s->order, s->count) + more_bytes;
}

static void read_row(const struct context *c, struct duration_series *d)
{
	uint64_t more = 0, more_bytes = 0;
	struct unpacker *u = c->u;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case ROW_ORDER:
			read_order(u, &f, &d->order);
			break;
		case ROW_COUNT:
			read_difference(u, &f, &more);
			break;
		case ROW_BYTES:
			read_difference(u, &f, &more_bytes);
			break;
		case ROW_WALL:
			read_hist(c, &f, &d->wall);
			break;
		case ROW_PAGES:
			d->has_pages = true;
			read_counts(c, &f, &d->pages.count, &d->pages.sum, d->pages.bucket,
				    HIST_PAGE_BUCKETS);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	d->count = d->wall.count + more;
	d->bytes = recording__usual_bytes(c->base, d->order, d->count) + more_bytes;
}

static void read_durations(const struct context *c, const struct pack_field *field, bool *has,
			   struct duration_series **rows, size_t *nr)
{
	struct duration_series *row;
	struct unpacker *u = c->u;
	struct pack_field f;

	if (!recording__expect(u, field, PACK_MESSAGE))
		return;
	*has = true;
	while (unpack__next(u, &f)) {
		if (f.tag != DURATIONS_ROW) {
			unpack__skip(u, &f);
			continue;
		}
		row = add_row(u, &f, rows, nr, sizeof(*row));
		if (row)
			read_row(c, row);
	}
}

/* A cause that this version has no name for cannot be shown as another one. */
static unsigned int read_cause(struct unpacker *u, const struct pack_field *f)
{
	unsigned int cause = read_enum(u, f, ZS_GAP_CAUSES, ZS_GAP_CAUSES);

	if (cause < ZS_GAP_CAUSES)
		return cause;
	unpack__fail(u, "a gap has a cause that there is not");
	return 0;
}

static void read_gap_sum(struct unpacker *u, struct gap_sum *g)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case GAP_SUM_ORDER:
			read_order(u, &f, &g->order);
			break;
		case GAP_SUM_CAUSE:
			g->cause = (uint8_t)read_cause(u, &f);
			break;
		case GAP_SUM_COUNT:
			recording__read_uint(u, &f, &g->count);
			break;
		case GAP_SUM_NS:
			recording__read_uint(u, &f, &g->sum_ns);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

/* The cause comes before its histogram. */
static void read_gap_cause(const struct context *c, struct gaps *g)
{
	unsigned int cause = ZS_GAP_CAUSES;
	struct unpacker *u = c->u;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case GAP_CAUSE_CAUSE:
			cause = read_cause(u, &f);
			break;
		case GAP_CAUSE_DURATION:
			if (cause == ZS_GAP_CAUSES) {
				unpack__fail(u, "a histogram of gaps has no cause");
				return;
			}
			g->has_cause[cause] = true;
			read_hist(c, &f, &g->duration[cause]);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

/* A part of its own: allocates it once. NULL after an error. */
static void *add_part(struct unpacker *u, const struct pack_field *f, void *partp, size_t size)
{
	void **part = partp;

	if (!recording__expect(u, f, PACK_MESSAGE))
		return NULL;
	if (!*part)
		*part = calloc(1, size);
	if (!*part && !u->err)
		u->err = -ENOMEM;
	return *part;
}

static void read_gaps(const struct context *c, struct gaps *g)
{
	struct unpacker *u = c->u;
	struct gap_sum *sum;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case GAPS_SUM:
			sum = add_row(u, &f, &g->sums, &g->nr_sums, sizeof(*sum));
			if (sum)
				read_gap_sum(u, sum);
			break;
		case GAPS_CAUSE:
			if (recording__expect(u, &f, PACK_MESSAGE))
				read_gap_cause(c, g);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_resched(const struct context *c, struct resched *r)
{
	struct unpacker *u = c->u;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case RESCHED_SOURCE:
			READ_TEXT(u, &f, r->source);
			break;
		case RESCHED_NOW:
			read_hist(c, &f, &r->now);
			break;
		case RESCHED_LAZY:
			r->has_lazy = true;
			read_hist(c, &f, &r->lazy);
			break;
		case RESCHED_OUTLIVED:
			recording__read_uint(u, &f, &r->outlived);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_span(const struct context *c, const struct pack_field *f, bool *has,
		      struct span_hist *h)
{
	*has = true;
	read_counts(c, f, &h->count, &h->sum_ns, h->bucket, ZS_SPAN_BUCKETS);
}

static void read_huge_zero(const struct context *c, struct huge_zero *z)
{
	struct unpacker *u = c->u;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case ZERO_REFCOUNT:
			read_opt(u, &f, &z->refcount);
			break;
		case ZERO_HOLDERS:
			read_opt(u, &f, &z->holders);
			break;
		case ZERO_OLDEST_NS:
			read_seconds(u, &f, &z->oldest_seconds);
			break;
		case ZERO_OLDEST_BITS:
			read_double(u, &f, &z->oldest_seconds);
			break;
		case ZERO_REASON:
			READ_TEXT(u, &f, z->refcount_reason);
			break;
		case ZERO_HOLDERS_REASON:
			READ_TEXT(u, &f, z->holders_reason);
			break;
		case ZERO_OLDEST_AT_LEAST:
			read_bool(u, &f, &z->oldest_at_least);
			break;
		case ZERO_GETS:
			read_opt(u, &f, &z->gets);
			break;
		case ZERO_REFERENCES_TAKEN:
			read_opt(u, &f, &z->references_taken);
			break;
		case ZERO_PUTS:
			read_opt(u, &f, &z->puts);
			break;
		case ZERO_ALLOCATIONS:
			read_opt(u, &f, &z->allocations);
			break;
		case ZERO_ALLOCATION_FAILURES:
			read_opt(u, &f, &z->allocation_failures);
			break;
		case ZERO_RECLAIMS:
			read_opt(u, &f, &z->reclaims);
			break;
		case ZERO_RECLAIM_REFUSALS:
			read_opt(u, &f, &z->reclaim_refusals);
			break;
		case ZERO_HOLD:
			read_span(c, &f, &z->has_hold, &z->hold);
			break;
		case ZERO_LIFETIME:
			read_span(c, &f, &z->has_lifetime, &z->lifetime);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_payer(struct unpacker *u, struct payer *p)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case PAYER_ID:
			recording__read_uint(u, &f, &p->id);
			break;
		case PAYER_NAME:
			READ_TEXT(u, &f, p->name);
			break;
		case PAYER_COUNT:
			recording__read_uint(u, &f, &p->count);
			break;
		case PAYER_BYTES:
			recording__read_uint(u, &f, &p->bytes);
			break;
		case PAYER_SUM:
			recording__read_uint(u, &f, &p->sum_ns);
			break;
		case PAYER_GAP:
			recording__read_uint(u, &f, &p->gap_ns);
			break;
		case PAYER_MAX:
			recording__read_uint(u, &f, &p->max_ns);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_coverage(struct unpacker *u, struct coverage *c)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case COVERAGE_WHAT:
			READ_TEXT(u, &f, c->what);
			break;
		case COVERAGE_KERNEL:
			read_opt(u, &f, &c->kernel);
			break;
		case COVERAGE_SEEN:
			c->seen.known = true;
			read_difference(u, &f, &c->seen.value);
			break;
		case COVERAGE_REASON:
			READ_TEXT(u, &f, c->reason);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	if (c->seen.known && c->kernel.known)
		c->seen.value += c->kernel.value;
}

static void read_loss(struct unpacker *u, struct loss *l)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case LOSS_RECURSION:
			read_opt(u, &f, &l->recursion);
			break;
		case LOSS_MISSED:
			read_opt(u, &f, &l->missed);
			break;
		case LOSS_STORAGE_FULL:
			read_opt(u, &f, &l->storage_full);
			break;
		case LOSS_UNMATCHED:
			read_opt(u, &f, &l->unmatched);
			break;
		case LOSS_DROPPED:
			read_opt(u, &f, &l->dropped);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_orders(struct unpacker *u, const struct pack_field *field, struct opt_u64 *orders)
{
	uint64_t value[ZS_ORDERS] = {0}, known = 0;
	struct pack_field f;

	if (!recording__expect(u, field, PACK_MESSAGE))
		return;
	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case ORDERS_KNOWN:
			recording__read_uint(u, &f, &known);
			break;
		case ORDERS_VALUE:
			read_buckets(u, &f, value, ZS_ORDERS);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	for (unsigned int i = 0; i < ZS_ORDERS; i++)
		if (known >> i & 1)
			orders[i] = (struct opt_u64){.known = true, .value = value[i]};
}

static void read_counters(struct unpacker *u, struct coverage_counters *c)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case COUNTERS_THP_FAULT:
			read_opt(u, &f, &c->thp_fault);
			break;
		case COUNTERS_THP_FALLBACK:
			read_opt(u, &f, &c->thp_fallback);
			break;
		case COUNTERS_ZERO_PAGE:
			read_opt(u, &f, &c->thp_zero_page);
			break;
		case COUNTERS_ZERO_PAGE_FAILED:
			read_opt(u, &f, &c->thp_zero_page_failed);
			break;
		case COUNTERS_SHMEM_THP:
			read_opt(u, &f, &c->shmem_thp);
			break;
		case COUNTERS_COLLAPSE:
			read_opt(u, &f, &c->collapse);
			break;
		case COUNTERS_ANON:
			read_orders(u, &f, c->anon);
			break;
		case COUNTERS_SHMEM:
			read_orders(u, &f, c->shmem);
			break;
		case COUNTERS_GUEST_MEMFD:
			read_bool(u, &f, &c->guest_memfd);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_seen(struct unpacker *u, struct coverage_seen *s)
{
	struct pack_field f;
	size_t kind = 0;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case SEEN_CLEARS:
			/* Kinds to come lie behind those that are known. */
			if (kind < ZS_KINDS)
				read_buckets(u, &f, s->clears[kind++], ZS_ORDERS);
			break;
		case SEEN_ALLOCATOR_MEASURED:
			read_bool(u, &f, &s->allocator_measured);
			break;
		case SEEN_ALLOCATOR:
			read_buckets(u, &f, s->allocator, ZS_ORDERS);
			break;
		case SEEN_ALLOCATOR_SKIPS:
			read_bool(u, &f, &s->allocator_skips);
			break;
		case SEEN_OPEN:
			recording__read_uint(u, &f, &s->open);
			break;
		case SEEN_STRADDLED:
			recording__read_uint(u, &f, &s->straddled);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

static void read_self(struct unpacker *u, struct self_cost *c)
{
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case SELF_BPF_NS:
			read_seconds(u, &f, &c->bpf_seconds);
			break;
		case SELF_BPF_BITS:
			read_double(u, &f, &c->bpf_seconds);
			break;
		case SELF_MAP_BYTES:
			recording__read_uint(u, &f, &c->map_bytes);
			break;
		case SELF_RSS_BYTES:
			recording__read_uint(u, &f, &c->rss_bytes);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
}

/* The lists of a snapshot: one row each. */
static void read_list(const struct context *c, const struct pack_field *f, struct snapshot *s)
{
	struct unpacker *u = c->u;
	void *row;

	switch (f->tag) {
	case SNAP_PROBE:
		row = add_row(u, f, &s->probes, &s->nr_probes, sizeof(*s->probes));
		if (row)
			read_probe(u, row);
		break;
	case SNAP_CLEARS:
		row = add_row(u, f, &s->clears, &s->nr_clears, sizeof(*s->clears));
		if (row)
			read_clears(c, row);
		break;
	case SNAP_NODE_PAYER:
		row = add_row(u, f, &s->node_payers, &s->nr_node_payers, sizeof(struct payer));
		if (row)
			read_payer(u, row);
		break;
	case SNAP_CGROUP_PAYER:
		row = add_row(u, f, &s->cgroup_payers, &s->nr_cgroup_payers, sizeof(struct payer));
		if (row)
			read_payer(u, row);
		break;
	case SNAP_COVERAGE:
		row = add_row(u, f, &s->coverage, &s->nr_coverage, sizeof(*s->coverage));
		if (row)
			read_coverage(u, row);
		break;
	}
}

/* The parts of a snapshot that are there or not. */
static void read_part(const struct context *c, const struct pack_field *f, struct snapshot *s)
{
	struct unpacker *u = c->u;

	switch (f->tag) {
	case SNAP_FILTERS:
		if (recording__expect(u, f, PACK_MESSAGE))
			read_filters(u, &s->filters);
		break;
	case SNAP_GAPS:
		if (add_part(u, f, &s->gaps, sizeof(*s->gaps)))
			read_gaps(c, s->gaps);
		break;
	case SNAP_RESCHED:
		if (add_part(u, f, &s->resched, sizeof(*s->resched)))
			read_resched(c, s->resched);
		break;
	case SNAP_EXTENTS:
		read_durations(c, f, &s->has_extents, &s->extents, &s->nr_extents);
		break;
	case SNAP_ALLOCATOR:
		read_durations(c, f, &s->has_allocator, &s->allocator, &s->nr_allocator);
		break;
	case SNAP_FAULTS:
		read_durations(c, f, &s->has_faults, &s->faults, &s->nr_faults);
		break;
	case SNAP_HUGE_ZERO:
		if (add_part(u, f, &s->huge_zero, sizeof(*s->huge_zero)))
			read_huge_zero(c, s->huge_zero);
		break;
	case SNAP_LOSS:
		if (recording__expect(u, f, PACK_MESSAGE))
			read_loss(u, &s->loss);
		break;
	case SNAP_SELF:
		if (recording__expect(u, f, PACK_MESSAGE))
			read_self(u, &s->self);
		break;
	case SNAP_COUNTERS:
		if (add_part(u, f, &s->kernel_counters, sizeof(*s->kernel_counters)))
			read_counters(u, s->kernel_counters);
		break;
	case SNAP_SEEN:
		if (add_part(u, f, &s->seen, sizeof(*s->seen)))
			read_seen(u, s->seen);
		break;
	}
}

void recording__unpack_snapshot(struct unpacker *u, struct snapshot *s,
				const struct recording_base *base)
{
	struct context context = {.u = u, .base = base, .time_ns = base->time_ns}, *c = &context;
	uint64_t since = 0, drift = 0;
	struct pack_field f;

	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case SNAP_TIME:
			/* Comes first, since maxima are told relative to it. */
			read_difference(u, &f, &since);
			c->time_ns = c->base->time_ns + since;
			break;
		case SNAP_MONO:
			read_difference(u, &f, &drift);
			break;
		case SNAP_INTERVAL:
			recording__read_uint(u, &f, &s->interval_ns);
			break;
		case SNAP_FLOOR:
			read_bool(u, &f, &s->floor);
			break;
		case SNAP_CLEARS_TOTAL:
			recording__read_uint(u, &f, &s->clears_total);
			break;
		case SNAP_GAPS_PER_CLEAR:
			read_double(u, &f, &s->gaps_per_clear);
			break;
		case SNAP_GAPS_COUNTED:
			recording__read_uint(u, &f, &s->gaps_counted);
			break;
		case SNAP_PROBE:
		case SNAP_CLEARS:
		case SNAP_NODE_PAYER:
		case SNAP_CGROUP_PAYER:
		case SNAP_COVERAGE:
			read_list(c, &f, s);
			break;
		case SNAP_FILTERS:
		case SNAP_GAPS:
		case SNAP_RESCHED:
		case SNAP_EXTENTS:
		case SNAP_ALLOCATOR:
		case SNAP_FAULTS:
		case SNAP_HUGE_ZERO:
		case SNAP_LOSS:
		case SNAP_SELF:
		case SNAP_COUNTERS:
		case SNAP_SEEN:
			read_part(c, &f, s);
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	s->time_ns = c->base->time_ns + since;
	s->mono_ns = c->base->mono_ns + since + drift;
}
