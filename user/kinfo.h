/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_KINFO_H
#define USER_KINFO_H

/*
 * Where a kernel tells about itself: its build configuration, its messages, its
 * symbols, its pseudo file systems, its lockdown mode.
 *
 * `root` is put before every path: "" is this system, a directory is a tree of
 * fixture files. No function prints.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/*
 * Looks all n names up in one pass over /proc/kallsyms. 0 or -errno. What was read of the running
 * kernel (root "") is kept: its symbols stay where they are, and to print them all takes the kernel
 * a tenth of a second and more.
 */
int ksyms__find(const char *root, struct ksym *syms, size_t n);
/*
 * Has the next pass over the running kernel's symbols look for that name as well: it will be asked
 * for later. Like ksyms__find(""), not for two threads at once.
 */
void ksyms__expect(const char *name);

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

/* source (may be NULL) says where it was read, or what little is known. */
enum lockdown lockdown__read(const char *root, char *source, size_t size);
const char *lockdown__name(enum lockdown mode);

/* The value of the last NAME=value of the command line; false: not there, or not readable. */
bool kernel_cmdline__get(const char *root, const char *name, char *buf, size_t size);

#endif
