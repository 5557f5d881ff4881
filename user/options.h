/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_OPTIONS_H
#define ZEROSCOPE_OPTIONS_H

/*
 * The command line. One table of commands and one of options (options.c) are
 * the only place that knows a name: parsing, --help, the manual pages and the
 * shell completions all come out of them. To add an option, add a field below
 * and a row there.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "load.h"
#include "parse.h"

/* The Makefile gives it; this is for builds without it. */
#ifndef ZEROSCOPE_VERSION
#define ZEROSCOPE_VERSION "0.1.0"
#endif

/* Exit status of every command. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,      /* failed while running */
	EXIT_USAGE = 2,	      /* wrong usage */
	EXIT_NOT_ALLOWED = 3, /* this kernel or these privileges do not allow it */
	EXIT_REGRESSION = 4,  /* diff --threshold found one */
};

enum command {
	CMD_NONE = -1, /* in documentation: zeroscope as a whole */
	CMD_RUN,
	CMD_SERVE,
	CMD_HOLDERS,
	CMD_DOCTOR,
	CMD_LOAD,
	CMD_RECORD,
	CMD_REPORT,
	CMD_DIFF,
	CMD_HELP, /* hidden: `zeroscope help COMMAND` */
	CMD_DOCS, /* hidden: writes manual pages and completions */
	CMD_COUNT,
};

/* How the programs are attached, in the order in which they are documented. */
enum tier {
	TIER_AUTO,
	TIER_FSESSION,
	TIER_FENTRY,
	TIER_KPROBE_SESSION,
	TIER_KPROBE,
};

enum color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/* Of serve. The ports from 9100 to 9999 are all taken by other exporters. */
#define SERVE_DEFAULT_PORT "10409"

#define OPTIONS_MAX_PIDS       16
#define OPTIONS_MAX_POSITIONAL 4

#define OPTIONS_MAX_LIST 8

/* The values of an option that can be repeated. */
struct option_list {
	unsigned int nr;
	const char *value[OPTIONS_MAX_LIST];
};

/* How many series a scrape has. */
enum series {
	SERIES_BUDGET, /* at most 1000 samples */
	SERIES_FULL,
};

struct serve_options {
	struct option_list listen; /* none: the default address */
	const char *telemetry_path;
	const char *web_config;	   /* NULL: no TLS, no passwords */
	unsigned int max_requests; /* scrapes at a time; 0: any number */
	bool systemd_socket;	   /* listen on what systemd hands over */
	bool allow_insecure;
	const char *user;   /* NULL: nobody, if we are root */
	const char *replay; /* a recording instead of a kernel; NULL: none */
	const char *once;   /* write one body to this file and end; NULL: serve */
	enum series series;
	unsigned int cgroup_series; /* cgroups with a label of their own */
	bool created;
	bool bpf_stats;	   /* sample the run time of the BPF programs */
	int native_schema; /* -1: no native histograms */
};

struct run_options {
	/* Filters; they act in the kernel. */
	pid_t pid[OPTIONS_MAX_PIDS];
	unsigned int pid_count; /* 0: every process */
	const char *cgroup;	/* path below the v2 hierarchy, or its id; NULL: every one */
	const char *comm;	/* at most 15 bytes; NULL: every one */
	int min_order;		/* 0: every one */

	/* Time. */
	uint64_t interval_ns;	 /* default 1 s, never 0 */
	uint64_t duration_ns;	 /* 0: until interrupted */
	uint64_t slower_than_ns; /* 0: no stream of slow clears */

	/* What is measured, and how. */
	bool allocator;
	bool no_gaps;
	bool fault_share;
	enum tier tier;
	const char *btf; /* NULL: the kernel's own */

	/* How it is shown. */
	bool json;
	bool plain; /* blocks on a terminal, too */
	bool cumulative;
	bool ascii;
	enum color color;
	int verbose; /* the number of -v */

	int ready_fd; /* -1: none; else a descriptor that is open */
};

/* Whether it was said what is to be measured, or how: a filter, a tier, a part of it. */
bool options__choose_measurement(const struct run_options *opt);

/*
 * Everything a command needs to know. Strings point into argv, which must
 * outlive it; there is nothing to free.
 */
struct options {
	enum command command;
	bool help;    /* -h: print help of `command` (CMD_NONE: of all) and end */
	bool version; /* -V */

	struct run_options run;	    /* of every command but load */
	struct load_options load;   /* of load */
	struct serve_options serve; /* of serve */

	bool csv;	     /* report --csv */
	bool openmetrics;    /* report --openmetrics */
	const char *output;  /* record -o; "-" is standard output */
	const char *connect; /* run: an exporter to look at; NULL: measure here */
	bool play;	     /* report: in the live view */
	double speed;	     /* of playing */
	double threshold;    /* diff --threshold as a fraction, 0.05 for 5%; -1: none */

	/* report FILE, diff A B: the right number of them was given. */
	const char *positional[OPTIONS_MAX_POSITIONAL];
	int positional_count;

	/* record ... -- COMMAND: NULL-terminated as execvp() wants it; NULL: none. */
	char *const *exec;
	int exec_count;

	bool command_given; /* a command word was there; without one it is `run` */
};

/* All defaults of the command. */
void options__init(struct options *opt, enum command command);

/*
 * Parses a command line; argv[argc] must be NULL, as for main(). 0, or -EINVAL
 * with one sentence in err; opt is then filled up to the error, and
 * opt->command is the command that was meant, CMD_NONE if that is not known.
 * Parsing ends at --help or --version: what follows is not looked at. Prints
 * nothing.
 */
int options__parse(int argc, char *const *argv, struct options *opt, struct parse_error *err);

/* What a command does; returns an enum exit_status. */
typedef int (*command_fn)(const struct options *opt);

/*
 * The whole of main(): parses, prints usage errors, help, version and
 * documentation itself, sets the verbosity of messages, and calls the handler
 * of the command. A command without a handler is not in this build. Returns
 * the exit status.
 */
int options__main(int argc, char *const *argv, const command_fn handlers[CMD_COUNT]);

/* "load"; "zeroscope" for CMD_NONE. */
const char *options__command_name(enum command command);

/* CMD_NONE where there is none of that name. */
enum command options__find_command(const char *name);

/* "kprobe.session" */
const char *options__tier_name(enum tier tier);

/* At most 80 columns. CMD_NONE prints the overview. */
void options__print_help(FILE *out, enum command command);

/* A page for section 1 in man(7) macros; CMD_NONE prints zeroscope(1). */
void options__print_man(FILE *out, enum command command);

/* shell is "bash", "zsh" or "fish"; -EINVAL for another. */
int options__print_completion(FILE *out, const char *shell);

/*
 * The table, for tests that hold documentation against it. Calls fn for each
 * option that the command takes, in the order of the table; long_name has no
 * dashes, short_name is 0 where there is none, metavar NULL for a flag.
 */
struct option_info {
	const char *long_name;
	char short_name;
	const char *metavar;
	const char *help;
	const char *manual;
	const struct parse_name *names; /* the values that it can have, or NULL */
};

void options__for_each(enum command command, void (*fn)(const struct option_info *info, void *arg),
		       void *arg);

#endif /* ZEROSCOPE_OPTIONS_H */
