// SPDX-License-Identifier: GPL-2.0-only
#include "options_table.h"

#include <limits.h>

#define PID_MAX 4194304 /* PID_MAX_LIMIT of 64-bit kernels */
#define DAY_NS	(86400 * NSEC_PER_SEC)

const struct command_desc options_commands[CMD_COUNT] = {
	[CMD_RUN] =
		{
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
			.examples =
				"zeroscope run -i 5s --min-order 9\n"
				"Clears of 2 MiB and more, in blocks of five seconds.\n"
				"zeroscope run -d 1m --json >clears.jsonl\n"
				"One minute as JSON, one object a second.\n"
				"zeroscope run --slower-than 1ms -p 4242\n"
				"Each clear of process 4242 that took longer than a millisecond.\n"
				"zeroscope run --connect http://localhost:" SERVE_DEFAULT_PORT "\n"
				"What the exporter of this host measures, without privileges.\n",
		},
	[CMD_SERVE] =
		{
			.name = "serve",
			.summary = "export the measurements to Prometheus",
			.operands = "",
			.description =
				"Attaches to the kernel as run does and answers scrapes of Prometheus "
				"until it is stopped. The numbers are totals since it attached.\n"
				"Once attached it gives up every privilege: what fails later is "
				"reported, and mended by a restart.\n"
				"By default only this host can reach it, on a port that no other "
				"exporter uses. /snapshot serves a recording of the totals, "
				"/-/healthy and /-/ready are for supervisors.",
			.examples = "zeroscope serve\n"
				    "Metrics at http://127.0.0.1:" SERVE_DEFAULT_PORT "/metrics.\n"
				    "zeroscope serve --web.listen-address :" SERVE_DEFAULT_PORT
				    " --web.config.file web.yml\n"
				    "For other hosts, with TLS and passwords as web.yml says.\n",
		},
	[CMD_HOLDERS] =
		{
			.name = "holders",
			.summary = "who holds the huge zero folio now",
			.operands = "",
			.description =
				"Lists the processes that hold a reference on the huge zero folio, since when, "
				"how much memory that pins, and whether the kernel's shrinker tried to free it "
				"and was refused. Since when, and what the shrinker tried, is known as far as "
				"run, record or serve is measuring at that time; what was there before is "
				"shown as \"before start\". Leaves nothing running behind.",
			.examples = "zeroscope holders --json\n"
				    "The list for a script.\n",
		},
	[CMD_DOCTOR] =
		{
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
	[CMD_LOAD] =
		{
			.name = "load",
			.summary = "fault huge pages, to give the probes something to see",
			.operands = "",
			.description =
				"Faults folios of a chosen kind and order, checks that each byte of them is "
				"zero, and reports how many of each order the kernel really gave. The memory is "
				"dirtied before, so that a page which was not cleared is noticed.",
			.examples =
				"zeroscope load --kind thp --count 512\n"
				"512 transparent huge pages from one thread.\n"
				"zeroscope load --kind mthp --order 4 --count 10000 --threads 4\n"
				"10000 folios of 64 KiB (of 4 KiB pages) from four threads.\n"
				"zeroscope load --read --hold 10s\n"
				"Maps the huge zero folio and keeps it for ten seconds.\n",
		},
	[CMD_RECORD] =
		{
			.name = "record",
			.summary = "save a run to a file",
			.operands = "-o FILE [-- COMMAND [ARG]...]",
			.description =
				"Measures as run does and appends a snapshot of every counter to FILE after each "
				"interval, at full resolution. The file can be read up to its last whole interval "
				"even if the recording is killed or the disk is full.\n"
				"With a COMMAND, the recording lasts as long as it runs and holds its clears alone, "
				"and those of what it starts: they get a cgroup of their own, below that of the "
				"caller, unless --pid, --cgroup or --comm chooses otherwise. A command that fails "
				"makes the exit status 1; the recording is whole all the same.",
			.examples = "zeroscope record -o before.zs -d 5m\n"
				    "Five minutes of this machine.\n"
				    "zeroscope record -o make.zs -- make -j8\n"
				    "Just as long as the command runs.\n",
			.exec = true,
		},
	[CMD_REPORT] =
		{
			.name = "report",
			.summary = "show a recording as run would have",
			.operands = "FILE",
			.description = "Renders a recording on any machine, without privileges.",
			.examples = "zeroscope report before.zs\n"
				    "The blocks that run would have shown.\n"
				    "zeroscope report --play --speed 10 before.zs\n"
				    "The same in the live view, ten times as fast.\n",
			.positional = POS_FILE,
			.positional_min = 1,
			.positional_max = 1,
		},
	[CMD_DIFF] =
		{
			.name = "diff",
			.summary = "compare two recordings",
			.operands = "A B",
			.description =
				"Compares recording B with recording A: an unpatched and a patched kernel, say. "
				"For each quantity and order it shows A, B, their difference, their ratio with a "
				"95 percent confidence interval, a verdict, and both histograms over each other; "
				"before that, what else differs: machine, kernel, preemption model, filters, "
				"probes, coverage, loss.\n"
				"A verdict is given only where chance does not explain the difference; that no "
				"difference is shown does not mean that there is none. Holm's correction is "
				"applied over all rows: where nothing differs, the chance that any row gets a "
				"verdict is at most 5 percent. Intervals that follow each other are alike; the "
				"variance of their sum is therefore estimated from the lowest frequencies of the "
				"recording (equal-weighted cosine transforms with Student's t), and limits of two "
				"recordings are combined by the method of variance estimates recovery. At least "
				"20 intervals are needed in each, better 60 or more. Levels that stay up for more "
				"than a tenth of a recording make false alarms more likely than stated.\n"
				"A quantile is known to its bucket and no better, which its interval allows for: "
				"differences of less than 9 percent cannot be shown by one. Means are exact.\n"
				"How one run or boot differs from the next is not seen in one run. record appends "
				"to a file that exists: with 5 runs or more in each file, the runs are compared "
				"and not the intervals.",
			.examples = "zeroscope diff before.zs after.zs\n"
				    "What differs, and by how much.\n"
				    "zeroscope diff before.zs after.zs --threshold 5%\n"
				    "Exit status 4 if B is slower by more than five percent.\n",
			.positional = POS_FILE,
			.positional_min = 2,
			.positional_max = 2,
		},
	[CMD_HELP] =
		{
			.name = "help",
			.summary = "print help on a command",
			.operands = "[COMMAND]",
			.description = "Prints the same as zeroscope COMMAND --help.",
			.positional = POS_WORD,
			.positional_max = 1,
			.hidden = true,
		},
	[CMD_DOCS] =
		{
			.name = "__docs",
			.summary = "write the manual pages and shell completions",
			.operands = "man [COMMAND] | completion SHELL | list",
			.description = "Used when the package is built.",
			.positional = POS_WORD,
			.positional_min = 1,
			.positional_max = 2,
			.hidden = true,
		},
};

/* The offset of a field whose type the kind of option writes. */
#define FIELD(field, type)                                                                         \
	(offsetof(struct options, field) +                                                         \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((struct options *)0)->field),    \
						      type)                                        \
				 ? 1                                                               \
				 : -1]))

