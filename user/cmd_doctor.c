// SPDX-License-Identifier: GPL-2.0-only
/*
 * `zeroscope doctor`: what this kernel and these privileges allow, and what
 * would help where they do not. Everything is asked first and printed second,
 * by one of two writers.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "caps.h"
#include "commands.h"
#include "json.h"
#include "log.h"
#include "machine.h"
#include "probe.h"
#include "util.h"

#define WIDTH 96
#define LABEL 15

static const int shown_caps[] = {CAP_BPF, CAP_PERFMON, CAP_SYSLOG, CAP_SYS_ADMIN};

struct finding {
	struct machine m;
	struct thp_settings thp;
	struct caps caps;
	enum lockdown lockdown;
	char lockdown_source[64];
	const char *given_btf;
	bool own_btf;
	struct probe_answer loadable; /* what stands in the way of everything, or usable */
	struct probe_result probe[PROBE_IDS];
	bool measurable;
};

static int ask_kernel(struct finding *f, const struct run_options *opt)
{
	_cleanup_probe_kernel_ struct probe_kernel *k = NULL;
	int err;

	probe__expect_symbols();
	err = machine__read(&f->m, "");
	if (err)
		return err_errno_r(err, "the kernel's name could not be read");
	thp_settings__read(&f->thp, "", f->m.page_size);
	err = caps__read(&f->caps, "");
	if (err)
		return err_errno_r(err, "the capabilities of this process could not be read; "
					"is /proc mounted?");
	f->lockdown = lockdown__read("", f->lockdown_source, sizeof(f->lockdown_source));
	f->given_btf = opt->btf;

	err = probe_kernel__open_here(opt->btf, &k);
	if (err)
		return err;
	f->own_btf = probe_kernel__has_own_btf(k);
	probe__loadable(k, &f->loadable);
	for (int id = 0; id < PROBE_IDS; id++)
		probe__resolve(k, id, f->m.preempt_model, opt->tier, true, &f->probe[id]);
	f->measurable = f->probe[PROBE_CLEAR].chosen != NULL;
	return 0;
}

/* How a chosen candidate is attached: its tier, or what stands for one. */
static const char *means(const struct probe_result *r)
{
	switch (r->chosen->kind) {
	case PROBE_FUNCTION:
		return options__tier_name(r->choice.tier);
	case PROBE_TRACEPOINT:
		return "tp_btf";
	case PROBE_ITERATOR:
		return "iterator";
	case PROBE_KSYM:
		break;
	}
	return "ksym";
}

/* --- Plain text. */

/* Words of text from column `indent` on, the first line being there already. */
static void put_words(const char *text, int indent, int column)
{
	const char *word = text;

	while (*word) {
		int len = (int)strcspn(word, " ");

		if (column > indent && column + 1 + len > WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", len, word);
		word += len;
		word += strspn(word, " ");
	}
	putchar('\n');
}

static void put_row(const char *label, const char *text)
{
	printf("  %-*s", LABEL, label);
	put_words(text, LABEL + 2, LABEL + 2);
}

__attribute__((format(printf, 2, 3))) static void row(const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_row(label, text);
}

static const char *init_on_alloc_text(const struct machine *m)
{
	switch (m->init_on_alloc) {
	case 0:
		return "off: folios are zeroed at the fault alone";
	case 1:
		return "on: the page allocator zeroes all that it hands out; newer kernels then "
		       "do not clear THPs at the fault, older ones zero them twice";
	}
	return "not told: no readable configuration, nothing on the command line";
}

static const char *huge_zero_text(const struct machine *m)
{
	switch (m->huge_zero) {
	case HUGE_ZERO_REFCOUNTED:
		return "refcounted: freed by the shrinker when nobody holds it";
	case HUGE_ZERO_PERSISTENT:
		return "persistent: never freed, so it has no holders and no lifetime";
	case HUGE_ZERO_ABSENT:
		return "absent: this kernel has no transparent huge pages";
	case HUGE_ZERO_UNKNOWN:
		break;
	}
	return "not told: /proc/kallsyms has no data, and no configuration is readable";
}

static void put_capabilities(const struct finding *f)
{
	char text[256];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(shown_caps); i++) {
		int n = snprintf(text + len, sizeof(text) - len, "%s%s %s", i ? ", " : "",
				 caps__name(shown_caps[i]),
				 caps__has(&f->caps, shown_caps[i]) ? "yes" : "no");

		len = min(len + (size_t)n, sizeof(text) - 1);
	}
	row("capabilities", "%s%s%s", text,
	    f->caps.initial_userns ? "" : "; inside a user namespace, where none count",
	    f->caps.seccomp ? "; under a seccomp filter" : "");
}

