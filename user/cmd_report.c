// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "commands.h"
#include "csv.h"
#include "exposition.h"
#include "live_show.h"
#include "log.h"
#include "recording.h"
#include "util.h"
#include "view.h"

struct report {
	const struct options *opt;
	struct recording_reader *reader;
	struct view view;
	unsigned int run; /* that total is of; 0: none yet */
	struct snapshot *total;
};

static void report_free(struct report *r)
{
	snapshot__free(&r->total);
	recording_reader__free(&r->reader);
	view__free(&r->view);
}

static bool has_form_of_its_own(const struct report *r)
{
	return r->opt->csv || r->opt->openmetrics;
}

static int end_run(struct report *r)
{
	return r->total && !has_form_of_its_own(r) ? view__end(&r->view, r->total) : 0;
}

/* One interval, with the total up to it, in the form that was asked for. */
static int show_form(struct report *r, const struct snapshot *interval)
{
	if (r->opt->openmetrics)
		return 0;
	if (r->opt->csv)
		return csv__interval(stdout, r->view.cumulative ? r->total : interval);
	return view__interval(&r->view, interval, r->total);
}

/* The totals of the last run, as an exporter would have served them at its end. */
static int show_openmetrics(struct report *r)
{
	const struct exposition_options opt = {.native_schema = -1};
	_cleanup_exposition_ struct exposition *e = exposition__new(&opt);
	_cleanup_pack_buffer_ struct pack_buffer body = {0};
	int err;

	if (!e || exposition__render(e, r->total, NULL, EXPOSITION_OPENMETRICS, &body))
		return -ENOMEM;
	err = util__write_all(STDOUT_FILENO, body.data, body.len, NULL);
	return err;
}

/*
 * A recording of totals (what an exporter's /snapshot serves) is shown as the
 * difference of each two, the first since attach.
 */
static int show_totals(struct report *r, struct snapshot **totals)
{
	_cleanup_snapshot_ struct snapshot *interval = snapshot__delta(*totals, r->total);

	if (!interval)
		return -ENOMEM;
	snapshot__free(&r->total);
	r->total = TAKE_PTR(*totals);
	return show_form(r, interval);
}

static int show_interval(struct report *r, const struct snapshot *interval)
{
	int err = 0;

	if (r->total)
		err = snapshot__accumulate(r->total, interval);
	else
		r->total = snapshot__delta(interval, NULL);
	if (err || !r->total)
		return -ENOMEM;
	return show_form(r, interval);
}

/* Shows one more; a new run ends the one before it. */
static int show(struct report *r, struct snapshot **s)
{
	unsigned int run = recording_reader__run(r->reader);
	int err;

	if (run != r->run) {
		err = end_run(r);
		if (err)
			return err;
		snapshot__free(&r->total);
		r->run = run;
	}
	if (recording_reader__content(r->reader) == RECORDING_TOTALS)
		return show_totals(r, s);
	return show_interval(r, *s);
}

/* 1: go on, 0: the end, -errno after a sentence. */
static int step(struct report *r)
{
	_cleanup_snapshot_ struct snapshot *s = NULL;
	struct recording_error err;
	int ret;

	ret = recording_reader__next(r->reader, &s, &err);
	if (ret < 0)
		return err_r(ret, "%s", err.text);
	if (!ret)
		return 0;
	ret = show(r, &s);
	if (ret == -ENOMEM)
		return err_r(ret, "out of memory");
	if (ret == -EPIPE)
		return ret;
	if (ret)
		return err_r(ret, "standard output could not be written: %s", errname(ret));
	return 1;
}

static int report_all(struct report *r)
{
	int ret;

	do
		ret = step(r);
	while (ret > 0);
	if (ret)
		return ret;
	if (!r->run)
		return err_r(-ENODATA, "%s holds no interval; record for longer",
			     r->opt->positional[0]);
	ret = end_run(r);
	if (!ret && r->opt->openmetrics && r->total)
		ret = show_openmetrics(r);
	if (ret && ret != -EPIPE)
		return err_r(ret, "standard output could not be written: %s", errname(ret));
	if (recording_reader__ends_early(r->reader))
		log_warn("%s", recording_reader__ends_early(r->reader));
	return ret;
}

int cmd_report__run(const struct options *opt)
{
	_cleanup_(report_free) struct report r = {.opt = opt};
	struct recording_error err;
	int ret;

	if (opt->play + opt->run.json + opt->csv + opt->openmetrics > 1)
		return err_r(EXIT_USAGE,
			     "--play, --json, --csv and --openmetrics are forms of output; "
			     "choose one of them");
	if (opt->play)
		return live_play__run(opt);
	if (opt->speed != 1)
		return err_r(EXIT_USAGE, "--speed is for --play; add that or leave --speed out");
	/* A reader that goes away is seen as EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	view__init(&r.view, &opt->run, stdout);
	ret = recording_reader__open(opt->positional[0], &r.reader, &err);
	if (ret) {
		log_err("%s", err.text);
		return EXIT_FAILED;
	}
	ret = opt->csv ? csv__header(stdout) : 0;
	if (!ret)
		ret = report_all(&r);
	else if (ret != -EPIPE)
		log_err("standard output could not be written: %s", errname(ret));
	return ret && ret != -EPIPE ? EXIT_FAILED : EXIT_DONE;
}
