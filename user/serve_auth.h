/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_AUTH_H
#define USER_SERVE_AUTH_H

/* Names and passwords of HTTP Basic (RFC 7617), and how many requests a time has room for. */

#include <stdbool.h>
#include <stdint.h>

#include "serve_config.h"

#define AUTH_CACHE 32

struct auth {
	/* Verdicts: a hash takes 50 ms to compare, and a server asks every few seconds. */
	struct {
		uint8_t of[32]; /* SHA-256 of name, hash and password */
		bool used, good;
	} cache[AUTH_CACHE];
	unsigned int next;
	double tokens; /* of the rate limit */
	uint64_t counted_ns;
};

/*
 * Does the Authorization header (NULL: none) name a user of the configuration?
 * True where it has none. It takes as long for an unknown user as for a wrong
 * password.
 */
bool auth__allows(struct auth *a, const struct web_config *c, const char *header);

/* May one more request be answered now (CLOCK_MONOTONIC)? */
bool auth__has_room(struct auth *a, const struct web_config *c, uint64_t now_ns);

/* For tests: cuts a header into name and password, both of size bytes. False: it is none. */
bool auth__decode(const char *header, char *name, char *password, size_t size);

#endif /* USER_SERVE_AUTH_H */
