// SPDX-License-Identifier: GPL-2.0-only
#include "collector.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/capability.h>

#include "caps.h"
#include "collector_parts.h"
#include "kbtf.h"
#include "log.h"
#include "machine.h"
#include "util.h"
#include "zeroscope_nobtf.skel.h"
#include "zeroscope_void.skel.h"

/*
 * In the order in which they are attached: a clear that is seen to begin must
 * be watched by everything else already.
 */
static const struct collector_part *const parts[] = {
	&gaps_part,	 &resched_part, &extents_part,	 &faults_part,
	&allocator_part, &clears_part,	&huge_zero_part, &slow_part,
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
	c->clear.session_fd = c->allocator.session_fd = -1;
	c->statm_fd = c->stats_enabled_fd = -1;
	libbpf_set_print(print_libbpf);
	return c;
}

void collector__take_cgroup_paths(struct collector *c)
{
	c->cgroup_paths = true;
}

/*
 * The counters are mapped while they are read: they are the maps' memory, and with
 * hundreds of possible CPUs many times what else a process that serves them holds.
 */
static int map_areas(struct collector *c)
{
	void *areas = mmap(NULL, c->area_bytes * c->cpus, PROT_READ, MAP_SHARED,
			   bpf_map__fd(c->skel->maps.areas), 0);

	if (areas == MAP_FAILED)
		return negative_errno();
	c->areas = areas;
	return 0;
}

static void unmap_areas(struct collector *c)
{
	if (c->areas)
		munmap(c->areas, c->area_bytes * c->cpus);
	c->areas = NULL;
}

void collector__free(struct collector **cp)
{
	struct collector *c = *cp;
	size_t i;

	if (!c)
		return;
	*cp = NULL;
	for (i = ARRAY_SIZE(parts); i > 0; i--)
		if (parts[i - 1]->free)
			parts[i - 1]->free(c);
	while (c->nr_links)
		bpf_link__destroy(c->links[--c->nr_links]);
	zeroscope_bpf__destroy(c->skel);
	coverage_reader__free(&c->coverage);
	payers__free(&c->payers);
	probe_kernel__close(&c->kernel);
	util__cleanup_close(&c->statm_fd);
	util__cleanup_close(&c->stats_enabled_fd);
	unmap_areas(c);
	if (c->values)
		munmap(c->values, c->values_bytes);
	free(c->claimed);
	free(c);
}

struct probe_state *collector__add_probe(struct collector *c, const char *name, const char *tier)
{
	struct probe_state *p = &c->probes[c->nr_probes];

	if (c->nr_probes < COLLECTOR_PROBES - 1)
		c->nr_probes++;
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->tier, sizeof(p->tier), "%s", tier);
	return p;
}

void collector__not_measured(struct collector *c, const char *name, const char *reason)
{
	struct probe_state *p = collector__add_probe(c, name, "");

	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

int collector__resolve_plain(struct collector *c, enum probe_id id, enum tier wanted,
			     struct probe_result *r)
{
	enum preempt_model model = c->machine->preempt_model;
	int err = probe__resolve(c->kernel, id, model, wanted, false, r);

	if (err)
		return err;
	if (r->choice.tier == TIER_FSESSION)
		r->choice.tier = TIER_FENTRY;
	if (r->choice.tier != TIER_KPROBE_SESSION)
		return 0;
	err = probe__resolve(c->kernel, id, model, TIER_KPROBE, false, r);
	if (err && wanted == TIER_AUTO)
		err = probe__resolve(c->kernel, id, model, TIER_FENTRY, false, r);
	return err;
}

void collector__mark_attached(struct collector *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nr_probes; i++)
		if (!strcmp(c->probes[i].name, name))
			c->probes[i].attached = true;
}

int collector__attach_program(struct collector *c, struct bpf_program *prog, const char *probe)
{
	struct bpf_link *link;

	if (c->nr_links == COLLECTOR_LINKS)
		return err_r(-E2BIG, "too many programs");
	link = bpf_program__attach(prog);
	if (!link)
		return err_errno_r(-errno, "%s could not be attached",
				   probe ? probe : bpf_program__name(prog));
	c->links[c->nr_links++] = link;
	if (probe)
		collector__mark_attached(c, probe);
	return 0;
}

int collector__refuse(const struct probe_answer *a)
{
	size_t len = strlen(a->remedy);

	/* "Run it as root." becomes the second half of one sentence. */
	if (len && a->remedy[len - 1] == '.')
		len--;
	if (len)
		log_err("%s; %c%.*s", a->reason, tolower((unsigned char)a->remedy[0]), (int)len - 1,
			a->remedy + 1);
	else
		log_err("%s", a->reason);
	return -EPERM;
}

