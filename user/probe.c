// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <string.h>

#include "caps.h"
#include "kinfo.h"
#include "kbtf.h"
#include "log.h"
#include "machine.h"
#include "probe_trial.h"
#include "util.h"

#define MAX_SYMBOLS 96
#define MAX_TRIALS  96
#define NAME_SIZE   64

/* What is known about one function. */
struct symbol {
	char name[NAME_SIZE];
	struct ksym sym;
	bool traceable; /* in available_filter_functions */
};

struct remembered {
	const struct symbol *symbol;
	enum probe_ends ends;
	enum tier tier;
	int err;
	struct probe_answer answer;
};

struct probe_kernel {
	char root[PATH_MAX];
	bool trials; /* false in a fixture tree */
	struct btf *own;
	struct btf *given; /* --btf */
	struct caps caps;
	enum lockdown lockdown;
	struct kernel_config config;
	bool symbols_known; /* kallsyms could be read */
	bool filter_known;  /* available_filter_functions could be read */
	size_t nr_symbols;
	struct symbol symbol[MAX_SYMBOLS];
	size_t nr_trials;
	struct remembered trial[MAX_TRIALS];
	bool loadable_known;
	int loadable_err;
	struct probe_answer loadable;
};

const char *probe_verdict__name(enum probe_verdict verdict)
{
	static const char *const names[] = {
		[PROBE_USABLE] = "usable",	   [PROBE_ABSENT] = "absent",
		[PROBE_INLINED] = "inlined",	   [PROBE_NOTRACE] = "notrace",
		[PROBE_NO_BTF] = "no-btf",	   [PROBE_LOCKDOWN] = "lockdown",
		[PROBE_CAPABILITY] = "capability", [PROBE_NOT_CONFIGURED] = "not-configured",
		[PROBE_UNSAFE] = "unsafe",	   [PROBE_HIDDEN] = "hidden",
		[PROBE_REFUSED] = "refused",
	};

	return names[verdict];
}

/* --- Answers. */

static int usable(struct probe_answer *a)
{
	memset(a, 0, sizeof(*a));
	return 0;
}

__attribute__((format(printf, 4, 5))) static int
refuse(struct probe_answer *a, int err, enum probe_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	memset(a, 0, sizeof(*a));
	a->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
	return err;
}

__attribute__((format(printf, 2, 3))) static void remedy(struct probe_answer *a, const char *fmt,
							 ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->remedy, sizeof(a->remedy), fmt, ap);
	va_end(ap);
}

/* --- Symbols. */

/*
 * Names whose presence says that a function, though it has no symbol, is not
 * missing: its code was inlined into these.
 */
static const struct {
	const char *function;
	const char *caller;
} inlined_into[] = {
	/* x86: the one of its bodies that is a function of its own. */
	{"clear_pages", "__clear_pages_unrolled"},
	{"get_huge_zero_folio", "mm_get_huge_zero_folio"},
	{"get_huge_zero_page", "mm_get_huge_zero_folio"},
	{"get_huge_zero_page", "mm_get_huge_zero_page"},
};

static struct symbol *find_symbol(struct probe_kernel *k, const char *name)
{
	for (size_t i = 0; i < k->nr_symbols; i++) {
		if (!strcmp(k->symbol[i].name, name))
			return &k->symbol[i];
	}
	return NULL;
}

static struct symbol *add_symbol(struct probe_kernel *k, const char *name)
{
	struct symbol *s = find_symbol(k, name);

	if (s || k->nr_symbols == MAX_SYMBOLS || strlen(name) >= NAME_SIZE)
		return s;
	s = &k->symbol[k->nr_symbols++];
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

static void read_symbols(struct probe_kernel *k, size_t first)
{
	struct ksym syms[MAX_SYMBOLS];
	size_t n = k->nr_symbols - first;

	for (size_t i = 0; i < n; i++)
		syms[i].name = k->symbol[first + i].name;
	k->symbols_known = !ksyms__find(k->root, syms, n);
	for (size_t i = 0; i < n; i++)
		k->symbol[first + i].sym = syms[i];
}

/* Lines of "function" or "function [module]". */
static void read_filter(struct probe_kernel *k, size_t first)
{
	_cleanup_close_ int fd = kernel_fs__open(k->root, "tracefs", "available_filter_functions");
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	k->filter_known = false;
	if (fd < 0)
		return;
	f = fdopen(fd, "r");
	if (!f)
		return;
	TAKE_FD(fd);
	while (getline(&line, &size, f) > 0) {
		k->filter_known = true;
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = first; i < k->nr_symbols; i++) {
			if (line[0] == k->symbol[i].name[0] && !strcmp(line, k->symbol[i].name))
				k->symbol[i].traceable = true;
		}
	}
}

