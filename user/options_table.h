/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_OPTIONS_TABLE_H
#define ZEROSCOPE_OPTIONS_TABLE_H

/*
 * What a row of the command line's two tables says. Only the parser
 * (options.c) and the documentation (options_docs.c) look into them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "util.h"

#define BIT(cmd)    (1U << (cmd))
#define ON_RUN	    BIT(CMD_RUN)
#define ON_SERVE    BIT(CMD_SERVE)
#define ON_HOLDERS  BIT(CMD_HOLDERS)
#define ON_DOCTOR   BIT(CMD_DOCTOR)
#define ON_LOAD	    BIT(CMD_LOAD)
#define ON_RECORD   BIT(CMD_RECORD)
#define ON_REPORT   BIT(CMD_REPORT)
#define ON_DIFF	    BIT(CMD_DIFF)
#define ON_MEASURE  (ON_RUN | ON_SERVE | ON_RECORD)
#define ON_TERMINAL (ON_RUN | ON_HOLDERS | ON_DOCTOR | ON_REPORT | ON_DIFF)
#define ON_ALL	    (ON_MEASURE | ON_TERMINAL | ON_LOAD)
#define ON_HIDDEN   (BIT(CMD_HELP) | BIT(CMD_DOCS))

enum positional_kind {
	POS_NONE,
	POS_FILE,
	POS_WORD,
};

struct command_desc {
	const char *name;
	const char *summary;	 /* one line, no full stop */
	const char *operands;	 /* what follows [OPTION]... in the synopsis */
	const char *description; /* paragraphs, parted by a newline */
	const char *examples;	 /* "command\nwhat it does\n", repeated; NULL: none */
	enum positional_kind positional;
	int positional_min, positional_max;
	bool exec; /* takes -- COMMAND... */
	bool hidden;
};

enum option_kind {
	OPT_HELP,
	OPT_VERSION,
	OPT_FLAG,    /* bool, becomes true */
	OPT_COUNT,   /* int, one more each time */
	OPT_TIME,    /* uint64_t in ns */
	OPT_U64,     /* uint64_t */
	OPT_UINT,    /* unsigned int */
	OPT_INT,     /* int */
	OPT_DOUBLE,  /* double */
	OPT_PERCENT, /* double, a fraction */
	OPT_ORDER,   /* int */
	OPT_ENUM,    /* an enum */
	OPT_STRING,  /* const char *, not empty */
	OPT_FILE,    /* the same, completed as a file */
	OPT_DIR,     /* the same, completed as a directory */
	OPT_COMM,    /* const char *, no longer than a comm */
	OPT_LIST,    /* struct option_list, may be repeated */
	OPT_PIDS,    /* run.pid and run.pid_count */
	OPT_FD,	     /* int, a descriptor that is open */
};

struct option_desc {
	const char *name;
	char short_name; /* 0: none */
	enum option_kind kind;
	const char *metavar; /* NULL: takes no value */
	unsigned int on;     /* the commands that take it */
	size_t offset;	     /* of the field in struct options */
	double lo, hi;	     /* bounds in the unit of the field */
	const struct parse_name *names;
	const char *deflt;   /* as it would be written; NULL: none */
	unsigned int needed; /* the commands that cannot do without; strings only */
	const char *help;    /* one line, no full stop */
	const char *manual;  /* sentences */
};

extern const struct command_desc options_commands[CMD_COUNT];
extern const struct option_desc options_table[];
extern const struct option_desc *const options_table_end;
extern const struct parse_name options_tier_names[];

#define for_each_option(o)                                                                         \
	for (const struct option_desc *o = options_table; o < options_table_end; o++)

#define for_each_command(c) for (enum command c = CMD_RUN; c < CMD_COUNT; c++)

static inline bool command_takes(enum command command, const struct option_desc *o)
{
	return o->on & BIT(command);
}

/* Every documented command takes it. */
static inline bool is_common(const struct option_desc *o)
{
	return (o->on & ON_ALL) == ON_ALL;
}

#endif /* ZEROSCOPE_OPTIONS_TABLE_H */
