/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_KALLSYMS_H
#define USER_KALLSYMS_H

/* Names for kernel addresses, from /proc/kallsyms, read when the first one is asked for. */

#include <stddef.h>
#include <stdint.h>

struct kallsyms;

/* root as in machine.h. NULL: out of memory. */
struct kallsyms *kallsyms__new(const char *root);
void kallsyms__free(struct kallsyms **k);

/*
 * "folio_zero_user+0x1c" into buf. 0; -EPERM where addresses are hidden from
 * this process, -ENOENT where nothing is near, or another -errno.
 */
int kallsyms__find(struct kallsyms *k, uint64_t address, char *buf, size_t size);

#endif