/* How deep a group is: 0 for the root, "/", 2 for "/a/b". */
static unsigned int cgroup_level(const char *path)
{
	unsigned int level = 0;

	for (; *path; path++)
		level += path[0] == '/' && path[1] && path[1] != '/';
	return level;
}

/*
 * Process ids are those that the caller sees. The first PID namespace, whose
 * inode is PROC_PID_INIT_INO, needs no translation.
 */
static int set_pid_namespace(struct zeroscope_bpf__rodata *ro)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return -errno;
	if (st.st_ino == 0xeffffffc)
		return 0;
	ro->filter_pidns_dev = st.st_dev;
	ro->filter_pidns_ino = st.st_ino;
	return 0;
}

static int set_filters(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	const struct run_options *opt = c->opt;
	unsigned int i;
	int err;

	for (i = 0; i < opt->pid_count && i < ZS_PIDS; i++) {
		/* A process that is hidden or somebody else's is there all the same. */
		if (kill(opt->pid[i], 0) && errno == ESRCH)
			return err_r(-ESRCH,
				     "no process has the id %d; --pid chooses among those "
				     "that run, --comm and --cgroup among later ones too",
				     opt->pid[i]);
		ro->filter_pid[i] = opt->pid[i];
	}
	ro->filter_pids = i;
	err = i ? set_pid_namespace(ro) : 0;
	if (err)
		return err_errno_r(err, "the PID namespace that --pid is meant in could not be "
					"read; is /proc mounted?");
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
		if (err == -ENODEV)
			return err_r(err,
				     "no version 2 hierarchy of cgroups is mounted here for "
				     "--cgroup; mount -t cgroup2 none /sys/fs/cgroup mounts it");
		if (err)
			return err_errno_r(
				err,
				"no cgroup \"%s\" in the v2 hierarchy; give its path below it, or its id",
				opt->cgroup);
		ro->filter_cgroup = id;
		ro->filter_cgroup_level = cgroup_level(path);
	}
	ro->filter_min_order = opt->min_order;
	ro->filter_on = i || opt->comm || opt->cgroup || opt->min_order;
	return 0;
}

/* Types come from a file: the programs do without what only the kernel's own BTF allows. */
static bool without_btf(const struct collector *c)
{
	return c->opt->btf || !probe_kernel__has_own_btf(c->kernel);
}

static void set_facts(struct collector *c, const struct btf *btf)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	int shift = kbtf__nodes_shift(btf);

	hist__fill_cells((uint64_t *)ro->hist_cell);
	ro->page_bytes = c->machine->page_size;
	ro->have_node = shift >= 0;
	ro->one_node = ro->have_node && c->machine->possible_nodes == 1;
	ro->node_shift = shift > 0 ? shift : 0;
	ro->have_sched_info = kbtf__has_member(btf, "sched_info", "run_delay");
	ro->cooperative = !preempt_model__preempts_programs(c->machine->preempt_model);
	/* See bpf/state.bpf.h: which allocator task storage uses. */
	ro->storage_at_entry = !kbtf__has_member(btf, "bpf_local_storage_map", "selem_ma") &&
			       (kbtf__func_params(btf, "bpf_map_kmalloc_nolock") < 0 ||
				c->machine->preempt_model == PREEMPT_RT);
}

/* The tables of bpf/state.bpf.h: what each folio is, in the words of the kernel side. */
static void set_clear_what(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	unsigned int hugetlb, numa, order, kind;

	for (hugetlb = 0; hugetlb < 2; hugetlb++) {
		for (order = 0; order < ZS_ORDERS; order++) {
			kind = hugetlb ? ZS_KIND_HUGETLB : plan__kind(order, c->machine->pmd_order);
			for (numa = 0; numa < ZS_NUMAS; numa++)
				((uint32_t(*)[ZS_NUMAS][ZS_ORDERS])
					 ro->clear_what)[hugetlb][numa][order] =
					ZS_WHAT_COUNTED | order | kind << ZS_WHAT_KIND_SHIFT |
					(uint32_t)c->plan.clear_hist[kind][numa][order]
						<< ZS_WHAT_HIST_SHIFT;
		}
	}
}

