// SPDX-License-Identifier: GPL-2.0-only
#include "slow.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "page.h"
#include "quantity.h"
#include "util.h"

#define SYMBOL_SIZE 128

/* Our own programs and what the kernel wraps them in, at the inner end. */
static bool is_ours(const char *symbol)
{
	static const char *const prefix[] = {"bpf_prog_", "bpf_trampoline_", "bpf_get_stack"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefix); i++)
		if (!strncmp(symbol, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

/* The name, or the number where it has none. */
static int frame(struct kallsyms *k, uint64_t address, char buf[static SYMBOL_SIZE])
{
	int err = kallsyms__find(k, address, buf, SYMBOL_SIZE);

	if (err == -ENOENT) {
		snprintf(buf, SYMBOL_SIZE, "0x%" PRIx64, address);
		return 0;
	}
	return err;
}

/* The first frame that is the kernel's; or -errno where there are no names. */
static int first_frame(const struct slow_clear *s, struct kallsyms *k, size_t *first)
{
	char symbol[SYMBOL_SIZE];
	size_t i;
	int err;

	*first = 0;
	for (i = 0; i < s->nr_stack; i++) {
		err = frame(k, s->stack[i], symbol);
		if (err)
			return err;
		if (is_ours(symbol))
			*first = i + 1;
	}
	return s->nr_stack ? 0 : -ENODATA;
}

static const char *why_no_stack(int err)
{
	if (err == -ENODATA)
		return "the kernel gave no stack";
	if (err == -EPERM)
		return "kernel addresses are hidden from this process; see kptr_restrict and "
		       "CAP_SYSLOG";
	return "/proc/kallsyms could not be read";
}

static void add_time(const struct page *p, struct text *t, const char *what, uint64_t ns)
{
	text__add(t, "%s ", what);
	text__quantity(p, t, quantity__time, (double)ns / NSEC_PER_SEC, 3);
}

static void add_stack(struct text *t, const struct slow_clear *s, struct kallsyms *k)
{
	char symbol[SYMBOL_SIZE];
	size_t i, first;
	int err = first_frame(s, k, &first);

	if (err) {
		text__add(t, "(%s)", why_no_stack(err));
		return;
	}
	for (i = first; i < s->nr_stack; i++)
		if (!frame(k, s->stack[i], symbol))
			text__add(t, "%s%s", i > first ? " < " : "", symbol);
}

int slow__plain(FILE *out, const struct slow_clear *s, struct kallsyms *k,
		const struct plain_options *opt)
{
	struct page p = {.out = out, .o = opt};
	char time[UTIL_TIME_SIZE], name[NAME_SIZE];
	struct text t = {0};
	size_t i;

	util__format_time(s->time_ns, time);
	/* The date of "2026-11-21T12:00:00…" is that of the block before. */
	text__add(&t, "slow %s order %d %s, ", time + 11, s->order, page_kind__name(s->kind));
	add_time(&p, &t, "wall", s->wall_ns);
	if (s->on_cpu_ns.known) {
		add_time(&p, &t, ", on CPU", s->on_cpu_ns.value);
		text__add(&t, ", %" PRIu64 " gap%s", s->gaps.value, s->gaps.value == 1 ? "" : "s");
	}
	text__add(&t, ", CPU %u", s->cpu_start);
	if (s->cpu_end != s->cpu_start)
		text__add(&t, " to %u", s->cpu_end);
	if (s->node >= 0)
		text__add(&t, ", node %d", s->node);
	text__add(&t, ", %s (pid %u, tid %u)", page__clean_name(&p, name, s->comm), s->pid, s->tid);
	if (s->cgroup[0])
		text__add(&t, ", cgroup %s", page__clean_name(&p, name, s->cgroup));
	else
		text__add(&t, ", cgroup id %" PRIu64, s->cgroup_id);
	text__add(&t, ", stack ");
	add_stack(&t, s, k);
	/* One event, one line: it is what grep wants. NB is a blank here. */
	for (i = 0; i < t.len; i++)
		if (t.buf[i] == NB[0])
			t.buf[i] = ' ';
	fprintf(out, "%.*s\n", (int)t.len, t.buf);
	return fflush(out) ? -errno : 0;
}

static void stack_fields(struct json_writer *w, const struct slow_clear *s, struct kallsyms *k)
{
	char symbol[SYMBOL_SIZE];
	size_t i, first;
	int err = first_frame(s, k, &first);

	if (err) {
		json__null_field(w, "stack");
		json__string_field(w, "stack_reason", why_no_stack(err));
		return;
	}
	json__begin_array_field(w, "stack");
	for (i = first; i < s->nr_stack; i++)
		if (!frame(k, s->stack[i], symbol))
			json__string(w, symbol);
	json__end_array(w);
	json__null_field(w, "stack_reason");
}

int slow__json(struct json_writer *w, const struct slow_clear *s, struct kallsyms *k)
{
	char time[UTIL_TIME_SIZE];

	json__begin_object(w);
	json__string_field(w, "type", "slow");
	json__u64_field(w, "schema", 1);
	json__string_field(w, "time", util__format_time(s->time_ns, time));
	json__string_field(w, "comm", s->comm);
	json__u64_field(w, "pid", s->pid);
	json__u64_field(w, "tid", s->tid);
	if (s->cgroup[0])
		json__string_field(w, "cgroup", s->cgroup);
	else
		json__null_field(w, "cgroup");
	json__u64_field(w, "cgroup_id", s->cgroup_id);
	json__i64_field(w, "order", s->order);
	json__string_field(w, "page_kind", page_kind__name(s->kind));
	if (s->node >= 0)
		json__i64_field(w, "node", s->node);
	else
		json__null_field(w, "node");
	json__u64_field(w, "cpu_start", s->cpu_start);
	json__u64_field(w, "cpu_end", s->cpu_end);
	json__seconds_field(w, "wall_seconds", s->wall_ns);
	if (s->on_cpu_ns.known) {
		json__seconds_field(w, "on_cpu_seconds", s->on_cpu_ns.value);
		json__u64_field(w, "gaps", s->gaps.value);
	} else {
		json__null_field(w, "on_cpu_seconds");
		json__null_field(w, "gaps");
	}
	stack_fields(w, s, k);
	json__end_object(w);
	return json__end_line(w);
}
