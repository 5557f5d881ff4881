// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "load_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "util.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
/* Linux 6.18; refused with EINVAL before. */
#ifndef PR_THP_DISABLE_EXCEPT_ADVISED
#define PR_THP_DISABLE_EXCEPT_ADVISED (1 << 1)
#endif

#define STACK_BYTES   (256UL << 10)
#define SCAN_BYTES    (1UL << 20)
#define SLEEP_MAX_NS  ((uint64_t)(50 * NSEC_PER_MSEC))
#define NEAR_PAGES    2
#define REREAD_VALUES (1UL << 20)
#define MOVE_BATCH    512

struct load_arena {
	void *map;
	size_t map_bytes;
	char *base; /* slot 0 */
	size_t bytes;
	int fd; /* -1: anonymous */
};

enum phase {
	PHASE_FAULT,
	PHASE_VERIFY,
	PHASE_DIRTY,
	PHASE_END,
};

struct run {
	const struct load_plan *plan;
	struct load_arena *arena;
	struct pagemap *pm; /* NULL: not readable */
	bool sees_folios;
	bool presence_per_fault;
	bool exchange; /* see exchange_is_one_fault() */
	pthread_barrier_t barrier;
	enum phase phase;
	uint64_t base;	   /* slots of the windows before this one */
	uint64_t slots;	   /* of this window */
	uint64_t start_ns; /* of its faulting */
	uint64_t line_bytes;
	float *near, *pass; /* of the first REREAD_VALUES faults; below 0: none */
	size_t values;
	int error; /* errno of the first fault that failed */
};

struct worker {
	struct run *run;
	unsigned int index;
	pthread_t thread;
	pid_t tid;
	uint64_t first; /* slots of this window */
	uint64_t done;	/* of them, faulted */
	uint64_t end_ns;
	uint64_t faults;
	struct load_latency latency;
	struct load_nonzero nonzero;
	uint64_t verified_bytes;
	double near_sum, pass_sum;
	struct load_pmu_fds pmu;
	uint64_t cycles, misses, pmu_faults;
	bool misses_counted;
	uint64_t *words; /* pagemap of one slot */
	struct folio_counts counts;
};

void *load__small_map(size_t bytes)
{
	void *mem;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	/* EINVAL where the kernel has no huge pages at all. */
	(void)madvise(mem, bytes, MADV_NOHUGEPAGE);
	return mem;
}

/*
 * Huge pages for what is advised to have them, the arena, and for nothing else.
 * Older kernels know only all or nothing: everything that the faulting phase
 * touches besides the arena is mapped and touched before.
 */
