// SPDX-License-Identifier: GPL-2.0-only
#include "thp_settings.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define THP_DIR	    "/sys/kernel/mm/transparent_hugepage"
#define HUGETLB_DIR "/sys/kernel/mm/hugepages"
#define NODE_DIR    "/sys/devices/system/node"

/* Shorter than a path may be, so that a file name always fits behind it. */
#define DIR_SIZE 2048

int order_of_kb(uint64_t kb, uint64_t page_size)
{
	uint64_t pages = kb * 1024 / page_size;

	if (!pages || (pages & (pages - 1)) || pages * page_size != kb * 1024)
		return -1;
	return __builtin_ctzll(pages);
}

/* "always [madvise] never" → "madvise"; a single word is itself. */
static void read_choice(const char *dir, const char *file, char *buf, size_t size)
{
	char path[PATH_MAX], text[256];
	char *word = text, *end;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (util__read_line(path, text, sizeof(text)) < 0)
		return;
	end = strchr(text, '[');
	if (end)
		word = end + 1;
	word[strcspn(word, "] ")] = '\0';
	snprintf(buf, size, "%.*s", (int)size - 1, word);
}

static uint64_t read_number(const char *dir, const char *file)
{
	char path[PATH_MAX];
	uint64_t value = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return util__read_u64(path, &value) ? 0 : value;
}

/* The size in the name of "hugepages-64kB"; 0 for any other name. */
static uint64_t kb_of_name(const char *name)
{
	unsigned long long kb;
	int len = 0;

	if (sscanf(name, "hugepages-%llukB%n", &kb, &len) != 1 || !len || name[len])
		return 0;
	return kb;
}

/* The sizes that a directory has entries for, smallest first. Returns how many. */
static size_t list_sizes(const char *dir, uint64_t *kb, size_t max)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *d = opendir(dir);

	if (!d)
		return 0;
	while ((entry = readdir(d)) && n < max) {
		uint64_t size = kb_of_name(entry->d_name);
		size_t at = n;

		if (!size)
			continue;
		for (; at && kb[at - 1] > size; at--)
			kb[at] = kb[at - 1];
		kb[at] = size;
		n++;
	}
	closedir(d);
	return n;
}

static void read_mthp(struct thp_settings *t, const char *dir, uint64_t page_size)
{
	uint64_t kb[THP_MAX_SIZES];
	size_t n = list_sizes(dir, kb, ARRAY_SIZE(kb));

	for (size_t i = 0; i < n; i++) {
		struct mthp_setting *s = &t->mthp[t->nr_mthp++];
		char sub[DIR_SIZE + 64];

		s->kb = kb[i];
		s->order = order_of_kb(kb[i], page_size);
		snprintf(sub, sizeof(sub), "%s/hugepages-%llukB", dir, (unsigned long long)kb[i]);
		read_choice(sub, "enabled", s->enabled, sizeof(s->enabled));
		read_choice(sub, "shmem_enabled", s->shmem_enabled, sizeof(s->shmem_enabled));
	}
}

static void read_pool_nodes(struct hugetlb_pool *pool, const char *root)
{
	for (int node = 0; node < 1024 && pool->nr_nodes < HUGETLB_MAX_NODES; node++) {
		char dir[DIR_SIZE];

		snprintf(dir, sizeof(dir), "%s" NODE_DIR "/node%d/hugepages/hugepages-%llukB", root,
			 node, (unsigned long long)pool->kb);
		if (access(dir, F_OK))
			continue;
		pool->node[pool->nr_nodes].node = node;
		pool->node[pool->nr_nodes].pages = read_number(dir, "nr_hugepages");
		pool->node[pool->nr_nodes].free = read_number(dir, "free_hugepages");
		pool->nr_nodes++;
	}
}

static void read_hugetlb(struct thp_settings *t, const char *root, uint64_t page_size)
{
	uint64_t kb[HUGETLB_MAX_POOLS];
	char dir[DIR_SIZE];
	size_t n;

	snprintf(dir, sizeof(dir), "%s" HUGETLB_DIR, root);
	n = list_sizes(dir, kb, ARRAY_SIZE(kb));
	for (size_t i = 0; i < n; i++) {
		struct hugetlb_pool *pool = &t->hugetlb[t->nr_hugetlb++];

		pool->kb = kb[i];
		pool->order = order_of_kb(kb[i], page_size);
		snprintf(dir, sizeof(dir), "%s" HUGETLB_DIR "/hugepages-%llukB", root,
			 (unsigned long long)kb[i]);
		pool->pages = read_number(dir, "nr_hugepages");
		pool->free = read_number(dir, "free_hugepages");
		pool->reserved = read_number(dir, "resv_hugepages");
		pool->surplus = read_number(dir, "surplus_hugepages");
		pool->overcommit = read_number(dir, "nr_overcommit_hugepages");
		read_pool_nodes(pool, root);
	}
}

void thp_settings__read(struct thp_settings *t, const char *root, uint64_t page_size)
{
	char dir[DIR_SIZE], path[PATH_MAX];
	uint64_t value;

	memset(t, 0, sizeof(*t));
	t->use_zero_page = -1;
	read_hugetlb(t, root, page_size);

	snprintf(dir, sizeof(dir), "%s" THP_DIR, root);
	if (access(dir, F_OK))
		return;
	t->present = true;
	read_choice(dir, "enabled", t->enabled, sizeof(t->enabled));
	read_choice(dir, "defrag", t->defrag, sizeof(t->defrag));
	read_choice(dir, "shmem_enabled", t->shmem_enabled, sizeof(t->shmem_enabled));
	t->pmd_kb = read_number(dir, "hpage_pmd_size") / 1024;
	snprintf(path, sizeof(path), "%s/use_zero_page", dir);
	if (!util__read_u64(path, &value))
		t->use_zero_page = value != 0;
	read_mthp(t, dir, page_size);
}
