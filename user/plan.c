// SPDX-License-Identifier: GPL-2.0-only
#include "plan.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* The next slot, or NULL if the budget has none left. */
static struct plan_slot *take_slot(struct plan *p, unsigned int room, enum plan_class class)
{
	struct plan_slot *s;

	if (p->nr >= room) {
		p->left_out++;
		return NULL;
	}
	s = &p->slot[p->nr++];
	s->class = class;
	s->order = -1;
	return s;
}

static void plan_clear(struct plan *p, unsigned int room, const struct plan_folio *f,
		       enum zs_numa numa)
{
	struct plan_slot *s = take_slot(p, room, PLAN_CLEAR);

	if (!s)
		return;
	s->kind = f->kind;
	s->order = f->order;
	s->numa = numa;
	p->clear_hist[f->kind][numa][f->order] = p->nr - 1;
}

static void plan_on_cpu(struct plan *p, unsigned int room, uint8_t of)
{
	struct plan_slot *s;

	if (of == ZS_HIST_OTHER || p->on_cpu_hist[of] != ZS_HIST_NONE)
		return;
	s = take_slot(p, room, PLAN_ON_CPU);
	if (!s)
		return;
	s->of = of;
	p->on_cpu_hist[of] = p->nr - 1;
}

/* The clears of all folios of that use. */
static void plan_clears(struct plan *p, unsigned int room, const struct plan_input *in,
			enum plan_use use)
{
	enum zs_numa first = in->have_node ? ZS_NUMA_LOCAL : ZS_NUMA_UNKNOWN;
	enum zs_numa last = in->have_node && in->many_nodes ? ZS_NUMA_REMOTE : first;
	enum zs_numa numa;
	size_t i;

	for (i = 0; i < in->nr_folios; i++)
		for (numa = first; in->folio[i].use == use && numa <= last; numa++)
			plan_clear(p, room, &in->folio[i], numa);
	for (i = 0; in->sched_info && i < in->nr_folios; i++)
		for (numa = first; in->folio[i].use == use && numa <= last; numa++)
			plan_on_cpu(p, room,
				    p->clear_hist[in->folio[i].kind][numa][in->folio[i].order]);
}

static void plan_by_order(struct plan *p, unsigned int room, const struct plan_input *in,
			  enum plan_class class, uint8_t table[ZS_ORDERS])
{
	size_t i;

	for (i = 0; i < in->nr_folios; i++) {
		int order = in->folio[i].order;
		struct plan_slot *s;

		/* The page allocator has no say in what hugetlb takes from a pool. */
		if (class == PLAN_ALLOCATOR && in->folio[i].kind == ZS_KIND_HUGETLB)
			continue;
		if (table[order] != ZS_HIST_NONE)
			continue;
		s = take_slot(p, room, class);
		if (!s)
			return;
		s->order = order;
		table[order] = p->nr - 1;
	}
}

static void plan_one(struct plan *p, unsigned int room, enum plan_class class, uint8_t *id)
{
	if (take_slot(p, room, class))
		*id = p->nr - 1;
}

enum zs_page_kind plan__kind(unsigned int order, int pmd_order)
{
	if (order == (unsigned int)pmd_order)
		return ZS_KIND_THP;
	return order && order < (unsigned int)pmd_order ? ZS_KIND_MTHP : ZS_KIND_OTHER;
}

