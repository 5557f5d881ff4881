// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bucket scheme: the bounds against exact integer arithmetic, and the
 * kernel side's own code against the bounds, for every one of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hist.h"
#include "util.h"

/* The kernel side's code, compiled for user space. */
struct task_struct {
	int tgid, pid;
	char comm[16];
};

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#undef __always_inline
#define __always_inline			  inline __attribute__((always_inline))
#define __noinline			  __attribute__((noinline))
#define BPF_CORE_READ(p, member)	  ((p)->member)
#define BPF_CORE_READ_INTO(to, p, member) memcpy(to, (p)->member, sizeof((p)->member))
#define barrier_var(v)			  (void)(v)
#define BPF_MAP_TYPE_PERCPU_ARRAY	  6
#define bpf_map_lookup_elem(map, key)	  ((void)(map), (void)(key), (void *)NULL)
#define hist__bucket			  bpf_hist__bucket
#define hist__add			  bpf_hist__add
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#define const /* the loader may write the tables */
#include "../../bpf/hist.bpf.h"
#undef const
#pragma GCC diagnostic pop
#undef hist__bucket
#undef hist__add

/* Natural numbers of up to 2048 bits, for powers that no machine word holds. */
#define LIMBS 64
struct big {
	uint32_t limb[LIMBS];
};

static struct big big_of(uint64_t v)
{
	struct big b = {{(uint32_t)v, v >> 32}};

	return b;
}

static struct big big_mul(const struct big *a, uint64_t by)
{
	struct big r = {0};
	uint64_t part[2] = {(uint32_t)by, by >> 32};
	int i, j;

	for (j = 0; j < 2; j++) {
		uint64_t carry = 0;

		for (i = 0; i + j < LIMBS; i++) {
			uint64_t sum = a->limb[i] * part[j] + r.limb[i + j] + carry;

			r.limb[i + j] = sum;
			carry = sum >> 32;
		}
		assert_int_equal(carry, 0);
	}
	return r;
}

static int big_cmp(const struct big *a, const struct big *b)
{
	int i;

	for (i = LIMBS - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

/* a^16 * 2^shift */
static struct big pow16(uint64_t a, int shift)
{
	struct big r = big_of(1);
	int i;

	for (i = 0; i < 16; i++)
		r = big_mul(&r, a);
	for (i = 0; i < shift; i++)
		r = big_mul(&r, 2);
	return r;
}

/* bound = floor(1e9 * 2^(k/16)) if and only if bound^16 <= 1e9^16 * 2^k < (bound+1)^16. */
static void bounds_are_exact(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ZS_BOUNDS; i++) {
		int k = (int)i + 16 * ZS_BOUND_MIN_LOG2;
		uint64_t bound = hist__bound_ns(i);
		struct big truth = pow16(1000000000, k > 0 ? k : 0);
		struct big low = pow16(bound, k < 0 ? -k : 0);
		struct big high = pow16(bound + 1, k < 0 ? -k : 0);

		assert_true(big_cmp(&low, &truth) <= 0);
		assert_true(big_cmp(&truth, &high) < 0);
	}
	assert_int_equal(hist__bound_ns(0), 238);
	assert_int_equal(hist__bound_ns(ZS_BOUNDS - 1), 64000000000ULL);
}

static void span_bounds_are_exact(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ZS_SPAN_BOUNDS; i++) {
		int k = 4 * (int)i + 16 * ZS_SPAN_BOUND_MIN_LOG2;
		uint64_t bound = hist__span_bound_ns(i);
		struct big truth = pow16(1000000000, k > 0 ? k : 0);
		struct big low = pow16(bound, k < 0 ? -k : 0);
		struct big high = pow16(bound + 1, k < 0 ? -k : 0);

		assert_true(big_cmp(&low, &truth) <= 0);
		assert_true(big_cmp(&truth, &high) < 0);
	}
	assert_int_equal(hist__span_bound_ns(40), 1000000000);
	assert_int_equal(hist__span_bound_ns(ZS_SPAN_BOUNDS - 1), (1ULL << 25) * 1000000000);
}

