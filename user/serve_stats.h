/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_STATS_H
#define USER_SERVE_STATS_H

/*
 * The run time of our BPF programs, a second a minute.
 *
 * The kernel measures it while somebody holds a descriptor of BPF_ENABLE_STATS,
 * for which it asks CAP_SYS_ADMIN, and taxes every BPF program of the host
 * meanwhile. Serving must not have that right: a child has it, and nothing else.
 * It reads nothing that the server or anybody else writes, and the two share one
 * page of numbers, which the server may read.
 */

#include <sys/types.h>

#include "exposition.h"

/* How many programs it can follow. */
#define STATS_PROGRAMS_MAX 64

struct stats_sampler {
	struct stats_sample *shared; /* NULL: nothing is sampled */
	int alive;		     /* its end is the child's end; -1 */
};

/*
 * Before privileges are dropped. programs: descriptors of ours, which the child
 * shares. Where the kernel does not allow it, that is logged, and the run time
 * stays unknown. 0, or -errno after a sentence.
 */
int stats_sampler__start(struct stats_sampler *s, int *programs, size_t nr, const char *user);
/* Ends the child, and what it turned on. */
void stats_sampler__stop(struct stats_sampler *s);
/* Fills bpf_run_ns and bpf_measured_ns. */
void stats_sampler__read(const struct stats_sampler *s, struct exposition_process *p);

#endif /* USER_SERVE_STATS_H */
