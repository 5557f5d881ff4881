/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The four ways to attach an entry and an exit to a kernel function, behind one
 * call, with what each can tell about events that it missed. libbpf of Debian
 * 12 knows two of them; the others are the same system calls with constants
 * that it does not know yet.
 */
#ifndef USER_ATTACH_H
#define USER_ATTACH_H

#include <bpf/libbpf.h>

#include "options.h"
#include "snapshot.h"

/* Not in the headers of Debian 12; the kernel's ABI. */
#define ATTACH_TRACE_KPROBE_SESSION 56 /* v6.10, commit 535a3692ba72 */
#define ATTACH_TRACE_FSESSION	    58 /* v7.0 */

/*
 * The programs of one function, by tier; a session program serves both ends. Where
 * one end is enough, the other one's program is NULL.
 */
struct attach_pair {
	const char *function;
	enum tier tier;
	struct bpf_program *entry;
	struct bpf_program *exit; /* NULL for sessions */
	struct bpf_link *entry_link;
	struct bpf_link *exit_link;
	int session_fd; /* link of a kprobe.session; -1 */
};

/* Before load: makes the session programs what they are. */
void attach__prepare(struct attach_pair *p);

/* 0 or -errno; what is attached is detached again by attach__detach(). */
int attach__pair(struct attach_pair *p);
void attach__detach(struct attach_pair *p);

/* Runs that the kernel left out because a program was already running there. */
struct opt_u64 attach__recursion_misses(const struct bpf_program *prog);
/*
 * What the links of the pair missed before any program could run (a kretprobe
 * without a free instance). Not known for trampolines, which miss nothing so,
 * and on kernels that do not tell (before v6.7, commits e2b2cd592ac1 and
 * 3acf8ace6823): then known is false.
 */
struct opt_u64 attach__link_misses(const struct attach_pair *p, bool kernel_tells);
/* Whether it is one that tells what links missed. */
bool attach__tells_link_misses(const struct btf *kernel);
/* ns in a program; needs kernel.bpf_stats_enabled. */
uint64_t attach__run_time_ns(const struct bpf_program *prog);

#endif
