/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_CGROUP_H
#define USER_CGROUP_H

/* Control groups of version 2: between paths, as people write them, and ids, as programs see them. */

#include <stddef.h>
#include <stdint.h>

/*
 * Where the unified hierarchy is mounted; its length, or -ENODEV where it is
 * not; -errno where that is not told.
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
