// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes references on the huge zero folio in every way that there is, for the test
 * of its ledger: zero-holder STEP…
 *
 *	read		read-fault a huge page of fresh memory
 *	threads=N	so do N threads at once
 *	fork		become two processes, which both go on with the next step
 *	exec		go on with the next step as a new program
 *	vfork		start a program by vfork() and wait for its end
 *	eat		write memory until somebody ends it
 *	again=N		N times: start a child that read-faults, and wait for its end
 *	hold		print "held PID" and wait to be ended
 *
 * Ends with status 0 after the last step.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t pmd_bytes;
static pthread_barrier_t barrier;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static volatile char *huge_page(void)
{
	char *room = mmap(NULL, 2 * pmd_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *page;

	if (room == MAP_FAILED)
		die("mmap");
	page = (char *)(((uintptr_t)room + pmd_bytes - 1) & ~(pmd_bytes - 1));
	if (madvise(page, pmd_bytes, MADV_HUGEPAGE))
		die("madvise");
	return page;
}

static void read_once(void)
{
	if (*huge_page())
		die("a fresh page is not zero");
}

static void *race(void *page)
{
	pthread_barrier_wait(&barrier);
	return (void *)(uintptr_t) * (volatile char *)page;
}

static void race_threads(unsigned int n)
{
	pthread_t thread[64];
	unsigned int i;

	if (!n || n > 64 || pthread_barrier_init(&barrier, NULL, n))
		die("threads");
	for (i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, race, (void *)huge_page()))
			die("pthread_create");
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

static void vfork_program(char *self)
{
	char *const args[] = {self, NULL};
	pid_t pid = vfork();

	if (!pid) {
		execv(self, args);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("vfork");
}

static void eat(void)
{
	for (;;) {
		char *p = malloc(1 << 20);

		if (!p)
			die("malloc");
		memset(p, 1, 1 << 20);
	}
}

static void repeat(unsigned int n)
{
	pid_t pid;

	while (n--) {
		pid = fork();
		if (!pid) {
			read_once();
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("fork");
	}
}

static void hold(void)
{
	printf("held %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	char step[32];
	int i;

	if (!f || fscanf(f, "%zu", &pmd_bytes) != 1)
		die("hpage_pmd_size");
	fclose(f);
	for (i = 1; i < argc; i++) {
		snprintf(step, sizeof(step), "%s", argv[i]);
		if (!strcmp(step, "read")) {
			read_once();
		} else if (!strcmp(step, "exec")) {
			/* This step's place is that of the new program's name. */
			argv[i] = argv[0];
			execv(argv[0], argv + i);
			die("exec");
		} else if (!strncmp(step, "threads=", 8)) {
			race_threads((unsigned int)atoi(step + 8));
		} else if (!strcmp(step, "fork")) {
			if (fork() < 0)
				die("fork");
		} else if (!strcmp(step, "vfork")) {
			vfork_program(argv[0]);
		} else if (!strcmp(step, "eat")) {
			eat();
		} else if (!strncmp(step, "again=", 6)) {
			repeat((unsigned int)atoi(step + 6));
		} else if (!strcmp(step, "hold")) {
			hold();
		} else {
			die(step);
		}
	}
	return 0;
}
