// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "commands.h"
#include "exposition.h"
#include "log.h"
#include "serve_config.h"
#include "serve_drop.h"
#include "serve_files.h"
#include "serve_http.h"
#include "serve_listen.h"
#include "serve_notify.h"
#include "serve_process.h"
#include "serve_source.h"
#include "serve_stats.h"
#include "session.h"
#include "util.h"

#define DEFAULT_ADDRESS "127.0.0.1:" SERVE_DEFAULT_PORT
/* How long requests may take to be answered once we are to end. */
#define DRAIN_NS (5 * NSEC_PER_SEC)
#define ONCE_NS	 (10 * NSEC_PER_SEC)

struct serving {
	const struct options *opt;
	struct source *source;
	struct process_reader process;
	struct stats_sampler stats;
	struct notifier notifier;
	struct listeners listeners;
	struct http_server *http;
	struct web_config config[2]; /* one is used, the other is for the next */
	unsigned int config_used;
	struct file_watch watch;
	int signals;
	uint64_t end_ns;      /* of --duration; 0: none */
	uint64_t watchdog_ns; /* when the next sign of life is due; 0: none */
};

static void serving__close(struct serving *s)
{
	http_server__free(&s->http);
	web_config__free(&s->config[0]);
	web_config__free(&s->config[1]);
	file_watch__stop(&s->watch);
	stats_sampler__stop(&s->stats);
	source__free(&s->source);
	listeners__close(&s->listeners);
	notifier__close(&s->notifier);
	process_reader__close(&s->process);
	util__cleanup_close(&s->signals);
}

/* The earlier of two times, of which 0 is none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* In ms, for poll(): at most until a time (0: none), and at most what the server allows. */
static int time_left(const struct serving *s, uint64_t until_ns)
{
	int ms = s->http ? http_server__timeout(s->http) : -1;
	uint64_t now = util__monotonic_ns(), left;

	if (!until_ns)
		return ms;
	left = until_ns > now ? (until_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC : 0;
	left = min(left, (uint64_t)3600000);
	return ms < 0 || (uint64_t)ms > left ? (int)left : ms;
}

/* --- --once. */

/* What is no file must not become one: the name of a device would be. */
static bool can_be_replaced(const char *path)
{
	struct stat st;

	return stat(path, &st) || S_ISREG(st.st_mode);
}

static int write_file(const char *path, const struct pack_buffer *body)
{
	char temporary[4096];
	_cleanup_close_ int fd = -1;
	int err;

	if (!can_be_replaced(path))
		return err_r(-EINVAL,
			     "--once: %s is no regular file, and would be replaced by one; give "
			     "another name",
			     path);
	/* Not *.prom, which a collector would pick up. */
	if (snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path, getpid()) >=
	    (int)sizeof(temporary))
		return err_r(-ENAMETOOLONG, "--once: the name of the file is too long");
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno_r(-errno, "%s cannot be created", temporary);
	err = util__write_all(fd, body->data, body->len, NULL);
	if (!err && fsync(fd))
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (!err)
		return 0;
	unlink(temporary);
	return err_errno_r(err, "%s cannot be written", path);
}

static int write_once(struct serving *s)
{
	struct exposition_options opt = {
		.full = s->opt->serve.series == SERIES_FULL,
		.native_schema = -1,
		.cgroups = s->opt->serve.cgroup_series,
	};
	_cleanup_exposition_ struct exposition *e = exposition__new(&opt);
	_cleanup_pack_buffer_ struct pack_buffer body = {0};
	_cleanup_snapshot_ struct snapshot *total = NULL;
	bool restarted;

	source__stop(s->source);
	source__skip_to_end(s->source);
	total = source__total(s->source, &restarted);
	if (!total)
		return -EIO;
	if (!e || exposition__render(e, total, NULL, EXPOSITION_TEXT, &body))
		return err_r(-ENOMEM, "out of memory");
	return write_file(s->opt->serve.once, &body);
}

static void wait_once(struct serving *s)
{
	uint64_t wait_ns = s->opt->run.duration_ns ? s->opt->run.duration_ns : ONCE_NS;
	struct pollfd signals = {.fd = s->signals, .events = POLLIN};
	uint64_t end_ns = util__monotonic_ns() + wait_ns;

	while (!s->opt->serve.replay && util__monotonic_ns() < end_ns)
		if (poll(&signals, 1, time_left(s, end_ns)) > 0)
			break;
}