/* Every name of the table. */
static void for_each_symbol(void (*fn)(struct probe_kernel *k, const char *name),
			    struct probe_kernel *k)
{
	for (int id = 0; id < PROBE_IDS; id++) {
		const struct probe_candidate *c = probe__def(id)->candidate;

		for (; c->name; c++) {
			if (c->kind == PROBE_FUNCTION || c->kind == PROBE_KSYM)
				fn(k, c->name);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(inlined_into); i++)
		fn(k, inlined_into[i].caller);
}

static void add_table_symbol(struct probe_kernel *k, const char *name)
{
	add_symbol(k, name);
}

static void expect_symbol(struct probe_kernel *k, const char *name)
{
	(void)k;
	ksyms__expect(name);
}

void probe__expect_symbols(void)
{
	for_each_symbol(expect_symbol, NULL);
}

static const struct symbol *get_symbol(struct probe_kernel *k, const char *name)
{
	struct symbol *s = find_symbol(k, name);
	size_t first = k->nr_symbols;

	if (s)
		return s;
	/* All in one pass, since each reads megabytes. */
	if (!first)
		for_each_symbol(add_table_symbol, k);
	s = add_symbol(k, name);
	if (k->nr_symbols > first) {
		read_symbols(k, first);
		read_filter(k, first);
	}
	return s;
}

/* Where there is no symbol, why. 0 where there is one, or where symbols are not readable. */
static int explain_symbol(struct probe_kernel *k, const struct symbol *s, struct probe_answer *a)
{
	if (!k->symbols_known || s->sym.found)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(inlined_into); i++) {
		const struct symbol *caller = find_symbol(k, inlined_into[i].caller);

		if (strcmp(inlined_into[i].function, s->name) != 0 || !caller || !caller->sym.found)
			continue;
		return refuse(a, -ENOENT, PROBE_INLINED,
			      "%s is inlined into its callers in this kernel%s%s%s", s->name,
			      /* Whose the copy is cannot be told: its name is no proof. */
			      s->sym.variant[0] ? " (" : "", s->sym.variant,
			      s->sym.variant[0] ? " is another caller's own copy)" : "");
	}
	if (s->sym.variant[0])
		return refuse(a, -ENOENT, PROBE_INLINED,
			      "this kernel has no function %s, only %s, a copy that the compiler "
			      "made for some of its callers",
			      s->name, s->sym.variant);
	return refuse(a, -ENOENT, PROBE_ABSENT, "this kernel has no function %s", s->name);
}

/* --- BTF. */

static bool btf_has(const struct btf *btf, const char *name, unsigned int kind)
{
	return btf && btf__find_by_name_kind(btf, name, kind) > 0;
}

bool probe_kernel__btf_has_func(const struct probe_kernel *k, const char *name)
{
	return btf_has(probe_kernel__btf(k), name, BTF_KIND_FUNC);
}

bool probe_kernel__btf_has_struct(const struct probe_kernel *k, const char *name)
{
	return btf_has(probe_kernel__btf(k), name, BTF_KIND_STRUCT);
}

/* Does the kernel's own enum know this value? */
static bool btf_has_enumerator(const struct btf *btf, const char *type, const char *name)
{
	const struct btf_type *t;
	const struct btf_enum *e;
	int id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_ENUM) : -1;

	if (id <= 0)
		return false;
	t = btf__type_by_id(btf, (uint32_t)id);
	e = btf_enum(t);
	for (int i = 0; i < btf_vlen(t); i++, e++) {
		if (!strcmp(btf__name_by_offset(btf, e->name_off), name))
			return true;
	}
	return false;
}

/* Also enums that have no name. */
static bool btf_any_enum_has(const struct btf *btf, const char *name)
{
	uint32_t n = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e = btf_enum(t);

		if (!btf_is_enum(t))
			continue;
		for (int i = 0; i < btf_vlen(t); i++, e++) {
			if (!strcmp(btf__name_by_offset(btf, e->name_off), name))
				return true;
		}
	}
	return false;
}

const struct btf *probe_kernel__btf(const struct probe_kernel *k)
{
	return k->given ? k->given : k->own;
}

bool probe_kernel__has_own_btf(const struct probe_kernel *k)
{
	return k->own != NULL;
}

