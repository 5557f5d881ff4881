// SPDX-License-Identifier: GPL-2.0-only
#include "probe_trial.h"

#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "util.h"

#define KPROBE_PMU "/sys/bus/event_source/devices/kprobe"

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long fd = syscall(__NR_bpf, cmd, attr, sizeof(*attr));

	return fd < 0 ? -errno : (int)fd;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* return 0; */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

/*
 * bpf_probe_read_kernel(fp - 8, 8, NULL); return 0; What is asked is whether
 * the helper may be called; the read itself fails.
 */
static const struct bpf_insn read_kernel[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
	{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

static int load(uint32_t type, int attach_type, int btf_id, const struct bpf_insn *insns,
		size_t count)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = (uint32_t)attach_type;
	attr.attach_btf_id = (uint32_t)btf_id;
	attr.insns = address(insns);
	attr.insn_cnt = (uint32_t)count;
	attr.license = address("GPL");
	memcpy(attr.prog_name, "zeroscope_trial", sizeof("zeroscope_trial"));
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

static struct trial result(enum trial_step step, int err)
{
	return (struct trial){.step = step, .err = err < 0 ? err : 0};
}

struct trial trial__tracing(int attach_type, int btf_id)
{
	_cleanup_close_ int prog =
		load(BPF_PROG_TYPE_TRACING, attach_type, btf_id, nothing, ARRAY_SIZE(nothing));
	_cleanup_close_ int link = -1;
	union bpf_attr attr;

	if (prog < 0)
		return result(TRIAL_NOTHING, prog);
	if (attach_type == BPF_TRACE_ITER)
		return result(TRIAL_ATTACHED, 0);
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = (uint32_t)prog;
	link = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
	return result(link < 0 ? TRIAL_LOADED : TRIAL_ATTACHED, link);
}

struct trial trial__kprobe_session(const char *function)
{
	_cleanup_close_ int prog = load(BPF_PROG_TYPE_KPROBE, TRIAL_TRACE_KPROBE_SESSION, 0,
					nothing, ARRAY_SIZE(nothing));
	_cleanup_close_ int link = -1;
	const char *functions[] = {function};
	union bpf_attr attr;

	if (prog < 0)
		return result(TRIAL_NOTHING, prog);
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog;
	attr.link_create.attach_type = TRIAL_TRACE_KPROBE_SESSION;
	attr.link_create.kprobe_multi.cnt = 1;
	attr.link_create.kprobe_multi.syms = address(functions);
	link = sys_bpf(BPF_LINK_CREATE, &attr);
	return result(link < 0 ? TRIAL_LOADED : TRIAL_ATTACHED, link);
}

int trial__kprobe_pmu(const char *root)
{
	char path[PATH_MAX];
	uint64_t type;
	int err;

	snprintf(path, sizeof(path), "%s" KPROBE_PMU "/type", root);
	err = util__read_u64(path, &type);
	if (err)
		return err;
	return type <= INT_MAX ? (int)type : -ERANGE;
}

/* "config:0": the bit that makes a return probe of it. */
static int return_bit(void)
{
	char text[64];
	unsigned int bit;

	if (util__read_line(KPROBE_PMU "/format/retprobe", text, sizeof(text)) < 0)
		return -ENOENT;
	return sscanf(text, "config:%u", &bit) == 1 && bit < 64 ? (int)bit : -EINVAL;
}

/* Of this process only: the event is to exist, not to fire. */
static int open_kprobe_event(const char *function, bool is_return)
{
	struct perf_event_attr attr;
	int type = trial__kprobe_pmu("");
	int bit = is_return ? return_bit() : 0;
	long fd;

	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = (uint32_t)type;
	attr.config = is_return ? 1ULL << bit : 0;
	attr.kprobe_func = address(function);
	fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

struct trial trial__kprobe(const char *function, bool is_return)
{
	_cleanup_close_ int prog = load(BPF_PROG_TYPE_KPROBE, 0, 0, nothing, ARRAY_SIZE(nothing));
	_cleanup_close_ int event = -1;

	if (prog < 0)
		return result(TRIAL_NOTHING, prog);
	event = open_kprobe_event(function, is_return);
	if (event < 0)
		return result(TRIAL_LOADED, event);
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, prog))
		return result(TRIAL_LOADED, -errno);
	return result(TRIAL_ATTACHED, 0);
}

struct trial trial__read_kernel(void)
{
	_cleanup_close_ int prog =
		load(BPF_PROG_TYPE_KPROBE, 0, 0, read_kernel, ARRAY_SIZE(read_kernel));

	return result(prog < 0 ? TRIAL_NOTHING : TRIAL_LOADED, prog);
}
