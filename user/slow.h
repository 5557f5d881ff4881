/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SLOW_H
#define USER_SLOW_H

/* One slow clear of --slower-than, as a line for people or a JSON object. */

#include <stdint.h>
#include <stdio.h>

#include "json.h"
#include "kallsyms.h"
#include "plain.h"
#include "snapshot.h"

struct slow_clear {
	uint64_t time_ns; /* CLOCK_REALTIME at its end */
	uint32_t pid, tid;
	char comm[ZS_COMM_LEN];
	char cgroup[256]; /* its path; empty: not known */
	uint64_t cgroup_id;
	int order;
	uint8_t kind; /* enum zs_page_kind */
	int node;     /* -1: unknown */
	unsigned int cpu_start, cpu_end;
	uint64_t wall_ns;
	struct opt_u64 on_cpu_ns, gaps;
	size_t nr_stack;		 /* 0: none could be had */
	uint64_t stack[ZS_STACK_FRAMES]; /* innermost first */
};

/* Both return 0 or -errno of the stream. */
int slow__plain(FILE *out, const struct slow_clear *s, struct kallsyms *k,
		const struct plain_options *opt);
int slow__json(struct json_writer *w, const struct slow_clear *s, struct kallsyms *k);

#endif