bool probe_kernel__allocator_skips(const struct probe_kernel *k)
{
	const struct btf *btf = probe_kernel__btf(k);

	/*
	 * The flag that makes the allocator skip is known to every kernel with
	 * KASAN tags, and the tracepoint tells where it is used for folios that
	 * are zeroed at the fault.
	 */
	return btf_has(btf, "btf_trace_mm_folio_zero_extent", BTF_KIND_TYPEDEF) &&
	       btf_any_enum_has(btf, "___GFP_SKIP_ZERO_BIT");
}

/* --- The kernel. */

/* libbpf would say what is wrong before our caller can, who knows whether it matters. */
static struct btf *parse_btf(const char *path, int *err)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct btf *btf = btf__parse(path, NULL);

	*err = btf ? 0 : -errno;
	libbpf_set_print(print);
	return btf;
}

int probe_kernel__open(const char *root, const char *btf, struct probe_kernel **out)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = calloc(1, sizeof(*k));
	char path[PATH_MAX];
	int err;

	if (!k)
		return -ENOMEM;
	if (snprintf(k->root, sizeof(k->root), "%s", root) >= PATH_MAX - 256)
		return -ENAMETOOLONG;
	k->trials = !root[0];
	/* Not btf__load_vmlinux_btf(): that also takes a vmlinux found on disk for the kernel's. */
	snprintf(path, sizeof(path), "%.*s/sys/kernel/btf/vmlinux", PATH_MAX - 32, root);
	k->own = parse_btf(path, &err);
	if (btf) {
		k->given = parse_btf(btf, &err);
		if (!k->given)
			return err == -ENOENT || err == -EACCES || err == -ENOMEM ? err : -EINVAL;
	}
	err = caps__read(&k->caps, root);
	if (err)
		return err;
	k->lockdown = lockdown__read(root, NULL, 0);
	*out = TAKE_PTR(k);
	return 0;
}

int probe_kernel__open_here(const char *btf, struct probe_kernel **out)
{
	struct caps caps;
	int err;

	err = caps__read(&caps, "");
	if (err)
		return err_errno_r(err, "the capabilities of this process could not be read; "
					"is /proc mounted?");
	err = probe_kernel__open("", btf, out);
	if (err == -EINVAL && btf)
		return err_r(err, "%s is not a BTF file; give --btf one that matches this kernel",
			     btf);
	if (err && btf)
		return err_errno_r(err, "%s, given to --btf, could not be read", btf);
	return err ? err_errno_r(err, "this kernel could not be described") : 0;
}

void probe_kernel__close(struct probe_kernel **pk)
{
	struct probe_kernel *k = *pk;

	*pk = NULL;
	if (!k)
		return;
	btf__free(k->own);
	btf__free(k->given);
	kernel_config__free(&k->config);
	free(k);
}

/* --- Refusals that are not about one function. */

static int explain_lockdown(const struct probe_kernel *k, const char *what, struct probe_answer *a)
{
	refuse(a, -EPERM, PROBE_LOCKDOWN, "this kernel is locked down (%s) and refuses %s",
	       lockdown__name(k->lockdown), what);
	remedy(a,
	       "Boot it without lockdown (Secure Boot off, or no lockdown= on its command line), "
	       "or measure in a VM: make demo.");
	return -EPERM;
}

static int explain_eperm(const struct probe_kernel *k, int err, const char *what,
			 struct probe_answer *a)
{
	if (k->lockdown == LOCKDOWN_INTEGRITY || k->lockdown == LOCKDOWN_CONFIDENTIALITY)
		return explain_lockdown(k, what, a);
	if (k->caps.seccomp) {
		refuse(a, err, PROBE_REFUSED,
		       "the kernel refuses %s (%s): this process runs under a seccomp filter, "
		       "which may forbid bpf() or perf_event_open()",
		       what, errname(err));
		remedy(a, "Run it outside of the sandbox or container, or with a profile that "
			  "allows both calls.");
		return err;
	}
	refuse(a, err, PROBE_REFUSED,
	       "the kernel refuses %s (%s) although the capabilities are there: a security module "
	       "or lockdown forbids it",
	       what, errname(err));
	remedy(a, "The kernel's messages (dmesg) may name the module; or measure in a VM: "
		  "make demo.");
	return err;
}

static int check_caps(const struct probe_kernel *k, struct probe_answer *a)
{
	char reason[CAPS_REASON_SIZE];
	char *semicolon;
	int err = caps__require(&k->caps, reason);

	if (!err)
		return 0;
	/* "cause; remedy" */
	semicolon = strchr(reason, ';');
	if (semicolon)
		*semicolon = '\0';
	refuse(a, err, PROBE_CAPABILITY, "%.190s", reason);
	if (semicolon) {
		semicolon[2] = (char)(semicolon[2] - 'a' + 'A');
		remedy(a, "%.190s.", semicolon + 2);
	}
	return err;
}

