// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "load_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "util.h"

static const char *touch_name(enum load_touch touch)
{
	switch (touch) {
	case TOUCH_FIRST:
		return "first";
	case TOUCH_LAST:
		return "last";
	case TOUCH_RANDOM:
		break;
	}
	return "random";
}

static const char *touch_phrase(enum load_touch touch)
{
	switch (touch) {
	case TOUCH_FIRST:
		return "the first";
	case TOUCH_LAST:
		return "the last";
	case TOUCH_RANDOM:
		break;
	}
	return "a random";
}

static const char *dirtying_name(enum load_dirtying how)
{
	switch (how) {
	case DIRTY_PAGES:
		return "pages";
	case DIRTY_UFFD:
		return "userfaultfd";
	case DIRTY_FAULTS:
		return "faults";
	case DIRTY_NOTHING:
		break;
	}
	return NULL;
}

uint64_t load__clears_expected(const struct load_plan *p, const struct load_result *r, int order)
{
	/* Single pages are cleared by another function, shmem page by page. */
	if (order <= 0 || order >= PAGEMAP_ORDERS || !p->clears)
		return 0;
	return r->folios.by_order[order];
}

/* How many of the folios asked for there really are; mapping the zero folio is as good. */
static uint64_t got(const struct load_plan *p, const struct load_result *r)
{
	return p->zero_folio ? r->folios.zero_folios : r->folios.by_order[p->order];
}

/* JSON */

static void order_key(struct json_writer *w, int order)
{
	char key[12];

	snprintf(key, sizeof(key), "%d", order);
	json__key(w, key);
}

/* The wanted order is there even with 0, so that a reader need not ask whether it is. */
static void write_orders(struct json_writer *w, const struct load_plan *p,
			 const struct load_result *r)
{
	int order;

	if (!r->orders_known) {
		json__null_field(w, "folios_by_order");
		json__null_field(w, "clears_expected");
		return;
	}
	json__begin_object_field(w, "folios_by_order");
	for (order = 0; order < PAGEMAP_ORDERS; order++) {
		if (!r->folios.by_order[order] && order != p->order)
			continue;
		order_key(w, order);
		json__u64(w, r->folios.by_order[order]);
	}
	json__end_object(w);
	json__begin_object_field(w, "clears_expected");
	for (order = 0; order < PAGEMAP_ORDERS; order++) {
		uint64_t clears = load__clears_expected(p, r, order);

		if (!clears && order != p->order)
			continue;
		order_key(w, order);
		json__u64(w, clears);
	}
	json__end_object(w);
}

static void write_options(struct json_writer *w, const struct load_plan *p)
{
	const struct load_options *o = &p->opt;

	json__string_field(w, "kind", load__kind_name(o->kind));
	json__i64_field(w, "order", p->order);
	json__u64_field(w, "page_size", p->page_bytes);
	json__u64_field(w, "folio_bytes", p->folio_bytes);
	json__u64_field(w, "threads", o->threads);
	json__string_field(w, "touch", touch_name(o->touch));
	json__bool_field(w, "read", o->read);
	if (o->node >= 0)
		json__i64_field(w, "node", o->node);
	else
		json__null_field(w, "node");
	if (o->rate > 0)
		json__double_field(w, "rate", o->rate);
	else
		json__null_field(w, "rate");
	json__seconds_field(w, "hold_seconds", o->hold_ns);
}

static void write_ids(struct json_writer *w, const struct load_plan *p, const struct load_result *r)
{
	unsigned int t;

	json__begin_array_field(w, "pids");
	json__i64(w, r->pid);
	json__end_array(w);
	json__begin_array_field(w, "tids");
	for (t = 0; t < p->opt.threads; t++)
		json__i64(w, r->tids[t]);
	json__end_array(w);
}

