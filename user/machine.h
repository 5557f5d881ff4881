/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_MACHINE_H
#define USER_MACHINE_H

/*
 * What kernel this is and how it is set up: read, never inferred from a
 * version number. Everything here works without privileges as far as the
 * kernel allows, and says "unknown" where it does not.
 *
 * `root` is put before every path: "" is this system, a directory is a tree of
 * fixture files (which then also holds its uname in /uname). No function prints.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"
#include "kinfo.h"
#include "snapshot.h"
#include "thp_settings.h"

/* Fills all of *m. 0, or -errno where even uname is not to be had. */
int machine__read(struct machine *m, const char *root);

/*
 * The model named by a word that the kernel uses ("none", "voluntary", "full",
 * "lazy", "rt"); PREEMPT_UNKNOWN for another.
 */
enum preempt_model preempt_model__find(const char *word);

/*
 * The model that the kernel's variable preempt_dynamic_mode stands for, as a
 * BPF program reads it (-1, 0, 1, 2, 3); PREEMPT_UNKNOWN for another value.
 */
enum preempt_model preempt_model__of_dynamic_mode(int mode);

/*
 * What the model promises to a task that waits while another clears: words for
 * people, without a full stop.
 */
const char *preempt_model__bound(enum preempt_model model);

/* Programs of the trampoline tiers can be preempted under this model; unknown counts as can. */
bool preempt_model__preempts_programs(enum preempt_model model);

#endif
