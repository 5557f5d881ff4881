// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "load_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
/* Linux 5.11; lets a process without privileges have one. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* Source of userfaultfd copies: one stretch of stale bytes, mapped as often as a folio is long. */
#define SOURCE_BYTES (2UL << 20)

static void dirty_pages(uint64_t bytes, struct load_dirt *dirt)
{
	char *mem;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (mem == MAP_FAILED)
		return;
	/* Base pages: their clears are none that anybody counts. */
	(void)madvise(mem, bytes, MADV_NOHUGEPAGE);
	memset(mem, LOAD_STALE, bytes);
	dirt->bytes = bytes;
	dirt->how = DIRTY_PAGES;
}

/* A folio's worth of stale bytes, at the price of SOURCE_BYTES of memory. */
static void *make_source(uint64_t folio_bytes)
{
	_cleanup_close_ int fd = -1;
	char *source, *first;
	uint64_t piece = min(folio_bytes, (uint64_t)SOURCE_BYTES);
	uint64_t at;

	fd = memfd_create("stale", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)piece))
		return NULL;
	source = mmap(NULL, folio_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		      0);
	if (source == MAP_FAILED)
		return NULL;
	for (at = 0; at < folio_bytes; at += piece) {
		if (mmap(source + at, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			return NULL;
		/* The copy is made with faults off and gives up on a source that is not mapped. */
		first = source + at;
		memset(first, LOAD_STALE, piece);
	}
	return source;
}

/* A userfaultfd that answers for [mem, mem + bytes), or -1. */
static int watch(char *mem, uint64_t bytes)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {
		.range = {.start = (uintptr_t)mem, .len = bytes},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd;

	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (fd < 0)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Pages that userfaultfd fills are copied into and not cleared first: the pool
 * gets dirty without a single clear. Returns the bytes done.
 */
static uint64_t fill_by_uffd(const struct load_plan *p, char *mem, uint64_t bytes)
{
	_cleanup_close_ int fd = -1;
	void *source;
	uint64_t at;

	source = make_source(p->folio_bytes);
	if (!source)
		return 0;
	fd = watch(mem, bytes);
	if (fd < 0)
		return 0;
	for (at = 0; at < bytes; at += p->folio_bytes) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)mem + at,
			.src = (uintptr_t)source,
			.len = p->folio_bytes,
		};

		if (ioctl(fd, UFFDIO_COPY, &copy))
			break;
	}
	/* Closing fd ends the watch: a fault from here on is a plain one. */
	return at;
}

static void dirty_pool(const struct load_plan *p, uint64_t bytes, struct load_dirt *dirt)
{
	int size = __builtin_ctzll(p->folio_bytes) << MAP_HUGE_SHIFT;
	uint64_t done;
	char *mem;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size, -1, 0);
	if (mem == MAP_FAILED)
		return;
	done = fill_by_uffd(p, mem, bytes);
	dirt->bytes = done;
	dirt->how = DIRTY_UFFD;
	if (done == bytes)
		return;
	dirt->how = DIRTY_FAULTS;
	for (; done < bytes; done += p->folio_bytes) {
		memset(mem + done, LOAD_STALE, p->folio_bytes);
		dirt->clears++;
		dirt->bytes = done + p->folio_bytes;
	}
}

static void __attribute__((noreturn)) child(const struct load_plan *p, struct load_dirt *dirt)
{
	static const int given_back[] = {SIGINT, SIGTERM, SIGHUP, SIGBUS};
	uint64_t bytes = p->window * p->folio_bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(given_back); i++)
		signal(given_back[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (p->hugetlb)
		dirty_pool(p, bytes, dirt);
	else
		dirty_pages(bytes, dirt);
	_exit(0);
}

void load_dirty__run(const struct load_plan *p, struct load_dirt *dirt)
{
	struct load_dirt *told;
	int status;
	pid_t pid;

	*dirt = (struct load_dirt){0};
	/* Read faults that map the zero folio are given no memory that could be stale. */
	if (p->zero_folio)
		return;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return;
	pid = fork();
	if (!pid)
		child(p, told);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (load_stop)
			kill(pid, SIGKILL);
	*dirt = *told;
	munmap(told, sizeof(*told));
}
