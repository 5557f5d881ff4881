/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is the path of the cgroup that paid?
 *
 * Taken down by the program that counts a group's first clear on a CPU, once for
 * each group: an exporter has given up the right to look it up later, and a group
 * may be gone by then. Costs a clear nothing where its group is known.
 */
#ifndef ZEROSCOPE_CGROUPS_BPF_H
#define ZEROSCOPE_CGROUPS_BPF_H

const volatile bool cgroup_paths_on;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ZS_CGROUP_PATHS);
	__type(key, __u64);
	__type(value, struct zs_cgroup_path);
} cgroup_paths SEC(".maps");

/* A path is put together here, and enters the map as a whole. */
struct cgroup_scratch {
	struct zs_cgroup_path path;
	char spill[256]; /* a name that does not fit begins in path.names */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_scratch);
} cgroup_scratch SEC(".maps");

/* The parent is under RCU, by another name, since v6.15 ("kernfs: Use RCU to access kernfs_node::parent"). */
struct kernfs_node___new {
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *cgroup__parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(((struct kernfs_node___new *)0)->__parent))
		return BPF_CORE_READ((struct kernfs_node___new *)kn, __parent);
	return BPF_CORE_READ(kn, parent);
}

/*
 * The current task's group, whose id this is. Entry and exit programs of one tier
 * run once at a time on a CPU, preempted or not: the scratch is theirs.
 */
static __noinline int cgroup__take_down(__u64 id)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct cgroup_scratch *s;
	struct kernfs_node *kn, *parent;
	__u32 zero = 0, used = 0;
	long len;
	int i;

	if (bpf_map_lookup_elem(&cgroup_paths, &id))
		return 0;
	s = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!s)
		return 0;
	kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	s->path.whole = 0;
	for (i = 0; i < ZS_CGROUP_LEVELS && kn; i++) {
		parent = cgroup__parent(kn);
		/* The root is the one without a parent, and has no name. */
		if (!parent) {
			s->path.whole = 1;
			break;
		}
		if (used >= sizeof(s->path.names))
			break;
		len = bpf_probe_read_kernel_str(s->path.names + used, sizeof(s->spill),
						BPF_CORE_READ(kn, name));
		if (len <= 0 || used + (__u64)len > sizeof(s->path.names))
			break;
		used += len;
		kn = parent;
	}
	s->path.used = used;
	bpf_map_update_elem(&cgroup_paths, &id, &s->path, BPF_NOEXIST);
	return 0;
}

#endif
