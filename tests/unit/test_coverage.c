// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coverage.h"
#include "fixture.h"
#include "util.h"

#define THP_DIR "/sys/kernel/mm/transparent_hugepage"

/* One interval: what the kernel counted, what was seen, and the rows of it. */
struct interval {
	struct coverage_counters kernel;
	struct coverage_seen seen;
	struct machine m;
	struct coverage *rows;
	size_t nr;
};

static void free_interval(struct interval *i)
{
	free(i->rows);
}

#define _cleanup_interval_ __attribute__((cleanup(free_interval)))

static struct opt_u64 known(uint64_t value)
{
	return (struct opt_u64){.known = true, .value = value};
}

static struct interval new_interval(int init_on_alloc)
{
	return (struct interval){
		.kernel = {.thp_fault = known(0), .shmem_thp = known(0), .collapse = known(0)},
		.m = {.page_size = 4096, .pmd_order = 9, .init_on_alloc = init_on_alloc},
	};
}

static const struct coverage *row(struct interval *i, const char *what)
{
	if (!i->rows)
		assert_int_equal(coverage__rows(&i->kernel, &i->seen, &i->m, &i->rows, &i->nr), 0);
	for (size_t n = 0; n < i->nr; n++) {
		if (!strcmp(i->rows[n].what, what))
			return &i->rows[n];
	}
	return NULL;
}

static void expect_counts(const struct coverage *c, uint64_t kernel, uint64_t seen)
{
	assert_non_null(c);
	assert_true(c->kernel.known);
	assert_int_equal(c->kernel.value, kernel);
	assert_true(c->seen.known);
	assert_int_equal(c->seen.value, seen);
}

static void expect_reason(const struct coverage *c, const char *part)
{
	if (!strstr(c->reason, part))
		fail_msg("\"%s\" does not say \"%s\"", c->reason, part);
	/* A sentence that was cut at the end of its buffer is none. */
	assert_true(strlen(c->reason) < sizeof(c->reason) - 1);
}

static void test_all_seen(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.thp_fault = known(512);
	i.seen.clears[ZS_KIND_THP][9] = 512;
	expect_counts(row(&i, "thp"), 512, 512);
	assert_string_equal(row(&i, "thp")->reason, "");
	expect_counts(row(&i, "shmem"), 0, 0);
	expect_counts(row(&i, "collapse"), 0, 0);
	assert_string_equal(row(&i, "shmem")->reason, "");
	assert_string_equal(row(&i, "collapse")->reason, "");
	assert_null(row(&i, "guest_memfd"));
	assert_null(row(&i, "mthp-64kB"));
}

static void test_allocator_zeroes(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(1);

	(void)state;
	i.kernel.thp_fault = known(512);
	expect_counts(row(&i, "thp"), 512, 0);
	expect_reason(row(&i, "thp"), "the page allocator zeroes them (init_on_alloc=1)");
	expect_reason(row(&i, "thp"), "--allocator");
	expect_reason(row(&i, "thp"), "init_on_alloc=0");
}

static void test_allocator_unknown(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(-1);

	(void)state;
	i.kernel.thp_fault = known(512);
	expect_reason(row(&i, "thp"), "if this kernel has it on");
}

static void test_allocator_measured(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(1);

	(void)state;
	i.kernel.thp_fault = known(512);
	i.kernel.anon[4] = known(100);
	i.kernel.collapse = known(7);
	i.seen.allocator_measured = true;
	i.seen.allocator[9] = 515;
	i.seen.allocator[4] = 90;
	expect_counts(row(&i, "thp"), 512, 512);
	expect_reason(row(&i, "thp"), "512 of them were zeroed by the page allocator");
	/* What is left of the same order may have been for the collapses. */
	expect_counts(row(&i, "collapse"), 7, 3);
	expect_reason(row(&i, "collapse"), "in vain");
	expect_counts(row(&i, "mthp-64kB"), 100, 90);
	expect_reason(row(&i, "mthp-64kB"), "the other 10 went past both probes");
}

static void test_zeroed_twice(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(1);

	(void)state;
	i.kernel.thp_fault = known(512);
	i.seen.clears[ZS_KIND_THP][9] = 512;
	expect_counts(row(&i, "thp"), 512, 512);
	expect_reason(row(&i, "thp"), "zeroed twice");
}

static void test_zeroed_twice_measured(void **state)
{
	_cleanup_interval_ struct interval once = new_interval(1);
	_cleanup_interval_ struct interval twice = new_interval(1);
	_cleanup_interval_ struct interval skips = new_interval(1);

	(void)state;
	/* The allocator was watched, and did not do it. */
	once.kernel.thp_fault = known(5);
	once.seen.clears[ZS_KIND_THP][9] = 5;
	once.seen.allocator_measured = true;
	assert_string_equal(row(&once, "thp")->reason, "");

	twice.kernel.thp_fault = known(5);
	twice.seen.clears[ZS_KIND_THP][9] = 5;
	twice.seen.allocator_measured = true;
	twice.seen.allocator[9] = 5;
	expect_counts(row(&twice, "thp"), 5, 5);
	expect_reason(row(&twice, "thp"), "zeroed twice");

	/* A kernel that tells its allocator to leave them alone. */
	skips.kernel.thp_fault = known(5);
	skips.seen.clears[ZS_KIND_THP][9] = 5;
	skips.seen.allocator_skips = true;
	assert_string_equal(row(&skips, "thp")->reason, "");
}

