// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "log.h"
#include "util.h"

#define COLUMNS	     80
#define TASK_COMM_MAX 15	/* TASK_COMM_LEN without its NUL */
#define PID_MAX	     4194304 /* PID_MAX_LIMIT of 64-bit kernels */
#define DAY_NS	     (24 * 3600 * NSEC_PER_SEC)

/* --- The tables -------------------------------------------------------------------------- */

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

static const struct command_desc commands[CMD_COUNT] = {
	[CMD_RUN] = {
		.name = "run",
		.summary = "measure and show it here until interrupted (the default)",
		.operands = "",
		.description =
			"Attaches to the kernel and shows, interval by interval, how long it takes to "
			"clear huge pages, who waited meanwhile, and who holds the huge zero folio: a "
			"live view on a terminal, plain blocks elsewhere, one JSON object a line with "
			"--json.\n"
			"Nothing is counted before every probe is attached. Then one line, "
			"\"attached: ...\", goes to standard error; scripts should wait for it, or use "
			"--ready-fd.\n"
			"The time of a clear is wall time from entry to return: it includes interrupts, "
			"preemption, and time that a hypervisor took away.",
		.examples = "zeroscope run -i 5s --min-order 9\n"
			    "Clears of 2 MiB and more, in blocks of five seconds.\n"
			    "zeroscope run -d 1m --json >clears.jsonl\n"
			    "One minute as JSON, one object a second.\n"
			    "zeroscope run --slower-than 1ms -p 4242\n"
			    "Each clear of process 4242 that took longer than a millisecond.\n",
	},
	[CMD_SERVE] = {
		.name = "serve",
		.summary = "export the measurements to Prometheus",
		.operands = "",
		.description = "Attaches to the kernel as run does and answers scrapes of Prometheus "
			       "until it is stopped. The numbers are totals since it attached.",
	},
	[CMD_HOLDERS] = {
		.name = "holders",
		.summary = "who holds the huge zero folio now",
		.operands = "",
		.description =
			"Lists the processes that hold a reference on the huge zero folio, since when, "
			"how much memory that pins, and whether the kernel's shrinker tried to free it "
			"and was refused. Leaves nothing running behind.",
		.examples = "zeroscope holders --json\n"
			    "The list for a script.\n",
	},
	[CMD_DOCTOR] = {
		.name = "doctor",
		.summary = "what can be measured here, and what would help",
		.operands = "",
		.description =
			"Says of each probe whether this kernel offers it, by which tier it can be "
			"attached, and if not, why and what would help. Shows the preemption model and "
			"where it was read, init_on_alloc, the configuration of transparent huge pages "
			"and of the huge zero folio, capabilities and lockdown. Without privileges it "
			"says as much as it can.",
	},
	[CMD_LOAD] = {
		.name = "load",
		.summary = "fault huge pages, to give the probes something to see",
		.operands = "",
		.description =
			"Faults folios of a chosen kind and order, checks that each byte of them is "
			"zero, and reports how many of each order the kernel really gave. The memory is "
			"dirtied before, so that a page which was not cleared is noticed.",
		.examples = "zeroscope load --kind thp --count 512\n"
			    "512 transparent huge pages from one thread.\n"
			    "zeroscope load --kind mthp --order 4 --count 10000 --threads 4\n"
			    "10000 folios of 64 KiB (of 4 KiB pages) from four threads.\n"
			    "zeroscope load --read --hold 10s\n"
			    "Maps the huge zero folio and keeps it for ten seconds.\n",
	},
	[CMD_RECORD] = {
		.name = "record",
		.summary = "save a run to a file",
		.operands = "-o FILE [-- COMMAND [ARG]...]",
		.description =
			"Measures as run does and appends a snapshot of every counter to FILE after each "
			"interval, at full resolution. The file can be read up to its last whole interval "
			"even if the recording is killed or the disk is full.\n"
			"With a COMMAND, the recording lasts as long as the command runs.",
		.examples = "zeroscope record -o before.zs -d 5m\n"
			    "Five minutes of this machine.\n"
			    "zeroscope record -o make.zs -- make -j8\n"
			    "Just as long as the command runs.\n",
		.exec = true,
	},
	[CMD_REPORT] = {
		.name = "report",
		.summary = "show a recording as run would have",
		.operands = "FILE",
		.description = "Renders a recording on any machine, without privileges.",
		.examples = "zeroscope report before.zs\n"
			    "The blocks that run would have shown.\n",
		.positional = POS_FILE,
		.positional_min = 1,
		.positional_max = 1,
	},
	[CMD_DIFF] = {
		.name = "diff",
		.summary = "compare two recordings",
		.operands = "A B",
		.description =
			"Compares recording B with recording A, by order and quantity: difference and "
			"ratio with a confidence interval, and a verdict where the data allow one.",
		.examples = "zeroscope diff before.zs after.zs --threshold 5%\n"
			    "Exit status 4 if B is slower by more than five percent.\n",
		.positional = POS_FILE,
		.positional_min = 2,
		.positional_max = 2,
	},
	[CMD_HELP] = {
		.name = "help",
		.summary = "print help on a command",
		.operands = "[COMMAND]",
		.description = "Prints the same as zeroscope COMMAND --help.",
		.positional = POS_WORD,
		.positional_max = 1,
		.hidden = true,
	},
	[CMD_DOCS] = {
		.name = "__docs",
		.summary = "write the manual pages and shell completions",
		.operands = "man [COMMAND] | completion SHELL",
		.description = "Used when the package is built.",
		.positional = POS_WORD,
		.positional_min = 1,
		.positional_max = 2,
		.hidden = true,
	},
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
	const char *deflt;  /* as it would be written; NULL: none */
	unsigned int needed; /* the commands that cannot do without; strings only */
	const char *help;   /* one line, no full stop */
	const char *manual; /* sentences */
};