static int explain_no_btf(struct probe_answer *a)
{
	refuse(a, -ENOENT, PROBE_NO_BTF,
	       "this kernel brings no BTF (/sys/kernel/btf/vmlinux is not there)");
	remedy(a, "Give --btf FILE, which serves the kprobe tier, or use a kernel with "
		  "CONFIG_DEBUG_INFO_BTF=y.");
	return -ENOENT;
}

static int ask_loadable(struct probe_kernel *k, struct probe_answer *a)
{
	struct trial t;
	int err = check_caps(k, a);

	if (err)
		return err;
	if (!probe_kernel__btf(k))
		return explain_no_btf(a);
	if (!k->trials) {
		if (k->lockdown == LOCKDOWN_CONFIDENTIALITY)
			return explain_lockdown(k, "programs that read kernel memory", a);
		return usable(a);
	}
	t = trial__read_kernel();
	if (!t.err)
		return usable(a);
	if (k->lockdown == LOCKDOWN_CONFIDENTIALITY)
		return explain_lockdown(k, "programs that read kernel memory", a);
	if (t.err == -ENOSYS) {
		refuse(a, t.err, PROBE_NOT_CONFIGURED, "this kernel is built without BPF");
		remedy(a, "Use a kernel with CONFIG_BPF_SYSCALL=y.");
		return t.err;
	}
	if (t.err == -EPERM || t.err == -EACCES)
		return explain_eperm(k, t.err, "BPF programs for tracing", a);
	refuse(a, t.err, PROBE_REFUSED, "the kernel refuses a program that reads its memory: %s",
	       errname(t.err));
	return t.err;
}

int probe__loadable(struct probe_kernel *k, struct probe_answer *a)
{
	if (!k->loadable_known) {
		k->loadable_err = ask_loadable(k, &k->loadable);
		k->loadable_known = true;
	}
	*a = k->loadable;
	return k->loadable_err;
}

/* --- Tiers of a function. */

/* Without the two functions that tell entry from return, a session program cannot be loaded. */
static int check_session(const struct probe_kernel *k, enum tier tier, struct probe_answer *a)
{
	const char *value = tier == TIER_FSESSION ? "BPF_TRACE_FSESSION"
						  : "BPF_TRACE_KPROBE_SESSION";
	const char *name = options__tier_name(tier);

	if (btf_has(k->own, "bpf_session_is_return", BTF_KIND_FUNC) &&
	    btf_has(k->own, "bpf_session_cookie", BTF_KIND_FUNC) &&
	    btf_has_enumerator(k->own, "bpf_attach_type", value))
		return 0;
	return refuse(a, -EOPNOTSUPP, PROBE_NOT_CONFIGURED, "this kernel does not know %s%s", name,
		      tier == TIER_FSESSION ? " (kernels from 7.0 on do)"
					    : " (kernels from 6.10 on can, with CONFIG_FPROBE)");
}

/*
 * With ftrace turned off attaching succeeds and nothing is ever called, in
 * all tiers: kprobes at the begin of a function go by ftrace as well. Turning
 * it on again then makes it give up for good.
 */
static int check_ftrace(const struct probe_kernel *k, struct probe_answer *a)
{
	char path[PATH_MAX];
	uint64_t enabled;

	snprintf(path, sizeof(path), "%.*s/proc/sys/kernel/ftrace_enabled", PATH_MAX - 64, k->root);
	if (util__read_u64(path, &enabled) || enabled)
		return 0;
	refuse(a, -EPERM, PROBE_REFUSED,
	       "ftrace is turned off (kernel.ftrace_enabled=0), so that no probe would fire");
	remedy(a, "Turn it on: sysctl kernel.ftrace_enabled=1.");
	return -EPERM;
}

static int check_tier(struct probe_kernel *k, const struct symbol *s, enum probe_ends ends,
		      enum tier tier, struct probe_answer *a)
{
	int err;

