// SPDX-License-Identifier: GPL-2.0-only
/*
 * In a tree of files no trial is made: what is tested here is what follows from
 * the files, and the order of tiers. Trials run on real kernels, in
 * tests/vm/cases/doctor*.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <errno.h>

#include "fixture.h"
#include "machine.h"
#include "probe.h"
#include "util.h"

struct btf_content {
	const char *funcs[32];
	const char *tracepoints[8];
	bool fsession, kprobe_session, tramp_image, skip_zero;
};

static void add_enum(struct btf *btf, const struct btf_content *c)
{
	assert_true(btf__add_enum(btf, "bpf_attach_type", 4) > 0);
	btf__add_enum_value(btf, "BPF_TRACE_FENTRY", 24);
	if (c->kprobe_session)
		btf__add_enum_value(btf, "BPF_TRACE_KPROBE_SESSION", 56);
	if (c->fsession)
		btf__add_enum_value(btf, "BPF_TRACE_FSESSION", 58);
	if (c->skip_zero) {
		assert_true(btf__add_enum(btf, NULL, 4) > 0);
		btf__add_enum_value(btf, "___GFP_SKIP_ZERO_BIT", 25);
	}
}

static void put_btf(const struct tree *t, const char *file, const struct btf_content *c)
{
	struct btf *btf = btf__new_empty();
	int proto, pointer;
	const void *data;
	char name[64];
	uint32_t size;

	assert_non_null(btf);
	add_enum(btf, c);
	proto = btf__add_func_proto(btf, 0);
	pointer = btf__add_ptr(btf, proto);
	assert_true(pointer > 0);
	for (size_t i = 0; i < ARRAY_SIZE(c->funcs) && c->funcs[i]; i++)
		assert_true(btf__add_func(btf, c->funcs[i], BTF_FUNC_STATIC, proto) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(c->tracepoints) && c->tracepoints[i]; i++) {
		snprintf(name, sizeof(name), "btf_trace_%s", c->tracepoints[i]);
		assert_true(btf__add_typedef(btf, name, pointer) > 0);
	}
	if (c->tramp_image)
		assert_true(btf__add_struct(btf, "bpf_tramp_image", 8) > 0);
	data = btf__raw_data(btf, &size);
	assert_non_null(data);
	tree__put_data(t, file, data, size);
	btf__free(btf);
}

#define OWN_BTF "/sys/kernel/btf/vmlinux"

static const struct btf_content btf_6_1 = {
	.funcs = {"clear_huge_page", "clear_page_erms", "resched_curr", "get_page_from_freelist",
		  "mm_get_huge_zero_page", "mm_put_huge_zero_page", "hugetlb_fault",
		  "do_huge_pmd_anonymous_page", "post_alloc_hook", "bpf_iter_task"},
	.tracepoints = {"sched_switch"},
	.tramp_image = true,
};

static const struct btf_content btf_6_12 = {
	.funcs = {"folio_zero_user", "clear_page_erms", "resched_curr", "get_page_from_freelist",
		  "mm_get_huge_zero_folio", "mm_put_huge_zero_folio", "hugetlb_fault",
		  "do_huge_pmd_anonymous_page", "post_alloc_hook", "bpf_iter_task",
		  "bpf_session_is_return", "bpf_session_cookie"},
	.tracepoints = {"sched_switch"},
	.tramp_image = true,
	.kprobe_session = true,
};

static const struct btf_content btf_7 = {
	.funcs = {"folio_zero_user", "clear_pages", "__clear_pages_unrolled", "resched_curr",
		  "__resched_curr", "clear_highpages_kasan_tagged", "get_page_from_freelist",
		  "mm_get_huge_zero_folio", "mm_put_huge_zero_folio", "hugetlb_fault",
		  "do_huge_pmd_anonymous_page", "post_alloc_hook", "bpf_iter_task",
		  "bpf_session_is_return", "bpf_session_cookie"},
	.tracepoints = {"sched_switch", "sched_set_need_resched_tp"},
	.tramp_image = true,
	.kprobe_session = true,
	.fsession = true,
};

static void make(struct tree *t, const char *name, const struct btf_content *c)
{
	tree__make(t, name);
	tree__put(t, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	if (c)
		put_btf(t, OWN_BTF, c);
}

static struct probe_kernel *open_kernel(const struct tree *t, const char *btf)
{
	struct probe_kernel *k = NULL;

	assert_int_equal(probe_kernel__open(t->root, btf, &k), 0);
	assert_non_null(k);
	return k;
}

static enum probe_verdict ask(struct probe_kernel *k, const char *function, enum tier tier)
{
	struct probe_answer a;
	int err = probe__tier_usable(k, function, PROBE_BOTH, tier, &a);

	assert_int_equal(err == 0, a.verdict == PROBE_USABLE);
	assert_true(err <= 0);
	assert_int_equal(a.reason[0] == '\0', a.verdict == PROBE_USABLE);
	return a.verdict;
}

static void test_tiers_6_1(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;

	(void)state;
	make(&t, "debian-6.1", &btf_6_1);
	k = open_kernel(&t, NULL);
	assert_int_equal(ask(k, "clear_huge_page", TIER_FSESSION), PROBE_NOT_CONFIGURED);
	assert_int_equal(ask(k, "clear_huge_page", TIER_FENTRY), PROBE_USABLE);
	assert_int_equal(ask(k, "clear_huge_page", TIER_KPROBE_SESSION), PROBE_NOT_CONFIGURED);
	assert_int_equal(ask(k, "clear_huge_page", TIER_KPROBE), PROBE_USABLE);
	assert_int_equal(ask(k, "folio_zero_user", TIER_FENTRY), PROBE_ABSENT);
	assert_int_equal(ask(k, "clear_page_erms", TIER_FENTRY), PROBE_NOTRACE);
	assert_int_equal(ask(k, "clear_page_erms", TIER_KPROBE), PROBE_NOTRACE);
	assert_int_equal(ask(k, "post_alloc_hook", TIER_FENTRY), PROBE_NOTRACE);
	/* Asked again, the same. */
	assert_int_equal(ask(k, "clear_page_erms", TIER_FENTRY), PROBE_NOTRACE);
}

