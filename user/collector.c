// SPDX-License-Identifier: GPL-2.0-only
#include "collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "attach.h"
#include "coverage.h"
#include "kbtf.h"
#include "log.h"
#include "machine.h"
#include "plan.h"
#include "probe.h"
#include "util.h"
#include "zeroscope.skel.h"
#include "zeroscope_void.skel.h"

#define MAX_PROBES 16

struct collector {
	const struct run_options *opt;
	struct machine *machine;
	struct probe_kernel *kernel;
	struct coverage_reader *coverage;
	struct zeroscope_bpf *skel;
	struct plan plan;
	struct attach_pair clear;
	struct bpf_link *gaps; /* NULL: not measured */
	int cpus; /* possible */

	struct probe_state probes[MAX_PROBES];
	size_t nr_probes;

	/* One value of a per-CPU map, of all CPUs, reused for every look-up. */
	void *values;
	size_t values_size;

	/* For maxima: see read_max(). */
	uint32_t *claimed; /* begin of the newer epoch's entry, by histogram and CPU */
	struct hist_max since_attach[ZS_HISTS_MAX];
	uint64_t last_snapshot_ns;

	/* At activation. */
	uint64_t start_ns;
	uint64_t entry_misses, exit_misses, link_misses;
	struct coverage_counters counters;
	bool stopped;
};

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	/* Its warnings are details of a refusal that we tell in our own sentence. */
	log__vprint(level == LIBBPF_WARN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, fmt, ap);
	return 0;
}

struct collector *collector__new(const struct run_options *opt, struct machine *machine)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c) {
		log_err("out of memory");
		return NULL;
	}
	c->opt = opt;
	c->machine = machine;
	c->clear.session_fd = -1;
	libbpf_set_print(print_libbpf);
	return c;
}

void collector__free(struct collector **cp)
{
	struct collector *c = *cp;

	if (!c)
		return;
	*cp = NULL;
	/* In the opposite order: a clear that is seen to begin is watched to its end. */
	attach__detach(&c->clear);
	bpf_link__destroy(c->gaps);
	zeroscope_bpf__destroy(c->skel);
	coverage_reader__free(&c->coverage);
	probe_kernel__close(&c->kernel);
	free(c->values);
	free(c->claimed);
	free(c);
}

static struct probe_state *add_probe(struct collector *c, const char *name)
{
	struct probe_state *p = &c->probes[c->nr_probes];