static void allow_huge(void)
{
	if (prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0))
		(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

static void forbid_huge(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static void touch_everything_else(void)
{
	volatile char stack[64 << 10];
	size_t i;

	for (i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 0;
	/* Maps writable private pages for good; a limit on locked memory only makes it do less. */
	if (!mlockall(MCL_CURRENT))
		munlockall();
}

/* The arena */

static char *align_up(void *p, uint64_t alignment)
{
	return (char *)p + (-(uintptr_t)p & (alignment - 1));
}

static int make_memfd(const struct load_plan *p, size_t bytes)
{
	unsigned int flags = MFD_CLOEXEC;
	int fd;

	if (p->hugetlb)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(p->folio_bytes)
					       << MAP_HUGE_SHIFT;
	fd = memfd_create("zeroscope-load", flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("zeroscope-load", flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int map_hugetlb(const struct load_plan *p, struct load_arena *a)
{
	int size = __builtin_ctzll(p->folio_bytes) << MAP_HUGE_SHIFT;

	a->map_bytes = a->bytes;
	if (a->fd >= 0)
		a->map = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
	else
		a->map = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size, -1, 0);
	if (a->map == MAP_FAILED)
		return -errno;
	a->base = a->map;
	return 0;
}

/*
 * Below PMD order, a fault gets the largest enabled order whose aligned block
 * fits into the mapping (anonymous), or is aligned alike in memory and in the
 * file (shmem). So the arena starts half a block of the next order off, and
 * anonymous memory is cut into mappings of two slots: whatever else is enabled,
 * nothing larger fits. MADV_DONTDUMP on every other one keeps them from merging.
 */
static int cut_in_pairs(const struct load_plan *p, struct load_arena *a)
{
	size_t pair = 2 * p->folio_bytes;
	size_t at;

	for (at = 0; at < a->bytes; at += 2 * pair)
		if (madvise(a->base + at, min(pair, a->bytes - at), MADV_DONTDUMP))
			return -errno;
	return 0;
}

static int map_transparent(const struct load_plan *p, struct load_arena *a)
{
	bool small = p->order < p->pmd_order;
	uint64_t alignment = small ? 2 * p->folio_bytes : p->folio_bytes;

	a->map_bytes = a->bytes + 2 * alignment;
	a->map = mmap(NULL, a->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (a->map == MAP_FAILED)
		return -errno;
	a->base = align_up(a->map, alignment) + (small ? p->folio_bytes : 0);
	if (mmap(a->base, a->bytes, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_NORESERVE |
			 (a->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS),
		 a->fd, 0) == MAP_FAILED)
		return -errno;
	if (madvise(a->base, a->bytes, MADV_HUGEPAGE))
		return -errno;
	return small && a->fd < 0 ? cut_in_pairs(p, a) : 0;
}

void load_fault__release(struct load_arena *a)
{
	if (!a)
		return;
	if (a->map != MAP_FAILED)
		munmap(a->map, a->map_bytes);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

static int make_arena(const struct load_plan *p, struct load_arena **out)
{
	struct load_arena *a = calloc(1, sizeof(*a));
	char size[32];
	int err;

	if (!a)
		return err_r(LOAD_FAILED, "out of memory; free some and try again");
	a->map = MAP_FAILED;
	a->fd = -1;
	a->bytes = p->window * p->folio_bytes;
	if (p->shared) {
		a->fd = make_memfd(p, a->bytes);
		err = a->fd < 0 ? a->fd : 0;
	} else {
		err = 0;
	}
	if (!err)
		err = p->hugetlb ? map_hugetlb(p, a) : map_transparent(p, a);
	if (!err) {
		*out = a;
		return 0;
	}
	load_fault__release(a);
	pagemap__format_bytes(p->folio_bytes, size, sizeof(size));
	if (p->hugetlb && err == -ENOMEM)
		return err_r(LOAD_REFUSED,
			     "the kernel did not give %llu hugetlb pages of %s to this process; "
			     "look at %s and at the hugetlb limits of the cgroup",
			     (unsigned long long)p->window, size, p->pool);
	return err_r(LOAD_FAILED,
		     "memory for %llu folios of %s could not be mapped: %s; ask for "
		     "fewer",
		     (unsigned long long)p->window, size, errname(err));
}

/* One fault */

static void sleep_until(uint64_t due_ns)
{
	uint64_t now;

	/* In short pieces: a signal may be delivered to another thread. */
	while (!load_stop && (now = util__monotonic_ns()) < due_ns) {
		uint64_t to = min(due_ns, now + SLEEP_MAX_NS);
		struct timespec ts = {
			.tv_sec = (time_t)(to / NSEC_PER_SEC),
			.tv_nsec = (long)(to % NSEC_PER_SEC),
		};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
}

static char *slot_address(const struct run *run, uint64_t slot)
{
	return run->arena->base + slot * run->plan->folio_bytes;
}

/* The byte that a fault touches: some place in its page, another in each folio. */
static char *touched_address(const struct run *run, uint64_t slot)
{
	const struct load_plan *p = run->plan;
	uint64_t number = run->base + slot;
	uint64_t page = load__touched_page(p->opt.touch, number, p->folio_pages);

	return slot_address(run, slot) + page * p->page_bytes +
	       load__touched_page(TOUCH_RANDOM, number, p->page_bytes);
}

/*
 * Whether an exchange faults as the write that it is. An emulator that runs its
 * processors one after the other makes a read and a write of it: the read would
 * map the zero folio, and the write get a single page in its place.
 */
static bool exchange_is_one_fault(void)
{
	struct rusage before = {0}, after = {0};
	uint8_t *page = load__small_map(1);
	bool one = false;

	if (!page)
		return false;
	if (!getrusage(RUSAGE_THREAD, &before)) {
		__atomic_exchange_n(page, LOAD_MARK, __ATOMIC_RELAXED);
		one = !getrusage(RUSAGE_THREAD, &after) && after.ru_minflt - before.ru_minflt == 1;
	}
	munmap(page, 1);
	return one;
}

static uint64_t read_lines(const char *from, const char *to, uint64_t line)
{
	uint64_t lines = 0;

	for (; from < to; from += line, lines++)
		(void)*(const volatile char *)from;
	return lines;
}

/* Reads back what a fault left in the caches: its neighbourhood first, then all of the folio. */
static void reread(struct worker *w, uint64_t slot)
{
	struct run *run = w->run;
	const struct load_plan *p = run->plan;
	const char *folio = slot_address(run, slot);
	uint64_t page = (uint64_t)(touched_address(run, slot) - folio) / p->page_bytes;
	uint64_t from = page > NEAR_PAGES ? page - NEAR_PAGES : 0;
	uint64_t to = min(page + NEAR_PAGES + 1, p->folio_pages);
	uint64_t t0, t1, t2, near_lines, pass_lines;
	double near, pass;

	t0 = util__monotonic_ns();
	near_lines = read_lines(folio + from * p->page_bytes, folio + to * p->page_bytes,
				run->line_bytes);
	t1 = util__monotonic_ns();
	pass_lines = read_lines(folio, folio + p->folio_bytes, run->line_bytes);
	t2 = util__monotonic_ns();

	near = (double)(t1 - t0) / (double)near_lines;
	pass = (double)(t2 - t1) / (double)pass_lines;
	w->near_sum += near;
	w->pass_sum += pass;
	if (run->base + slot < run->values) {
		run->near[run->base + slot] = (float)near;
		run->pass[run->base + slot] = (float)pass;
	}
}

static void count_presence(const struct run *run, uint64_t slot, uint64_t *words,
			   struct folio_counts *counts)
{
	const struct load_plan *p = run->plan;
	uint64_t page =
		(uint64_t)(touched_address(run, slot) - slot_address(run, slot)) / p->page_bytes;
	int order = -1;

	if (!pagemap__read_words(run->pm, slot_address(run, slot), words, p->folio_pages))
		order = pagemap__present_order(words, p->folio_pages, page);
	if (order < 0)
		counts->absent++;
	else if (!p->zero_folio)
		counts->by_order[order]++;
	else if (order == p->order)
		counts->zero_folios++;
	else
		counts->zero_pages++;
}

static void count_pmu(struct worker *w, const struct load_pmu_sample *before)
{
	struct load_pmu_sample after = load_pmu__read(&w->pmu);

	if (!before->valid || !after.valid)
		return;
	w->cycles += after.cycles - before->cycles;
	w->misses += after.misses - before->misses;
	w->pmu_faults++;
}

static void add_latency(struct load_latency *l, uint64_t ns)
{
	l->min_ns = l->count ? min(l->min_ns, ns) : ns;
	l->max_ns = max(l->max_ns, ns);
	l->sum_ns += ns;
	l->count++;
}

/* False: the kernel refused, and run->error says with what. */
static bool fault(struct worker *w, uint64_t slot)
{
	struct run *run = w->run;
	const struct load_plan *p = run->plan;
	uint8_t *byte = (uint8_t *)touched_address(run, slot);
	struct load_pmu_sample before = {0};
	uint64_t t0, t1;
	uint8_t old = 0;

	if (p->opt.pmu)
		before = load_pmu__read(&w->pmu);
	t0 = util__monotonic_ns();
	/* The other place where hugetlbfs clears: before anything is mapped. */
	if (p->opt.kind == LOAD_MEMFD_HUGETLB &&
	    fallocate(run->arena->fd, 0, (off_t)(slot * p->folio_bytes), (off_t)p->folio_bytes)) {
		__atomic_store_n(&run->error, errno, __ATOMIC_RELAXED);
		return false;
	}
	/* An exchange where it can be, since a plain store hides what was there. */
	if (p->opt.read)
		old = *(volatile uint8_t *)byte;
	else if (run->exchange)
		old = __atomic_exchange_n(byte, LOAD_MARK, __ATOMIC_RELAXED);
	else
		*(volatile uint8_t *)byte = LOAD_MARK;
	t1 = util__monotonic_ns();
	if (p->opt.pmu)
		count_pmu(w, &before);
	add_latency(&w->latency, t1 - t0);
	w->faults++;
	if (old)
		load__scan(&old, sizeof(old), run->base + slot,
			   (uint64_t)((char *)byte - slot_address(run, slot)), &w->nonzero);
	/* Reading back would map more pages and hide what the fault alone did. */
	if (run->presence_per_fault)
		count_presence(run, slot, w->words, &w->counts);
	if (p->opt.reread)
		reread(w, slot);
	return true;
}

/* The phases, as a thread does them */

static void fault_slots(struct worker *w)
{
	struct run *run = w->run;
	const struct load_options *o = &run->plan->opt;
	uint64_t end, k;

	load__share(run->slots, w->index, o->threads, &w->first, &end);
	w->done = 0;
	for (k = 0; w->first + k < end; k++) {
		if (o->rate > 0)
			sleep_until(run->start_ns + load__due_ns(k, w->index, o->threads, o->rate));
		if (load_stop || __atomic_load_n(&run->error, __ATOMIC_RELAXED))
			break;
		if (!fault(w, w->first + k))
			break;
		w->done++;
	}
	w->end_ns = util__monotonic_ns();
}

static void verify_slot(struct worker *w, uint64_t slot)
{
	struct run *run = w->run;
	const struct load_plan *p = run->plan;
	char *mem = slot_address(run, slot);
	uint8_t *byte = (uint8_t *)touched_address(run, slot);
	uint64_t at;

	/* Our own mark: what was under it was looked at, or is the one byte that was not. */
	if (!p->opt.read && *byte == LOAD_MARK) {
		*byte = 0;
		w->verified_bytes -= !run->exchange;
	}
	for (at = 0; at < p->folio_bytes && !load_stop; at += SCAN_BYTES) {
		uint64_t n = min(p->folio_bytes - at, (uint64_t)SCAN_BYTES);

		load__scan(mem + at, n, run->base + slot, at, &w->nonzero);
		w->verified_bytes += n;
	}
}

static void verify_slots(struct worker *w)
{
	uint64_t k;

	for (k = 0; k < w->done && !load_stop; k++)
		verify_slot(w, w->first + k);
}

static void dirty_slots(struct worker *w)
{
	const struct load_plan *p = w->run->plan;
	uint64_t k;

	for (k = 0; k < w->done && !load_stop; k++)
		memset(slot_address(w->run, w->first + k), LOAD_STALE, p->folio_bytes);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;

	w->tid = (pid_t)syscall(SYS_gettid);
	if (run->plan->opt.pmu)
		load_pmu__open(&w->pmu);
	w->misses_counted = w->pmu.misses >= 0;
	for (;;) {
		pthread_barrier_wait(&run->barrier);
		switch (run->phase) {
		case PHASE_FAULT:
			fault_slots(w);
			break;
		case PHASE_VERIFY:
			verify_slots(w);
			break;
		case PHASE_DIRTY:
			dirty_slots(w);
			break;
		case PHASE_END:
			load_pmu__close(&w->pmu);
			return NULL;
		}
		pthread_barrier_wait(&run->barrier);
	}
}

/* The phases, as the main thread has them done */

static void do_phase(struct run *run, enum phase phase)
{
	run->phase = phase;
	pthread_barrier_wait(&run->barrier);
	pthread_barrier_wait(&run->barrier);
}

static uint64_t minor_faults(void)
{
	struct rusage u = {0};

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_minflt;
}

static void fault_window(struct run *run, struct worker *workers, struct load_result *r)
{
	uint64_t end_ns = 0, minflt;
	unsigned int t;

	allow_huge();
	minflt = minor_faults();
	run->start_ns = util__monotonic_ns();
	do_phase(run, PHASE_FAULT);
	r->minflt += minor_faults() - minflt;
	forbid_huge();

	for (t = 0; t < run->plan->opt.threads; t++)
		end_ns = max(end_ns, workers[t].end_ns);
	r->elapsed_ns += end_ns - run->start_ns;
	r->windows++;
}

static void count_by_kpageflags(struct run *run, struct load_result *r)
{
	size_t bytes = run->slots * run->plan->folio_bytes;
	struct folio_counts counts;
	int tries, err = -EAGAIN;
	unsigned int i;

	/* A folio that is being migrated looks torn for a moment. */
	for (tries = 0; tries < 5 && err == -EAGAIN; tries++) {
		counts = (struct folio_counts){0};
		err = pagemap__count_folios(run->pm, run->arena->base, bytes, &counts);
	}
	if (err) {
		r->orders_known = false;
		return;
	}
	for (i = 0; i < PAGEMAP_ORDERS; i++)
		r->folios.by_order[i] += counts.by_order[i];
	r->folios.zero_folios += counts.zero_folios;
	r->folios.zero_pages += counts.zero_pages;
	r->folios.absent += counts.absent;
}

/* What is mapped by whole PMDs: all that smaps can tell, and nothing below PMD order. */
static void count_by_smaps(const struct load_plan *p, const struct smaps_sum *sum,
			   struct load_result *r)
{
	uint64_t bytes = p->hugetlb ? sum->hugetlb : p->shared ? sum->shmem_huge : sum->anon_huge;

	r->folios.by_order[p->order] += bytes / p->folio_bytes;
}

static void count_window(struct run *run, struct worker *workers, struct load_result *r)
{
	const struct load_plan *p = run->plan;
	struct smaps_sum sum;
	unsigned int t;
	uint64_t k;

	if (!pagemap__smaps("/proc/self/smaps", run->arena->base, run->arena->bytes, &sum)) {
		r->smaps_known = true;
		r->smaps.rss += sum.rss;
		r->smaps.anon_huge += sum.anon_huge;
		r->smaps.shmem_huge += sum.shmem_huge;
		r->smaps.hugetlb += sum.hugetlb;
		if (!run->pm)
			count_by_smaps(p, &sum, r);
	}
	if (run->sees_folios) {
		count_by_kpageflags(run, r);
		return;
	}
	if (!run->pm || run->presence_per_fault)
		return;
	for (t = 0; t < p->opt.threads; t++)
		for (k = 0; k < workers[t].done; k++)
			count_presence(run, workers[t].first + k, workers[t].words,
				       &workers[t].counts);
}

static void query_nodes(const struct run *run, uint64_t first, uint64_t n, struct load_result *r)
{
	void *pages[MOVE_BATCH];
	int status[MOVE_BATCH];
	uint64_t i;

	for (i = 0; i < n; i++)
		pages[i] = touched_address(run, first + i);
	if (syscall(SYS_move_pages, 0, n, pages, NULL, status, 0))
		return;
	for (i = 0; i < n; i++) {
		if (status[i] < 0 || status[i] >= LOAD_MAX_NODES)
			continue;
		r->nodes_known = true;
		r->nodes[status[i]]++;
	}
}

static void count_nodes(const struct run *run, const struct worker *workers, struct load_result *r)
{
	unsigned int t;
	uint64_t k;

	for (t = 0; t < run->plan->opt.threads; t++)
		for (k = 0; k < workers[t].done; k += MOVE_BATCH)
			query_nodes(run, workers[t].first + k,
				    min(workers[t].done - k, (uint64_t)MOVE_BATCH), r);
}

/* Gives the window's memory back for the next one to be faulted out of, dirty. */
static int recycle(struct run *run)
{
	const struct load_arena *a = run->arena;

	if (!run->plan->zero_folio)
		do_phase(run, PHASE_DIRTY);
	if (madvise(a->base, a->bytes, a->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED))
		return -errno;
	return 0;
}

static void run_windows(struct run *run, struct worker *workers, struct load_result *r)
{
	const struct load_plan *p = run->plan;
	uint64_t left = p->opt.count;
	struct load_counters before;
	int err;

	r->orders_known = run->sees_folios || run->pm;
	load__read_counters(p->page_bytes, &before);
	while (left) {
		run->slots = min(left, p->window);
		fault_window(run, workers, r);
		load__read_counters(p->page_bytes, &r->counters);
		count_window(run, workers, r);
		count_nodes(run, workers, r);
		if (!load_stop)
			do_phase(run, PHASE_VERIFY);
		left -= run->slots;
		run->base += run->slots;
		if (load_stop || run->error || !left)
			break;
		err = recycle(run);
		if (err) {
			run->error = -err;
			break;
		}
	}
	load__counters_delta(&before, &r->counters);
}

/* Setting up and summing up */

static void add_worker(const struct worker *w, struct load_result *r)
{
	unsigned int i;

	r->tids[w->index] = w->tid;
	r->faults += w->faults;
	r->verified_bytes += w->verified_bytes;
	if (w->latency.count) {
		r->latency.min_ns = r->latency.count ? min(r->latency.min_ns, w->latency.min_ns)
						     : w->latency.min_ns;
		r->latency.max_ns = max(r->latency.max_ns, w->latency.max_ns);
		r->latency.sum_ns += w->latency.sum_ns;
		r->latency.count += w->latency.count;
	}
	load__merge_nonzero(&r->nonzero, &w->nonzero);
	for (i = 0; i < PAGEMAP_ORDERS; i++)
		r->folios.by_order[i] += w->counts.by_order[i];
	r->folios.zero_folios += w->counts.zero_folios;
	r->folios.zero_pages += w->counts.zero_pages;
	r->folios.absent += w->counts.absent;
}

static size_t keep_measured(float *values, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++)
		if (values[i] >= 0)
			values[kept++] = values[i];
	return kept;
}

static void sum_reread(struct run *run, const struct worker *workers, struct load_result *r)
{
	double near = 0, pass = 0;
	unsigned int t;

	if (!run->plan->opt.reread || !r->faults)
		return;
	for (t = 0; t < run->plan->opt.threads; t++) {
		near += workers[t].near_sum;
		pass += workers[t].pass_sum;
	}
	r->reread = (struct load_reread){
		.measured = true,
		.line_bytes = run->line_bytes,
		.near_mean = near / (double)r->faults,
		.pass_mean = pass / (double)r->faults,
		.near_median = load__median(run->near, keep_measured(run->near, run->values)),
		.pass_median = load__median(run->pass, keep_measured(run->pass, run->values)),
	};
}

static void sum_pmu(const struct load_plan *p, const struct worker *workers, struct load_result *r)
{
	uint64_t cycles = 0, misses = 0, faults = 0;
	bool has_misses = true;
	unsigned int t;

	r->pmu.cycles = r->pmu.misses = NAN;
	if (!p->opt.pmu)
		return;
	for (t = 0; t < p->opt.threads; t++) {
		cycles += workers[t].cycles;
		misses += workers[t].misses;
		faults += workers[t].pmu_faults;
		if (workers[t].pmu.reason[0])
			memcpy(r->pmu.reason, workers[t].pmu.reason, sizeof(r->pmu.reason));
		has_misses = has_misses && workers[t].misses_counted;
	}
	if (!faults) {
		if (!r->pmu.reason[0])
			snprintf(r->pmu.reason, sizeof(r->pmu.reason),
				 "the counters had to share the hardware with others");
		return;
	}
	r->pmu.cycles = (double)cycles / (double)faults;
	if (has_misses)
		r->pmu.misses = (double)misses / (double)faults;
}

static const char *oracle(const struct run *run)
{
	if (run->sees_folios)
		return "kpageflags";
	if (run->pm)
		return "pagemap";
	return NULL;
}

static void open_pagemap(struct run *run)
{
	const struct load_plan *p = run->plan;

	if (pagemap__open("/proc/self/pagemap", "/proc/kpageflags", p->page_bytes, &run->pm)) {
		run->pm = NULL;
		return;
	}
	/* Any page of ours will do for the question; this one is on the heap and in use. */
	run->sees_folios = pagemap__sees_folios(run->pm, run->pm);
	run->presence_per_fault = !run->sees_folios && p->opt.reread;
}

static int prepare_reread(struct run *run)
{
	size_t bytes, i;
	long line;

	if (!run->plan->opt.reread)
		return 0;
	line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
	run->line_bytes = line > 0 ? (uint64_t)line : 64;
	run->values = min(run->plan->opt.count, (uint64_t)REREAD_VALUES);
	bytes = run->values * sizeof(float);
	run->near = load__small_map(bytes);
	run->pass = load__small_map(bytes);
	if (!run->near || !run->pass)
		return -ENOMEM;
	for (i = 0; i < run->values; i++)
		run->near[i] = run->pass[i] = -1;
	return 0;
}

static int prepare_workers(struct run *run, struct worker *workers, uint64_t *words)
{
	unsigned int t;

	for (t = 0; t < run->plan->opt.threads; t++) {
		workers[t].run = run;
		workers[t].index = t;
		workers[t].pmu = LOAD_PMU_FDS_NONE;
		workers[t].words = words + t * run->plan->folio_pages;
	}
	return -pthread_barrier_init(&run->barrier, NULL, run->plan->opt.threads + 1);
}

/* Threads on stacks of our own, which never become huge. 0 or -errno; *started of them run. */
static int start_workers(struct worker *workers, unsigned int n, char *stacks,
			 unsigned int *started)
{
	for (*started = 0; *started < n; (*started)++) {
		pthread_attr_t attr;
		int err;

		pthread_attr_init(&attr);
		err = pthread_attr_setstack(&attr, stacks + *started * STACK_BYTES, STACK_BYTES);
		if (!err)
			err = pthread_create(&workers[*started].thread, &attr, work,
					     &workers[*started]);
		pthread_attr_destroy(&attr);
		if (err)
			return -err;
	}
	return 0;
}

static void end_workers(struct run *run, struct worker *workers)
{
	unsigned int t;

	run->phase = PHASE_END;
	pthread_barrier_wait(&run->barrier);
	for (t = 0; t < run->plan->opt.threads; t++)
		pthread_join(workers[t].thread, NULL);
}

static int run_threads(struct run *run, struct load_result *r)
{
	const struct load_plan *p = run->plan;
	unsigned int n = p->opt.threads, started, t;
	size_t words_bytes = n * p->folio_pages * sizeof(uint64_t);
	struct worker *workers = load__small_map(n * sizeof(*workers));
	uint64_t *words = load__small_map(words_bytes);
	char *stacks = load__small_map(n * STACK_BYTES);
	int err = -ENOMEM;

	if (workers && words && stacks && !prepare_reread(run))
		err = prepare_workers(run, workers, words);
	if (!err) {
		err = start_workers(workers, n, stacks, &started);
		/* Those that did start wait in a barrier that will never be full. */
		if (err)
			return err_r(LOAD_FAILED,
				     "only %u of %u threads could be started: %s; "
				     "ask for fewer",
				     started, n, errname(err));
		run_windows(run, workers, r);
		end_workers(run, workers);
		for (t = 0; t < n; t++)
			add_worker(&workers[t], r);
		sum_reread(run, workers, r);
		sum_pmu(p, workers, r);
		pthread_barrier_destroy(&run->barrier);
	}
	if (workers)
		munmap(workers, n * sizeof(*workers));
	if (words)
		munmap(words, words_bytes);
	if (stacks)
		munmap(stacks, n * STACK_BYTES);
	if (run->near)
		munmap(run->near, run->values * sizeof(float));
	if (run->pass)
		munmap(run->pass, run->values * sizeof(float));
	if (err)
		return err_r(LOAD_FAILED, "there is no memory for %u threads; ask for fewer", n);
	return 0;
}

/* Where no pagemap is to be had, smaps and the sizes' own counters are left. */
static void fall_back_oracle(const struct load_plan *p, struct load_result *r)
{
	bool shmem = p->opt.kind == LOAD_SHMEM;
	enum load_mthp_stat stat = shmem ? MTHP_SHMEM_ALLOC : MTHP_ANON_FAULT_ALLOC;

	if (p->order < p->pmd_order && !p->hugetlb) {
		if (!r->counters.mthp_known[p->order][stat])
			return;
		r->folios.by_order[p->order] = r->counters.mthp[p->order][stat];
		r->oracle = "mthp_stats";
		r->orders_known = true;
	} else if (r->smaps_known && !p->zero_folio) {
		r->oracle = "smaps";
		r->orders_known = true;
	}
}

int load_fault__run(const struct load_plan *p, struct load_result *r, struct load_arena **arena)
{
	struct run run = {.plan = p};
	int status;

	r->pid = getpid();
	touch_everything_else();
	status = make_arena(p, arena);
	if (status)
		return status;
	run.arena = *arena;
	open_pagemap(&run);
	run.exchange = exchange_is_one_fault();
	r->oracle = oracle(&run);
	status = run_threads(&run, r);
	if (!run.pm)
		fall_back_oracle(p, r);
	pagemap__free(run.pm);
	if (!r->orders_known)
		r->oracle = NULL;
	r->interrupted = load_stop;
	if (run.error)
		snprintf(r->error, sizeof(r->error), "%s", errname(run.error));
	return status;
}
