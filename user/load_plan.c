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
#include <unistd.h>

#include "log.h"
#include "util.h"

#define THP_DIR	    "/sys/kernel/mm/transparent_hugepage"
#define HUGETLB_DIR "/sys/kernel/mm/hugepages"
#define NODE_DIR    "/sys/devices/system/node"
#define PATH_SIZE   160

static const char *const kind_names[] = {
	[LOAD_THP] = "thp",
	[LOAD_MTHP] = "mthp",
	[LOAD_HUGETLB] = "hugetlb",
	[LOAD_SHMEM] = "shmem",
	[LOAD_MEMFD_HUGETLB] = "memfd-hugetlb",
};

const char *load__kind_name(enum load_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : "?";
}

/* THP_DIR/hugepages-64kB/file; size is that of the plan's folio. */
static const char *size_path(const struct load_plan *p, const char *file, char *buf)
{
	snprintf(buf, PATH_SIZE, THP_DIR "/hugepages-%" PRIu64 "kB/%s", p->folio_bytes / 1024,
		 file);
	return buf;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

static int check_numbers(const struct load_options *o)
{
	char online[64];

	if (!o->count)
		return err_r(LOAD_USAGE, "--count 0 faults nothing; give the number of folios");
	if (!o->threads || o->threads > LOAD_MAX_THREADS)
		return err_r(LOAD_USAGE, "--threads %u is out of range; expected 1 to %d",
			     o->threads, LOAD_MAX_THREADS);
	if (o->threads > o->count)
		return err_r(LOAD_USAGE,
			     "%u threads have only %" PRIu64
			     " folios to fault; give fewer --threads or a larger --count",
			     o->threads, o->count);
	if (!isfinite(o->rate) || o->rate < 0)
		return err_r(LOAD_USAGE,
			     "--rate must be a number of faults a second, or 0 for flat out");
	if (o->node < -1 || o->node >= LOAD_MAX_NODES)
		return err_r(LOAD_USAGE, "--node %d is out of range; expected 0 to %d", o->node,
			     LOAD_MAX_NODES - 1);
	if (o->node >= 0) {
		char path[PATH_SIZE];

		snprintf(path, sizeof(path), NODE_DIR "/node%d", o->node);
		if (access(path, F_OK)) {
			if (util__read_line(NODE_DIR "/online", online, sizeof(online)) < 0)
				return err_r(LOAD_REFUSED,
					     "this kernel has no NUMA nodes to choose from; leave "
					     "--node out");
			return err_r(LOAD_USAGE,
				     "there is no node %d on this machine; online are %s", o->node,
				     online);
		}
	}
	return 0;
}

/* The orders that the kind can have here, for messages too. */
static uint32_t kind_orders(const struct load_plan *p)
{
	uint32_t pmd = p->pmd_order >= 0 ? 1U << p->pmd_order : 0;

	switch (p->opt.kind) {
	case LOAD_THP:
		return pmd;
	case LOAD_MTHP:
		return pagemap__orders(THP_DIR, "enabled", p->page_bytes) & ~pmd;
	case LOAD_SHMEM:
		return pagemap__orders(THP_DIR, "shmem_enabled", p->page_bytes) | pmd;
	case LOAD_HUGETLB:
	case LOAD_MEMFD_HUGETLB:
		return pagemap__orders(HUGETLB_DIR, NULL, p->page_bytes);
	}
	return 0;
}

/* The size that mmap(MAP_HUGETLB) takes when none is named. */
static int default_hugetlb_order(uint64_t page_bytes)
{
	char text[8192], *at;
	uint64_t kib;

	if (util__read_text("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "\nHugepagesize:");
	if (!at || sscanf(at, "\nHugepagesize: %" SCNu64 " kB", &kib) != 1)
		return -1;
	return pagemap__order(kib * 1024, page_bytes);
}

static int default_order(const struct load_plan *p)
{
	switch (p->opt.kind) {
	case LOAD_MTHP:
		return 4;
	case LOAD_HUGETLB:
	case LOAD_MEMFD_HUGETLB:
		return default_hugetlb_order(p->page_bytes);
	case LOAD_THP:
	case LOAD_SHMEM:
		break;
	}
	return p->pmd_order;
}

static int refuse_kind(const struct load_plan *p)
{
	switch (p->opt.kind) {
	case LOAD_MTHP:
		return err_r(
			LOAD_REFUSED,
			"this kernel offers no mTHP sizes (there is no enabled switch in " THP_DIR
			"/hugepages-*kB); boot Linux 6.8 or later, or use --kind thp");
	case LOAD_HUGETLB:
	case LOAD_MEMFD_HUGETLB:
		return err_r(LOAD_REFUSED, "this kernel has no hugetlb pages (" HUGETLB_DIR
					   " is absent); boot one with CONFIG_HUGETLBFS");
	case LOAD_THP:
	case LOAD_SHMEM:
		break;
	}
	return err_r(LOAD_REFUSED, "this kernel has no transparent huge pages (" THP_DIR
				   " is absent); boot one with CONFIG_TRANSPARENT_HUGEPAGE");
}

static int choose_order(struct load_plan *p)
{
	uint32_t orders = kind_orders(p);
	char list[128];

	if (!orders)
		return refuse_kind(p);
	p->order = p->opt.order >= 0 ? p->opt.order : default_order(p);
	if (p->order < 0)
		return err_r(LOAD_REFUSED,
			     "the default size of hugetlb pages is not in /proc/meminfo; give "
			     "--order");
	if (p->order >= PAGEMAP_ORDERS || !(orders & (1U << p->order)))
		return err_r(LOAD_USAGE,
			     "--kind %s has no folios of order %d on this kernel; available: %s",
			     load__kind_name(p->opt.kind), p->order,
			     pagemap__format_orders(orders, list, sizeof(list)));
	p->folio_pages = 1ULL << p->order;
	p->folio_bytes = p->folio_pages * p->page_bytes;
	if (p->opt.count > INT64_MAX / p->folio_bytes)
		return err_r(LOAD_USAGE, "--count %" PRIu64 " is more memory than can be addressed",
			     p->opt.count);
	return 0;
}

static int busy(const char *path)
{
	return err_r(LOAD_REFUSED,
		     "another zeroscope load relies on %s as it is; wait for its end, or set the "
		     "file before both",
		     path);
}

/* The file is right already; no one else may change it meanwhile. */
static int rely(struct borrow *b, const char *path)
{
	int err = borrow__rely(b, path);

	if (err == -EBUSY)
		return busy(path);
	if (err)
		return err_r(LOAD_REFUSED, "%s could not be opened: %s; is /sys mounted?", path,
			     errname(err));
	return 0;
}

static int change(struct borrow *b, const char *path, const char *old, const char *value,
		  const char *remedy)
{
	int err;

	if (access(path, W_OK))
		return err_r(LOAD_REFUSED,
			     "%s is %s; run as root to have it %s for the run, or "
			     "%s",
			     path, old, value, remedy);
	err = borrow__set(b, path, old, value);
	if (err == -EBUSY)
		return busy(path);
	if (err)
		return err_r(LOAD_REFUSED, "%s could not be opened: %s; set it to %s by hand", path,
			     errname(err), value);
	return 0;
}

static int check_thp(struct load_plan *p, struct borrow *b)
{
	static const char *const good[] = {"always", "madvise", NULL};
	const char *global = THP_DIR "/enabled";
	char path[PATH_SIZE], own[32], word[32];

	if (pagemap__choice(global, word, sizeof(word)))
		return err_r(LOAD_REFUSED, "%s could not be read; is /sys mounted?", global);
	/* Since 6.8 each size has a switch of its own, which can say "inherit". */
	if (!pagemap__choice(size_path(p, "enabled", path), own, sizeof(own)) &&
	    strcmp(own, "inherit") != 0) {
		if (!is_one_of(own, good))
			return err_r(LOAD_REFUSED,
				     "huge pages of this size are switched off: %s is %s; write "
				     "madvise there as root",
				     path, own);
		return rely(b, path);
	}
	if (!is_one_of(word, good))
		return err_r(
			LOAD_REFUSED,
			"transparent huge pages are switched off: %s is %s; write madvise there "
			"as root",
			global, word);
	return rely(b, global);
}

static int check_mthp(struct load_plan *p, struct borrow *b)
{
	static const char *const good[] = {"always", "madvise", NULL};
	char path[PATH_SIZE], own[32], global[32];

	if (p->opt.read)
		return err_r(LOAD_USAGE,
			     "a read fault maps the small zero page and gets no mTHP folio; leave "
			     "--read out, or use --kind thp");
	if (pagemap__choice(size_path(p, "enabled", path), own, sizeof(own)))
		return err_r(LOAD_REFUSED, "%s could not be read; is /sys mounted?", path);
	if (is_one_of(own, good))
		return rely(b, path);
	if (!strcmp(own, "inherit") &&
	    !pagemap__choice(THP_DIR "/enabled", global, sizeof(global)) && is_one_of(global, good))
		return rely(b, path);
	return change(b, path, own, "madvise", "write madvise there");
}

static int check_shmem(struct load_plan *p, struct borrow *b)
{
	static const char *const good[] = {"always", "within_size", "advise", "force", NULL};
	const char *global = THP_DIR "/shmem_enabled";
	char path[PATH_SIZE], own[32], word[32];

	if (pagemap__choice(global, word, sizeof(word)))
		return err_r(LOAD_REFUSED,
			     "%s could not be read; this kernel may lack "
			     "CONFIG_SHMEM; use --kind thp",
			     global);
	if (!strcmp(word, "deny"))
		return err_r(LOAD_REFUSED,
			     "huge pages of shmem are forbidden: %s is deny; write "
			     "advise there as root",
			     global);
	/* Since 6.11 each size has a switch of its own. */
	if (!pagemap__choice(size_path(p, "shmem_enabled", path), own, sizeof(own))) {
		if (is_one_of(own, good) || (!strcmp(own, "inherit") && is_one_of(word, good)))
			return rely(b, path);
		return change(b, path, own, "advise", "write advise there");
	}
	if (is_one_of(word, good))
		return rely(b, global);
	return change(b, global, word, "advise", "write advise there");
}

static int read_pool(const struct load_plan *p, const char *file, uint64_t *value)
{
	char path[PATH_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%s", p->pool, file);
	return util__read_u64(path, value);
}

/* Pages of the pool that nobody uses or has been promised. */
static int pool_free(const struct load_plan *p, uint64_t *pages)
{
	uint64_t reserved = 0;
	int err;

	err = read_pool(p, "free_hugepages", pages);
	if (err)
		return err;
	/* Promises are kept for the whole machine, not by node. */
	if (!read_pool(p, "resv_hugepages", &reserved))
		*pages -= min(reserved, *pages);
	return 0;
}

static int check_hugetlb(struct load_plan *p, struct borrow *b)
{
	char path[PATH_SIZE + 32], old[BORROW_VALUE_SIZE], value[BORROW_VALUE_SIZE], size[32];
	uint64_t free_pages, pages;
	int err;

	if (p->opt.node >= 0)
		snprintf(p->pool, sizeof(p->pool),
			 NODE_DIR "/node%d/hugepages/hugepages-%" PRIu64 "kB", p->opt.node,
			 p->folio_bytes / 1024);
	else
		snprintf(p->pool, sizeof(p->pool), HUGETLB_DIR "/hugepages-%" PRIu64 "kB",
			 p->folio_bytes / 1024);
	snprintf(path, sizeof(path), "%s/nr_hugepages", p->pool);
	pagemap__format_bytes(p->folio_bytes, size, sizeof(size));

	err = pool_free(p, &free_pages);
	if (!err)
		err = util__read_u64(path, &pages);
	if (err)
		return err_r(LOAD_REFUSED, "%s could not be read: %s; is /sys mounted?", p->pool,
			     errname(err));
	if (free_pages >= p->opt.count)
		return rely(b, path);
	if (!p->opt.reserve)
		return err_r(LOAD_REFUSED,
			     "the pool of %s hugetlb pages has %" PRIu64 " free of the %" PRIu64
			     " asked for; run as root with --reserve, or write a larger number "
			     "to %s",
			     size, free_pages, p->opt.count, path);
	p->pool_wanted = pages + p->opt.count - free_pages;
	snprintf(old, sizeof(old), "%" PRIu64, pages);
	snprintf(value, sizeof(value), "%" PRIu64, p->pool_wanted);
	return change(b, path, old, value, "ask for fewer folios than are free there");
}

int load_plan__check_pool(const struct load_plan *p)
{
	char path[PATH_SIZE + 32], value[BORROW_VALUE_SIZE], size[32];
	uint64_t free_pages = 0;
	int tries;

	if (!p->pool_wanted)
		return 0;
	snprintf(path, sizeof(path), "%s/nr_hugepages", p->pool);
	snprintf(value, sizeof(value), "%" PRIu64, p->pool_wanted);
	for (tries = 0; tries < 3; tries++) {
		if (!pool_free(p, &free_pages) && free_pages >= p->opt.count)
			return 0;
		/* Memory is there but in pieces: have the kernel join them, and ask again. */
		(void)util__write_text("/proc/sys/vm/compact_memory", "1");
		(void)util__write_text(path, value);
	}
	pagemap__format_bytes(p->folio_bytes, size, sizeof(size));
	return err_r(LOAD_REFUSED,
		     "the kernel found room for %" PRIu64 " of %" PRIu64
		     " free hugetlb pages of %s; ask for fewer, or reserve them at boot with "
		     "hugepagesz= and hugepages=",
		     free_pages, p->opt.count, size);
}

/* Memory that can be taken without pushing others out, in bytes. */
static int available_bytes(int node, uint64_t *bytes)
{
	char path[PATH_SIZE] = "/proc/meminfo", text[8192];
	const char *name = "MemAvailable:", *at;
	uint64_t kib;
	int err;

	if (node >= 0) {
		snprintf(path, sizeof(path), NODE_DIR "/node%d/meminfo", node);
		name = "MemFree:";
	}
	err = util__read_text(path, text, sizeof(text));
	if (err < 0)
		return err;
	at = strstr(text, name);
	if (!at || sscanf(at + strlen(name), "%" SCNu64 " kB", &kib) != 1)
		return -ENODATA;
	*bytes = kib * 1024;
	return 0;
}

/* Mappings that the arena may use: two slots share one, see load_fault.c. */
static uint64_t mthp_slots_limit(void)
{
	uint64_t limit;

	if (util__read_u64("/proc/sys/vm/max_map_count", &limit))
		limit = 65530;
	return limit > 2000 ? (limit - 1000) * 2 : 2;
}

static int choose_window(struct load_plan *p)
{
	/* A mapped zero folio costs the page table that is kept for its replacement. */
	uint64_t slot_bytes = p->zero_folio ? p->page_bytes : p->folio_bytes;
	uint64_t bytes, half;
	char size[32];

	p->window = p->opt.count;
	if (p->hugetlb)
		return 0;
	if (available_bytes(p->opt.node, &bytes))
		return err_r(LOAD_REFUSED, "free memory could not be read; is /proc mounted?");
	half = bytes / 2 / slot_bytes;
	if (!half)
		return err_r(LOAD_REFUSED,
			     "one folio of %s takes more than half of the memory that is free; "
			     "free some, or use a smaller --order",
			     pagemap__format_bytes(p->folio_bytes, size, sizeof(size)));
	/* All of it where that leaves a quarter; otherwise windows of half, one after another. */
	if (p->window > bytes / 4 * 3 / slot_bytes)
		p->window = half;
	if (p->opt.kind == LOAD_MTHP)
		p->window = min(p->window, mthp_slots_limit());
	/* Each thread has work in each window. */
	if (p->window < p->opt.threads)
		return err_r(LOAD_REFUSED,
			     "memory for %" PRIu64 " folios at a time is too little for %u "
			     "threads; give fewer --threads",
			     p->window, p->opt.threads);
	return 0;
}

static bool huge_zero_in_use(void)
{
	uint64_t on;

	return util__read_u64(THP_DIR "/use_zero_page", &on) || on;
}

static int check_kind(struct load_plan *p, struct borrow *b)
{
	switch (p->opt.kind) {
	case LOAD_THP:
		return check_thp(p, b);
	case LOAD_MTHP:
		return check_mthp(p, b);
	case LOAD_SHMEM:
		return check_shmem(p, b);
	case LOAD_HUGETLB:
	case LOAD_MEMFD_HUGETLB:
		return check_hugetlb(p, b);
	}
	return err_r(LOAD_USAGE, "unknown kind of folio");
}

int load_plan__make(const struct load_options *opt, struct load_plan *p, struct borrow *b)
{
	uint64_t pmd_bytes;
	int status;

	*p = (struct load_plan){.opt = *opt, .pmd_order = -1};
	p->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!util__read_u64(THP_DIR "/hpage_pmd_size", &pmd_bytes))
		p->pmd_order = pagemap__order(pmd_bytes, p->page_bytes);
	p->hugetlb = opt->kind == LOAD_HUGETLB || opt->kind == LOAD_MEMFD_HUGETLB;
	p->shared = opt->kind == LOAD_SHMEM || opt->kind == LOAD_MEMFD_HUGETLB;
	p->zero_folio = opt->kind == LOAD_THP && opt->read && huge_zero_in_use();
	p->clears = opt->kind != LOAD_SHMEM;

	status = check_numbers(opt);
	if (status)
		return status;
	if (opt->reserve && !p->hugetlb)
		return err_r(LOAD_USAGE,
			     "--reserve is for --kind hugetlb and memfd-hugetlb; leave "
			     "it out for %s",
			     load__kind_name(opt->kind));
	status = choose_order(p);
	if (status)
		return status;
	status = check_kind(p, b);
	if (status)
		return status;
	return choose_window(p);
}
