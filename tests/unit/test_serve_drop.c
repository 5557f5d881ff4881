// SPDX-License-Identifier: GPL-2.0-only
/* What is left after privileges are given up, seen from inside such a process. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <cmocka.h>

#include "serve_drop.h"
#include "util.h"

/* What a child found out. */
struct findings {
	int drop, opened, executed, socketed, mapped_code, loaded, updated, read, looked_up;
	int uid;
	char status[8192];
};

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr)) < 0 ? -errno : 0;
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};

	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int error_of(long ret)
{
	return ret < 0 ? -errno : 0;
}

static void look(struct findings *f, int map, int status)
{
	uint64_t value = 1;
	uint32_t key = 0;
	union bpf_attr element = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};
	union bpf_attr program = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};
	char *const argv[] = {"true", NULL};

	f->drop = drop__privileges(NULL);
	f->uid = (int)getuid();
	f->opened = error_of(open("/proc/self/status", O_RDONLY));
	f->executed = error_of(execve("/bin/true", argv, NULL));
	f->socketed = error_of(socket(AF_INET, SOCK_STREAM, 0));
	f->mapped_code = error_of(
		(long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	f->loaded = bpf(BPF_PROG_LOAD, &program);
	f->updated = bpf(BPF_MAP_UPDATE_ELEM, &element);
	f->looked_up = bpf(BPF_MAP_LOOKUP_ELEM, &element);
	f->read = error_of(pread(status, f->status, sizeof(f->status) - 1, 0));
}

/* Runs it in a process of its own. */
static struct findings in_child(int map)
{
	struct findings f = {0};
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		look(&f, map, open("/proc/self/status", O_RDONLY));
		/* Not _exit(): the sanitizer then looks at its stack with a call that is refused. */
		syscall(SYS_exit_group, write(fds[1], &f, sizeof(f)) != sizeof(f));
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &f, sizeof(f)), sizeof(f));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return f;
}

static void assert_line(const struct findings *f, const char *line)
{
	if (!strstr(f->status, line))
		fail_msg("no \"%s\" in\n%s", line, f->status);
}

static void test_nothing_is_left(void **state)
{
	int map = make_map();
	struct findings f = in_child(map);

	(void)state;
	assert_int_equal(f.drop, 0);
	assert_int_not_equal(f.uid, 0);
	assert_int_equal(f.opened, -EPERM);
	assert_int_equal(f.executed, -EPERM);
	assert_int_equal(f.socketed, -EPERM);
	assert_int_equal(f.mapped_code, -EPERM);
	assert_int_equal(f.loaded, -EPERM);
	assert_int_equal(f.updated, -EPERM);
	assert_int_equal(f.read, 0);
	assert_line(&f, "CapInh:\t0000000000000000");
	assert_line(&f, "CapPrm:\t0000000000000000");
	assert_line(&f, "CapEff:\t0000000000000000");
	assert_line(&f, "CapAmb:\t0000000000000000");
	assert_line(&f, "NoNewPrivs:\t1");
	assert_line(&f, "Seccomp:\t2");
	if (map >= 0)
		close(map);
}

static void test_what_was_open_is_read(void **state)
{
	int map = make_map();

	(void)state;
	if (map < 0)
		skip();
	assert_int_equal(in_child(map).looked_up, 0);
	close(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_left),
		cmocka_unit_test(test_what_was_open_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
