// SPDX-License-Identifier: GPL-2.0-only
/*
 * disturber fork|exec|kill: two threads fault huge pages, and a third one does that to their
 * process in the middle of it. fork: again and again, with a child that faults some as well.
 * Prints the folios that were faulted in all, which exec and kill do not get to.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLIO	 (2UL << 20)
#define FOLIOS	 60UL
#define OF_CHILD 3UL

static atomic_int faulted, running = 2;

/* Room for n aligned folios. */
static char *reserve(size_t n)
{
	char *p = mmap(NULL, (n + 1) * FOLIO, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p += -(unsigned long)p & (FOLIO - 1);
	return madvise(p, n * FOLIO, MADV_HUGEPAGE) ? NULL : p;
}

static void *fault(void *room)
{
	for (size_t i = 0; i < FOLIOS; i++) {
		((volatile char *)room)[i * FOLIO] = 1;
		atomic_fetch_add(&faulted, 1);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static void child(void)
{
	char *room = reserve(OF_CHILD);

	for (size_t i = 0; room && i < OF_CHILD; i++)
		((volatile char *)room)[i * FOLIO] = 1;
	_exit(!room);
}

static unsigned long fork_often(void)
{
	unsigned long children = 0;
	int status;

	while (atomic_load(&running)) {
		pid_t pid = fork();

		if (!pid)
			child();
		if (pid > 0 && waitpid(pid, &status, 0) == pid && !status)
			children++;
	}
	return children;
}

int main(int argc, char **argv)
{
	unsigned long children = 0;
	pthread_t thread[2];
	char *room[2];

	if (argc != 2)
		return argc == 3 ? 0 : 2; /* what exec became */
	for (int i = 0; i < 2; i++) {
		room[i] = reserve(FOLIOS);
		if (!room[i] || pthread_create(&thread[i], NULL, fault, room[i]))
			return 1;
	}
	while (atomic_load(&faulted) < 8)
		usleep(100);
	if (!strcmp(argv[1], "exec"))
		execl("/proc/self/exe", "disturber", "exec", "done", NULL);
	if (!strcmp(argv[1], "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(argv[1], "fork"))
		children = fork_often();
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("%lu\n", 2 * FOLIOS + OF_CHILD * children);
	return 0;
}
