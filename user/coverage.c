// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each counter counts, as read in the sources of 6.1, 6.12 and 7.2:
 *
 * - thp_fault_alloc and anon_fault_alloc move when a folio has been mapped, not
 *   when it has been cleared. The clear comes first: a fault that then loses a
 *   race for the page table, finds the mm dying or hands over to userfaultfd has
 *   cleared and is not counted. So more may be seen than the kernel counted,
 *   and that is no error of either. Failed allocations and charges count as
 *   fallbacks and clear nothing.
 * - A write fault on the mapped huge zero folio counts like any other since
 *   v6.13; a read fault counts thp_zero_page_alloc when it is the first, and
 *   the zero folio itself is zeroed by the allocator (__GFP_ZERO), never by the
 *   function that is probed.
 * - thp_fault_alloc also moves when 7.2 moves device memory (migrate_device.c).
 * - shmem and memfd clear each page of a folio by itself (clear_highpage),
 *   whatever init_on_alloc says.
 * - A collapse copies pages and clears only the holes among them, one by one.
 *   khugepaged's folio is counted when it is allocated, not when it is used.
 * - hugetlb and guest_memfd are not counted at all.
 */
#include "coverage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "thp_settings.h"
#include "util.h"

#define VMSTAT_SIZE (64 << 10)
#define THP_DIR	    "/sys/kernel/mm/transparent_hugepage"

struct coverage_reader {
	int vmstat;
	int anon[ZS_ORDERS]; /* -1: this kernel has no such file */
	int shmem[ZS_ORDERS];
	bool guest_memfd;
	char buf[VMSTAT_SIZE];
};

static int open_stat(const char *root, uint64_t kb, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" THP_DIR "/hugepages-%" PRIu64 "kB/stats/%s", root, kb,
		 file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void open_orders(struct coverage_reader *r, const char *root, uint64_t page_size)
{
	for (int order = 0; order < ZS_ORDERS; order++) {
		uint64_t kb = (page_size << order) / 1024;

		r->anon[order] = open_stat(root, kb, "anon_fault_alloc");
		r->shmem[order] = open_stat(root, kb, "shmem_alloc");
	}
}

int coverage_reader__new(const char *root, uint64_t page_size, struct coverage_reader **out)
{
	_cleanup_coverage_reader_ struct coverage_reader *r = calloc(1, sizeof(*r));
	char path[PATH_MAX];

	if (!r)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/proc/vmstat", root);
	r->vmstat = open(path, O_RDONLY | O_CLOEXEC);
	open_orders(r, root, page_size);
	snprintf(path, sizeof(path), "%s/sys/module/kvm", root);
	r->guest_memfd = !access(path, F_OK);
	*out = TAKE_PTR(r);
	return 0;
}

void coverage_reader__free(struct coverage_reader **pr)
{
	struct coverage_reader *r = *pr;

	*pr = NULL;
	if (!r)
		return;
	util__cleanup_close(&r->vmstat);
	for (int order = 0; order < ZS_ORDERS; order++) {
		util__cleanup_close(&r->anon[order]);
		util__cleanup_close(&r->shmem[order]);
	}
	free(r);
}

/* The whole of a file from its beginning, as a string in r->buf. 0 or -errno. */
static int read_again(struct coverage_reader *r, int fd)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = pread(fd, r->buf + len, sizeof(r->buf) - len - 1, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
		if (len == sizeof(r->buf) - 1)
			return -EFBIG;
	}
	r->buf[len] = '\0';
	return 0;
}

static int read_number(struct coverage_reader *r, int fd, struct opt_u64 *value)
{
	int err;

	if (fd < 0)
		return 0;
	err = read_again(r, fd);
	if (err)
		return err;
	r->buf[strcspn(r->buf, "\n")] = '\0';
	err = util__str_to_u64(r->buf, &value->value);
	value->known = !err;
	return err;
}