static void write_counters(struct json_writer *w, const struct load_counters *c)
{
	int order, i;

	json__begin_object_field(w, "vmstat");
	for (i = 0; i < VM_COUNTERS; i++) {
		if (c->vm_known[i])
			json__u64_field(w, load_vmstat_names[i], c->vm[i]);
		else
			json__null_field(w, load_vmstat_names[i]);
	}
	json__end_object(w);
	if (!c->mthp_orders) {
		json__null_field(w, "mthp_stats");
		return;
	}
	json__begin_object_field(w, "mthp_stats");
	for (order = 0; order < PAGEMAP_ORDERS; order++) {
		if (!(c->mthp_orders & (1U << order)))
			continue;
		order_key(w, order);
		json__begin_object(w);
		for (i = 0; i < MTHP_STATS; i++) {
			if (c->mthp_known[order][i])
				json__u64_field(w, load_mthp_names[i], c->mthp[order][i]);
			else
				json__null_field(w, load_mthp_names[i]);
		}
		json__end_object(w);
	}
	json__end_object(w);
}

static void write_smaps(struct json_writer *w, const struct load_result *r)
{
	if (!r->smaps_known) {
		json__null_field(w, "smaps");
		return;
	}
	json__begin_object_field(w, "smaps");
	json__u64_field(w, "rss_bytes", r->smaps.rss);
	json__u64_field(w, "anon_huge_bytes", r->smaps.anon_huge);
	json__u64_field(w, "shmem_pmd_mapped_bytes", r->smaps.shmem_huge);
	json__u64_field(w, "hugetlb_bytes", r->smaps.hugetlb);
	json__end_object(w);
}

static void write_nonzero(struct json_writer *w, const struct load_nonzero *nz)
{
	json__u64_field(w, "nonzero", nz->bytes);
	if (!nz->bytes) {
		json__null_field(w, "first_nonzero");
		return;
	}
	json__begin_object_field(w, "first_nonzero");
	json__u64_field(w, "folio", nz->folio);
	json__u64_field(w, "offset", nz->offset);
	json__u64_field(w, "value", nz->value);
	json__end_object(w);
}

static void write_dirt(struct json_writer *w, const struct load_plan *p,
		       const struct load_dirt *dirt)
{
	json__u64_field(w, "dirtied_bytes", dirt->bytes);
	json__string_field(w, "dirtied_by", dirtying_name(dirt->how));
	json__begin_object_field(w, "clears_by_dirtying");
	order_key(w, p->order);
	json__u64(w, dirt->clears);
	json__end_object(w);
}

static void write_nodes(struct json_writer *w, const struct load_result *r)
{
	char key[12];
	int node;

	if (!r->nodes_known) {
		json__null_field(w, "nodes");
		return;
	}
	json__begin_object_field(w, "nodes");
	for (node = 0; node < LOAD_MAX_NODES; node++) {
		if (!r->nodes[node])
			continue;
		snprintf(key, sizeof(key), "%d", node);
		json__u64_field(w, key, r->nodes[node]);
	}
	json__end_object(w);
}

static void write_latency(struct json_writer *w, const struct load_latency *l)
{
	if (!l->count) {
		json__null_field(w, "fault_ns");
		return;
	}
	json__begin_object_field(w, "fault_ns");
	json__u64_field(w, "min", l->min_ns);
	json__double_field(w, "mean", (double)l->sum_ns / (double)l->count);
	json__u64_field(w, "max", l->max_ns);
	json__end_object(w);
}

static void write_mean_median(struct json_writer *w, const char *key, double mean, double median)
{
	json__begin_object_field(w, key);
	json__double_field(w, "mean", mean);
	json__double_field(w, "median", median);
	json__end_object(w);
}

static void write_reread(struct json_writer *w, const struct load_reread *rr)
{
	if (!rr->measured) {
		json__null_field(w, "reread");
		return;
	}
	json__begin_object_field(w, "reread");
	json__u64_field(w, "line_bytes", rr->line_bytes);
	write_mean_median(w, "neighbourhood_ns_per_line", rr->near_mean, rr->near_median);
	write_mean_median(w, "pass_ns_per_line", rr->pass_mean, rr->pass_median);
	json__end_object(w);
}

