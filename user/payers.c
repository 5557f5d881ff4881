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

static void add(struct payer *to, const struct zs_payer *from)
{
	to->id = from->id;
	to->count += from->count;
	to->bytes += from->bytes;
	to->sum_ns += from->sum_ns;
	to->gap_ns += from->gap_ns;
	to->max_ns = max(to->max_ns, (uint64_t)from->max_ns);
}

/* Entries in use, of all CPUs, by id; their number in *nr. */
static struct zs_payer *collect(const struct zs_cpu *v, int cpus, size_t *nr)
{
	struct zs_payer *all;
	size_t used = 0, i;
	int cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < ZS_CGROUPS; i++)
			used += v[cpu].cgroup[i].count != 0;
	all = calloc(used + 1, sizeof(*all));
	if (!all)
		return NULL;
	*nr = 0;
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < ZS_CGROUPS; i++)
			if (v[cpu].cgroup[i].count)
				all[(*nr)++] = v[cpu].cgroup[i];
	qsort(all, *nr, sizeof(*all), compare_ids);
	return all;
}

int payers__cgroups(struct payers *p, const struct zs_cpu *v, int cpus, struct payer **out,
		    size_t *nr)
{
	_cleanup_free_ struct zs_payer *all = NULL;
	_cleanup_free_ struct payer *rows = NULL;
	size_t used = 0, n = 0, i;
	int err;

	all = collect(v, cpus, &used);
	rows = calloc(used + 1, sizeof(*rows));
	if (!all || !rows)
		return -ENOMEM;
	for (i = 0; i < used; i++) {
		if (!n || rows[n - 1].id != all[i].id)
			n++;
		add(&rows[n - 1], &all[i]);
	}
	for (i = 0; i < n; i++) {
		err = payers__name(p, rows[i].id, rows[i].name);
		if (err)
			return err;
	}
	*out = TAKE_PTR(rows);
	*nr = n;
	return 0;
}