/* One CPU's memory: see struct zs_area. */
static void size_areas(struct collector *c)
{
	size_t bytes = sizeof(struct zs_area) + c->plan.nr * sizeof(struct zs_hist);

	c->area_bytes = (bytes + ZS_AREA_ALIGN - 1) / ZS_AREA_ALIGN * ZS_AREA_ALIGN;
	bpf_map__set_value_size(c->skel->maps.areas, c->area_bytes);
	bpf_map__set_max_entries(c->skel->maps.areas, c->cpus);
}

static void set_plan(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;
	struct plan_input *in = &c->plan_input;
	size_t i;

	in->have_node = ro->have_node;
	in->many_nodes = c->machine->nodes > 1;
	in->sched_info = ro->have_sched_info;
	in->cooperative = ro->cooperative;
	/* What exists once is shared out among the CPUs. */
	in->budget_bytes = PLAN_CPU_BYTES - sizeof(struct zs_cpu) -
			   (PLAN_ONCE_BYTES + in->table_bytes) / c->cpus;
	/* What is asked for on top of the default takes nothing away from it. */
	if (in->allocator)
		in->budget_bytes += PLAN_OPTION_BYTES;
	if (in->extents)
		in->budget_bytes += PLAN_OPTION_BYTES;
	if (in->faults)
		in->budget_bytes += PLAN_OPTION_BYTES;
	plan__read_folios(in, "", c->machine->pmd_order, c->machine->page_size);
	plan__make(&c->plan, in);
	set_clear_what(c);
	ro->nr_hists = c->plan.nr;
	memcpy((void *)ro->on_cpu_hist, c->plan.on_cpu_hist, sizeof(c->plan.on_cpu_hist));
	memcpy((void *)ro->gap_hist, c->plan.gap_hist, sizeof(ro->gap_hist));
	memcpy((void *)ro->resched_hist, c->plan.resched_hist, sizeof(ro->resched_hist));
	memcpy((void *)ro->fault_hist, c->plan.fault_hist, sizeof(ro->fault_hist));
	memcpy((void *)ro->extent_hist, c->plan.extent_hist, sizeof(ro->extent_hist));
	memcpy((void *)ro->allocator_hist, c->plan.allocator_hist, sizeof(ro->allocator_hist));
	size_areas(c);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i]->planned)
			parts[i]->planned(c);
}

/* What follows from the parts that were chosen. */
static void set_options(struct collector *c)
{
	typeof(c->skel->rodata) ro = c->skel->rodata;

	ro->clear_options = ro->extents_on || ro->faults_on || ro->slower_than_ns;
	ro->quick = ro->use_slot && !ro->storage_at_entry && !ro->filter_on && !ro->clear_options;
}

/* The maps that this configuration does not use take no memory. */
static void set_maps(struct collector *c)
{
	bool no_btf = c->skel->rodata->no_btf;

	bpf_map__set_autocreate(c->skel->maps.opens, no_btf);
	bpf_map__set_autocreate(c->skel->maps.parked, !no_btf);
	bpf_map__set_autocreate(c->skel->maps.slow_clears, c->skel->rodata->slower_than_ns);
	bpf_map__set_autocreate(c->skel->maps.allocator_calls,
				c->allocator.function && c->allocator.exit);
	bpf_map__set_autocreate(c->skel->maps.faulting, c->skel->rodata->faults_on);
	bpf_map__set_autocreate(c->skel->maps.extents, c->skel->rodata->extents_on);
	bpf_map__set_autocreate(c->skel->maps.cgroup_paths, c->cgroup_paths);
	bpf_map__set_autocreate(c->skel->maps.cgroup_scratch, c->cgroup_paths);
}

/*
 * The BTF that relocations are made against. What libbpf does not find in the kernel's own it looks
 * for in that of the modules, and some of our types are only in other kernels. That takes
 * CAP_SYS_ADMIN, without which libbpf before v1.3 loads nothing at all (mended by its 3f33f9a6b8f7).
 * BTF that is given by name is the only one that it looks into.
 */
static const char *relocation_btf(const struct collector *c)
{
	struct caps caps;

	if (c->opt->btf || without_btf(c))
		return c->opt->btf;
	return caps__read(&caps, "") || caps__has(&caps, CAP_SYS_ADMIN) ? NULL
									: "/sys/kernel/btf/vmlinux";
}

