/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_PAYERS_H
#define USER_PAYERS_H

/*
 * Which node and which cgroup paid for clearing: the tables of all CPUs, added up.
 * Paths are looked up once and kept, so that a group has its name after it is
 * removed, and the same name in every snapshot.
 */

#include "snapshot.h"

struct payers;

struct payers *payers__new(void); /* NULL: out of memory */
void payers__free(struct payers **p);
/* From now on paths are those that the programs took down: the map's descriptor, which stays the caller's. */
void payers__take_paths(struct payers *p, int map_fd);

/* The group's path, kept as above; buf has room for PAYER_NAME. 0 or -ENOMEM. */
#define PAYER_NAME sizeof(((struct payer *)0)->name)
int payers__name(struct payers *p, uint64_t id, char buf[static PAYER_NAME]);

/*
 * Fills the snapshot's payers from v, struct zs_cpu of each of cpus: by node, and by cgroup
 * in the order of ids; the one named "other" is what found no room on its CPU. 0 or -ENOMEM.
 */
int payers__read(struct payers *p, const struct zs_cpu *v, int cpus, uint64_t page_size,
		 struct snapshot *s);

#endif
