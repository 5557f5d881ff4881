// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches programs that do nothing where zeroscope's scheduler programs are: what the
 * kernel's statistics show of them is what the measuring itself costs, and their effect
 * on an operation is the trampolines'. Stays until it is ended.
 *
 * usage: empty switch|FUNCTION…
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

static int attach(const struct btf *btf, const char *what)
{
	/* r0 = 0; exit */
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	char name[16];
	int fd;

	if (!strcmp(what, "switch")) {
		opts.expected_attach_type = BPF_TRACE_RAW_TP;
		opts.attach_btf_id =
			btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	} else {
		opts.expected_attach_type = BPF_TRACE_FENTRY;
		opts.attach_btf_id = btf__find_by_name_kind(btf, what, BTF_KIND_FUNC);
	}
	snprintf(name, sizeof(name), "empty_%.9s", what);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, name, "GPL", nothing, 2, &opts);
	if (fd < 0)
		return fd;
	return bpf_raw_tracepoint_open(NULL, fd);
}

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int i;

	/* A shell without job control has its background commands ignore it. */
	signal(SIGINT, SIG_DFL);
	for (i = 1; i < argc; i++) {
		if (btf && attach(btf, argv[i]) >= 0)
			continue;
		fprintf(stderr, "empty: %s: %s\n", argv[i], strerror(errno));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}
