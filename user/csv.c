// SPDX-License-Identifier: GPL-2.0-only
#include "csv.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "quantity.h"
#include "util.h"

/* The lines of one interval. */
struct csv {
	FILE *out; /* memory */
	const struct snapshot *s;
	char time[UTIL_TIME_SIZE];
};

/* A line up to its count. order and the texts may be absent: -1, NULL. */
static void begin(const struct csv *c, const char *quantity, int order, const char *part,
		  const char *numa)
{
	char seconds[UTIL_DOUBLE_SIZE];

	fprintf(c->out, "%s,%s,%d,%s,", c->time, util__format_seconds(c->s->interval_ns, seconds),
		c->s->floor, quantity);
	if (order >= 0)
		fprintf(c->out, "%d", order);
	fputc(',', c->out);
	/* A recording can say anything: what would end a field or a line does not. */
	for (; part && *part; part++)
		fputc((unsigned char)*part < ' ' || strchr(",\"=+@", *part) ? '?' : *part, c->out);
	fprintf(c->out, ",%s,", numa ? numa : "");
}

static void put_seconds(const struct csv *c, uint64_t ns)
{
	char seconds[UTIL_DOUBLE_SIZE];

	fputs(util__format_seconds(ns, seconds), c->out);
}

static void put_range(const struct csv *c, bool known, struct hist_range r)
{
	char num[UTIL_DOUBLE_SIZE];

	fprintf(c->out, ",%s", known ? util__format_double(r.lo, num) : "");
	fprintf(c->out, ",%s", known && isfinite(r.hi) ? util__format_double(r.hi, num) : "");
}

/* From the count on. max may be NULL. */
static void put_hist(const struct csv *c, uint64_t count, const uint64_t *bytes,
		     const struct hist *h, const struct hist_max *m)
{
	size_t i;

	fprintf(c->out, "%" PRIu64 ",", count);
	if (bytes)
		fprintf(c->out, "%" PRIu64, *bytes);
	fputc(',', c->out);
	put_seconds(c, h->sum_ns);
	fputc(',', c->out);
	if (m && m->known)
		put_seconds(c, m->ns);
	for (i = 0; i < QUANTILES; i++)
		put_range(c, h->count, hist__quantile(h, quantity__quantiles[i].q));
	fputc('\n', c->out);
}

static void put_span(const struct csv *c, const char *quantity, const struct span_hist *h)
{
	size_t i;

	begin(c, quantity, -1, NULL, NULL);
	fprintf(c->out, "%" PRIu64 ",,", h->count);
	put_seconds(c, h->sum_ns);
	fputc(',', c->out);
	for (i = 0; i < QUANTILES; i++)
		put_range(c, h->count, hist__span_quantile(h, quantity__quantiles[i].q));
	fputc('\n', c->out);
}

/* One number, which stands where sums do. */
static void put_number(const struct csv *c, const char *quantity, const char *part, double value)
{
	char num[UTIL_DOUBLE_SIZE];

	begin(c, quantity, -1, part, NULL);
	fprintf(c->out, ",,%s,,,,,,,,,\n", util__format_double(value, num));
}

static void put_opt(const struct csv *c, const char *quantity, const char *part,
		    const struct opt_u64 *o)
{
	if (o->known)
		put_number(c, quantity, part, (double)o->value);
}

static void put_clears(const struct csv *c)
{
	size_t i;

	for (i = 0; i < c->s->nr_clears; i++) {
		const struct clear_series *series = &c->s->clears[i];
		const char *kind = series->other ? "all_others" : page_kind__name(series->kind);
		const char *numa = series->other ? NULL : numa__name(series->numa);

		begin(c, "clear", series->order, kind, numa);
		put_hist(c, series->count, &series->bytes, &series->wall, &series->wall.max);
		if (!series->has_on_cpu)
			continue;
		begin(c, "on_cpu", series->order, kind, numa);
		put_hist(c, series->on_cpu.count, NULL, &series->on_cpu, NULL);
	}
}

static void put_durations(const struct csv *c, const char *quantity,
			  const struct duration_series *d, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		begin(c, quantity, d[i].order, NULL, NULL);
		put_hist(c, d[i].count, &d[i].bytes, &d[i].wall, &d[i].wall.max);
	}
}

