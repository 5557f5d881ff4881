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

#include "snapshot.h"

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

/* Programs of the trampoline tiers can be preempted under this model; unknown counts as can. */
bool preempt_model__preempts_programs(enum preempt_model model);

/* --- The configuration the kernel was built with. */

struct kernel_config {
	char *text;	 /* owned; NULL: not readable */
	char source[96]; /* "/proc/config.gz" */
};

#define _cleanup_kernel_config_ __attribute__((cleanup(kernel_config__free)))

/* 0, or -ENOENT where no configuration of this release can be read; *c is valid either way. */
int kernel_config__read(struct kernel_config *c, const char *root, const char *release);
void kernel_config__free(struct kernel_config *c);

/*
 * 'y', 'm', 'v' (another value, a string or number), 'n' where the option is
 * off or unknown to this kernel, '?' where no configuration could be read.
 */
char kernel_config__get(const struct kernel_config *c, const char *option);

/* --- The kernel's messages. */

/*
 * Calls fn for each message of the kernel itself (not those written by user
 * space), oldest first, until it returns false. 0, or -errno (-EPERM:
 * kernel.dmesg_restrict). Old messages may have been overwritten.
 */
int kernel_log__for_each(const char *root, bool (*fn)(const char *message, void *arg), void *arg);

/* --- Symbols. */

struct ksym {
	const char *name; /* given by the caller, who keeps it */
	bool found;	  /* by exactly this name, outside modules */
	char type;	  /* as in kallsyms: 't', 'T', 'b' … */
	uint64_t address; /* 0: hidden from this process */
	unsigned int instances;
	char variant[72]; /* a copy the compiler made for some callers: "f.constprop.0"; or empty */
};

/* Looks all n names up in one pass over /proc/kallsyms. 0 or -errno. */
int ksyms__find(const char *root, struct ksym *syms, size_t n);

/* --- Files of debugfs, tracefs, securityfs. */

/*
 * Opens a file of a pseudo file system for reading: where it is mounted, or
 * else through a mount of its own that nobody else sees and that ends with the
 * descriptor. fs is "debugfs", "tracefs" or "securityfs". A descriptor, or -errno.
 */
int kernel_fs__open(const char *root, const char *fs, const char *file);

/* --- Lockdown. */

enum lockdown {
	LOCKDOWN_UNKNOWN,
	LOCKDOWN_NONE,
	LOCKDOWN_INTEGRITY,
	LOCKDOWN_CONFIDENTIALITY,
};

/* source (may be NULL) says where it was read, empty for LOCKDOWN_UNKNOWN. */
enum lockdown lockdown__read(const char *root, char *source, size_t size);
const char *lockdown__name(enum lockdown mode);

/* --- Settings of huge pages. */

#define THP_MAX_SIZES	 20
#define HUGETLB_MAX_POOLS 16
#define HUGETLB_MAX_NODES 16

struct mthp_setting {
	int order;
	uint64_t kb;
	char enabled[16];	/* "inherit", "always", "madvise", "never"; empty: not told */
	char shmem_enabled[16]; /* the same, and "advise", "within_size" */
};

struct hugetlb_pool {
	int order;
	uint64_t kb;
	uint64_t pages, free, reserved, surplus, overcommit;
	size_t nr_nodes;
	struct {
		int node;
		uint64_t pages, free;
	} node[HUGETLB_MAX_NODES];
};

struct thp_settings {
	bool present;	  /* the kernel has transparent huge pages */
	char enabled[16]; /* the chosen word; empty: not told */
	char defrag[16];
	char shmem_enabled[16];
	int use_zero_page; /* 0, 1, -1: not told */
	uint64_t pmd_kb;   /* 0: not told */
	size_t nr_mthp;
	struct mthp_setting mthp[THP_MAX_SIZES]; /* by size */
	size_t nr_hugetlb;
	struct hugetlb_pool hugetlb[HUGETLB_MAX_POOLS]; /* by size */
};

/* Cannot fail: what is not there is not told. */
void thp_settings__read(struct thp_settings *t, const char *root, uint64_t page_size);

/* "64 kB" of kernel names as an order of pages; -1 where it is no power of two pages. */
int order_of_kb(uint64_t kb, uint64_t page_size);

/* --- Control groups, version 2. */

/*
 * Where the unified hierarchy is mounted; its length, or -ENOENT where it is not.
 */
int cgroup__mount(const char *root, char *buf, size_t size);

/*
 * The id that bpf_get_current_cgroup_id() gives for a group. path is either
 * absolute (/sys/fs/cgroup/system.slice), or below the hierarchy's root
 * (/system.slice, system.slice), or an id already, in decimal. 0 or -errno.
 */
int cgroup__id(const char *path, uint64_t *id);

/*
 * The path of a group below the hierarchy ("/system.slice/x.service"). 0, or
 * -ESTALE where the group is gone, -EPERM and others where it cannot be told.
 */
int cgroup__path(uint64_t id, char *buf, size_t size);

#endif
