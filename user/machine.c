// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

enum preempt_model preempt_model__find(const char *word)
{
	static const enum preempt_model models[] = {
		PREEMPT_NONE, PREEMPT_VOLUNTARY, PREEMPT_FULL, PREEMPT_LAZY, PREEMPT_RT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		if (!strcmp(word, preempt_model__name(models[i])))
			return models[i];
	}
	return PREEMPT_UNKNOWN;
}

enum preempt_model preempt_model__of_dynamic_mode(int mode)
{
	switch (mode) {
	case 0:
		return PREEMPT_NONE;
	case 1:
		return PREEMPT_VOLUNTARY;
	case 2:
		return PREEMPT_FULL;
	case 3: /* v6.13, commit 7c70cb94d29c ("sched: Add Lazy preemption model") */
		return PREEMPT_LAZY;
	}
	return PREEMPT_UNKNOWN;
}

const char *preempt_model__bound(enum preempt_model model)
{
	switch (model) {
	case PREEMPT_NONE:
	case PREEMPT_VOLUNTARY:
		return "a waiter waits for the slowest unit cleared between two cond_resched()";
	case PREEMPT_LAZY:
		return "a waiter of the fair class waits for one tick, a real-time one for no unit";
	case PREEMPT_FULL:
	case PREEMPT_RT:
		return "a clear is preempted at once; no bound is claimed";
	case PREEMPT_UNKNOWN:
		break;
	}
	return "not known";
}

bool preempt_model__preempts_programs(enum preempt_model model)
{
	return model != PREEMPT_NONE && model != PREEMPT_VOLUNTARY;
}

static void copy_string(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%.*s", (int)size - 1, text);
}

/* A fixture tree has a file /uname of four lines: release, version, machine, node name. */
static int read_fixture_uname(struct machine *m, const char *root)
{
	char path[PATH_MAX], text[512];
	char *line = text;
	struct {
		char *to;
		size_t size;
	} field[] = {
		{m->release, sizeof(m->release)},
		{m->version, sizeof(m->version)},
		{m->arch, sizeof(m->arch)},
		{m->host, sizeof(m->host)},
	};
	int err;

	snprintf(path, sizeof(path), "%s/uname", root);
	err = util__read_text(path, text, sizeof(text));
	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		char *end = strchr(line, '\n');

		if (!end)
			return -EINVAL;
		*end = '\0';
		copy_string(field[i].to, field[i].size, line);
		line = end + 1;
	}
	return 0;
}

static int read_uname(struct machine *m, const char *root)
{
	struct utsname u;

	if (root[0])
		return read_fixture_uname(m, root);
	if (uname(&u))
		return -errno;
	copy_string(m->release, sizeof(m->release), u.release);
	copy_string(m->version, sizeof(m->version), u.version);
	copy_string(m->arch, sizeof(m->arch), u.machine);
	copy_string(m->host, sizeof(m->host), u.nodename);
	return 0;
}

/* "0-3,8" is 5. 0 where the file is not there or says something else. */
static int count_list(const char *root, const char *file)
{
	char path[PATH_MAX], text[4096];
	const char *p = text;
	int count = 0;

	snprintf(path, sizeof(path), "%s%s", root, file);
	if (util__read_line(path, text, sizeof(text)) < 0)
		return 0;
	while (*p) {
		unsigned long first, last;
		char *end;

		first = last = strtoul(p, &end, 10);
		if (end == p)
			return 0;
		if (*end == '-') {
			p = end + 1;
			last = strtoul(p, &end, 10);
			if (end == p || last < first)
				return 0;
		}
		if (*end && *end != ',')
			return 0;
		count += (int)(last - first) + 1;
		p = *end ? end + 1 : end;
	}
	return count;
}

/* A page table page is full of 8-byte entries, and the PMD maps one such page: 2^(shift - 3) pages. */
static int pmd_order_of_page_size(uint64_t page_size)
{
	return __builtin_ctzll(page_size) - 3;
}

static int read_pmd_order(const char *root, uint64_t page_size)
{
	char path[PATH_MAX];
	uint64_t bytes;

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", root);
	if (!util__read_u64(path, &bytes) && bytes >= page_size && !(bytes & (bytes - 1)))
		return __builtin_ctzll(bytes / page_size);
	return pmd_order_of_page_size(page_size);
}

/* --- The preemption model. */