static void write_pmu(struct json_writer *w, const struct load_plan *p, const struct load_pmu *pmu)
{
	const char *reason = NULL;

	if (!p->opt.pmu)
		reason = "not asked for (--pmu)";
	else if (pmu->reason[0])
		reason = pmu->reason;
	if (reason) {
		json__null_field(w, "pmu");
	} else {
		json__begin_object_field(w, "pmu");
		json__double_field(w, "cycles_per_fault", pmu->cycles);
		json__double_field(w, "llc_misses_per_fault", pmu->misses);
		json__end_object(w);
	}
	json__string_field(w, "pmu_reason", reason);
}

static void write_settings(struct json_writer *w, const struct borrow *b)
{
	const char *path, *old, *value;
	size_t i;

	json__begin_array_field(w, "settings");
	for (i = 0; (path = borrow__entry(b, i, &old, &value)) != NULL; i++) {
		json__begin_object(w);
		json__string_field(w, "file", path);
		json__string_field(w, "was", old);
		json__string_field(w, "set", value);
		json__end_object(w);
	}
	json__end_array(w);
}

static int print_json(const struct load_plan *p, const struct load_result *r,
		      const struct borrow *b)
{
	_cleanup_json_ struct json_writer w;

	json__init(&w, stdout);
	json__begin_object(&w);
	json__string_field(&w, "type", "load");
	write_options(&w, p);
	write_ids(&w, p, r);
	json__u64_field(&w, "requested", p->opt.count);
	json__u64_field(&w, "faults", r->faults);
	json__u64_field(&w, "windows", r->windows);
	json__bool_field(&w, "interrupted", r->interrupted);
	json__string_field(&w, "fault_error", r->error[0] ? r->error : NULL);
	json__seconds_field(&w, "elapsed_seconds", r->elapsed_ns);
	json__string_field(&w, "oracle", r->oracle);
	write_orders(&w, p, r);
	if (p->zero_folio && r->orders_known)
		json__u64_field(&w, "zero_folio_mappings", r->folios.zero_folios);
	else
		json__null_field(&w, "zero_folio_mappings");
	write_smaps(&w, r);
	write_counters(&w, &r->counters);
	json__u64_field(&w, "minflt", r->minflt);
	write_nodes(&w, r);
	write_dirt(&w, p, &r->dirt);
	json__u64_field(&w, "verified_bytes", r->verified_bytes);
	write_nonzero(&w, &r->nonzero);
	write_latency(&w, &r->latency);
	write_reread(&w, &r->reread);
	write_pmu(&w, p, &r->pmu);
	write_settings(&w, b);
	json__end_object(&w);
	return json__end_line(&w);
}

/* Plain text */

static void print_head(const struct load_plan *p, const struct load_result *r)
{
	char size[32];

	printf("load        %s, order %d (%s), %s %s page of each, %u thread%s",
	       load__kind_name(p->opt.kind), p->order,
	       pagemap__format_bytes(p->folio_bytes, size, sizeof(size)),
	       p->opt.read ? "reading" : "writing", touch_phrase(p->opt.touch), p->opt.threads,
	       p->opt.threads == 1 ? "" : "s");
	if (p->opt.node >= 0)
		printf(", node %d", p->opt.node);
	printf("\npid         %d\n", (int)r->pid);
}

static void print_faults(const struct load_plan *p, const struct load_result *r)
{
	double seconds = (double)r->elapsed_ns / 1e9;

	printf("faults      %" PRIu64 " of %" PRIu64 " in %.6f s", r->faults, p->opt.count,
	       seconds);
	if (r->elapsed_ns)
		printf(", %.0f a second", (double)r->faults / seconds);
	if (r->windows > 1)
		printf(", %" PRIu64 " at a time (%" PRIu64 " times)", p->window, r->windows);
	if (r->latency.count)
		printf("\nlatency     %" PRIu64 " ns min, %.0f mean, %" PRIu64 " max",
		       r->latency.min_ns, (double)r->latency.sum_ns / (double)r->latency.count,
		       r->latency.max_ns);
	printf("\n");
}