void plan__make(struct plan *p, const struct plan_input *in)
{
	unsigned int room = min(in->budget_bytes / sizeof(struct zs_hist), (size_t)ZS_HISTS_MAX);
	unsigned int cause, use;

	memset(p, 0, sizeof(*p));
	memset(p->on_cpu_hist, ZS_HIST_NONE, sizeof(p->on_cpu_hist));
	memset(p->gap_hist, ZS_HIST_NONE, sizeof(p->gap_hist));
	memset(p->resched_hist, ZS_HIST_NONE, sizeof(p->resched_hist));
	memset(p->allocator_hist, ZS_HIST_NONE, sizeof(p->allocator_hist));
	memset(p->extent_hist, ZS_HIST_NONE, sizeof(p->extent_hist));
	memset(p->fault_hist, ZS_HIST_NONE, sizeof(p->fault_hist));

	take_slot(p, max(room, 1U), PLAN_OTHER);
	for (cause = 0; in->gaps && cause < ZS_GAP_CAUSES; cause++) {
		struct plan_slot *s;

		/* The model rules one of the two out for good. */
		if (cause == (in->cooperative ? ZS_GAP_PREEMPT : ZS_GAP_RESCHED))
			continue;
		s = take_slot(p, room, PLAN_GAP);
		if (s) {
			s->cause = cause;
			p->gap_hist[cause] = p->nr - 1;
		}
	}
	if (in->resched) {
		plan_one(p, room, PLAN_RESCHED_NOW, &p->resched_hist[0]);
		if (in->resched_lazy)
			plan_one(p, room, PLAN_RESCHED_LAZY, &p->resched_hist[1]);
	}
	if (in->allocator)
		plan_by_order(p, room, in, PLAN_ALLOCATOR, p->allocator_hist);
	if (in->extents)
		plan_by_order(p, room, in, PLAN_EXTENT, p->extent_hist);
	if (in->faults)
		plan_by_order(p, room, in, PLAN_FAULT, p->fault_hist);
	for (use = 0; use < PLAN_USES; use++)
		plan_clears(p, room, in, use);
}

static void add_folio(struct plan_input *in, uint8_t kind, uint64_t bytes, uint64_t page_size,
		      enum plan_use use)
{
	struct plan_folio *f;
	uint64_t pages = bytes / page_size;

	if (in->nr_folios == PLAN_MAX_FOLIOS || !pages || pages & (pages - 1))
		return;
	f = &in->folio[in->nr_folios];
	f->kind = kind;
	f->order = __builtin_ctzll(pages);
	f->use = use;
	if (f->order < ZS_ORDERS)
		in->nr_folios++;
}

/* The size in "hugepages-2048kB"; 0 for another name. */
static uint64_t size_of_name(const char *name)
{
	unsigned long long kib;
	char rest[4];

	if (sscanf(name, "hugepages-%llu%3s", &kib, rest) != 2 || strcmp(rest, "kB"))
		return 0;
	return kib * 1024;
}

static enum plan_use mthp_use(const char *dir, const char *name)
{
	char path[512], text[128];

	snprintf(path, sizeof(path), "%s/%s/enabled", dir, name);
	if (util__read_line(path, text, sizeof(text)) <= 0)
		return PLAN_SHARED_ONLY;
	return strstr(text, "[never]") ? PLAN_UNUSED : PLAN_USED;
}

static enum plan_use pool_use(const char *dir, const char *name)
{
	char path[512];
	uint64_t pages;

	snprintf(path, sizeof(path), "%s/%s/nr_hugepages", dir, name);
	if (!util__read_u64(path, &pages) && pages)
		return PLAN_USED;
	snprintf(path, sizeof(path), "%s/%s/nr_overcommit_hugepages", dir, name);
	return !util__read_u64(path, &pages) && pages ? PLAN_USED : PLAN_UNUSED;
}

static void read_dir(struct plan_input *in, const char *dir, uint8_t kind, int pmd_order,
		     uint64_t page_size)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		uint64_t bytes = size_of_name(e->d_name);

		if (!bytes)
			continue;
		if (kind == ZS_KIND_HUGETLB)
			add_folio(in, kind, bytes, page_size, pool_use(dir, e->d_name));
		else if (bytes != page_size << pmd_order)
			add_folio(in, kind, bytes, page_size, mthp_use(dir, e->d_name));
	}
	if (d)
		closedir(d);
}

/* Where room is short the rarest are left out: pools of huge pages, then the largest sizes. */
static int compare_folios(const void *a, const void *b)
{
	const struct plan_folio *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : x->order - y->order;
}

void plan__read_folios(struct plan_input *in, const char *root, int pmd_order, uint64_t page_size)
{
	char dir[256];

	in->nr_folios = 0;
	snprintf(dir, sizeof(dir), "%s/sys/kernel/mm/transparent_hugepage", root);
	if (!access(dir, F_OK)) {
		add_folio(in, ZS_KIND_THP, page_size << pmd_order, page_size, PLAN_USED);
		read_dir(in, dir, ZS_KIND_MTHP, pmd_order, page_size);
	}
	snprintf(dir, sizeof(dir), "%s/sys/kernel/mm/hugepages", root);
	read_dir(in, dir, ZS_KIND_HUGETLB, pmd_order, page_size);
	qsort(in->folio, in->nr_folios, sizeof(in->folio[0]), compare_folios);
}
