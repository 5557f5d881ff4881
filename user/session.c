// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collector.h"
#include "log.h"
#include "machine.h"
#include "plain.h"
#include "probe.h"
#include "util.h"

int session__open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	/* A reader that goes away and a full disk are seen as errors, where they are dealt with. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Ticks from now on. 0 or -errno. */
static int set_timer(int fd, uint64_t interval_ns)
{
	struct itimerspec t = {
		.it_value = {interval_ns / NSEC_PER_SEC, interval_ns % NSEC_PER_SEC},
		.it_interval = {interval_ns / NSEC_PER_SEC, interval_ns % NSEC_PER_SEC},
	};

	return timerfd_settime(fd, 0, &t, NULL) ? -errno : 0;
}

void session__announce(const struct options *opt, const struct snapshot *s)
{
	char line[4096];

	plain__attached(line, sizeof(line), s);
	log__plain("%s", line);
	if (opt->run.ready_fd < 0)
		return;
	dprintf(opt->run.ready_fd, "%s\n", line);
	/* The standard ones are needed further on. */
	if (opt->run.ready_fd > STDERR_FILENO)
		close(opt->run.ready_fd);
}

static int fetch_slow(struct collector *c, const struct session_sink *sink)
{
	return sink->slow ? collector__fetch_slow(c, sink->slow, sink->arg) : 0;
}

/* What wait_interval() waits for. poll() passes over a descriptor of -1. */
struct waits {
	int timer;
	int signals;
	int input;
	uint64_t end_ns; /* 0: none */
	struct session_control control;
};

/* 1: go on, 0: the session is to end, or -errno. */
static int take_input(const struct session_sink *sink, struct waits *w)
{
	uint64_t interval_ns = w->control.interval_ns;
	int err = sink->input(sink->arg, &w->control);

	if (err || w->control.stop)
		return err;
	if (w->control.interval_ns != interval_ns)
		err = set_timer(w->timer, w->control.interval_ns);
	return err ? err : 1;
}

/*
 * Whether so little is left of the session that it belongs to this interval:
 * a minute of seconds is 60 of them, and not one more of what the last tick
 * and the end lie apart.
 */
static bool is_last(const struct waits *w)
{
	return w->end_ns && util__monotonic_ns() + w->control.interval_ns / 10 >= w->end_ns;
}

/*
 * Waits for the end of the interval, and passes slow clears and input on
 * meanwhile. 1: it has ended; 0: the time is up or the session is to end; or
 * -errno.
 */
static int wait_interval(struct collector *c, const struct session_sink *sink, struct waits *w)
{
	struct pollfd fds[] = {{.fd = w->signals, .events = POLLIN},
			       {.fd = sink->end_fd, .events = POLLIN},
			       {.fd = w->timer, .events = POLLIN},
			       {.fd = sink->slow ? collector__slow_fd(c) : -1, .events = POLLIN},
			       {.fd = w->input, .events = POLLIN}};
	uint64_t now, ticks;
	int timeout, n, err;

	for (;;) {
		timeout = -1;
		now = util__monotonic_ns();
		if (w->end_ns && now >= w->end_ns)
			return 0;
		if (w->end_ns)
			timeout = (w->end_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		n = poll(fds, ARRAY_SIZE(fds), timeout);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || fds[0].revents || fds[1].revents)
			return 0;
		if (fds[3].revents) {
			err = fetch_slow(c, sink);
			if (err)
				return err;
		}
		if (sink->input && fds[4].revents) {
			err = take_input(sink, w);
			if (err <= 0)
				return err;
			/* The timer may have been set anew. */
			continue;
		}
		if (!fds[2].revents)
			continue;
		if (read(w->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
			return 0;
		if (!is_last(w))
			return 1;
	}
}

/* One interval: its snapshot becomes *last. */
static int step(struct collector *c, const struct session_sink *sink, struct snapshot **last)
{
	_cleanup_snapshot_ struct snapshot *now = collector__snapshot(c);
	_cleanup_snapshot_ struct snapshot *delta = NULL;
	_cleanup_snapshot_ struct snapshot *total = NULL;
	int err;

	if (!now)
		return -EIO;
	/* After the snapshot: what it counts as not dropped has been passed on. */
	err = fetch_slow(c, sink);
	if (err)
		return err;
	delta = snapshot__delta(now, *last);
	total = snapshot__delta(now, NULL);
	if (!delta || !total)
		return err_r(-ENOMEM, "out of memory");
	err = sink->interval(sink->arg, delta, total);
	snapshot__free(last);
	*last = TAKE_PTR(now);
	return err;
}

static int measure(struct collector *c, const struct options *opt, const struct session_sink *sink,
		   int signals)
{
	_cleanup_snapshot_ struct snapshot *last = NULL;
	_cleanup_snapshot_ struct snapshot *total = NULL;
	_cleanup_close_ int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct waits w = {.timer = timer, .signals = signals, .input = -1};
	int err;

	last = collector__snapshot(c);
	if (!last)
		return -EIO;
	session__announce(opt, last);
	if (sink->begin) {
		err = sink->begin(sink->arg, last);
		if (err)
			return err;
	}
	/* The first interval begins where counting did. */
	snapshot__free(&last);
	if (opt->run.duration_ns)
		w.end_ns = util__monotonic_ns() + opt->run.duration_ns;
	if (sink->input)
		w.input = sink->input_fd(sink->arg);
	w.control.interval_ns = opt->run.interval_ns;
	err = timer < 0 ? timer : set_timer(timer, opt->run.interval_ns);
	if (err)
		return err_errno_r(err, "no timer could be made");
	while ((err = wait_interval(c, sink, &w)) > 0) {
		err = step(c, sink, &last);
		if (err)
			return err;
	}
	if (err)
		return err;
	collector__stop(c, SESSION_DRAIN_NS);
	err = step(c, sink, &last);
	if (err || !sink->end)
		return err;
	total = snapshot__delta(last, NULL);
	return total ? sink->end(sink->arg, total) : err_r(-ENOMEM, "out of memory");
}

int session__exit_status(int err)
{
	switch (err) {
	case 0:
	case -EPIPE: /* whoever read us has seen enough */
		return EXIT_DONE;
	case -EPERM:
	case -EACCES:
		return EXIT_NOT_ALLOWED;
	default:
		return EXIT_FAILED;
	}
}

int session__attach(const struct options *opt, struct machine *machine, struct collector **out)
{
	_cleanup_collector_ struct collector *c = NULL;
	int err;

	/* What we allocate ourselves must not be part of what we measure. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	probe__expect_symbols();
	err = machine__read(machine, "");
	if (err)
		return err_errno_r(err, "this machine could not be described");
	c = collector__new(&opt->run, machine);
	if (!c)
		return -ENOMEM;
	if (opt->serve.cgroup_series)
		collector__take_cgroup_paths(c);
	err = collector__load(c);
	if (!err)
		err = collector__attach(c);
	if (!err)
		err = collector__activate(c);
	if (err)
		return err;
	*out = TAKE_PTR(c);
	return 0;
}

int session__run(const struct options *opt, const struct session_sink *sink)
{
	_cleanup_collector_ struct collector *c = NULL;
	_cleanup_close_ int signals = -1;
	struct machine machine;
	int err;

	signals = session__open_signals();
	if (signals < 0)
		return session__exit_status(err_errno_r(signals, "signals could not be taken"));
	err = session__attach(opt, &machine, &c);
	if (!err)
		err = measure(c, opt, sink, signals);
	return session__exit_status(err);
}
