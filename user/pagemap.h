/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PAGEMAP_H
#define ZEROSCOPE_PAGEMAP_H

/*
 * What the kernel tells about the memory of a process and about huge pages:
 * which folios back a range (pagemap and kpageflags), smaps, vmstat, and the
 * sizes and switches under /sys/kernel/mm. Orders are log2 of a number of base
 * pages; the base page is whatever sysconf(_SC_PAGESIZE) says. Paths and the
 * root of /sys are parameters, so that tests can bring files of their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGEMAP_ORDERS 32

/* Words of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT	 (1ULL << 63)
#define PAGEMAP_PFN_MASK ((1ULL << 55) - 1)

/* Bits of /proc/kpageflags. */
#define KPF_COMPOUND_HEAD (1ULL << 15)
#define KPF_COMPOUND_TAIL (1ULL << 16)
#define KPF_HUGE	  (1ULL << 17)
#define KPF_THP		  (1ULL << 22)
#define KPF_ZERO_PAGE	  (1ULL << 24)

struct folio_counts {
	uint64_t by_order[PAGEMAP_ORDERS]; /* folios, each once; [0] are single pages */
	uint64_t zero_folios;		   /* times that the huge zero folio is mapped */
	uint64_t zero_pages;		   /* times that the small zero page is mapped */
	uint64_t absent;		   /* base pages that nothing is mapped at */
};

/* log2 of bytes / page_bytes, or -1 where that is no power of two. */
int pagemap__order(uint64_t bytes, uint64_t page_bytes);

struct pagemap;

#define _cleanup_pagemap_ __attribute__((cleanup(pagemap__cleanup)))

/*
 * Opens a pagemap and, where it may be read, kpageflags. 0 or -errno of the
 * pagemap. The caller owns *pm and releases it with pagemap__free().
 */
int pagemap__open(const char *pagemap_path, const char *kpageflags_path, uint64_t page_bytes,
		  struct pagemap **pm);
void pagemap__free(struct pagemap *pm);
void pagemap__cleanup(struct pagemap **pm);

/*
 * Whether the folios behind the mapped page at addr can be told: kpageflags is
 * readable and page frame numbers are not hidden (CAP_SYS_ADMIN).
 */
bool pagemap__sees_folios(struct pagemap *pm, const void *addr);

/*
 * Adds what backs [start, start + bytes) to *counts. The order of a folio comes
 * from the run of its head and tails in kpageflags, whatever part of it is
 * mapped. A folio counts once, the huge zero folio each time its first page is
 * mapped. 0, -EPERM where page frame numbers are hidden, or -errno.
 */
int pagemap__count_folios(struct pagemap *pm, const void *start, size_t bytes,
			  struct folio_counts *counts);

/*
 * Without privileges: the order of the folio that a single touch mapped, as the
 * largest naturally aligned block of present pages around page number touched,
 * among n (a power of two) words of a pagemap. -1: not even that page is present.
 */
int pagemap__present_order(const uint64_t *words, size_t n, size_t touched);

/* Reads the n pagemap words from the page at start on. 0 or -errno. */
int pagemap__read_words(struct pagemap *pm, const void *start, uint64_t *words, size_t n);

/* Sums in bytes over the mappings of an smaps file that lie inside a range. */
struct smaps_sum {
	uint64_t rss;
	uint64_t anon_huge;  /* AnonHugePages: mapped by PMD */
	uint64_t shmem_huge; /* ShmemPmdMapped */
	uint64_t hugetlb;    /* Private_Hugetlb and Shared_Hugetlb */
	uint64_t mappings;
};

int pagemap__smaps(const char *path, const void *start, size_t bytes, struct smaps_sum *sum);

/*
 * One counter of a vmstat file. 0, -ENOENT where this kernel has no such
 * counter, or -errno.
 */
int pagemap__vmstat(const char *path, const char *name, uint64_t *value);

/*
 * The chosen word of a switch such as "always [madvise] never", into buf.
 * 0, -EINVAL where nothing is in brackets, -EFBIG, or -errno.
 */
int pagemap__choice(const char *path, char *buf, size_t size);

/*
 * Bit n is set for each order n for which dir holds a folder hugepages-NkB with
 * a file called file in it (NULL: any folder counts). 0 where dir is absent.
 */
uint32_t pagemap__orders(const char *dir, const char *file, uint64_t page_bytes);

/* "2, 3 and 9" for the bits of orders, "none" for 0. Returns buf. */
char *pagemap__format_orders(uint32_t orders, char *buf, size_t size);

/* "2 MiB", "16 KiB": exact for what a folio can be. Returns buf. */
char *pagemap__format_bytes(uint64_t bytes, char *buf, size_t size);

#endif /* ZEROSCOPE_PAGEMAP_H */