/* The offset of a field whose type the kind of option writes. */
#define FIELD(field, type)                                                                         \
	(offsetof(struct options, field) +                                                         \
	 0 * sizeof(char[__builtin_types_compatible_p(                                             \
				 __typeof__(((struct options *)0)->field), type)                   \
				 ? 1                                                               \
				 : -1]))

/* Enums are written through an int. */
_Static_assert(sizeof(enum tier) == sizeof(int), "enum tier");
_Static_assert(sizeof(enum color) == sizeof(int), "enum color");
_Static_assert(sizeof(enum load_kind) == sizeof(int), "enum load_kind");
_Static_assert(sizeof(enum load_touch) == sizeof(int), "enum load_touch");

static const struct parse_name tier_names[] = {
	{"auto", TIER_AUTO, "the one that loses least here, then the cheapest"},
	{"fsession", TIER_FSESSION, "one trampoline program for entry and return"},
	{"fentry", TIER_FENTRY, "a trampoline program each for entry and return"},
	{"kprobe.session", TIER_KPROBE_SESSION, "one program on a function probe"},
	{"kprobe", TIER_KPROBE, "a kprobe and a kretprobe"},
	{NULL, 0, NULL},
};

static const struct parse_name color_names[] = {
	{"auto", COLOR_AUTO, "on a terminal that has colours, unless NO_COLOR is set"},
	{"always", COLOR_ALWAYS, "even into a pipe"},
	{"never", COLOR_NEVER, "not at all"},
	{NULL, 0, NULL},
};

static const struct parse_name kind_names[] = {
	{"thp", LOAD_THP, "transparent huge pages of the size of a PMD"},
	{"mthp", LOAD_MTHP, "smaller transparent huge pages, of --order"},
	{"hugetlb", LOAD_HUGETLB, "pages of the hugetlb pool"},
	{"shmem", LOAD_SHMEM, "shared anonymous memory"},
	{"memfd-hugetlb", LOAD_MEMFD_HUGETLB, "pages of the hugetlb pool through a memfd"},
	{NULL, 0, NULL},
};

static const struct parse_name touch_names[] = {
	{"first", TOUCH_FIRST, "the first page of each folio"},
	{"last", TOUCH_LAST, "the last page of each folio"},
	{"random", TOUCH_RANDOM, "any page of each folio"},
	{NULL, 0, NULL},
};

