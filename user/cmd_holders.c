// SPDX-License-Identifier: GPL-2.0-only
/*
 * `zeroscope holders`: who holds the huge zero folio at this moment. Nothing is
 * attached to a function and nothing stays behind. Since when they hold it is known
 * only to a zeroscope that was running when they took it, which `run` and `serve`
 * are: their tables are found among the maps of the kernel.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <bpf/bpf.h>

#include "collector_parts.h"
#include "commands.h"
#include "huge_zero.h"
#include "json.h"
#include "log.h"
#include "machine.h"
#include "page.h"
#include "probe.h"
#include "quantity.h"
#include "util.h"
#include "view.h"

#define TRIES 5

struct holder {
	struct zs_zero_process process;
	char cgroup[PAYER_NAME]; /* empty: not known */
	uint64_t taken_ns;	 /* CLOCK_MONOTONIC; 0: before the start of whoever watches */
};

struct holders {
	struct machine machine;
	struct payers *payers;
	struct zeroscope_bpf *skel; /* the collector's */
	uint64_t now_ns;	    /* CLOCK_MONOTONIC */

	int refcount; /* or HUGE_ZERO_NOT_READABLE */
	char refcount_reason[HUGE_ZERO_REASON];
	bool known;		       /* the list is whole, as far as can be told */
	char reason[HUGE_ZERO_REASON]; /* why not, or why it differs from the refcount */
	size_t nr, room;
	struct holder *holder;

	/* What other instances have seen: see struct zs_zero_folio. */
	uint64_t watched_ns, refused_ns;
};

/* --- Finding out. */

static int add_holder(void *arg, const struct zs_zero_process *p)
{
	struct holders *h = arg;
	struct holder *more;

	if (h->nr == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		more = realloc(h->holder, h->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		h->holder = more;
	}
	memset(&h->holder[h->nr], 0, sizeof(*h->holder));
	h->holder[h->nr].process = *p;
	if (payers__name(h->payers, p->cgroup, h->holder[h->nr].cgroup))
		h->holder[h->nr].cgroup[0] = '\0';
	h->nr++;
	return 0;
}

/* A second look must not find what ended since the first. */
static void forget(struct holders *h)
{
	int fd = bpf_map__fd(h->skel->maps.zero_holders);

	while (h->nr)
		bpf_map_delete_elem(fd, &h->holder[--h->nr].process.mm);
}

/* Until the list agrees with the kernel's count, which moves as well. */
static int list_tasks(struct holders *h)
{
	struct timespec pause = {.tv_nsec = 2 * NSEC_PER_MSEC};
	unsigned int i;
	int err;

	for (i = 0; i < TRIES; i++) {
		if (i) {
			nanosleep(&pause, NULL);
			forget(h);
		}
		err = huge_zero__iterate(h->skel, add_holder, h);
		if (err)
			return err_errno_r(err,
					   "the tasks of this machine could not be gone through");
		h->refcount = huge_zero__refcount(h->skel);
		if (h->refcount < 0 || huge_zero__agrees(h->refcount, h->nr))
			return 0;
	}
	snprintf(h->reason, sizeof(h->reason),
		 "an address space without a process holds it, or one that this pid namespace does "
		 "not show, or processes came and went all the time");
	return 0;
}

static int find_holders(struct holders *h)
{
	h->refcount = huge_zero__refcount(h->skel);
	if (h->refcount == HUGE_ZERO_IS_PERSISTENT) {
		h->machine.huge_zero = HUGE_ZERO_PERSISTENT;
		return 0;
	}
	h->known = true;
	/* Nobody, or the shrinker's pin alone. */
	if (h->refcount == 0 || h->refcount == 1)
		return 0;
	if (huge_zero__learn(h->skel, h->reason, sizeof(h->reason))) {
		h->known = false;
		return err_r(-EPERM, "who holds the huge zero folio cannot be told: %s", h->reason);
	}
	return list_tasks(h);
}

static bool is_map(const struct bpf_map_info *info, const char *name, uint32_t type, uint32_t key,
		   uint32_t value)
{
	return info->type == type && info->key_size == key && info->value_size == value &&
	       !strcmp(info->name, name);
}

static void ask_table(struct holders *h, int fd)
{
	struct zs_zero_holder v;
	size_t i;

	for (i = 0; i < h->nr; i++) {
		struct holder *to = &h->holder[i];

		if (bpf_map_lookup_elem(fd, &to->process.mm, &v) || v.taken_ns == ZS_ZERO_BEFORE)
			continue;
		if (!to->taken_ns || v.taken_ns < to->taken_ns)
			to->taken_ns = v.taken_ns;
	}
}

static void ask_folio(struct holders *h, int fd)
{
	struct zs_zero_folio f;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(fd, &zero, &f) || !f.watched_ns)
		return;
	if (!h->watched_ns || f.watched_ns < h->watched_ns)
		h->watched_ns = f.watched_ns;
	h->refused_ns = max(h->refused_ns, (uint64_t)f.refused_ns);
}

