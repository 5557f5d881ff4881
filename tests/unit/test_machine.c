// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include "caps.h"
#include "fixture.h"
#include "kinfo.h"
#include "machine.h"
#include "util.h"

#define KMSG_BOOT "6,1,0,-;Linux version 6.12.0\n"

static struct machine read_machine(const struct tree *t)
{
	struct machine m;

	assert_int_equal(machine__read(&m, t->root), 0);
	return m;
}

static void expect_model(const struct tree *t, enum preempt_model model, const char *source)
{
	struct machine m = read_machine(t);

	assert_string_equal(preempt_model__name(m.preempt_model), preempt_model__name(model));
	assert_string_equal(m.preempt_source, source);
}

static void expect_alloc(const struct tree *t, int value)
{
	assert_int_equal(read_machine(t).init_on_alloc, value);
}

static void test_debian_6_1(void **state)
{
	_cleanup_tree_ struct tree t;
	struct machine m;

	(void)state;
	tree__make(&t, "debian-6.1");
	m = read_machine(&t);
	assert_string_equal(m.release, "6.1.0-56-cloud-amd64");
	assert_string_equal(m.arch, "x86_64");
	assert_string_equal(m.host, "guest");
	assert_int_equal(m.page_size, 4096);
	assert_int_equal(m.pmd_order, 9);
	assert_int_equal(m.cpus, 2);
	assert_int_equal(m.nodes, 2);
	assert_int_equal(m.preempt_model, PREEMPT_VOLUNTARY);
	assert_string_equal(m.preempt_source, "/sys/kernel/debug/sched/preempt");
	assert_int_equal(m.init_on_alloc, 1);
	assert_int_equal(m.huge_zero, HUGE_ZERO_REFCOUNTED);
}

static void test_debian_7(void **state)
{
	_cleanup_tree_ struct tree t;
	struct machine m;

	(void)state;
	tree__make(&t, "debian-7");
	m = read_machine(&t);
	assert_int_equal(m.preempt_model, PREEMPT_LAZY);
	assert_int_equal(m.init_on_alloc, 1);
	assert_int_equal(m.huge_zero, HUGE_ZERO_REFCOUNTED);
}

static void test_debugfs_words(void **state)
{
	static const struct {
		const char *text;
		enum preempt_model model;
	} cases[] = {
		{"(none) voluntary full \n", PREEMPT_NONE},
		{"none (voluntary) full \n", PREEMPT_VOLUNTARY},
		{"none voluntary (full) \n", PREEMPT_FULL},
		{"full (lazy) \n", PREEMPT_LAZY},
	};
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		tree__put(&t, "/sys/kernel/debug/sched/preempt", cases[i].text);
		expect_model(&t, cases[i].model, "/sys/kernel/debug/sched/preempt");
	}
	/* A word that is not known is no answer: the next source is asked. */
	tree__put(&t, "/sys/kernel/debug/sched/preempt", "none (eager) full\n");
	expect_model(&t, PREEMPT_VOLUNTARY, "/boot/config-6.12.117+deb13-cloud-amd64");
}

static void test_model_from_log(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	tree__remove(&t, "/sys/kernel/debug");
	tree__put(&t, "/proc/cmdline", "quiet preempt=none\n");
	/* The last that the kernel said counts; user space cannot speak for it (facility 1). */
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT "6,2,10,-;Dynamic Preempt: full\n"
			    "4,3,20,-;Dynamic Preempt: unsupported mode: banana\n"
			    " SUBSYSTEM=sched\n"
			    "6,4,30,-;Dynamic Preempt: voluntary\n"
			    "12,5,40,-;Dynamic Preempt: none\n");
	expect_model(&t, PREEMPT_VOLUNTARY, "the kernel's messages (Dynamic Preempt)");
}