static void put_kernel(const struct finding *f)
{
	const struct machine *m = &f->m;

	puts("Kernel");
	row("release",
	    "%s, %s, pages of %" PRIu64 " KiB, PMD order %d, %d possible CPU%s, %d node%s",
	    m->release, m->arch, m->page_size / 1024, m->pmd_order, m->cpus,
	    m->cpus == 1 ? "" : "s", m->nodes, m->nodes == 1 ? "" : "s");
	row("BTF", "%s%s%s", f->own_btf ? "/sys/kernel/btf/vmlinux" : "the kernel brings none",
	    f->given_btf ? "; --btf " : "", f->given_btf ? f->given_btf : "");
	row("preemption", "%s (%s)",
	    m->preempt_model == PREEMPT_UNKNOWN ? "not told"
						: preempt_model__name(m->preempt_model),
	    m->preempt_source);
	put_row("its bound", preempt_model__bound(m->preempt_model));
	put_row("init_on_alloc", init_on_alloc_text(m));
	row("lockdown", "%s%s%s%s",
	    f->lockdown == LOCKDOWN_UNKNOWN ? "not told" : lockdown__name(f->lockdown),
	    f->lockdown_source[0] ? " (" : "", f->lockdown_source,
	    f->lockdown_source[0] ? ")" : "");
	put_capabilities(f);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static void put_mthp(const struct thp_settings *t)
{
	char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->nr_mthp; i++) {
		int n;

		if (!t->mthp[i].enabled[0]) /* of shmem only */
			continue;
		n = snprintf(text + len, sizeof(text) - len, "%s%" PRIu64 "kB %s", len ? ", " : "",
			     t->mthp[i].kb, t->mthp[i].enabled);
		len = min(len + (size_t)n, sizeof(text) - 1);
	}
	put_row("mTHP", len ? text : "this kernel has no sizes below the PMD's");
}

static void put_pool(const struct hugetlb_pool *pool)
{
	char text[512];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
			       "%" PRIu64 "kB: %" PRIu64 " pages, %" PRIu64 " free, %" PRIu64
			       " reserved, %" PRIu64 " surplus, %" PRIu64 " overcommit",
			       pool->kb, pool->pages, pool->free, pool->reserved, pool->surplus,
			       pool->overcommit);
	for (size_t i = 0; pool->nr_nodes > 1 && i < pool->nr_nodes; i++) {
		int n = snprintf(text + len, sizeof(text) - len,
				 "; node %d: %" PRIu64 " pages, %" PRIu64 " free",
				 pool->node[i].node, pool->node[i].pages, pool->node[i].free);

		len = min(len + (size_t)n, sizeof(text) - 1);
	}
	put_row("hugetlb", text);
}

static void put_huge_pages(const struct finding *f)
{
	const struct thp_settings *t = &f->thp;

	puts("\nHuge pages");
	if (t->present) {
		row("THP", "enabled %s, defrag %s, shmem %s, %" PRIu64 "kB", or_dash(t->enabled),
		    or_dash(t->defrag), or_dash(t->shmem_enabled), t->pmd_kb);
		put_mthp(t);
	} else {
		put_row("THP", "this kernel has no transparent huge pages");
	}
	row("zero folio", "%s%s", huge_zero_text(&f->m),
	    t->use_zero_page == 0 ? "; not used for read faults (use_zero_page is 0)" : "");
	for (size_t i = 0; i < t->nr_hugetlb; i++)
		put_pool(&t->hugetlb[i]);
	if (!t->nr_hugetlb)
		put_row("hugetlb", "this kernel has no hugetlb pools");
}