	if (c->nr_probes < MAX_PROBES - 1)
		c->nr_probes++;
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

/* One sentence for a refusal, and the -errno that leads to exit status 3. */
static int refuse(const struct probe_answer *a)
{
	if (a->remedy[0])
		log_err("%s %s", a->reason, a->remedy);
	else
		log_err("%s", a->reason);
	return -EPERM;
}

static void fill_tiers(struct attach_pair *p, struct zeroscope_bpf *skel, enum tier tier)
{
	bool folio = !strcmp(p->function, "folio_zero_user");

	p->tier = tier;
	p->exit = NULL;
	switch (tier) {
	case TIER_FSESSION:
		p->entry = folio ? skel->progs.clear_fsession : skel->progs.clear_fsession_page;
		break;
	case TIER_KPROBE_SESSION:
		p->entry = folio ? skel->progs.clear_kprobe_session :
				   skel->progs.clear_kprobe_session_page;
		break;
	case TIER_FENTRY:
		p->entry = folio ? skel->progs.clear_begin_fentry :
				   skel->progs.clear_begin_fentry_page;
		p->exit = folio ? skel->progs.clear_end_fexit : skel->progs.clear_end_fexit_page;
		break;
	default:
		p->entry = folio ? skel->progs.clear_begin_kprobe :
				   skel->progs.clear_begin_kprobe_page;
		p->exit = folio ? skel->progs.clear_end_kretprobe :
				  skel->progs.clear_end_kretprobe_page;
		break;
	}
}

static int choose_clear(struct collector *c)
{
	struct probe_result r;
	struct probe_state *p;

	if (probe__resolve(c->kernel, PROBE_CLEAR, c->machine->preempt_model, c->opt->tier, false,
			   &r))
		return refuse(&r.answer);
	c->clear.function = r.chosen->name;
	fill_tiers(&c->clear, c->skel, r.choice.tier);
	attach__prepare(&c->clear);
	p = add_probe(c, r.chosen->name);
	snprintf(p->tier, sizeof(p->tier), "%s", options__tier_name(r.choice.tier));
	snprintf(p->reason, sizeof(p->reason), "%s", r.choice.note);
	return 0;
}

/* A probe that is not measured, with the reason. */
static void not_measured(struct collector *c, const char *name, const char *reason)
{
	struct probe_state *p = add_probe(c, name);

	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

/* Gaps are left out where they cannot be had: clears are measured all the same. */
static void choose_gaps(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct probe_result r;
	struct probe_state *p;

	if (c->opt->no_gaps) {
		not_measured(c, "sched_switch", "left out by --no-gaps");
		return;
	}
	if (ro->no_btf) {
		not_measured(c, "sched_switch", "this kernel brings no BTF of its own");
		return;
	}
	if (probe__resolve(c->kernel, PROBE_GAPS, c->machine->preempt_model, TIER_AUTO, false,
			   &r)) {
		not_measured(c, "sched_switch", r.answer.reason);
		return;
	}
	p = add_probe(c, "sched_switch");
	snprintf(p->tier, sizeof(p->tier), "tp_btf");
	bpf_program__set_autoload(c->skel->progs.gaps_sched_switch, true);
	ro->use_slot = true;
}

/* How deep a group is: 0 for the root, "/", 2 for "/a/b". */
static unsigned int cgroup_level(const char *path)
{
	unsigned int level = 0;

	for (; *path; path++)
		level += path[0] == '/' && path[1] && path[1] != '/';
	return level;
}

static int set_filters(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	const struct run_options *opt = c->opt;
	unsigned int i;
	int err;

	for (i = 0; i < opt->pid_count && i < ZS_PIDS; i++)
		ro->filter_pid[i] = opt->pid[i];
	ro->filter_pids = i;
	if (opt->comm) {
		snprintf((char *)ro->filter_comm, sizeof(ro->filter_comm), "%s", opt->comm);
		ro->filter_comm_len = strlen(opt->comm);
	}
	if (opt->cgroup) {
		char path[4096];
		uint64_t id;

		err = cgroup__id(opt->cgroup, &id);
		if (!err)
			err = cgroup__path(id, path, sizeof(path));
		if (err)
			return err_errno_r(err,
					   "no cgroup \"%s\" in the v2 hierarchy; give its path below it, or its id",
					   opt->cgroup);
		ro->filter_cgroup = id;
		ro->filter_cgroup_level = cgroup_level(path);
	}
	ro->filter_min_order = opt->min_order;
	ro->filter_on = i || opt->comm || opt->cgroup || opt->min_order;
	return 0;
}

static void set_facts(struct collector *c, const struct btf *btf)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	int shift = kbtf__nodes_shift(btf);

	hist__fill_tables((uint64_t *)ro->hist_bound, (uint16_t *)ro->hist_cell);
	ro->page_bytes = c->machine->page_size;
	ro->pmd_order = c->machine->pmd_order;
	ro->have_node = shift >= 0;
	ro->node_shift = shift > 0 ? shift : 0;
	ro->have_sched_info = kbtf__has_member(btf, "sched_info", "run_delay");
	ro->cooperative = !preempt_model__preempts_programs(c->machine->preempt_model);
	/* See bpf/state.bpf.h: which allocator task storage uses. */
	ro->storage_at_entry = !kbtf__has_member(btf, "bpf_local_storage_map", "selem_ma") &&
			       !kbtf__has_member(btf, "bpf_local_storage_map", "use_kmalloc_nolock");
	ro->no_btf = !probe_kernel__has_own_btf(c->kernel);
}

static void set_plan(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct plan_input in = {
		.have_node = ro->have_node,
		.many_nodes = c->machine->nodes > 1,
		.sched_info = ro->have_sched_info,
		.cooperative = ro->cooperative,
		.gaps = ro->use_slot,
		.budget_bytes = PLAN_CPU_BYTES - sizeof(struct zs_cpu),
	};

	plan__read_folios(&in, "", c->machine->pmd_order, c->machine->page_size);
	plan__make(&c->plan, &in);
	memcpy((void *)ro->clear_hist, c->plan.clear_hist, sizeof(ro->clear_hist));
	memcpy((void *)ro->on_cpu_hist, c->plan.on_cpu_hist, sizeof(ro->on_cpu_hist));
	memcpy((void *)ro->gap_hist, c->plan.gap_hist, sizeof(ro->gap_hist));
	bpf_map__set_max_entries(c->skel->maps.hists, c->plan.nr);
}

/* The maps that this configuration does not use take no memory. */
static void set_maps(struct collector *c)
{
	bool no_btf = c->skel->rodata->no_btf;

	bpf_map__set_autocreate(c->skel->maps.opens, no_btf);
	bpf_map__set_autocreate(c->skel->maps.parked, !no_btf);
}

static int open_objects(struct collector *c)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = c->opt->btf);
	struct bpf_program *prog;
	int err;

	c->skel = calloc(1, sizeof(*c->skel));
	if (!c->skel)
		return err_r(-ENOMEM, "out of memory");
	err = zeroscope_bpf__create_skeleton(c->skel);
	if (err)
		return err_errno_r(err, "the BPF object could not be opened");
	/* See compat__session_is_return(): the same programs, compiled for older kernels. */
	if (!kbtf__func_params(probe_kernel__btf(c->kernel), "bpf_session_is_return"))
		c->skel->skeleton->data =
			(void *)zeroscope_void_bpf__elf_bytes(&c->skel->skeleton->data_sz);
	err = bpf_object__open_skeleton(c->skel->skeleton, &opts);
	if (err)
		return err_errno_r(err, "the BPF object could not be opened");
	bpf_object__for_each_program(prog, c->skel->obj)
		bpf_program__set_autoload(prog, false);
	return 0;
}

