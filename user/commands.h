/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands; each returns an enum exit_status and has logged why. */
#ifndef USER_COMMANDS_H
#define USER_COMMANDS_H

#include "options.h"

int cmd_run__run(const struct options *opt);
/* NULL in a build without the libraries that it needs. */
int cmd_serve__run(const struct options *opt) __attribute__((weak));
int cmd_holders__run(const struct options *opt);
int cmd_doctor__run(const struct options *opt);
int cmd_load__run(const struct options *opt);
int cmd_record__run(const struct options *opt);
int cmd_report__run(const struct options *opt);
int cmd_diff__run(const struct options *opt);

#endif