static void put_tiers(const struct probe_result *r)
{
	char text[128];
	size_t len = 0;

	text[0] = '\0';
	for (enum tier t = TIER_FSESSION; t <= TIER_KPROBE; t++) {
		int n;

		if (!r->tier_usable[t] || t == r->choice.tier)
			continue;
		n = snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : " (also ",
			     options__tier_name(t));
		len = min(len + (size_t)n, sizeof(text) - 1);
	}
	printf("by %s%s%s\n", means(r), text, len ? ")" : "");
}

/* What stands in the way of all is said once, below them. */
static bool is_common(const struct finding *f, const struct probe_answer *a)
{
	return a->reason[0] && !strcmp(a->reason, f->loadable.reason);
}

static void put_probe(const struct finding *f, enum probe_id id, const struct probe_result *r)
{
	const struct probe_def *def = probe__def(id);
	char text[512];

	printf("  %-*s", LABEL, def->name);
	if (r->chosen) {
		printf("%-29s ", r->chosen->name);
		put_tiers(r);
		return;
	}
	if (is_common(f, &r->answer)) {
		printf("%-29s not attachable (%s): see below\n", r->asked->name,
		       probe_verdict__name(r->answer.verdict));
		return;
	}
	snprintf(text, sizeof(text), "not attachable (%s): %s; %s",
		 probe_verdict__name(r->answer.verdict), r->answer.reason, def->without);
	put_words(text, LABEL + 2, LABEL + 2);
}

/* The same remedy may be that of many probes. */
static bool said_before(const struct finding *f, int id)
{
	for (int before = 0; before < id; before++) {
		if (!strcmp(f->probe[before].answer.remedy, f->probe[id].answer.remedy))
			return true;
	}
	return false;
}

static void put_remedies(const struct finding *f)
{
	bool any = f->loadable.remedy[0];

	if (any) {
		puts("\nWhat would help");
		row(probe_verdict__name(f->loadable.verdict), "%s. %s", f->loadable.reason,
		    f->loadable.remedy);
	}
	for (int id = 0; id < PROBE_IDS; id++) {
		const struct probe_answer *a = &f->probe[id].answer;

		if (!a->remedy[0] || is_common(f, a) || said_before(f, id))
			continue;
		if (!any)
			puts("\nWhat would help");
		any = true;
		put_row(probe__def(id)->name, a->remedy);
	}
}

static void put_probes(const struct finding *f)
{
	puts("\nProbes");
	for (int id = 0; id < PROBE_IDS; id++)
		put_probe(f, id, &f->probe[id]);
	put_remedies(f);
}

static void put_result(const struct finding *f)
{
	const struct probe_result *clear = &f->probe[PROBE_CLEAR];
	char text[512];

	putchar('\n');
	if (!f->measurable) {
		snprintf(text, sizeof(text), "Clears cannot be measured here: %s. %s",
			 clear->answer.reason, clear->answer.remedy);
		put_words(text, 0, 0);
		return;
	}
	snprintf(text, sizeof(text), "Clears can be measured here: %s by %s.%s%s%s",
		 clear->chosen->name, means(clear), clear->choice.note[0] ? " This tier " : "",
		 clear->choice.note, clear->choice.note[0] ? "." : "");
	put_words(text, 0, 0);
	if (f->m.init_on_alloc != 0 && f->probe[PROBE_ALLOCATOR].chosen)
		put_words(
			"With init_on_alloc on, zeroing may happen in the page allocator instead: "
			"--allocator measures it there, and coverage tells.",
			0, 0);
}