	err = check_ftrace(k, a);
	if (err)
		return err;
	if (tier == TIER_KPROBE) {
		err = trial__kprobe_pmu(k->root);
		if (err >= 0)
			return 0;
		refuse(a, -EOPNOTSUPP, PROBE_NOT_CONFIGURED,
		       "this kernel is built without kprobe events");
		remedy(a, "Use a kernel with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y.");
		return -EOPNOTSUPP;
	}
	if (!k->own)
		return explain_no_btf(a);
	if (tier == TIER_FSESSION || tier == TIER_KPROBE_SESSION) {
		err = check_session(k, tier, a);
		if (err)
			return err;
	}
	if (tier == TIER_KPROBE_SESSION)
		return 0;
	if (!btf_has(k->own, s->name, BTF_KIND_FUNC))
		return refuse(a, -ENOENT, PROBE_NO_BTF,
			      "%s is a symbol, but the kernel's BTF does not describe it", s->name);
	/*
	 * Before v5.12, commit e21aa341785c ("bpf: Fix fexit trampoline."), the code
	 * of a trampoline could be freed under a function that was still asleep.
	 */
	if (ends != PROBE_ENTRY && !btf_has(k->own, "bpf_tramp_image", BTF_KIND_STRUCT)) {
		refuse(a, -EOPNOTSUPP, PROBE_UNSAFE,
		       "the exit of a function that sleeps, as %s does, is not safe to trace by "
		       "trampoline in this kernel",
		       s->name);
		remedy(a, "Use --tier kprobe, or a kernel from 5.12 on.");
		return -EOPNOTSUPP;
	}
	return 0;
}

static struct trial try_function(const struct probe_kernel *k, const char *function,
				 enum probe_ends ends, enum tier tier)
{
	struct trial t = {0};
	int id;

	switch (tier) {
	case TIER_FSESSION:
		id = btf__find_by_name_kind(k->own, function, BTF_KIND_FUNC);
		return trial__tracing(TRIAL_TRACE_FSESSION, id);
	case TIER_FENTRY:
		id = btf__find_by_name_kind(k->own, function, BTF_KIND_FUNC);
		if (ends != PROBE_RETURN)
			t = trial__tracing(BPF_TRACE_FENTRY, id);
		if (!t.err && ends != PROBE_ENTRY)
			t = trial__tracing(BPF_TRACE_FEXIT, id);
		return t;
	case TIER_KPROBE_SESSION:
		return trial__kprobe_session(function);
	case TIER_KPROBE:
	case TIER_AUTO:
		if (ends != PROBE_RETURN)
			t = trial__kprobe(function, false);
		if (!t.err && ends != PROBE_ENTRY)
			t = trial__kprobe(function, true);
		return t;
	}
	return t;
}

static int explain_notrace(const struct symbol *s, int err, struct probe_answer *a)
{
	refuse(a, err, PROBE_NOTRACE,
	       "%s is in this kernel, but not traceable: it is marked notrace, as every function "
	       "declared inline is, or written in assembly",
	       s->name);
	return err;
}

static int explain_trial(struct probe_kernel *k, const struct symbol *s, enum tier tier,
			 struct trial t, struct probe_answer *a)
{
	const char *name = options__tier_name(tier);
	char what[80];

	snprintf(what, sizeof(what), "programs of tier %s", name);
	if (t.err == -EPERM || t.err == -EACCES)
		return explain_eperm(k, t.err, what, a);
	if (k->filter_known && !s->traceable)
		return explain_notrace(s, t.err, a);
	if (tier == TIER_KPROBE_SESSION && t.err == -EOPNOTSUPP) {
		refuse(a, t.err, PROBE_NOT_CONFIGURED, "this kernel is built without fprobe");
		remedy(a, "Use a kernel with CONFIG_FPROBE=y.");
		return t.err;
	}
	if ((tier == TIER_FENTRY || tier == TIER_FSESSION) &&
	    (t.err == -EOPNOTSUPP || t.err == -ENOTSUP || t.err == -524 /* ENOTSUPP */)) {
		refuse(a, -EOPNOTSUPP, PROBE_NOT_CONFIGURED,
		       "this kernel has no trampolines for %s on this architecture", name);
		remedy(a, "Use a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y, or another "
			  "tier.");
		return -EOPNOTSUPP;
	}
	if (t.err == -EBUSY || t.err == -EINVAL)
		return refuse(a, t.err, PROBE_REFUSED,
			      "the kernel refuses tier %s for %s (%s): another tracer may hold its "
			      "entry, or it is not traceable",
			      name, s->name, errname(t.err));
	return refuse(a, t.err, PROBE_REFUSED, "the kernel refuses tier %s for %s: %s", name,
		      s->name, errname(t.err));
}

static int ask_tier(struct probe_kernel *k, const struct symbol *s, enum probe_ends ends,
		    enum tier tier, struct probe_answer *a)
{
	struct trial t;
	int err = explain_symbol(k, s, a);

