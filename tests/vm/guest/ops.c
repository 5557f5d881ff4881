// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations whose cost is measured: each prints how many ns one took, on a clock that
 * counts instructions. Run with and without probes; the difference is what they add.
 *
 * usage: ops loop|mthp|thp|preempted|order0|switch|wakeup
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3

static void die(const char *what)
{
	fprintf(stderr, "ops: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t nr)
{
	qsort(v, nr, sizeof(*v), by_value);
	return v[nr / 2];
}

/* Two instructions a round: must cost 1 ns each, or something else has the CPU. */
static double loop(void)
{
	uint64_t start = now_ns(), i = 10000000;

	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(i));
	return (now_ns() - start) / 2e7;
}

/* Writes one byte in each of nr folios of fresh memory. */
static double fault(size_t folio, size_t nr, int advice)
{
	size_t len = folio * nr, huge = 2UL << 20;
	char *map =
		mmap(NULL, len + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)(((uintptr_t)map + huge - 1) & -huge);
	uint64_t start;
	size_t i;

	if (map == MAP_FAILED || madvise(p, len, advice))
		die("memory");
	start = now_ns();
	for (i = 0; i < nr; i++)
		*(volatile char *)(p + i * folio) = 1;
	start = now_ns() - start;
	munmap(map, len + huge);
	return (double)start / nr;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/*
 * Each begins just after the timer has ticked, which it does at multiples of 1 s / HZ: so
 * that no tick falls into one of two million instructions.
 */
#define TICKS_NS      20000000
#define AFTER_TICK_NS 300000

/* At the appointed times a real-time task takes the CPU, which is then in the middle of a clear. */
static pid_t interrupt(uint64_t first, size_t nr)
{
	const struct sched_param rt = {.sched_priority = 1};
	pid_t pid = fork();
	size_t i;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	if (sched_setscheduler(0, SCHED_FIFO, &rt))
		die("real-time priority");
	for (i = 0; i < nr; i++)
		sleep_until(first + i * TICKS_NS);
	_exit(0);
}

/* A fault of a large folio, in the middle of which the CPU may be taken once. */
static double fault_thp(bool interrupted)
{
	size_t folio = 2UL << 20, nr = 8, i;
	char *map = mmap(NULL, folio * (nr + 1), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)(((uintptr_t)map + folio - 1) & -folio);
	uint64_t first = (now_ns() / TICKS_NS + 5) * TICKS_NS + AFTER_TICK_NS, sum = 0, start;
	pid_t pid = 0;

	if (map == MAP_FAILED || madvise(p, folio * nr, MADV_HUGEPAGE))
		die("memory");
	if (interrupted)
		pid = interrupt(first + 600000, nr);
	for (i = 0; i < nr; i++) {
		while (now_ns() < first + i * TICKS_NS)
			;
		start = now_ns();
		*(volatile char *)(p + i * folio) = 1;
		sum += now_ns() - start;
	}
	if (pid)
		waitpid(pid, NULL, 0);
	munmap(map, folio * (nr + 1));
	return (double)sum / nr;
}

static long switches(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return u.ru_nvcsw + u.ru_nivcsw;
}

static void yield_until(uint64_t end)
{
	while (now_ns() < end)
		sched_yield();
}

/* Two processes give way to each other, which asks nobody: the cost of one switch. */
static double yields(void)
{
	uint64_t start = now_ns(), end = start + 50000000;
	long before = switches(RUSAGE_SELF), children = switches(RUSAGE_CHILDREN);
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	yield_until(end);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return (double)(now_ns() - start) /
	       (switches(RUSAGE_SELF) - before + switches(RUSAGE_CHILDREN) - children);
}

/* A byte through a pipe and one back: two wake-ups and two switches. */
static double wakeups(void)
{
	int there[2], back[2], i, nr = 5000;
	uint64_t start;
	char c = 0;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	for (i = 0; !pid && i < nr; i++)
		if (read(there[0], &c, 1) != 1 || write(back[1], &c, 1) != 1)
			_exit(1);
	if (!pid)
		_exit(0);
	start = now_ns();
	for (i = 0; i < nr; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			die("pipe");
	start = now_ns() - start;
	waitpid(pid, NULL, 0);
	close(there[0]);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	return (double)start / nr;
}

static double run(const char *what)
{
	if (!strcmp(what, "loop"))
		return loop();
	if (!strcmp(what, "mthp"))
		return fault(16384, 1024, MADV_HUGEPAGE);
	if (!strcmp(what, "thp"))
		return fault_thp(false);
	if (!strcmp(what, "preempted"))
		return fault_thp(true);
	if (!strcmp(what, "order0"))
		return fault(4096, 4096, MADV_NOHUGEPAGE);
	if (!strcmp(what, "switch"))
		return yields();
	if (!strcmp(what, "wakeup"))
		return wakeups();
	fprintf(stderr, "ops: no operation is called \"%s\"\n", what);
	exit(2);
}

int main(int argc, char **argv)
{
	double v[ROUNDS];
	int i;

	for (i = 0; argc == 2 && i < ROUNDS; i++)
		v[i] = run(argv[1]);
	if (argc != 2)
		return 2;
	printf("%.3f\n", median(v, ROUNDS));
	return 0;
}
