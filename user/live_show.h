/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_LIVE_SHOW_H
#define ZEROSCOPE_LIVE_SHOW_H

/* The live view on a terminal: what live.h knows, drawn through screen.h. */

#include "live.h"
#include "options.h"
#include "slow.h"

struct live_show;

/*
 * Can and should this process show it: a terminal on both sides, and nothing
 * else asked for? Says nothing.
 */
bool live_show__wanted(const struct run_options *opt);

/*
 * Takes over the terminal. name is what is shown, besides numbers: a file or
 * an address; NULL: nothing. While it is open, messages of log.h go to its last
 * line, and again to stderr when it is closed. 0; or -errno after a sentence.
 */
int live_show__open(const struct run_options *opt, enum live_source source, const char *name,
		    struct live_show **out);
void live_show__close(struct live_show **show);
#define _cleanup_live_show_ __attribute__((cleanup(live_show__close)))

/* The model; live_show__draw() shows what was done to it. */
struct live *live_show__live(struct live_show *show);
void live_show__draw(struct live_show *show);

/* Readable when live_show__input() has something to do. */
int live_show__fd(const struct live_show *show);

/* Handles all keys that wait. The last request that concerns the caller. */
enum live_request live_show__input(struct live_show *show);

/* The line for a clear that was slower than --slower-than. */
void live_show__slow(struct live_show *show, const struct slow_clear *s);

/* The sources other than a session. Both return an enum exit_status. */
int live_play__run(const struct options *opt);
/* Not in the static tool: NULL. */
int live_connect__run(const struct options *opt) __attribute__((weak));

#endif /* ZEROSCOPE_LIVE_SHOW_H */
