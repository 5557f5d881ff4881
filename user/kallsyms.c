// SPDX-License-Identifier: GPL-2.0-only
#include "kallsyms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* No function is longer; what is farther away has no name that we know. */
#define NEAR (1 << 20)

struct kallsym {
	uint64_t address;
	size_t name; /* offset in names */
};

struct kallsyms {
	char path[256];
	bool loaded;
	int err;
	size_t nr, room;
	struct kallsym *syms;
	size_t used, size;
	char *names;
};

struct kallsyms *kallsyms__new(const char *root)
{
	struct kallsyms *k = calloc(1, sizeof(*k));

	if (k)
		snprintf(k->path, sizeof(k->path), "%s/proc/kallsyms", root);
	return k;
}

void kallsyms__free(struct kallsyms **kp)
{
	struct kallsyms *k = *kp;

	*kp = NULL;
	if (!k)
		return;
	free(k->syms);
	free(k->names);
	free(k);
}

static int reserve(void *arrayp, size_t *room, size_t want, size_t size)
{
	void **array = arrayp;
	void *bigger;

	if (want <= *room)
		return 0;
	bigger = reallocarray(*array, want * 2, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = want * 2;
	return 0;
}

static int add(struct kallsyms *k, uint64_t address, const char *name)
{
	size_t len = strlen(name) + 1;

	if (reserve(&k->syms, &k->room, k->nr + 1, sizeof(*k->syms)) ||
	    reserve(&k->names, &k->size, k->used + len, 1))
		return -ENOMEM;
	memcpy(k->names + k->used, name, len);
	k->syms[k->nr++] = (struct kallsym){.address = address, .name = k->used};
	k->used += len;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct kallsym *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int load(struct kallsyms *k)
{
	_cleanup_fclose_ FILE *f = fopen(k->path, "re");
	_cleanup_free_ char *line = NULL;
	bool hidden = true;
	size_t size = 0;
	int err;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		char *end, *name, *after;
		uint64_t address = strtoull(line, &end, 16);

		/* "ffffffff81000000 T name [module]" */
		if (end == line || strlen(end) < 4)
			continue;
		name = end + 3;
		after = name + strcspn(name, "\t \n");
		*after = '\0';
		if (!address)
			continue;
		hidden = false;
		err = add(k, address, name);
		if (err)
			return err;
	}
	if (hidden)
		return -EPERM;
	qsort(k->syms, k->nr, sizeof(*k->syms), compare);
	return 0;
}

int kallsyms__find(struct kallsyms *k, uint64_t address, char *buf, size_t size)
{
	size_t lo = 0, hi;

	if (!k->loaded) {
		k->loaded = true;
		k->err = load(k);
	}
	if (k->err)
		return k->err;
	hi = k->nr;
	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (k->syms[middle].address <= address)
			lo = middle + 1;
		else
			hi = middle;
	}
	if (!lo || address - k->syms[lo - 1].address > NEAR)
		return -ENOENT;
	/* Of several names for one address the first, as the kernel's own traces do. */
	for (lo--; lo && k->syms[lo - 1].address == k->syms[lo].address;)
		lo--;
	snprintf(buf, size, "%s+0x%" PRIx64, k->names + k->syms[lo].name,
		 address - k->syms[lo].address);
	return 0;
}