static int put_plain(const struct finding *f)
{
	put_kernel(f);
	put_huge_pages(f);
	put_probes(f);
	put_result(f);
	return 0;
}

/* --- JSON. */

static void string_or_null(struct json_writer *w, const char *key, const char *text)
{
	json__string_field(w, key, text[0] ? text : NULL);
}

static void kernel_field(struct json_writer *w, const struct finding *f)
{
	const struct machine *m = &f->m;

	json__begin_object_field(w, "kernel");
	json__string_field(w, "release", m->release);
	json__string_field(w, "version", m->version);
	json__string_field(w, "arch", m->arch);
	json__u64_field(w, "page_size", m->page_size);
	json__i64_field(w, "pmd_order", m->pmd_order);
	json__i64_field(w, "cpus", m->cpus);
	json__i64_field(w, "nodes", m->nodes);
	json__string_field(
		w, "preempt_model",
		m->preempt_model == PREEMPT_UNKNOWN ? NULL : preempt_model__name(m->preempt_model));
	string_or_null(w, "preempt_source", m->preempt_source);
	if (m->init_on_alloc < 0)
		json__null_field(w, "init_on_alloc");
	else
		json__bool_field(w, "init_on_alloc", m->init_on_alloc);
	json__string_field(w, "huge_zero",
			   m->huge_zero == HUGE_ZERO_UNKNOWN ? NULL
							     : huge_zero__name(m->huge_zero));
	json__bool_field(w, "btf", f->own_btf);
	json__string_field(w, "lockdown",
			   f->lockdown == LOCKDOWN_UNKNOWN ? NULL : lockdown__name(f->lockdown));
	string_or_null(w, "lockdown_source", f->lockdown_source);
	json__end_object(w);
}

static void privileges_field(struct json_writer *w, const struct finding *f)
{
	json__begin_object_field(w, "privileges");
	json__begin_object_field(w, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(shown_caps); i++)
		json__bool_field(w, caps__name(shown_caps[i]), caps__has(&f->caps, shown_caps[i]));
	json__end_object(w);
	json__bool_field(w, "user_namespace", !f->caps.initial_userns);
	json__bool_field(w, "seccomp", f->caps.seccomp);
	json__end_object(w);
}

static void thp_field(struct json_writer *w, const struct thp_settings *t)
{
	if (!t->present) {
		json__null_field(w, "thp");
		return;
	}
	json__begin_object_field(w, "thp");
	string_or_null(w, "enabled", t->enabled);
	string_or_null(w, "defrag", t->defrag);
	string_or_null(w, "shmem_enabled", t->shmem_enabled);
	if (t->use_zero_page < 0)
		json__null_field(w, "use_zero_page");
	else
		json__bool_field(w, "use_zero_page", t->use_zero_page);
	json__begin_array_field(w, "mthp");
	for (size_t i = 0; i < t->nr_mthp; i++) {
		json__begin_object(w);
		json__u64_field(w, "size", t->mthp[i].kb * 1024);
		json__i64_field(w, "order", t->mthp[i].order);
		string_or_null(w, "enabled", t->mthp[i].enabled);
		string_or_null(w, "shmem_enabled", t->mthp[i].shmem_enabled);
		json__end_object(w);
	}
	json__end_array(w);
	json__end_object(w);
}

static void hugetlb_field(struct json_writer *w, const struct thp_settings *t)
{
	json__begin_array_field(w, "hugetlb");
	for (size_t i = 0; i < t->nr_hugetlb; i++) {
		const struct hugetlb_pool *pool = &t->hugetlb[i];

		json__begin_object(w);
		json__u64_field(w, "size", pool->kb * 1024);
		json__i64_field(w, "order", pool->order);
		json__u64_field(w, "pages", pool->pages);
		json__u64_field(w, "free", pool->free);
		json__u64_field(w, "reserved", pool->reserved);
		json__u64_field(w, "surplus", pool->surplus);
		json__u64_field(w, "overcommit", pool->overcommit);
		json__begin_array_field(w, "nodes");
		for (size_t n = 0; n < pool->nr_nodes; n++) {
			json__begin_object(w);
			json__i64_field(w, "node", pool->node[n].node);
			json__u64_field(w, "pages", pool->node[n].pages);
			json__u64_field(w, "free", pool->node[n].free);
			json__end_object(w);
		}
		json__end_array(w);
		json__end_object(w);
	}
	json__end_array(w);
}