static int alloc_buffers(struct collector *c)
{
	size_t hist = (sizeof(struct zs_hist) + 7) & ~7UL;
	size_t cpu = (sizeof(struct zs_cpu) + 7) & ~7UL;

	c->cpus = libbpf_num_possible_cpus();
	if (c->cpus <= 0)
		return err_errno_r(c->cpus, "the number of possible CPUs could not be read");
	c->values_size = max(hist, cpu) * c->cpus;
	c->values = malloc(c->values_size);
	c->claimed = calloc((size_t)c->plan.nr * c->cpus, sizeof(*c->claimed));
	return c->values && c->claimed ? 0 : err_r(-ENOMEM, "out of memory");
}

int collector__load(struct collector *c)
{
	struct probe_answer a;
	int err;

	err = probe_kernel__open("", c->opt->btf, &c->kernel);
	if (err)
		return err_errno_r(err, "%s could not be read as BTF", c->opt->btf);
	if (probe__loadable(c->kernel, &a))
		return refuse(&a);
	err = coverage_reader__new("", c->machine->page_size, &c->coverage);
	if (err)
		return err_errno_r(err, "the kernel's own counters could not be opened");
	err = open_objects(c);
	if (!err)
		err = choose_clear(c);
	if (err)
		return err;
	set_facts(c, probe_kernel__btf(c->kernel));
	choose_gaps(c);
	err = set_filters(c);
	if (err)
		return err;
	set_plan(c);
	set_maps(c);
	err = alloc_buffers(c);
	if (err)
		return err;
	err = zeroscope_bpf__load(c->skel);
	if (err)
		return err_errno_r(err,
				   "the kernel refused the programs; -vv shows what its verifier said");
	return 0;
}

static void mark_attached(struct collector *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nr_probes; i++)
		if (!strcmp(c->probes[i].name, name))
			c->probes[i].attached = true;
}

int collector__attach(struct collector *c)
{
	int err;

	/* Before the clears: a clear that is open must not be switched unseen. */
	if (c->skel->rodata->use_slot) {
		c->gaps = bpf_program__attach(c->skel->progs.gaps_sched_switch);
		if (!c->gaps)
			return err_errno_r(-errno,
					   "sched_switch could not be attached; try --no-gaps");
		mark_attached(c, "sched_switch");
	}
	err = attach__pair(&c->clear);
	if (err)
		return err_errno_r(err, "%s could not be attached by %s; try another --tier",
				   c->clear.function, options__tier_name(c->clear.tier));
	mark_attached(c, c->clear.function);
	return 0;
}