static void test_model_from_cmdline(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	tree__remove(&t, "/sys/kernel/debug");
	tree__put(&t, "/proc/cmdline", "preempt=none quiet preempt=full -- preempt=none\n");
	expect_model(&t, PREEMPT_FULL, "preempt= on the kernel command line");
	tree__put(&t, "/proc/cmdline", "preempt=none\n");
	expect_model(&t, PREEMPT_NONE, "preempt= on the kernel command line");
	/* Not built for it, the option does nothing. */
	tree__put(&t, "/uname", "6.12.117+deb13-cloud-amd64\n#1 SMP Debian\nx86_64\nhost\n");
	expect_model(&t, PREEMPT_VOLUNTARY, "/boot/config-6.12.117+deb13-cloud-amd64");
}

static void test_model_that_may_be_refused(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-7");
	tree__remove(&t, "/sys/kernel/debug");
	tree__put(&t, "/proc/cmdline", "preempt=none\n");
	expect_model(&t, PREEMPT_UNKNOWN, "preempt= is set, and may have been refused");
	tree__put(&t, "/proc/cmdline", "preempt=full\n");
	expect_model(&t, PREEMPT_FULL, "preempt= on the kernel command line");
	/* The kernel's own word settles it. */
	tree__put(&t, "/proc/cmdline", "preempt=none\n");
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT "4,2,10,-;Dynamic Preempt: unsupported mode: none\n"
			    "6,3,20,-;Dynamic Preempt: lazy\n");
	expect_model(&t, PREEMPT_LAZY, "the kernel's messages (Dynamic Preempt)");
}

static void test_model_of_build(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, NULL);
	tree__put(&t, "/uname", "6.9.0\n#1 SMP PREEMPT_RT Debian\nx86_64\nhost\n");
	expect_model(&t, PREEMPT_RT, "uname -v");
	tree__put(&t, "/uname", "6.9.0\n#1 SMP PREEMPT Debian\nx86_64\nhost\n");
	expect_model(&t, PREEMPT_FULL, "uname -v");
	tree__put(&t, "/boot/config-6.9.0", "CONFIG_MMU=y\nCONFIG_PREEMPT_LAZY=y\n");
	expect_model(&t, PREEMPT_LAZY, "/boot/config-6.9.0");
	tree__remove(&t, "/boot");
	tree__put(&t, "/uname", "6.9.0\n#1 SMP PREEMPT_DYNAMIC Debian\nx86_64\nhost\n");
	expect_model(&t, PREEMPT_UNKNOWN, "PREEMPT_DYNAMIC, and nothing told which");
	tree__put(&t, "/sys/kernel/realtime", "1\n");
	expect_model(&t, PREEMPT_RT, "/sys/kernel/realtime");
	tree__put(&t, "/sys/kernel/realtime", "0\n");
	tree__put(&t, "/uname", "6.9.0\n#1 SMP Debian\naarch64\nhost\n");
	expect_model(&t, PREEMPT_VOLUNTARY, "uname -v (voluntary or none: not told)");
}

static void test_model_words(void **state)
{
	(void)state;
	assert_int_equal(preempt_model__of_dynamic_mode(-1), PREEMPT_UNKNOWN);
	assert_int_equal(preempt_model__of_dynamic_mode(0), PREEMPT_NONE);
	assert_int_equal(preempt_model__of_dynamic_mode(1), PREEMPT_VOLUNTARY);
	assert_int_equal(preempt_model__of_dynamic_mode(2), PREEMPT_FULL);
	assert_int_equal(preempt_model__of_dynamic_mode(3), PREEMPT_LAZY);
	assert_int_equal(preempt_model__of_dynamic_mode(4), PREEMPT_UNKNOWN);
	assert_false(preempt_model__preempts_programs(PREEMPT_NONE));
	assert_false(preempt_model__preempts_programs(PREEMPT_VOLUNTARY));
	assert_true(preempt_model__preempts_programs(PREEMPT_FULL));
	assert_true(preempt_model__preempts_programs(PREEMPT_LAZY));
	assert_true(preempt_model__preempts_programs(PREEMPT_RT));
	assert_true(preempt_model__preempts_programs(PREEMPT_UNKNOWN));
}