static void test_tiers_7(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;

	(void)state;
	make(&t, "debian-7", &btf_7);
	k = open_kernel(&t, NULL);
	for (enum tier tier = TIER_FSESSION; tier <= TIER_KPROBE; tier++) {
		assert_int_equal(ask(k, "folio_zero_user", tier), PROBE_USABLE);
		assert_int_equal(ask(k, "clear_highpages_kasan_tagged", tier), PROBE_USABLE);
		/* BTF names it, and the only symbol alike is another caller's copy. */
		assert_int_equal(ask(k, "clear_pages", tier), PROBE_INLINED);
		assert_int_equal(ask(k, "__clear_pages_unrolled", tier), PROBE_NOTRACE);
	}
	assert_int_not_equal(probe__tier_usable(k, "clear_pages", PROBE_BOTH, TIER_FENTRY, &a), 0);
	assert_non_null(strstr(a.reason, "clear_pages.constprop.0"));
}

static void test_not_in_btf(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	struct btf_content c = btf_6_12;
	_cleanup_tree_ struct tree t;

	(void)state;
	c.funcs[0] = "something_else";
	make(&t, "debian-6.12", &c);
	k = open_kernel(&t, NULL);
	assert_int_equal(ask(k, "folio_zero_user", TIER_FENTRY), PROBE_NO_BTF);
	assert_int_equal(ask(k, "folio_zero_user", TIER_KPROBE), PROBE_USABLE);
}