static uint64_t known_or_0(struct opt_u64 v)
{
	return v.known ? v.value : 0;
}

int collector__activate(struct collector *c)
{
	int err;

	c->entry_misses = known_or_0(attach__recursion_misses(c->clear.entry));
	c->exit_misses = known_or_0(attach__recursion_misses(c->clear.exit));
	c->link_misses =
		known_or_0(attach__link_misses(&c->clear, probe_kernel__btf(c->kernel)));
	err = coverage__read(c->coverage, &c->counters);
	if (err)
		return err_errno_r(err, "the kernel's own counters could not be read");
	c->start_ns = util__monotonic_ns();
	__atomic_store_n(&c->skel->bss->ready, 1, __ATOMIC_RELEASE);
	return 0;
}

/* The difference of CLOCK_REALTIME and CLOCK_MONOTONIC, in ns. */
static uint64_t realtime_offset(void)
{
	return util__realtime_ns() - util__monotonic_ns();
}

static void max_from(struct hist_max *to, const struct zs_max *m, uint64_t offset)
{
	to->known = true;
	to->ns = m->ns;
	to->time_ns = m->when_ns + offset;
	to->pid = m->tgid;
	to->tid = m->tid;
	to->order = m->order;
	to->node = m->node;
	memcpy(to->comm, m->comm, sizeof(to->comm));
	to->comm[sizeof(to->comm) - 1] = '\0';
}

/*
 * The maximum since the last snapshot. The epoch was raised just before the
 * histograms are read, so an interval's events are in the older epoch, and, if
 * they came while we read, in the newer one. Those of the newer one are claimed
 * by this interval; what the next one finds unchanged there is not its own.
 */
static void read_max(struct collector *c, struct hist *h, unsigned int id, int cpu,
		     const struct zs_hist *v, uint32_t epoch, uint64_t offset)
{
	const struct zs_max *old = &v->max[epoch & 1], *new = &v->max[(epoch + 1) & 1];
	uint32_t *claimed = &c->claimed[(size_t)id * c->cpus + cpu];
	struct hist_max m;

	if (old->epoch == epoch && old->ns && old->begin != *claimed) {
		max_from(&m, old, offset);
		hist__max_fold(&h->max, &m);
	}
	*claimed = 0;
	if (new->epoch == epoch + 1 && new->ns) {
		max_from(&m, new, offset);
		hist__max_fold(&h->max, &m);
		*claimed = new->begin;
	}
}

static bool torn(const struct zs_hist *v)
{
	return v->max[0].begin != v->max[0].end || v->max[1].begin != v->max[1].end;
}

/* One look-up of one histogram, all CPUs added. 0 or -errno. */
static int read_hist(struct collector *c, unsigned int id, uint32_t epoch, uint64_t offset,
		     struct hist *h)
{
	const struct zs_hist *v = c->values;
	int fd = bpf_map__fd(c->skel->maps.hists);
	int cpu, tries;
	__u32 key = id;
	size_t i;

	memset(h, 0, sizeof(*h));
	for (tries = 0; tries < 4; tries++) {
		bool again = false;

		if (bpf_map_lookup_elem(fd, &key, c->values))
			return -errno;
		for (cpu = 0; cpu < c->cpus; cpu++)
			again = again || torn(&v[cpu]);
		if (!again)
			break;
	}
	for (cpu = 0; cpu < c->cpus; cpu++, v++) {
		h->sum_ns += v->sum_ns;
		for (i = 0; i < ZS_BUCKETS; i++)
			h->bucket[i] += v->bucket[i];
		if (!torn(v))
			read_max(c, h, id, cpu, v, epoch, offset);
	}
	for (i = 0; i < ZS_BUCKETS; i++)
		h->count += h->bucket[i];
	hist__max_fold(&c->since_attach[id], &h->max);
	h->max_since_attach = c->since_attach[id];
	return 0;
}

