// SPDX-License-Identifier: GPL-2.0-only
#include "commands.h"

int main(int argc, char **argv)
{
	const command_fn handlers[CMD_COUNT] = {
		[CMD_RUN] = cmd_run__run,	  [CMD_SERVE] = cmd_serve__run,
		[CMD_HOLDERS] = cmd_holders__run, [CMD_DOCTOR] = cmd_doctor__run,
		[CMD_LOAD] = cmd_load__run,	  [CMD_RECORD] = cmd_record__run,
		[CMD_REPORT] = cmd_report__run,	  [CMD_DIFF] = cmd_diff__run,
	};

	return options__main(argc, argv, handlers);
}