static bool word_in(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len) {
		if ((p == text || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	}
	return false;
}

static void set_model(struct machine *m, enum preempt_model model, const char *source)
{
	m->preempt_model = model;
	copy_string(m->preempt_source, sizeof(m->preempt_source), source);
}

/* "none (voluntary) full": the word in parentheses is in force. */
static bool model_from_debugfs(struct machine *m, const char *root)
{
	_cleanup_close_ int fd = kernel_fs__open(root, "debugfs", "sched/preempt");
	enum preempt_model model;
	char text[128], word[32];
	char *open;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	open = strchr(text, '(');
	if (!open || sscanf(open, "(%31[a-z])", word) != 1)
		return false;
	model = preempt_model__find(word);
	if (model == PREEMPT_UNKNOWN)
		return false;
	set_model(m, model, "/sys/kernel/debug/sched/preempt");
	return true;
}

static bool model_is_rt(struct machine *m, const char *root)
{
	char path[PATH_MAX];
	uint64_t value;

	if (word_in(m->version, "PREEMPT_RT")) {
		set_model(m, PREEMPT_RT, "uname -v");
		return true;
	}
	snprintf(path, sizeof(path), "%s/sys/kernel/realtime", root);
	if (util__read_u64(path, &value) || value != 1)
		return false;
	set_model(m, PREEMPT_RT, "/sys/kernel/realtime");
	return true;
}

static bool see_dynamic_preempt(const char *message, void *arg)
{
	enum preempt_model *model = arg;
	static const char prefix[] = "Dynamic Preempt: ";

	if (!strncmp(message, prefix, sizeof(prefix) - 1)) {
		enum preempt_model m = preempt_model__find(message + sizeof(prefix) - 1);

		/* "Dynamic Preempt: unsupported mode: none" changes nothing. */
		if (m != PREEMPT_UNKNOWN)
			*model = m;
	}
	return true; /* the last one counts */
}

static bool model_from_log(struct machine *m, const char *root)
{
	enum preempt_model model = PREEMPT_UNKNOWN;

	if (kernel_log__for_each(root, see_dynamic_preempt, &model) || model == PREEMPT_UNKNOWN)
		return false;
	set_model(m, model, "the kernel's messages (Dynamic Preempt)");
	return true;
}

static bool model_from_cmdline(struct machine *m, const char *root,
			       const struct kernel_config *config)
{
	enum preempt_model model;
	char word[32];

	if (!kernel_cmdline__get(root, "preempt", word, sizeof(word)))
		return false;
	model = preempt_model__find(word);
	if (model == PREEMPT_UNKNOWN)
		return false;
	/*
	 * Where lazy preemption is built in, newer kernels refuse none and
	 * voluntary and older ones do not: the command line alone does not tell.
	 */
	if (!preempt_model__preempts_programs(model) &&
	    kernel_config__get(config, "CONFIG_ARCH_HAS_PREEMPT_LAZY") != 'n') {
		set_model(m, PREEMPT_UNKNOWN, "preempt= is set, and may have been refused");
		return true;
	}
	set_model(m, model, "preempt= on the kernel command line");
	return true;
}

static enum preempt_model model_of_config(const struct kernel_config *config)
{
	static const struct {
		const char *option;
		enum preempt_model model;
	} options[] = {
		{"CONFIG_PREEMPT_RT", PREEMPT_RT},
		{"CONFIG_PREEMPT_LAZY", PREEMPT_LAZY},
		{"CONFIG_PREEMPT", PREEMPT_FULL},
		{"CONFIG_PREEMPT_VOLUNTARY", PREEMPT_VOLUNTARY},
		{"CONFIG_PREEMPT_NONE", PREEMPT_NONE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (kernel_config__get(config, options[i].option) == 'y')
			return options[i].model;
	}
	return PREEMPT_UNKNOWN;
}

static void read_preempt(struct machine *m, const char *root, const struct kernel_config *config)
{
	bool dynamic = word_in(m->version, "PREEMPT_DYNAMIC");
	enum preempt_model model;

	if (model_is_rt(m, root) || model_from_debugfs(m, root))
		return;
	if (dynamic && (model_from_log(m, root) || model_from_cmdline(m, root, config)))
		return;
	model = model_of_config(config);
	if (model != PREEMPT_UNKNOWN) {
		set_model(m, model, config->source);
		return;
	}
	if (dynamic) {
		set_model(m, PREEMPT_UNKNOWN, "PREEMPT_DYNAMIC, and nothing told which");
		return;
	}
	if (word_in(m->version, "PREEMPT")) {
		set_model(m, PREEMPT_FULL, "uname -v");
		return;
	}
	/*
	 * Built for none or voluntary: they are the same to everything that is
	 * measured here, so one of them is no wrong answer and the source says it.
	 */
	set_model(m, PREEMPT_VOLUNTARY, "uname -v (voluntary or none: not told)");
}

/* --- What the allocator zeroes. */

/* What the kernel takes for a boolean on its command line; -1 for anything else. */
static int parse_bool(const char *text)
{
	switch (text[0]) {
	case 'y':
	case 'Y':
	case 't':
	case 'T':
	case '1':
		return 1;
	case 'n':
	case 'N':
	case 'f':
	case 'F':
	case '0':
		return 0;
	case 'o':
	case 'O':
		if (text[1] == 'n' || text[1] == 'N')
			return 1;
		if (text[1] == 'f' || text[1] == 'F')
			return 0;
	}
	return -1;
}

static bool see_auto_init(const char *message, void *arg)
{
	const char *heap;

	if (strncmp(message, "mem auto-init: ", 15) != 0)
		return true;
	heap = strstr(message, "heap alloc:");
	if (!heap)
		return true;
	*(int *)arg = parse_bool(heap + 11);
	return false;
}

static int read_init_on_alloc(const char *root, const struct kernel_config *config)
{
	char word[16];
	int value = -1;

	if (kernel_cmdline__get(root, "init_on_alloc", word, sizeof(word)) && parse_bool(word) >= 0)
		return parse_bool(word);
	switch (kernel_config__get(config, "CONFIG_INIT_ON_ALLOC_DEFAULT_ON")) {
	case 'y':
		return 1;
	case 'n':
		return 0;
	}
	if (kernel_log__for_each(root, see_auto_init, &value))
		return -1;
	return value;
}

/* --- The huge zero folio. */

/*
 * A kernel of kernel-patch/ decides at boot whether to keep the folio, and sets up
 * the shrinker that frees it if not. Where the shrinkers are not to be seen, it
 * is taken to be there: who follows the references finds out.
 */
static bool zero_shrinker_exists(const char *root)
{
	char pattern[PATH_MAX];
	glob_t found;
	int err;

	snprintf(pattern, sizeof(pattern), "%s/sys/kernel/debug/shrinker/*", root);
	err = glob(pattern, GLOB_NOSORT, NULL, &found);
	globfree(&found);
	if (err)
		return true;
	snprintf(pattern, sizeof(pattern), "%s/sys/kernel/debug/shrinker/thp-zero*", root);
	err = glob(pattern, GLOB_NOSORT, NULL, &found);
	globfree(&found);
	return err != GLOB_NOMATCH;
}

static enum huge_zero_kind read_huge_zero(const char *root, const struct kernel_config *config)
{
	struct ksym sym[] = {
		{.name = "huge_zero_refcount"},	    {.name = "huge_zero_folio"},
		{.name = "huge_zero_page"}, /* as in 6.1 */
		{.name = "mm_get_huge_zero_folio"}, {.name = "__persistent_huge_zero_folio"},
	};
	char path[PATH_MAX];
	char persistent = kernel_config__get(config, "CONFIG_PERSISTENT_HUGE_ZERO_FOLIO");

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/transparent_hugepage", root);
	if (access(path, F_OK))
		return HUGE_ZERO_ABSENT;
	if (!ksyms__find(root, sym, ARRAY_SIZE(sym))) {
		/* The names are readable even where the addresses are not. */
		if (sym[0].found)
			return sym[4].found && !zero_shrinker_exists(root) ? HUGE_ZERO_PERSISTENT
									   : HUGE_ZERO_REFCOUNTED;
		/* Data has symbols here, and there is no counter: it is never freed. */
		if (sym[1].found || sym[2].found)
			return HUGE_ZERO_PERSISTENT;
	}
	/* Kernels without symbols of data (KALLSYMS_ALL=n). */
	if (persistent == 'y')
		return HUGE_ZERO_PERSISTENT;
	return persistent == 'n' ? HUGE_ZERO_REFCOUNTED : HUGE_ZERO_UNKNOWN;
}

int machine__read(struct machine *m, const char *root)
{
	_cleanup_kernel_config_ struct kernel_config config = {0};
	struct timespec tick;
	int err;

	memset(m, 0, sizeof(*m));
	err = read_uname(m, root);
	if (err)
		return err;
	m->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (root[0]) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/page_size", root);
		util__read_u64(path, &m->page_size);
	}
	m->pmd_order = read_pmd_order(root, m->page_size);
	m->cpus = count_list(root, "/sys/devices/system/cpu/possible");
	if (!m->cpus)
		m->cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
	/* Without CONFIG_NUMA there is no such file, and one node. */
	m->nodes = count_list(root, "/sys/devices/system/node/online");
	if (!m->nodes)
		m->nodes = 1;
	m->possible_nodes = count_list(root, "/sys/devices/system/node/possible");

	kernel_config__read(&config, root, m->release);
	read_preempt(m, root, &config);
	m->init_on_alloc = read_init_on_alloc(root, &config);
	m->huge_zero = read_huge_zero(root, &config);
	/* The coarse clocks go from tick to tick. */
	if (!root[0] && !clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		m->tick_ns = tick.tv_sec * NSEC_PER_SEC + tick.tv_nsec;
	return 0;
}
