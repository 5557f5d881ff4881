// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "live_show.h"
#include "log.h"
#include "session.h"
#include "util.h"
#include "view.h"

static int check(int err)
{
	if (err && err != -EPIPE)
		log_err("standard output could not be written: %s", errname(err));
	return err;
}

static int run_interval(void *arg, const struct snapshot *interval, const struct snapshot *total)
{
	return check(view__interval(arg, interval, total));
}

static int run_slow(void *arg, const struct slow_clear *s)
{
	return check(view__slow(arg, s));
}

static int run_end(void *arg, const struct snapshot *total)
{
	return check(view__end(arg, total));
}

/* --- The live view ----------------------------------------------------------------------- */

struct live_run {
	const struct options *opt;
	struct live_show *show; /* from when everything is attached to the end */
	struct view view;	/* for the totals, and where there is no live view */
};

static int live_begin(void *arg, const struct snapshot *s)
{
	struct live_run *run = arg;

	/* A terminal that cannot show it gets blocks; the sentence has been logged. */
	(void)live_show__open(&run->opt->run, LIVE_HERE, NULL, &run->show);
	(void)s;
	return 0;
}

static int live_interval(void *arg, const struct snapshot *interval, const struct snapshot *total)
{
	struct live_run *run = arg;

	if (!run->show)
		return run_interval(&run->view, interval, total);
	if (live__push(live_show__live(run->show), interval))
		return err_r(-ENOMEM, "out of memory");
	live_show__draw(run->show);
	return 0;
}

static int live_slow(void *arg, const struct slow_clear *s)
{
	struct live_run *run = arg;

	if (!run->show)
		return run_slow(&run->view, s);
	live_show__slow(run->show, s);
	return 0;
}

static int live_input(void *arg, struct session_control *control)
{
	struct live_run *run = arg;

	control->stop = live_show__input(run->show) == LIVE_QUIT;
	control->interval_ns = live_show__live(run->show)->interval_ns;
	return 0;
}

static int live_input_fd(void *arg)
{
	struct live_run *run = arg;

	return run->show ? live_show__fd(run->show) : -1;
}

/* What was measured stays in sight. */
static int live_end(void *arg, const struct snapshot *total)
{
	struct live_run *run = arg;

	live_show__close(&run->show);
	return run_end(&run->view, total);
}

static int run_live(const struct options *opt)
{
	struct live_run run = {.opt = opt};
	struct session_sink sink = {
		.arg = &run,
		.end_fd = -1,
		.begin = live_begin,
		.interval = live_interval,
		.slow = opt->run.slower_than_ns ? live_slow : NULL,
		.input = live_input,
		.input_fd = live_input_fd,
		.end = live_end,
	};
	int status;

	view__init(&run.view, &opt->run, stdout);
	status = session__run(opt, &sink);
	live_show__close(&run.show);
	view__free(&run.view);
	return status;
}

static int run_plain(const struct options *opt)
{
	_cleanup_view_ struct view view = {0};
	struct session_sink sink = {.arg = &view,
				    .end_fd = -1,
				    .interval = run_interval,
				    .slow = run_slow,
				    .end = run_end};

	view__init(&view, &opt->run, stdout);
	return session__run(opt, &sink);
}

/* Whether a measurement of our own is asked for, or other output than the live view. */
static bool is_for_measuring(const struct run_options *opt)
{
	return options__choose_measurement(opt) || opt->duration_ns || opt->json || opt->plain ||
	       opt->ready_fd >= 0;
}

int cmd_run__run(const struct options *opt)
{
	if (opt->connect && is_for_measuring(&opt->run))
		return err_r(
			EXIT_USAGE,
			"--connect shows what an exporter measures, in the live view; of the "
			"other options it takes --interval, --cumulative, --ascii and --color");
	if (opt->connect && !live_connect__run)
		return err_r(EXIT_FAILED, "--connect is not in the static build of zeroscope; use "
					  "the one that is linked dynamically");
	if (opt->connect)
		return live_connect__run(opt);
	return live_show__wanted(&opt->run) ? run_live(opt) : run_plain(opt);
}
