// SPDX-License-Identifier: GPL-2.0-only
/*
 * A running exporter in the live view. Its /snapshot is a recording of totals;
 * the difference of two is an interval, as in a measurement of our own.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "live_show.h"
#include "log.h"
#include "recording.h"
#include "session.h"
#include "util.h"

/* An exporter that says nothing for so long does not answer. */
#define PATIENCE_NS (5 * NSEC_PER_SEC)

/* A snapshot points into what it was read from. */
struct served {
	struct pack_buffer bytes;
	struct recording_reader *reader;
	struct snapshot *totals;
};

struct remote {
	struct fetch *fetch;
	struct live_show *show;
	struct served last;
	uint64_t asked_ns, due_ns;
	bool waiting;
};

static void served_free(struct served *s)
{
	snapshot__free(&s->totals);
	recording_reader__free(&s->reader);
	pack_buffer__free(&s->bytes);
	*s = (struct served){0};
}

static void remote_free(struct remote *r)
{
	live_show__close(&r->show);
	served_free(&r->last);
	fetch__free(&r->fetch);
}

/* 0, or -errno with a sentence. */
static int decode(struct served *s, const struct pack_buffer *body, size_t offset,
		  char why[static FETCH_WHY_SIZE])
{
	struct recording_error err;
	int ret = pack_buffer__append(&s->bytes, body->data + offset, body->len - offset);

	if (ret) {
		snprintf(why, FETCH_WHY_SIZE, "out of memory");
		return ret;
	}
	ret = recording_reader__open_buffer(s->bytes.data, s->bytes.len, "what the exporter serves",
					    &s->reader, &err);
	if (!ret)
		ret = recording_reader__next(s->reader, &s->totals, &err);
	if (ret < 0) {
		snprintf(why, FETCH_WHY_SIZE, "%.*s", FETCH_WHY_SIZE - 1, err.text);
		return ret;
	}
	if (ret)
		return 0;
	snprintf(why, FETCH_WHY_SIZE, "the exporter serves no snapshot");
	return -EPROTO;
}

/* Counting began anew since the last time: the exporter was started again. */
static bool restarted(const struct snapshot *now, const struct snapshot *last)
{
	return now->interval_ns < last->interval_ns || now->mono_ns < last->mono_ns;
}

static int show(struct remote *r, struct served *now)
{
	struct live *l = live_show__live(r->show);
	_cleanup_snapshot_ struct snapshot *delta = NULL;
	const struct snapshot *last = r->last.totals;
	int err = 0;

	if (last && restarted(now->totals, last)) {
		live__forget(l);
		last = NULL;
	}
	if (!last) {
		err = live__begin(l, now->totals);
	} else if (now->totals->mono_ns != last->mono_ns) {
		/* What was missed is in the interval, and in no column of its own. */
		if (l->trouble[0])
			live__push_gap(l);
		delta = snapshot__delta(now->totals, last);
		err = delta ? live__push(l, delta) : -ENOMEM;
	}
	if (err)
		return err_r(err, "out of memory");
	l->trouble[0] = '\0';
	served_free(&r->last);
	r->last = *now;
	*now = (struct served){0};
	return 0;
}

static void say_trouble(struct remote *r, const char *why)
{
	struct live *l = live_show__live(r->show);

	snprintf(l->trouble, sizeof(l->trouble), "%.150s; trying again.", why);
	r->waiting = false;
}

static int receive(struct remote *r)
{
	_cleanup_(served_free) struct served now = {0};
	const struct pack_buffer *body;
	char why[FETCH_WHY_SIZE];
	size_t offset;
	int ret = fetch__step(r->fetch, &body, &offset, why);

	if (!ret)
		return 0;
	r->waiting = false;
	if (ret > 0)
		ret = decode(&now, body, offset, why);
	if (ret < 0)
		say_trouble(r, why);
	else
		ret = show(r, &now);
	live_show__draw(r->show);
	return ret == -ENOMEM ? ret : 0;
}

/* Asks when it is time, and gives up where no answer comes. */
static void ask(struct remote *r)
{
	uint64_t now = util__monotonic_ns();
	char why[FETCH_WHY_SIZE];

	if (r->waiting && now >= r->asked_ns + PATIENCE_NS) {
		fetch__cancel(r->fetch);
		say_trouble(r, "the exporter does not answer in time");
		live_show__draw(r->show);
	}
	if (r->waiting || now < r->due_ns)
		return;
	r->asked_ns = now;
	r->due_ns = now + live_show__live(r->show)->interval_ns;
	r->waiting = true;
	if (fetch__start(r->fetch, why)) {
		say_trouble(r, why);
		live_show__draw(r->show);
	}
}

static int wait_ms(const struct remote *r)
{
	uint64_t now = util__monotonic_ns();
	uint64_t until = r->waiting ? r->asked_ns + PATIENCE_NS : r->due_ns;

	return now >= until ? 0 : (int)((until - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static int watch(struct remote *r, int signals)
{
	enum live_request request;
	int ret;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = signals, .events = POLLIN},
			{.fd = live_show__fd(r->show), .events = POLLIN},
			{.fd = fetch__fd(r->fetch), .events = fetch__events(r->fetch)},
		};

		ret = poll(fds, ARRAY_SIZE(fds), wait_ms(r));
		if (ret < 0 && errno != EINTR)
			return err_errno_r(-errno, "the terminal cannot be waited for");
		if (ret > 0 && fds[0].revents)
			return 0;
		if (ret > 0 && fds[1].revents) {
			request = live_show__input(r->show);
			if (request == LIVE_QUIT)
				return 0;
			if (request == LIVE_TIME)
				r->due_ns = util__monotonic_ns() +
					    live_show__live(r->show)->interval_ns;
		}
		if (ret > 0 && fds[2].revents) {
			ret = receive(r);
			if (ret)
				return ret;
		}
		ask(r);
	}
}

int live_connect__run(const struct options *opt)
{
	_cleanup_(remote_free) struct remote r = {0};
	_cleanup_close_ int signals = session__open_signals();
	char why[FETCH_WHY_SIZE];
	int err;

	if (signals < 0) {
		log_err("signals could not be taken: %s", errname(signals));
		return EXIT_FAILED;
	}
	err = fetch__new(opt->connect, &r.fetch, why);
	if (err) {
		log_err("%s", why);
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	}
	if (!live_show__wanted(&opt->run)) {
		log_err("--connect draws on a terminal, and there is none here; without one, save "
			"the exporter's /snapshot and show it with zeroscope report");
		return EXIT_FAILED;
	}
	if (live_show__open(&opt->run, LIVE_REMOTE, opt->connect, &r.show))
		return EXIT_FAILED;
	r.due_ns = util__monotonic_ns();
	ask(&r);
	return watch(&r, signals) ? EXIT_FAILED : EXIT_DONE;
}
