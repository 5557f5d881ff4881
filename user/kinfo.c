// SPDX-License-Identifier: GPL-2.0-only
#include "kinfo.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <zlib.h>

#include "util.h"

#define CONFIG_MAX_BYTES (8U << 20)

static bool is_this_system(const char *root)
{
	return !root[0];
}

/* --- Build configuration. */

static void cleanup_gzfile(gzFile *f)
{
	if (*f)
		gzclose(*f);
}

/* Reads a file that may be compressed; the caller owns the text. NULL where it cannot be read. */
static char *read_gz(const char *path)
{
	_cleanup_(cleanup_gzfile) gzFile f = gzopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t len = 0, size = 0;

	if (!f)
		return NULL;
	for (;;) {
		int n;

		if (size - len < 2) {
			size_t bigger = size ? size * 2 : 256 << 10;
			char *grown;

			if (bigger > CONFIG_MAX_BYTES)
				return NULL;
			grown = realloc(text, bigger);
			if (!grown)
				return NULL;
			text = grown;
			size = bigger;
		}
		n = gzread(f, text + len, (unsigned int)(size - len - 1));
		if (n < 0)
			return NULL;
		if (!n)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return TAKE_PTR(text);
}

/* A file of any other name or content (an empty one, a symlink to nowhere) is no configuration. */
static bool looks_like_config(const char *text)
{
	return strstr(text, "CONFIG_MMU") || strstr(text, "\nCONFIG_");
}

int kernel_config__read(struct kernel_config *c, const char *root, const char *release)
{
	/* The first is the running kernel's own; the others are where distributions put a copy. */
	static const char *const places[] = {
		"/proc/config.gz",
		"/boot/config-%s",
		"/lib/modules/%s/config",
		"/usr/lib/modules/%s/config",
		"/lib/modules/%s/build/.config",
	};

	c->text = NULL;
	c->source[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char file[PATH_MAX], path[PATH_MAX];
		const char *s = strstr(places[i], "%s");

		if (s)
			snprintf(file, sizeof(file), "%.*s%s%s", (int)(s - places[i]), places[i],
				 release, s + 2);
		else
			snprintf(file, sizeof(file), "%s", places[i]);
		if (snprintf(path, sizeof(path), "%s%s", root, file) >= (int)sizeof(path))
			continue;
		c->text = read_gz(path);
		if (c->text && looks_like_config(c->text)) {
			snprintf(c->source, sizeof(c->source), "%.*s", (int)sizeof(c->source) - 1,
				 file);
			return 0;
		}
		free(c->text);
		c->text = NULL;
	}
	return -ENOENT;
}

void kernel_config__free(struct kernel_config *c)
{
	free(c->text);
	c->text = NULL;
}

char kernel_config__get(const struct kernel_config *c, const char *option)
{
	size_t len = strlen(option);
	const char *line;

	if (!c->text)
		return '?';
	for (line = c->text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, option, len) != 0 || line[len] != '=')
			continue;
		if ((line[len + 1] == 'y' || line[len + 1] == 'm') &&
		    (line[len + 2] == '\n' || !line[len + 2]))
			return line[len + 1];
		return 'v';
	}
	return 'n';
}

/* --- Command line. */

bool kernel_cmdline__get(const char *root, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX], text[8192];
	size_t len = strlen(name);
	bool found = false, quoted = false;
	char *word, *p;

	snprintf(path, sizeof(path), "%s/proc/cmdline", root);
	if (util__read_text(path, text, sizeof(text)) < 0)
		return false;
	for (p = text, word = text;; p++) {
		char end = *p;

		if (end == '"')
			quoted = !quoted;
		if (end && (quoted || !isspace((unsigned char)end)))
			continue;
		*p = '\0';
		/* What follows "--" is for init. */
		if (!strcmp(word, "--"))
			break;
		/* The kernel takes the last where an option stands twice. */
		if (!strncmp(word, name, len) && word[len] == '=') {
			snprintf(buf, size, "%s", word + len + 1);
			found = true;
		}
		if (!end)
			break;
		word = p + 1;
	}
	return found;
}

/* --- Messages. */

/* One record: "prio,seq,usec,flags[,…];text"; the priority holds the facility above three bits. */
static const char *kernel_message(char *record)
{
	char *text = strchr(record, ';');
	char *end;

	if (!text || strtoul(record, &end, 10) >> 3 || *end != ',')
		return NULL;
	return text + 1;
}

/* Each record ends with a newline; lines that begin with a blank belong to the one before. */
static bool tell_messages(char *buf, bool (*fn)(const char *message, void *arg), void *arg)
{
	char *line = buf, *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		const char *message;

		*end = '\0';
		if (line[0] == ' ')
			continue;
		message = kernel_message(line);
		if (message && !fn(message, arg))
			return false;
	}
	return true;
}