/* Lines of "name value". */
static void find_vmstat(const char *text, const char *name, struct opt_u64 *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, name, len) != 0 || line[len] != ' ')
			continue;
		value->value = strtoull(line + len + 1, NULL, 10);
		value->known = true;
		return;
	}
}

int coverage__read(struct coverage_reader *r, struct coverage_counters *c)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->guest_memfd = r->guest_memfd;
	if (r->vmstat >= 0) {
		err = read_again(r, r->vmstat);
		if (err)
			return err;
		find_vmstat(r->buf, "thp_fault_alloc", &c->thp_fault);
		find_vmstat(r->buf, "thp_fault_fallback", &c->thp_fallback);
		find_vmstat(r->buf, "thp_zero_page_alloc", &c->thp_zero_page);
		find_vmstat(r->buf, "thp_zero_page_alloc_failed", &c->thp_zero_page_failed);
		find_vmstat(r->buf, "thp_file_alloc", &c->shmem_thp);
		find_vmstat(r->buf, "thp_collapse_alloc", &c->collapse);
	}
	for (int order = 0; order < ZS_ORDERS; order++) {
		err = read_number(r, r->anon[order], &c->anon[order]);
		if (!err)
			err = read_number(r, r->shmem[order], &c->shmem[order]);
		if (err)
			return err;
	}
	return 0;
}

static void sub(struct opt_u64 *d, const struct opt_u64 *newer, const struct opt_u64 *older)
{
	d->known = newer->known && older->known;
	/* Per-CPU sums: a CPU that goes away can make them step back a little. */
	d->value = d->known && newer->value > older->value ? newer->value - older->value : 0;
}

void coverage__delta(const struct coverage_counters *newer, const struct coverage_counters *older,
		     struct coverage_counters *delta)
{
	struct coverage_counters d = {.guest_memfd = newer->guest_memfd};

	sub(&d.thp_fault, &newer->thp_fault, &older->thp_fault);
	sub(&d.thp_fallback, &newer->thp_fallback, &older->thp_fallback);
	sub(&d.thp_zero_page, &newer->thp_zero_page, &older->thp_zero_page);
	sub(&d.thp_zero_page_failed, &newer->thp_zero_page_failed, &older->thp_zero_page_failed);
	sub(&d.shmem_thp, &newer->shmem_thp, &older->shmem_thp);
	sub(&d.collapse, &newer->collapse, &older->collapse);
	for (int order = 0; order < ZS_ORDERS; order++) {
		sub(&d.anon[order], &newer->anon[order], &older->anon[order]);
		sub(&d.shmem[order], &newer->shmem[order], &older->shmem[order]);
	}
	*delta = d;
}

uint64_t coverage__movement(const struct coverage_counters *newer,
			    const struct coverage_counters *older)
{
	struct coverage_counters d;
	uint64_t most;

	coverage__delta(newer, older, &d);
	most = d.thp_fault.value;
	for (int order = 0; order < ZS_ORDERS; order++)
		most = max(most, d.anon[order].value);
	return most;
}

static uint64_t beyond(const struct opt_u64 *kernel, uint64_t seen)
{
	return kernel->known && seen > kernel->value ? seen - kernel->value : 0;
}

uint64_t coverage__surplus(const struct coverage_counters *kernel, const struct coverage_seen *seen,
			   const struct machine *m)
{
	uint64_t most = 0;

	for (int order = 0; order < ZS_ORDERS; order++)
		most = max(most, order == m->pmd_order ? beyond(&kernel->thp_fault,
								seen->clears[ZS_KIND_THP][order])
						       : beyond(&kernel->anon[order],
								seen->clears[ZS_KIND_MTHP][order]));
	return most;
}

/* --- Rows. */

struct rows {
	const struct coverage_seen *seen;
	const struct machine *m;
	uint64_t allocator_left[ZS_ORDERS]; /* allocator clears not yet ascribed to a row */
	struct coverage *row;
	size_t nr;
};

