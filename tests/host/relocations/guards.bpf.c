// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that do not resolve in kernel.c: behind a question that folds away, and behind a
 * condition that only a run can decide.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct moved {
	long inner;
	int asked;
	int unasked;
} __attribute__((preserve_access_index));

__u64 sink;

SEC("fentry/guarded")
int asks_first(struct moved *m)
{
	if (bpf_core_field_exists(m->asked) && m->inner)
		sink += m->asked;
	return 0;
}

SEC("fentry/unguarded")
int never_asks(struct moved *m)
{
	if (m->inner)
		sink += m->unasked;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