	if (!err)
		err = probe__loadable(k, a);
	if (!err)
		err = check_tier(k, s, ends, tier, a);
	if (err)
		return err;
	if (!k->trials) {
		if (k->filter_known && !s->traceable)
			return explain_notrace(s, -EINVAL, a);
		return usable(a);
	}
	t = try_function(k, s->name, ends, tier);
	if (t.err)
		return explain_trial(k, s, tier, t, a);
	return usable(a);
}

int probe__tier_usable(struct probe_kernel *k, const char *function, enum probe_ends ends,
		       enum tier tier, struct probe_answer *a)
{
	const struct symbol *s = get_symbol(k, function);
	struct remembered *r;

	if (!s)
		return refuse(a, -ENAMETOOLONG, PROBE_ABSENT, "there is no function of that name");
	for (size_t i = 0; i < k->nr_trials; i++) {
		r = &k->trial[i];
		if (r->symbol == s && r->ends == ends && r->tier == tier) {
			*a = r->answer;
			return r->err;
		}
	}
	if (k->nr_trials == MAX_TRIALS)
		return ask_tier(k, s, ends, tier, a);
	r = &k->trial[k->nr_trials++];
	r->symbol = s;
	r->ends = ends;
	r->tier = tier;
	r->err = ask_tier(k, s, ends, tier, &r->answer);
	*a = r->answer;
	return r->err;
}

void probe__tier_order(enum preempt_model model, bool scarce_sessions,
		       enum tier order[static PROBE_TIERS])
{
	/* Nothing is lost where programs run to their end, so cost decides. */
	static const enum tier by_cost[PROBE_TIERS] = {
		TIER_FSESSION,
		TIER_FENTRY,
		TIER_KPROBE_SESSION,
		TIER_KPROBE,
	};
	/* Handlers of kprobes and of fprobe run with preemption off. */
	static const enum tier by_loss[PROBE_TIERS] = {
		TIER_KPROBE_SESSION,
		TIER_KPROBE,
		TIER_FSESSION,
		TIER_FENTRY,
	};

	memcpy(order, preempt_model__preempts_programs(model) ? by_loss : by_cost, sizeof(by_cost));
	for (int i = 0; scarce_sessions && i + 1 < PROBE_TIERS; i++) {
		if (order[i] == TIER_KPROBE_SESSION && order[i + 1] == TIER_KPROBE) {
			order[i] = TIER_KPROBE;
			order[++i] = TIER_KPROBE_SESSION;
		}
	}
}

/*
 * Until v6.14 (commit 4346ba160409, "fprobe: Rewrite fprobe on function-graph
 * tracer") a session needs an instance from a pool of two a CPU for as long as
 * its function runs, and misses whole calls when none is left: that takes only
 * a few clears that were switched out. A kretprobe has at least ten, and its
 * entry is counted all the same.
 */
static bool scarce_sessions(const struct probe_kernel *k)
{
	return k->own && kbtf__has_member(k->own, "fprobe", "rethook");
}

static bool is_trampoline(enum tier tier)
{
	return tier == TIER_FSESSION || tier == TIER_FENTRY;
}

/* Not tried, only asked of BTF: the answer goes into a hint. */
static enum tier cheaper_tier(const struct probe_kernel *k, const char *function)
{
	struct probe_answer a;

	if (!k->own || !btf_has(k->own, function, BTF_KIND_FUNC))
		return TIER_AUTO;
	return check_session(k, TIER_FSESSION, &a) ? TIER_FENTRY : TIER_FSESSION;
}

static void describe_choice(struct probe_kernel *k, const char *function, enum probe_ends ends,
			    enum preempt_model model, struct probe_choice *c)
{
	const char *under = model == PREEMPT_UNKNOWN ? "an unknown preemption model"
						     : preempt_model__name(model);
	static const enum tier lossless[] = {TIER_KPROBE_SESSION, TIER_KPROBE};
	struct probe_answer a;

