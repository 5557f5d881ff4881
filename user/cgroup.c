// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* A kernfs node's handle is its 64-bit id; FILEID_KERNFS of <linux/exportfs.h>. */
#define HANDLE_TYPE_KERNFS 0xfe

struct kernfs_handle {
	struct file_handle handle;
	uint64_t id;
};

/* mountinfo writes blanks and backslashes as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (char *p = text; *p;) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] && p[3]) {
			*to++ = (char)strtol((char[]){p[1], p[2], p[3], '\0'}, NULL, 8);
			p += 4;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
}

/* Its length, or -ENAMETOOLONG. */
static int copy_path(const char *path, char *buf, size_t size)
{
	size_t len = strlen(path);

	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, path, len + 1);
	return (int)len;
}

int cgroup__mount(const char *root, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[PATH_MAX];
	size_t line_size = 0;

	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	/* "36 35 98:0 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw" */
	while (getline(&line, &line_size, f) > 0) {
		char *dash = strstr(line, " - cgroup2 ");
		char *at = line;

		if (!dash)
			continue;
		*dash = '\0';
		for (int i = 0; i < 4 && at; i++) {
			at = strchr(at, ' ');
			if (at)
				at++;
		}
		if (!at)
			continue;
		at[strcspn(at, " ")] = '\0';
		unescape(at);
		return copy_path(at, buf, size);
	}
	return -ENODEV;
}

/* The id of an open directory. The inode number is the id only where it has 64 bits. */
static int id_of_dir(const char *path, uint64_t *id)
{
	struct kernfs_handle h = {.handle.handle_bytes = sizeof(h.id)};
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &h.handle, &mount_id, 0))
		return errno == EOPNOTSUPP || errno == EOVERFLOW ? -ENOTDIR : -errno;
	if (h.handle.handle_bytes != sizeof(h.id))
		return -ENOTDIR;
	memcpy(id, h.handle.f_handle, sizeof(*id));
	return 0;
}

static bool is_below(const char *path, const char *mount)
{
	size_t len = strlen(mount);

	return !strncmp(path, mount, len) && (!path[len] || path[len] == '/');
}

int cgroup__id(const char *path, uint64_t *id)
{
	char mount[PATH_MAX], full[PATH_MAX];
	struct stat st;
	int err;

	if (!util__str_to_u64(path, id))
		return *id ? 0 : -EINVAL;
	err = cgroup__mount("", mount, sizeof(mount));
	if (err < 0)
		return err;
	if (is_below(path, mount))
		err = snprintf(full, sizeof(full), "%s", path);
	else
		err = snprintf(full, sizeof(full), "%s/%s", mount, path);
	if (err >= (int)sizeof(full))
		return -ENAMETOOLONG;
	if (stat(full, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return id_of_dir(full, id);
}

/* For kernels and privileges that do not open by handle: look for it. One search at a time. */
static struct {
	uint64_t id;
	size_t skip;
	char *buf;
	size_t size;
} search;

static int search_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint64_t id = 0;
	int err;

	(void)st;
	(void)ftw;
	if (type != FTW_D || id_of_dir(path, &id) || id != search.id)
		return 0;
	err = copy_path(path[search.skip] ? path + search.skip : "/", search.buf, search.size);
	return err < 0 ? err : 1;
}

static int path_by_search(const char *mount, uint64_t id, char *buf, size_t size)
{
	int r;

	search.id = id;
	search.skip = strlen(mount);
	search.buf = buf;
	search.size = size;
	r = nftw(mount, search_one, 16, FTW_PHYS | FTW_MOUNT);
	if (r == 1)
		return 0;
	return r < -1 ? r : -ESTALE;
}

int cgroup__path(uint64_t id, char *buf, size_t size)
{
	_cleanup_close_ int mount_fd = -1, fd = -1;
	struct kernfs_handle h = {
		.handle = {.handle_bytes = sizeof(h.id), .handle_type = HANDLE_TYPE_KERNFS},
	};
	char mount[PATH_MAX], link[64], full[PATH_MAX];
	ssize_t n;
	int err;

	err = cgroup__mount("", mount, sizeof(mount));
	if (err < 0)
		return err;
	mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0)
		return -errno;
	memcpy(h.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, &h.handle, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ESTALE)
		return -ESTALE;
	if (fd < 0) /* it takes CAP_DAC_READ_SEARCH */
		return path_by_search(mount, id, buf, size);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, full, sizeof(full) - 1);
	if (n < 0)
		return -errno;
	full[n] = '\0';
	/* A group outside of this namespace's root has no name that is of use here. */
	if (!is_below(full, mount))
		return -ESTALE;
	err = copy_path(full[strlen(mount)] ? full + strlen(mount) : "/", buf, size);
	return min(err, 0);
}
