/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output of `run` and of `report`: plain blocks or JSON lines, as the
 * options say. The two commands differ only in where intervals come from.
 */
#ifndef USER_VIEW_H
#define USER_VIEW_H

#include <stdio.h>

#include "json.h"
#include "options.h"
#include "plain.h"
#include "slow.h"
#include "snapshot.h"

struct view {
	FILE *out; /* not owned */
	bool json;
	bool cumulative;
	struct plain_options plain;
	struct json_writer writer;
	struct kallsyms *ksyms; /* made with the first slow clear */
};

/* Nothing but ASCII: asked for, or all that the locale can. Sets LC_CTYPE. */
bool view__ascii(const struct run_options *opt);
/* Colours, on what is a terminal or not: --color, NO_COLOR and TERM decide. */
bool view__color(const struct run_options *opt, bool tty);

/* out must outlive the view. Colours and width are those of out, if it is a terminal. */
void view__init(struct view *v, const struct run_options *opt, FILE *out);
void view__free(struct view *v);
#define _cleanup_view_ __attribute__((cleanup(view__free)))

/* 0 or -errno; -EPIPE: the reader went away. */
int view__interval(struct view *v, const struct snapshot *interval, const struct snapshot *total);
int view__slow(struct view *v, const struct slow_clear *s);
int view__end(struct view *v, const struct snapshot *total);

#endif
