// SPDX-License-Identifier: GPL-2.0-only
#include "serve_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "serve_drop.h"
#include "serve_tls.h"
#include "util.h"

/* How often the child looks whether a file has changed. */
#define LOOK_MS 2000

/* The configuration itself, and what it names. */
#define FILES (1 + PEMS)

struct files {
	int fd[FILES]; /* -1: not named */
};

static void close_files(struct files *f)
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		util__cleanup_close(&f->fd[i]);
		f->fd[i] = -1;
	}
}

/* The whole of a regular file as a string, from its beginning; the caller frees it. */
static int read_whole(int fd, char **out)
{
	_cleanup_free_ char *text = malloc(WEB_CONFIG_BYTES_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	do {
		n = pread(fd, text + len, WEB_CONFIG_BYTES_MAX + 1 - len, (off_t)len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
		if (len > WEB_CONFIG_BYTES_MAX)
			return -EFBIG;
	} while (n);
	text[len] = '\0';
	if (strlen(text) != len)
		return -EINVAL;
	*out = TAKE_PTR(text);
	return 0;
}

static int open_file(const char *path)
{
	/* Not to be held up by a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* A path in the file is relative to the file. */
static int open_named(const char *config, const char *name)
{
	const char *slash = strrchr(config, '/');
	char path[4096];

	if (name[0] == '/' || !slash)
		return open_file(name);
	if (snprintf(path, sizeof(path), "%.*s%s", (int)(slash - config + 1), config, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return open_file(path);
}

static int parse(const char *path, int fd, struct web_config *c)
{
	_cleanup_free_ char *text = NULL;
	struct web_config_error err;
	int ret;

	memset(c, 0, sizeof(*c));
	ret = read_whole(fd, &text);
	if (ret || !text)
		return err_errno_r(ret, "%s cannot be read as text", path);
	ret = web_config__parse(text, strlen(text), c, &err);
	explicit_bzero(text, strlen(text));
	return ret ? err_r(ret, "%s: %s", path, err.text) : 0;
}

/* Opens all; files that cannot be opened are told by the name that they have in the configuration. */
static int open_all(const char *path, struct files *f)
{
	_cleanup_web_config_ struct web_config c = {0};
	size_t i;
	int err;

	for (i = 0; i < FILES; i++)
		f->fd[i] = -1;
	f->fd[0] = open_file(path);
	if (f->fd[0] < 0)
		return err_errno_r(f->fd[0], "%s cannot be opened", path);
	err = parse(path, f->fd[0], &c);
	for (i = 0; !err && i < PEMS; i++) {
		if (!c.pem_file[i])
			continue;
		f->fd[1 + i] = open_named(path, c.pem_file[i]);
		if (f->fd[1 + i] < 0)
			err = err_errno_r(f->fd[1 + i], "%s: %s cannot be opened", path,
					  c.pem_file[i]);
	}
	return err;
}

/* Makes a checked configuration of open files. */
static int build(const char *path, const struct files *f, struct web_config *c)
{
	struct web_config_error problem;
	size_t i;
	int err;

	err = parse(path, f->fd[0], c);
	for (i = 0; !err && i < PEMS; i++) {
		if (!c->pem_file[i])
			continue;
		err = f->fd[1 + i] < 0 ? -ENOENT : read_whole(f->fd[1 + i], &c->pem[i]);
		if (err)
			err_errno_r(err, "%s: %s cannot be read", path, c->pem_file[i]);
	}
	if (err)
		return err;
	err = tls__check(c, &problem);
	return err ? err_r(err, "%s: %s", path, problem.text) : 0;
}

int file_watch__read(const char *path, struct web_config *c)
{
	struct files f;
	int err = open_all(path, &f);

	if (!err)
		err = build(path, &f, c);
	close_files(&f);
	return err;
}

/* --- Between the two. */

/* One byte with the descriptors; which of them are there is in its bits. */
static int send_files(int to, const struct files *f)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * FILES)];
		struct cmsghdr align;
	} control = {0};
	int fds[FILES];
	size_t nr = 0, i;
	uint8_t which = 0;
	struct iovec data = {.iov_base = &which, .iov_len = 1};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	for (i = 0; i < FILES; i++) {
		if (f->fd[i] < 0)
			continue;
		which |= (uint8_t)(1U << i);
		fds[nr++] = f->fd[i];
	}
	m.msg_control = control.room;
	m.msg_controllen = CMSG_SPACE(sizeof(int) * nr);
	cmsg = CMSG_FIRSTHDR(&m);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nr);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nr);
	return sendmsg(to, &m, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int receive_files(int from, struct files *f)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * FILES)];
		struct cmsghdr align;
	} control = {0};
	uint8_t which = 0;
	struct iovec data = {.iov_base = &which, .iov_len = 1};
	struct msghdr m = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *cmsg;
	size_t nr = 0, got, i;
	int fds[FILES];
	ssize_t n;

	for (i = 0; i < FILES; i++)
		f->fd[i] = -1;
	n = recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	cmsg = CMSG_FIRSTHDR(&m);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	got = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(cmsg), min(got, (size_t)FILES) * sizeof(int));
	for (i = 0; i < FILES && nr < got; i++)
		if (which & 1U << i)
			f->fd[i] = fds[nr++];
	return f->fd[0] < 0 ? -EBADMSG : 0;
}

