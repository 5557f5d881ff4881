// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pagemap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* Words read at a time: one folio of order 9. */
#define BATCH 512

struct pagemap {
	int map_fd;
	int flags_fd; /* -1: not readable */
	uint64_t page_bytes;
	uint64_t words[BATCH];
	/* The folio met last: its pages follow each other, so each folio is looked up once. */
	uint64_t head_pfn;
	uint64_t head_pages; /* 0: none */
	uint64_t head_flags;
	uint64_t flags[BATCH];
};

int pagemap__order(uint64_t bytes, uint64_t page_bytes)
{
	uint64_t pages;

	if (!page_bytes || bytes % page_bytes)
		return -1;
	pages = bytes / page_bytes;
	if (!pages || (pages & (pages - 1)))
		return -1;
	return __builtin_ctzll(pages);
}

int pagemap__open(const char *pagemap_path, const char *kpageflags_path, uint64_t page_bytes,
		  struct pagemap **out)
{
	struct pagemap *pm;
	int err;

	pm = calloc(1, sizeof(*pm));
	if (!pm)
		return -ENOMEM;
	pm->page_bytes = page_bytes;
	pm->map_fd = open(pagemap_path, O_RDONLY | O_CLOEXEC);
	if (pm->map_fd < 0) {
		err = -errno;
		free(pm);
		return err;
	}
	pm->flags_fd = open(kpageflags_path, O_RDONLY | O_CLOEXEC);
	*out = pm;
	return 0;
}

void pagemap__free(struct pagemap *pm)
{
	if (!pm)
		return;
	close(pm->map_fd);
	if (pm->flags_fd >= 0)
		close(pm->flags_fd);
	free(pm);
}

void pagemap__cleanup(struct pagemap **pm)
{
	pagemap__free(*pm);
}

/* Reads up to n words; *got is smaller at the end of the file only. */
static int read_words(int fd, uint64_t index, uint64_t *words, size_t n, size_t *got)
{
	size_t done = 0;

	while (done < n * sizeof(*words)) {
		ssize_t r = pread(fd, (char *)words + done, n * sizeof(*words) - done,
				  (off_t)(index * sizeof(*words) + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		done += (size_t)r;
	}
	*got = done / sizeof(*words);
	return 0;
}

int pagemap__read_words(struct pagemap *pm, const void *start, uint64_t *words, size_t n)
{
	size_t got = 0;
	int err;

	err = read_words(pm->map_fd, (uintptr_t)start / pm->page_bytes, words, n, &got);
	if (err)
		return err;
	return got == n ? 0 : -ENODATA;
}

static int read_flags(struct pagemap *pm, uint64_t pfn, uint64_t *flags)
{
	size_t got = 0;
	int err;

	err = read_words(pm->flags_fd, pfn, flags, 1, &got);
	if (err)
		return err;
	return got ? 0 : -ENODATA;
}

static int find_head(struct pagemap *pm, uint64_t pfn, uint64_t *head, uint64_t *flags)
{
	int err;

	for (;; pfn--) {
		err = read_flags(pm, pfn, flags);
		if (err)
			return err;
		if (!(*flags & KPF_COMPOUND_TAIL))
			break;
		if (!pfn)
			return -ENODATA;
	}
	*head = pfn;
	return 0;
}

/* Number of tails that follow head; the largest folio there is ends the search. */
static int count_tails(struct pagemap *pm, uint64_t head, uint64_t *tails)
{
	uint64_t n = 0;

	while (n < 1ULL << (PAGEMAP_ORDERS - 1)) {
		size_t got, i;
		int err;

		err = read_words(pm->flags_fd, head + 1 + n, pm->flags, BATCH, &got);
		if (err)
			return err;
		for (i = 0; i < got; i++)
			if (!(pm->flags[i] & KPF_COMPOUND_TAIL))
				break;
		n += i;
		if (i < BATCH)
			break;
	}
	*tails = n;
	return 0;
}

/* Makes the folio that pfn belongs to the one met last. */
static int look_up(struct pagemap *pm, uint64_t pfn)
{
	uint64_t head, flags, tails = 0;
	int err;

	err = find_head(pm, pfn, &head, &flags);
	if (err)
		return err;
	if (flags & KPF_COMPOUND_HEAD) {
		err = count_tails(pm, head, &tails);
		if (err)
			return err;
	}
	/* A tail whose head was freed meanwhile: the range is changing under the reader. */
	if (head + tails < pfn)
		return -EAGAIN;
	pm->head_pfn = head;
	pm->head_pages = tails + 1;
	pm->head_flags = flags;
	return 0;
}

static int count_word(struct pagemap *pm, uint64_t word, struct folio_counts *counts)
{
	uint64_t pfn = word & PAGEMAP_PFN_MASK;
	bool known;
	int order, err;

	if (!(word & PAGEMAP_PRESENT)) {
		counts->absent++;
		return 0;
	}
	if (!pfn)
		return -EPERM;

	known = pm->head_pages && pfn >= pm->head_pfn && pfn - pm->head_pfn < pm->head_pages;
	if (!known) {
		err = look_up(pm, pfn);
		if (err)
			return err;
	}
	if (pm->head_flags & KPF_ZERO_PAGE) {
		if (pm->head_pages == 1)
			counts->zero_pages++;
		else if (pfn == pm->head_pfn)
			counts->zero_folios++;
		return 0;
	}
	if (known)
		return 0;
	order = pagemap__order(pm->head_pages, 1);
	if (order < 0 || order >= PAGEMAP_ORDERS)
		return -EAGAIN;
	counts->by_order[order]++;
	return 0;
}

int pagemap__count_folios(struct pagemap *pm, const void *start, size_t bytes,
			  struct folio_counts *counts)
{
	uint64_t index = (uintptr_t)start / pm->page_bytes;
	uint64_t left = bytes / pm->page_bytes;

	if (pm->flags_fd < 0)
		return -EPERM;
	/* Memory may have changed hands since the last call. */
	pm->head_pages = 0;
	while (left) {
		size_t n = left < BATCH ? (size_t)left : BATCH;
		size_t got, i;
		int err;

		err = read_words(pm->map_fd, index, pm->words, n, &got);
		if (err)
			return err;
		if (got < n)
			return -ENODATA;
		for (i = 0; i < n; i++) {
			err = count_word(pm, pm->words[i], counts);
			if (err)
				return err;
		}
		index += n;
		left -= n;
	}
	return 0;
}

bool pagemap__sees_folios(struct pagemap *pm, const void *addr)
{
	uint64_t word, flags;

	if (pm->flags_fd < 0 || pagemap__read_words(pm, addr, &word, 1))
		return false;
	if (!(word & PAGEMAP_PRESENT) || !(word & PAGEMAP_PFN_MASK))
		return false;
	return read_flags(pm, word & PAGEMAP_PFN_MASK, &flags) == 0;
}

int pagemap__present_order(const uint64_t *words, size_t n, size_t touched)
{
	size_t size, i;
	int order = -1;

	for (size = 1; size <= n; size *= 2) {
		size_t first = touched & ~(size - 1);

		for (i = first; i < first + size; i++)
			if (!(words[i] & PAGEMAP_PRESENT))
				return order;
		order++;
	}
	return order;
}

/* "Name:   12 kB" into *bytes when the name is the one asked for. */
static bool smaps_field(const char *line, const char *name, uint64_t *bytes)
{
	size_t len = strlen(name);
	uint64_t kib;

	if (strncmp(line, name, len) != 0 || line[len] != ':')
		return false;
	if (sscanf(line + len + 1, "%" SCNu64 " kB", &kib) != 1)
		return false;
	*bytes += kib * 1024;
	return true;
}

int pagemap__smaps(const char *path, const void *start, size_t bytes, struct smaps_sum *sum)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	uintptr_t first = (uintptr_t)start;
	bool inside = false;
	size_t size = 0;

	*sum = (struct smaps_sum){0};
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&line, &size, f) >= 0) {
		uint64_t from, to;

		/* A header is "from-to rwxp ..."; field names start with a capital. */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
			inside = from >= first && to <= first + bytes;
			sum->mappings += inside;
			continue;
		}
		if (!inside)
			continue;
		if (smaps_field(line, "Rss", &sum->rss) ||
		    smaps_field(line, "AnonHugePages", &sum->anon_huge) ||
		    smaps_field(line, "ShmemPmdMapped", &sum->shmem_huge) ||
		    smaps_field(line, "Private_Hugetlb", &sum->hugetlb) ||
		    smaps_field(line, "Shared_Hugetlb", &sum->hugetlb))
			continue;
	}
	return ferror(f) ? -EIO : 0;
}