static void print_orders(const struct load_plan *p, const struct load_result *r)
{
	const char *sep = "";
	int order;

	if (!r->orders_known) {
		printf("folios      not known: neither pagemap nor smaps tells\n");
		return;
	}
	printf("folios      ");
	if (p->zero_folio) {
		printf("%shuge zero folio mapped %" PRIu64 " times", sep, r->folios.zero_folios);
		sep = ", ";
	}
	for (order = PAGEMAP_ORDERS - 1; order >= 0; order--) {
		if (!r->folios.by_order[order] && (order != p->order || p->zero_folio))
			continue;
		printf("%s%" PRIu64 " of order %d", sep, r->folios.by_order[order], order);
		sep = ", ";
	}
	printf(" (%s)\nclears      ", r->oracle);
	sep = "";
	for (order = PAGEMAP_ORDERS - 1; order >= 0; order--) {
		uint64_t clears = load__clears_expected(p, r, order);

		if (!clears && order != p->order)
			continue;
		printf("%s%" PRIu64 " of order %d", sep, clears, order);
		sep = ", ";
	}
	printf(" expected\n");
}

static void print_counters(const struct load_counters *c, const struct load_plan *p)
{
	int i;

	printf("kernel     ");
	for (i = 0; i < VM_COUNTERS; i++)
		if (c->vm_known[i] && c->vm[i])
			printf(" %s +%" PRIu64, load_vmstat_names[i], c->vm[i]);
	if (!p->hugetlb && c->mthp_orders & (1U << p->order))
		for (i = 0; i < MTHP_STATS; i++)
			if (c->mthp_known[p->order][i] && c->mthp[p->order][i])
				printf(" order-%d %s +%" PRIu64, p->order, load_mthp_names[i],
				       c->mthp[p->order][i]);
}

static void print_verified(const struct load_plan *p, const struct load_result *r)
{
	uint64_t given = r->faults * p->folio_bytes;
	uint64_t seen = r->verified_bytes;
	bool all_but_touched = seen < given && given - seen == r->faults;
	char bytes[32];

	pagemap__format_bytes(all_but_touched ? given : seen, bytes, sizeof(bytes));
	printf("verified    %s%s", bytes,
	       all_but_touched ? " but for the byte that each fault wrote" : "");
	if (r->nonzero.bytes)
		printf(", %" PRIu64 " bytes NOT ZERO\n", r->nonzero.bytes);
	else
		printf(", all zero\n");
}

static void print_check(const struct load_plan *p, const struct load_result *r)
{
	const char *how = dirtying_name(r->dirt.how);
	char bytes[32];

	if (how)
		printf("dirtied     %s before, by %s",
		       pagemap__format_bytes(r->dirt.bytes, bytes, sizeof(bytes)), how);
	if (r->dirt.clears)
		printf(" (%" PRIu64 " clears of another process)", r->dirt.clears);
	if (how)
		printf("\n");
	print_verified(p, r);
}

static void print_extras(const struct load_plan *p, const struct load_result *r)
{
	const char *sep = "nodes       ";
	int node;

	for (node = 0; node < LOAD_MAX_NODES; node++) {
		if (!r->nodes[node])
			continue;
		printf("%s%" PRIu64 " on node %d", sep, r->nodes[node], node);
		sep = ", ";
	}
	if (r->nodes_known)
		printf("\n");
	if (r->reread.measured)
		printf("reread      neighbourhood %.2f ns a line (median %.2f), whole folio %.2f "
		       "(median %.2f)\n",
		       r->reread.near_mean, r->reread.near_median, r->reread.pass_mean,
		       r->reread.pass_median);
	if (!p->opt.pmu)
		return;
	if (r->pmu.reason[0]) {
		printf("pmu         not measured: %s\n", r->pmu.reason);
		return;
	}
	printf("pmu         %.0f cycles a fault", r->pmu.cycles);
	if (isfinite(r->pmu.misses))
		printf(", %.1f last-level cache misses", r->pmu.misses);
	printf("\n");
}

