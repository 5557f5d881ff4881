// SPDX-License-Identifier: GPL-2.0-only
#include "huge_zero.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kinfo.h"
#include "log.h"
#include "machine.h"
#include "util.h"

#define PMD_SIZE_FILE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

void huge_zero__prepare(struct zeroscope_bpf *skel, struct probe_kernel *k,
			struct huge_zero_access *a)
{
	struct ksym persistent = {.name = "__persistent_huge_zero_folio"};
	struct probe_answer answer;
	uint64_t address = 0;

	memset(a, 0, sizeof(*a));
	a->refcount = !probe__ksym_usable(k, "huge_zero_refcount", &address, &answer);
	if (!a->refcount)
		snprintf(a->refcount_reason, sizeof(a->refcount_reason), "%s", answer.reason);
	skel->rodata->zero_refcount_addr = address;
	/* A kernel of kernel-patch/ decides at boot, and may have found no memory for it. */
	if (!ksyms__find("", &persistent, 1) && persistent.found)
		skel->rodata->zero_persistent_addr = persistent.address;
	bpf_program__set_autoload(skel->progs.zero_read, true);

	if (skel->rodata->no_btf)
		snprintf(a->iterator_reason, sizeof(a->iterator_reason),
			 "iterators need BTF in the kernel itself");
	else if (probe__iterator_usable(k, "task", &answer))
		snprintf(a->iterator_reason, sizeof(a->iterator_reason), "%s", answer.reason);
	else
		a->iterator = true;
	bpf_program__set_autoload(skel->progs.zero_tasks, a->iterator);
}

int huge_zero__refcount(const struct zeroscope_bpf *skel)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.zero_read), &opts))
		return HUGE_ZERO_NOT_READABLE;
	return (int)opts.retval;
}

int huge_zero__watch(const struct zeroscope_bpf *skel)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.zero_watch), &opts);

	if (err)
		return err;
	return opts.retval ? -EIO : 0;
}

/* --- The iterator. */

static int pass_on(int fd, int (*fn)(void *arg, const struct zs_zero_process *p), void *arg)
{
	struct zs_zero_process some[64];
	size_t have = 0, i;
	ssize_t n;
	int err;

	for (;;) {
		n = read(fd, (char *)some + have, sizeof(some) - have);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return have ? -EIO : 0;
		have += (size_t)n;
		for (i = 0; have >= sizeof(some[0]); i++, have -= sizeof(some[0])) {
			err = fn ? fn(arg, &some[i]) : 0;
			if (err)
				return err;
		}
		memmove(some, &some[i], have);
	}
}

int huge_zero__iterate(struct zeroscope_bpf *skel,
		       int (*fn)(void *arg, const struct zs_zero_process *p), void *arg)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.zero_tasks, NULL);
	_cleanup_close_ int fd = -1;
	int err;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? fd : pass_on(fd, fn, arg);
	bpf_link__destroy(link);
	return err;
}

/* --- The flag. */

/* One byte each way: "I am ready", "go on". */
static bool tell(int fd)
{
	return write(fd, "", 1) == 1;
}