int kernel_log__for_each(const char *root, bool (*fn)(const char *message, void *arg), void *arg)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *buf = NULL;
	const size_t size = 64 << 10;
	size_t kept = 0;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dev/kmsg", root);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	buf = malloc(size);
	if (!buf)
		return -ENOMEM;

	/* The device gives one record a read; a fixture file gives what fits. */
	for (;;) {
		ssize_t n = read(fd, buf + kept, size - kept - 1);
		char *rest;

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* overwritten while we read: go on with the oldest */
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (!n)
			return 0;
		kept += (size_t)n;
		buf[kept] = '\0';
		rest = strrchr(buf, '\n');
		if (!rest) {
			kept = kept < size - 1 ? kept : 0;
			continue;
		}
		kept -= (size_t)(rest + 1 - buf);
		{
			char first = rest[1];

			rest[1] = '\0';
			if (!tell_messages(buf, fn, arg))
				return 0;
			rest[1] = first;
		}
		memmove(buf, rest + 1, kept);
	}
}

/* --- Symbols. */

static void match_symbol(struct ksym *sym, uint64_t address, char type, const char *name)
{
	size_t len = strlen(sym->name);

	if (strncmp(name, sym->name, len) != 0)
		return;
	if (!name[len]) {
		sym->found = true;
		sym->type = type;
		sym->address = address;
		sym->instances++;
	} else if (name[len] == '.' && !sym->variant[0] &&
		   /* ".cold" is only the unlikely part of a function that is there as well. */
		   strcmp(name + len, ".cold") != 0) {
		snprintf(sym->variant, sizeof(sym->variant), "%s", name);
	}
}

/* One pass: what it says of n names. */
static int scan_kallsyms(const char *root, struct ksym *syms, size_t n)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	bool begins[UCHAR_MAX + 1] = {false};
	char path[PATH_MAX];
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		syms[i] = (struct ksym){.name = syms[i].name};
		begins[(unsigned char)syms[i].name[0]] = true;
	}
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	/* A file of proc asks for 1 KiB at a time, and has a page ready. */
	setvbuf(f, NULL, _IOFBF, 16384);

	/* "ffffffff81000000 T _text", and "\t[module]" after those of modules. */
	while (getline(&line, &size, f) > 0) {
		char *end, *name, type;
		uint64_t address;

		address = strtoull(line, &end, 16);
		if (end[0] != ' ' || !end[1] || end[2] != ' ')
			continue;
		type = end[1];
		name = end + 3;
		if (!begins[(unsigned char)name[0]])
			continue;
		end = name + strcspn(name, "\t\n");
		if (*end == '\t')
			continue;
		*end = '\0';
		for (size_t i = 0; i < n; i++) {
			if (syms[i].name[0] == name[0])
				match_symbol(&syms[i], address, type, name);
		}
	}
	return ferror(f) ? -EIO : 0;
}

/* Of the running kernel: what is known, and what the next pass is to look for as well. */
static struct {
	struct ksym *sym;
	size_t n;
	size_t known; /* the first ones were looked up */
} kept;

static struct ksym *find_kept(const char *name)
{
	for (size_t i = 0; i < kept.n; i++) {
		if (!strcmp(kept.sym[i].name, name))
			return &kept.sym[i];
	}
	return NULL;
}

void ksyms__expect(const char *name)
{
	_cleanup_free_ char *copy = NULL;
	struct ksym *grown;

	if (find_kept(name))
		return;
	/* Without memory it is looked up when it is asked for, or that fails. */
	copy = strdup(name);
	grown = reallocarray(kept.sym, kept.n + 1, sizeof(*kept.sym));
	if (grown)
		kept.sym = grown;
	if (grown && copy)
		kept.sym[kept.n++] = (struct ksym){.name = TAKE_PTR(copy)};
}

int ksyms__find(const char *root, struct ksym *syms, size_t n)
{
	int err;

	if (root[0])
		return scan_kallsyms(root, syms, n);
	for (size_t i = 0; i < n; i++)
		ksyms__expect(syms[i].name);
	if (kept.known < kept.n) {
		err = scan_kallsyms(root, kept.sym + kept.known, kept.n - kept.known);
		if (err)
			return err;
		kept.known = kept.n;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = syms[i].name;
		const struct ksym *known = find_kept(name);

		if (!known)
			return -ENOMEM;
		syms[i] = *known;
		syms[i].name = name;
	}
	return 0;
}

/* --- Pseudo file systems. */

static const struct {
	const char *fs;
	const char *places[2];
	bool has_mount_options;
} pseudo[] = {
	{"debugfs", {"/sys/kernel/debug", NULL}, true},
	{"tracefs", {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}, true},
	{"securityfs", {"/sys/kernel/security", NULL}, false},
};

/* Where a file system of that type is mounted, wherever that is. */
static bool find_mount(const char *fs, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t line_size = 0;

	/* "36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/root rw" */
	while (f && getline(&line, &line_size, f) > 0) {
		char *dash = strstr(line, " - "), *save = NULL, *at;
		size_t len = strlen(fs);

		if (!dash || strncmp(dash + 3, fs, len) != 0 || dash[3 + len] != ' ')
			continue;
		*dash = '\0';
		strtok_r(line, " ", &save);
		for (int i = 0; i < 3; i++)
			strtok_r(NULL, " ", &save);
		at = strtok_r(NULL, " ", &save);
		if (!at || strlen(at) >= size)
			continue;
		memcpy(buf, at, strlen(at) + 1);
		return true;
	}
	return false;
}

