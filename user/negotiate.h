/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_NEGOTIATE_H
#define USER_NEGOTIATE_H

/* Which form of the metrics a client asks for, by the headers of its request. */

#include <stdbool.h>

#include "exposition.h"

/*
 * The best of what an Accept header names, by its q-values; text 0.0.4 where it
 * names nothing that is known, or is NULL. protobuf: that form may be chosen.
 */
enum exposition_format negotiate__format(const char *accept, bool protobuf);

/* Does an Accept-Encoding header (may be NULL) allow gzip? */
bool negotiate__gzip(const char *accept_encoding);

#endif /* USER_NEGOTIATE_H */
