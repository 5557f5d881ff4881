// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the KUnit suite of the series in user space, over the very text of the
 * patched tree, and adds what a kernel cannot show: page structs that are not
 * contiguous, and architectures that insist on seeing each page.
 */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim.h"
#include "highmem_part.h"

#ifdef ARCH_X86
#include "clear_pages_64.c"
#endif
#include "memory_part.c"
#include "folio_zero_kunit.c"

bool preemptible;
int cpu_features;

static struct page sections[(LOW_PAGES + HIGH_PAGES) / SECTION_PAGES][SECTION_PAGES + 1];
static char *low_memory;
static char *high_memory;

struct page *pfn_to_page(unsigned int pfn)
{
	if (pfn >= LOW_PAGES + HIGH_PAGES) {
		printf("    frame %u does not exist\n", pfn);
		abort();
	}
	return &sections[pfn / SECTION_PAGES][pfn % SECTION_PAGES];
}

static void check_page(const struct page *page)
{
	if (page->pfn != NO_PFN)
		return;
	printf("    a page struct beyond the end of its section was used\n");
	abort();
}

void *page_address(const struct page *page)
{
	check_page(page);
	return page->pfn < LOW_PAGES ? low_memory + page->pfn * PAGE_SIZE : NULL;
}

void *kmap_local_page(struct page *page)
{
	check_page(page);
	if (page->pfn < LOW_PAGES)
		return page_address(page);
	/* An odd factor makes this a permutation that separates neighbours. */
	return high_memory + (page->pfn - LOW_PAGES) * 389 % HIGH_PAGES * 2 * PAGE_SIZE;
}

/* One allocation at a time is all that the tests need, and none at frame 0. */
struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	unsigned int pfn = max(1U << order, 4U);
	struct page *page;

#ifdef CONFIG_HIGHMEM
	if (gfp == GFP_HIGHUSER)
		pfn += LOW_PAGES - (LOW_PAGES % pfn);
#else
	(void)gfp;
#endif
	page = pfn_to_page(pfn);
	page->order = order;
	return page;
}

struct folio *largest_zero_folio(void)
{
	static bool zeroed;
	struct folio *folio = (struct folio *)pfn_to_page(0);

	if (!zeroed)
		memset(page_address(&folio->page), 0, PAGE_SIZE);
	zeroed = true;
	return folio;
}

void *memchr_inv(const void *start, int c, size_t bytes)
{
	const unsigned char *p = start;

	for (; bytes; bytes--, p++) {
		if (*p != (unsigned char)c)
			return (void *)p;
	}
	return NULL;
}

/* What folio_zero_user() was seen to do. */
static struct {
	unsigned int extents;
	unsigned int pages;
	unsigned int longest;
	unsigned int last_first;
	unsigned int flushes;
	unsigned long user_base;
	unsigned int base_pfn;
	bool bad_address;
} seen;

static void see_page(unsigned long vaddr, struct page *page)
{
	seen.flushes++;
	if (vaddr != seen.user_base + (page->pfn - seen.base_pfn) * PAGE_SIZE)
		seen.bad_address = true;
}

void trace_mm_folio_zero_extent(struct page *page, unsigned long addr, unsigned int nr_pages)
{
	check_page(page);
	seen.extents++;
	seen.pages += nr_pages;
	seen.longest = max(seen.longest, nr_pages);
	seen.last_first = page->pfn - seen.base_pfn;
	if (addr != seen.user_base + (page->pfn - seen.base_pfn) * PAGE_SIZE)
		seen.bad_address = true;
}

#if defined(ARCH_OWN_PAGE)
void clear_user_page(void *addr, unsigned long vaddr, struct page *page)
{
	check_page(page);
	clear_page(addr);
	see_page(vaddr, page);
}
#elif defined(ARCH_OWN_PAGE_MACRO)
void alias_page(void *addr, unsigned long vaddr, struct page *page)
{
	(void)addr;
	check_page(page);
	see_page(vaddr, page);
}
#elif defined(ARCH_OWN_HIGHPAGE)
void own_clear_user_highpage(struct page *page, unsigned long vaddr)
{
	clear_page(kmap_local_page(page));
	see_page(vaddr, page);
}
#endif

#if defined(ARCH_OWN_PAGE) || defined(ARCH_OWN_PAGE_MACRO) || defined(ARCH_OWN_HIGHPAGE)
#define SEES_PAGES	true
#else
#define SEES_PAGES	false
#endif

/* A folio over several sections, larger than what the allocator has. */
#define GIGANTIC_ORDER	(MAX_PAGE_ORDER + 2)

