/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

/*
 * Output held against a file in tests/unit/golden/. With
 * ZEROSCOPE_UPDATE_GOLDEN=1 the files are written instead, and the run as a
 * whole fails, so that none that updates can be taken for one that compared.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many files were written. */
static inline int *golden__updates(void)
{
	static int updates;

	return &updates;
}

/* The status of a test program, of what cmocka_run_group_tests() returned. */
static inline int golden__status(int failed)
{
	if (*golden__updates())
		fprintf(stderr, "%d golden files written, nothing compared: see git diff\n",
			*golden__updates());
	return failed || *golden__updates();
}

/* Beside this header, wherever the tests are run from the top of the tree. */
static inline void golden__path(char path[static PATH_MAX], const char *name)
{
	const char *dir = getenv("ZEROSCOPE_GOLDEN_DIR");
	const char *file = __FILE__;

	if (dir)
		snprintf(path, PATH_MAX, "%s/%s", dir, name);
	else
		snprintf(path, PATH_MAX, "%.*sgolden/%s", (int)(strrchr(file, '/') - file + 1),
			 file, name);
}

static inline void golden__update(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	++*golden__updates();
}

static inline void golden__compare(const char *name, const char *text, size_t len)
{
	const char *update = getenv("ZEROSCOPE_UPDATE_GOLDEN");
	char path[PATH_MAX];
	size_t size, at;
	char *golden;
	FILE *f;

	golden__path(path, name);
	if (update && !strcmp(update, "1")) {
		golden__update(path, text, len);
		return;
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing; run from the top of the tree, or set "
			 "ZEROSCOPE_GOLDEN_DIR",
			 path);
	golden = malloc(len + 2);
	assert_non_null(golden);
	size = fread(golden, 1, len + 1, f);
	fclose(f);
	for (at = 0; at < min(size, len) && golden[at] == text[at]; at++)
		;
	if (size != len || at < len) {
		golden[size] = '\0';
		print_error("%s differs from byte %zu on:\n--- expected\n%s\n--- got\n%s\n", path,
			    at, golden + at, text + at);
		free(golden);
		fail();
	}
	free(golden);
}

#endif /* TESTS_GOLDEN_H */