static void test_init_on_alloc(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	expect_alloc(&t, 1);
	tree__put(&t, "/proc/cmdline", "init_on_alloc=0 quiet");
	expect_alloc(&t, 0);
	tree__put(&t, "/proc/cmdline", "init_on_alloc=0 init_on_alloc=on");
	expect_alloc(&t, 1);
	/* Not a boolean: the kernel ignores it. */
	tree__put(&t, "/proc/cmdline", "init_on_alloc=x");
	expect_alloc(&t, 1);
	/* Another option that only begins alike; what is quoted is one word. */
	tree__put(&t, "/proc/cmdline", "init_on_allocs=0 a=\"b init_on_alloc=0\"");
	expect_alloc(&t, 1);

	tree__remove(&t, "/boot");
	expect_alloc(&t, -1);
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT
		  "6,9,9,-;mem auto-init: stack:all(zero), heap alloc:on, heap free:off\n");
	expect_alloc(&t, 1);
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT "6,9,9,-;mem auto-init: stack:off, heap alloc:off, heap free:off\n");
	expect_alloc(&t, 0);
	tree__put(&t, "/boot/config-6.12.117+deb13-cloud-amd64",
		  "CONFIG_MMU=y\n# CONFIG_INIT_ON_ALLOC_DEFAULT_ON is not set\n");
	expect_alloc(&t, 0);
}