/* --- Serving. */

static int open_listeners(struct serving *s)
{
	const struct serve_options *opt = &s->opt->serve;
	unsigned int i;
	int err = 0;
	size_t n;

	if (opt->systemd_socket)
		err = listeners__from_systemd(&s->listeners);
	for (i = 0; !err && i < opt->listen.nr; i++)
		err = listeners__open(&s->listeners, opt->listen.value[i]);
	if (!err && !s->listeners.nr)
		err = listeners__open(&s->listeners, DEFAULT_ADDRESS);
	for (n = 0; !err && n < s->listeners.nr; n++)
		if (!s->listeners.one[n].local && !opt->allow_insecure &&
		    !web_config__protects(&s->config[0]))
			err = err_r(-EINVAL,
				    "other hosts can reach %s, where neither TLS nor passwords are "
				    "asked for; give --web.config.file, or --web.allow-insecure if "
				    "that is meant",
				    s->listeners.one[n].name);
	return err;
}

/* All that has to do with the network and with files, while we may. */
static int open_web(struct serving *s)
{
	const char *path = s->opt->serve.web_config;
	int err = 0;

	if (path) {
		err = file_watch__read(path, &s->config[0]);
		/* Before anything is open that the child should not have. */
		if (!err)
			err = file_watch__start(&s->watch, path, s->opt->serve.user);
	}
	return err ? err : open_listeners(s);
}

static int announce(struct serving *s)
{
	_cleanup_snapshot_ struct snapshot *now = NULL;
	bool restarted;
	size_t i;

	for (i = 0; i < s->listeners.nr; i++)
		log__plain("listening: %s", s->listeners.one[i].name);
	now = source__total(s->source, &restarted);
	if (!now)
		return -EIO;
	session__announce(s->opt, now);
	notifier__tell(&s->notifier, "READY=1");
	return 0;
}

/* True: go on. */
static bool handle_signal(struct serving *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGHUP)
		return false;
	file_watch__ask(&s->watch);
	return true;
}

/* The web configuration has changed. Whatever is wrong with it, we go on. */
static int take_config(struct serving *s)
{
	struct web_config *next = &s->config[!s->config_used];
	int err;

	err = file_watch__take(&s->watch, next);
	if (err) {
		web_config__free(next);
		log_warn("the web configuration stays as it was");
		return 0;
	}
	/* To open it to everybody is not what an edit of a file should do. */
	if (web_config__protects(&s->config[s->config_used]) && !web_config__protects(next) &&
	    !s->opt->serve.allow_insecure) {
		web_config__free(next);
		log_warn(
			"the new web configuration asks for neither TLS nor passwords, which takes a "
			"restart; it stays as it was");
		return 0;
	}
	err = http_server__configure(s->http, next);
	if (err)
		return err;
	web_config__free(&s->config[s->config_used]);
	s->config_used = !s->config_used;
	log__plain("the web configuration was read again");
	return 0;
}

/* Waits once and answers what came. 1: go on; 0: it is to end. */
static int turn(struct serving *s, uint64_t until_ns)
{
	struct pollfd fds[2 + LISTENERS_MAX] = {{.fd = s->signals, .events = POLLIN},
						{.fd = s->watch.socket, .events = POLLIN}};
	size_t nr = 2 + http_server__fds(s->http, fds + 2, LISTENERS_MAX);
	int err;

	if (poll(fds, nr, time_left(s, until_ns)) < 0 && errno != EINTR)
		return err_errno_r(-errno, "poll failed");
	http_server__run(s->http);
	if (fds[1].revents) {
		err = take_config(s);
		if (err)
			return err;
	}
	return !fds[0].revents || handle_signal(s);
}

static void sign_of_life(struct serving *s)
{
	uint64_t now = util__monotonic_ns();

	if (!s->watchdog_ns || now < s->watchdog_ns)
		return;
	notifier__tell(&s->notifier, "WATCHDOG=1");
	s->watchdog_ns = now + s->notifier.watchdog_ns;
}