static const struct option_desc option_table[] = {
	/* Which clears. */
	{
		.name = "pid",
		.short_name = 'p',
		.kind = OPT_PIDS,
		.metavar = "PID",
		.on = ON_MEASURE,
		.lo = 1,
		.hi = PID_MAX,
		.help = "only clears of this process; repeat it for several",
		.manual = "Only clears that happen in process PID (all of its threads). Several can be "
			  "given, in one argument with commas or by repeating the option, up to 16.",
	},
	{
		.name = "cgroup",
		.short_name = 'c',
		.kind = OPT_DIR,
		.metavar = "CGROUP",
		.on = ON_MEASURE,
		.offset = FIELD(run.cgroup, const char *),
		.help = "only clears of this cgroup, a v2 path or an id",
		.manual = "Only clears of tasks in CGROUP, given as the path of its directory in the "
			  "version 2 hierarchy or as its id.",
	},
	{
		.name = "comm",
		.kind = OPT_COMM,
		.metavar = "NAME",
		.on = ON_MEASURE,
		.offset = FIELD(run.comm, const char *),
		.help = "only clears of tasks of this name",
		.manual = "Only clears of tasks whose name is NAME. The kernel keeps 15 bytes of a name.",
	},
	{
		.name = "min-order",
		.kind = OPT_ORDER,
		.metavar = "N",
		.on = ON_MEASURE,
		.offset = FIELD(run.min_order, int),
		.deflt = "0",
		.help = "only clears of folios of this order or above",
		.manual = "Only clears of folios of order N or above; a folio of order N has 2^N pages.",
	},

	/* When. */
	{
		.name = "interval",
		.short_name = 'i',
		.kind = OPT_TIME,
		.metavar = "TIME",
		.on = ON_RUN | ON_RECORD,
		.offset = FIELD(run.interval_ns, uint64_t),
		.lo = NSEC_PER_MSEC,
		.hi = (double)DAY_NS,
		.deflt = "1s",
		.help = "length of an interval",
		.manual = "Time between two snapshots. Counters are never reset: an interval is the "
			  "difference of two snapshots.",
	},
	{
		.name = "duration",
		.short_name = 'd',
		.kind = OPT_TIME,
		.metavar = "TIME",
		.on = ON_RUN | ON_RECORD,
		.offset = FIELD(run.duration_ns, uint64_t),
		.lo = NSEC_PER_MSEC,
		.hi = 365.0 * (double)DAY_NS,
		.help = "end after this time, not when interrupted",
		.manual = "End after TIME. Without it the command ends when it is interrupted.",
	},
	{
		.name = "slower-than",
		.kind = OPT_TIME,
		.metavar = "TIME",
		.on = ON_RUN,
		.offset = FIELD(run.slower_than_ns, uint64_t),
		.lo = 1,
		.hi = (double)DAY_NS,
		.help = "show each clear that takes longer, as it happens",
		.manual = "Show each clear that takes longer than TIME, with its task, CPU, node and "
			  "kernel stack. Histograms are not filtered by it. Clears for which the buffer "
			  "had no room are counted and reported.",
	},

	/* What. */
	{
		.name = "allocator",
		.kind = OPT_FLAG,
		.on = ON_MEASURE,
		.offset = FIELD(run.allocator, bool),
		.help = "measure the page allocator's own zeroing too",
		.manual = "Measure the zeroing that the page allocator does because of init_on_alloc=1 "
			  "too. It adds a probe to each allocation that zeroes, of single pages too.",
	},
	{
		.name = "no-gaps",
		.kind = OPT_FLAG,
		.on = ON_MEASURE,
		.offset = FIELD(run.no_gaps, bool),
		.help = "leave out the context switch program",
		.manual = "Attach no program to context switches. The durations of the gaps in clears "
			  "are then not measured; their number and sum still are, where the kernel keeps "
			  "them for each task.",
	},
	{
		.name = "fault-share",
		.kind = OPT_FLAG,
		.on = ON_MEASURE,
		.offset = FIELD(run.fault_share, bool),
		.help = "measure which part of a page fault clearing is",
		.manual = "Measure the time of huge page faults too, and the share that clearing has in it.",
	},
	{
		.name = "tier",
		.kind = OPT_ENUM,
		.metavar = "TIER",
		.on = ON_MEASURE | ON_HOLDERS,
		.offset = FIELD(run.tier, enum tier),
		.names = tier_names,
		.deflt = "auto",
		.help = "how to attach",
		.manual = "Attach in this way and in no other; the command fails if the kernel does not "
			  "offer it.",
	},
	{
		.name = "btf",
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_MEASURE | ON_HOLDERS | ON_DOCTOR,
		.offset = FIELD(run.btf, const char *),
		.help = "type information of this kernel, if it carries none",
		.manual = "Read the kernel's type information from FILE, for kernels that were built "
			  "without /sys/kernel/btf/vmlinux.",
	},

	/* The workload. */
	{
		.name = "kind",
		.kind = OPT_ENUM,
		.metavar = "KIND",
		.on = ON_LOAD,
		.offset = FIELD(load.kind, enum load_kind),
		.names = kind_names,
		.deflt = "thp",
		.help = "kind of memory to fault",
		.manual = "What kind of memory to fault.",
	},
	{
		.name = "order",
		.kind = OPT_ORDER,
		.metavar = "N",
		.on = ON_LOAD,
		.offset = FIELD(load.order, int),
		.help = "order of the folios, 9 is 2 MiB of 4 KiB pages",
		.manual = "Order of the folios: each has 2^N pages. By default it is that of a PMD, or "
			  "of the default huge page size for the hugetlb kinds.",
	},
	{
		.name = "count",
		.kind = OPT_U64,
		.metavar = "N",
		.on = ON_LOAD,
		.offset = FIELD(load.count, uint64_t),
		.lo = 1,
		.hi = 1e12,
		.deflt = "64",
		.help = "folios in all",
		.manual = "How many folios to fault, over all threads together.",
	},
	{
		.name = "threads",
		.kind = OPT_UINT,
		.metavar = "N",
		.on = ON_LOAD,
		.offset = FIELD(load.threads, unsigned int),
		.lo = 1,
		.hi = 4096,
		.deflt = "1",
		.help = "threads that share the work",
		.manual = "Share the work between N threads.",
	},
	{
		.name = "touch",
		.kind = OPT_ENUM,
		.metavar = "WHERE",
		.on = ON_LOAD,
		.offset = FIELD(load.touch, enum load_touch),
		.names = touch_names,
		.deflt = "first",
		.help = "page of a folio that is touched",
		.manual = "Which page of a folio causes the fault.",
	},
	{
		.name = "read",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.read, bool),
		.help = "read instead of write: maps the huge zero folio",
		.manual = "Fault by reading. An anonymous read fault maps the huge zero folio where the "
			  "kernel uses one, and clears nothing.",
	},
	{
		.name = "node",
		.kind = OPT_INT,
		.metavar = "N",
		.on = ON_LOAD,
		.offset = FIELD(load.node, int),
		.lo = 0,
		.hi = 1023,
		.help = "NUMA node to allocate from",
		.manual = "Allocate from NUMA node N alone.",
	},
	{
		.name = "rate",
		.kind = OPT_DOUBLE,
		.metavar = "N",
		.on = ON_LOAD,
		.offset = FIELD(load.rate, double),
		.lo = 0.001,
		.hi = 1e9,
		.help = "faults a second over all threads, else flat out",
		.manual = "Fault N folios a second, over all threads together. Without it, as fast as "
			  "the machine allows.",
	},
	{
		.name = "hold",
		.kind = OPT_TIME,
		.metavar = "TIME",
		.on = ON_LOAD,
		.offset = FIELD(load.hold_ns, uint64_t),
		.lo = 1,
		.hi = 365.0 * (double)DAY_NS,
		.help = "keep the memory this long before the end",
		.manual = "Keep the memory for TIME after the last fault.",
	},
	{
		.name = "reserve",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.reserve, bool),
		.help = "reserve the hugetlb pages, and give them back",
		.manual = "Grow the hugetlb pool by what is needed and shrink it again at the end. Needs "
			  "root.",
	},
	{
		.name = "reread",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.reread, bool),
		.help = "time reading back what was cleared",
		.manual = "After each fault, time a first read around the faulting address and a pass "
			  "over the whole folio: the cost of what clearing left out of the caches.",
	},
	{
		.name = "pmu",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.pmu, bool),
		.help = "count cycles and cache misses of each fault",
		.manual = "Count CPU cycles and last-level cache misses of each fault, where the machine "
			  "has the counters and lets them be read.",
	},

	/* Files. */
	{
		.name = "output",
		.short_name = 'o',
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_RECORD,
		.offset = FIELD(output, const char *),
		.needed = ON_RECORD,
		.help = "the recording to append to",
		.manual = "The file to append to; it is created where it does not exist. \"-\" is "
			  "standard output.",
	},
	{
		.name = "threshold",
		.kind = OPT_PERCENT,
		.metavar = "PERCENT",
		.on = ON_DIFF,
		.offset = FIELD(threshold, double),
		.lo = 0,
		.hi = 10000,
		.help = "exit with 4 if B is slower by more than this",
		.manual = "End with exit status 4 if something in B is slower than in A by more than "
			  "PERCENT, such as 5%, and chance does not explain it.",
	},

	/* How it is shown. */
	{
		.name = "json",
		.kind = OPT_FLAG,
		.on = ON_RUN | ON_HOLDERS | ON_DOCTOR | ON_REPORT | ON_DIFF,
		.offset = FIELD(run.json, bool),
		.help = "JSON, one object a line",
		.manual = "Write JSON, one object a line. What was not measured is null.",
	},
	{
		.name = "json",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.json, bool),
		.help = "JSON, one object a line",
		.manual = "Write the result as one JSON object.",
	},
	{
		.name = "cumulative",
		.kind = OPT_FLAG,
		.on = ON_RUN | ON_REPORT,
		.offset = FIELD(run.cumulative, bool),
		.help = "totals since attach instead of intervals",
		.manual = "Show totals since the probes were attached instead of the differences between "
			  "snapshots.",
	},
	{
		.name = "ascii",
		.kind = OPT_FLAG,
		.on = ON_TERMINAL,
		.offset = FIELD(run.ascii, bool),
		.help = "no character outside ASCII",
		.manual = "Draw with ASCII alone. This is the default where the locale is not UTF-8.",
	},
	{
		.name = "color",
		.kind = OPT_ENUM,
		.metavar = "WHEN",
		.on = ON_TERMINAL,
		.offset = FIELD(run.color, enum color),
		.names = color_names,
		.deflt = "auto",
		.help = "when to use colours",
		.manual = "When to use colours.",
	},
	{
		.name = "ready-fd",
		.kind = OPT_FD,
		.metavar = "N",
		.on = ON_MEASURE,
		.offset = FIELD(run.ready_fd, int),
		.lo = 0,
		.hi = INT_MAX,
		.help = "write a line to this descriptor when attached",
		.manual = "When every probe is attached, write \"READY\" and a newline to descriptor N, "
			  "which the caller opened, and close it.",
	},
	{
		.name = "verbose",
		.short_name = 'v',
		.kind = OPT_COUNT,
		.on = ON_ALL | ON_HIDDEN,
		.offset = FIELD(run.verbose, int),
		.help = "more messages; -vv for those of libbpf too",
		.manual = "More messages on standard error. Twice, it shows those of libbpf and of the "
			  "kernel's verifier too.",
	},
	{
		.name = "version",
		.short_name = 'V',
		.kind = OPT_VERSION,
		.on = ON_ALL | ON_HIDDEN,
		.help = "print the version and end",
		.manual = "Print the version and end.",
	},
	{
		.name = "help",
		.short_name = 'h',
		.kind = OPT_HELP,
		.on = ON_ALL | ON_HIDDEN,
		.help = "print this help and end",
		.manual = "Print a summary of the command and its options, and end.",
	},
};

