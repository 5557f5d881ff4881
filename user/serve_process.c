// SPDX-License-Identifier: GPL-2.0-only
#include "serve_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

void process_reader__open(struct process_reader *r)
{
	struct timespec up = {0};

	r->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	r->fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What the process has run for is at most milliseconds of CPU time here. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &up);
	r->start_ns = util__realtime_ns() - (uint64_t)up.tv_nsec;
}

void process_reader__close(struct process_reader *r)
{
	util__cleanup_close(&r->statm);
	util__cleanup_close(&r->fds);
}

static void read_memory(int fd, struct exposition_process *p)
{
	unsigned long long size, resident;
	char text[128];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return;
	p->virtual_bytes = (struct opt_u64){.known = true, .value = size * page};
	p->resident_bytes = (struct opt_u64){.known = true, .value = resident * page};
}

/* The entries of /proc/self/fd; "." and ".." are among them. */
static void count_fds(int fd, struct exposition_process *p)
{
	struct entry {
		uint64_t ino, off;
		unsigned short len;
	};
	_Alignas(8) char buf[4096];
	uint64_t nr = 0;
	long n;

	if (fd < 0 || lseek(fd, 0, SEEK_SET))
		return;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n; at += ((struct entry *)(buf + at))->len)
			nr++;
	if (n < 0 || nr < 2)
		return;
	p->open_fds = (struct opt_u64){.known = true, .value = nr - 2};
}

void process_reader__read(struct process_reader *r, struct exposition_process *p)
{
	struct timespec cpu;
	struct rlimit limit;

	memset(p, 0, sizeof(*p));
	p->start_ns = (struct opt_u64){.known = true, .value = r->start_ns};
	if (!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu)) {
		p->cpu_ns.known = true;
		p->cpu_ns.value = (uint64_t)cpu.tv_sec * NSEC_PER_SEC + (uint64_t)cpu.tv_nsec;
	}
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		p->max_fds = (struct opt_u64){.known = true, .value = limit.rlim_cur};
	if (r->stats)
		stats_sampler__read(r->stats, p);
	read_memory(r->statm, p);
	count_fds(r->fds, p);
}