/* What does not work here is only not known: it needs CAP_SYS_ADMIN. */
static void ask_others(struct holders *h)
{
	struct bpf_map_info info;
	uint32_t id = 0, len;
	int fd;

	while (!bpf_map_get_next_id(id, &id)) {
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			if (is_map(&info, "zero_holders", BPF_MAP_TYPE_HASH, sizeof(uint64_t),
				   sizeof(struct zs_zero_holder)))
				ask_table(h, fd);
			if (is_map(&info, "zero_folio", BPF_MAP_TYPE_ARRAY, sizeof(uint32_t),
				   sizeof(struct zs_zero_folio)))
				ask_folio(h, fd);
		}
		close(fd);
	}
}

/* Of all the programs and maps, those that look once. */
static int load(struct collector *c, struct holders *h)
{
	struct huge_zero_access access;
	struct bpf_map *map;
	int err;

	err = collector__open(c);
	if (err)
		return err;
	h->skel = c->skel;
	huge_zero__prepare(c->skel, c->kernel, &access);
	memcpy(h->refcount_reason, access.refcount_reason, sizeof(h->refcount_reason));
	if (!access.iterator)
		return err_r(-EPERM, "who holds the huge zero folio cannot be told: %s",
			     access.iterator_reason);
	c->skel->rodata->zero_list = true;
	bpf_object__for_each_map(map, c->skel->obj)
		if (!bpf_map__is_internal(map) && map != c->skel->maps.zero_holders)
			bpf_map__set_autocreate(map, false);
	err = zeroscope_bpf__load(c->skel);
	if (err)
		return err_errno_r(
			err, "the kernel refused the programs; -vv shows what its verifier said");
	return 0;
}

/* --- Telling it. */

/* All of the folio is pinned as soon as one holds it. */
static uint64_t pinned_bytes(const struct holders *h)
{
	bool pinned = h->refcount < 0 ? h->nr > 0 : h->refcount > 1;

	return pinned ? h->machine.page_size << h->machine.pmd_order : 0;
}

static double seconds_since(const struct holders *h, uint64_t ns)
{
	return (h->now_ns - min(h->now_ns, ns)) / 1e9;
}

static void put_state(struct page *p, const struct holders *h)
{
	struct text t = {0};

	text__add(&t, BOLD "huge zero folio:" PLAIN " ");
	if (h->machine.huge_zero == HUGE_ZERO_PERSISTENT)
		text__add(&t, "persistent, never freed: nobody holds it, nobody pins it");
	else if (h->machine.huge_zero == HUGE_ZERO_ABSENT)
		text__add(&t, "this kernel has none");
	else if (h->refcount < 0)
		text__add(&t, "refcount not known (%s), %zu" NB "holder%s", h->refcount_reason,
			  h->nr, h->nr == 1 ? "" : "s");
	else if (!h->refcount)
		text__add(&t, "refcount 0: not allocated");
	else if (!h->known)
		text__add(&t, "refcount %d, holders not known (%s)", h->refcount, h->reason);
	else if (huge_zero__agrees(h->refcount, h->nr))
		text__add(&t, "refcount %d = %zu" NB "holder%s + the shrinker's pin", h->refcount,
			  h->nr, h->nr == 1 ? "" : "s");
	else
		text__add(&t, "refcount %d, " WARN "but %zu" NB "holder%s" PLAIN " (%s)",
			  h->refcount, h->nr, h->nr == 1 ? "" : "s", h->reason);
	page__paragraph(p, 0, 4, &t);
}