#define for_each_option(o)                                                                         \
	for (const struct option_desc *o = option_table;                                           \
	     o < option_table + ARRAY_SIZE(option_table); o++)

#define for_each_command(c) for (enum command c = CMD_RUN; c < CMD_COUNT; c++)

static bool takes(enum command command, const struct option_desc *o)
{
	return o->on & BIT(command);
}

/* --- Look-ups ---------------------------------------------------------------------------- */

const char *options__command_name(enum command command)
{
	return command == CMD_NONE ? "zeroscope" : commands[command].name;
}

enum command options__find_command(const char *name)
{
	for_each_command(c)
		if (strcmp(commands[c].name, name) == 0)
			return c;
	return CMD_NONE;
}

const char *options__tier_name(enum tier tier)
{
	return parse__enum_name(tier_names, (int)tier);
}

void options__for_each(enum command command, void (*fn)(const struct option_info *info, void *arg),
		       void *arg)
{
	for_each_option(o)
	{
		const struct option_info info = {
			.long_name = o->name,
			.short_name = o->short_name,
			.metavar = o->metavar,
			.help = o->help,
			.manual = o->manual,
			.names = o->names,
		};

		if (takes(command, o))
			fn(&info, arg);
	}
}

/* --- Parsing ----------------------------------------------------------------------------- */