static void test_lost(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.thp_fault = known(512);
	i.seen.clears[ZS_KIND_THP][9] = 500;
	expect_counts(row(&i, "thp"), 512, 500);
	expect_reason(row(&i, "thp"), "init_on_alloc is off");
	expect_reason(row(&i, "thp"), "12");
}

static void test_open_clears(void **state)
{
	_cleanup_interval_ struct interval open = new_interval(1);
	_cleanup_interval_ struct interval hole = new_interval(1);

	(void)state;
	/* As many as were open may be counted on one side only; not one more. */
	open.kernel.thp_fault = known(4);
	open.seen.open = 4;
	assert_string_equal(row(&open, "thp")->reason, "");
	hole.kernel.thp_fault = known(5);
	hole.seen.open = 4;
	assert_string_not_equal(row(&hole, "thp")->reason, "");
}

static void test_more_than_counted(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.thp_fault = known(10);
	i.seen.clears[ZS_KIND_THP][9] = 13;
	i.seen.open = 2;
	expect_counts(row(&i, "thp"), 10, 13);
	expect_reason(row(&i, "thp"), "3 more were cleared than the kernel counted");
}

static void test_mthp(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.anon[4] = known(200);
	i.kernel.anon[9] = known(77); /* the PMD size has its row already */
	i.seen.clears[ZS_KIND_MTHP][4] = 200;
	i.seen.clears[ZS_KIND_MTHP][2] = 3; /* seen, by a kernel without that counter */
	expect_counts(row(&i, "mthp-64kB"), 200, 200);
	assert_string_equal(row(&i, "mthp-64kB")->reason, "");
	assert_null(row(&i, "mthp-2048kB"));
	assert_non_null(row(&i, "mthp-16kB"));
	assert_false(row(&i, "mthp-16kB")->kernel.known);
	assert_int_equal(row(&i, "mthp-16kB")->seen.value, 3);
	expect_reason(row(&i, "mthp-16kB"), "does not count");
}

static void test_large_pages(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.m.page_size = 65536;
	i.m.pmd_order = 13;
	i.kernel.thp_fault = known(2);
	i.kernel.anon[5] = known(6);
	i.seen.clears[ZS_KIND_THP][13] = 2;
	i.seen.clears[ZS_KIND_MTHP][5] = 6;
	expect_counts(row(&i, "thp"), 2, 2);
	expect_counts(row(&i, "mthp-2048kB"), 6, 6);
}

static void test_shmem(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.shmem_thp = known(16);
	i.kernel.shmem[9] = known(16); /* the same folios, counted twice */
	i.kernel.shmem[4] = known(5);
	expect_counts(row(&i, "shmem"), 21, 0);
	expect_reason(row(&i, "shmem"), "each small page");
}

static void test_hugetlb(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(1);

	(void)state;
	i.seen.clears[ZS_KIND_HUGETLB][9] = 64;
	i.seen.clears[ZS_KIND_HUGETLB][18] = 1;
	assert_non_null(row(&i, "hugetlb"));
	assert_false(row(&i, "hugetlb")->kernel.known);
	assert_int_equal(row(&i, "hugetlb")->seen.value, 65);
}

static void test_guest_memfd(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(0);

	(void)state;
	i.kernel.guest_memfd = true;
	assert_non_null(row(&i, "guest_memfd"));
	assert_false(row(&i, "guest_memfd")->kernel.known);
	assert_true(row(&i, "guest_memfd")->seen.known);
	assert_int_equal(row(&i, "guest_memfd")->seen.value, 0);
	expect_reason(row(&i, "guest_memfd"), "page by page");
}

static void test_kernel_without_thp(void **state)
{
	_cleanup_interval_ struct interval i = new_interval(1);

	(void)state;
	memset(&i.kernel, 0, sizeof(i.kernel));
	assert_non_null(row(&i, "thp"));
	assert_false(row(&i, "thp")->kernel.known);
	assert_string_equal(row(&i, "thp")->reason, "");
	assert_false(row(&i, "shmem")->kernel.known);
}

