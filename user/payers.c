// SPDX-License-Identifier: GPL-2.0-only
#include "payers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "cgroup.h"
#include "util.h"

struct named {
	uint64_t id;
	char name[PAYER_NAME];
};

struct payers {
	size_t nr;
	struct named *names; /* by id */
	int paths_fd;	     /* of struct zs_cgroup_path; -1: paths are looked up */
};

struct payers *payers__new(void)
{
	struct payers *p = calloc(1, sizeof(*p));

	if (p)
		p->paths_fd = -1;
	return p;
}

void payers__take_paths(struct payers *p, int map_fd)
{
	p->paths_fd = map_fd;
}

void payers__free(struct payers **p)
{
	if (*p)
		free((*p)->names);
	free(*p);
	*p = NULL;
}

/* Both kinds of element begin with their id. */
static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Its path as the programs took it down, whose names begin with the group's own. */
static int read_path(int map_fd, uint64_t id, char *path, size_t size)
{
	struct zs_cgroup_path p;
	size_t at, end, len = 0;

	if (bpf_map_lookup_elem(map_fd, &id, &p))
		return -EPERM;
	end = min(p.used, (uint32_t)sizeof(p.names));
	if (!end || p.names[end - 1])
		return snprintf(path, size, p.whole ? "/" : "...") < 0 ? -EINVAL : 0;
	if (!p.whole)
		len += (size_t)snprintf(path, size, "...");
	for (; end && len < size; end = at) {
		for (at = end - 1; at && p.names[at - 1]; at--)
			;
		len += (size_t)snprintf(path + len, size - len, "/%s", p.names + at);
	}
	return 0;
}

static void look_up(const struct payers *p, struct named *n)
{
	char path[4096];
	int err = 0;

	if (n->id && p->paths_fd >= 0)
		err = read_path(p->paths_fd, n->id, path, sizeof(path));
	else if (n->id)
		err = cgroup__path(n->id, path, sizeof(path));
	if (!n->id)
		snprintf(n->name, sizeof(n->name), "other");
	else if (err == -EPERM || err == -EACCES) /* an exporter has given up the right to look */
		snprintf(n->name, sizeof(n->name), "id %" PRIu64, n->id);
	else if (err)
		snprintf(n->name, sizeof(n->name), "removed, id %" PRIu64, n->id);
	else
		/* The end of a long path says more than its beginning. */
		snprintf(n->name, sizeof(n->name), "%s",
			 path + (strlen(path) < sizeof(n->name)
					 ? 0
					 : strlen(path) - sizeof(n->name) + 1));
}

int payers__name(struct payers *p, uint64_t id, char buf[static PAYER_NAME])
{
	struct named *n = NULL;

	if (p->nr)
		n = bsearch(&id, p->names, p->nr, sizeof(*n), compare_ids);
	if (n) {
		memcpy(buf, n->name, PAYER_NAME);
		return 0;
	}
	n = reallocarray(p->names, p->nr + 1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	p->names = n;
	n += p->nr++;
	n->id = id;
	look_up(p, n);
	memcpy(buf, n->name, PAYER_NAME);
	qsort(p->names, p->nr, sizeof(*n), compare_ids);
	return 0;
}

/* Before they are added up: what one CPU keeps of a cgroup on a node. */
struct entry {
	uint64_t id; /* the cgroup's; 0: others */
	int node;    /* -1: unknown */
	const struct zs_payer *payer;
};

static void add(struct payer *to, const struct entry *from, uint64_t page_size)
{
	to->count += from->payer->count;
	to->bytes += from->payer->pages * page_size;
	to->sum_ns += from->payer->sum_ns;
	to->gap_ns += from->payer->gap_ns;
	to->max_ns = max(to->max_ns, (uint64_t)from->payer->max_ns);
}

static int compare_entries(const void *a, const void *b)
{
	return compare_ids(a, b);
}

/* Entries in use, of all CPUs, by cgroup; their number in *nr. */
static struct entry *collect(const struct zs_cpu *v, int cpus, size_t *nr)
{
	struct entry *all = NULL, *more;
	bool unknown = false;
	size_t room = 0, i;
	int cpu;

	*nr = 0;
	for (cpu = 0; cpu < cpus; cpu++) {
		if (*nr + ZS_PAYERS + ZS_NODES > room) {
			room = 2 * room + ZS_PAYERS + ZS_NODES;
			more = reallocarray(all, room, sizeof(*all));
			if (!more) {
				free(all);
				return NULL;
			}
			all = more;
		}
		for (i = 0; i < ZS_PAYERS + ZS_NODES; i++) {
			const struct zs_payer *p = &v[cpu].payer[i];

			if (!p->count)
				continue;
			all[*nr] = (struct entry){
				.id = p->key & ZS_PAYER_CGROUP,
				.node = (int16_t)(p->key >> ZS_WHAT_NODE_SHIFT),
				.payer = p,
			};
			/* The others are in the order of nodes, where these are known. */
			if (i >= ZS_PAYERS)
				all[*nr].node = unknown ? -1 : (int)(i - ZS_PAYERS);
			unknown = all[(*nr)++].node < 0;
		}
	}
	if (*nr)
		qsort(all, *nr, sizeof(*all), compare_entries);
	return all;
}

static int add_nodes(const struct entry *all, size_t nr, uint64_t page_size, struct snapshot *s)
{
	struct payer node[ZS_NODES] = {0};
	size_t i;

	for (i = 0; i < nr; i++)
		if (all[i].node >= 0)
			add(&node[all[i].node % ZS_NODES], &all[i], page_size);
	s->node_payers = calloc(ZS_NODES, sizeof(*s->node_payers));
	if (!s->node_payers)
		return -ENOMEM;
	for (i = 0; i < ZS_NODES; i++) {
		if (!node[i].count)
			continue;
		node[i].id = i;
		s->node_payers[s->nr_node_payers++] = node[i];
	}
	return 0;
}

static int add_cgroups(struct payers *p, const struct entry *all, size_t nr, uint64_t page_size,
		       struct snapshot *s)
{
	_cleanup_free_ struct payer *rows = calloc(nr + 1, sizeof(*rows));
	size_t n = 0, i;
	int err;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		if (!n || rows[n - 1].id != all[i].id)
			rows[n++].id = all[i].id;
		add(&rows[n - 1], &all[i], page_size);
	}
	for (i = 0; i < n; i++) {
		err = payers__name(p, rows[i].id, rows[i].name);
		if (err)
			return err;
	}
	s->cgroup_payers = TAKE_PTR(rows);
	s->nr_cgroup_payers = n;
	return 0;
}

int payers__read(struct payers *p, const struct zs_cpu *v, int cpus, uint64_t page_size,
		 struct snapshot *s)
{
	_cleanup_free_ struct entry *all = NULL;
	size_t nr;
	int err;

	all = collect(v, cpus, &nr);
	if (!all)
		return -ENOMEM;
	err = add_nodes(all, nr, page_size, s);
	return err ? err : add_cgroups(p, all, nr, page_size, s);
}
