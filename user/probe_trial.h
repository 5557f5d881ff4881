/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_PROBE_TRIAL_H
#define USER_PROBE_TRIAL_H

/*
 * Trials: a program of a few instructions is loaded and attached for a moment,
 * through the system call itself, since what is asked is the kernel and not a
 * library. Everything is closed again before a function returns.
 */

#include <stdbool.h>
#include <stdint.h>

/* In the kernel's ABI and not in the headers of Debian 12. */
#define TRIAL_TRACE_KPROBE_SESSION 56 /* v6.10, commit 535a3692ba72 */
#define TRIAL_TRACE_FSESSION	   58 /* v7.0 */

/* How far a trial came; its error is of the step after. */
enum trial_step {
	TRIAL_NOTHING,
	TRIAL_LOADED,
	TRIAL_ATTACHED,
};

struct trial {
	enum trial_step step;
	int err; /* 0 or -errno */
};

/*
 * A program of type TRACING: fentry, fexit, fsession, a raw tracepoint with
 * types, an iterator (which is only loaded). Ids are of the running kernel's BTF.
 */
struct trial trial__tracing(int attach_type, int btf_id);

/* A link of kprobe.session with this function. */
struct trial trial__kprobe_session(const char *function);

/* A kprobe or kretprobe event of the perf PMU; step LOADED where only the event failed. */
struct trial trial__kprobe(const char *function, bool is_return);

/* Can a program read kernel memory at all? Not under lockdown=confidentiality. */
struct trial trial__read_kernel(void);

/* The number of the kprobe PMU, or -errno: kprobe events are not built in. */
int trial__kprobe_pmu(const char *root);

#endif