/* Enums are written through an int. */
_Static_assert(sizeof(enum tier) == sizeof(int), "enum tier");
_Static_assert(sizeof(enum color) == sizeof(int), "enum color");
_Static_assert(sizeof(enum load_kind) == sizeof(int), "enum load_kind");
_Static_assert(sizeof(enum load_touch) == sizeof(int), "enum load_touch");
_Static_assert(sizeof(enum series) == sizeof(int), "enum series");

const struct parse_name options_tier_names[] = {
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

static const struct parse_name series_names[] = {
	{"budget", SERIES_BUDGET, "at most 1000 samples, with fewer buckets where that needs it"},
	{"full", SERIES_FULL, "every histogram, with a bucket for each power of two"},
	{NULL, 0, NULL},
};

static const struct parse_name touch_names[] = {
	{"first", TOUCH_FIRST, "the first page of each folio"},
	{"last", TOUCH_LAST, "the last page of each folio"},
	{"random", TOUCH_RANDOM, "any page of each folio"},
	{NULL, 0, NULL},
};

const struct option_desc options_table[] = {
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
		.manual =
			"Only clears that happen in process PID (all of its threads). Several can be "
			"given, in one argument with commas or by repeating the option, up to 16. In a "
			"container it is the id that the process has there.",
	},
	{
		.name = "cgroup",
		.short_name = 'c',
		.kind = OPT_DIR,
		.metavar = "CGROUP",
		.on = ON_MEASURE,
		.offset = FIELD(run.cgroup, const char *),
		.help = "only clears of this cgroup, a v2 path or an id",
		.manual =
			"Only clears of tasks in CGROUP, given as the path of its directory in the "
			"version 2 hierarchy or as its id.",
	},
	{
		.name = "comm",
		.kind = OPT_COMM,
		.metavar = "NAME",
		.on = ON_MEASURE,
		.offset = FIELD(run.comm, const char *),
		.help = "only clears of tasks of this name",
		.manual =
			"Only clears of tasks whose name is NAME. The kernel keeps 15 bytes of a name.",
	},
	{
		.name = "min-order",
		.kind = OPT_ORDER,
		.metavar = "N",
		.on = ON_MEASURE,
		.offset = FIELD(run.min_order, int),
		.deflt = "0",
		.help = "only clears of folios of this order or above",
		.manual =
			"Only clears of folios of order N or above; a folio of order N has 2^N pages.",
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
		.manual =
			"Time between two snapshots. Counters are never reset: an interval is the "
			"difference of two snapshots. The last one takes in what is left of --duration "
			"where that is no more than a tenth of TIME.",
	},
	{
		.name = "duration",
		.short_name = 'd',
		.kind = OPT_TIME,
		.metavar = "TIME",
		.on = ON_RUN | ON_SERVE | ON_RECORD,
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
		.manual =
			"Show each clear that takes longer than TIME, with its task, CPU, node and "
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
		.manual =
			"Measure the zeroing that the page allocator does because of init_on_alloc=1 "
			"too. It adds a probe to each allocation that zeroes, of single pages too.",
	},
	{
		.name = "no-gaps",
		.kind = OPT_FLAG,
		.on = ON_MEASURE,
		.offset = FIELD(run.no_gaps, bool),
		.help = "leave out the context switch program",
		.manual =
			"Attach no program to context switches. The durations of the gaps in clears "
			"are then not measured; their number and sum still are, where the kernel keeps "
			"them for each task.",
	},
	{
		.name = "fault-share",
		.kind = OPT_FLAG,
		.on = ON_MEASURE,
		.offset = FIELD(run.fault_share, bool),
		.help = "measure which part of a page fault clearing is",
		.manual =
			"Measure the time of huge page faults too, and the share that clearing has in it.",
	},
	{
		.name = "tier",
		.kind = OPT_ENUM,
		.metavar = "TIER",
		.on = ON_MEASURE | ON_HOLDERS,
		.offset = FIELD(run.tier, enum tier),
		.names = options_tier_names,
		.deflt = "auto",
		.help = "how to attach",
		.manual =
			"Attach to what clears folios in this way and in no other; the command fails if "
			"the kernel does not offer it. Other probes follow where they can, and the line "
			"\"attached: ...\" says how each is attached.",
	},
	{
		.name = "btf",
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_MEASURE | ON_HOLDERS | ON_DOCTOR,
		.offset = FIELD(run.btf, const char *),
		.help = "type information of this kernel, if it carries none",
		.manual =
			"Read the kernel's type information from FILE, for kernels that were built "
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
		.manual =
			"Order of the folios: each has 2^N pages. By default it is that of a PMD, or "
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
		.manual =
			"Fault by reading. An anonymous read fault maps the huge zero folio where the "
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
		.manual =
			"Fault N folios a second, over all threads together. Without it, as fast as "
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
		.manual =
			"Grow the hugetlb pool by what is needed and shrink it again at the end. Needs "
			"root.",
	},
	{
		.name = "reread",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.reread, bool),
		.help = "time reading back what was cleared",
		.manual =
			"After each fault, time a first read around the faulting address and a pass "
			"over the whole folio: the cost of what clearing left out of the caches.",
	},
	{
		.name = "pmu",
		.kind = OPT_FLAG,
		.on = ON_LOAD,
		.offset = FIELD(load.pmu, bool),
		.help = "count cycles and cache misses of each fault",
		.manual =
			"Count CPU cycles and last-level cache misses of each fault, where the machine "
			"has the counters and lets them be read.",
	},

	/* The exporter. */
	{
		.name = "web.listen-address",
		.kind = OPT_LIST,
		.metavar = "ADDRESS",
		.on = ON_SERVE,
		.offset = FIELD(serve.listen, struct option_list),
		.help = "HOST:PORT, :PORT or unix:PATH; repeat it for several",
		.manual =
			"Listen here instead of 127.0.0.1:" SERVE_DEFAULT_PORT
			": HOST:PORT, [HOST]:PORT for IPv6, :PORT for every address of this "
			"host, or unix:PATH. An address that other hosts can reach is refused unless "
			"--web.config.file asks for TLS or passwords.",
	},
	{
		.name = "web.telemetry-path",
		.kind = OPT_STRING,
		.metavar = "PATH",
		.on = ON_SERVE,
		.offset = FIELD(serve.telemetry_path, const char *),
		.help = "where the metrics are",
		.manual = "The path of the metrics, /metrics if it is not given.",
	},
	{
		.name = "web.config.file",
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_SERVE,
		.offset = FIELD(serve.web_config, const char *),
		.help = "TLS, passwords, headers and rate limit, as YAML",
		.manual =
			"Read TLS certificates, users, headers and the rate limit from FILE, in the form "
			"that the exporters of the Prometheus project share. It is read again when it "
			"changes, and on SIGHUP; where it cannot be used, the one before stays.",
	},
	{
		.name = "web.max-requests",
		.kind = OPT_UINT,
		.metavar = "N",
		.on = ON_SERVE,
		.offset = FIELD(serve.max_requests, unsigned int),
		.lo = 0,
		.hi = 100000,
		.deflt = "40",
		.help = "scrapes at a time; 0 for any number",
		.manual =
			"Answer at most N scrapes at a time and others with 503; 0 is any number.",
	},
	{
		.name = "web.systemd-socket",
		.kind = OPT_FLAG,
		.on = ON_SERVE,
		.offset = FIELD(serve.systemd_socket, bool),
		.help = "listen on the sockets that systemd hands over",
		.manual = "Listen on the sockets that systemd hands over instead of opening any.",
	},
	{
		.name = "web.allow-insecure",
		.kind = OPT_FLAG,
		.on = ON_SERVE,
		.offset = FIELD(serve.allow_insecure, bool),
		.help = "let other hosts in without TLS and passwords",
		.manual =
			"Listen on addresses that other hosts can reach even though neither TLS nor "
			"passwords are asked for.",
	},
	{
		.name = "series",
		.kind = OPT_ENUM,
		.metavar = "WHICH",
		.on = ON_SERVE,
		.offset = FIELD(serve.series, enum series),
		.names = series_names,
		.deflt = "budget",
		.help = "how much a scrape has",
		.manual = "How much is exported.",
	},
	{
		.name = "cgroup-series",
		.kind = OPT_UINT,
		.metavar = "N",
		.on = ON_SERVE,
		.offset = FIELD(serve.cgroup_series, unsigned int),
		.lo = 0,
		.hi = 1000,
		.deflt = "0",
		.help = "export by cgroup, for the first N that clear",
		.manual =
			"Export clears, their time and their gaps by cgroup too. The first N groups that "
			"clear a folio have a label of their own; the rest is counted as \"other\".",
	},
	{
		.name = "native-histograms",
		.kind = OPT_INT,
		.metavar = "SCHEMA",
		.on = ON_SERVE,
		.offset = FIELD(serve.native_schema, int),
		.lo = 0,
		.hi = 4,
		.help = "native histograms over protobuf, of schema 0 to 4",
		.manual =
			"Give servers that ask for protobuf native histograms of this schema (4 is the "
			"finest) beside the classic buckets. Only for servers that are set up to take "
			"them: others that read protobuf lose the histograms.",
	},
	{
		.name = "created-timestamps",
		.kind = OPT_FLAG,
		.on = ON_SERVE,
		.offset = FIELD(serve.created, bool),
		.help = "add _created samples in OpenMetrics",
		.manual =
			"Say in OpenMetrics when each counter began to count. Servers that do not "
			"understand it store these as further series.",
	},
	{
		.name = "bpf-stats",
		.kind = OPT_FLAG,
		.on = ON_SERVE,
		.offset = FIELD(serve.bpf_stats, bool),
		.help = "measure the BPF programs' run time, a second a minute",
		.manual =
			"Measure how long the BPF programs run, for one second of each minute: it slows "
			"every BPF program of the host meanwhile. Takes CAP_SYS_ADMIN at the start, "
			"which a child keeps that does nothing else.",
	},
	{
		.name = "user",
		.kind = OPT_STRING,
		.metavar = "NAME",
		.on = ON_SERVE,
		.offset = FIELD(serve.user, const char *),
		.help = "become this user once attached, if started as root",
		.manual =
			"Become user NAME and not nobody once everything is attached, if started as root. All "
			"capabilities are given up in any case.",
	},
	{
		.name = "replay",
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_SERVE,
		.offset = FIELD(serve.replay, const char *),
		.help = "serve a recording instead of this kernel",
		.manual =
			"Serve the recording FILE instead of this kernel, at the pace at which it was "
			"made; after its end the totals stay. Needs no privileges.",
	},
	{
		.name = "once",
		.kind = OPT_FILE,
		.metavar = "FILE",
		.on = ON_SERVE,
		.offset = FIELD(serve.once, const char *),
		.help = "write the metrics to a file and end",
		.manual =
			"Measure for the time of --duration (10s if it is not given), or read the whole "
			"of --replay, write the metrics to FILE in the text format and end. FILE is "
			"replaced in one step, for a collector of text files to pick up. Nothing listens.",
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
		.manual =
			"End with exit status 4 if something in B is slower than in A by more than "
			"PERCENT, such as 5%, and chance does not explain that: even the low end of "
			"the interval, corrected for the number of rows, is above it. Clears, on-CPU "
			"time, resched delay, time a page in extents, allocator clears and faults are "
			"looked at; gaps and the length of extents are not.",
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
		.on = ON_RECORD,
		.offset = FIELD(run.json, bool),
		.help = "show each interval as JSON, too",
		.manual =
			"Write each interval to standard output as well, as run --json does: a JSON "
			"object a line, the same that report --json makes of the recording. What a "
			"COMMAND writes there goes to standard error.",
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
		.name = "connect",
		.kind = OPT_STRING,
		.metavar = "ADDRESS",
		.on = ON_RUN,
		.offset = FIELD(connect, const char *),
		.help = "show a running exporter, http://HOST:PORT or unix:PATH",
		.manual =
			"Measure nothing, and show in the live view what the exporter at ADDRESS "
			"measures: http://HOST:PORT or unix:PATH, as `zeroscope serve` listens. Needs "
			"no privileges. What is measured, and of whom, is the exporter's choice: the "
			"other options are --interval, --cumulative, --ascii and --color.",
	},
	{
		.name = "plain",
		.kind = OPT_FLAG,
		.on = ON_RUN,
		.offset = FIELD(run.plain, bool),
		.help = "blocks of text on a terminal, too",
		.manual = "Write the blocks of text that go into a pipe or a file to a terminal as "
			  "well, instead of the live view.",
	},
	{
		.name = "play",
		.kind = OPT_FLAG,
		.on = ON_REPORT,
		.offset = FIELD(play, bool),
		.help = "play it in the live view",
		.manual =
			"Play the recording in the live view of run, in the time that it took. The "
			"key h shows the keys that pause, step and change the speed.",
	},
	{
		.name = "speed",
		.kind = OPT_DOUBLE,
		.metavar = "N",
		.on = ON_REPORT,
		.offset = FIELD(speed, double),
		.lo = 0.01,
		.hi = 1e6,
		.deflt = "1",
		.help = "with --play, this many times faster",
		.manual = "With --play, N times faster than it was recorded.",
	},
	{
		.name = "csv",
		.kind = OPT_FLAG,
		.on = ON_REPORT,
		.offset = FIELD(csv, bool),
		.help = "comma-separated values, a line a quantity",
		.manual =
			"Write comma-separated values: for each interval a line for each quantity that "
			"was measured. A quantity that is one number has it in the column of sums; what "
			"is not known is an empty field.",
	},
	{
		.name = "openmetrics",
		.kind = OPT_FLAG,
		.on = ON_REPORT,
		.offset = FIELD(openmetrics, bool),
		.help = "totals of the last run as OpenMetrics text",
		.manual =
			"Write the totals of the recording's last run as OpenMetrics text, as serve "
			"would have exported them at its end.",
	},
	{
		.name = "cumulative",
		.kind = OPT_FLAG,
		.on = ON_RUN | ON_REPORT,
		.offset = FIELD(run.cumulative, bool),
		.help = "totals since attach instead of intervals",
		.manual =
			"Show totals since the probes were attached instead of the differences between "
			"snapshots.",
	},
	{
		.name = "ascii",
		.kind = OPT_FLAG,
		.on = ON_TERMINAL,
		.offset = FIELD(run.ascii, bool),
		.help = "no character outside ASCII",
		.manual =
			"Draw with ASCII alone. This is the default where the locale is not UTF-8.",
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
		.manual =
			"When every probe is attached, write a line to descriptor N, which the caller "
			"opened, and close it, unless it is a standard one.",
	},
	{
		.name = "verbose",
		.short_name = 'v',
		.kind = OPT_COUNT,
		.on = ON_ALL | ON_HIDDEN,
		.offset = FIELD(run.verbose, int),
		.help = "more messages; -vv for those of libbpf too",
		.manual =
			"More messages on standard error. Twice, it shows those of libbpf and of the "
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

const struct option_desc *const options_table_end = options_table + ARRAY_SIZE(options_table);