static void check_folio(struct kunit *test, unsigned int order, unsigned int fault)
{
	struct folio *folio = folio_alloc(GFP_HIGHUSER, order);
	const unsigned int nr = 1U << order;
	const unsigned int near = fault - min(fault, (unsigned int)FOLIO_ZERO_NEAR);
	unsigned int i;

	memset(&seen, 0, sizeof(seen));
	seen.user_base = USER_ADDR;
	seen.base_pfn = folio->page.pfn;
	for (i = 0; i < nr; i++)
		memset(kmap_local_page(folio_page(folio, i)), DIRT, PAGE_SIZE);
	/* The frames next to it belong to others. */
	memset(kmap_local_page(pfn_to_page(folio->page.pfn - 1)), DIRT, PAGE_SIZE);
	memset(kmap_local_page(pfn_to_page(folio->page.pfn + nr)), DIRT, PAGE_SIZE);

	folio_zero_user(folio, USER_ADDR + fault * PAGE_SIZE + 100);

	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_TRUE_MSG(test, pages_are(folio_page(folio, i), 1, 0),
				      "order %u, fault %u: page %u is not zeroed", order, fault, i);
	KUNIT_EXPECT_TRUE_MSG(test, pages_are(pfn_to_page(folio->page.pfn - 1), 1, DIRT),
			      "order %u, fault %u: the page before was hit", order, fault);
	KUNIT_EXPECT_TRUE_MSG(test, pages_are(pfn_to_page(folio->page.pfn + nr), 1, DIRT),
			      "order %u, fault %u: the page after was hit", order, fault);
	KUNIT_EXPECT_TRUE_MSG(test, seen.pages == nr && !seen.bad_address,
			      "order %u, fault %u: %u pages traced%s", order, fault, seen.pages,
			      seen.bad_address ? ", at wrong addresses" : "");
	KUNIT_EXPECT_TRUE_MSG(test, seen.longest <= (preemptible ? nr : FOLIO_ZERO_UNIT),
			      "order %u, fault %u: %u pages at once", order, fault, seen.longest);
	KUNIT_EXPECT_TRUE_MSG(test, seen.last_first >= near && seen.last_first <= fault + FOLIO_ZERO_NEAR,
			      "order %u, fault %u: page %u was cleared last", order, fault, seen.last_first);
	KUNIT_EXPECT_TRUE_MSG(test, seen.flushes == (SEES_PAGES ? nr : 0),
			      "order %u, fault %u: the architecture saw %u pages", order, fault,
			      seen.flushes);
	if (preemptible)
		KUNIT_EXPECT_TRUE_MSG(test, seen.extents <= NR_FOLIO_ZERO_RANGES,
				      "order %u, fault %u: %u extents", order, fault, seen.extents);
}

static void host_test_folios(struct kunit *test)
{
	unsigned int order, fault, nr;

	for (order = 0; order <= GIGANTIC_ORDER; order++) {
		nr = 1U << order;
		for (fault = 0; fault < nr; fault += nr > 64 && fault > 4 && fault < nr - 24 ? 17 : 1) {
			for (preemptible = false; ; preemptible = true) {
				check_folio(test, order, fault);
				if (preemptible)
					break;
			}
			preemptible = false;
		}
	}
}

static void set_up_memory(void)
{
	size_t low = LOW_PAGES * PAGE_SIZE, high = 2 * HIGH_PAGES * PAGE_SIZE;
	char *area = mmap(NULL, low + high + 2 * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED || mprotect(area, low, PROT_READ | PROT_WRITE))
		abort();
	low_memory = area;
	high_memory = area + low + PAGE_SIZE;
	if (mprotect(high_memory, high, PROT_READ | PROT_WRITE))
		abort();
	for (unsigned int s = 0; s < ARRAY_SIZE(sections); s++) {
		for (unsigned int i = 0; i < SECTION_PAGES; i++)
			sections[s][i].pfn = s * SECTION_PAGES + i;
		sections[s][SECTION_PAGES].pfn = NO_PFN;
	}
}

static unsigned int run(const char *name, void (*run_case)(struct kunit *test))
{
	struct kunit test = {};

	run_case(&test);
	if (test.failures)
		printf("  not ok %s: %u failures\n", name, test.failures);
	return test.failures;
}

int main(int argc, char **argv)
{
	unsigned int failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A loop that does not end is a failure, too. */
	alarm(20);
	if (argc > 1)
		cpu_features = atoi(argv[1]);
	set_up_memory();
	for (struct kunit_case *c = the_suite->test_cases; c->run_case; c++)
		failures += run(c->name, c->run_case);
	failures += run("host_test_folios", host_test_folios);
	return failures != 0;
}
