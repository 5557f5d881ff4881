// SPDX-License-Identifier: GPL-2.0-only
#include "serve_source.h"

#include <errno.h>
#include <stdlib.h>

#include "collector.h"
#include "log.h"
#include "recording.h"
#include "session.h"
#include "util.h"

struct source {
	/* A kernel. */
	struct machine machine;
	struct collector *collector;

	/* A recording. */
	struct recording_reader *reader;
	struct snapshot *next;	/* read, and not yet due */
	struct snapshot *total; /* up to now */
	unsigned int run;	/* that total is of */
	uint64_t first_ns;	/* time of the first interval */
	uint64_t start_ns;	/* when it was served, CLOCK_MONOTONIC */
	bool all;
	bool ended;
};

void source__free(struct source **sp)
{
	struct source *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	collector__free(&s->collector);
	snapshot__free(&s->next);
	snapshot__free(&s->total);
	recording_reader__free(&s->reader);
	free(s);
}

/* --- A recording. */

/* Reads on until something is there to be due, or the end. */
static void read_next(struct source *s)
{
	struct recording_error err;
	int ret;

	if (s->next || s->ended)
		return;
	ret = recording_reader__next(s->reader, &s->next, &err);
	if (ret > 0)
		return;
	s->ended = true;
	if (ret < 0)
		log_err("%s; what was read until there is served on", err.text);
	else if (recording_reader__ends_early(s->reader))
		log_warn("%s", recording_reader__ends_early(s->reader));
}

static int take_next(struct source *s, bool *restarted)
{
	unsigned int run = recording_reader__run(s->reader);
	struct snapshot *add;
	int err = 0;

	if (s->total && run == s->run &&
	    recording_reader__content(s->reader) == RECORDING_INTERVALS) {
		err = snapshot__accumulate(s->total, s->next);
		snapshot__free(&s->next);
		return err;
	}
	*restarted = *restarted || (s->total && run != s->run);
	add = snapshot__delta(s->next, NULL);
	if (!add)
		return -ENOMEM;
	snapshot__free(&s->next);
	snapshot__free(&s->total);
	s->total = add;
	s->run = run;
	return 0;
}

static bool is_due(const struct source *s)
{
	uint64_t elapsed = util__monotonic_ns() - s->start_ns;

	return s->all || s->next->time_ns < s->first_ns ||
	       s->next->time_ns - s->first_ns <= elapsed;
}

static int play(struct source *s, bool *restarted)
{
	int err = 0;

	for (read_next(s); !err && s->next && is_due(s); read_next(s))
		err = take_next(s, restarted);
	return err;
}

static int open_recording(struct source *s, const char *path)
{
	struct recording_error err;
	int ret = recording_reader__open(path, &s->reader, &err);

	if (ret)
		return err_r(ret, "%s", err.text);
	read_next(s);
	if (!s->next)
		return err_r(-ENODATA, "%s holds no interval; there is nothing to serve", path);
	s->first_ns = s->next->time_ns;
	s->start_ns = util__monotonic_ns();
	return 0;
}

void source__skip_to_end(struct source *s)
{
	s->all = true;
}

/* --- */

int source__open(const struct options *opt, struct source **out)
{
	_cleanup_source_ struct source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return err_r(-ENOMEM, "out of memory");
	if (opt->serve.replay)
		err = open_recording(s, opt->serve.replay);
	else
		err = session__attach(opt, &s->machine, &s->collector);
	if (err)
		return err;
	*out = TAKE_PTR(s);
	return 0;
}

struct snapshot *source__total(struct source *s, bool *restarted)
{
	_cleanup_snapshot_ struct snapshot *now = NULL;
	struct snapshot *total;

	*restarted = false;
	if (s->collector)
		now = collector__snapshot(s->collector);
	else if (play(s, restarted))
		log_err("out of memory");
	if (!now && !s->total)
		return NULL;
	total = snapshot__delta(now ? now : s->total, NULL);
	if (!total)
		log_err("out of memory");
	return total;
}

size_t source__programs(const struct source *s, int *fds, size_t max)
{
	return s->collector ? collector__programs(s->collector, fds, max) : 0;
}

void source__stop(struct source *s)
{
	if (s->collector)
		collector__stop(s->collector, SESSION_DRAIN_NS);
}
