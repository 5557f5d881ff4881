/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_CAPS_H
#define USER_CAPS_H

/*
 * What this process may do. Capabilities count only in the initial user
 * namespace: root of a container with its own namespace has them all and can
 * load nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct caps {
	uint64_t effective;  /* bit n: capability n */
	bool initial_userns; /* false: the kernel ignores them for what we do */
	bool seccomp;	     /* a system call filter is in force */
	uint64_t bounding;   /* what could be gained at all */
};

/* Of the calling thread. root as in machine.h: reads /proc/self/status there. 0 or -errno. */
int caps__read(struct caps *c, const char *root);

/* cap is a CAP_… of <linux/capability.h>. False outside the initial user namespace. */
bool caps__has(const struct caps *c, int cap);

/* "CAP_BPF", of those that matter here. */
const char *caps__name(int cap);

#define CAPS_REASON_SIZE 320

/*
 * Can programs be loaded and attached, as far as capabilities go? 0, or -EPERM
 * with one sentence that names what is missing and the remedy. CAP_SYSLOG is
 * not required: without it only the refcount is missing.
 */
int caps__require(const struct caps *c, char reason[static CAPS_REASON_SIZE]);

/* The capabilities that everything needs, for the sentence and for setcap(8). */
#define CAPS_SETCAP "cap_bpf,cap_perfmon,cap_syslog+ep"

#endif