#define KEY_COLUMN 12

static void put_pinned(struct page *p, const struct holders *h)
{
	struct text t = {0};

	/* A PMD maps no less than a mebibyte anywhere, and whole ones. */
	text__add(&t, "%" PRIu64 NB "MiB, %s", (h->machine.page_size << h->machine.pmd_order) >> 20,
		  pinned_bytes(h) ? "until the last holder ends"
				  : "by nobody: the shrinker can free it");
	page__keyed(p, KEY_COLUMN, "pinned", &t);
}

static void put_shrinker(struct page *p, const struct holders *h)
{
	struct text t = {0};

	if (h->refused_ns) {
		text__add(&t, "tried and was refused, last ");
		text__quantity(p, &t, quantity__span, seconds_since(h, h->refused_ns), 3);
		text__add(&t, " ago");
	} else if (h->watched_ns) {
		text__add(&t, "not refused in ");
		text__quantity(p, &t, quantity__span, seconds_since(h, h->watched_ns), 3);
	} else {
		text__add(&t, "not watched: its attempts are seen while zeroscope run or serve is "
			      "running");
	}
	page__keyed(p, KEY_COLUMN, "shrinker", &t);
}

static void put_holder(struct page *p, const struct holders *h, const struct holder *who)
{
	char comm[NAME_SIZE], cgroup[NAME_SIZE], number[QUANTITY_SIZE], age[2 * QUANTITY_SIZE];
	const char *unit;

	snprintf(age, sizeof(age), "before start");
	if (who->taken_ns) {
		unit = quantity__in_unit(p, number, quantity__span, seconds_since(h, who->taken_ns),
					 3, ROUND_NEAREST);
		snprintf(age, sizeof(age), "%s %s", number, unit);
	}
	page__clean(comm, sizeof(comm), who->process.comm, sizeof(who->process.comm), p->o->ascii);
	page__clean(cgroup, sizeof(cgroup), who->cgroup, strlen(who->cgroup), p->o->ascii);
	fprintf(p->out, "%10u  %-15s  %-12s  %s\n", who->process.tgid, comm, age,
		cgroup[0] ? cgroup : "-");
}

static int put_plain(const struct holders *h, const struct view *v)
{
	struct page p = {
		.out = stdout,
		.o = &v->plain,
		.width = v->plain.width ? v->plain.width : 80,
		.atleast = "",
	};
	size_t i;

	put_state(&p, h);
	if (h->machine.huge_zero != HUGE_ZERO_PERSISTENT &&
	    h->machine.huge_zero != HUGE_ZERO_ABSENT) {
		/* Without a count and a holder nobody knows whether there is a folio. */
		if (h->refcount > 0 || h->nr)
			put_pinned(&p, h);
		if (h->refcount || h->watched_ns)
			put_shrinker(&p, h);
	}
	if (h->nr)
		fprintf(stdout, "\n%10s  %-15s  %-12s  %s\n", "pid", "comm", "age", "cgroup");
	for (i = 0; i < h->nr; i++)
		put_holder(&p, h, &h->holder[i]);
	return fflush(stdout) ? -errno : 0;
}

static void seconds_or_null(struct json_writer *w, const char *key, const struct holders *h,
			    uint64_t ns)
{
	if (ns)
		json__double_field(w, key, seconds_since(h, ns));
	else
		json__null_field(w, key);
}