/* Every sentence, with the longest numbers, fits. */
static void test_longest_sentences(void **state)
{
	const uint64_t huge = UINT64_MAX / 4;

	(void)state;
	for (int variant = 0; variant < 32; variant++) {
		_cleanup_interval_ struct interval i = new_interval(variant % 3 - 1);

		i.kernel.thp_fault = known(variant & 1 ? huge : 1);
		i.kernel.anon[4] = known(huge);
		i.kernel.shmem_thp = known(huge);
		i.kernel.collapse = known(huge);
		i.kernel.guest_memfd = true;
		i.seen.clears[ZS_KIND_THP][9] = variant & 2 ? huge - 7 : 3;
		i.seen.clears[ZS_KIND_MTHP][3] = huge;
		i.seen.allocator_measured = variant & 4;
		i.seen.allocator[9] = variant & 8 ? huge / 3 : 0;
		i.seen.allocator[4] = variant & 16 ? huge / 3 : 0;
		assert_non_null(row(&i, "thp"));
		for (size_t n = 0; n < i.nr; n++)
			assert_true(strlen(i.rows[n].reason) < sizeof(i.rows[n].reason) - 1);
	}
}

static void test_read(void **state)
{
	_cleanup_coverage_reader_ struct coverage_reader *r = NULL;
	struct coverage_counters a, b, d;
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	tree__put(&t, "/proc/vmstat",
		  "nr_free_pages 5\nthp_fault_alloc 40\nthp_fault_fallback 2\n"
		  "thp_collapse_alloc 3\nthp_file_alloc 4\nthp_zero_page_alloc 1\n"
		  "thp_zero_page_alloc_failed 9\n");
	tree__put(&t, THP_DIR "/hugepages-64kB/stats/anon_fault_alloc", "7\n");
	assert_int_equal(coverage_reader__new(t.root, 4096, &r), 0);
	assert_int_equal(coverage__read(r, &a), 0);
	assert_true(a.thp_fault.known);
	assert_int_equal(a.thp_fault.value, 40);
	assert_int_equal(a.thp_fallback.value, 2);
	assert_int_equal(a.thp_zero_page.value, 1);
	assert_int_equal(a.thp_zero_page_failed.value, 9);
	assert_int_equal(a.shmem_thp.value, 4);
	assert_int_equal(a.collapse.value, 3);
	assert_true(a.anon[4].known);
	assert_int_equal(a.anon[4].value, 7);
	assert_true(a.shmem[9].known);
	assert_false(a.anon[20].known);
	assert_false(a.guest_memfd);

	/* The same descriptors: a file that was replaced would not be seen, one that changed is. */
	tree__put(&t, "/proc/vmstat", "thp_fault_alloc 45\nthp_file_alloc 4\n");
	tree__put(&t, THP_DIR "/hugepages-64kB/stats/anon_fault_alloc", "10\n");
	assert_int_equal(coverage__read(r, &b), 0);
	coverage__delta(&b, &a, &d);
	assert_int_equal(d.thp_fault.value, 5);
	assert_int_equal(d.shmem_thp.value, 0);
	assert_true(d.shmem_thp.known);
	assert_false(d.collapse.known); /* no longer told, so not known */
	assert_int_equal(d.anon[4].value, 3);
	/* A sum over CPUs can step back; that is no huge number. */
	coverage__delta(&a, &b, &d);
	assert_int_equal(d.thp_fault.value, 0);
	/* Into one of its operands. */
	coverage__delta(&b, &a, &a);
	assert_int_equal(a.thp_fault.value, 5);
}

static void test_read_6_1(void **state)
{
	_cleanup_coverage_reader_ struct coverage_reader *r = NULL;
	struct coverage_counters c;
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.1");
	tree__put(&t, "/sys/module/kvm/version", "");
	assert_int_equal(coverage_reader__new(t.root, 4096, &r), 0);
	assert_int_equal(coverage__read(r, &c), 0);
	assert_true(c.thp_fault.known);
	for (int order = 0; order < ZS_ORDERS; order++)
		assert_false(c.anon[order].known);
	assert_true(c.guest_memfd);
}

static void test_read_nothing(void **state)
{
	_cleanup_coverage_reader_ struct coverage_reader *r = NULL;
	struct coverage_counters c;
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, NULL);
	assert_int_equal(coverage_reader__new(t.root, 4096, &r), 0);
	assert_int_equal(coverage__read(r, &c), 0);
	assert_false(c.thp_fault.known);
	tree__put(&t, THP_DIR "/hugepages-64kB/stats/anon_fault_alloc", "7x\n");
	coverage_reader__free(&r);
	assert_int_equal(coverage_reader__new(t.root, 4096, &r), 0);
	assert_int_not_equal(coverage__read(r, &c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_seen),
		cmocka_unit_test(test_allocator_zeroes),
		cmocka_unit_test(test_allocator_unknown),
		cmocka_unit_test(test_allocator_measured),
		cmocka_unit_test(test_zeroed_twice),
		cmocka_unit_test(test_zeroed_twice_measured),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_open_clears),
		cmocka_unit_test(test_more_than_counted),
		cmocka_unit_test(test_mthp),
		cmocka_unit_test(test_large_pages),
		cmocka_unit_test(test_shmem),
		cmocka_unit_test(test_hugetlb),
		cmocka_unit_test(test_guest_memfd),
		cmocka_unit_test(test_kernel_without_thp),
		cmocka_unit_test(test_longest_sentences),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_6_1),
		cmocka_unit_test(test_read_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
