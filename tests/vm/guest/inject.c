// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes another process, which waits in a system call, do one that it did not
 * mean to, and prints what became of it: "0" or more, or "-ERRNO". The process
 * goes on as before.
 *
 * usage: inject PID open|prog_load|map_update|map_create|execve|socket
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>

#ifndef __x86_64__
int main(void)
{
	fprintf(stderr, "inject: made for x86-64 alone\n");
	return 1;
}
#else

#define SYSCALL_BYTES 2	   /* of the instruction before the one that the process returns to */
#define BELOW	      4096 /* the stack that is in use, and the 128 bytes under it */

struct call {
	const char *name;
	long nr;
	long arg[3]; /* -1: the address of data */
	const void *data;
	size_t size;
};

static void must(int true_or_end, const char *what)
{
	if (true_or_end)
		return;
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void poke(pid_t pid, uint64_t to, const void *data, size_t size)
{
	for (size_t at = 0; at < size; at += sizeof(long)) {
		long word = 0;

		memcpy(&word, (const char *)data + at,
		       size - at < sizeof(word) ? size - at : sizeof(word));
		must(!ptrace(PTRACE_POKEDATA, pid, to + at, word), "its memory");
	}
}

static void step(pid_t pid)
{
	int status;

	must(!ptrace(PTRACE_SINGLESTEP, pid, 0, 0), "a step");
	must(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status), "its stop");
}

static long inject(pid_t pid, const struct call *c)
{
	struct user_regs_struct before, regs;
	uint64_t data;
	int status;

	must(!ptrace(PTRACE_ATTACH, pid, 0, 0), "cannot be attached to");
	must(waitpid(pid, &status, __WALL) == pid, "its stop");
	must(!ptrace(PTRACE_GETREGS, pid, 0, &before), "its registers");
	data = (before.rsp - BELOW) & ~15UL;
	poke(pid, data, c->data, c->size);
	regs = before;
	/* Not to be taken for a call that a signal has interrupted. */
	regs.orig_rax = -1;
	regs.rax = c->nr;
	regs.rdi = c->arg[0] == -1 ? data : (uint64_t)c->arg[0];
	regs.rsi = c->arg[1] == -1 ? data : (uint64_t)c->arg[1];
	regs.rdx = (uint64_t)c->arg[2];
	regs.r10 = 0;
	regs.rip -= SYSCALL_BYTES;
	must(!ptrace(PTRACE_SETREGS, pid, 0, &regs), "its registers");
	step(pid);
	must(!ptrace(PTRACE_GETREGS, pid, 0, &regs), "its registers");
	must(!ptrace(PTRACE_SETREGS, pid, 0, &before), "its registers");
	must(!ptrace(PTRACE_DETACH, pid, 0, 0), "cannot be left");
	return (long)regs.rax;
}

int main(int argc, char **argv)
{
	static const char path[] = "/proc/self/status";
	static const union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};
	static const union bpf_attr nothing;
	static const struct call calls[] = {
		{"open", SYS_open, {-1, 0, 0}, path, sizeof(path)},
		{"execve", SYS_execve, {-1, 0, 0}, path, sizeof(path)},
		{"socket", SYS_socket, {2, 1, 0}, path, sizeof(path)},
		{"map_create", SYS_bpf, {BPF_MAP_CREATE, -1, sizeof(map)}, &map, sizeof(map)},
		/* These two are wrong as they are: elsewhere that is what is said of them. */
		{"prog_load",
		 SYS_bpf,
		 {BPF_PROG_LOAD, -1, sizeof(nothing)},
		 &nothing,
		 sizeof(nothing)},
		{"map_update",
		 SYS_bpf,
		 {BPF_MAP_UPDATE_ELEM, -1, sizeof(nothing)},
		 &nothing,
		 sizeof(nothing)},
	};

	for (size_t i = 0; argc == 3 && i < sizeof(calls) / sizeof(*calls); i++) {
		if (strcmp(argv[2], calls[i].name) != 0)
			continue;
		printf("%ld\n", inject(atoi(argv[1]), &calls[i]));
		return 0;
	}
	fprintf(stderr, "usage: inject PID CALL\n");
	return 2;
}
#endif