static int open_objects(struct collector *c)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = relocation_btf(c));
	struct bpf_program *prog;
	int err;

	c->skel = calloc(1, sizeof(*c->skel));
	if (!c->skel)
		return err_r(-ENOMEM, "out of memory");
	err = zeroscope_bpf__create_skeleton(c->skel);
	if (err)
		return err_errno_r(err, "the BPF object could not be opened");
	/* See compat__session_is_return(): the same programs, compiled for other kernels. */
	if (without_btf(c))
		c->skel->skeleton->data =
			(void *)zeroscope_nobtf_bpf__elf_bytes(&c->skel->skeleton->data_sz);
	else if (!kbtf__func_params(probe_kernel__btf(c->kernel), "bpf_session_is_return"))
		c->skel->skeleton->data =
			(void *)zeroscope_void_bpf__elf_bytes(&c->skel->skeleton->data_sz);
	err = bpf_object__open_skeleton(c->skel->skeleton, &opts);
	if (err)
		return err_errno_r(err, "the BPF object could not be opened");
	bpf_object__for_each_program(prog, c->skel->obj)
		bpf_program__set_autoload(prog, false);
	c->skel->bss->epoch = 1;
	return 0;
}

/* Of the values of all CPUs, between two snapshots; a multiple of any page size. */
#define VALUES_KEPT ((size_t)1 << 20)

static int alloc_buffers(struct collector *c)
{
	void *values;

	c->values_bytes = sizeof(*c->values) * c->cpus;
	values = mmap(NULL, c->values_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (values != MAP_FAILED)
		c->values = values;
	c->claimed = calloc((size_t)c->plan.nr * c->cpus, sizeof(*c->claimed));
	c->payers = payers__new();
	return c->values && c->claimed && c->payers ? 0 : err_r(-ENOMEM, "out of memory");
}

/*
 * With hundreds of possible CPUs their values are megabytes, and a snapshot is
 * made a few times a minute: until the next one they are given back.
 */
static void release_values(struct collector *c)
{
	if (c->values_bytes > VALUES_KEPT)
		madvise((char *)c->values + VALUES_KEPT, c->values_bytes - VALUES_KEPT,
			MADV_DONTNEED);
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

/*
 * Opens what snapshots need of /proc: an exporter gives up the right to open
 * anything. The size of the maps does not change.
 */
static void open_self(struct collector *c)
{
	struct bpf_map *map;

	c->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	c->stats_enabled_fd = open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC);
	bpf_object__for_each_map(map, c->skel->obj)
		if (bpf_map__fd(map) >= 0)
			c->map_bytes += map_bytes(bpf_map__fd(map));
}

int collector__open(struct collector *c)
{
	struct probe_answer a;
	int err;

	err = probe_kernel__open_here(c->opt->btf, &c->kernel);
	if (err)
		return err;
	if (probe__loadable(c->kernel, &a))
		return collector__refuse(&a);
	return open_objects(c);
}

int collector__load(struct collector *c)
{
	size_t i;
	int err;

	err = collector__open(c);
	if (err)
		return err;
	err = coverage_reader__new("", c->machine->page_size, &c->coverage);
	if (err)
		return err_errno_r(err, "the kernel's own counters could not be opened");
	c->cpus = libbpf_num_possible_cpus();
	if (c->cpus <= 0)
		return err_errno_r(c->cpus, "the number of possible CPUs could not be read");
	set_facts(c, probe_kernel__btf(c->kernel));
	c->skel->rodata->cgroup_paths_on = c->cgroup_paths;
	c->tells_link_misses = attach__tells_link_misses(probe_kernel__btf(c->kernel));
	c->allocator_skips = probe_kernel__allocator_skips(c->kernel);
	err = set_filters(c);
	for (i = 0; !err && i < ARRAY_SIZE(parts); i++)
		err = parts[i]->choose(c);
	if (err)
		return err;
	set_options(c);
	set_plan(c);
	set_maps(c);
	err = alloc_buffers(c);
	if (err)
		return err;
	err = zeroscope_bpf__load(c->skel);
	if (err)
		return err_errno_r(
			err, "the kernel refused the programs; -vv shows what its verifier said");
	open_self(c);
	if (c->cgroup_paths)
		payers__take_paths(c->payers, bpf_map__fd(c->skel->maps.cgroup_paths));
	return 0;
}

size_t collector__programs(const struct collector *c, int *fds, size_t max)
{
	struct bpf_program *prog;
	size_t nr = 0;

	bpf_object__for_each_program(prog, c->skel->obj)
		if (bpf_program__fd(prog) >= 0 && nr < max)
			fds[nr++] = bpf_program__fd(prog);
	return nr;
}

int collector__attach(struct collector *c)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(parts); i++)
		if (parts[i]->attach)
			err = parts[i]->attach(c);
	return err;
}

