// SPDX-License-Identifier: GPL-2.0-only
#include "caps.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
};

const char *caps__name(int cap)
{
	if (cap < 0 || cap >= (int)ARRAY_SIZE(names) || !names[cap])
		return "another capability";
	return names[cap];
}

/* The first line "NAME:\tvalue" of /proc/self/status. */
static bool find_status(const char *text, const char *name, int base, uint64_t *value)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncmp(line, name, len) && line[len] == ':') {
			*value = strtoull(line + len + 1, NULL, base);
			return true;
		}
	}
	return false;
}

/* The initial namespace maps all ids to themselves; a kernel without namespaces has no such file. */
static bool in_initial_userns(const char *root)
{
	unsigned long first, to, count;
	char path[PATH_MAX], text[128];

	snprintf(path, sizeof(path), "%s/proc/self/uid_map", root);
	if (util__read_text(path, text, sizeof(text)) < 0)
		return true;
	return sscanf(text, "%lu %lu %lu", &first, &to, &count) == 3 && !first && !to &&
	       count == 4294967295UL;
}

int caps__read(struct caps *c, const char *root)
{
	char path[PATH_MAX], text[8192];
	uint64_t seccomp = 0;
	int err;

	memset(c, 0, sizeof(*c));
	snprintf(path, sizeof(path), "%s/proc/%s/status", root, root[0] ? "self" : "thread-self");
	err = util__read_text(path, text, sizeof(text));
	if (err < 0)
		return err;
	if (!find_status(text, "CapEff", 16, &c->effective))
		return -ENODATA;
	find_status(text, "CapBnd", 16, &c->bounding);
	find_status(text, "Seccomp", 10, &seccomp);
	c->seccomp = seccomp == 2;
	c->initial_userns = in_initial_userns(root);
	return 0;
}

bool caps__has(const struct caps *c, int cap)
{
	return c->initial_userns && (c->effective & (1ULL << cap));
}

int caps__require(const struct caps *c, char reason[static CAPS_REASON_SIZE])
{
	/* CAP_SYS_ADMIN stands for both, as it did before v5.8 had them. */
	bool admin = caps__has(c, CAP_SYS_ADMIN);
	bool bpf = admin || caps__has(c, CAP_BPF);
	bool perfmon = admin || caps__has(c, CAP_PERFMON);

	reason[0] = '\0';
	if (bpf && perfmon)
		return 0;
	if (!c->initial_userns) {
		snprintf(reason, CAPS_REASON_SIZE,
			 "this process is in a user namespace, whose capabilities do not allow "
			 "loading BPF programs; run it on the host, or in a container that "
			 "shares the host's user namespace");
		return -EPERM;
	}
	snprintf(reason, CAPS_REASON_SIZE,
		 "loading BPF programs needs %s%s%s, which this process does not have; run it as "
		 "root, or grant it: setcap %s $(command -v zeroscope)",
		 bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ", perfmon ? "" : "CAP_PERFMON",
		 CAPS_SETCAP);
	return -EPERM;
}
