// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "load_internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

static int open_event(uint64_t config, int group_fd)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = config,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, group_fd, PERF_FLAG_FD_CLOEXEC);
}

static void explain(int err, char *buf, size_t size)
{
	if (err == EACCES || err == EPERM)
		snprintf(buf, size,
			 "counting kernel cycles is not allowed; run as root, or lower "
			 "kernel.perf_event_paranoid to 1");
	else if (err == ENOENT || err == EOPNOTSUPP || err == ENODEV || err == ENXIO)
		snprintf(buf, size,
			 "this machine shows no hardware PMU; virtual machines often "
			 "hide it");
	else if (err == ENOSYS)
		snprintf(buf, size, "this kernel is built without perf events");
	else
		snprintf(buf, size, "the cycle counter could not be opened: %s", errname(err));
}

void load_pmu__open(struct load_pmu_fds *fds)
{
	*fds = LOAD_PMU_FDS_NONE;
	fds->cycles = open_event(PERF_COUNT_HW_CPU_CYCLES, -1);
	if (fds->cycles < 0) {
		explain(errno, fds->reason, sizeof(fds->reason));
		return;
	}
	/* The generic "cache misses" are those of the last level. */
	fds->misses = open_event(PERF_COUNT_HW_CACHE_MISSES, fds->cycles);
}

struct load_pmu_sample load_pmu__read(const struct load_pmu_fds *fds)
{
	struct {
		uint64_t events, enabled, running, values[2];
	} group = {0};
	struct load_pmu_sample s = {0};
	ssize_t n;

	if (fds->cycles < 0)
		return s;
	n = read(fds->cycles, &group, sizeof(group));
	/* Counters that had to share the hardware would be guesses. */
	if (n < (ssize_t)(4 * sizeof(uint64_t)) || !group.running || group.running < group.enabled)
		return s;
	s.valid = true;
	s.cycles = group.values[0];
	s.misses = group.values[1];
	return s;
}

void load_pmu__close(struct load_pmu_fds *fds)
{
	if (fds->misses >= 0)
		close(fds->misses);
	if (fds->cycles >= 0)
		close(fds->cycles);
	fds->cycles = fds->misses = -1;
}