static void test_without_btf(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL, *given = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;
	char path[PATH_MAX];

	(void)state;
	make(&t, "debian-6.12", NULL);
	k = open_kernel(&t, NULL);
	assert_false(probe_kernel__has_own_btf(k));
	assert_null(probe_kernel__btf(k));
	assert_int_not_equal(probe__loadable(k, &a), 0);
	assert_int_equal(a.verdict, PROBE_NO_BTF);
	assert_non_null(strstr(a.remedy, "--btf FILE"));
	/* Programs could not be fitted to this kernel, whatever attaches them. */
	assert_int_equal(ask(k, "folio_zero_user", TIER_KPROBE), PROBE_NO_BTF);

	put_btf(&t, "/given.btf", &btf_6_12);
	snprintf(path, sizeof(path), "%s/given.btf", t.root);
	given = open_kernel(&t, path);
	assert_false(probe_kernel__has_own_btf(given));
	assert_non_null(probe_kernel__btf(given));
	assert_int_equal(probe__loadable(given, &a), 0);
	assert_int_equal(ask(given, "folio_zero_user", TIER_FENTRY), PROBE_NO_BTF);
	assert_int_equal(ask(given, "folio_zero_user", TIER_KPROBE_SESSION), PROBE_NO_BTF);
	assert_int_equal(ask(given, "folio_zero_user", TIER_KPROBE), PROBE_USABLE);
	assert_int_equal(probe__tracepoint_usable(given, "sched_switch", &a), -ENOENT);
	assert_int_equal(a.verdict, PROBE_NO_BTF);
}

static void test_bad_btf_file(void **state)
{
	struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;
	char path[PATH_MAX];

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	snprintf(path, sizeof(path), "%s/uname", t.root);
	assert_int_equal(probe_kernel__open(t.root, path, &k), -EINVAL);
	snprintf(path, sizeof(path), "%s/nothing", t.root);
	assert_int_equal(probe_kernel__open(t.root, path, &k), -ENOENT);
	assert_null(k);
}

static void test_unsafe_exit(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	struct btf_content c = btf_6_1;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;

	(void)state;
	c.tramp_image = false;
	make(&t, "debian-6.1", &c);
	k = open_kernel(&t, NULL);
	assert_int_equal(ask(k, "clear_huge_page", TIER_FENTRY), PROBE_UNSAFE);
	assert_int_equal(probe__tier_usable(k, "clear_huge_page", PROBE_ENTRY, TIER_FENTRY, &a), 0);
	assert_int_equal(ask(k, "clear_huge_page", TIER_KPROBE), PROBE_USABLE);
}

static void test_without_kprobes(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	tree__remove(&t, "/sys/bus/event_source");
	k = open_kernel(&t, NULL);
	assert_int_not_equal(probe__tier_usable(k, "folio_zero_user", PROBE_BOTH, TIER_KPROBE, &a),
			     0);
	assert_int_equal(a.verdict, PROBE_NOT_CONFIGURED);
	assert_non_null(strstr(a.remedy, "CONFIG_KPROBE"));
}

