// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gaps as ftrace saw them, for a comparison that shares no line with the tool.
 *
 * gap-oracle fault ORDER COUNT THREADS
 *	faults that many folios of an order in each thread, a few at a time
 *
 * gap-oracle read INSTANCE EDGE_NS
 *	reads the ring buffers of a tracing instance that recorded on one processor: the
 *	events gaps/in, gaps/out (a clear begins, ends), gaps/irq (preemption at the end of
 *	an interrupt), gaps/cond (cond_resched() does something) and sched/sched_switch. Prints
 *	shell assignments: clears, and count and sum in ns of the gaps in them by cause, which
 *	is what the task called last, whatever the preemption model is said to be. edge: those
 *	of the gaps next to the beginning or the end of a clear, where the two tracers' windows
 *	differ by their own programs; outside: the same on the other side of both.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE	   (2UL << 20)
#define AT_ONCE	   (4 * HUGE)
#define MAX_TASKS  256
#define SUBBUFFER  65536
#define PREEMPTED  0x100 /* of prev_state: what sched_switch prints as '+' */
#define COMM_BYTES 16

static void die(const char *what)
{
	fprintf(stderr, "gap-oracle: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- Faulting. */

struct job {
	size_t folio, count;
};

static void *fault(void *arg)
{
	const struct job *job = arg;
	size_t batch = AT_ONCE / job->folio, done, i;
	char *map = mmap(NULL, AT_ONCE + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	char *p = (char *)(((uintptr_t)map + HUGE - 1) & -HUGE);

	if (map == MAP_FAILED || madvise(p, AT_ONCE, MADV_HUGEPAGE))
		die("memory");
	for (done = 0; done < job->count; done += batch) {
		for (i = 0; i < batch && done + i < job->count; i++)
			((volatile char *)p)[i * job->folio] = 1;
		if (madvise(p, AT_ONCE, MADV_DONTNEED))
			die("MADV_DONTNEED");
	}
	return NULL;
}

static int fault_all(char **argv)
{
	struct job job = {
		.folio = 4096UL << atoi(argv[0]),
		.count = strtoul(argv[1], NULL, 10),
	};
	int threads = atoi(argv[2]), i;
	pthread_t thread[16];

	if (threads < 1 || threads > 16)
		die("threads");
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, fault, &job))
			die("pthread_create");
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* --- Evaluating. */

struct sum {
	uint64_t count, ns;
};

static struct {
	struct sum resched, preempt, blocked, edge, outside;
	uint64_t clears, wall_ns, unpaired, most_in_one, events, lost_pages;
} seen;

static struct task {
	int pid;
	bool open, cond;
	uint64_t in_ns, end_ns, out_ns, back_ns, gap_ns, gaps;
	bool back_counted;
	struct sum *cause;
} tasks[MAX_TASKS];

static uint64_t edge_ns;
static uint16_t id_in, id_out, id_irq, id_cond, id_switch;

static struct task *task_of(int pid)
{
	size_t i;

	for (i = 0; i < MAX_TASKS && tasks[i].pid; i++)
		if (tasks[i].pid == pid)
			return &tasks[i];
	if (i == MAX_TASKS)
		die("too many tasks");
	tasks[i].pid = pid;
	return &tasks[i];
}

static void add(struct sum *s, uint64_t ns)
{
	s->count++;
	s->ns += ns;
}

static void clear_begins(struct task *t, uint64_t now)
{
	seen.unpaired += t->open;
	if (t->back_ns && !t->back_counted && now - t->back_ns < edge_ns)
		add(&seen.outside, t->gap_ns);
	*t = (struct task){.pid = t->pid, .open = true, .in_ns = now};
}

static void clear_ends(struct task *t, uint64_t now)
{
	if (!t->open) {
		seen.unpaired++;
		return;
	}
	t->open = false;
	seen.clears++;
	seen.wall_ns += now - t->in_ns;
	if (t->gaps > seen.most_in_one)
		seen.most_in_one = t->gaps;
	if (t->back_ns && !t->back_counted && now - t->back_ns < edge_ns)
		add(&seen.edge, t->gap_ns);
	t->back_ns = 0;
	t->end_ns = now;
}

static void switched_out(struct task *t, uint64_t state, uint64_t now)
{
	t->out_ns = now;
	t->cause = !(state & PREEMPTED) ? &seen.blocked : t->cond ? &seen.resched : &seen.preempt;
}

static void switched_in(struct task *t, uint64_t now)
{
	if (!t->out_ns)
		return;
	t->gap_ns = now - t->out_ns;
	t->back_ns = now;
	if (t->open) {
		t->gaps++;
		add(t->cause, t->gap_ns);
		t->back_counted = t->out_ns - t->in_ns < edge_ns;
		if (t->back_counted)
			add(&seen.edge, t->gap_ns);
	} else {
		t->back_counted = t->out_ns - t->end_ns < edge_ns;
		if (t->back_counted)
			add(&seen.outside, t->gap_ns);
	}
	t->out_ns = 0;
}

/* data: the fields common to all events (id, flags, pid), then those of the event. */
static void event(const uint8_t *data, uint64_t now)
{
	int32_t pid, prev, next;
	uint64_t state;
	uint16_t id;

	memcpy(&id, data, sizeof(id));
	memcpy(&pid, data + 4, sizeof(pid));
	seen.events++;
	if (id == id_in) {
		clear_begins(task_of(pid), now);
	} else if (id == id_out) {
		clear_ends(task_of(pid), now);
	} else if (id == id_irq) {
		task_of(pid)->cond = false;
	} else if (id == id_cond) {
		task_of(pid)->cond = true;
	} else if (id == id_switch) {
		/* prev_comm, prev_pid, prev_prio, prev_state, next_comm, next_pid */
		memcpy(&prev, data + 8 + COMM_BYTES, sizeof(prev));
		memcpy(&state, data + 16 + COMM_BYTES, sizeof(state));
		memcpy(&next, data + 24 + 2 * COMM_BYTES, sizeof(next));
		if (prev)
			switched_out(task_of(prev), state, now);
		if (next)
			switched_in(task_of(next), now);
	}
}

/* One page of the ring buffer, as Documentation/trace/ring-buffer-design and header_page tell. */
static void read_page(const uint8_t *page)
{
	const uint8_t *at = page + 16, *end;
	uint64_t now, commit;

	memcpy(&now, page, sizeof(now));
	memcpy(&commit, page + 8, sizeof(commit));
	if (commit & (1UL << 31))
		seen.lost_pages++;
	end = at + (commit & 0xfffff);
	while (at + 4 <= end) {
		uint32_t head, type, array0;

		memcpy(&head, at, 4);
		at += 4;
		type = head & 31;
		if (type == 29) { /* padding to the end of the page, or a discarded event */
			if (!(head >> 5))
				return;
			now += head >> 5;
			memcpy(&array0, at, 4);
			at += array0;
			continue;
		}
		if (type >= 30) {
			memcpy(&array0, at, 4);
			at += 4;
			if (type == 30)
				now += ((uint64_t)array0 << 27) + (head >> 5);
			else
				now = (now & ~((1UL << 59) - 1)) | ((uint64_t)array0 << 27) |
				      (head >> 5);
			continue;
		}
		now += head >> 5;
		if (type) {
			event(at, now);
			at += type * 4;
		} else {
			memcpy(&array0, at, 4);
			event(at + 4, now);
			at += (array0 + 3) & ~3U;
		}
	}
}

static uint16_t event_id(const char *instance, const char *name)
{
	char path[512];
	int id = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/events/%s/id", instance, name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%d", &id) != 1)
		die(path);
	fclose(f);
	return (uint16_t)id;
}