/* Adds all CPUs' counters into *sum; open counts the slots in use. */
static int read_cpus(struct collector *c, struct zs_cpu *sum, uint64_t *open)
{
	size_t words = offsetof(struct zs_cpu, node) / sizeof(uint64_t);
	size_t first = offsetof(struct zs_cpu, begun) / sizeof(uint64_t);
	const struct zs_cpu *v = c->values;
	__u32 zero = 0;
	int cpu;
	size_t i;

	if (bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.cpus), &zero, c->values))
		return -errno;
	memset(sum, 0, sizeof(*sum));
	*open = 0;
	for (cpu = 0; cpu < c->cpus; cpu++, v++) {
		*open += v->open.task && v->open.counted;
		for (i = first; i < words; i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)v)[i];
		for (i = 0; i < ZS_NODES; i++) {
			sum->node[i].count += v->node[i].count;
			sum->node[i].bytes += v->node[i].bytes;
			sum->node[i].sum_ns += v->node[i].sum_ns;
			sum->node[i].gap_ns += v->node[i].gap_ns;
			sum->node[i].max_ns = max(sum->node[i].max_ns, v->node[i].max_ns);
		}
	}
	return 0;
}

static uint64_t bytes_of(const struct collector *c, uint64_t count, int order)
{
	return count * (c->machine->page_size << order);
}

/* Rows of the plan's clears; on-CPU times are the wall times, corrected. */
static int read_clears(struct collector *c, struct snapshot *s, const struct zs_cpu *sum,
		       uint32_t epoch, uint64_t offset)
{
	unsigned int id;
	int err;

	s->clears = calloc(c->plan.nr, sizeof(*s->clears));
	if (!s->clears)
		return -ENOMEM;
	for (id = 0; id < c->plan.nr; id++) {
		const struct plan_slot *slot = &c->plan.slot[id];
		struct clear_series *row = &s->clears[s->nr_clears];

		if (slot->class != PLAN_CLEAR && slot->class != PLAN_OTHER)
			continue;
		row->other = slot->class == PLAN_OTHER;
		row->kind = row->other ? ZS_KIND_OTHER : slot->kind;
		row->numa = row->other ? ZS_NUMA_UNKNOWN : slot->numa;
		row->order = row->other ? -1 : slot->order;
		row->count = sum->begun[id];
		row->bytes = row->other ? sum->other_bytes :
					  bytes_of(c, row->count, row->order);
		err = read_hist(c, id, epoch, offset, &row->wall);
		if (err)
			return err;
		if (c->plan.on_cpu_hist[id] != ZS_HIST_NONE) {
			err = read_hist(c, c->plan.on_cpu_hist[id], epoch, offset, &row->on_cpu);
			if (err)
				return err;
			hist__add(&row->on_cpu, &row->wall);
			memset(&row->on_cpu.max, 0, sizeof(row->on_cpu.max));
			memset(&row->on_cpu.max_since_attach, 0, sizeof(row->on_cpu.max));
			row->has_on_cpu = true;
		}
		s->nr_clears++;
	}
	return 0;
}

static int read_gaps(struct collector *c, struct snapshot *s, const struct zs_cpu *sum,
		     uint32_t epoch, uint64_t offset)
{
	unsigned int cause, order;
	struct gaps *g;
	int err;

	if (!c->gaps)
		return 0;
	g = s->gaps = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->sums = calloc(ZS_GAP_CAUSES * ZS_ORDERS, sizeof(*g->sums));
	if (!g->sums)
		return -ENOMEM;
	for (cause = 0; cause < ZS_GAP_CAUSES; cause++) {
		for (order = 0; order < ZS_ORDERS; order++) {
			const struct zs_sum *from = &sum->gap[cause][order];

			if (from->count)
				g->sums[g->nr_sums++] = (struct gap_sum){
					.order = order, .cause = cause,
					.count = from->count, .sum_ns = from->sum_ns,
				};
		}
		if (c->plan.gap_hist[cause] == ZS_HIST_NONE)
			continue;
		err = read_hist(c, c->plan.gap_hist[cause], epoch, offset, &g->duration[cause]);
		if (err)
			return err;
		g->has_cause[cause] = true;
	}
	return 0;
}

