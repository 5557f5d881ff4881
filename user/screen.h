/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_SCREEN_H
#define ZEROSCOPE_SCREEN_H

/*
 * The terminal that cells are shown on, through ncurses: the only file that
 * knows it. The terminal is given back as it was on close, on suspend, and when
 * the process dies of a fault; SIGINT, SIGTERM and SIGHUP are the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cells.h"

struct screen;

/*
 * Takes over the terminal on standard input and output. One at a time. 0, or
 * -errno with a sentence in why: -ENOTTY, -ENOTSUP (this TERM is not described
 * or cannot address its cells).
 */
int screen__open(bool color, struct screen **out, char *why, size_t why_size);
/* Gives it back. */
void screen__close(struct screen **s);
#define _cleanup_screen_ __attribute__((cleanup(screen__close)))

void screen__size(const struct screen *s, int *rows, int *cols);
/* Are there colours enough for PAINT_HEAT? */
bool screen__has_ramp(const struct screen *s);

/* Shows what has changed since the last time. */
void screen__show(struct screen *s, const struct cells *c);
/* The next screen__show() draws everything. */
void screen__forget(struct screen *s);

/* Readable when screen__next() has something to say. */
int screen__fd(const struct screen *s);

enum screen_event {
	SCREEN_NOTHING,
	SCREEN_KEY,	/* *key: a character of Unicode, or an enum live_key_code */
	SCREEN_CHANGED, /* another size, or it has to be drawn anew */
	SCREEN_GONE,	/* nobody is there any more */
};

/* Handles what came in; a suspended process returns when it is continued. */
enum screen_event screen__next(struct screen *s, uint32_t *key);

#endif /* ZEROSCOPE_SCREEN_H */
