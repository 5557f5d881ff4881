/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as the code under test needs, in user space: pages with
 * addresses and page structs, KUnit's macros, and a memory model that is less
 * forgiving than a real machine. The page structs of one section are followed
 * by one that belongs to nobody, as with SPARSEMEM but without VMEMMAP; high
 * pages have no address until they are mapped, and then no neighbours.
 */
#ifndef ZEROSCOPE_SHIM_H
#define ZEROSCOPE_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef int64_t s64;
typedef uint64_t u64;
typedef unsigned int gfp_t;

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define SZ_32M			(32UL << 20)
#define MAX_PAGE_ORDER		6
#define MAX_ORDER_NR_PAGES	(1U << MAX_PAGE_ORDER)
#define PAGE_ALLOC_COSTLY_ORDER	3
#define CONFIG_TRANSPARENT_HUGEPAGE 1

#define BIT(n)			(1UL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))
#define ALIGN_DOWN(a, b)	((a) & ~((__typeof__(a))(b) - 1))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define noinline		__attribute__((noinline))
#define __always_inline		inline __attribute__((always_inline))
#define EXPORT_SYMBOL_GPL(x)
#define MODULE_LICENSE(x)
#define MODULE_DESCRIPTION(x)

/* ── Memory ─────────────────────────────────────────────────────────────── */

#define SECTION_PAGES		(1U << MAX_PAGE_ORDER)
#define LOW_PAGES		1024U
#define HIGH_PAGES		1024U
#define NO_PFN			(~0U)

struct page {
	unsigned int pfn;
	unsigned int order;
};

struct folio {
	struct page page;
};

#define GFP_KERNEL		0U
#define GFP_HIGHUSER		1U
#define __GFP_NOWARN		0U
#define __GFP_NORETRY		0U

struct page *pfn_to_page(unsigned int pfn);
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void *page_address(const struct page *page);
void *kmap_local_page(struct page *page);

static inline void kunmap_local(void *addr) { (void)addr; }
static inline void __free_pages(struct page *page, unsigned int order) { (void)page, (void)order; }
static inline void clear_page(void *addr) { memset(addr, 0, PAGE_SIZE); }

#define nth_page(page, n)	pfn_to_page((page)->pfn + (n))
#define folio_page(folio, n)	nth_page(&(folio)->page, n)

static inline struct folio *folio_alloc(gfp_t gfp, unsigned int order)
{
	return (struct folio *)alloc_pages(gfp, order);
}

static inline void folio_put(struct folio *folio) { (void)folio; }
static inline unsigned int folio_nr_pages(struct folio *folio) { return 1U << folio->page.order; }
static inline size_t folio_size(struct folio *folio) { return PAGE_SIZE << folio->page.order; }
static inline int folio_ref_count(struct folio *folio) { (void)folio; return 1; }
static inline void *folio_address(struct folio *folio) { return page_address(&folio->page); }
static inline struct folio *persistent_huge_zero_folio(void) { return NULL; }
static inline bool is_huge_zero_folio(struct folio *folio) { (void)folio; return false; }

struct folio *largest_zero_folio(void);
void *memchr_inv(const void *start, int c, size_t bytes);
void folio_zero_user(struct folio *folio, unsigned long addr_hint);

/* ── Scheduling and tracing ─────────────────────────────────────────────── */

extern bool preemptible;

static inline bool preempt_model_preemptible(void) { return preemptible; }
enum { SYSTEM_BOOTING, SYSTEM_RUNNING };
static const int system_state = SYSTEM_BOOTING;

static inline void cond_resched(void) { }
static inline void might_sleep(void) { }
static inline void trace_mm_folio_zero_begin(struct folio *f, unsigned long a) { (void)f, (void)a; }
static inline void trace_mm_folio_zero_end(struct folio *f, unsigned long a) { (void)f, (void)a; }
void trace_mm_folio_zero_extent(struct page *page, unsigned long addr, unsigned int nr_pages);

/* ── The processor ──────────────────────────────────────────────────────── */

enum { X86_FEATURE_ERMS = 1, X86_FEATURE_REP_GOOD = 2 };

extern int cpu_features;

#define cpu_feature_enabled(x)	(cpu_features & (x))

static inline void kmsan_unpoison_memory(const void *addr, size_t len) { (void)addr, (void)len; }

/* ── KUnit ──────────────────────────────────────────────────────────────── */

struct kunit {
	unsigned int failures;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(x)		{ x, #x }
#define kunit_test_suite(x)	struct kunit_suite *the_suite = &x
#define kunit_info(test, ...)	do { (void)(test); if (0) printf(__VA_ARGS__); } while (0)

#define KUNIT_FAIL(test, ...) do {					\
	if (!(test)->failures++) {					\
		printf("    ");						\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
	}								\
} while (0)

#define KUNIT_EXPECT_TRUE_MSG(test, c, ...) do { if (!(c)) KUNIT_FAIL(test, __VA_ARGS__); } while (0)
#define KUNIT_EXPECT_TRUE(test, c)	KUNIT_EXPECT_TRUE_MSG(test, c, "not true: %s", #c)
#define KUNIT_EXPECT_EQ(test, a, b)	KUNIT_EXPECT_TRUE(test, (a) == (b))
#define KUNIT_EXPECT_PTR_EQ(test, a, b)	KUNIT_EXPECT_TRUE(test, (a) == (b))
#define KUNIT_EXPECT_GE(test, a, b)	KUNIT_EXPECT_TRUE(test, (a) >= (b))
#define KUNIT_EXPECT_NOT_NULL(test, a)	KUNIT_EXPECT_TRUE(test, (a) != NULL)
#define KUNIT_ASSERT_NOT_NULL(test, a) do {				\
	if (!(a)) {							\
		KUNIT_FAIL(test, "%s is NULL", #a);			\
		return;							\
	}								\
} while (0)

/* ── The architecture that is played ────────────────────────────────────── */

#if defined(ARCH_X86)
void clear_pages(void *addr, unsigned int npages);
#define clear_pages clear_pages
#elif defined(ARCH_OWN_PAGE)
#define clear_user_page clear_user_page
void clear_user_page(void *addr, unsigned long vaddr, struct page *page);
#elif defined(ARCH_OWN_PAGE_MACRO)
void alias_page(void *addr, unsigned long vaddr, struct page *page);
#define clear_user_page(addr, vaddr, page)	\
	do {	clear_page(addr);		\
		alias_page(addr, vaddr, page);	\
	} while (0)
#elif defined(ARCH_OWN_HIGHPAGE)
#define clear_user_highpage(page, vaddr)	own_clear_user_highpage(page, vaddr)
void own_clear_user_highpage(struct page *page, unsigned long vaddr);
#endif

#endif /* ZEROSCOPE_SHIM_H */