static void tiers_field(struct json_writer *w, const struct probe_result *r)
{
	if (!r->chosen || r->chosen->kind != PROBE_FUNCTION) {
		json__null_field(w, "tiers");
		return;
	}
	json__begin_array_field(w, "tiers");
	for (enum tier t = TIER_FSESSION; t <= TIER_KPROBE; t++) {
		json__begin_object(w);
		json__string_field(w, "tier", options__tier_name(t));
		json__bool_field(w, "usable", r->tier_usable[t]);
		json__string_field(w, "verdict", probe_verdict__name(r->tier_answer[t].verdict));
		string_or_null(w, "reason", r->tier_answer[t].reason);
		string_or_null(w, "remedy", r->tier_answer[t].remedy);
		json__end_object(w);
	}
	json__end_array(w);
}

static void probe_value(struct json_writer *w, enum probe_id id, const struct probe_result *r)
{
	const struct probe_def *def = probe__def(id);

	json__begin_object(w);
	json__string_field(w, "name", def->name);
	json__string_field(w, "purpose", def->purpose);
	json__string_field(w, "option", def->option);
	json__bool_field(w, "attachable", r->chosen != NULL);
	/* What it is, or would be where something else stands in the way. */
	json__string_field(w, "target", r->answer.verdict == PROBE_ABSENT ? NULL : r->asked->name);
	json__string_field(w, "tier", r->chosen ? means(r) : NULL);
	json__bool_field(w, "may_lose", r->chosen && r->choice.may_lose);
	string_or_null(w, "note", r->choice.note);
	json__string_field(w, "verdict", probe_verdict__name(r->answer.verdict));
	string_or_null(w, "reason", r->answer.reason);
	string_or_null(w, "remedy", r->answer.remedy);
	json__string_field(w, "without", r->chosen ? NULL : def->without);
	tiers_field(w, r);
	json__end_object(w);
}

static int put_json(const struct finding *f)
{
	_cleanup_json_ struct json_writer w;

	json__init(&w, stdout);
	json__begin_object(&w);
	json__string_field(&w, "type", "doctor");
	json__u64_field(&w, "schema", 1);
	json__bool_field(&w, "measurable", f->measurable);
	string_or_null(&w, "reason", f->probe[PROBE_CLEAR].answer.reason);
	string_or_null(&w, "remedy", f->probe[PROBE_CLEAR].answer.remedy);
	kernel_field(&w, f);
	privileges_field(&w, f);
	thp_field(&w, &f->thp);
	hugetlb_field(&w, &f->thp);
	json__begin_array_field(&w, "probes");
	for (int id = 0; id < PROBE_IDS; id++)
		probe_value(&w, id, &f->probe[id]);
	json__end_array(&w);
	json__end_object(&w);
	return json__end_line(&w);
}

int cmd_doctor__run(const struct options *opt)
{
	_cleanup_free_ struct finding *f = calloc(1, sizeof(*f));
	int err;

	if (!f) {
		log_err("out of memory");
		return EXIT_FAILED;
	}
	if (ask_kernel(f, &opt->run))
		return EXIT_FAILED;
	err = opt->run.json ? put_json(f) : put_plain(f);
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = -errno;
	if (err && err != -EPIPE) {
		log_err("the report could not be written: %s", errname(err));
		return EXIT_FAILED;
	}
	return f->measurable ? EXIT_DONE : EXIT_NOT_ALLOWED;
}