static void put_gaps(const struct csv *c)
{
	const struct gaps *g = c->s->gaps;
	size_t i;

	if (c->s->gaps_per_clear.known)
		put_number(c, "gaps_per_clear", NULL, c->s->gaps_per_clear.value);
	if (!g)
		return;
	for (i = 0; i < ZS_GAP_CAUSES; i++) {
		if (!g->has_cause[i])
			continue;
		begin(c, "gap", -1, gap_cause__name((unsigned int)i), NULL);
		put_hist(c, g->duration[i].count, NULL, &g->duration[i], &g->duration[i].max);
	}
	for (i = 0; i < g->nr_sums; i++) {
		begin(c, "gap", g->sums[i].order, gap_cause__name(g->sums[i].cause), NULL);
		fprintf(c->out, "%" PRIu64 ",,", g->sums[i].count);
		put_seconds(c, g->sums[i].sum_ns);
		fputs(",,,,,,,,,\n", c->out);
	}
}

static void put_resched(const struct csv *c)
{
	const struct resched *r = c->s->resched;

	if (!r)
		return;
	begin(c, "resched_delay", -1, "now", NULL);
	put_hist(c, r->now.count, NULL, &r->now, &r->now.max);
	if (r->has_lazy) {
		begin(c, "resched_delay", -1, "lazy", NULL);
		put_hist(c, r->lazy.count, NULL, &r->lazy, &r->lazy.max);
	}
	put_number(c, "resched_outlived", NULL, (double)r->outlived);
}

static void put_huge_zero(const struct csv *c)
{
	const struct huge_zero *z = c->s->huge_zero;

	if (!z)
		return;
	put_opt(c, "refcount", NULL, &z->refcount);
	put_opt(c, "holders", NULL, &z->holders);
	if (z->oldest_seconds.known)
		put_number(c, "oldest_seconds", NULL, z->oldest_seconds.value);
	put_opt(c, "gets", NULL, &z->gets);
	put_opt(c, "references_taken", NULL, &z->references_taken);
	put_opt(c, "puts", NULL, &z->puts);
	put_opt(c, "allocations", NULL, &z->allocations);
	put_opt(c, "allocation_failures", NULL, &z->allocation_failures);
	put_opt(c, "reclaims", NULL, &z->reclaims);
	put_opt(c, "reclaim_refusals", NULL, &z->reclaim_refusals);
	if (z->has_hold)
		put_span(c, "hold", &z->hold);
	if (z->has_lifetime)
		put_span(c, "lifetime", &z->lifetime);
}

static void put_reliability(const struct csv *c)
{
	const struct snapshot *s = c->s;
	size_t i;

	for (i = 0; i < s->nr_coverage; i++) {
		put_opt(c, "coverage_kernel", s->coverage[i].what, &s->coverage[i].kernel);
		put_opt(c, "coverage_seen", s->coverage[i].what, &s->coverage[i].seen);
	}
	put_opt(c, "loss", "recursion", &s->loss.recursion);
	put_opt(c, "loss", "missed", &s->loss.missed);
	put_opt(c, "loss", "storage_full", &s->loss.storage_full);
	put_opt(c, "loss", "unmatched", &s->loss.unmatched);
	put_opt(c, "loss", "dropped", &s->loss.dropped);
	if (s->self.bpf_seconds.known)
		put_number(c, "bpf_seconds", NULL, s->self.bpf_seconds.value);
}

static int flush(FILE *out, const char *buf, size_t len)
{
	errno = 0;
	if (fwrite(buf, 1, len, out) != len || fflush(out))
		return errno ? -errno : -EIO;
	return 0;
}

int csv__header(FILE *out)
{
	static const char names[] =
		"time,interval_seconds,floor,quantity,order,part,numa,count,bytes,sum,max,"
		"p50_low,p50_high,p90_low,p90_high,p99_low,p99_high,p999_low,p999_high\n";

	return flush(out, names, strlen(names));
}

int csv__interval(FILE *out, const struct snapshot *s)
{
	_cleanup_free_ char *buf = NULL;
	struct csv c = {.s = s};
	size_t len = 0;

	util__format_time(s->time_ns, c.time);
	c.out = open_memstream(&buf, &len);
	if (!c.out)
		return -errno;
	put_clears(&c);
	put_gaps(&c);
	put_resched(&c);
	if (s->has_extents)
		put_durations(&c, "extent", s->extents, s->nr_extents);
	if (s->has_allocator)
		put_durations(&c, "allocator", s->allocator, s->nr_allocator);
	if (s->has_faults)
		put_durations(&c, "fault", s->faults, s->nr_faults);
	put_huge_zero(&c);
	put_reliability(&c);
	if (fclose(c.out))
		return -errno;
	return flush(out, buf, len);
}