static int read_payers(struct snapshot *s, const struct zs_cpu *sum)
{
	size_t i;

	s->node_payers = calloc(ZS_NODES, sizeof(*s->node_payers));
	if (!s->node_payers)
		return -ENOMEM;
	for (i = 0; i < ZS_NODES; i++) {
		struct payer *p = &s->node_payers[s->nr_node_payers];

		if (!sum->node[i].count)
			continue;
		p->id = i;
		p->count = sum->node[i].count;
		p->bytes = sum->node[i].bytes;
		p->sum_ns = sum->node[i].sum_ns;
		p->gap_ns = sum->node[i].gap_ns;
		p->max_ns = sum->node[i].max_ns;
		s->nr_node_payers++;
	}
	return 0;
}

static int read_coverage(struct collector *c, struct snapshot *s, const struct zs_cpu *sum,
			 uint64_t open)
{
	struct coverage_counters now;
	unsigned int id, kind, order;
	int err;

	s->kernel_counters = calloc(1, sizeof(*s->kernel_counters));
	s->seen = calloc(1, sizeof(*s->seen));
	if (!s->kernel_counters || !s->seen)
		return -ENOMEM;
	err = coverage__read(c->coverage, &now);
	if (err)
		return err;
	coverage__delta(&now, &c->counters, s->kernel_counters);
	for (id = 0; id < c->plan.nr; id++) {
		const struct plan_slot *slot = &c->plan.slot[id];

		if (slot->class == PLAN_CLEAR)
			s->seen->clears[slot->kind][slot->order] += sum->begun[id];
	}
	for (kind = 0; kind < ZS_KINDS; kind++)
		for (order = 0; order < ZS_ORDERS; order++)
			s->seen->clears[kind][order] +=
				sum->rejected[kind][order] + sum->other_begun[kind][order];
	s->seen->open = open;
	return coverage__rows(s->kernel_counters, s->seen, c->machine, &s->coverage,
			      &s->nr_coverage);
}

/*
 * The exact count of clears, and what is between it and the histograms.
 *
 * An entry that was missed shows in the entry program's recursion misses. A
 * session program has one counter for both ends: of its misses, those at
 * returns left a clear open, entries - exits of them when none is open.
 */
static void read_loss(struct collector *c, struct snapshot *s, const struct zs_cpu *sum)
{
	struct opt_u64 entry = attach__recursion_misses(c->clear.entry);
	struct opt_u64 exit = attach__recursion_misses(c->clear.exit);
	struct opt_u64 link = attach__link_misses(&c->clear, probe_kernel__btf(c->kernel));
	uint64_t begun = 0, rejected = 0, entry_lost, exit_lost, not_ended, lost;
	unsigned int i;

	for (i = 0; i < c->plan.nr; i++)
		begun += sum->begun[i];
	for (i = 0; i < ZS_KINDS * ZS_ORDERS; i++)
		rejected += ((const uint64_t *)sum->rejected)[i];
	not_ended = begun - sum->exits_matched - sum->storage_full;
	entry_lost = entry.known ? entry.value - c->entry_misses : 0;
	exit_lost = exit.known ? exit.value - c->exit_misses : 0;
	if (!c->clear.exit) {
		uint64_t both = entry_lost, seen = sum->exits_unmatched;

		/* While clears are open, not_ended is an upper bound of the exits missed. */
		entry_lost = both > not_ended ? both - not_ended : 0;
		entry_lost = max(entry_lost, min(both, seen));
		exit_lost = both - entry_lost;
	}
	s->clears_total = begun + rejected + entry_lost;
	s->loss.recursion.known = entry.known;
	s->loss.recursion.value = entry_lost + exit_lost;
	s->loss.missed = link;
	if (link.known)
		s->loss.missed.value -= c->link_misses;
	s->loss.storage_full.known = true;
	s->loss.storage_full.value = sum->storage_full;
	/* After stop() nothing is open: what did not end was lost. */
	lost = c->stopped ? not_ended : min((uint64_t)sum->entries_unmatched, not_ended);
	lost -= min(lost, exit_lost);
	lost -= min(lost, known_or_0(s->loss.missed));
	s->loss.unmatched.known = true;
	s->loss.unmatched.value = lost;
	s->loss.dropped.known = true;
	s->loss.dropped.value = sum->dropped;
}

