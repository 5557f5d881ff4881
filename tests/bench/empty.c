// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches programs that do nothing where zeroscope's are: what the kernel's statistics
 * show of them is what the measuring itself costs, and their effect on an operation is
 * the trampolines'. Stays until it is ended.
 *
 * usage: empty switch|fentry:FUNCTION|pair:FUNCTION|fsession:FUNCTION|kprobe.session:FUNCTION…
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

/* Since v6.10 and v7.0; older headers do not name them. */
#define TRACE_KPROBE_SESSION 56
#define TRACE_FSESSION	     58

/* r0 = 0; exit */
static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K},
	{.code = BPF_JMP | BPF_EXIT},
};

static int attach_kprobe_session(const char *function)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = TRACE_KPROBE_SESSION);
	union bpf_attr attr = {.link_create.attach_type = TRACE_KPROBE_SESSION};
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "empty_session", "GPL", nothing, 2, &opts);
	if (fd < 0)
		return fd;
	attr.link_create.prog_fd = fd;
	attr.link_create.kprobe_multi.syms = (uintptr_t)&function;
	attr.link_create.kprobe_multi.cnt = 1;
	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int attach(const char *name, int type, int btf_id)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = btf_id);
	char called[16];
	int fd;

	snprintf(called, sizeof(called), "empty_%.9s", name);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, called, "GPL", nothing, 2, &opts);
	if (fd < 0)
		return fd;
	return bpf_raw_tracepoint_open(NULL, fd);
}

static int attach_at(const struct btf *btf, const char *what)
{
	const char *function = strchr(what, ':');
	int id, fd;

	if (!strcmp(what, "switch"))
		return attach(what, BPF_TRACE_RAW_TP,
			      btf__find_by_name_kind(btf, "btf_trace_sched_switch",
						     BTF_KIND_TYPEDEF));
	if (!function)
		return -EINVAL;
	function++;
	if (!strncmp(what, "kprobe.session:", function - what))
		return attach_kprobe_session(function);
	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (!strncmp(what, "fsession:", function - what))
		return attach(function, TRACE_FSESSION, id);
	fd = attach(function, BPF_TRACE_FENTRY, id);
	if (fd >= 0 && !strncmp(what, "pair:", function - what))
		fd = attach(function, BPF_TRACE_FEXIT, id);
	return fd;
}

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int i;

	/* A shell without job control has its background commands ignore it. */
	signal(SIGINT, SIG_DFL);
	for (i = 1; i < argc; i++) {
		if (btf && attach_at(btf, argv[i]) >= 0)
			continue;
		fprintf(stderr, "empty: %s: %s\n", argv[i], strerror(errno));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}
