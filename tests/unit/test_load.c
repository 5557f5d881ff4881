// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load workload: what it computes, what it reads out of files of the
 * kernel (here: files made by the test), settings that must come back whatever
 * ends the process, and one small run where this machine has huge pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "borrow.h"
#include "load.h"
#include "load_internal.h"
#include "pagemap.h"
#include "util.h"

#define PAGE	 4096ULL
#define KIB	 1024ULL
#define MIB	 (1024 * KIB)
#define GIB	 (1024 * MIB)
#define PATH_LEN 128

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_load-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static char *path_of(const char *name, char *buf)
{
	snprintf(buf, PATH_LEN, "%s/%s", dir, name);
	return buf;
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[PATH_LEN];
	FILE *f = fopen(path_of(name, path), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void write_str(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void read_str(const char *name, char *buf, size_t size)
{
	char path[PATH_LEN];

	assert_true(util__read_text(path_of(name, path), buf, size) >= 0);
}

/* --- Orders ------------------------------------------------------------------------------ */

static void orders_follow_the_page_size(void **state)
{
	(void)state;
	assert_int_equal(pagemap__order(4 * KIB, PAGE), 0);
	assert_int_equal(pagemap__order(64 * KIB, PAGE), 4);
	assert_int_equal(pagemap__order(2 * MIB, PAGE), 9);
	assert_int_equal(pagemap__order(GIB, PAGE), 18);
	assert_int_equal(pagemap__order(32 * MIB, 16 * KIB), 11);
	assert_int_equal(pagemap__order(512 * MIB, 64 * KIB), 13);
	assert_int_equal(pagemap__order(0, PAGE), -1);
	assert_int_equal(pagemap__order(12 * KIB, PAGE), -1);
	assert_int_equal(pagemap__order(2 * KIB, PAGE), -1);
	assert_int_equal(pagemap__order(4097, PAGE), -1);
	assert_int_equal(pagemap__order(PAGE, 0), -1);
}

static void sizes_and_lists_read_well(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(pagemap__format_bytes(2 * MIB, buf, sizeof(buf)), "2 MiB");
	assert_string_equal(pagemap__format_bytes(GIB, buf, sizeof(buf)), "1 GiB");
	assert_string_equal(pagemap__format_bytes(64 * KIB, buf, sizeof(buf)), "64 KiB");
	assert_string_equal(pagemap__format_bytes(1536 * KIB, buf, sizeof(buf)), "1536 KiB");
	assert_string_equal(pagemap__format_bytes(0, buf, sizeof(buf)), "0 bytes");
	assert_string_equal(pagemap__format_orders(0, buf, sizeof(buf)), "none");
	assert_string_equal(pagemap__format_orders(1U << 9, buf, sizeof(buf)), "9");
	assert_string_equal(pagemap__format_orders(1U << 9 | 1U << 18, buf, sizeof(buf)),
			    "9 and 18");
	assert_string_equal(pagemap__format_orders(7U << 2 | 1U << 31, buf, sizeof(buf)),
			    "2, 3, 4 and 31");
	/* Cut, never overrun. */
	assert_string_equal(pagemap__format_orders(7U << 2, buf, 5), "2, 3");
}

/* --- Folios behind a range --------------------------------------------------------------- */

#define BASE_PAGE 64 /* the range starts at this page of the made-up address space */
#define PFNS	  (1 << 16)

static uint64_t map_words[BASE_PAGE + 4096];
static uint64_t flag_words[PFNS];

static void clear_words(void)
{
	memset(map_words, 0, sizeof(map_words));
	memset(flag_words, 0, sizeof(flag_words));
}

static void make_folio(uint64_t head, uint64_t pages, uint64_t flags)
{
	uint64_t i;

	flag_words[head] = flags | (pages > 1 ? KPF_COMPOUND_HEAD : 0);
	for (i = 1; i < pages; i++)
		flag_words[head + i] = flags | KPF_COMPOUND_TAIL;
}

static void map_pages(size_t at, uint64_t pfn, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		map_words[BASE_PAGE + at + i] = PAGEMAP_PRESENT | (1ULL << 61) | (pfn + i);
}

static struct pagemap *open_words(size_t map_count)
{
	char map_path[PATH_LEN], flags_path[PATH_LEN];
	struct pagemap *pm = NULL;

	write_file("pagemap", map_words, map_count * sizeof(uint64_t));
	write_file("kpageflags", flag_words, sizeof(flag_words));
	assert_int_equal(pagemap__open(path_of("pagemap", map_path),
				       path_of("kpageflags", flags_path), PAGE, &pm),
			 0);
	return pm;
}

static const void *address(size_t page)
{
	return (const void *)(uintptr_t)((BASE_PAGE + page) * PAGE);
}

static int count(size_t page, size_t pages, struct folio_counts *c)
{
	struct pagemap *pm = open_words(ARRAY_SIZE(map_words));
	int err;

	*c = (struct folio_counts){0};
	err = pagemap__count_folios(pm, address(page), pages * PAGE, c);
	pagemap__free(pm);
	return err;
}

static void counts_each_folio_once(void **state)
{
	struct folio_counts c;

	(void)state;
	clear_words();
	make_folio(1024, 512, KPF_THP);
	make_folio(1536, 512, KPF_THP); /* its head ends the run of tails before it */
	map_pages(0, 1024, 512);
	map_pages(512, 1536, 512);
	make_folio(4096, 16, KPF_THP);
	make_folio(4112, 16, 0);
	map_pages(1024, 4096, 16);
	map_pages(1040, 4112, 16);
	map_pages(1056, 9000, 3); /* three single pages that follow each other */
	assert_int_equal(count(0, 1100, &c), 0);
	assert_int_equal(c.by_order[9], 2);
	assert_int_equal(c.by_order[4], 2);
	assert_int_equal(c.by_order[0], 3);
	assert_int_equal(c.absent, 1100 - 1059);
	assert_int_equal(c.zero_folios, 0);
}

static void counts_folios_larger_than_a_read(void **state)
{
	struct folio_counts c;

	(void)state;
	clear_words();
	make_folio(8192, 2048, KPF_HUGE);
	map_pages(0, 8192, 2048);
	make_folio(32768, 16384, KPF_HUGE);
	/* Two pages out of its middle: the folio is still one, and of its own order. */
	map_pages(2048, 32768 + 7000, 2);
	assert_int_equal(count(0, 2050, &c), 0);
	assert_int_equal(c.by_order[11], 1);
	assert_int_equal(c.by_order[14], 1);
	assert_int_equal(c.absent, 0);
}

static void tells_zero_pages_from_folios(void **state)
{
	struct folio_counts c;
	int i;

	(void)state;
	clear_words();
	make_folio(512, 512, KPF_ZERO_PAGE | KPF_THP);
	make_folio(77, 1, KPF_ZERO_PAGE);
	for (i = 0; i < 3; i++)
		map_pages((size_t)i * 512, 512, 512);
	map_pages(1536, 77, 1);
	map_pages(1537, 77, 1);
	assert_int_equal(count(0, 1538, &c), 0);
	assert_int_equal(c.zero_folios, 3);
	assert_int_equal(c.zero_pages, 2);
	for (i = 0; i < PAGEMAP_ORDERS; i++)
		assert_int_equal(c.by_order[i], 0);
}

static void swapped_pages_are_absent(void **state)
{
	struct folio_counts c;

	(void)state;
	clear_words();
	map_words[BASE_PAGE] = 1ULL << 62 | 0x1234;
	assert_int_equal(count(0, 1, &c), 0);
	assert_int_equal(c.absent, 1);
}

static void refuses_what_it_cannot_know(void **state)
{
	char map_path[PATH_LEN], none[PATH_LEN];
	struct folio_counts c = {0};
	struct pagemap *pm;

	(void)state;
	clear_words();
	/* Page frame numbers read as 0 without CAP_SYS_ADMIN. */
	map_words[BASE_PAGE] = PAGEMAP_PRESENT;
	assert_int_equal(count(0, 1, &c), -EPERM);
	/* Three pages are no folio: the reader met one that was changing. */
	make_folio(100, 3, 0);
	map_pages(0, 100, 3);
	assert_int_equal(count(0, 3, &c), -EAGAIN);

	pm = open_words(BASE_PAGE + 4);
	assert_int_equal(pagemap__count_folios(pm, address(0), 8 * PAGE, &c), -ENODATA);
	pagemap__free(pm);

	assert_int_equal(pagemap__open(path_of("absent", none), "/dev/null", PAGE, &pm), -ENOENT);
	assert_int_equal(pagemap__open(path_of("pagemap", map_path), none, PAGE, &pm), 0);
	assert_false(pagemap__sees_folios(pm, address(0)));
	assert_int_equal(pagemap__count_folios(pm, address(0), PAGE, &c), -EPERM);
	pagemap__free(pm);
}

static void sees_folios_only_with_frame_numbers(void **state)
{
	struct pagemap *pm;

	(void)state;
	clear_words();
	map_pages(0, 300, 1);
	map_words[BASE_PAGE + 1] = PAGEMAP_PRESENT;
	pm = open_words(BASE_PAGE + 3);
	assert_true(pagemap__sees_folios(pm, address(0)));
	assert_false(pagemap__sees_folios(pm, address(1)));
	assert_false(pagemap__sees_folios(pm, address(2)));
	assert_false(pagemap__sees_folios(pm, address(3)));
	pagemap__free(pm);
}

static void presence_tells_an_order(void **state)
{
	uint64_t words[16];
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		words[i] = PAGEMAP_PRESENT;
	assert_int_equal(pagemap__present_order(words, 16, 0), 4);
	assert_int_equal(pagemap__present_order(words, 16, 15), 4);
	words[3] = 0;
	assert_int_equal(pagemap__present_order(words, 16, 0), 1);
	assert_int_equal(pagemap__present_order(words, 16, 2), 0);
	assert_int_equal(pagemap__present_order(words, 16, 3), -1);
	assert_int_equal(pagemap__present_order(words, 16, 4), 2);
	assert_int_equal(pagemap__present_order(words, 16, 9), 3);
	/* Swapped is not present. */
	words[8] = 1ULL << 62;
	assert_int_equal(pagemap__present_order(words, 16, 9), 0);
}

/* --- Text files of the kernel ------------------------------------------------------------ */

static const char smaps_text[] = "10000-20000 rw-p 00000000 00:00 0 \n"
				 "Rss:                  64 kB\n"
				 "AnonHugePages:      2048 kB\n"
				 "200000-400000 rw-p 00000000 00:00 0 \n"
				 "Size:               2048 kB\n"
				 "Rss:                2048 kB\n"
				 "Pss:                2048 kB\n"
				 "AnonHugePages:      2048 kB\n"
				 "ShmemPmdMapped:        0 kB\n"
				 "FilePmdMapped:         0 kB\n"
				 "Shared_Hugetlb:        0 kB\n"
				 "Private_Hugetlb:       0 kB\n"
				 "VmFlags: rd wr mr mw me ac hg \n"
				 "400000-600000 rw-p 00000000 00:00 0 \n"
				 "Rss:                  12 kB\n"
				 "AnonHugePages:         0 kB\n"
				 "ShmemPmdMapped:     2048 kB\n"
				 "Shared_Hugetlb:     4096 kB\n"
				 "Private_Hugetlb:    2048 kB\n"
				 "600000-601000 rw-p 00000000 00:00 0    [heap]\n"
				 "Rss:                   4 kB\n"
				 "AnonHugePages:      9999 kB\n";

static void smaps_counts_inside_a_range(void **state)
{
	struct smaps_sum s;
	char path[PATH_LEN];

	(void)state;
	write_str("smaps", smaps_text);
	path_of("smaps", path);
	assert_int_equal(pagemap__smaps(path, (void *)0x200000, 0x400000, &s), 0);
	assert_int_equal(s.mappings, 2);
	assert_int_equal(s.rss, 2060 * KIB);
	assert_int_equal(s.anon_huge, 2 * MIB);
	assert_int_equal(s.shmem_huge, 2 * MIB);
	assert_int_equal(s.hugetlb, 6 * MIB);
	/* A mapping that is half inside is somebody else's. */
	assert_int_equal(pagemap__smaps(path, (void *)0x200000, 0x100000, &s), 0);
	assert_int_equal(s.mappings, 0);
	assert_int_equal(s.rss, 0);
	assert_int_equal(pagemap__smaps(path_of("absent", path), NULL, 0, &s), -ENOENT);
}

static void vmstat_matches_whole_names(void **state)
{
	char path[PATH_LEN];
	uint64_t value = 42;

	(void)state;
	write_str("vmstat", "nr_free_pages 100\nthp_fault_alloc_x 7\nthp_fault_alloc 3\n"
			    "thp_fault_fallback 18446744073709551615\nbroken \n");
	path_of("vmstat", path);
	assert_int_equal(pagemap__vmstat(path, "thp_fault_alloc", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(pagemap__vmstat(path, "thp_fault_fallback", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(pagemap__vmstat(path, "thp_fault", &value), -ENOENT);
	assert_int_equal(pagemap__vmstat(path, "broken", &value), -EINVAL);
	assert_int_equal(pagemap__vmstat(path_of("absent", path), "x", &value), -ENOENT);
}

static void choices_stand_in_brackets(void **state)
{
	char path[PATH_LEN], word[8];

	(void)state;
	path_of("choice", path);
	write_str("choice", "always [madvise] never\n");
	assert_int_equal(pagemap__choice(path, word, sizeof(word)), 0);
	assert_string_equal(word, "madvise");
	assert_int_equal(pagemap__choice(path, word, 7), -EFBIG);
	write_str("choice", "[always] madvise never\n");
	assert_int_equal(pagemap__choice(path, word, sizeof(word)), 0);
	assert_string_equal(word, "always");
	write_str("choice", "always madvise never\n");
	assert_int_equal(pagemap__choice(path, word, sizeof(word)), -EINVAL);
	write_str("choice", "a [] b\n");
	assert_int_equal(pagemap__choice(path, word, sizeof(word)), -EINVAL);
	write_str("choice", "a [b\n");
	assert_int_equal(pagemap__choice(path, word, sizeof(word)), -EINVAL);
	assert_int_equal(pagemap__choice(path_of("absent", path), word, sizeof(word)), -ENOENT);
}

static void orders_come_from_folder_names(void **state)
{
	static const char *const folders[] = {"hugepages-64kB", "hugepages-2048kB",
					      "hugepages-8kB",	"hugepages-12kB",
					      "hugepages-",	"hugepages-16kBx",
					      "other"};
	char path[PATH_LEN], sub[PATH_LEN * 2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(folders); i++)
		assert_int_equal(mkdir(path_of(folders[i], path), 0700), 0);
	snprintf(sub, sizeof(sub), "%s/hugepages-64kB/enabled", dir);
	assert_int_equal(close(open(sub, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(pagemap__orders(dir, NULL, PAGE), 1U << 1 | 1U << 4 | 1U << 9);
	assert_int_equal(pagemap__orders(dir, "enabled", PAGE), 1U << 4);
	assert_int_equal(pagemap__orders(dir, "enabled", 16 * KIB), 1U << 2);
	assert_int_equal(pagemap__orders(path_of("absent", path), NULL, PAGE), 0);
}

/* --- What load computes ------------------------------------------------------------------ */

static void faults_are_due_evenly(void **state)
{
	uint64_t k;
	unsigned int t;

	(void)state;
	assert_int_equal(load__due_ns(0, 0, 1, 1000), 0);
	assert_int_equal(load__due_ns(1000, 0, 1, 1000), NSEC_PER_SEC);
	/* The threads take turns: together they make the rate. */
	for (k = 0; k < 50; k++)
		for (t = 0; t < 4; t++)
			assert_int_equal(load__due_ns(k, t, 4, 100), (k * 4 + t) * 10000000);
	assert_int_equal(load__due_ns(1, 0, 1, 0.5), 2 * NSEC_PER_SEC);
	assert_true(load__due_ns(UINT64_MAX, 0, 1, 1e-9) == INT64_MAX);
}

static void shares_cover_all_slots_once(void **state)
{
	uint64_t total, first, end, next;
	unsigned int n, t;

	(void)state;
	for (total = 0; total < 70; total++) {
		for (n = 1; n < 12; n++) {
			next = 0;
			for (t = 0; t < n; t++) {
				load__share(total, t, n, &first, &end);
				assert_int_equal(first, next);
				assert_true(end >= first && end - first <= total / n + 1);
				assert_true(end - first >= total / n);
				next = end;
			}
			assert_int_equal(next, total);
		}
	}
}

static void touches_the_page_asked_for(void **state)
{
	unsigned int hits[16] = {0};
	uint64_t slot;
	size_t i;

	(void)state;
	for (slot = 0; slot < 1600; slot++) {
		assert_int_equal(load__touched_page(TOUCH_FIRST, slot, 512), 0);
		assert_int_equal(load__touched_page(TOUCH_LAST, slot, 512), 511);
		assert_true(load__touched_page(TOUCH_RANDOM, slot, 16) < 16);
		hits[load__touched_page(TOUCH_RANDOM, slot, 16)]++;
		/* Writing, counting and checking each ask again: the answer must stay. */
		assert_int_equal(load__touched_page(TOUCH_RANDOM, slot, 512),
				 load__touched_page(TOUCH_RANDOM, slot, 512));
	}
	for (i = 0; i < ARRAY_SIZE(hits); i++)
		assert_in_range(hits[i], 50, 150);
}

/* One byte other than 0 in a buffer of zeros that ends with it or after it. */
static void find_byte(size_t at, size_t bytes, unsigned char value)
{
	unsigned char *mem = calloc(1, bytes);
	struct load_nonzero nz = {0};

	assert_non_null(mem);
	load__scan(mem, bytes, 3, 4096, &nz);
	assert_int_equal(nz.bytes, 0);
	mem[at] = value;
	load__scan(mem, bytes, 3, 4096, &nz);
	assert_int_equal(nz.bytes, 1);
	assert_int_equal(nz.folio, 3);
	assert_int_equal(nz.offset, 4096 + at);
	assert_int_equal(nz.value, value);
	memset(mem, LOAD_STALE, bytes);
	load__scan(mem, bytes, 9, 0, &nz);
	assert_int_equal(nz.bytes, 1 + bytes);
	assert_int_equal(nz.folio, 3);
	free(mem);
}

static void scan_finds_any_byte_anywhere(void **state)
{
	size_t at;

	(void)state;
	for (at = 0; at < 1293; at++) {
		find_byte(at, 1293, 1);
		find_byte(at, at + 1, 0x80);
	}
}

static void the_first_stale_byte_is_the_lowest(void **state)
{
	struct load_nonzero sum = {0};
	const struct load_nonzero none = {0};
	const struct load_nonzero late = {.bytes = 2, .folio = 7, .offset = 5, .value = 1};
	const struct load_nonzero early = {.bytes = 3, .folio = 7, .offset = 4, .value = 2};
	const struct load_nonzero first = {.bytes = 1, .folio = 2, .offset = 9, .value = 3};

	(void)state;
	load__merge_nonzero(&sum, &none);
	assert_int_equal(sum.bytes, 0);
	load__merge_nonzero(&sum, &late);
	load__merge_nonzero(&sum, &early);
	assert_int_equal(sum.offset, 4);
	load__merge_nonzero(&sum, &first);
	load__merge_nonzero(&sum, &late);
	load__merge_nonzero(&sum, &none);
	assert_int_equal(sum.bytes, 8);
	assert_int_equal(sum.folio, 2);
	assert_int_equal(sum.value, 3);
}

static void medians(void **state)
{
	float odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2}, one[] = {7};

	(void)state;
	assert_true(load__median(odd, 3) == 3.0);
	assert_true(load__median(even, 4) == 2.5);
	assert_true(load__median(one, 1) == 7.0);
	assert_true(isnan(load__median(one, 0)));
}

static void expects_clears_of_whole_folios_only(void **state)
{
	struct load_plan p = {.order = 9, .clears = true};
	struct load_result r = {.folios.by_order = {[0] = 512, [4] = 3, [9] = 60}};

	(void)state;
	assert_int_equal(load__clears_expected(&p, &r, 9), 60);
	assert_int_equal(load__clears_expected(&p, &r, 4), 3);
	assert_int_equal(load__clears_expected(&p, &r, 0), 0);
	p.clears = false; /* shmem */
	assert_int_equal(load__clears_expected(&p, &r, 9), 0);
}

/* --- Judgement and refusals: one sentence each ------------------------------------------- */

/* What f() says on standard error. */
static int said_by(int (*f)(const void *), const void *arg, char *text, size_t size)
{
	char path[PATH_LEN];
	int fd, saved, status;

	fd = open(path_of("stderr", path), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	status = f(arg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	read_str("stderr", text, size);
	return status;
}

static void assert_one_sentence(const char *text)
{
	const char *prefix = "zeroscope: ";

	assert_true(!strncmp(text, prefix, strlen(prefix)));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(text[strlen(text) - 2] == '.', 0);
}

struct verdict {
	struct load_plan plan;
	struct load_result result;
};

static int judge(const void *arg)
{
	const struct verdict *v = arg;

	return load_report__judge(&v->plan, &v->result);
}

static void judges_by_what_was_got(void **state)
{
	struct verdict v = {
		.plan = {.opt.count = 64, .order = 9, .clears = true},
		.result = {.faults = 64, .orders_known = true, .folios.by_order = {[9] = 64}},
	};
	char text[512];

	(void)state;
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_OK);
	assert_string_equal(text, "");

	v.result.folios.by_order[9] = 60;
	v.result.folios.by_order[0] = 4;
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);
	assert_non_null(strstr(text, "asked for 64 folios of order 9, got 60, 4 of order 0;"));
	assert_non_null(strstr(text, "compact_memory"));

	/* Stale memory outweighs everything else. */
	v.result.nonzero =
		(struct load_nonzero){.bytes = 5, .folio = 6, .offset = 7, .value = 0xa5};
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);
	assert_non_null(strstr(text, "folio 6 had 0xa5 at byte 7 (5 such bytes in all)"));

	v = (struct verdict){
		.plan = {.opt.count = 3, .order = 9, .zero_folio = true},
		.result = {.faults = 3, .orders_known = true, .folios.zero_folios = 3},
	};
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_OK);
	v.result.folios.zero_folios = 2;
	v.result.folios.zero_pages = 1;
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);

	v = (struct verdict){.plan.opt.count = 3, .result.interrupted = true};
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);
	v = (struct verdict){.plan.opt.count = 3, .result.faults = 3};
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);
	v.result.orders_known = true;
	strcpy(v.result.error, "ENOSPC (No space left on device)");
	assert_int_equal(said_by(judge, &v, text, sizeof(text)), LOAD_FAILED);
	assert_one_sentence(text);
}

static const struct load_options defaults = {
	.kind = LOAD_THP,
	.order = -1,
	.count = 64,
	.threads = 1,
	.node = -1,
};

static int plan(const void *arg)
{
	_cleanup_borrow_ struct borrow *b = NULL;
	struct load_plan p;

	assert_int_equal(borrow__new(&b), 0);
	return load_plan__make(arg, &p, b);
}

static void refuses_impossible_options(void **state)
{
	struct load_options bad[7];
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = defaults;
	bad[0].count = 0;
	bad[1].threads = 0;
	bad[2].threads = LOAD_MAX_THREADS + 1;
	bad[3].threads = 65;
	bad[4].rate = -1;
	bad[5].rate = NAN;
	bad[6].reserve = true;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(said_by(plan, &bad[i], text, sizeof(text)), LOAD_USAGE);
		assert_one_sentence(text);
	}
	bad[0] = defaults;
	bad[0].node = LOAD_MAX_NODES - 1;
	i = (size_t)said_by(plan, &bad[0], text, sizeof(text));
	assert_true(i == LOAD_USAGE || i == LOAD_REFUSED);
	assert_one_sentence(text);
	/* Order 1 exists on no kernel for anonymous memory; some have no mTHP at all. */
	bad[0] = defaults;
	bad[0].kind = LOAD_MTHP;
	bad[0].order = 1;
	i = (size_t)said_by(plan, &bad[0], text, sizeof(text));
	assert_true(i == LOAD_USAGE || i == LOAD_REFUSED);
	assert_one_sentence(text);
}

/* --- Borrowed settings ------------------------------------------------------------------- */

static void assert_file(const char *name, const char *expected)
{
	char text[64];

	read_str(name, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void gives_back_at_the_end(void **state)
{
	struct borrow *b = NULL;
	const char *old, *value;
	char one[PATH_LEN], two[PATH_LEN];

	(void)state;
	write_str("one", "never");
	write_str("two", "12");
	path_of("one", one);
	path_of("two", two);
	assert_int_equal(borrow__new(&b), 0);
	assert_int_equal(borrow__set(b, one, "never", "madvise"), 0);
	assert_int_equal(borrow__set(b, two, "12", "64"), 0);
	assert_file("one", "never"); /* planned is not done */
	assert_int_equal(borrow__commit(b, NULL), 0);
	assert_file("one", "madvise");
	assert_file("two", "64");
	assert_string_equal(borrow__entry(b, 1, &old, &value), two);
	assert_string_equal(old, "12");
	assert_string_equal(value, "64");
	assert_null(borrow__entry(b, 2, &old, &value));
	assert_int_equal(borrow__return(b), 0);
	assert_file("one", "never");
	assert_file("two", "12");
	assert_int_equal(borrow__return(b), 0);
	borrow__free(b);
}

/* A process that borrows and waits; the byte on ready_fd says that it has. */
static void __attribute__((noreturn)) borrow_and_wait(const char *path, int ready_fd)
{
	struct borrow *b = NULL;

	setpgid(0, 0);
	if (borrow__new(&b) || borrow__set(b, path, "never", "madvise") || borrow__commit(b, NULL))
		_exit(1);
	if (write(ready_fd, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void wait_for_file(const char *name, const char *expected)
{
	uint64_t deadline = util__monotonic_ns() + 30 * NSEC_PER_SEC;
	char text[64];

	do {
		read_str(name, text, sizeof(text));
		if (!strcmp(text, expected))
			return;
		usleep(1000);
	} while (util__monotonic_ns() < deadline);
	assert_string_equal(text, expected);
}

static void gives_back_when_killed_by(int sig, bool group)
{
	char path[PATH_LEN], c;
	int fds[2], status;
	pid_t pid;

	write_str("one", "never");
	path_of("one", path);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid)
		borrow_and_wait(path, fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_file("one", "madvise");
	/* Ctrl-C goes to the whole group; the keeper in it has to stay. */
	assert_int_equal(kill(group ? -pid : pid, sig), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	wait_for_file("one", "never");
	close(fds[0]);
}

static void gives_back_after_sigkill(void **state)
{
	(void)state;
	gives_back_when_killed_by(SIGKILL, false);
}

static void gives_back_after_ctrl_c(void **state)
{
	(void)state;
	gives_back_when_killed_by(SIGINT, true);
	gives_back_when_killed_by(SIGTERM, true);
	gives_back_when_killed_by(SIGHUP, true);
}

static void two_share_what_neither_changes(void **state)
{
	struct borrow *a = NULL, *b = NULL;
	char path[PATH_LEN];

	(void)state;
	write_str("one", "madvise");
	path_of("one", path);
	assert_int_equal(borrow__new(&a), 0);
	assert_int_equal(borrow__new(&b), 0);
	assert_int_equal(borrow__rely(a, path), 0);
	assert_int_equal(borrow__rely(b, path), 0);
	assert_int_equal(borrow__set(b, path, "madvise", "never"), -EBUSY);
	borrow__free(a);
	borrow__free(b);
	b = NULL;
	assert_int_equal(borrow__new(&a), 0);
	assert_int_equal(borrow__new(&b), 0);
	assert_int_equal(borrow__set(a, path, "madvise", "never"), 0);
	assert_int_equal(borrow__rely(b, path), -EBUSY);
	borrow__free(a);
	assert_int_equal(borrow__rely(b, path), 0);
	borrow__free(b);
	assert_file("one", "madvise");
}

/* Borrows the file, which then becomes a folder: that no one can write to, root included. */
static int lose_the_file(const void *path)
{
	struct borrow *b = NULL;
	int err;

	assert_int_equal(borrow__new(&b), 0);
	assert_int_equal(borrow__set(b, path, "never", "madvise"), 0);
	assert_int_equal(borrow__commit(b, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	err = borrow__return(b);
	borrow__free(b);
	return err;
}

static void says_what_it_cannot_give_back(void **state)
{
	char path[PATH_LEN], text[512];

	(void)state;
	write_str("one", "never");
	assert_int_equal(said_by(lose_the_file, path_of("one", path), text, sizeof(text)), -EIO);
	assert_one_sentence(text);
	assert_non_null(strstr(text, path));
}

static int change_two(const void *paths)
{
	const char(*path)[PATH_LEN] = paths;
	struct borrow *b = NULL;
	const char *refused = NULL;

	assert_int_equal(borrow__new(&b), 0);
	assert_int_equal(borrow__set(b, path[0], "never", "madvise"), 0);
	assert_int_equal(borrow__set(b, path[1], "1", "2"), 0);
	assert_int_equal(borrow__commit(b, &refused), -EISDIR);
	assert_string_equal(refused, path[1]);
	borrow__free(b);
	return 0;
}

static void a_refused_change_undoes_the_rest(void **state)
{
	char path[2][PATH_LEN], text[512];

	(void)state;
	write_str("one", "never");
	path_of("one", path[0]);
	assert_int_equal(mkdir(path_of("two", path[1]), 0700), 0);
	assert_int_equal(said_by(change_two, path, text, sizeof(text)), 0);
	/* What was never changed is not written to, so there is nothing to say. */
	assert_string_equal(text, "");
	assert_file("one", "never");
}

/* --- One run for real -------------------------------------------------------------------- */

static int run_load(const struct load_options *opt, char *text, size_t size)
{
	char path[PATH_LEN];
	int status;
	pid_t pid;

	path_of("out", path);
	pid = fork();
	if (!pid) {
		int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

		dup2(fd, STDOUT_FILENO);
		/* Results of the tests that stdio still holds must not go there too. */
		_exit(load__run(opt));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_str("out", text, size);
	return WEXITSTATUS(status);
}

static void loads_where_this_machine_can(void **state)
{
	struct load_options opt = defaults;
	static char text[16384];
	int status;

	(void)state;
	opt.count = 3;
	opt.threads = 2;
	opt.touch = TOUCH_RANDOM;
	opt.reread = opt.pmu = opt.json = true;
	fflush(stdout);
	status = run_load(&opt, text, sizeof(text));
	if (status == LOAD_REFUSED)
		skip();
	assert_non_null(strstr(text, "{\"type\":\"load\",\"kind\":\"thp\","));
	assert_non_null(strstr(text, "\"faults\":3,"));
	assert_non_null(strstr(text, "\"nonzero\":0,"));
	/* Huge pages may be too few on a machine that is in use; then it must say so. */
	assert_int_equal(status, strstr(text, "\"clears_expected\":{\"9\":3}") ||
						 strstr(text, "\"clears_expected\":{\"11\":3}")
					 ? LOAD_OK
					 : LOAD_FAILED);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_follow_the_page_size),
		cmocka_unit_test(sizes_and_lists_read_well),
		IN_DIR(counts_each_folio_once),
		IN_DIR(counts_folios_larger_than_a_read),
		IN_DIR(tells_zero_pages_from_folios),
		IN_DIR(swapped_pages_are_absent),
		IN_DIR(refuses_what_it_cannot_know),
		IN_DIR(sees_folios_only_with_frame_numbers),
		cmocka_unit_test(presence_tells_an_order),
		IN_DIR(smaps_counts_inside_a_range),
		IN_DIR(vmstat_matches_whole_names),
		IN_DIR(choices_stand_in_brackets),
		IN_DIR(orders_come_from_folder_names),
		cmocka_unit_test(faults_are_due_evenly),
		cmocka_unit_test(shares_cover_all_slots_once),
		cmocka_unit_test(touches_the_page_asked_for),
		cmocka_unit_test(scan_finds_any_byte_anywhere),
		cmocka_unit_test(the_first_stale_byte_is_the_lowest),
		cmocka_unit_test(medians),
		cmocka_unit_test(expects_clears_of_whole_folios_only),
		IN_DIR(judges_by_what_was_got),
		IN_DIR(refuses_impossible_options),
		IN_DIR(gives_back_at_the_end),
		IN_DIR(gives_back_after_sigkill),
		IN_DIR(gives_back_after_ctrl_c),
		IN_DIR(two_share_what_neither_changes),
		IN_DIR(says_what_it_cannot_give_back),
		IN_DIR(a_refused_change_undoes_the_rest),
		IN_DIR(loads_where_this_machine_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