static struct coverage *add_row(struct rows *r, const char *what)
{
	struct coverage *c = &r->row[r->nr++];

	memset(c, 0, sizeof(*c));
	snprintf(c->what, sizeof(c->what), "%s", what);
	return c;
}

__attribute__((format(printf, 2, 3))) static void say(struct coverage *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
	va_end(ap);
}

/*
 * The allocator's zeroing has an order and no purpose: of what it zeroed, as
 * much as a row lacks is taken for that row's, faults before collapses.
 */
static uint64_t take_allocator(struct rows *r, int order, uint64_t lacks)
{
	uint64_t n = min(r->allocator_left[order], lacks);

	if (!r->seen->allocator_measured)
		return 0;
	r->allocator_left[order] -= n;
	return n;
}

static const char *init_on_alloc_word(const struct machine *m)
{
	return m->init_on_alloc == 1 ? "init_on_alloc=1"
				     : "init_on_alloc, if this kernel has it on";
}

/* Anonymous faults of one order that were not all seen to be cleared. */
static void explain_hole(const struct rows *r, struct coverage *c, uint64_t clears,
			 uint64_t allocator)
{
	uint64_t lacks = c->kernel.value - c->seen.value;

	if (!r->m->init_on_alloc) {
		say(c,
		    "init_on_alloc is off, so that each of these folios was cleared at the fault, "
		    "out of sight for %" PRIu64 ": see loss, or memory was moved from a device, "
		    "which the kernel counts here as well",
		    lacks);
		return;
	}
	if (allocator || r->seen->allocator_measured) {
		say(c,
		    "%" PRIu64 " were cleared at the fault and %" PRIu64
		    " zeroed by the page allocator (%s); the other %" PRIu64
		    " went past both probes: see loss",
		    clears, allocator, init_on_alloc_word(r->m), lacks);
		return;
	}
	say(c,
	    "the page allocator zeroes them (%s), and then no clear follows at the fault; run with "
	    "--allocator to time them there, or boot with init_on_alloc=0",
	    init_on_alloc_word(r->m));
}

static void add_fault_row(struct rows *r, const char *what, const struct opt_u64 *kernel,
			  unsigned int kind, int order)
{
	uint64_t clears = r->seen->clears[kind][order];
	struct coverage *c = add_row(r, what);
	uint64_t allowed = r->seen->open + r->seen->straddled;
	uint64_t allocator = 0;

	c->kernel = *kernel;
	if (kernel->known && kernel->value > clears)
		allocator = take_allocator(r, order, kernel->value - clears);
	c->seen.known = true;
	c->seen.value = clears + allocator;
	if (!kernel->known) {
		if (clears)
			say(c, "this kernel does not count them, so nothing tells whether these "
			       "are all");
		return;
	}
	if (kernel->value > c->seen.value + allowed) {
		explain_hole(r, c, clears, allocator);
	} else if (allocator) {
		say(c,
		    "%" PRIu64 " of them were zeroed by the page allocator (init_on_alloc=1), "
		    "where --allocator sees them, and %" PRIu64 " cleared at the fault",
		    allocator, clears);
	} else if (clears && r->m->init_on_alloc == 1 && !r->seen->allocator_skips &&
		   (!r->seen->allocator_measured || r->allocator_left[order])) {
		say(c, "each of these folios is zeroed twice: by the page allocator "
		       "(init_on_alloc=1) and again at the fault, which is what was measured; "
		       "boot with init_on_alloc=0 to zero them once");
	} else if (clears > kernel->value + allowed) {
		say(c,
		    "%" PRIu64 " more were cleared than the kernel counted: it counts a fault "
		    "when the folio is mapped, and some that were cleared were not mapped "
		    "(another thread was faster, or the process was ending)",
		    clears - kernel->value);
	}
}