int pagemap__vmstat(const char *path, const char *name, uint64_t *value)
{
	_cleanup_fclose_ FILE *f = NULL;
	size_t len = strlen(name);
	char line[128];

	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, len) != 0 || line[len] != ' ')
			continue;
		return sscanf(line + len, "%" SCNu64, value) == 1 ? 0 : -EINVAL;
	}
	return ferror(f) ? -EIO : -ENOENT;
}

int pagemap__choice(const char *path, char *buf, size_t size)
{
	char text[256];
	const char *from, *to;
	int len;

	buf[0] = '\0';
	len = util__read_text(path, text, sizeof(text));
	if (len < 0)
		return len;
	from = strchr(text, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to || to == from + 1)
		return -EINVAL;
	if ((size_t)(to - from) > size)
		return -EFBIG;
	memcpy(buf, from + 1, (size_t)(to - from - 1));
	buf[to - from - 1] = '\0';
	return 0;
}

static int order_of_folder(const char *name, uint64_t page_bytes)
{
	uint64_t kib;
	int end = 0;

	if (sscanf(name, "hugepages-%" SCNu64 "kB%n", &kib, &end) != 1 || !end || name[end])
		return -1;
	if (kib > UINT64_MAX / 1024)
		return -1;
	return pagemap__order(kib * 1024, page_bytes);
}

uint32_t pagemap__orders(const char *dir, const char *file, uint64_t page_bytes)
{
	uint32_t orders = 0;
	struct dirent *e;
	DIR *d;

	d = opendir(dir);
	if (!d)
		return 0;
	while ((e = readdir(d)) != NULL) {
		int order = order_of_folder(e->d_name, page_bytes);
		char path[512];

		if (order < 0 || order >= PAGEMAP_ORDERS)
			continue;
		if (file) {
			snprintf(path, sizeof(path), "%s/%s/%s", dir, e->d_name, file);
			if (access(path, F_OK))
				continue;
		}
		orders |= 1U << order;
	}
	closedir(d);
	return orders;
}

char *pagemap__format_orders(uint32_t orders, char *buf, size_t size)
{
	size_t len = 0;
	int order;

	snprintf(buf, size, "none");
	for (order = 0; order < PAGEMAP_ORDERS; order++) {
		const char *sep;
		int n;

		if (!(orders & (1U << order)))
			continue;
		orders &= ~(1U << order);
		sep = !len ? "" : orders ? ", " : " and ";
		n = snprintf(buf + len, size - len, "%s%d", sep, order);
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	return buf;
}

char *pagemap__format_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, size, "%" PRIu64 " %s", bytes, units[i]);
	return buf;
}