static void print_sum(const char *name, const struct sum *s)
{
	printf("o_%s=%llu o_%s_ns=%llu\n", name, (unsigned long long)s->count, name,
	       (unsigned long long)s->ns);
}

static int evaluate(char **argv)
{
	static uint8_t page[SUBBUFFER];
	char path[512];
	ssize_t n;
	int fd;

	edge_ns = strtoul(argv[1], NULL, 10);
	id_in = event_id(argv[0], "gaps/in");
	id_out = event_id(argv[0], "gaps/out");
	id_irq = event_id(argv[0], "gaps/irq");
	id_cond = event_id(argv[0], "gaps/cond");
	id_switch = event_id(argv[0], "sched/sched_switch");
	snprintf(path, sizeof(path), "%s/per_cpu/cpu0/trace_pipe_raw", argv[0]);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die(path);
	while ((n = read(fd, page, 4096)) > 0)
		read_page(page);
	if (n < 0 && errno != EAGAIN)
		die(path);
	printf("o_clears=%llu o_wall_ns=%llu o_most=%llu o_unpaired=%llu o_events=%llu o_lost=%llu\n",
	       (unsigned long long)seen.clears, (unsigned long long)seen.wall_ns,
	       (unsigned long long)seen.most_in_one, (unsigned long long)seen.unpaired,
	       (unsigned long long)seen.events, (unsigned long long)seen.lost_pages);
	print_sum("resched", &seen.resched);
	print_sum("preempt", &seen.preempt);
	print_sum("blocked", &seen.blocked);
	print_sum("edge", &seen.edge);
	print_sum("outside", &seen.outside);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "fault"))
		return fault_all(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "read"))
		return evaluate(argv + 2);
	fprintf(stderr, "gap-oracle: fault ORDER COUNT THREADS, or read INSTANCE EDGE_NS\n");
	return 2;
}
