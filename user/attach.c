// SPDX-License-Identifier: GPL-2.0-only
#include "attach.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include "kbtf.h"

void attach__prepare(struct attach_pair *p)
{
	p->session_fd = -1;
	if (p->tier == TIER_FSESSION)
		bpf_program__set_expected_attach_type(p->entry,
						      (enum bpf_attach_type)ATTACH_TRACE_FSESSION);
	if (p->tier == TIER_KPROBE_SESSION)
		bpf_program__set_expected_attach_type(
			p->entry, (enum bpf_attach_type)ATTACH_TRACE_KPROBE_SESSION);
	if (p->entry)
		bpf_program__set_autoload(p->entry, true);
	if (p->exit)
		bpf_program__set_autoload(p->exit, true);
}

static int attach_kprobe_session(const struct bpf_program *prog, const char *function)
{
	const char *syms[1] = {function};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = bpf_program__fd(prog);
	attr.link_create.attach_type = ATTACH_TRACE_KPROBE_SESSION;
	attr.link_create.kprobe_multi.cnt = 1;
	attr.link_create.kprobe_multi.syms = (__u64)(uintptr_t)syms;
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static int attach_one(struct bpf_link **link, struct bpf_program *prog, const char *function,
		      enum tier tier, bool exit)
{
	struct bpf_link *l;

	if (tier == TIER_KPROBE)
		l = bpf_program__attach_kprobe(prog, exit, function);
	else
		l = bpf_program__attach_trace(prog);
	if (!l)
		return -errno;
	*link = l;
	return 0;
}

int attach__pair(struct attach_pair *p)
{
	int err;

	if (p->tier == TIER_KPROBE_SESSION) {
		p->session_fd = attach_kprobe_session(p->entry, p->function);
		return p->session_fd < 0 ? p->session_fd : 0;
	}
	/* The exit first: a clear that is seen to begin is seen to end. */
	if (p->exit) {
		err = attach_one(&p->exit_link, p->exit, p->function, p->tier, true);
		if (err)
			return err;
	}
	return p->entry ? attach_one(&p->entry_link, p->entry, p->function, p->tier, false) : 0;
}

void attach__detach(struct attach_pair *p)
{
	bpf_link__destroy(p->entry_link);
	bpf_link__destroy(p->exit_link);
	p->entry_link = p->exit_link = NULL;
	if (p->tier == TIER_KPROBE_SESSION && p->session_fd >= 0)
		close(p->session_fd);
	p->session_fd = -1;
}

static int prog_info(const struct bpf_program *prog, struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &len) ? -errno : 0;
}

struct opt_u64 attach__recursion_misses(const struct bpf_program *prog)
{
	struct opt_u64 misses = {0};
	struct bpf_prog_info info;

	if (!prog || prog_info(prog, &info))
		return misses;
	misses.known = true;
	misses.value = info.recursion_misses;
	return misses;
}

uint64_t attach__run_time_ns(const struct bpf_program *prog)
{
	struct bpf_prog_info info;

	return prog && !prog_info(prog, &info) ? info.run_time_ns : 0;
}

/* As far as it concerns us; the header of Debian 12 ends before "missed". */
struct link_info {
	__u32 type, id, prog_id, pad;
	union {
		struct {
			__u32 type, pad;
			__u64 func_name;
			__u32 name_len, offset;
			__u64 addr, missed, cookie;
		} perf;
		struct {
			__u64 addrs;
			__u32 count, flags;
			__u64 missed, cookies;
		} multi;
		__u64 room[24];
	};
};

static int link_info(int fd, struct link_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

bool attach__tells_link_misses(const struct btf *kernel)
{
	return kbtf__has_deep_member(kernel, "bpf_link_info", "missed");
}

struct opt_u64 attach__link_misses(const struct attach_pair *p, bool kernel_tells)
{
	struct opt_u64 misses = {0};
	struct link_info entry, exit;

	if (p->tier == TIER_FSESSION || p->tier == TIER_FENTRY) {
		misses.known = true;
		return misses;
	}
	if (!kernel_tells)
		return misses;
	if (p->tier == TIER_KPROBE_SESSION) {
		if (link_info(p->session_fd, &entry))
			return misses;
		misses.value = entry.multi.missed;
	} else {
		memset(&entry, 0, sizeof(entry));
		memset(&exit, 0, sizeof(exit));
		if ((p->entry && link_info(bpf_link__fd(p->entry_link), &entry)) ||
		    (p->exit && link_info(bpf_link__fd(p->exit_link), &exit)))
			return misses;
		misses.value = entry.perf.missed + exit.perf.missed;
	}
	misses.known = true;
	return misses;
}
