// SPDX-License-Identifier: GPL-2.0-only
/* A recording in the live view, interval by interval at the speed that is wanted. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "live_show.h"
#include "log.h"
#include "recording.h"
#include "session.h"
#include "util.h"

/* Intervals that may be due at once before the screen and the keys have their turn. */
#define BATCH 64

struct play {
	const char *path;
	struct live_show *show;
	struct recording_reader *reader;
	struct snapshot *totals; /* the last one, of a recording of totals */
	unsigned int run;
	uint64_t due_ns; /* when the next interval is to be shown */
	bool done;
};

static void play_free(struct play *p)
{
	live_show__close(&p->show);
	snapshot__free(&p->totals);
	recording_reader__free(&p->reader);
}

static int push(struct play *p, struct snapshot **s)
{
	struct live *l = live_show__live(p->show);
	_cleanup_snapshot_ struct snapshot *delta = NULL;
	unsigned int run = recording_reader__run(p->reader);
	int err;

	if (p->run && p->run != run) {
		live__push_gap(l);
		snapshot__free(&p->totals);
	}
	p->run = run;
	if (recording_reader__content(p->reader) != RECORDING_TOTALS)
		return live__push(l, *s);
	/* What an exporter served: the first are totals since it attached. */
	delta = snapshot__delta(*s, p->totals);
	err = delta ? live__push(l, delta) : -ENOMEM;
	snapshot__free(&p->totals);
	p->totals = TAKE_PTR(*s);
	return err;
}

/* 1: one more is shown; 0: that was the last; -errno after a sentence. */
static int advance(struct play *p)
{
	struct live *l = live_show__live(p->show);
	_cleanup_snapshot_ struct snapshot *s = NULL;
	struct recording_error err;
	int ret;

	if (p->done)
		return 0;
	ret = recording_reader__next(p->reader, &s, &err);
	if (ret < 0)
		return err_r(ret, "%s", err.text);
	if (!ret) {
		p->done = true;
		l->ended = true;
		if (recording_reader__ends_early(p->reader))
			log_warn("%s", recording_reader__ends_early(p->reader));
		return 0;
	}
	p->due_ns += (uint64_t)((double)s->interval_ns / l->speed);
	ret = push(p, &s);
	return ret ? err_r(ret, "out of memory") : 1;
}

static int restart(struct play *p)
{
	struct live *l = live_show__live(p->show);
	struct recording_reader *reader = NULL;
	struct recording_error err;
	int ret = recording_reader__open(p->path, &reader, &err);

	if (ret) {
		log_warn("%s", err.text);
		return 0;
	}
	snapshot__free(&p->totals);
	recording_reader__free(&p->reader);
	p->reader = reader;
	p->run = 0;
	p->done = false;
	live__forget(l);
	l->ended = false;
	p->due_ns = util__monotonic_ns();
	return 0;
}

/* Everything that is due. */
static int play_due(struct play *p)
{
	const struct live *l = live_show__live(p->show);
	bool moved = false;
	int i, ret = 1;

	for (i = 0; i < BATCH && ret > 0 && !l->is_frozen; i++) {
		if (util__monotonic_ns() < p->due_ns)
			break;
		ret = advance(p);
		moved = true;
	}
	if (moved && ret >= 0)
		live_show__draw(p->show);
	return ret;
}

static int act(struct play *p, enum live_request request)
{
	int ret = 0;

	if (request == LIVE_STEP)
		ret = advance(p);
	if (request == LIVE_RESTART)
		ret = restart(p);
	/* Speed and pause: from now on, not from when it was stopped. */
	p->due_ns = max(p->due_ns, util__monotonic_ns());
	if (request == LIVE_TIME)
		p->due_ns = util__monotonic_ns();
	if (request == LIVE_STEP || request == LIVE_RESTART)
		live_show__draw(p->show);
	return min(ret, 0);
}

static int wait_ms(const struct play *p)
{
	const struct live *l = live_show__live(p->show);
	uint64_t now = util__monotonic_ns(), ms;

	if (p->done || l->is_frozen)
		return -1;
	if (now >= p->due_ns)
		return 0;
	ms = (p->due_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return (int)min(ms, (uint64_t)60000);
}

static int play(struct play *p, int signals)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
			       {.fd = live_show__fd(p->show), .events = POLLIN}};
	enum live_request request;
	int ret;

	p->due_ns = util__monotonic_ns();
	for (;;) {
		ret = poll(fds, ARRAY_SIZE(fds), wait_ms(p));
		if (ret < 0 && errno != EINTR)
			return err_errno_r(-errno, "the terminal cannot be waited for");
		if (fds[0].revents)
			return 0;
		if (fds[1].revents) {
			request = live_show__input(p->show);
			if (request == LIVE_QUIT)
				return 0;
			ret = request == LIVE_NOTHING ? 0 : act(p, request);
			if (ret)
				return ret;
		}
		ret = play_due(p);
		if (ret < 0)
			return ret;
	}
}

int live_play__run(const struct options *opt)
{
	_cleanup_(play_free) struct play p = {.path = opt->positional[0]};
	_cleanup_close_ int signals = session__open_signals();
	struct recording_error err;
	int ret;

	if (signals < 0) {
		log_err("signals could not be taken: %s", errname(signals));
		return EXIT_FAILED;
	}
	ret = recording_reader__open(p.path, &p.reader, &err);
	if (ret) {
		log_err("%s", err.text);
		return EXIT_FAILED;
	}
	if (!live_show__wanted(&opt->run)) {
		log_err("--play draws on a terminal, and there is none here; leave it out for "
			"blocks of text");
		return EXIT_FAILED;
	}
	if (live_show__open(&opt->run, LIVE_RECORDING, p.path, &p.show))
		return EXIT_FAILED;
	live_show__live(p.show)->speed = opt->speed;
	return play(&p, signals) ? EXIT_FAILED : EXIT_DONE;
}
