// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "commands.h"
#include "diff.h"
#include "log.h"
#include "recording.h"
#include "samples.h"
#include "util.h"
#include "view.h"

struct side {
	struct recording_reader *reader;
	struct samples samples;
	struct diff_file file;
};

static void side_free(struct side *side)
{
	samples__free(&side->samples);
	recording_reader__free(&side->reader);
}

static int side_read(struct side *side, const char *path)
{
	struct recording_error err;
	int ret = recording_reader__open(path, &side->reader, &err);

	if (!ret)
		ret = samples__read(&side->samples, side->reader, &err);
	if (ret)
		return err_r(ret, "%s", err.text);
	if (!side->samples.intervals)
		return err_r(-ENODATA, "%s holds no interval; record for longer", path);
	side->file = (struct diff_file){path, &side->samples,
					recording_reader__ends_early(side->reader)};
	return 0;
}

static int show(const struct options *opt, const struct diff *d, const struct side *a,
		const struct side *b)
{
	_cleanup_view_ struct view view;
	int err;

	view__init(&view, &opt->run, stdout);
	if (view.json) {
		diff__json(&view.writer, d, &a->file, &b->file);
		err = json__end_line(&view.writer);
	} else {
		err = diff__plain(stdout, d, &a->file, &b->file, &view.plain);
	}
	if (err && err != -EPIPE)
		return err_r(err, "standard output could not be written: %s", errname(err));
	return 0;
}

int cmd_diff__run(const struct options *opt)
{
	_cleanup_(side_free) struct side a = {0};
	_cleanup_(side_free) struct side b = {0};
	_cleanup_(diff__free) struct diff d = {0};

	/* A reader that goes away is seen as EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(opt->positional[0], "-") && !strcmp(opt->positional[1], "-"))
		return err_r(EXIT_USAGE,
			     "standard input can be only one of the two recordings; give "
			     "a file for the other");
	if (side_read(&a, opt->positional[0]) || side_read(&b, opt->positional[1]))
		return EXIT_FAILED;
	if (diff__compare(&d, &a.samples, &b.samples, opt->threshold))
		return err_r(EXIT_FAILED, "out of memory");
	if (show(opt, &d, &a, &b))
		return EXIT_FAILED;
	if (d.has_threshold && !d.nr_gated)
		return err_r(EXIT_FAILED,
			     "no time could be compared, so that --threshold has nothing "
			     "to decide on; record the same orders, and at least %d "
			     "intervals in each",
			     DIFF_SLOTS_MIN);
	return d.regressions ? EXIT_REGRESSION : EXIT_DONE;
}
