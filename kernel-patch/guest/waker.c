// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clearing costs others: a real-time thread that wants the CPU at fixed times, and the faults
 * of a normal one on the same CPU that keep it waiting.
 */
#include "prove.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MAX_SAMPLES 200000

struct waker {
	uint64_t period_ns;
	uint64_t *delay_ns;
	unsigned int samples;
	_Atomic bool go, stop;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void *wake(void *arg)
{
	struct waker *w = arg;
	uint64_t next = now_ns(), late;

	while (!atomic_load(&w->stop)) {
		next += w->period_ns;
		sleep_until(next);
		late = now_ns();
		if (atomic_load(&w->go) && w->samples < MAX_SAMPLES)
			w->delay_ns[w->samples++] = late - next;
		/* One wait is one sample: what was missed meanwhile is not made up for. */
		if (late > next + w->period_ns)
			next = late;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t quantile(const struct waker *w, double q)
{
	return w->samples ? w->delay_ns[(unsigned int)(q * (w->samples - 1))] : 0;
}

/*
 * The faults of one round, and what was mapped given back, so that the next one has them again. A
 * wait that began before they ended counts, one for what gives the memory back does not.
 */
static void disturb(struct waker *w, char *area, size_t size, unsigned long count)
{
	atomic_store(&w->go, true);
	for (unsigned long i = 0; i < count; i++)
		*(volatile char *)(area + i * size) = 1;
	atomic_store(&w->go, false);
	if (madvise(area, count * size, MADV_DONTNEED))
		prove_fail("waker: cannot give the memory back: %s", strerror(errno));
}

/* waker KIND SIZE COUNT PERIOD_US ROUNDS: samples, and delays in ns: median, p90, p99, maximum */
int prove_waker(char **arg)
{
	const unsigned long size = prove_number(arg[1]), count = prove_number(arg[2]);
	const unsigned long rounds = prove_number(arg[4]);
	struct waker w = {.period_ns = prove_number(arg[3]) * 1000};
	struct sched_param priority = {.sched_priority = 50};
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t cpu;
	char *area;

	w.delay_ns = calloc(MAX_SAMPLES, sizeof(*w.delay_ns));
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (!w.delay_ns || sched_setaffinity(0, sizeof(cpu), &cpu))
		prove_fail("waker: %s", strerror(errno));
	area = prove_map_huge(arg[0], size, count);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &priority);
	if (pthread_create(&thread, &attr, wake, &w))
		prove_fail("waker: no real-time thread");

	/* Its own first faults are over when it has run a few times. */
	sleep_until(now_ns() + 20 * w.period_ns);
	for (unsigned long i = 0; i < rounds; i++) {
		disturb(&w, area, size, count);
		/* What was late for the memory's return is on time again. */
		sleep_until(now_ns() + 2 * w.period_ns);
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);

	qsort(w.delay_ns, w.samples, sizeof(*w.delay_ns), compare);
	printf("%u %llu %llu %llu %llu\n", w.samples, (unsigned long long)quantile(&w, 0.5),
	       (unsigned long long)quantile(&w, 0.9), (unsigned long long)quantile(&w, 0.99),
	       (unsigned long long)quantile(&w, 1));
	return 0;
}