static int pmd_order(const struct rows *r)
{
	return r->m->pmd_order > 0 && r->m->pmd_order < ZS_ORDERS ? r->m->pmd_order : 0;
}

static void add_mthp_rows(struct rows *r, const struct coverage_counters *delta)
{
	for (int order = 1; order < ZS_ORDERS; order++) {
		uint64_t kb = (r->m->page_size << order) / 1024;
		char what[32];

		if (order == pmd_order(r))
			continue;
		if (!delta->anon[order].known && !r->seen->clears[ZS_KIND_MTHP][order])
			continue;
		snprintf(what, sizeof(what), "mthp-%" PRIu64 "kB", kb);
		add_fault_row(r, what, &delta->anon[order], ZS_KIND_MTHP, order);
	}
}

static void add_shmem_row(struct rows *r, const struct coverage_counters *delta)
{
	struct coverage *c = add_row(r, "shmem");
	int pmd = pmd_order(r);

	/* thp_file_alloc and the PMD size's shmem_alloc count the same folios. */
	c->kernel = delta->shmem_thp;
	if (pmd && delta->shmem[pmd].known &&
	    (!c->kernel.known || delta->shmem[pmd].value > c->kernel.value))
		c->kernel = delta->shmem[pmd];
	for (int order = 1; order < ZS_ORDERS; order++) {
		if (order == pmd || !delta->shmem[order].known)
			continue;
		c->kernel.known = true;
		c->kernel.value += delta->shmem[order].value;
	}
	c->seen.known = true;
	if (c->kernel.known && c->kernel.value)
		say(c,
		    "shmem and memfd clear each small page of a folio by itself, which is no "
		    "clear of a folio and is not seen%s",
		    r->m->init_on_alloc == 1
			    ? "; the page allocator zeroes them before (init_on_alloc=1)"
			    : "");
}

static void add_collapse_row(struct rows *r, const struct coverage_counters *delta)
{
	struct coverage *c = add_row(r, "collapse");

	c->kernel = delta->collapse;
	c->seen.known = true;
	if (!c->kernel.known || !c->kernel.value)
		return;
	c->seen.value = take_allocator(r, pmd_order(r), c->kernel.value);
	say(c,
	    "a collapse copies pages into the new folio and clears only the holes among them, "
	    "one by one, which is not seen%s",
	    r->m->init_on_alloc == 1
		    ? "; the page allocator zeroes the folio before, in vain (init_on_alloc=1)"
		    : "");
}

static void add_uncounted_rows(struct rows *r, const struct coverage_counters *delta)
{
	struct coverage *c;

	if (delta->guest_memfd) {
		c = add_row(r, "guest_memfd");
		c->seen.known = true;
		say(c, "memory of guests from guest_memfd is cleared page by page, out of sight, "
		       "and the kernel does not count it");
	}
	c = add_row(r, "hugetlb");
	c->seen.known = true;
	for (int order = 0; order < ZS_ORDERS; order++)
		c->seen.value += r->seen->clears[ZS_KIND_HUGETLB][order];
}

int coverage__rows(const struct coverage_counters *delta, const struct coverage_seen *seen,
		   const struct machine *m, struct coverage **out, size_t *nr)
{
	/* thp, an mTHP row an order, shmem, collapse, guest_memfd, hugetlb. */
	_cleanup_free_ struct coverage *row = calloc(ZS_ORDERS + 5, sizeof(*row));
	struct rows r = {.seen = seen, .m = m, .row = row};

	if (!row)
		return -ENOMEM;
	memcpy(r.allocator_left, seen->allocator, sizeof(r.allocator_left));
	add_fault_row(&r, "thp", &delta->thp_fault, ZS_KIND_THP, pmd_order(&r));
	add_mthp_rows(&r, delta);
	add_shmem_row(&r, delta);
	add_collapse_row(&r, delta);
	add_uncounted_rows(&r, delta);
	*out = TAKE_PTR(row);
	*nr = r.nr;
	return 0;
}
