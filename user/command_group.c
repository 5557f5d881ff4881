// SPDX-License-Identifier: GPL-2.0-only
#include "command_group.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "util.h"

/* The caller's group below the hierarchy ("/user.slice/x.scope"). */
static int own_group(char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512];

	if (!f)
		return -errno;
	/* The line of version 2 has no controllers: "0::/path". */
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::/", 4))
			continue;
		line[strcspn(line, "\n")] = '\0';
		if ((size_t)snprintf(buf, size, "%s", line + 3) >= size)
			return -ENAMETOOLONG;
		return 0;
	}
	return -ENOENT;
}

int command_group__make(struct command_group *g, pid_t pid)
{
	char mount[256], own[256], procs[sizeof(g->path) + 16], number[16];
	int len = cgroup__mount("", mount, sizeof(mount));
	int err;

	g->path[0] = '\0';
	if (len < 0)
		return len;
	err = own_group(own, sizeof(own));
	if (err)
		return err;
	snprintf(g->path, sizeof(g->path), "%s%s/zeroscope-%d", mount, strcmp(own, "/") ? own : "",
		 (int)pid);
	if (mkdir(g->path, 0755)) {
		err = -errno;
		g->path[0] = '\0';
		return err;
	}
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", g->path);
	snprintf(number, sizeof(number), "%d", (int)pid);
	err = util__write_text(procs, number);
	if (err)
		command_group__remove(g);
	return err;
}

int command_group__remove(struct command_group *g)
{
	int err = 0;

	if (g->path[0] && rmdir(g->path))
		err = -errno;
	g->path[0] = '\0';
	return err;
}