static bool in_first_mount_namespace(void)
{
	struct stat self, first;

	return !stat("/proc/self/ns/mnt", &self) && !stat("/proc/1/ns/mnt", &first) &&
	       self.st_ino == first.st_ino;
}

/* A mount that is part of no namespace: it ends with its descriptor. */
static int open_unseen(const char *fs, const char *file)
{
	_cleanup_close_ int context = fsopen(fs, FSOPEN_CLOEXEC);
	_cleanup_close_ int mount = -1;
	int fd;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (mount < 0)
		return -errno;
	fd = openat(mount, file, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int kernel_fs__open(const char *root, const char *fs, const char *file)
{
	char path[PATH_MAX], at[PATH_MAX];
	int err = -ENOENT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pseudo) && strcmp(pseudo[i].fs, fs) != 0;)
		i++;
	if (i == ARRAY_SIZE(pseudo))
		return -EINVAL;

	for (size_t p = 0; p < ARRAY_SIZE(pseudo[i].places) && pseudo[i].places[p]; p++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s/%s", root, pseudo[i].places[p], file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			err = -errno;
	}
	if (!is_this_system(root) || err != -ENOENT)
		return err;
	if (find_mount(fs, at, sizeof(at))) {
		int fd;

		if (snprintf(path, sizeof(path), "%s/%s", at, file) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	/*
	 * debugfs and tracefs are one superblock for everybody, and a second
	 * mount without options resets the owner and mode that the first one
	 * gave it. Where others may have one that we cannot see, keep off.
	 */
	if (pseudo[i].has_mount_options && !in_first_mount_namespace())
		return -ENOENT;
	return open_unseen(fs, file);
}

/* --- Lockdown. */

const char *lockdown__name(enum lockdown mode)
{
	switch (mode) {
	case LOCKDOWN_NONE:
		return "none";
	case LOCKDOWN_INTEGRITY:
		return "integrity";
	case LOCKDOWN_CONFIDENTIALITY:
		return "confidentiality";
	case LOCKDOWN_UNKNOWN:
		break;
	}
	return "unknown";
}

static enum lockdown find_lockdown(const char *word)
{
	if (!strcmp(word, "none"))
		return LOCKDOWN_NONE;
	if (!strcmp(word, "integrity"))
		return LOCKDOWN_INTEGRITY;
	if (!strcmp(word, "confidentiality"))
		return LOCKDOWN_CONFIDENTIALITY;
	return LOCKDOWN_UNKNOWN;
}

struct lockdown_messages {
	bool locked; /* in some way: the boot message names who asked for it, not the mode */
	bool confidentiality; /* a refusal that only this mode makes */
};

static bool see_lockdown(const char *message, void *arg)
{
	struct lockdown_messages *seen = arg;

	if (strstr(message, "Kernel is locked down from"))
		seen->locked = true;
	if (strstr(message, "Lockdown: ") && strstr(message, "use of bpf to read kernel RAM"))
		seen->confidentiality = true;
	return true;
}

/* "none [integrity] confidentiality" */
static enum lockdown lockdown_from_securityfs(const char *root)
{
	_cleanup_close_ int fd = kernel_fs__open(root, "securityfs", "lockdown");
	char text[64], *word;
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return LOCKDOWN_UNKNOWN;
	text[n] = '\0';
	word = strchr(text, '[');
	if (!word)
		return LOCKDOWN_UNKNOWN;
	word++;
	word[strcspn(word, "]")] = '\0';
	return find_lockdown(word);
}

static enum lockdown ask_lockdown(const char *root, const char **source)
{
	struct ksym lsm = {.name = "lockdown_is_locked_down"};
	struct lockdown_messages seen = {0};
	enum lockdown mode;
	char word[32];

	*source = "/sys/kernel/security/lockdown";
	mode = lockdown_from_securityfs(root);
	if (mode != LOCKDOWN_UNKNOWN)
		return mode;

	*source = "lockdown= on the kernel command line";
	if (kernel_cmdline__get(root, "lockdown", word, sizeof(word)))
		mode = find_lockdown(word);
	if (mode != LOCKDOWN_UNKNOWN)
		return mode;

	/* Without the module nothing can be locked down. */
	*source = "/proc/kallsyms: built without lockdown";
	if (!ksyms__find(root, &lsm, 1) && !lsm.found)
		return LOCKDOWN_NONE;

	*source = "the kernel's messages";
	if (!kernel_log__for_each(root, see_lockdown, &seen) && seen.confidentiality)
		return LOCKDOWN_CONFIDENTIALITY;
	*source = seen.locked ? "locked down, by the kernel's messages" : "";
	return LOCKDOWN_UNKNOWN;
}

enum lockdown lockdown__read(const char *root, char *source, size_t size)
{
	const char *where;
	enum lockdown mode = ask_lockdown(root, &where);

	if (source && size)
		snprintf(source, size, "%s", where);
	return mode;
}
