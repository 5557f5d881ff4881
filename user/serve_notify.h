/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_NOTIFY_H
#define USER_SERVE_NOTIFY_H

/* What systemd is told (sd_notify(3)); nothing happens where no systemd started us. */

#include <stdint.h>

struct notifier {
	int fd;		      /* -1: nobody listens */
	uint64_t watchdog_ns; /* how often it wants a sign of life; 0: never */
};

/* Call it before privileges are given up: the socket stays connected. */
void notifier__open(struct notifier *n);
void notifier__close(struct notifier *n);

/* "READY=1", "WATCHDOG=1" … */
void notifier__tell(const struct notifier *n, const char *state);

#endif /* USER_SERVE_NOTIFY_H */