void options__init(struct options *opt, enum command command)
{
	memset(opt, 0, sizeof(*opt));
	opt->command = command;
	opt->run.interval_ns = NSEC_PER_SEC;
	opt->run.ready_fd = -1;
	opt->load.kind = LOAD_THP;
	opt->load.order = -1;
	opt->load.count = 64;
	opt->load.threads = 1;
	opt->load.node = -1;
	opt->threshold = -1;
}

static const struct option_desc *find_long(enum command command, const char *name, size_t len)
{
	for_each_option(o)
		if (takes(command, o) && strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct option_desc *find_short(enum command command, char c)
{
	for_each_option(o)
		if (takes(command, o) && o->short_name == c)
			return o;
	return NULL;
}

/* "`load`", "`run`, `serve` or `record`": the documented commands that take the option. */
static void list_takers(const struct option_desc *option, char *buf, size_t size)
{
	unsigned int on = 0;
	size_t len = 0;

	for_each_option(o)
		if (strcmp(o->name, option->name) == 0)
			on |= o->on & ~ON_HIDDEN;
	buf[0] = '\0';
	for_each_command(c)
	{
		const char *glue = !len ? "" : on >> (c + 1) ? ", " : " or ";

		if (on & BIT(c) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s`%s`", glue,
						commands[c].name);
	}
}

static int foreign_option(enum command command, const struct option_desc *o, const char *as_given,
			  struct parse_error *err)
{
	char takers[120];

	list_takers(o, takers, sizeof(takers));
	return parse__fail(err, "%s is an option of %s, not of `%s`", as_given, takers,
			   commands[command].name);
}

/* An option that the command does not take: another's, mistyped, or unknown. */
static int unknown_long(enum command command, const char *name, size_t len, struct parse_error *err)
{
	const char *names[ARRAY_SIZE(option_table) + 1];
	char word[64], given[72], quote[PARSE_QUOTE_SIZE];
	const char *meant;
	size_t n = 0;

	snprintf(word, sizeof(word), "%.*s", (int)min(len, sizeof(word) - 1), name);
	snprintf(given, sizeof(given), "--%s", word);

	for_each_option(o)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return foreign_option(command, o, given, err);

	for_each_option(o)
		if (takes(command, o))
			names[n++] = o->name;
	names[n] = NULL;
	parse__quote(given, quote);
	meant = parse__suggest(word, names);
	if (meant)
		return parse__fail(err, "unknown option %s (did you mean --%s?)", quote, meant);

	n = 0;
	for_each_option(o)
		if (!takes(command, o))
			names[n++] = o->name;
	names[n] = NULL;
	meant = parse__suggest(word, names);
	for_each_option(o)
	{
		char takers[120];

		if (!meant || strcmp(o->name, meant) != 0)
			continue;
		list_takers(o, takers, sizeof(takers));
		return parse__fail(err, "unknown option %s (did you mean --%s, an option of %s?)",
				   quote, meant, takers);
	}
	return parse__fail(err, "unknown option %s", quote);
}

static int unknown_short(enum command command, char c, struct parse_error *err)
{
	char given[3] = {'-', c, '\0'}, quote[PARSE_QUOTE_SIZE];

	for_each_option(o)
		if (c && o->short_name == c)
			return foreign_option(command, o, given, err);
	return parse__fail(err, "unknown option %s", parse__quote(given, quote));
}

static int parse_pids(const char *name, const struct option_desc *o, const char *value,
		      struct run_options *run, struct parse_error *err)
{
	const char *at = value;

	for (;;) {
		size_t len = strcspn(at, ",");
		char one[32], quote[PARSE_QUOTE_SIZE];
		uint64_t pid;

		/* Too long for a number: let the parser say so, of all of it. */
		if (len >= sizeof(one))
			return parse__u64(name, at, (uint64_t)o->lo, (uint64_t)o->hi, &pid, err);
		memcpy(one, at, len);
		one[len] = '\0';
		if (parse__u64(name, one, (uint64_t)o->lo, (uint64_t)o->hi, &pid, NULL))
			return parse__fail(err,
					   "%s: %s is not a process id; expected a whole number from "
					   "1 to %d, or several with commas between",
					   name, parse__quote(one, quote), PID_MAX);
		if (run->pid_count == OPTIONS_MAX_PIDS)
			return parse__fail(err, "%s: at most %d processes can be chosen; use --cgroup "
						"for more", name, OPTIONS_MAX_PIDS);
		run->pid[run->pid_count++] = (pid_t)pid;
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

static int parse_string(const char *name, const struct option_desc *o, const char *value,
			const char **out, struct parse_error *err)
{
	char quote[PARSE_QUOTE_SIZE];

	if (!*value)
		return parse__fail(err, "%s: the value is empty; expected %s", name, o->metavar);
	if (o->kind == OPT_COMM && strlen(value) > TASK_COMM_MAX)
		return parse__fail(err,
				   "%s: %s is longer than the %d bytes that the kernel keeps of a name; "
				   "expected \"%.*s\"",
				   name, parse__quote(value, quote), TASK_COMM_MAX, TASK_COMM_MAX,
				   value);
	*out = value;
	return 0;
}

static int parse_fd(const char *name, const struct option_desc *o, const char *value, int *out,
		    struct parse_error *err)
{
	uint64_t fd;
	int ret;

	ret = parse__u64(name, value, (uint64_t)o->lo, (uint64_t)o->hi, &fd, err);
	if (ret)
		return ret;
	if (fcntl((int)fd, F_GETFD) < 0)
		return parse__fail(err, "%s: descriptor %d is not open; expected one that the caller "
					"opened", name, (int)fd);
	*out = (int)fd;
	return 0;
}

/* value is NULL for kinds that take none. */
static int apply(struct options *opt, const struct option_desc *o, const char *value,
		 struct parse_error *err)
{
	void *field = (char *)opt + o->offset;
	char name[64];
	uint64_t u;
	int64_t i;
	int ret;

	snprintf(name, sizeof(name), "--%s", o->name);
	switch (o->kind) {
	case OPT_HELP:
		opt->help = true;
		return 0;
	case OPT_VERSION:
		opt->version = true;
		return 0;
	case OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_COUNT:
		/* Nobody types that many, but a fuzzer does. */
		if (*(int *)field < INT_MAX)
			++*(int *)field;
		return 0;
	case OPT_TIME:
		return parse__time(name, value, (uint64_t)o->lo, (uint64_t)o->hi, field, err);
	case OPT_U64:
		return parse__u64(name, value, (uint64_t)o->lo, (uint64_t)o->hi, field, err);
	case OPT_UINT:
		ret = parse__u64(name, value, (uint64_t)o->lo, (uint64_t)o->hi, &u, err);
		if (!ret)
			*(unsigned int *)field = (unsigned int)u;
		return ret;
	case OPT_INT:
		ret = parse__i64(name, value, (int64_t)o->lo, (int64_t)o->hi, &i, err);
		if (!ret)
			*(int *)field = (int)i;
		return ret;
	case OPT_DOUBLE:
		return parse__double(name, value, o->lo, o->hi, field, err);
	case OPT_PERCENT:
		return parse__percent(name, value, o->lo, o->hi, field, err);
	case OPT_ORDER:
		return parse__order(name, value, field, err);
	case OPT_ENUM:
		return parse__enum(name, value, o->names, field, err);
	case OPT_STRING:
	case OPT_FILE:
	case OPT_DIR:
	case OPT_COMM:
		return parse_string(name, o, value, field, err);
	case OPT_PIDS:
		return parse_pids(name, o, value, &opt->run, err);
	case OPT_FD:
		return parse_fd(name, o, value, field, err);
	}
	return parse__fail(err, "%s cannot be parsed", name);
}

/*
 * The value of an option in the next argument. One that looks like an option
 * is not taken, or `--comm --json` would quietly look for a task of that name;
 * "-1" is taken, for the parser to refuse with a better reason.
 */
static int next_value(const struct option_desc *o, const char *next, struct parse_error *err)
{
	bool option_like = next && next[0] == '-' && next[1] && !isdigit((unsigned char)next[1]);

	if (next && !option_like)
		return 0;
	if (next)
		return parse__fail(err, "--%s needs a value; write --%s=%s if it begins with a dash",
				   o->name, o->name, o->metavar);
	return parse__fail(err, "--%s needs a value; write --%s %s", o->name, o->name, o->metavar);
}

/* What is left to read of the command line. */
struct cursor {
	char *const *argv;
	int argc;
	int at;
};

static int parse_long(struct options *opt, struct cursor *cur, struct parse_error *err)
{
	char *arg = cur->argv[cur->at++] + 2;
	char *equals = strchr(arg, '=');
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct option_desc *o = find_long(opt->command, arg, len);
	char *value;
	int ret;

	if (!o)
		return unknown_long(opt->command, arg, len, err);
	if (!o->metavar) {
		if (equals)
			return parse__fail(err, "--%s takes no value; write --%s alone", o->name,
					   o->name);
		return apply(opt, o, NULL, err);
	}
	if (equals)
		return apply(opt, o, equals + 1, err);

	value = cur->at < cur->argc ? cur->argv[cur->at] : NULL;
	ret = next_value(o, value, err);
	if (ret)
		return ret;
	cur->at++;
	return apply(opt, o, value, err);
}

static int parse_shorts(struct options *opt, struct cursor *cur, struct parse_error *err)
{
	char *arg = cur->argv[cur->at++] + 1;
	char *value;
	int ret;

	for (; *arg; arg++) {
		const struct option_desc *o = find_short(opt->command, *arg);

		if (!o)
			return unknown_short(opt->command, *arg, err);
		if (o->metavar) {
			if (arg[1])
				return apply(opt, o, arg + 1, err);
			value = cur->at < cur->argc ? cur->argv[cur->at] : NULL;
			ret = next_value(o, value, err);
			if (ret)
				return ret;
			cur->at++;
			return apply(opt, o, value, err);
		}
		ret = apply(opt, o, NULL, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_positional(const struct options *opt, struct parse_error *err)
{
	const struct command_desc *c = &commands[opt->command];
	char quote[PARSE_QUOTE_SIZE];
	const char *extra;

	if (opt->positional_count < c->positional_min)
		return parse__fail(err, "`%s` needs %s; write zeroscope %s %s", c->name, c->operands,
				   c->name, c->operands);
	if (opt->positional_count <= c->positional_max)
		return 0;

	extra = opt->positional[c->positional_max];
	parse__quote(extra, quote);
	if (c->exec)
		return parse__fail(err, "unexpected argument %s; put -- before the command that is to "
					"be measured", quote);
	if (!c->positional_max && options__find_command(extra) != CMD_NONE)
		return parse__fail(err, "unexpected argument %s; a command comes first: zeroscope %s "
					"[OPTION]...", quote, extra);
	return parse__fail(err, "unexpected argument %s; `%s` takes %s", quote, c->name,
			   c->positional_max ? c->operands : "options alone");
}

static int check_needed(const struct options *opt, struct parse_error *err)
{
	for_each_option(o)
	{
		char letter[8] = "";

		if (!(o->needed & BIT(opt->command)))
			continue;
		if (*(const char *const *)((const char *)opt + o->offset))
			continue;
		if (o->short_name)
			snprintf(letter, sizeof(letter), "-%c or ", o->short_name);
		return parse__fail(err, "`%s` needs %s--%s %s: %s", commands[opt->command].name,
				   letter, o->name, o->metavar, o->help);
	}
	return 0;
}

/* The command word, if the command line begins with one. */
static int parse_command(struct options *opt, struct cursor *cur, struct parse_error *err)
{
	const char *names[CMD_COUNT + 1], *meant, *word;
	char quote[PARSE_QUOTE_SIZE];
	enum command command;
	int n = 0;

	options__init(opt, CMD_RUN);
	if (cur->at >= cur->argc || cur->argv[cur->at][0] == '-')
		return 0;

	word = cur->argv[cur->at];
	command = options__find_command(word);
	if (command != CMD_NONE) {
		cur->at++;
		options__init(opt, command);
		opt->command_given = true;
		return 0;
	}
	opt->command = CMD_NONE;
	for_each_command(c)
		if (!commands[c].hidden)
			names[n++] = commands[c].name;
	names[n] = NULL;
	meant = parse__suggest(word, names);
	parse__quote(word, quote);
	if (meant)
		return parse__fail(err, "unknown command %s (did you mean %s?)", quote, meant);
	return parse__fail(err, "unknown command %s", quote);
}

static void add_positional(struct options *opt, const char *arg)
{
	if (opt->positional_count < OPTIONS_MAX_POSITIONAL)
		opt->positional[opt->positional_count] = arg;
	opt->positional_count++;
}

int options__parse(int argc, char *const *argv, struct options *opt, struct parse_error *err)
{
	struct cursor cur = {.argv = argv, .argc = argc, .at = 1};
	int ret;

	ret = parse_command(opt, &cur, err);
	if (ret)
		return ret;

	while (cur.at < argc && !opt->help && !opt->version) {
		const char *arg = argv[cur.at];

		if (strcmp(arg, "--") == 0) {
			cur.at++;
			break;
		}
		if (strncmp(arg, "--", 2) == 0) {
			ret = parse_long(opt, &cur, err);
		} else if (arg[0] == '-' && arg[1]) {
			ret = parse_shorts(opt, &cur, err);
		} else {
			add_positional(opt, arg);
			cur.at++;
		}
		if (ret)
			return ret;
	}

	if (opt->help || opt->version) {
		if (!opt->command_given)
			opt->command = CMD_NONE;
		return 0;
	}

	/* Only after "--" can something be left. */
	if (cur.at < argc && commands[opt->command].exec) {
		opt->exec = argv + cur.at;
		opt->exec_count = argc - cur.at;
	} else {
		while (cur.at < argc)
			add_positional(opt, argv[cur.at++]);
	}

	ret = check_positional(opt, err);
	if (ret)
		return ret;
	return check_needed(opt, err);
}

/* --- Help -------------------------------------------------------------------------------- */

/* A paragraph between two columns. `at` is where the cursor stands. */
struct wrap {
	FILE *out;
	size_t indent;
	size_t at;
};

static void wrap__newline(struct wrap *w)
{
	fprintf(w->out, "\n%*s", (int)w->indent, "");
	w->at = w->indent;
}

static void wrap__word(struct wrap *w, const char *word, size_t len)
{
	bool first = w->at == w->indent;

	if (!first && w->at + 1 + len > COLUMNS) {
		wrap__newline(w);
		first = true;
	}
	fprintf(w->out, "%s%.*s", first ? "" : " ", (int)len, word);
	w->at += len + !first;
}

static void wrap__text(struct wrap *w, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (len)
			wrap__word(w, text, len);
		text += len;
		if (*text == '\n') {
			fputc('\n', w->out);
			wrap__newline(w);
		}
		text += *text != '\0';
	}
}

static void print_paragraphs(FILE *out, size_t indent, const char *text)
{
	struct wrap w = {.out = out, .indent = indent, .at = indent};

	fprintf(out, "%*s", (int)indent, "");
	wrap__text(&w, text);
	fputc('\n', out);
}

#define HELP_COLUMN 26

static void print_columns(FILE *out, const char *left, const char *right)
{
	struct wrap w = {.out = out, .indent = HELP_COLUMN, .at = HELP_COLUMN};
	int len = fprintf(out, "  %s", left);

	if (len + 2 > HELP_COLUMN)
		wrap__newline(&w);
	else
		fprintf(out, "%*s", HELP_COLUMN - len, "");
	wrap__text(&w, right);
	fputc('\n', out);
}

static void print_option(FILE *out, const struct option_desc *o)
{
	char left[64], right[400], shorty[8] = "    ";
	size_t len;

	if (o->short_name)
		snprintf(shorty, sizeof(shorty), "-%c, ", o->short_name);
	snprintf(left, sizeof(left), "%s--%s%s%s", shorty, o->name, o->metavar ? " " : "",
		 o->metavar ? o->metavar : "");

	len = (size_t)snprintf(right, sizeof(right), "%s", o->help);
	if (o->names) {
		len += (size_t)snprintf(right + len, sizeof(right) - len, ": ");
		for (const struct parse_name *n = o->names; n->name; n++)
			len += (size_t)snprintf(right + len, sizeof(right) - len, "%s%s",
						n == o->names ? "" : ", ", n->name);
	}
	if (o->deflt)
		snprintf(right + len, sizeof(right) - len, " (default %s)", o->deflt);
	print_columns(out, left, right);
}

static void print_examples(FILE *out, const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL) {
		fprintf(out, "  %.*s\n", (int)(end - text), text);
		text = end + 1;
		end = strchr(text, '\n');
		fprintf(out, "      %.*s\n", (int)(end - text), text);
		text = end + 1;
	}
}

#define TIME_NOTE                                                                                  \
	"A TIME is a number with a unit: ns, us, ms, s, m or h, such as 500us, 1ms or 1.5s."

static const char *const overview =
	"Measures how long the Linux kernel takes to clear huge pages, who waits meanwhile, and who "
	"holds the huge zero folio.";

static const struct {
	enum exit_status status;
	const char *meaning;
} statuses[] = {
	{EXIT_DONE, "Done."},
	{EXIT_FAILED, "Failed while running."},
	{EXIT_USAGE, "Wrong usage."},
	{EXIT_NOT_ALLOWED, "This kernel or these privileges do not allow it."},
	{EXIT_REGRESSION, "A regression was found by diff --threshold."},
};

static void print_overview(FILE *out)
{
	fprintf(out, "Usage: zeroscope [COMMAND] [OPTION]...\n\n");
	print_paragraphs(out, 0, overview);
	fprintf(out, "\nCommands:\n");
	for_each_command(c)
		if (!commands[c].hidden)
			print_columns(out, commands[c].name, commands[c].summary);
	fprintf(out, "\nOptions of every command:\n");
	for_each_option(o)
		if ((o->on & ON_ALL) == ON_ALL)
			print_option(out, o);
	fprintf(out, "\nExit status:\n");
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		fprintf(out, "  %d  %s\n", statuses[i].status, statuses[i].meaning);
	fputc('\n', out);
	print_paragraphs(out, 0,
			 "Without a command, zeroscope measures as `run` does. 'zeroscope COMMAND "
			 "--help' shows the options of a command.");
}

static void print_synopsis(FILE *out, const struct command_desc *c)
{
	fprintf(out, "zeroscope %s [OPTION]...%s%s", c->name, *c->operands ? " " : "", c->operands);
}

void options__print_help(FILE *out, enum command command)
{
	const struct command_desc *c;
	bool has_time = false;

	if (command == CMD_NONE) {
		print_overview(out);
		return;
	}
	c = &commands[command];
	fprintf(out, "Usage: ");
	print_synopsis(out, c);
	fprintf(out, "\n\n");
	print_paragraphs(out, 0, c->description);
	fprintf(out, "\nOptions:\n");
	for_each_option(o)
	{
		if (!takes(command, o))
			continue;
		print_option(out, o);
		has_time |= o->kind == OPT_TIME;
	}
	if (has_time) {
		fputc('\n', out);
		print_paragraphs(out, 0, TIME_NOTE);
	}
	if (c->examples) {
		fprintf(out, "\nExamples:\n");
		print_examples(out, c->examples);
	}
}

/* --- Manual pages ------------------------------------------------------------------------ */

/* --- Shell completion -------------------------------------------------------------------- */

/* --- The program ------------------------------------------------------------------------- */

/* What was printed reached its reader: a full disk must not look like success. */
static int finish_output(FILE *out)
{
	if (fflush(out) || ferror(out))
		return err_errno_r(EXIT_FAILED, "standard output cannot be written (%s)",
				   errname(errno));
	return EXIT_DONE;
}

int options__main(int argc, char *const *argv, const command_fn handlers[CMD_COUNT])
{
	struct parse_error err;
	struct options opt;

	if (options__parse(argc, argv, &opt, &err)) {
		bool known = opt.command != CMD_NONE;

		return err_r(EXIT_USAGE, "%s; see 'zeroscope %s%s--help'", err.text,
			     known ? options__command_name(opt.command) : "", known ? " " : "");
	}
	log__set_verbosity(opt.run.verbose);

	if (opt.version) {
		printf("zeroscope %s\n", ZEROSCOPE_VERSION);
		return finish_output(stdout);
	}
	if (opt.help) {
		options__print_help(stdout, opt.command);
		return finish_output(stdout);
	}
	if (!handlers[opt.command])
		return err_r(EXIT_FAILED, "`%s` is not in this build of zeroscope",
			     options__command_name(opt.command));
	return handlers[opt.command](&opt);
}
