// SPDX-License-Identifier: GPL-2.0-only
#include "serve_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "log.h"
#include "serve_drop.h"
#include "util.h"

#define SAMPLE_MS 1000
#define PERIOD_MS 60000

/* Written by the child alone: first the one that is not valid, then which is. */
struct stats_sample {
	struct {
		uint64_t run_ns, measured_ns;
	} total[2];
	uint32_t valid;
};

/* --- The child. */

static uint64_t run_time_ns(const int *programs, size_t nr)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(programs[i], &info, &len))
			sum += info.run_time_ns;
	}
	return sum;
}

/* True: the time is up; false: the server has ended. */
static bool wait_ms(int alive, uint64_t ms)
{
	uint64_t end = util__monotonic_ns() + ms * NSEC_PER_MSEC, now;
	struct pollfd p = {.fd = alive};
	int n;

	while ((now = util__monotonic_ns()) < end) {
		n = poll(&p, 1, (int)((end - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC));
		if (n > 0 || (n < 0 && errno != EINTR))
			return false;
	}
	return true;
}

static bool sample(struct stats_sample *s, int alive, const int *programs, size_t nr)
{
	uint32_t next = !s->valid;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	uint64_t run_ns, begin_ns;
	bool go_on;

	if (stats < 0)
		return true;
	begin_ns = util__monotonic_ns();
	run_ns = run_time_ns(programs, nr);
	go_on = wait_ms(alive, SAMPLE_MS);
	s->total[next].run_ns = s->total[!next].run_ns + run_time_ns(programs, nr) - run_ns;
	s->total[next].measured_ns = s->total[!next].measured_ns + util__monotonic_ns() - begin_ns;
	close(stats);
	__atomic_store_n(&s->valid, next, __ATOMIC_RELEASE);
	return go_on;
}

static void run_child(struct stats_sample *s, int alive, const int *programs, size_t nr)
{
	while (sample(s, alive, programs, nr) && wait_ms(alive, PERIOD_MS - SAMPLE_MS))
		;
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All but standard error and these, in ascending order: a link that we held would stay attached. */
static void close_others(const int *keep, size_t nr)
{
	unsigned int from = STDERR_FILENO + 1;
	size_t i;

	for (i = 0; i < nr; i++) {
		if ((unsigned int)keep[i] > from)
			close_range(from, (unsigned int)keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	close_range(from, ~0U, 0);
}

static void __attribute__((noreturn))
begin_child(struct stats_sample *s, int alive, int *programs, size_t nr, const char *user)
{
	int keep[STATS_PROGRAMS_MAX + 1];

	memcpy(keep, programs, nr * sizeof(*keep));
	keep[nr] = alive;
	qsort(keep, nr + 1, sizeof(*keep), compare_fds);
	close_others(keep, nr + 1);
	/* Signals of a terminal go to both; the server's end ends it. */
	signal(SIGHUP, SIG_IGN);
	if (!drop__to_bpf_stats(user))
		run_child(s, alive, programs, nr);
	_exit(0);
}

/* --- The server. */

/* Whether the kernel lets us, asked while we may still do most. */
static bool is_allowed(void)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats >= 0) {
		close(stats);
		return true;
	}
	if (stats == -EPERM)
		log_warn("--bpf-stats: the run time of BPF programs is not measured; it takes "
			 "CAP_SYS_ADMIN at the start");
	else
		log_warn("--bpf-stats: the run time of BPF programs is not measured; the kernel "
			 "cannot turn it on for a time (it can since Linux 5.8)");
	return false;
}

int stats_sampler__start(struct stats_sampler *s, int *programs, size_t nr, const char *user)
{
	void *shared;
	int fds[2];
	pid_t pid;

	if (!is_allowed())
		return 0;
	shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return err_r(-ENOMEM, "out of memory");
	s->shared = shared;
	if (pipe2(fds, O_CLOEXEC))
		return err_errno_r(-errno, "no pipe could be made");
	s->alive = fds[1];
	pid = fork();
	if (!pid)
		begin_child(s->shared, fds[0], programs, min(nr, (size_t)STATS_PROGRAMS_MAX), user);
	close(fds[0]);
	if (pid < 0)
		return err_errno_r(-errno, "no process could be made");
	mprotect(s->shared, sizeof(*s->shared), PROT_READ);
	return 0;
}

void stats_sampler__stop(struct stats_sampler *s)
{
	util__cleanup_close(&s->alive);
	s->alive = -1;
	if (s->shared)
		munmap(s->shared, sizeof(*s->shared));
	s->shared = NULL;
}

void stats_sampler__read(const struct stats_sampler *s, struct exposition_process *p)
{
	uint32_t valid;

	if (!s->shared)
		return;
	valid = __atomic_load_n(&s->shared->valid, __ATOMIC_ACQUIRE) & 1;
	p->bpf_run_ns = (struct opt_u64){true, s->shared->total[valid].run_ns};
	p->bpf_measured_ns = (struct opt_u64){true, s->shared->total[valid].measured_ns};
}