static void check_span(uint64_t ns, unsigned int want)
{
	struct zs_span s = {0};

	hist__add_span(&s, ns);
	assert_int_equal(s.bucket[want], 1);
	assert_int_equal(s.sum_ns, ns);
}

static void kernel_finds_the_span(void **state)
{
	unsigned int i;

	(void)state;
	hist__fill_spans((uint64_t *)(uintptr_t)span_bound);
	for (i = 0; i < ZS_SPAN_BOUNDS; i++) {
		check_span(hist__span_bound_ns(i) - 1, i);
		check_span(hist__span_bound_ns(i), i);
		check_span(hist__span_bound_ns(i) + 1, i + 1);
	}
	check_span(0, 0);
	check_span(1, 0);
	check_span(UINT64_MAX, ZS_SPAN_BOUNDS);
}

/* The loader's buffers are not const. */
static void fill_tables(void)
{
	hist__fill_cells((uint64_t *)(uintptr_t)hist_cell);
}

/* Whatever the duration before it was. */
static void check_bucket(uint64_t ns, unsigned int want)
{
	static uint32_t last;
	uint32_t shift;

	assert_int_equal(hist__bucket(ns), want);
	assert_int_equal(bpf_hist__bucket(ns, &last), want);
	assert_int_equal(bpf_hist__bucket(ns, &last), want);
	for (shift = 0; shift < 32; shift++) {
		uint32_t other = shift;

		assert_int_equal(bpf_hist__bucket(ns, &other), want);
	}
}

static void every_bound_divides(void **state)
{
	unsigned int i;

	(void)state;
	fill_tables();
	for (i = 0; i < ZS_BOUNDS; i++) {
		check_bucket(hist__bound_ns(i), i);
		check_bucket(hist__bound_ns(i) + 1, i + 1);
		if (i)
			check_bucket(hist__bound_ns(i) - 1,
				     hist__bound_ns(i) - 1 == hist__bound_ns(i - 1) ? i - 1 : i);
	}
	check_bucket(0, 0);
	check_bucket(1, 0);
	check_bucket(UINT64_MAX, ZS_BOUNDS);
	check_bucket(1ULL << 36, ZS_BOUNDS);
	check_bucket(1ULL << 56, ZS_BOUNDS);
	check_bucket(1ULL << 63, ZS_BOUNDS);
}

/* Between the bounds: every cell's edges, and durations of all sizes. */
static void kernel_and_user_agree(void **state)
{
	uint64_t seed = 1, ns;
	unsigned int octave, cell, i;

	(void)state;
	fill_tables();
	for (octave = 0; octave < 40; octave++) {
		for (cell = 0; cell < 32; cell++) {
			ns = (1ULL << octave) + (((uint64_t)cell << octave) >> 5);
			for (i = 0; i < 3; i++)
				check_bucket(ns + i - 1, hist__bucket(ns + i - 1));
		}
	}
	for (i = 0; i < 200000; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		ns = seed >> (16 + (seed >> 8) % 48);
		check_bucket(ns, hist__bucket(ns));
	}
}

