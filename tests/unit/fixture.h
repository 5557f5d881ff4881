/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

/*
 * Trees of files that stand for a machine. Those in tests/unit/fixtures/ are
 * what the named kernels showed in /proc and /sys (long files cut to the lines
 * that matter); a test works on a copy of its own, and changes it.
 */

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static inline int tree__remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree__free(char *root)
{
	if (root[0])
		nftw(root, tree__remove_one, 16, FTW_DEPTH | FTW_PHYS);
	root[0] = '\0';
}

#define _cleanup_tree_ __attribute__((cleanup(tree__cleanup)))

struct tree {
	char root[PATH_MAX - 512];
};

static inline void tree__cleanup(struct tree *t)
{
	tree__free(t->root);
}

static inline void tree__die(const char *what)
{
	perror(what);
	abort();
}

/* Writes a file and the directories above it. */
static inline void tree__put_data(const struct tree *t, const char *file, const void *data,
				  size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", t->root, file);
	for (char *p = path + strlen(t->root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		tree__die(path);
}

static inline void tree__put(const struct tree *t, const char *file, const char *text)
{
	tree__put_data(t, file, text, strlen(text));
}

/* A file, or a directory with all that is in it. */
static inline void tree__remove(const struct tree *t, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", t->root, file);
	if (nftw(path, tree__remove_one, 16, FTW_DEPTH | FTW_PHYS))
		tree__die(path);
}

/* A copy of a fixture; name NULL: an empty tree. */
static inline void tree__make(struct tree *t, const char *name)
{
	const char *file = __FILE__, *dir = getenv("TMPDIR");
	char command[2 * PATH_MAX + 64];
	size_t len = strrchr(file, '/') ? (size_t)(strrchr(file, '/') - file) : 0;

	snprintf(t->root, sizeof(t->root), "%s/zeroscope-test-XXXXXX", dir ? dir : "/tmp");
	if (!mkdtemp(t->root))
		tree__die(t->root);
	if (!name)
		return;
	snprintf(command, sizeof(command), "cp -r '%.*s%sfixtures/%s/.' '%s'", (int)len, file,
		 len ? "/" : "", name, t->root);
	if (system(command))
		tree__die(command);
}

#endif