static int loop(struct serving *s)
{
	int ret;

	do {
		sign_of_life(s);
		ret = turn(s, earlier(s->end_ns, s->watchdog_ns));
	} while (ret > 0 && (!s->end_ns || util__monotonic_ns() < s->end_ns));
	return min(ret, 0);
}

static int drain(struct serving *s)
{
	uint64_t end_ns = util__monotonic_ns() + DRAIN_NS;
	int ret = 1;

	notifier__tell(&s->notifier, "STOPPING=1");
	http_server__quiesce(s->http);
	/* What has arrived is answered, too. */
	http_server__run(s->http);
	while (ret > 0 && http_server__busy(s->http) && util__monotonic_ns() < end_ns)
		ret = turn(s, end_ns);
	return min(ret, 0);
}

static int sample_stats(struct serving *s)
{
	int programs[STATS_PROGRAMS_MAX];
	size_t nr;

	if (!s->opt->serve.bpf_stats)
		return 0;
	nr = source__programs(s->source, programs, ARRAY_SIZE(programs));
	s->process.stats = &s->stats;
	return stats_sampler__start(&s->stats, programs, nr, s->opt->serve.user);
}

static int serve(struct serving *s)
{
	int err;

	/* Before there is a server whose sockets the child would share. */
	err = sample_stats(s);
	if (err)
		return err;
	s->http = http_server__new(&s->opt->serve, s->source, &s->process, &s->listeners);
	if (!s->http)
		return err_r(-ENOMEM, "out of memory");
	err = http_server__configure(s->http, &s->config[0]);
	if (err)
		return err;
	/* From here on only what is open can be used. */
	/* What loading took, many times what serving does. */
	malloc_trim(0);
	err = drop__privileges(s->opt->serve.user);
	if (!err)
		err = announce(s);
	if (err)
		return err;
	if (s->opt->run.duration_ns)
		s->end_ns = util__monotonic_ns() + s->opt->run.duration_ns;
	if (s->notifier.watchdog_ns)
		s->watchdog_ns = util__monotonic_ns() + s->notifier.watchdog_ns;
	err = loop(s);
	return err ? err : drain(s);
}

static int run(struct serving *s)
{
	int err;

	s->signals = session__open_signals();
	if (s->signals < 0)
		return err_errno_r(s->signals, "signals could not be taken");
	err = s->opt->serve.once ? 0 : open_web(s);
	if (err)
		return err;
	process_reader__open(&s->process);
	notifier__open(&s->notifier);
	err = source__open(s->opt, &s->source);
	if (err)
		return err;
	if (!s->opt->serve.once)
		return serve(s);
	wait_once(s);
	return write_once(s);
}

/* 0, or EXIT_USAGE after a sentence. */
static int check_usage(const struct options *opt)
{
	const struct serve_options *serve = &opt->serve;
	const char *path = serve->telemetry_path;
	unsigned int i;

	if (path[0] != '/')
		return err_r(EXIT_USAGE, "--web.telemetry-path: \"%s\" does not begin with a slash",
			     path);
	if (!strcmp(path, "/snapshot") || !strncmp(path, "/-/", 3))
		return err_r(EXIT_USAGE,
			     "--web.telemetry-path: %s is where something else is served; give "
			     "another path",
			     path);
	for (i = 0; i < serve->listen.nr; i++)
		if (listeners__check(serve->listen.value[i]))
			return EXIT_USAGE;
	if (serve->bpf_stats && (serve->once || serve->replay))
		return err_r(EXIT_USAGE,
			     "--bpf-stats is for serving a kernel: it goes neither with "
			     "--once nor with --replay");
	if (serve->replay && options__choose_measurement(&opt->run))
		return err_r(EXIT_USAGE,
			     "--replay serves what was recorded: options that choose what to "
			     "measure, or how, do not go with it");
	return 0;
}

int cmd_serve__run(const struct options *opt)
{
	_cleanup_(serving__close) struct serving s = {
		.opt = opt,
		.process = {.statm = -1, .fds = -1},
		.stats = {.alive = -1},
		.notifier = {.fd = -1},
		.signals = -1,
		.watch = {.socket = -1},
	};
	int err;

	err = check_usage(opt);
	if (err)
		return err;
	err = run(&s);
	return session__exit_status(err);
}