static uint64_t map_bytes(int fd)
{
	char path[64], text[2048], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (util__read_text(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "memlock:");
	return line ? strtoull(line + strlen("memlock:"), NULL, 10) : 0;
}

static void read_self(struct collector *c, struct snapshot *s)
{
	unsigned long long size, resident;
	struct bpf_map *map;
	char text[128];
	uint64_t on;

	bpf_object__for_each_map(map, c->skel->obj)
		if (bpf_map__fd(map) >= 0)
			s->self.map_bytes += map_bytes(bpf_map__fd(map));
	if (util__read_text("/proc/self/statm", text, sizeof(text)) > 0 &&
	    sscanf(text, "%llu %llu", &size, &resident) == 2)
		s->self.rss_bytes = resident * c->machine->page_size;
	if (util__read_u64("/proc/sys/kernel/bpf_stats_enabled", &on) || !on)
		return;
	s->self.bpf_seconds.known = true;
	s->self.bpf_seconds.value = (attach__run_time_ns(c->clear.entry) +
				     attach__run_time_ns(c->clear.exit) +
				     attach__run_time_ns(c->skel->progs.gaps_sched_switch)) /
				    1e9;
}

static void fill_filters(const struct run_options *opt, struct filters *f)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < opt->pid_count; i++)
		len += snprintf(f->pids + len, sizeof(f->pids) - len, "%s%d", i ? "," : "",
				opt->pid[i]);
	snprintf(f->comm, sizeof(f->comm), "%s", opt->comm ? opt->comm : "");
	snprintf(f->cgroup, sizeof(f->cgroup), "%s", opt->cgroup ? opt->cgroup : "");
	f->min_order = opt->min_order;
}

static int fill_snapshot(struct collector *c, struct snapshot *s)
{
	uint64_t offset = realtime_offset(), open;
	uint32_t epoch = c->skel->bss->epoch;
	struct zs_cpu sum;
	int err;

	s->mono_ns = util__monotonic_ns();
	s->time_ns = s->mono_ns + offset;
	s->interval_ns = s->mono_ns - c->start_ns;
	fill_filters(c->opt, &s->filters);
	s->probes = calloc(c->nr_probes, sizeof(*s->probes));
	if (!s->probes)
		return -ENOMEM;
	memcpy(s->probes, c->probes, c->nr_probes * sizeof(*s->probes));
	s->nr_probes = c->nr_probes;

	__atomic_store_n(&c->skel->bss->epoch, epoch + 1, __ATOMIC_RELEASE);
	err = read_cpus(c, &sum, &open);
	if (!err)
		err = read_clears(c, s, &sum, epoch, offset);
	if (!err)
		err = read_gaps(c, s, &sum, epoch, offset);
	if (!err)
		err = read_payers(s, &sum);
	if (!err)
		err = read_coverage(c, s, &sum, open);
	if (err)
		return err;
	s->gaps_per_clear.known = c->skel->rodata->have_sched_info;
	s->gaps_counted = sum.gaps_counted;
	read_loss(c, s, &sum);
	read_self(c, s);
	return 0;
}

struct snapshot *collector__snapshot(struct collector *c)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot__new(c->machine);
	int err = s ? fill_snapshot(c, s) : -ENOMEM;

	if (err) {
		log_err("the counters could not be read: %s", errname(err));
		return NULL;
	}
	return TAKE_PTR(s);
}

void collector__stop(struct collector *c, uint64_t wait_ns)
{
	uint64_t end = util__monotonic_ns() + wait_ns;
	struct timespec pause = { .tv_nsec = 5 * NSEC_PER_MSEC };
	uint64_t open, begun;
	struct zs_cpu sum;
	unsigned int i;

	__atomic_store_n(&c->skel->bss->ready, 0, __ATOMIC_RELEASE);
	do {
		if (read_cpus(c, &sum, &open))
			break;
		for (begun = 0, i = 0; i < c->plan.nr; i++)
			begun += sum.begun[i];
		if (begun - sum.exits_matched - sum.storage_full <= sum.entries_unmatched)
			break;
		nanosleep(&pause, NULL);
	} while (util__monotonic_ns() < end);
	c->stopped = true;
}
