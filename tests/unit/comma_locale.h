/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TEST_COMMA_LOCALE_H
#define TEST_COMMA_LOCALE_H

/*
 * A locale whose decimal point is a comma, made here, since a machine that
 * builds may have none installed. The form is that of a compiled LC_NUMERIC of
 * glibc (locale/loadlocale.c): a magic number, the number of items, the offset
 * of each, then the items.
 */

#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool enter_comma_locale(void)
{
	static const struct {
		uint32_t magic, items, offset[6];
		char decimal_point[4], thousands_sep[4], grouping[4];
		uint32_t decimal_point_wc, thousands_sep_wc;
		char codeset[8];
	} file = {
		.magic = 0x20031115 ^ 1,
		.items = 6,
		.offset = {32, 36, 40, 44, 48, 52},
		.decimal_point = ",",
		.thousands_sep = ".",
		.grouping = {3, 3, 0, 0},
		.decimal_point_wc = ',',
		.thousands_sep_wc = '.',
		.codeset = "UTF-8",
	};
	char dir[] = "/tmp/test_locale.XXXXXX", sub[64], path[80];
	bool ok = false;
	int fd;

	if (!mkdtemp(dir))
		return false;
	snprintf(sub, sizeof(sub), "%s/comma", dir);
	snprintf(path, sizeof(path), "%s/LC_NUMERIC", sub);
	mkdir(sub, 0700);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd >= 0) {
		ok = write(fd, &file, sizeof(file)) == (ssize_t)sizeof(file);
		close(fd);
	}
	setenv("LOCPATH", dir, 1);
	ok = ok && setlocale(LC_NUMERIC, "comma") && strcmp(localeconv()->decimal_point, ",") == 0;
	unlink(path);
	rmdir(sub);
	rmdir(dir);
	return ok;
}

static void leave_comma_locale(void)
{
	setlocale(LC_NUMERIC, "C");
}

#endif /* TEST_COMMA_LOCALE_H */