/* --- The child. */

/* What tells one state of a file from another. */
struct stamp {
	struct timespec modified, changed;
	uint64_t inode;
	off_t size;
};

static bool take_stamp(const struct files *f, struct stamp stamp[FILES])
{
	struct stat st;
	bool same = true;
	size_t i;

	for (i = 0; i < FILES; i++) {
		struct stamp now = {0};

		if (f->fd[i] >= 0 && !fstat(f->fd[i], &st))
			now = (struct stamp){st.st_mtim, st.st_ctim, st.st_ino, st.st_size};
		same = same && !memcmp(&now, &stamp[i], sizeof(now));
		stamp[i] = now;
	}
	return same;
}

/* Looks once: opens anew by name, since an editor or a mount puts a new file there. */
static int look(const char *path, int socket, struct stamp stamp[FILES], bool asked)
{
	struct files f;
	int err = open_all(path, &f);

	/* A broken file is told once, not each time. */
	if (take_stamp(&f, stamp) && !asked)
		err = 0;
	else if (!err)
		err = send_files(socket, &f) == -EPIPE ? -EPIPE : 0;
	else if (err)
		log_warn("the web configuration stays as it was");
	close_files(&f);
	return err;
}

static void watch(const char *path, int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLIN};
	struct stamp stamp[FILES];
	struct files f;
	char byte;
	int n;

	memset(stamp, 0, sizeof(stamp));
	if (!open_all(path, &f))
		take_stamp(&f, stamp);
	close_files(&f);
	for (;;) {
		n = poll(&p, 1, LOOK_MS);
		if (n > 0 && read(socket, &byte, 1) != 1)
			return;
		look(path, socket, stamp, n > 0);
	}
}

int file_watch__start(struct file_watch *w, const char *path, const char *user)
{
	pid_t parent = getpid();
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return err_errno_r(-errno, "no socket could be made");
	pid = fork();
	if (pid < 0)
		return err_errno_r(-errno, "no process could be made");
	if (pid) {
		close(fds[1]);
		w->path = path;
		w->socket = fds[0];
		return 0;
	}
	close(fds[0]);
	/* Only these: listening sockets and programs are none of its business. */
	if (dup2(fds[1], STDERR_FILENO + 1) < 0)
		_exit(1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC);
	/* Signals of a terminal go to both; the parent's end ends it. */
	signal(SIGHUP, SIG_IGN);
	if (drop__to_reading(user) || getppid() != parent)
		_exit(1);
	watch(path, STDERR_FILENO + 1);
	_exit(0);
}

void file_watch__stop(struct file_watch *w)
{
	util__cleanup_close(&w->socket);
	w->socket = -1;
}

void file_watch__ask(struct file_watch *w)
{
	if (w->socket >= 0 && send(w->socket, "", 1, MSG_NOSIGNAL) != 1)
		log_err("the web configuration cannot be read again; restart to do so");
}

int file_watch__take(struct file_watch *w, struct web_config *c)
{
	struct files f;
	int err = receive_files(w->socket, &f);

	memset(c, 0, sizeof(*c));
	if (err == -EPIPE) {
		file_watch__stop(w);
		return err_r(err, "whoever watched %s has ended; restart to have changes seen",
			     w->path);
	}
	if (err)
		return err_errno_r(err, "%s could not be handed over", w->path);
	err = build(w->path, &f, c);
	close_files(&f);
	return err;
}
