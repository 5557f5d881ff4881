/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_PROCESS_H
#define USER_SERVE_PROCESS_H

/* What this process itself uses, read from descriptors that were opened early. */

#include "exposition.h"
#include "serve_stats.h"

struct process_reader {
	int statm; /* -1: cannot be read */
	int fds;
	uint64_t start_ns;		   /* CLOCK_REALTIME */
	const struct stats_sampler *stats; /* not owned */
};

void process_reader__open(struct process_reader *r);
void process_reader__close(struct process_reader *r);

/* Fills all but scrape_begin_ns. */
void process_reader__read(struct process_reader *r, struct exposition_process *p);

#endif /* USER_SERVE_PROCESS_H */