static void log2_is_right(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 64; i++) {
		assert_int_equal(hist__log2(1ULL << i), i);
		assert_int_equal(hist__log2((1ULL << i) | 1), i);
		assert_int_equal(hist__log2((1ULL << i) - 1 + (1ULL << i)), i);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The quantile of a sample that is known lies in the interval that is printed. */
static void quantiles_hold_the_truth(void **state)
{
	static const double q[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
	uint64_t sample[1000], seed = 7;
	unsigned int round, i, n;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct hist h = {0};

		n = 1 + round * 3;
		for (i = 0; i < n; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			sample[i] = seed >> (26 + (seed >> 9) % (1 + round % 30));
			h.bucket[hist__bucket(sample[i])]++;
			h.count++;
		}
		qsort(sample, n, sizeof(sample[0]), by_value);
		for (i = 0; i < ARRAY_SIZE(q); i++) {
			struct hist_range r = hist__quantile(&h, q[i]);
			/* The smallest that a share q did not exceed. */
			uint64_t rank = ((uint64_t)(q[i] * 1000 + 0.5) * n + 999) / 1000;
			double truth = sample[rank ? rank - 1 : 0] / 1e9;

			/* Bounds are whole nanoseconds: at most one below 2^(i/16) s. */
			assert_true(r.lo - 1e-9 <= truth && truth <= r.hi + 1e-12);
		}
	}
}

static void empty_has_no_quantile(void **state)
{
	struct hist h = {0};
	struct hist_range r = hist__quantile(&h, 0.99);

	(void)state;
	assert_true(r.lo == 0 && r.hi == 0);
}

static void kernel_adds_and_keeps_the_maximum(void **state)
{
	struct task_struct me = {12, 13, "me"}, other = {14, 15, "other"};
	struct zs_hist h;

	(void)state;
	fill_tables();
	memset(&h, 0, sizeof(h));
	epoch = 4;
	bpf_hist__add(&h, 1000, 5000, 9, 1, &me);
	bpf_hist__add(&h, 3000, 6000, 9, -1, &other);
	bpf_hist__add(&h, 2000, 7000, 9, 0, &me);
	assert_int_equal(h.sum_ns, 6000);
	assert_int_equal(h.bucket[hist__bucket(1000)], 1);
	assert_int_equal(h.max[0].ns, 3000);
	assert_int_equal(h.max[0].tgid, 14);
	assert_int_equal(h.max[0].node, -1);
	assert_int_equal(h.max[0].order, 9);
	assert_string_equal(h.max[0].comm, "other");
	assert_int_equal(h.max[0].begin, h.max[0].end);
	/* A new epoch begins anew, in the other entry; the old one stays to be read. */
	epoch = 5;
	bpf_hist__add(&h, 10, 8000, 4, 2, &me);
	assert_int_equal(h.max[1].ns, 10);
	assert_int_equal(h.max[0].ns, 3000);
	/* A program that slept over two epochs does not take one back. */
	epoch = 6;
	bpf_hist__add(&h, 50, 9000, 4, 2, &me);
	epoch = 4;
	bpf_hist__add(&h, 40, 9000, 4, 2, &me);
	assert_int_equal(h.max[0].epoch, 6);
	assert_int_equal(h.max[0].ns, 50);
}

static void kernel_moves_an_event(void **state)
{
	struct zs_hist h;

	(void)state;
	fill_tables();
	memset(&h, 0, sizeof(h));
	hist__move(&h, 5000000, 3000000);
	assert_int_equal(h.bucket[hist__bucket(5000000)], (uint64_t)-1);
	assert_int_equal(h.bucket[hist__bucket(3000000)], 1);
	assert_int_equal(h.sum_ns, (uint64_t)-2000000);
}

static void sub_and_add_are_inverse(void **state)
{
	struct hist a = {0}, b = {0}, c;
	unsigned int i;

	(void)state;
	for (i = 0; i < ZS_BUCKETS; i++) {
		a.bucket[i] = 3 * i;
		b.bucket[i] = i;
		a.count += 3 * i;
		b.count += i;
	}
	a.sum_ns = 100;
	b.sum_ns = 30;
	c = a;
	hist__sub(&c, &b);
	assert_int_equal(c.bucket[7], 14);
	assert_int_equal(c.sum_ns, 70);
	hist__add(&c, &b);
	assert_memory_equal(&c, &a, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_exact),
		cmocka_unit_test(span_bounds_are_exact),
		cmocka_unit_test(kernel_finds_the_span),
		cmocka_unit_test(every_bound_divides),
		cmocka_unit_test(kernel_and_user_agree),
		cmocka_unit_test(log2_is_right),
		cmocka_unit_test(quantiles_hold_the_truth),
		cmocka_unit_test(empty_has_no_quantile),
		cmocka_unit_test(kernel_adds_and_keeps_the_maximum),
		cmocka_unit_test(kernel_moves_an_event),
		cmocka_unit_test(sub_and_add_are_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