static void test_lockdown_and_capabilities(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *locked = NULL, *user = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	tree__put(&t, "/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	locked = open_kernel(&t, NULL);
	assert_int_equal(probe__loadable(locked, &a), -EPERM);
	assert_int_equal(a.verdict, PROBE_LOCKDOWN);
	assert_non_null(strstr(a.reason, "confidentiality"));
	assert_true(a.remedy[0]);
	assert_int_equal(ask(locked, "folio_zero_user", TIER_FENTRY), PROBE_LOCKDOWN);

	/* Without the capability, that comes first. */
	tree__put(&t, "/proc/self/status", "CapEff:\t0000008000000000\n");
	user = open_kernel(&t, NULL);
	assert_int_equal(probe__loadable(user, &a), -EPERM);
	assert_int_equal(a.verdict, PROBE_CAPABILITY);
	assert_non_null(strstr(a.reason, "CAP_PERFMON"));
	assert_non_null(strstr(a.remedy, "Run it as root"));
	assert_int_equal(a.remedy[strlen(a.remedy) - 1], '.');
	assert_int_equal(ask(user, "folio_zero_user", TIER_KPROBE), PROBE_CAPABILITY);
	/* What the kernel does not have is told all the same. */
	assert_int_equal(ask(user, "clear_huge_page", TIER_KPROBE), PROBE_ABSENT);
}

static void test_refcount(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL, *hidden = NULL, *user = NULL,
						   *none = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_answer a;
	uint64_t address;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	k = open_kernel(&t, NULL);
	assert_int_equal(probe__ksym_usable(k, "huge_zero_refcount", &address, &a), 0);
	assert_int_equal(address >> 32, 0xffffffff);

	tree__put(&t, "/proc/kallsyms",
		  "0000000000000000 T folio_zero_user\n0000000000000000 b huge_zero_refcount\n");
	hidden = open_kernel(&t, NULL);
	assert_int_not_equal(probe__ksym_usable(hidden, "huge_zero_refcount", &address, &a), 0);
	assert_int_equal(a.verdict, PROBE_HIDDEN);
	assert_non_null(strstr(a.reason, "kptr_restrict"));
	assert_int_equal(address, 0);

	/* CAP_BPF and CAP_PERFMON, and not CAP_SYSLOG: that costs the refcount alone. */
	tree__put(&t, "/proc/self/status", "CapEff:\t000000c000000000\n");
	user = open_kernel(&t, NULL);
	assert_int_equal(probe__loadable(user, &a), 0);
	assert_int_not_equal(probe__ksym_usable(user, "huge_zero_refcount", NULL, &a), 0);
	assert_int_equal(a.verdict, PROBE_CAPABILITY);
	assert_non_null(strstr(a.reason, "CAP_SYSLOG"));
	assert_int_equal(ask(user, "folio_zero_user", TIER_FENTRY), PROBE_USABLE);

	tree__put(&t, "/proc/kallsyms", "0000000000000000 T folio_zero_user\n");
	none = open_kernel(&t, NULL);
	assert_int_not_equal(probe__ksym_usable(none, "huge_zero_refcount", NULL, &a), 0);
	assert_int_equal(a.verdict, PROBE_ABSENT);
}

static void test_order(void **state)
{
	enum tier order[PROBE_TIERS];

	(void)state;
	probe__tier_order(PREEMPT_VOLUNTARY, false, order);
	assert_int_equal(order[0], TIER_FSESSION);
	assert_int_equal(order[1], TIER_FENTRY);
	assert_int_equal(order[2], TIER_KPROBE_SESSION);
	assert_int_equal(order[3], TIER_KPROBE);
	probe__tier_order(PREEMPT_LAZY, false, order);
	assert_int_equal(order[0], TIER_KPROBE_SESSION);
	assert_int_equal(order[1], TIER_KPROBE);
	assert_int_equal(order[2], TIER_FSESSION);
	assert_int_equal(order[3], TIER_FENTRY);
	/* Where sessions run out they come after what does not. */
	probe__tier_order(PREEMPT_LAZY, true, order);
	assert_int_equal(order[0], TIER_KPROBE);
	assert_int_equal(order[1], TIER_KPROBE_SESSION);
	assert_int_equal(order[2], TIER_FSESSION);
	probe__tier_order(PREEMPT_NONE, true, order);
	assert_int_equal(order[1], TIER_FENTRY);
	assert_int_equal(order[2], TIER_KPROBE);
	assert_int_equal(order[3], TIER_KPROBE_SESSION);
}

static void test_choice(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_choice c;
	struct probe_answer a;

	(void)state;
	make(&t, "debian-7", &btf_7);
	k = open_kernel(&t, NULL);
	assert_int_equal(probe__choose_tier(k, "folio_zero_user", PROBE_BOTH, PREEMPT_NONE,
					    TIER_AUTO, &c, &a),
			 0);
	assert_int_equal(c.tier, TIER_FSESSION);
	assert_false(c.may_lose);
	assert_string_equal(c.note, "");

	assert_int_equal(probe__choose_tier(k, "folio_zero_user", PROBE_BOTH, PREEMPT_LAZY,
					    TIER_AUTO, &c, &a),
			 0);
	assert_int_equal(c.tier, TIER_KPROBE_SESSION);
	assert_false(c.may_lose);
	assert_int_equal(c.cheaper, TIER_FSESSION);
	assert_non_null(strstr(c.note, "--tier fsession"));
	assert_non_null(strstr(c.note, "lazy"));

	assert_int_equal(probe__choose_tier(k, "folio_zero_user", PROBE_BOTH, PREEMPT_FULL,
					    TIER_FENTRY, &c, &a),
			 0);
	assert_int_equal(c.tier, TIER_FENTRY);
	assert_true(c.may_lose);
	assert_int_equal(c.lossless, TIER_KPROBE_SESSION);
	assert_non_null(strstr(c.note, "--tier kprobe.session"));

	assert_int_not_equal(probe__choose_tier(k, "clear_pages", PROBE_BOTH, PREEMPT_FULL,
						TIER_AUTO, &c, &a),
			     0);
	assert_int_equal(a.verdict, PROBE_INLINED);
}

static void test_choice_without_lossless(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	_cleanup_tree_ struct tree t;
	struct probe_choice c;
	struct probe_answer a;

	(void)state;
	make(&t, "debian-6.1", &btf_6_1);
	tree__remove(&t, "/sys/bus/event_source");
	k = open_kernel(&t, NULL);
	assert_int_equal(probe__choose_tier(k, "clear_huge_page", PROBE_BOTH, PREEMPT_FULL,
					    TIER_AUTO, &c, &a),
			 0);
	assert_int_equal(c.tier, TIER_FENTRY);
	assert_true(c.may_lose);
	assert_int_equal(c.lossless, TIER_AUTO);
	assert_non_null(strstr(c.note, "offers none that would not"));
	/* The tier that was asked for, or nothing. */
	assert_int_not_equal(probe__choose_tier(k, "clear_huge_page", PROBE_BOTH, PREEMPT_FULL,
						TIER_KPROBE, &c, &a),
			     0);
	assert_int_equal(a.verdict, PROBE_NOT_CONFIGURED);
}

static const char *resolve(struct probe_kernel *k, enum probe_id id, struct probe_result *r)
{
	int err = probe__resolve(k, id, PREEMPT_VOLUNTARY, TIER_AUTO, true, r);

	assert_int_equal(err == 0, r->chosen != NULL);
	assert_int_equal(err == 0, r->answer.verdict == PROBE_USABLE);
	return r->chosen ? r->chosen->name : probe_verdict__name(r->answer.verdict);
}

static void test_resolve_6_12(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	struct probe_result r;
	_cleanup_tree_ struct tree t;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	k = open_kernel(&t, NULL);
	assert_string_equal(resolve(k, PROBE_CLEAR, &r), "folio_zero_user");
	assert_int_equal(r.choice.tier, TIER_FENTRY);
	assert_false(r.tier_usable[TIER_FSESSION]);
	assert_true(r.tier_usable[TIER_KPROBE]);
	assert_string_equal(resolve(k, PROBE_GAPS, &r), "sched_switch");
	assert_string_equal(resolve(k, PROBE_RESCHED, &r), "resched_curr");
	assert_string_equal(resolve(k, PROBE_ALLOCATOR, &r), "get_page_from_freelist");
	assert_string_equal(resolve(k, PROBE_REFCOUNT, &r), "huge_zero_refcount");
	assert_string_equal(resolve(k, PROBE_HOLDERS, &r), "task");
	assert_string_equal(resolve(k, PROBE_ZERO_ALLOC, &r), "inlined");
	assert_string_equal(resolve(k, PROBE_EXTENT, &r), "absent");
	assert_string_equal(r.answer.reason,
			    "this kernel has no mm_folio_zero_extent and no clear_pages");
	assert_non_null(strstr(r.answer.remedy, "kernel-patch/"));
}

static void test_resolve_others(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *old = NULL, *new = NULL;
	_cleanup_tree_ struct tree t61, t7;
	struct probe_result r;

	(void)state;
	make(&t61, "debian-6.1", &btf_6_1);
	old = open_kernel(&t61, NULL);
	assert_string_equal(resolve(old, PROBE_CLEAR, &r), "clear_huge_page");
	assert_string_equal(resolve(old, PROBE_ZERO_GET, &r), "mm_get_huge_zero_page");

	make(&t7, "debian-7", &btf_7);
	new = open_kernel(&t7, NULL);
	assert_string_equal(resolve(new, PROBE_RESCHED, &r), "__resched_curr");
	assert_string_equal(resolve(new, PROBE_ALLOCATOR, &r), "clear_highpages_kasan_tagged");
	assert_string_equal(resolve(new, PROBE_EXTENT, &r), "inlined");
}

/* The function is there and the tier is not: that the other candidate is missing says nothing. */
static void test_resolve_wanted_tier(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	struct probe_result r;
	_cleanup_tree_ struct tree t;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	k = open_kernel(&t, NULL);
	assert_int_not_equal(
		probe__resolve(k, PROBE_CLEAR, PREEMPT_VOLUNTARY, TIER_FSESSION, false, &r), 0);
	assert_int_equal(r.answer.verdict, PROBE_NOT_CONFIGURED);
	assert_non_null(strstr(r.answer.reason, "does not know fsession"));
	assert_string_equal(r.asked->name, "folio_zero_user");
}

static void test_resolve_nothing(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	struct probe_result r;
	_cleanup_tree_ struct tree t;

	(void)state;
	make(&t, "debian-6.12", &btf_6_12);
	tree__put(&t, "/proc/kallsyms", "ffffffff81000000 T _text\n");
	k = open_kernel(&t, NULL);
	assert_string_equal(resolve(k, PROBE_CLEAR, &r), "absent");
	assert_string_equal(r.answer.reason,
			    "this kernel has no folio_zero_user and no clear_huge_page");
}

static void test_allocator_skips(void **state)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL, *flag = NULL, *both = NULL;
	struct btf_content c = btf_6_12;
	_cleanup_tree_ struct tree t;

	(void)state;
	make(&t, "debian-6.12", &c);
	k = open_kernel(&t, NULL);
	assert_false(probe_kernel__allocator_skips(k));
	c.skip_zero = true; /* as with KASAN's tags */
	put_btf(&t, OWN_BTF, &c);
	flag = open_kernel(&t, NULL);
	assert_false(probe_kernel__allocator_skips(flag));
	c.tracepoints[1] = "mm_folio_zero_extent";
	put_btf(&t, OWN_BTF, &c);
	both = open_kernel(&t, NULL);
	assert_true(probe_kernel__allocator_skips(both));
}

/* Every row of the table says all that doctor prints. */
static void test_table(void **state)
{
	(void)state;
	for (int id = 0; id < PROBE_IDS; id++) {
		const struct probe_def *d = probe__def(id);

		assert_non_null(d->name);
		assert_non_null(d->purpose);
		assert_non_null(d->without);
		assert_non_null(d->candidate[0].name);
		assert_null(d->candidate[PROBE_CANDIDATES - 1].name);
		assert_true(strlen(d->name) < 15);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiers_6_1),
		cmocka_unit_test(test_tiers_7),
		cmocka_unit_test(test_not_in_btf),
		cmocka_unit_test(test_without_btf),
		cmocka_unit_test(test_bad_btf_file),
		cmocka_unit_test(test_unsafe_exit),
		cmocka_unit_test(test_without_kprobes),
		cmocka_unit_test(test_lockdown_and_capabilities),
		cmocka_unit_test(test_refcount),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_choice_without_lossless),
		cmocka_unit_test(test_resolve_6_12),
		cmocka_unit_test(test_resolve_others),
		cmocka_unit_test(test_resolve_wanted_tier),
		cmocka_unit_test(test_resolve_nothing),
		cmocka_unit_test(test_allocator_skips),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