int collector__activate(struct collector *c)
{
	struct coverage_counters before;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(parts); i++)
		if (parts[i]->activate)
			err = parts[i]->activate(c);
	if (err)
		return err;
	err = coverage__read(c->coverage, &before);
	c->start_ns = util__monotonic_ns();
	__atomic_store_n(&c->skel->bss->ready, 1, __ATOMIC_RELEASE);
	/* Afterwards, as at each snapshot before: what the kernel has counted was seen then. */
	if (!err)
		err = coverage__read(c->coverage, &c->counters);
	if (err)
		return err_errno_r(err, "the kernel's own counters could not be read");
	c->moved_at_start = coverage__movement(&c->counters, &before);
	/* Megabytes of types that nobody asks for any more. */
	probe_kernel__close(&c->kernel);
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

/* Any of the 64-bit counters that the kernel side's structures are made of. */
typedef uint64_t __attribute__((may_alias)) word_t;

/*
 * Copies words that the kernel side is writing, each whole, upwards, and in that order
 * also where the processor would not keep it: the maxima depend on it.
 */
static void copy_words(void *to, const void *from, size_t bytes)
{
	const word_t *source = from;
	word_t *word = to;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = __atomic_load_n(&source[i], __ATOMIC_ACQUIRE);
}

static const struct zs_area *area_of(const struct collector *c, int cpu)
{
	return (const void *)((const char *)c->areas + c->area_bytes * cpu);
}

/* One histogram of one CPU. False: it was never used there. */
static bool copy_hist(const struct collector *c, int cpu, unsigned int id, struct zs_hist *v)
{
	const struct zs_hist *from = &area_of(c, cpu)->hist[id];
	int tries;

	if (!__atomic_load_n(&from->epoch, __ATOMIC_RELAXED))
		return false;
	for (tries = 0; tries < 4; tries++) {
		copy_words(v, from, sizeof(*v));
		if (!torn(v))
			break;
	}
	return true;
}

int collector__read_hist(struct collector *c, unsigned int id, const struct reading *r,
			 struct hist *h)
{
	struct zs_hist v;
	size_t i;
	int cpu;

	memset(h, 0, sizeof(*h));
	for (cpu = 0; cpu < c->cpus; cpu++) {
		if (!copy_hist(c, cpu, id, &v))
			continue;
		h->sum_ns += v.sum_ns;
		for (i = 0; i < ZS_BUCKETS; i++)
			h->bucket[i] += v.bucket[i];
		if (!torn(&v))
			read_max(c, h, id, cpu, &v, r->epoch, r->offset);
	}
	for (i = 0; i < ZS_BUCKETS; i++)
		h->count += h->bucket[i];
	hist__max_fold(&c->since_attach[id], &h->max);
	h->max_since_attach = c->since_attach[id];
	return 0;
}

int collector__read_orders(struct collector *c, const uint8_t table[ZS_ORDERS],
			   const __u64 count[ZS_ORDERS], const struct reading *r,
			   struct duration_series **rows, size_t *nr)
{
	unsigned int order;
	int err;

