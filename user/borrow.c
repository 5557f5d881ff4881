// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "util.h"

#define LOCK_TRIES    50
#define LOCK_PAUSE_US 10000

struct entry {
	char path[160];
	char old[BORROW_VALUE_SIZE];
	char value[BORROW_VALUE_SIZE];
	int lock_fd;
	bool changed;
};

/* In memory shared with the keeper, who thus knows how far the changes got. */
struct borrow {
	struct entry change[BORROW_MAX];
	size_t changes;
	int rely_fd[BORROW_MAX];
	size_t relied;
	pid_t keeper; /* 0: none */
	int alive_fd; /* open as long as this process lives: its end is the keeper's signal */
	int status;   /* of a keeper that has ended */
};

int borrow__new(struct borrow **out)
{
	struct borrow *b;

	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return -errno;
	b->alive_fd = -1;
	*out = b;
	return 0;
}

/* Tries for a while: the keeper of a command that has just ended may be about to finish. */
static int lock(const char *path, int operation, int *fd)
{
	int tries, err;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(*fd, operation | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		usleep(LOCK_PAUSE_US);
	}
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(*fd);
	*fd = -1;
	return err;
}

int borrow__rely(struct borrow *b, const char *path)
{
	int err;

	if (b->relied == BORROW_MAX)
		return -E2BIG;
	err = lock(path, LOCK_SH, &b->rely_fd[b->relied]);
	if (err)
		return err;
	b->relied++;
	return 0;
}

int borrow__set(struct borrow *b, const char *path, const char *old, const char *value)
{
	struct entry *e;
	int err;

	if (b->changes == BORROW_MAX || b->keeper)
		return -E2BIG;
	e = &b->change[b->changes];
	if (strlen(path) >= sizeof(e->path) || strlen(old) >= sizeof(e->old) ||
	    strlen(value) >= sizeof(e->value))
		return -E2BIG;
	err = lock(path, LOCK_EX, &e->lock_fd);
	if (err)
		return err;
	memcpy(e->path, path, strlen(path) + 1);
	memcpy(e->old, old, strlen(old) + 1);
	memcpy(e->value, value, strlen(value) + 1);
	b->changes++;
	return 0;
}

/*
 * The keeper: ignores what is sent to the whole foreground group, so that
 * Ctrl-C reaches the command alone, and holds the locks until all is back.
 */
static void __attribute__((noreturn)) keep(struct borrow *b, const int fds[2], const sigset_t *mask)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
	int status = 0;
	size_t i;
	char c;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigprocmask(SIG_SETMASK, mask, NULL);
	/* Ours by number: b->alive_fd is the other process's, which may be done with it. */
	close(fds[1]);
	/* Whoever reads the command's output must see its end when the command ends. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);

	while (read(fds[0], &c, 1) < 0 && errno == EINTR)
		;
	for (i = b->changes; i-- > 0;) {
		const struct entry *e = &b->change[i];
		int err = e->changed ? util__write_text(e->path, e->old) : 0;

		if (!err)
			continue;
		status = 1;
		log_err("%s could not be set back to %s: %s; write it there by hand", e->path,
			e->old, errname(err));
	}
	_exit(status);
}

static int start_keeper(struct borrow *b)
{
	sigset_t all, mask;
	int fds[2], err;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	/* Nothing reaches the keeper before it ignores what it has to. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	err = -errno;
	if (!pid)
		keep(b, fds, &mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return err;
	}
	b->alive_fd = fds[1];
	b->keeper = pid;
	return 0;
}

int borrow__commit(struct borrow *b, const char **path)
{
	size_t i;
	int err;

	if (path)
		*path = NULL;
	if (!b->changes)
		return 0;
	if (!b->keeper) {
		err = start_keeper(b);
		if (err)
			return err;
	}
	for (i = 0; i < b->changes; i++) {
		/* Before the change: a kill in between leaves no doubt behind. */
		b->change[i].changed = true;
		err = util__write_text(b->change[i].path, b->change[i].value);
		if (!err)
			continue;
		b->change[i].changed = false;
		if (path)
			*path = b->change[i].path;
		return err;
	}
	return 0;
}

const char *borrow__entry(const struct borrow *b, size_t i, const char **old, const char **value)
{
	if (i >= b->changes)
		return NULL;
	*old = b->change[i].old;
	*value = b->change[i].value;
	return b->change[i].path;
}

int borrow__return(struct borrow *b)
{
	int status = 0;

	if (b->keeper) {
		close(b->alive_fd);
		b->alive_fd = -1;
		while (waitpid(b->keeper, &status, 0) < 0 && errno == EINTR)
			;
		b->keeper = 0;
		b->status = WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
	}
	return b->status;
}

void borrow__free(struct borrow *b)
{
	size_t i;

	if (!b)
		return;
	(void)borrow__return(b);
	for (i = 0; i < b->changes; i++)
		close(b->change[i].lock_fd);
	for (i = 0; i < b->relied; i++)
		close(b->rely_fd[i]);
	munmap(b, sizeof(*b));
}

void borrow__cleanup(struct borrow **b)
{
	borrow__free(*b);
}