static void test_huge_zero(void **state)
{
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-7");
	/* Persistent: the folio has a symbol and its counter has none. */
	tree__put(&t, "/proc/kallsyms",
		  "0000000000000000 T _text\n0000000000000000 T huge_zero_folio\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_PERSISTENT);
	/* Of a module, it is not the kernel's. */
	tree__put(&t, "/proc/kallsyms",
		  "0000000000000000 T huge_zero_folio\n"
		  "0000000000000000 b huge_zero_refcount\t[other]\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_PERSISTENT);
	/* A kernel that decides at boot shows it by the shrinker, and only where one may look. */
	tree__put(&t, "/proc/kallsyms",
		  "0000000000000000 b huge_zero_refcount\n"
		  "0000000000000000 d __persistent_huge_zero_folio\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_REFCOUNTED);
	tree__put(&t, "/sys/kernel/debug/shrinker/thp-deferred_split-2/count", "0\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_PERSISTENT);
	tree__put(&t, "/sys/kernel/debug/shrinker/thp-zero-1/count", "0\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_REFCOUNTED);
	/* No symbols of data: the configuration tells, and its absence tells nothing. */
	tree__put(&t, "/proc/kallsyms", "0000000000000000 T _text\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_REFCOUNTED);
	tree__put(&t, "/boot/config-7.3.4+deb13-cloud-amd64",
		  "CONFIG_MMU=y\nCONFIG_PERSISTENT_HUGE_ZERO_FOLIO=y\n");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_PERSISTENT);
	tree__remove(&t, "/boot");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_UNKNOWN);
	tree__remove(&t, "/sys/kernel/mm/transparent_hugepage");
	assert_int_equal(read_machine(&t).huge_zero, HUGE_ZERO_ABSENT);
}

static void test_sizes_without_sysfs(void **state)
{
	_cleanup_tree_ struct tree t;
	struct machine m;

	(void)state;
	tree__make(&t, NULL);
	tree__put(&t, "/uname", "6.12.0\n#1 SMP\naarch64\nhost\n");
	tree__put(&t, "/page_size", "16384\n");
	tree__put(&t, "/sys/devices/system/cpu/possible", "0-3,8,10-11\n");
	m = read_machine(&t);
	assert_int_equal(m.page_size, 16384);
	assert_int_equal(m.pmd_order, 11); /* 32 MiB */
	assert_int_equal(m.cpus, 7);
	assert_int_equal(m.nodes, 1);
	tree__put(&t, "/page_size", "65536\n");
	assert_int_equal(read_machine(&t).pmd_order, 13); /* 512 MiB */
	tree__put(&t, "/page_size", "4096\n");
	assert_int_equal(read_machine(&t).pmd_order, 9);
}

static void test_without_uname(void **state)
{
	_cleanup_tree_ struct tree t;
	struct machine m;

	(void)state;
	tree__make(&t, NULL);
	assert_int_equal(machine__read(&m, t.root), -ENOENT);
	tree__put(&t, "/uname", "6.12.0\n");
	assert_int_equal(machine__read(&m, t.root), -EINVAL);
}

static void put_gz(const struct tree *t, const char *file, const char *text)
{
	char path[PATH_MAX];
	gzFile f;

	tree__put(t, file, "");
	snprintf(path, sizeof(path), "%s%s", t->root, file);
	f = gzopen(path, "w");
	assert_non_null(f);
	assert_int_equal(gzwrite(f, text, (unsigned int)strlen(text)), (int)strlen(text));
	assert_int_equal(gzclose(f), Z_OK);
}

static void test_config(void **state)
{
	_cleanup_kernel_config_ struct kernel_config c = {0};
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, NULL);
	assert_int_equal(kernel_config__read(&c, t.root, "1.2.3"), -ENOENT);
	assert_int_equal(kernel_config__get(&c, "CONFIG_MMU"), '?');
	tree__put(&t, "/boot/config-1.2.3", "CONFIG_MMU=y\nCONFIG_A=m\n");
	put_gz(&t, "/proc/config.gz",
	       "CONFIG_MMU=y\n# CONFIG_OFF is not set\nCONFIG_A_LONGER=y\n"
	       "CONFIG_HZ=250\nCONFIG_NAME=\"y\"\nCONFIG_LAST=m");
	assert_int_equal(kernel_config__read(&c, t.root, "1.2.3"), 0);
	assert_string_equal(c.source, "/proc/config.gz");
	assert_int_equal(kernel_config__get(&c, "CONFIG_MMU"), 'y');
	assert_int_equal(kernel_config__get(&c, "CONFIG_OFF"), 'n');
	assert_int_equal(kernel_config__get(&c, "CONFIG_A"), 'n');
	assert_int_equal(kernel_config__get(&c, "CONFIG_HZ"), 'v');
	assert_int_equal(kernel_config__get(&c, "CONFIG_NAME"), 'v');
	assert_int_equal(kernel_config__get(&c, "CONFIG_LAST"), 'm');
	kernel_config__free(&c);
	/* What is no configuration is passed over. */
	put_gz(&t, "/proc/config.gz", "hello");
	assert_int_equal(kernel_config__read(&c, t.root, "1.2.3"), 0);
	assert_string_equal(c.source, "/boot/config-1.2.3");
	assert_int_equal(kernel_config__get(&c, "CONFIG_A"), 'm');
}

static void test_ksyms(void **state)
{
	struct ksym s[] = {{.name = "clear_pages"}, {.name = "clear"}, {.name = "twice"}};
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, NULL);
	assert_int_equal(ksyms__find(t.root, s, ARRAY_SIZE(s)), -ENOENT);
	tree__put(&t, "/proc/kallsyms",
		  "ffffffff81000010 t clear_pages.constprop.0\n"
		  "ffffffff81000020 t clear.cold\n"
		  "ffffffff81000030 T clear\n"
		  "nonsense\n"
		  "ffffffff81000040 t twice\n"
		  "ffffffff81000050 t twice\n"
		  "ffffffffc0000060 t clear_pages\t[module]\n");
	assert_int_equal(ksyms__find(t.root, s, ARRAY_SIZE(s)), 0);
	assert_false(s[0].found);
	assert_string_equal(s[0].variant, "clear_pages.constprop.0");
	assert_true(s[1].found);
	assert_int_equal(s[1].type, 'T');
	assert_int_equal(s[1].address, 0xffffffff81000030);
	assert_string_equal(s[1].variant, "");
	assert_int_equal(s[2].instances, 2);
}

/* What is kept of the running kernel's symbols is what a pass over them says, and needs no other. */
static void test_ksyms_kept(void **state)
{
	struct ksym read[] = {{.name = "schedule"}, {.name = "vm_mmap"}, {.name = "no_such_name"}};
	struct ksym kept[] = {{.name = "no_such_name"}, {.name = "vm_mmap"}, {.name = "schedule"}};
	struct rlimit limit, none;
	int again, pass;

	(void)state;
	/* "/" is the same file, and nothing is kept of it. */
	if (ksyms__find("/", read, ARRAY_SIZE(read)) || !read[0].found)
		skip();
	ksyms__expect("vm_mmap");
	ksyms__expect("no_such_name");
	assert_int_equal(ksyms__find("", &kept[2], 1), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	again = ksyms__find("", kept, ARRAY_SIZE(kept));
	pass = ksyms__find("/", &(struct ksym){.name = "schedule"}, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(again, 0);
	assert_int_equal(pass, -EMFILE);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const struct ksym *r = &read[ARRAY_SIZE(read) - 1 - i];

		assert_string_equal(kept[i].name, r->name);
		assert_int_equal(kept[i].found, r->found);
		assert_int_equal(kept[i].type, r->type);
		assert_int_equal(kept[i].address, r->address);
		assert_int_equal(kept[i].instances, r->instances);
	}
}

static void expect_lockdown(const struct tree *t, enum lockdown mode, const char *source)
{
	char where[64];

	assert_string_equal(lockdown__name(lockdown__read(t->root, where, sizeof(where))),
			    lockdown__name(mode));
	assert_string_equal(where, source);
}

static void test_lockdown(void **state)
{
	static const char file[] = "/sys/kernel/security/lockdown";
	_cleanup_tree_ struct tree t;

	(void)state;
	tree__make(&t, "debian-6.12");
	tree__put(&t, file, "[none] integrity confidentiality\n");
	expect_lockdown(&t, LOCKDOWN_NONE, file);
	tree__put(&t, file, "none [integrity] confidentiality\n");
	expect_lockdown(&t, LOCKDOWN_INTEGRITY, file);
	tree__put(&t, file, "none integrity [confidentiality]\n");
	expect_lockdown(&t, LOCKDOWN_CONFIDENTIALITY, file);

	tree__remove(&t, file);
	expect_lockdown(&t, LOCKDOWN_UNKNOWN, "");
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT "5,2,3,-;Kernel is locked down from EFI Secure Boot mode; see man\n");
	expect_lockdown(&t, LOCKDOWN_UNKNOWN, "locked down, by the kernel's messages");
	tree__put(&t, "/dev/kmsg",
		  KMSG_BOOT "5,2,3,-;Kernel is locked down from EFI Secure Boot mode; see man\n"
			    "5,3,4,-;Lockdown: x: use of bpf to read kernel RAM is restricted\n");
	expect_lockdown(&t, LOCKDOWN_CONFIDENTIALITY, "the kernel's messages");
	tree__put(&t, "/proc/cmdline", "lockdown=integrity");
	expect_lockdown(&t, LOCKDOWN_INTEGRITY, "lockdown= on the kernel command line");
	tree__put(&t, "/proc/cmdline", "quiet");
	tree__put(&t, "/proc/kallsyms", "0000000000000000 T _text\n");
	expect_lockdown(&t, LOCKDOWN_NONE, "/proc/kallsyms: built without lockdown");
}

/* Longer than one read: the record that matters lies across the end of the first. */
static void test_long_log(void **state)
{
	static const char record[] = "6,1,0,-;Dynamic Preempt: full\n";
	_cleanup_tree_ struct tree t;
	char text[(64 << 10) + 4096];

	(void)state;
	tree__make(&t, "debian-6.12");
	tree__remove(&t, "/sys/kernel/debug");
	for (size_t at = (64 << 10) - sizeof(record); at <= 64 << 10; at += 4) {
		size_t len = 0;

		while (len + 64 < at)
			len += (size_t)snprintf(text + len, 32, "6,%05zu,0,-;message\n", len);
		len += (size_t)snprintf(text + len, 128, "6,2,0,-;%*s\n", (int)(at - len - 9),
					"padding");
		assert_int_equal(len, at);
		snprintf(text + len, sizeof(text) - len, "%s6,3,0,-;the end\n", record);
		tree__put(&t, "/dev/kmsg", text);
		expect_model(&t, PREEMPT_FULL, "the kernel's messages (Dynamic Preempt)");
	}
}

static void test_thp_settings(void **state)
{
	_cleanup_tree_ struct tree t;
	struct thp_settings s;

	(void)state;
	tree__make(&t, "debian-6.12");
	thp_settings__read(&s, t.root, 4096);
	assert_true(s.present);
	assert_string_equal(s.enabled, "always");
	assert_string_equal(s.defrag, "madvise");
	assert_string_equal(s.shmem_enabled, "never");
	assert_int_equal(s.use_zero_page, 1);
	assert_int_equal(s.pmd_kb, 2048);
	assert_true(s.nr_mthp >= 8);
	for (size_t i = 1; i < s.nr_mthp; i++)
		assert_true(s.mthp[i].kb > s.mthp[i - 1].kb);
	assert_int_equal(s.mthp[s.nr_mthp - 1].kb, 2048);
	assert_int_equal(s.mthp[s.nr_mthp - 1].order, 9);
	assert_string_equal(s.mthp[s.nr_mthp - 1].enabled, "inherit");

	assert_int_equal(s.nr_hugetlb, 2);
	assert_int_equal(s.hugetlb[0].kb, 2048);
	assert_int_equal(s.hugetlb[0].pages, 3);
	assert_int_equal(s.hugetlb[0].free, 3);
	assert_int_equal(s.hugetlb[0].nr_nodes, 2);
	assert_int_equal(s.hugetlb[0].node[0].pages + s.hugetlb[0].node[1].pages, 3);
	assert_int_equal(s.hugetlb[1].order, 18);

	tree__remove(&t, "/sys/kernel/mm/transparent_hugepage");
	thp_settings__read(&s, t.root, 4096);
	assert_false(s.present);
	assert_int_equal(s.use_zero_page, -1);
	assert_int_equal(s.nr_hugetlb, 2);
}

static void test_order_of_kb(void **state)
{
	(void)state;
	assert_int_equal(order_of_kb(4, 4096), 0);
	assert_int_equal(order_of_kb(2048, 4096), 9);
	assert_int_equal(order_of_kb(1048576, 4096), 18);
	assert_int_equal(order_of_kb(2048, 65536), 5);
	assert_int_equal(order_of_kb(2, 4096), -1);
	assert_int_equal(order_of_kb(12, 4096), -1);
	assert_int_equal(order_of_kb(0, 4096), -1);
}

static void put_status(const struct tree *t, const char *effective, int seccomp)
{
	char text[256];

	snprintf(text, sizeof(text), "Name:\tx\nCapEff:\t%s\nCapBnd:\t%s\nSeccomp:\t%d\n",
		 effective, effective, seccomp);
	tree__put(t, "/proc/self/status", text);
}

static int require(const struct tree *t, char *reason)
{
	struct caps c;

	assert_int_equal(caps__read(&c, t->root), 0);
	return caps__require(&c, reason);
}

static void test_caps(void **state)
{
	_cleanup_tree_ struct tree t;
	char reason[CAPS_REASON_SIZE];
	struct caps c;

	(void)state;
	tree__make(&t, "debian-6.12");
	assert_int_equal(require(&t, reason), 0);
	assert_string_equal(reason, "");

	put_status(&t, "0000000000000000", 0);
	assert_int_equal(require(&t, reason), -EPERM);
	assert_non_null(strstr(reason, "needs CAP_BPF and CAP_PERFMON,"));
	assert_non_null(strstr(reason, "setcap cap_bpf,cap_perfmon,cap_syslog+ep"));

	put_status(&t, "0000008000000000", 0); /* CAP_BPF, 39 */
	assert_int_equal(require(&t, reason), -EPERM);
	assert_non_null(strstr(reason, "needs CAP_PERFMON,"));
	assert_null(strstr(reason, "needs CAP_BPF"));

	put_status(&t, "0000004000000000", 0); /* CAP_PERFMON, 38 */
	assert_int_equal(require(&t, reason), -EPERM);
	assert_non_null(strstr(reason, "needs CAP_BPF,"));

	put_status(&t, "000000c000000000", 0);
	assert_int_equal(require(&t, reason), 0);
	put_status(&t, "0000000000200000", 2); /* CAP_SYS_ADMIN, 21, stands for both */
	assert_int_equal(require(&t, reason), 0);
	assert_int_equal(caps__read(&c, t.root), 0);
	assert_true(c.seccomp);
	assert_false(caps__has(&c, CAP_SYSLOG));

	/* Root of a container, with all capabilities and none that counts. */
	put_status(&t, "000001ffffffffff", 0);
	tree__put(&t, "/proc/self/uid_map", "         0     100000      65536\n");
	assert_int_equal(require(&t, reason), -EPERM);
	assert_non_null(strstr(reason, "user namespace"));
	assert_int_equal(caps__read(&c, t.root), 0);
	assert_false(caps__has(&c, CAP_BPF));
}

static void test_cgroup_mount(void **state)
{
	_cleanup_tree_ struct tree t;
	char path[PATH_MAX];
	uint64_t id;

	(void)state;
	tree__make(&t, NULL);
	assert_int_equal(cgroup__mount(t.root, path, sizeof(path)), -ENOENT);
	tree__put(&t, "/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/root rw\n");
	assert_int_equal(cgroup__mount(t.root, path, sizeof(path)), -ENODEV);
	tree__put(&t, "/proc/self/mountinfo",
		  "1 0 8:1 / / rw - ext4 /dev/root rw\n"
		  "2 1 0:5 / /sys/fs/cgroup/memory rw shared:3 - cgroup cgroup rw,memory\n"
		  "3 1 0:6 / /sys/fs/cgroup/uni\\040fied rw shared:4 - cgroup2 cgroup2 rw\n");
	assert_int_equal(cgroup__mount(t.root, path, sizeof(path)), 23);
	assert_string_equal(path, "/sys/fs/cgroup/uni fied");
	assert_int_equal(cgroup__id("4711", &id), 0);
	assert_int_equal(id, 4711);
	assert_int_not_equal(cgroup__id("0", &id), 0);
}

/* On the machine that runs the test: what goes there comes back. */
static void test_cgroup_round_trip(void **state)
{
	char path[PATH_MAX];
	uint64_t id;

	(void)state;
	if (cgroup__mount("", path, sizeof(path)) < 0) {
		print_message("no unified hierarchy is mounted here\n");
		skip();
	}
	assert_int_equal(cgroup__id("/", &id), 0);
	assert_int_equal(cgroup__path(id, path, sizeof(path)), 0);
	assert_string_equal(path, "/");
	assert_int_equal(cgroup__path(0xdeadbeefULL << 20, path, sizeof(path)), -ESTALE);
	assert_int_equal(cgroup__id("/no/such/group", &id), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian_6_1),
		cmocka_unit_test(test_debian_7),
		cmocka_unit_test(test_debugfs_words),
		cmocka_unit_test(test_model_from_log),
		cmocka_unit_test(test_model_from_cmdline),
		cmocka_unit_test(test_model_that_may_be_refused),
		cmocka_unit_test(test_model_of_build),
		cmocka_unit_test(test_model_words),
		cmocka_unit_test(test_init_on_alloc),
		cmocka_unit_test(test_huge_zero),
		cmocka_unit_test(test_sizes_without_sysfs),
		cmocka_unit_test(test_without_uname),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_ksyms),
		cmocka_unit_test(test_ksyms_kept),
		cmocka_unit_test(test_lockdown),
		cmocka_unit_test(test_long_log),
		cmocka_unit_test(test_thp_settings),
		cmocka_unit_test(test_order_of_kb),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_cgroup_mount),
		cmocka_unit_test(test_cgroup_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