static bool hear(int fd)
{
	char c;
	ssize_t n;

	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/*
 * Only what is safe after a fork. A huge page fault also tells khugepaged to look
 * here, with another flag of the mm. So does advice about memory in which some page
 * is mapped already, and this advice comes before the first look.
 */
static void read_fault_once(int fd, pid_t parent, uint64_t pmd_bytes)
{
	const uintptr_t mask = pmd_bytes - 1;
	volatile char *folio;
	char *room;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	room = mmap(NULL, 3 * pmd_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		_exit(1);
	folio = (char *)(((uintptr_t)room + mask) & ~mask);
	(void)madvise(room, 3 * pmd_bytes, MADV_NOHUGEPAGE);
	room[3 * pmd_bytes - 1] = 1;
	(void)madvise(room, 3 * pmd_bytes, MADV_HUGEPAGE);
	if (!tell(fd) || !hear(fd))
		_exit(1);
	(void)*folio;
	(void)tell(fd);
	/* The flags are read while it waits here; then it is killed. */
	(void)hear(fd);
	_exit(0);
}

static int read_flags(struct zeroscope_bpf *skel, pid_t pid, uint64_t *flags)
{
	int err;

	skel->bss->zero_learned = 0;
	skel->bss->zero_learn_pid = pid;
	err = huge_zero__iterate(skel, NULL, NULL);
	skel->bss->zero_learn_pid = 0;
	*flags = skel->bss->zero_learned;
	return err;
}

/* Why a read fault took no huge zero folio. */
static void explain(char *reason, size_t size)
{
	const char *why = "a child that read a huge page was not given the huge zero folio";
	struct thp_settings t;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	thp_settings__read(&t, "", page);
	if (!strcmp(t.enabled, "never"))
		why = "transparent huge pages are off, so that the mm flag of holders could not "
		      "be learned";
	else if (!t.use_zero_page)
		why = "use_zero_page is 0, so that the mm flag of holders could not be learned";
	snprintf(reason, size, "%s", why);
}

static int compare_flags(struct zeroscope_bpf *skel, pid_t pid, int fd, char *reason, size_t size)
{
	uint64_t before, after, flag;
	int err;

	if (!hear(fd))
		return -EIO;
	err = read_flags(skel, pid, &before);
	if (err)
		return err;
	if (!tell(fd) || !hear(fd))
		return -EIO;
	err = read_flags(skel, pid, &after);
	if (err)
		return err;
	log_debug("mm flags of a child before its first read fault %#" PRIx64 ", after %#" PRIx64,
		  before, after);
	flag = after & ~before;
	if (!flag || flag & (flag - 1)) {
		explain(reason, size);
		return -ENODATA;
	}
	skel->bss->zero_flag = flag;
	return 0;
}

int huge_zero__learn(struct zeroscope_bpf *skel, char *reason, size_t size)
{
	/* A fault can wait for memory without end; this must not. */
	struct timeval patience = {.tv_sec = 60};
	_cleanup_close_ int ours = -1;
	pid_t parent = getpid(), pid;
	uint64_t pmd_bytes;
	int fds[2], err;

	snprintf(reason, size, "the mm flag of holders could not be learned from a child process");
	err = util__read_u64(PMD_SIZE_FILE, &pmd_bytes);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	ours = fds[0];
	(void)setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	pid = fork();
	if (!pid) {
		close(fds[0]);
		read_fault_once(fds[1], parent, pmd_bytes);
	}
	err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (err)
		return err;
	err = compare_flags(skel, pid, ours, reason, size);
	kill(pid, SIGKILL);
	/* Its address space is gone when it has been waited for. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!err)
		reason[0] = '\0';
	return err;
}

/* --- The table. */

int huge_zero__read_table(int fd, struct huge_zero_table *t)
{
	struct zs_zero_holder holder[512];
	uint64_t mm[512];
	uint32_t at, count, i;
	void *from = NULL;
	int err;

	memset(t, 0, sizeof(*t));
	do {
		count = ARRAY_SIZE(mm);
		err = bpf_map_lookup_batch(fd, from, &at, mm, holder, &count, NULL);
		if (err && err != -ENOENT)
			return err;
		t->holders += count;
		for (i = 0; i < count; i++) {
			uint64_t taken = holder[i].taken_ns;

			if (taken == ZS_ZERO_BEFORE)
				t->before++;
			else if (!t->oldest_ns || taken < t->oldest_ns)
				t->oldest_ns = taken;
		}
		from = &at;
	} while (!err);
	return 0;
}

bool huge_zero__agrees(int refcount, uint64_t holders)
{
	if (!refcount)
		return !holders;
	return (uint64_t)refcount == holders + 1;
}
