// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program as the only one of a machine without anything else: process 1 of the small kernels
 * that kernel-patch/kunit builds. It dirties memory, faults folios of every size and kind that the
 * kernel offers over it, has them compared in full, and reboots, which ends the emulator.
 */
#include "prove.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THP	"/sys/kernel/mm/transparent_hugepage/"
#define HUGETLB "/sys/kernel/mm/hugepages/"
#define TOOL	"/zeroscope"

/* Folios of one kind and size, and how much memory they and what was dirtied may take in all */
#define MAX_FOLIOS 12UL
#define BUDGET_KIB (128UL << 10)

static unsigned int passed, failed;

static bool put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (fd >= 0)
		close(fd);
	return done;
}

static unsigned long get(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* Each step in a process of its own: they end when they fail, and free what they mapped. */
static bool run_program(const char *path, char **argv)
{
	const pid_t pid = fork();
	int status = -1;

	if (!pid) {
		execv(path, argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static bool run(char **argv)
{
	return run_program("/proc/self/exe", argv);
}

static void judge(bool good, const char *what, const char *kind, unsigned long kib)
{
	if (good) {
		passed++;
		return;
	}
	printf("FAIL: %s: %s of %lu KiB\n", what, kind, kib);
	failed++;
}

/* What zeroscope load finds in the same folios, where there is one for this architecture. */
static void load(const char *kind, unsigned long kib, char *number)
{
	const unsigned long pages = (kib << 10) / sysconf(_SC_PAGESIZE);
	const bool pool = strstr(kind, "hugetlb");
	char order[32];

	if (access(TOOL, X_OK))
		return;
	snprintf(order, sizeof(order), "%d", __builtin_ctzl(pages));
	judge(run_program(TOOL,
			  (char *[]){"zeroscope", "load", "--kind", (char *)kind, "--order", order,
				     "--count", number, pool ? "--reserve" : NULL, NULL}),
	      "zeroscope load", kind, kib);
}

static void faults(const char *kind, unsigned long kib)
{
	const unsigned long fit = BUDGET_KIB / kib;
	const unsigned long count = !fit ? 1 : fit < MAX_FOLIOS ? fit : MAX_FOLIOS;
	char size[32], number[32], dirt[32];

	snprintf(size, sizeof(size), "%luK", kib);
	snprintf(number, sizeof(number), "%lu", count);
	snprintf(dirt, sizeof(dirt), "%luK", kib > BUDGET_KIB ? kib : BUDGET_KIB);
	run((char *[]){"prove", "dirty", dirt, NULL});
	judge(run((char *[]){"prove", "faults", (char *)kind, size, number, NULL}), "faults", kind,
	      kib);
	load(strcmp(kind, "memfd") ? kind : "memfd-hugetlb", kib, number);
}

/* only_size NAME: that size of anonymous folios is allowed, the others are not */
static void only_size(const char *name)
{
	char path[300];
	struct dirent *entry;
	DIR *dir = opendir(THP);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), THP "%.200s/enabled", entry->d_name);
		if (!strncmp(entry->d_name, "hugepages-", 10))
			put(path, strcmp(entry->d_name, name) ? "never" : "always");
	}
	if (dir)
		closedir(dir);
}

static void anonymous(void)
{
	const unsigned long pmd_kib = get(THP "hpage_pmd_size") >> 10;
	char path[300];
	struct dirent *entry;
	DIR *dir = opendir(THP);

	put(THP "enabled", "always");
	while (dir && (entry = readdir(dir))) {
		unsigned long kib, before;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kib) != 1)
			continue;
		/* Orders that only shmem knows have no such file. */
		snprintf(path, sizeof(path), THP "%.200s/enabled", entry->d_name);
		if (access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), THP "%.200s/stats/anon_fault_alloc", entry->d_name);
		only_size(entry->d_name);
		before = get(path);
		faults(kib == pmd_kib ? "thp" : "mthp", kib);
		if (get(path) == before) {
			printf("FAIL: no fault got a folio of %lu KiB\n", kib);
			failed++;
		}
	}
	if (dir)
		closedir(dir);
	put(THP "enabled", "never");
}

static void hugetlb(void)
{
	char path[300];
	struct dirent *entry;
	DIR *dir = opendir(HUGETLB);

	while (dir && (entry = readdir(dir))) {
		unsigned long kib;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), HUGETLB "%.200s/nr_hugepages", entry->d_name);
		/* A size that such a small machine cannot set aside is left out. */
		if (!put(path, kib > BUDGET_KIB ? "1" : "2") || !get(path))
			continue;
		faults("hugetlb", kib);
		faults("memfd", kib);
		put(path, "0");
	}
	if (dir)
		closedir(dir);
}

static void zeropage(void)
{
	char name[64];

	/* Only a fault that may take a folio of that size maps the huge zero folio. */
	snprintf(name, sizeof(name), "hugepages-%lukB", get(THP "hpage_pmd_size") >> 10);
	put(THP "enabled", "always");
	only_size(name);
	put(THP "use_zero_page", "1");
	if (run((char *[]){"prove", "zeropage", "2", NULL}))
		passed++;
	else
		failed++;
}

int prove_init(void)
{
	int console;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	console = open("/dev/console", O_RDWR);
	if (console >= 0) {
		dup2(console, STDIN_FILENO);
		dup2(console, STDOUT_FILENO);
		dup2(console, STDERR_FILENO);
	}
	anonymous();
	hugetlb();
	zeropage();
	printf("content: %u passed, %u failed\n", passed, failed);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
