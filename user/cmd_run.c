// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "commands.h"
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

int cmd_run__run(const struct options *opt)
{
	_cleanup_view_ struct view view = { 0 };
	struct session_sink sink = {
		.arg = &view, .end_fd = -1, .interval = run_interval, .slow = run_slow,
		.end = run_end
	};

	view__init(&view, &opt->run, stdout);
	return session__run(opt, &sink);
}