	if (!preempt_model__preempts_programs(model))
		return;
	if (!is_trampoline(c->tier)) {
		c->cheaper = cheaper_tier(k, function);
		if (c->cheaper != TIER_AUTO)
			snprintf(c->note, sizeof(c->note),
				 "loses nothing under %s, where programs of the cheaper "
				 "--tier %s can be preempted and then miss entries",
				 under, options__tier_name(c->cheaper));
		return;
	}
	c->may_lose = true;
	for (size_t i = 0; i < ARRAY_SIZE(lossless) && c->lossless == TIER_AUTO; i++) {
		if (!probe__tier_usable(k, function, ends, lossless[i], &a))
			c->lossless = lossless[i];
	}
	snprintf(c->note, sizeof(c->note),
		 "programs of this tier can be preempted under %s and then miss entries; %s%s",
		 under,
		 c->lossless == TIER_AUTO ? "this kernel offers none that would not"
					  : "none would be lost by --tier ",
		 c->lossless == TIER_AUTO ? "" : options__tier_name(c->lossless));
}

/* What stands in the way of all tiers says more than what each lacks of its own. */
static int importance(enum probe_verdict verdict)
{
	switch (verdict) {
	case PROBE_CAPABILITY:
	case PROBE_LOCKDOWN:
		return 5;
	case PROBE_NO_BTF:
		return 4;
	case PROBE_NOTRACE:
	case PROBE_INLINED:
		return 3;
	case PROBE_REFUSED:
	case PROBE_UNSAFE:
	case PROBE_HIDDEN:
		return 2;
	case PROBE_NOT_CONFIGURED:
		return 1;
	case PROBE_ABSENT:
	case PROBE_USABLE:
		break;
	}
	return 0;
}

int probe__choose_tier(struct probe_kernel *k, const char *function, enum probe_ends ends,
		       enum preempt_model model, enum tier wanted, struct probe_choice *c,
		       struct probe_answer *a)
{
	enum tier order[PROBE_TIERS];
	struct probe_answer worst = {0};
	int err = -ENOENT;

	memset(c, 0, sizeof(*c));
	probe__tier_order(model, scarce_sessions(k), order);
	for (int i = 0; i < PROBE_TIERS; i++) {
		struct probe_answer one;
		int e;

		if (wanted != TIER_AUTO && order[i] != wanted)
			continue;
		e = probe__tier_usable(k, function, ends, order[i], &one);
		if (!e) {
			c->tier = order[i];
			describe_choice(k, function, ends, model, c);
			return usable(a);
		}
		if (!worst.reason[0] || importance(one.verdict) > importance(worst.verdict)) {
			worst = one;
			err = e;
		}
	}
	*a = worst;
	return err;
}

/* --- What is not a function. */

static int explain_types(struct probe_kernel *k, struct trial t, const char *what,
			 struct probe_answer *a)
{
	if (t.err == -EPERM || t.err == -EACCES)
		return explain_eperm(k, t.err, what, a);
	return refuse(a, t.err, PROBE_REFUSED, "the kernel refuses %s: %s", what, errname(t.err));
}

/* What the kernel attaches programs to by a type of its own: how such a type is named, and ours. */
struct typed_target {
	const char *prefix; /* of the type's name */
	unsigned int kind;
	enum bpf_attach_type attach_type;
	const char *what;     /* this kernel has no … NAME */
	const char *programs; /* the kernel refuses … */
};

static int typed_usable(struct probe_kernel *k, const struct typed_target *target, const char *name,
			struct probe_answer *a)
{
	const struct btf *btf = probe_kernel__btf(k);
	char type[NAME_SIZE + 16];
	struct trial t;
	int err;

	snprintf(type, sizeof(type), "%s%s", target->prefix, name);
	if (btf && !btf_has(btf, type, target->kind))
		return refuse(a, -ENOENT, PROBE_ABSENT, "this kernel has no %s %s", target->what,
			      name);
	err = probe__loadable(k, a);
	if (err)
		return err;
	if (!k->own)
		return explain_no_btf(a);
	if (!k->trials)
		return usable(a);
	t = trial__tracing(target->attach_type, btf__find_by_name_kind(k->own, type, target->kind));
	return t.err ? explain_types(k, t, target->programs, a) : usable(a);
}

int probe__tracepoint_usable(struct probe_kernel *k, const char *tracepoint, struct probe_answer *a)
{
	static const struct typed_target target = {"btf_trace_", BTF_KIND_TYPEDEF, BPF_TRACE_RAW_TP,
						   "tracepoint", "tracepoint programs"};

	return typed_usable(k, &target, tracepoint, a);
}

int probe__iterator_usable(struct probe_kernel *k, const char *each, struct probe_answer *a)
{
	static const struct typed_target target = {"bpf_iter_", BTF_KIND_FUNC, BPF_TRACE_ITER,
						   "iterator over each", "iterator programs"};

	return typed_usable(k, &target, each, a);
}