static void print_settings(const struct borrow *b)
{
	const char *path, *old, *value;
	size_t i;

	for (i = 0; (path = borrow__entry(b, i, &old, &value)) != NULL; i++)
		printf("setting     %s is %s for the run, was %s\n", path, value, old);
}

static int print_plain(const struct load_plan *p, const struct load_result *r,
		       const struct borrow *b)
{
	print_head(p, r);
	print_settings(b);
	print_faults(p, r);
	print_orders(p, r);
	print_counters(&r->counters, p);
	printf(" minflt +%" PRIu64 "\n", r->minflt);
	print_check(p, r);
	print_extras(p, r);
	if (fflush(stdout) || ferror(stdout))
		return -errno;
	return 0;
}

int load_report__print(const struct load_plan *p, const struct load_result *r,
		       const struct borrow *b)
{
	int err = p->opt.json ? print_json(p, r, b) : print_plain(p, r, b);

	/* A reader that went away wants no message. */
	if (err == -EPIPE)
		return LOAD_FAILED;
	if (err)
		return err_r(LOAD_FAILED, "the result could not be written (%s); make room for it",
			     errname(err));
	return LOAD_OK;
}

static int judge_orders(const struct load_plan *p, const struct load_result *r)
{
	char others[256] = "";
	size_t len = 0;
	int order;

	if (got(p, r) >= p->opt.count)
		return LOAD_OK;
	for (order = 0; order < PAGEMAP_ORDERS && len < sizeof(others); order++) {
		if (!r->folios.by_order[order] || order == p->order)
			continue;
		len += (size_t)snprintf(others + len, sizeof(others) - len,
					", %" PRIu64 " of order %d", r->folios.by_order[order],
					order);
	}
	if (p->zero_folio)
		return err_r(LOAD_FAILED,
			     "asked to map the huge zero folio %" PRIu64 " times, got it %" PRIu64
			     " times and the small zero page %" PRIu64
			     " times; the kernel found no free folio of order %d to make it from: "
			     "write 1 to /proc/sys/vm/compact_memory and try again",
			     p->opt.count, r->folios.zero_folios, r->folios.zero_pages, p->order);
	return err_r(LOAD_FAILED,
		     "asked for %" PRIu64 " folios of order %d, got %" PRIu64
		     "%s; free memory is in smaller pieces: write 1 to "
		     "/proc/sys/vm/compact_memory, or ask for fewer",
		     p->opt.count, p->order, got(p, r), others);
}

int load_report__judge(const struct load_plan *p, const struct load_result *r)
{
	if (r->nonzero.bytes)
		return err_r(LOAD_FAILED,
			     "folio %" PRIu64 " had 0x%02x at byte %" PRIu64 " (%" PRIu64
			     " such bytes in all): the kernel gave out memory that it had not "
			     "cleared; report it to whoever maintains this kernel",
			     r->nonzero.folio, r->nonzero.value, r->nonzero.offset,
			     r->nonzero.bytes);
	if (r->error[0])
		return err_r(LOAD_FAILED,
			     "the kernel refused folio %" PRIu64 " of %" PRIu64
			     ": %s; ask for fewer, or free memory",
			     r->faults + 1, p->opt.count, r->error);
	if (r->interrupted)
		return err_r(LOAD_FAILED, "interrupted after %" PRIu64 " of %" PRIu64 " faults",
			     r->faults, p->opt.count);
	if (!r->orders_known)
		return err_r(LOAD_FAILED,
			     "this kernel tells neither by pagemap nor by smaps which folios it "
			     "gave; run as root on one with CONFIG_PROC_PAGE_MONITOR");
	return judge_orders(p, r);
}
