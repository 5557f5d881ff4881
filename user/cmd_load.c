// SPDX-License-Identifier: GPL-2.0-only
#include "commands.h"

int cmd_load__run(const struct options *opt)
{
	return load__run(&opt->load);
}