	*nr = 0;
	*rows = calloc(ZS_ORDERS, sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	for (order = 0; order < ZS_ORDERS; order++) {
		struct duration_series *row = &(*rows)[*nr];

		if (table[order] == ZS_HIST_NONE)
			continue;
		row->order = order;
		row->count = count[order];
		row->bytes = count[order] * (c->machine->page_size << order);
		err = collector__read_hist(c, table[order], r, &row->wall);
		if (err)
			return err;
		(*nr)++;
	}
	return 0;
}

/*
 * Copies all CPUs' counters to c->values and adds them up in *sum. Each clear that ended is
 * in the row of one payer: no counter of its own tells how many did.
 */
static void read_cpus(struct collector *c, struct zs_cpu *sum)
{
	size_t words = offsetof(struct zs_cpu, payer) / sizeof(uint64_t);
	size_t first = offsetof(struct zs_cpu, begun) / sizeof(uint64_t);
	struct zs_cpu *v = c->values;
	int cpu;
	size_t i;

	memset(sum, 0, sizeof(*sum));
	c->ended = 0;
	for (cpu = 0; cpu < c->cpus; cpu++, v++) {
		copy_words(v, &area_of(c, cpu)->cpu, sizeof(*v));
		for (i = first; i < words; i++)
			((word_t *)sum)[i] += ((const word_t *)v)[i];
		for (i = 0; i < ARRAY_SIZE(v->payer); i++)
			c->ended += v->payer[i].count;
	}
}

/* The beginning of a small file, as a string. */
static bool read_again(int fd, char *buf, size_t size)
{
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void read_self(struct collector *c, struct snapshot *s)
{
	unsigned long long size, resident;
	struct bpf_program *prog;
	char text[128];

	s->self.map_bytes = c->map_bytes;
	if (read_again(c->statm_fd, text, sizeof(text)) &&
	    sscanf(text, "%llu %llu", &size, &resident) == 2)
		s->self.rss_bytes = resident * c->machine->page_size;
	if (!read_again(c->stats_enabled_fd, text, sizeof(text)) || text[0] == '0')
		return;
	s->self.bpf_seconds.known = true;
	bpf_object__for_each_program(prog, c->skel->obj)
		if (bpf_program__fd(prog) >= 0)
			s->self.bpf_seconds.value += attach__run_time_ns(prog) / 1e9;
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

static void sample_parts(struct collector *c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i]->sample)
			parts[i]->sample(c);
}

/* What the kernel and what the programs counted, as near to the same moment as can be. */
static int read_counters(struct collector *c, struct reading *r)
{
	struct coverage_counters after;
	int err;

	sample_parts(c);
	if (c->stop_known) {
		r->kernel = c->at_stop;
		r->moved = c->moved_at_stop;
		read_cpus(c, &r->sum);
		return 0;
	}
	err = coverage__read(c->coverage, &r->kernel);
	if (err)
		return err;
	read_cpus(c, &r->sum);
	err = coverage__read(c->coverage, &after);
	if (err)
		return err;
	r->moved = coverage__movement(&after, &r->kernel);
	return 0;
}

static int read_parts(struct collector *c, struct snapshot *s, struct reading *r)
{
	size_t i;
	int err;

	__atomic_store_n(&c->skel->bss->epoch, r->epoch + 1, __ATOMIC_RELEASE);
	err = read_counters(c, r);
	if (!err)
		err = payers__read(c->payers, c->values, c->cpus, c->machine->page_size, s);
	for (i = 0; !err && i < ARRAY_SIZE(parts); i++)
		if (parts[i]->read)
			err = parts[i]->read(c, s, r);
	return err;
}

static int fill_snapshot(struct collector *c, struct snapshot *s)
{
	struct reading r = {.offset = realtime_offset(), .epoch = c->skel->bss->epoch};
	int err;

	s->mono_ns = util__monotonic_ns();
	s->time_ns = s->mono_ns + r.offset;
	s->interval_ns = s->mono_ns - c->start_ns;
	fill_filters(c->opt, &s->filters);
	s->probes = calloc(c->nr_probes, sizeof(*s->probes));
	if (!s->probes)
		return -ENOMEM;
	memcpy(s->probes, c->probes, c->nr_probes * sizeof(*s->probes));
	s->nr_probes = c->nr_probes;

	err = map_areas(c);
	if (err)
		return err;
	err = read_parts(c, s, &r);
	unmap_areas(c);
	release_values(c);
	if (err)
		return err;
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
	struct timespec pause = {.tv_nsec = 5 * NSEC_PER_MSEC};
	struct coverage_counters after;
	uint64_t begun, ended, open;
	bool first = true;
	struct zs_cpu sum;
	unsigned int i;

	sample_parts(c);
	/* What the kernel counts from here on we do not see, however long what is open takes. */
	c->stop_known = !coverage__read(c->coverage, &c->at_stop);
	__atomic_store_n(&c->skel->bss->ready, 0, __ATOMIC_RELEASE);
	if (c->stop_known && !coverage__read(c->coverage, &after))
		c->moved_at_stop = coverage__movement(&after, &c->at_stop);
	/* Where they cannot be mapped, the snapshot that follows says so. */
	while (c->areas || !map_areas(c)) {
		read_cpus(c, &sum);
		for (begun = 0, i = 0; i < c->plan.nr; i++)
			begun += sum.begun[i];
		ended = c->ended + sum.storage_full;
		open = begun - min(begun, (uint64_t)(ended + sum.entries_unmatched));
		/* The kernel counts these when they are mapped, after what is read of it here. */
		if (first)
			c->moved_at_stop += open;
		first = false;
		/* One CPU is read after another: more can seem to have ended than began. */
		if (!open && begun >= ended)
			break;
		nanosleep(&pause, NULL);
		if (util__monotonic_ns() >= end)
			break;
	}
	unmap_areas(c);
	c->stopped = true;
}
