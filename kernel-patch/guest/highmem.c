// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a folio lies in memory that the kernel has no permanent mapping of: there each page is
 * mapped for itself to be cleared, which is other code than everywhere else.
 */
#include "prove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_PFN	((1ULL << 55) - 1)

/* From zoneinfo, whose zones are called "Node N, zone NAME" and have "managed" before "start_pfn" */
unsigned long prove_highmem_start(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned long managed = 0, start = 0, value;
	char line[256], zone[32] = "";

	if (!file)
		prove_fail("cannot read zoneinfo: %s", strerror(errno));
	while (!start && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %*d, zone %31s", zone) == 1)
			managed = 0;
		else if (sscanf(line, " managed %lu", &value) == 1)
			managed = value;
		else if (sscanf(line, " start_pfn: %lu", &value) == 1 && managed &&
			 !strcmp(zone, "HighMem"))
			start = value;
	}
	fclose(file);
	return start;
}

/* The caller has touched the page: it is there, and this is process 1's child, which may look. */
unsigned long prove_pfn(const void *p)
{
	const off_t at = (uintptr_t)p / sysconf(_SC_PAGESIZE) * sizeof(uint64_t);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
		prove_fail("cannot read pagemap: %s", strerror(errno));
	close(fd);
	if (!(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_PFN))
		prove_fail("pagemap does not tell where %p is", p);
	return entry & PAGEMAP_PFN;
}
