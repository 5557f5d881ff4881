// SPDX-License-Identifier: GPL-2.0-only
#include "serve_drop.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <seccomp.h>

#include "log.h"
#include "util.h"

#define DEFAULT_USER "nobody"

/* --- The user. */

static int become(const char *name)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (!pw)
		return err_r(-ENOENT, "there is no user %s to become; name one with --user", name);
	if (!pw->pw_uid)
		return err_r(-EINVAL, "--user: %s is root, who may do everything; name another",
			     name);
	if (setgroups(0, NULL) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return err_errno_r(-errno, "this process cannot become user %s", name);
	return 0;
}

/* --- Capabilities. */

/* What could be gained again, where we may say so; without it no_new_privs still holds. */
static void drop_bounding_set(void)
{
	cap_value_t cap;

	for (cap = 0; cap < cap_max_bits(); cap++)
		cap_drop_bound(cap);
}

/* Gives up all but one; keep is that one, or -1. */
static int drop_capabilities(int keep)
{
	cap_t caps = cap_init();
	cap_value_t kept = (cap_value_t)keep;
	int err = 0;

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!caps ||
	    (keep >= 0 && (cap_set_flag(caps, CAP_PERMITTED, 1, &kept, CAP_SET) ||
			   cap_set_flag(caps, CAP_EFFECTIVE, 1, &kept, CAP_SET))) ||
	    cap_set_proc(caps))
		err = -errno;
	cap_free(caps);
	if (err)
		return err_errno_r(err, "the capabilities could not be given up");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno_r(-errno, "new privileges could not be ruled out");
	return 0;
}

/* --- System calls. */

/* On what is open already, on memory, and on time. */
static const int calls[] = {
	/* files and sockets */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(getdents64),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendfile),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(futex),
	/* signals and the end */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* what it is and when */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getrusage),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
};

/*
 * Commands of bpf(2) that read maps, programs, links, and iterators that are there, and
 * that run one of the programs that are loaded: it reads the kernel's huge_zero_refcount.
 */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,	BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_BATCH,
	BPF_OBJ_GET_INFO_BY_FD, BPF_ITER_CREATE,      BPF_PROG_RUN,
};

static int allow_all(scmp_filter_ctx filter)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(calls); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	for (i = 0; !err && i < ARRAY_SIZE(bpf_commands); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)bpf_commands[i], 0));
	/* No memory becomes code. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Limits are read, and not set. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				       SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* fstat() of newer C libraries: of a descriptor, with an empty path. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				       SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000, 0x1000));
	return err;
}

/* What it takes to open a file, look at it and hand it over, and to say what is wrong. */
static const int reading_calls[] = {
	SCMP_SYS(openat),     SCMP_SYS(read),	 SCMP_SYS(pread64),	    SCMP_SYS(write),
	SCMP_SYS(close),      SCMP_SYS(fstat),	 SCMP_SYS(newfstatat),	    SCMP_SYS(poll),
	SCMP_SYS(ppoll),      SCMP_SYS(sendmsg), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(brk),	      SCMP_SYS(munmap),	 SCMP_SYS(mremap),	    SCMP_SYS(madvise),
	SCMP_SYS(exit_group), SCMP_SYS(getppid),
};

static int allow_reading(scmp_filter_ctx filter)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(reading_calls); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, reading_calls[i], 0);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

/* What it takes to turn it on, to wait, to read what was measured and to turn it off. */
static const int stats_calls[] = {
	SCMP_SYS(poll),		SCMP_SYS(ppoll),	   SCMP_SYS(close),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(clock_gettime),
	SCMP_SYS(exit_group),
};

static int allow_bpf_stats(scmp_filter_ctx filter)
{
	static const int commands[] = {BPF_ENABLE_STATS, BPF_OBJ_GET_INFO_BY_FD};
	int err = 0;
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(stats_calls); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, stats_calls[i], 0);
	for (i = 0; !err && i < ARRAY_SIZE(commands); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)commands[i], 0));
	return err;
}

static int filter_calls(int (*allow)(scmp_filter_ctx filter))
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? allow(filter) : -ENOMEM;

	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		return err_errno_r(err,
				   "the filter of system calls could not be set up; the kernel "
				   "needs CONFIG_SECCOMP_FILTER");
	return 0;
}

static bool is_permitted(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set = CAP_CLEAR;

	if (caps)
		cap_get_flag(caps, cap, CAP_PERMITTED, &set);
	cap_free(caps);
	return set == CAP_SET;
}

/* Gives up all but that capability, if it is there, and what allow says. */
static int drop_to(const char *user, cap_value_t cap, int (*allow)(scmp_filter_ctx filter))
{
	bool keep = is_permitted(cap);
	int err = 0;

	if (!geteuid()) {
		/* What is permitted survives the change of user, and all but one is then dropped. */
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		drop_bounding_set();
		err = become(user ? user : DEFAULT_USER);
	}
	if (!err)
		err = drop_capabilities(keep ? cap : -1);
	return err ? err : filter_calls(allow);
}

int drop__to_reading(const char *user)
{
	return drop_to(user, CAP_DAC_READ_SEARCH, allow_reading);
}

int drop__to_bpf_stats(const char *user)
{
	return drop_to(user, CAP_SYS_ADMIN, allow_bpf_stats);
}

int drop__privileges(const char *user)
{
	int err = 0;

	/* The C library reads the time zone once: not later, when it cannot. */
	tzset();
	if (!geteuid()) {
		drop_bounding_set();
		err = become(user ? user : DEFAULT_USER);
	}
	if (!err)
		err = drop_capabilities(-1);
	if (!err)
		err = filter_calls(allow_all);
	return err;
}