static int put_json(const struct holders *h, struct json_writer *w)
{
	bool counted = h->machine.huge_zero != HUGE_ZERO_PERSISTENT &&
		       h->machine.huge_zero != HUGE_ZERO_ABSENT;
	char time[UTIL_TIME_SIZE];
	size_t i;

	json__begin_object(w);
	json__string_field(w, "type", "holders");
	json__u64_field(w, "schema", 1);
	json__string_field(w, "time", util__format_time(util__realtime_ns(), time));
	json__begin_object_field(w, "kernel");
	json__string_field(w, "release", h->machine.release);
	json__string_field(w, "arch", h->machine.arch);
	json__u64_field(w, "page_size", h->machine.page_size);
	json__string_field(w, "huge_zero",
			   h->machine.huge_zero == HUGE_ZERO_UNKNOWN
				   ? NULL
				   : huge_zero__name(h->machine.huge_zero));
	json__end_object(w);
	if (counted && h->refcount >= 0)
		json__i64_field(w, "refcount", h->refcount);
	else
		json__null_field(w, "refcount");
	json__string_field(w, "refcount_reason", h->refcount_reason[0] ? h->refcount_reason : NULL);
	if (counted && h->known)
		json__u64_field(w, "holders", h->nr);
	else
		json__null_field(w, "holders");
	json__string_field(w, "holders_reason", h->reason[0] ? h->reason : NULL);
	json__u64_field(w, "pinned_bytes", counted ? pinned_bytes(h) : 0);
	seconds_or_null(w, "watched_seconds", h, h->watched_ns);
	seconds_or_null(w, "last_refusal_seconds", h, h->refused_ns);
	if (!counted || !h->known) {
		json__null_field(w, "processes");
	} else {
		json__begin_array_field(w, "processes");
		for (i = 0; i < h->nr; i++) {
			const struct holder *who = &h->holder[i];

			json__begin_object(w);
			json__u64_field(w, "pid", who->process.tgid);
			json__string_n_field(w, "comm", who->process.comm,
					     sizeof(who->process.comm));
			json__string_field(w, "cgroup", who->cgroup[0] ? who->cgroup : NULL);
			seconds_or_null(w, "age_seconds", h, who->taken_ns);
			json__bool_field(w, "before_start", !who->taken_ns);
			json__end_object(w);
		}
		json__end_array(w);
	}
	json__end_object(w);
	return json__end_line(w);
}

/* The oldest first; whose age is not known is older than all others. */
static int compare_ages(const void *pa, const void *pb)
{
	const struct holder *a = pa, *b = pb;

	if (a->taken_ns != b->taken_ns)
		return a->taken_ns < b->taken_ns ? -1 : 1;
	return a->process.tgid < b->process.tgid ? -1 : a->process.tgid > b->process.tgid;
}

static int find(struct collector *c, struct holders *h)
{
	bool counted = h->machine.huge_zero != HUGE_ZERO_PERSISTENT &&
		       h->machine.huge_zero != HUGE_ZERO_ABSENT;
	int err = counted ? load(c, h) : 0;

	if (err || !counted)
		return err;
	err = find_holders(h);
	h->now_ns = util__monotonic_ns();
	ask_others(h);
	if (h->nr)
		qsort(h->holder, h->nr, sizeof(*h->holder), compare_ages);
	return err;
}

static void holders__free(struct holders *h)
{
	free(h->holder);
	payers__free(&h->payers);
}

static int exit_status(int err)
{
	if (!err || err == -EPIPE)
		return EXIT_DONE;
	return err == -EPERM || err == -EACCES ? EXIT_NOT_ALLOWED : EXIT_FAILED;
}

int cmd_holders__run(const struct options *opt)
{
	__attribute__((cleanup(holders__free))) struct holders h = {0};
	_cleanup_collector_ struct collector *c = NULL;
	_cleanup_view_ struct view view = {0};
	int err, write_err;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	probe__expect_symbols();
	err = machine__read(&h.machine, "");
	if (err)
		return exit_status(err_errno_r(err, "this machine could not be described"));
	h.payers = payers__new();
	c = collector__new(&opt->run, &h.machine);
	if (!c || !h.payers)
		return EXIT_FAILED;
	err = find(c, &h);
	/* Refused before anything was known: the message says it all. */
	if (err && !h.now_ns)
		return exit_status(err);
	view__init(&view, &opt->run, stdout);
	write_err = opt->run.json ? put_json(&h, &view.writer) : put_plain(&h, &view);
	if (write_err && write_err != -EPIPE)
		log_err("standard output could not be written: %s", errname(write_err));
	return exit_status(err ? err : write_err);
}