static int explain_hidden(const struct probe_kernel *k, const char *symbol, struct probe_answer *a)
{
	if (!caps__has(&k->caps, CAP_SYSLOG)) {
		refuse(a, -EPERM, PROBE_CAPABILITY,
		       "the address of %s is hidden from a process without CAP_SYSLOG", symbol);
		remedy(a, "Run as root, or grant it too: setcap %s.", CAPS_SETCAP);
		return -EPERM;
	}
	refuse(a, -EPERM, PROBE_HIDDEN, "the address of %s is hidden (kernel.kptr_restrict=2)",
	       symbol);
	remedy(a, "Set kernel.kptr_restrict=1: sysctl kernel.kptr_restrict=1.");
	return -EPERM;
}

int probe__ksym_usable(struct probe_kernel *k, const char *symbol, uint64_t *address,
		       struct probe_answer *a)
{
	const struct symbol *s = get_symbol(k, symbol);
	int err;

	if (address)
		*address = 0;
	if (!s || !k->symbols_known)
		return refuse(a, -ENOENT, PROBE_HIDDEN, "/proc/kallsyms cannot be read");
	if (!s->sym.found)
		return refuse(a, -ENOENT, PROBE_ABSENT,
			      "this kernel has no %s: its zero folio is never freed, or there is "
			      "none, or data has no symbols (CONFIG_KALLSYMS_ALL)",
			      symbol);
	if (!s->sym.address)
		return explain_hidden(k, symbol, a);
	err = probe__loadable(k, a);
	if (err)
		return err;
	if (address)
		*address = s->sym.address;
	return usable(a);
}

/* --- The table's probes. */

static int resolve_candidate(struct probe_kernel *k, const struct probe_candidate *c,
			     enum preempt_model model, enum tier wanted, struct probe_result *r,
			     struct probe_answer *a)
{
	switch (c->kind) {
	case PROBE_FUNCTION:
		return probe__choose_tier(k, c->name, c->ends, model, wanted, &r->choice, a);
	case PROBE_TRACEPOINT:
		return probe__tracepoint_usable(k, c->name, a);
	case PROBE_ITERATOR:
		return probe__iterator_usable(k, c->name, a);
	case PROBE_KSYM:
		return probe__ksym_usable(k, c->name, NULL, a);
	}
	return -EINVAL;
}

/* Each candidate is missing: one sentence names them all. */
static void explain_absent(const struct probe_def *def, struct probe_answer *a)
{
	size_t len = 0;

	a->reason[0] = '\0';
	for (const struct probe_candidate *c = def->candidate; c->name; c++) {
		const char *sep = c == def->candidate ? "this kernel has no "
				  : c[1].name	      ? ", no "
						      : " and no ";
		int n = snprintf(a->reason + len, sizeof(a->reason) - len, "%s%s", sep, c->name);

		len = min(len + (size_t)n, sizeof(a->reason) - 1);
	}
}

static void ask_all_tiers(struct probe_kernel *k, struct probe_result *r)
{
	for (enum tier tier = TIER_FSESSION; tier <= TIER_KPROBE; tier++)
		r->tier_usable[tier] = !probe__tier_usable(k, r->chosen->name, r->chosen->ends,
							   tier, &r->tier_answer[tier]);
}

int probe__resolve(struct probe_kernel *k, enum probe_id id, enum preempt_model model,
		   enum tier wanted, bool all_tiers, struct probe_result *r)
{
	const struct probe_def *def = probe__def(id);
	const struct probe_candidate *c = def->candidate;
	int err = -ENOENT;

	memset(r, 0, sizeof(*r));
	for (; c->name; c++) {
		struct probe_answer a;
		int e = resolve_candidate(k, c, model, wanted, r, &a);

		if (!e) {
			r->chosen = r->asked = c;
			usable(&r->answer);
			if (all_tiers && c->kind == PROBE_FUNCTION)
				ask_all_tiers(k, r);
			return 0;
		}
		/* The first candidate's answer, unless a later one says more. */
		if (!r->answer.reason[0] || importance(a.verdict) > importance(r->answer.verdict)) {
			r->answer = a;
			r->asked = c;
			err = e;
		}
	}
	/* A tier that was asked for may be what is absent. */
	if (r->answer.verdict == PROBE_ABSENT && id != PROBE_REFCOUNT && wanted == TIER_AUTO)
		explain_absent(def, &r->answer);
	if (def->help && !r->answer.remedy[0] &&
	    (r->answer.verdict == PROBE_ABSENT || r->answer.verdict == PROBE_INLINED))
		remedy(&r->answer, "%s", def->help);
	return err;
}
