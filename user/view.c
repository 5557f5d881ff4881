// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "interval_json.h"
#include "util.h"

/* NO_COLOR, if it is not empty, wins over everything but --color=always. */
bool view__color(const struct run_options *opt, bool tty)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (opt->color != COLOR_AUTO)
		return opt->color == COLOR_ALWAYS;
	return tty && !(no_color && *no_color) && term && strcmp(term, "dumb");
}

bool view__ascii(const struct run_options *opt)
{
	setlocale(LC_CTYPE, "");
	return opt->ascii || strcmp(nl_langinfo(CODESET), "UTF-8");
}

void view__init(struct view *v, const struct run_options *opt, FILE *out)
{
	bool tty = isatty(fileno(out));
	struct winsize size;

	memset(v, 0, sizeof(*v));
	v->out = out;
	v->json = opt->json;
	v->cumulative = opt->cumulative;
	v->plain.ascii = view__ascii(opt);
	v->plain.color = view__color(opt, tty);
	v->plain.verbose = opt->verbose;
	if (tty && !ioctl(fileno(out), TIOCGWINSZ, &size))
		v->plain.width = size.ws_col;
	json__init(&v->writer, out);
}

void view__free(struct view *v)
{
	json__free(&v->writer);
	kallsyms__free(&v->ksyms);
}

int view__interval(struct view *v, const struct snapshot *interval, const struct snapshot *total)
{
	const struct snapshot *s = v->cumulative ? total : interval;

	if (!v->json)
		return plain__interval(v->out, s, &v->plain);
	interval__json(&v->writer, s, v->cumulative ? INTERVAL_JSON_CUMULATIVE : 0);
	return json__end_line(&v->writer);
}

int view__slow(struct view *v, const struct slow_clear *s)
{
	if (!v->ksyms)
		v->ksyms = kallsyms__new("");
	if (!v->ksyms)
		return -ENOMEM;
	if (v->json)
		return slow__json(&v->writer, s, v->ksyms);
	return slow__plain(v->out, s, v->ksyms, &v->plain);
}

int view__end(struct view *v, const struct snapshot *total)
{
	/* JSON has the sum of its lines; people get it added up. */
	return v->json ? 0 : plain__totals(v->out, total, &v->plain);
}
