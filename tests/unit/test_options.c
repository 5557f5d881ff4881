// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: what is accepted, what is refused and with which words, and
 * that help, manual pages and completions say what the parser does.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "options_table.h"
#include "util.h"

#define MAX_ARGS 64

static const enum command documented[] = {CMD_RUN,  CMD_SERVE,	CMD_HOLDERS, CMD_DOCTOR,
					  CMD_LOAD, CMD_RECORD, CMD_REPORT,  CMD_DIFF};

static uint64_t rng = 88172645463325252ULL;

static uint64_t random_u64(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* A command line in one string; the words live until the next call. */
static char line_buf[4096];
static char *line_argv[MAX_ARGS + 1];

static int split(const char *line)
{
	int argc = 0;

	snprintf(line_buf, sizeof(line_buf), "zeroscope %s", line);
	for (char *word = strtok(line_buf, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < MAX_ARGS);
		line_argv[argc++] = word;
	}
	line_argv[argc] = NULL;
	return argc;
}

static struct options opt;
static struct parse_error err;

static void accept_line(const char *line)
{
	int argc = split(line);

	if (options__parse(argc, line_argv, &opt, &err))
		fail_msg("\"%s\" was refused: %s", line, err.text);
}

static void refuse_line(const char *line, const char *expected)
{
	int argc = split(line);

	err.text[0] = '\0';
	if (options__parse(argc, line_argv, &opt, &err) != -EINVAL)
		fail_msg("\"%s\" was accepted", line);
	assert_string_equal(err.text, expected);
}

/* --- Parsing ----------------------------------------------------------------------------- */

static void defaults(void **state)
{
	(void)state;
	accept_line("");
	assert_int_equal(opt.command, CMD_RUN);
	assert_false(opt.command_given);
	assert_true(opt.run.interval_ns == NSEC_PER_SEC);
	assert_true(opt.run.duration_ns == 0);
	assert_true(opt.run.slower_than_ns == 0);
	assert_int_equal(opt.run.pid_count, 0);
	assert_null(opt.run.cgroup);
	assert_null(opt.run.comm);
	assert_null(opt.run.btf);
	assert_int_equal(opt.run.min_order, 0);
	assert_int_equal(opt.run.tier, TIER_AUTO);
	assert_int_equal(opt.run.color, COLOR_AUTO);
	assert_int_equal(opt.run.ready_fd, -1);
	assert_int_equal(opt.run.verbose, 0);
	assert_false(opt.run.allocator || opt.run.no_gaps || opt.run.fault_share || opt.run.json ||
		     opt.run.cumulative || opt.run.ascii);

	accept_line("load");
	assert_int_equal(opt.command, CMD_LOAD);
	assert_true(opt.command_given);
	assert_int_equal(opt.load.kind, LOAD_THP);
	assert_int_equal(opt.load.order, -1);
	assert_int_equal(opt.load.node, -1);
	assert_int_equal(opt.load.threads, 1);
	assert_int_equal(opt.load.touch, TOUCH_FIRST);
	assert_true(opt.load.count == 64 && opt.load.rate == 0 && opt.load.hold_ns == 0);
	assert_false(opt.load.read || opt.load.reserve || opt.load.reread || opt.load.pmu ||
		     opt.load.json);

	accept_line("diff a b");
	assert_true(opt.threshold == -1);
}

static void commands_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documented); i++) {
		const char *name = options__command_name(documented[i]);

		assert_int_equal(options__find_command(name), documented[i]);
	}
	assert_int_equal(options__find_command(""), CMD_NONE);
	assert_int_equal(options__find_command("Load"), CMD_NONE);
	assert_int_equal(options__find_command("loadx"), CMD_NONE);
	assert_string_equal(options__command_name(CMD_NONE), "zeroscope");
	accept_line("run");
	assert_int_equal(opt.command, CMD_RUN);
	assert_true(opt.command_given);
	refuse_line("lod", "unknown command \"lod\" (did you mean load?)");
	assert_int_equal(opt.command, CMD_NONE);
	refuse_line("xyzzy", "unknown command \"xyzzy\"");
	refuse_line("__dcos", "unknown command \"__dcos\""); /* hidden ones are not suggested */
	refuse_line("-v load",
		    "unexpected argument \"load\"; a command comes first: zeroscope load "
		    "[OPTION]...");
}

static void values_in_every_form(void **state)
{
	static const char *const lines[] = {
		"--interval 2s",
		"--interval=2s",
		"-i2s",
		"-i 2s",
		"-vi2s",
		"-vvi 2s",
		"-i 1s --interval=3s -i2s", /* the last one wins */
		"run -i 2s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		accept_line(lines[i]);
		assert_true(opt.run.interval_ns == 2 * NSEC_PER_SEC);
	}
	accept_line("-vvi2s -v --verbose");
	assert_int_equal(opt.run.verbose, 4);
	accept_line("-p 1,20 --pid=300 -p4194304");
	assert_int_equal(opt.run.pid_count, 4);
	assert_int_equal(opt.run.pid[0], 1);
	assert_int_equal(opt.run.pid[1], 20);
	assert_int_equal(opt.run.pid[2], 300);
	assert_int_equal(opt.run.pid[3], 4194304);
	accept_line("--comm=--json --cgroup /sys/fs/cgroup/a --btf=b=c");
	assert_string_equal(opt.run.comm, "--json");
	assert_string_equal(opt.run.cgroup, "/sys/fs/cgroup/a");
	assert_string_equal(opt.run.btf, "b=c");
	accept_line("record -o -");
	assert_string_equal(opt.output, "-");
	accept_line("--ready-fd 1");
	assert_int_equal(opt.run.ready_fd, 1);
}

static void every_option_reaches_its_field(void **state)
{
	(void)state;
	accept_line("-d 90s --slower-than 1ms --min-order 9 --allocator --no-gaps --fault-share "
		    "--tier kprobe.session --json --cumulative --ascii --color never");
	assert_true(opt.run.duration_ns == 90 * NSEC_PER_SEC);
	assert_true(opt.run.slower_than_ns == NSEC_PER_MSEC);
	assert_int_equal(opt.run.min_order, 9);
	assert_true(opt.run.allocator && opt.run.no_gaps && opt.run.fault_share && opt.run.json &&
		    opt.run.cumulative && opt.run.ascii);
	assert_int_equal(opt.run.tier, TIER_KPROBE_SESSION);
	assert_string_equal(options__tier_name(opt.run.tier), "kprobe.session");
	assert_int_equal(opt.run.color, COLOR_NEVER);

	accept_line(
		"load --kind memfd-hugetlb --order 18 --count 3 --threads 2 --touch random --read "
		"--node 1 --rate 0.5 --hold 10s --reserve --reread --pmu --json");
	assert_int_equal(opt.load.kind, LOAD_MEMFD_HUGETLB);
	assert_int_equal(opt.load.order, 18);
	assert_int_equal(opt.load.threads, 2);
	assert_int_equal(opt.load.touch, TOUCH_RANDOM);
	assert_int_equal(opt.load.node, 1);
	assert_true(opt.load.count == 3 && opt.load.rate == 0.5 &&
		    opt.load.hold_ns == 10 * NSEC_PER_SEC);
	assert_true(opt.load.read && opt.load.reserve && opt.load.reread && opt.load.pmu &&
		    opt.load.json);
	assert_false(opt.run.json); /* load's is its own */

	accept_line("diff a b --threshold 5%");
	assert_true(opt.threshold == 0.05);
	accept_line("report a --csv");
	assert_true(opt.csv && !opt.openmetrics);
	accept_line("report a --openmetrics");
	assert_true(opt.openmetrics && !opt.csv);
	accept_line("record -o a --json");
	assert_true(opt.run.json);
}

static void positional_arguments(void **state)
{
	(void)state;
	accept_line("report f --json");
	assert_int_equal(opt.positional_count, 1);
	assert_string_equal(opt.positional[0], "f");
	accept_line("diff --json a --threshold=1% b");
	assert_int_equal(opt.positional_count, 2);
	assert_string_equal(opt.positional[0], "a");
	assert_string_equal(opt.positional[1], "b");
	accept_line("report -- --json");
	assert_string_equal(opt.positional[0], "--json");
	assert_false(opt.run.json);
	accept_line("report -");
	assert_string_equal(opt.positional[0], "-");
	refuse_line("report", "`report` needs FILE; write zeroscope report FILE");
	refuse_line("report a b", "unexpected argument \"b\"; `report` takes FILE");
	refuse_line("diff", "`diff` needs A B; write zeroscope diff A B");
	refuse_line("diff a", "`diff` needs A B; write zeroscope diff A B");
	refuse_line("diff a b c", "unexpected argument \"c\"; `diff` takes A B");
	refuse_line("diff a b c d e f g", "unexpected argument \"c\"; `diff` takes A B");
	refuse_line("run x", "unexpected argument \"x\"; `run` takes options alone");
	refuse_line("load -- --order",
		    "unexpected argument \"--order\"; `load` takes options alone");
}

static void a_command_to_measure(void **state)
{
	(void)state;
	accept_line("record -o f");
	assert_null(opt.exec);
	accept_line("record -o f --");
	assert_null(opt.exec);
	accept_line("record -o f -- make -j8 -- x");
	assert_int_equal(opt.exec_count, 4);
	assert_string_equal(opt.exec[0], "make");
	assert_string_equal(opt.exec[1], "-j8");
	assert_string_equal(opt.exec[2], "--");
	assert_string_equal(opt.exec[3], "x");
	assert_null(opt.exec[4]);
	refuse_line("record -o f make",
		    "unexpected argument \"make\"; put -- before the command that is "
		    "to be measured");
	refuse_line("record -- make",
		    "`record` needs -o or --output FILE: the recording to append to");
}

static void help_and_version_end_parsing(void **state)
{
	(void)state;
	accept_line("--help --nonsense");
	assert_true(opt.help);
	assert_int_equal(opt.command, CMD_NONE);
	accept_line("load -h --nonsense");
	assert_true(opt.help);
	assert_int_equal(opt.command, CMD_LOAD);
	accept_line("record -vh"); /* without its -o */
	assert_true(opt.help);
	accept_line("-V");
	assert_true(opt.version);
	refuse_line("--nonsense --help", "unknown option \"--nonsense\"");
}

static void refusals(void **state)
{
	(void)state;
	refuse_line("--interval 12abc",
		    "--interval: \"12abc\" is not a time; expected a number with a "
		    "unit, such as 500us, 1ms or 2s");
	refuse_line("-i -1",
		    "--interval: \"-1\" is negative; expected a number with a unit, such as "
		    "500us, 1ms or 2s");
	refuse_line("-i 0s", "--interval: \"0s\" is out of range; expected a time from 1ms to 24h");
	refuse_line("-i", "--interval needs a value; write --interval TIME");
	refuse_line("--interval", "--interval needs a value; write --interval TIME");
	refuse_line("--interval=",
		    "--interval: \"\" is not a time; expected a number with a unit, such "
		    "as 500us, 1ms or 2s");
	refuse_line("--comm --json",
		    "--comm needs a value; write --comm=NAME if it begins with a dash");
	refuse_line("--comm=", "--comm: the value is empty; expected NAME");
	refuse_line(
		"--comm abcdefghijklmnop",
		"--comm: \"abcdefghijklmnop\" is longer than the 15 bytes that the kernel keeps of a "
		"name; expected \"abcdefghijklmno\"");
	refuse_line("--json=1", "--json takes no value; write --json alone");
	refuse_line("--json=", "--json takes no value; write --json alone");
	refuse_line("--intervall 1s", "unknown option \"--intervall\" (did you mean --interval?)");
	refuse_line("--inter 1s", "unknown option \"--inter\" (did you mean --interval?)");
	refuse_line("--intervall=1s", "unknown option \"--intervall\" (did you mean --interval?)");
	refuse_line("--xyzzy", "unknown option \"--xyzzy\"");
	refuse_line("-x", "unknown option \"-x\"");
	refuse_line("-vx", "unknown option \"-x\"");
	refuse_line("--=1", "unknown option \"--\"");
	refuse_line("---", "unknown option \"---\"");
	refuse_line("--order 9", "--order is an option of `load`, not of `run`");
	refuse_line("load -i 1s", "-i is an option of `run` or `record`, not of `load`");
	refuse_line("load --tier kprobe",
		    "--tier is an option of `run`, `serve`, `holders` or `record`, not of `load`");
	refuse_line("doctor --json --interval=1s",
		    "--interval is an option of `run` or `record`, not of `doctor`");
	refuse_line("--countt 3", "unknown option \"--countt\" (did you mean --count, an option of "
				  "`load`?)");
	refuse_line("load --order 21",
		    "--order: \"21\" is not an order; expected 0 to 20, such as 9 for "
		    "2 MiB of 4 KiB pages");
	refuse_line("load --kind foo",
		    "--kind: \"foo\" is not known; expected thp, mthp, hugetlb, shmem "
		    "or memfd-hugetlb");
	refuse_line("load --count 0",
		    "--count: \"0\" is out of range; expected a whole number from 1 to "
		    "1000000000000");
	refuse_line("load --rate 0",
		    "--rate: \"0\" is out of range; expected a number from 0.001 to "
		    "1000000000");
	refuse_line("load --node -1",
		    "--node: \"-1\" is out of range; expected a whole number from 0 to "
		    "1023");
	refuse_line("-p 0", "--pid: \"0\" is not a process id; expected a whole number from 1 to "
			    "4194304, or several with commas between");
	refuse_line("-p 1,,2", "--pid: \"\" is not a process id; expected a whole number from 1 to "
			       "4194304, or several with commas between");
	refuse_line("-p 1,2,", "--pid: \"\" is not a process id; expected a whole number from 1 to "
			       "4194304, or several with commas between");
	refuse_line("-p 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		    "--pid: at most 16 processes can be chosen; use --cgroup for more");
	refuse_line("--ready-fd 987",
		    "--ready-fd: descriptor 987 is not open; expected one that the "
		    "caller opened");
	refuse_line("diff a b --threshold 5", "--threshold: \"5\" is not a percentage; expected a "
					      "percentage from 0% to 10000%");
}

static void an_empty_argument_is_no_option(void **state)
{
	char *argv[] = {"zeroscope", "", NULL};
	char *argv2[] = {"zeroscope", "report", "", NULL};

	(void)state;
	assert_int_equal(options__parse(2, argv, &opt, &err), -EINVAL);
	assert_string_equal(err.text, "unknown command \"\"");
	assert_int_equal(options__parse(3, argv2, &opt, &err), 0);
	/* exec() may give no name at all. */
	assert_int_equal(options__parse(0, argv + 2, &opt, &err), 0);
	assert_int_equal(opt.command, CMD_RUN);
}

/* Which commands take what, written down a second time, so that a slip in the table shows. */
static void each_command_takes_its_own(void **state)
{
	static const struct {
		enum command command;
		const char *options;
	} expected[] = {
		{CMD_RUN,
		 "pid cgroup comm min-order interval duration slower-than allocator no-gaps "
		 "fault-share tier btf json connect plain cumulative ascii color ready-fd"},
		{CMD_SERVE,
		 "pid cgroup comm min-order duration allocator no-gaps fault-share tier btf "
		 "ready-fd web.listen-address web.telemetry-path web.config.file "
		 "web.max-requests web.systemd-socket web.allow-insecure series "
		 "cgroup-series native-histograms created-timestamps bpf-stats user replay once"},
		{CMD_HOLDERS, "tier btf json ascii color"},
		{CMD_DOCTOR, "btf json ascii color"},
		{CMD_LOAD,
		 "kind order count threads touch read node rate hold reserve reread pmu json"},
		{CMD_RECORD,
		 "pid cgroup comm min-order interval duration allocator no-gaps fault-share "
		 "tier btf output json ready-fd"},
		{CMD_REPORT, "json csv openmetrics play speed cumulative ascii color"},
		{CMD_DIFF, "threshold json ascii color"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		char list[512];

		snprintf(list, sizeof(list), " %s verbose version help ", expected[i].options);
		for_each_option(o) {
			char word[64];
			bool listed;

			snprintf(word, sizeof(word), " %s ", o->name);
			listed = strstr(list, word) != NULL;
			/* --json has three rows; one of them is enough. */
			if (strcmp(o->name, "json") == 0 && listed)
				continue;
			if (command_takes(expected[i].command, o) != listed)
				fail_msg("%s --%s", options__command_name(expected[i].command),
					 o->name);
		}
		for (char *word = strtok(list, " "); word; word = strtok(NULL, " ")) {
			bool found = false;

			for_each_option(o)
				found |= strcmp(o->name, word) == 0 &&
					 command_takes(expected[i].command, o);
			if (!found)
				fail_msg("%s takes no --%s",
					 options__command_name(expected[i].command), word);
		}
	}
}

/* No command has two options of one name or letter. */
static void names_are_unique(void **state)
{
	(void)state;
	for_each_command(c) {
		for_each_option(a) {
			for_each_option(b) {
				if (a == b || !command_takes(c, a) || !command_takes(c, b))
					continue;
				assert_string_not_equal(a->name, b->name);
				assert_false(a->short_name && a->short_name == b->short_name);
			}
		}
	}
}

/* A documented default, written out, changes nothing. */
static void documented_defaults_are_true(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documented); i++) {
		for_each_option(o) {
			struct options plain;
			char value[64];
			char *argv[] = {"zeroscope", (char *)options__command_name(documented[i]),
					value,	     "-o",
					"f",	     NULL};
			int argc = documented[i] == CMD_RECORD ? 5 : 3;

			if (!o->deflt || !command_takes(documented[i], o))
				continue;
			if (argc == 3)
				argv[3] = NULL;
			snprintf(value, sizeof(value), "--%s=%s", o->name, o->deflt);
			options__init(&plain, documented[i]);
			if (options__parse(argc, argv, &opt, &err) && !strstr(err.text, "needs"))
				fail_msg("%s", err.text);
			plain.command_given = true;
			plain.output = opt.output;
			assert_memory_equal(&opt, &plain, sizeof(opt));
		}
	}
}

/* --- Random command lines ---------------------------------------------------------------- */

static void assert_in_bounds(void)
{
	const struct run_options *run = &opt.run;
	const struct load_options *load = &opt.load;

	assert_in_range(opt.command + 1, 0, CMD_COUNT);
	assert_true(run->interval_ns >= NSEC_PER_MSEC && run->interval_ns <= 86400 * NSEC_PER_SEC);
	assert_true(run->duration_ns <= 365ULL * 86400 * NSEC_PER_SEC);
	assert_in_range(run->min_order, 0, 20);
	assert_in_range(run->pid_count, 0, OPTIONS_MAX_PIDS);
	for (unsigned int i = 0; i < run->pid_count; i++)
		assert_in_range(run->pid[i], 1, 4194304);
	assert_in_range(run->tier, TIER_AUTO, TIER_KPROBE);
	assert_in_range(run->color, COLOR_AUTO, COLOR_NEVER);
	assert_true(!run->comm || (run->comm[0] && strlen(run->comm) <= 15));
	assert_true(run->ready_fd == -1 || fcntl(run->ready_fd, F_GETFD) >= 0);
	assert_in_range(load->kind, LOAD_THP, LOAD_MEMFD_HUGETLB);
	assert_in_range(load->touch, TOUCH_FIRST, TOUCH_RANDOM);
	assert_in_range(load->order + 1, 0, 21);
	assert_in_range(load->node + 1, 0, 1024);
	assert_in_range(load->threads, 1, 4096);
	assert_true(load->count >= 1 && load->rate >= 0 && load->rate <= 1e9);
	assert_true(opt.threshold == -1 || (opt.threshold >= 0 && opt.threshold <= 100));
}

/* What a command may rely on when it is called. */
static void assert_ready_to_run(void)
{
	if (!opt.help && !opt.version) {
		assert_true(opt.command != CMD_RECORD || opt.output);
		assert_true(opt.command == CMD_RECORD || !opt.exec);
		assert_true(opt.command != CMD_DIFF || opt.positional_count == 2);
		assert_true(opt.command != CMD_REPORT || opt.positional_count == 1);
	}
}

static const char *const tokens[] = {
	"run",
	"serve",
	"holders",
	"doctor",
	"load",
	"record",
	"report",
	"diff",
	"help",
	"--",
	"-",
	"--help",
	"-V",
	"-v",
	"-vvv",
	"-i",
	"-i1s",
	"1s",
	"500us",
	"-1",
	"--interval",
	"--interval=2s",
	"--interval=",
	"-d",
	"--json",
	"--json=1",
	"-p",
	"-p1",
	"1,2,3",
	"--comm",
	"x",
	"--tier",
	"fentry",
	"--order",
	"9",
	"21",
	"--kind=thp",
	"--touch",
	"last",
	"--threshold=5%",
	"-o",
	"-of",
	"--rate",
	"1e3",
	"--",
	"-vi",
	"-hv",
	"--ready-fd=2",
	"--ready-fd=-1",
	"--=",
	"---",
	"--color=",
	"",
	"\033[1m",
	"--\xff",
	"--min-order=3",
	"--count",
	"18446744073709551616",
	"-\xc3",
};

static void random_command_lines(void **state)
{
	int accepted = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		char noise[8][12];
		char *argv[16] = {"zeroscope"};
		int argc = 1 + (int)(random_u64() % 8);
		int ret;

		for (int k = 1; k < argc; k++) {
			argv[k] = (char *)tokens[random_u64() % ARRAY_SIZE(tokens)];
			if (random_u64() % 8)
				continue;
			argv[k] = noise[k];
			for (size_t n = 0; n < sizeof(noise[k]) - 1; n++)
				noise[k][n] = (char)(random_u64() % 4
							     ? "-=ioVvhp1s."[random_u64() % 11]
							     : (char)random_u64());
			noise[k][random_u64() % sizeof(noise[k])] = '\0';
			noise[k][sizeof(noise[k]) - 1] = '\0';
		}
		argv[argc] = NULL;

		memset(&err, 0x7e, sizeof(err));
		ret = options__parse(argc, argv, &opt, &err);
		assert_in_bounds();
		if (!ret) {
			assert_ready_to_run();
			accepted++;
			continue;
		}
		assert_int_equal(ret, -EINVAL);
		assert_in_range(strnlen(err.text, sizeof(err.text)), 10, sizeof(err.text) - 1);
		for (const char *p = err.text; *p; p++)
			assert_false(iscntrl((unsigned char)*p));
	}
	/* Both outcomes were really tried. */
	assert_in_range(accepted, 1000, 299000);
}

/* Options with known values, in random order and form: the structure must come out the same. */
static void any_form_gives_the_same(void **state)
{
	static const struct {
		char letter;
		const char *name, *value;
	} given[] = {
		{'i', "interval", "250ms"}, {'d', "duration", "1h"}, {0, "min-order", "4"},
		{0, "tier", "fentry"},	    {0, "json", NULL},	     {'v', "verbose", NULL},
		{0, "color", "always"},	    {'c', "cgroup", "7"},    {0, "no-gaps", NULL},
	};
	struct options expected;

	(void)state;
	options__init(&expected, CMD_RUN);
	expected.run.interval_ns = 250 * NSEC_PER_MSEC;
	expected.run.duration_ns = 3600 * NSEC_PER_SEC;
	expected.run.min_order = 4;
	expected.run.tier = TIER_FENTRY;
	expected.run.json = true;
	expected.run.verbose = 1;
	expected.run.color = COLOR_ALWAYS;
	expected.run.no_gaps = true;

	for (int round = 0; round < 20000; round++) {
		char words[2 * ARRAY_SIZE(given)][40];
		size_t order[ARRAY_SIZE(given)];
		char *argv[2 * ARRAY_SIZE(given) + 3] = {"zeroscope"};
		int argc = 1;
		const char *cgroup;

		if (round & 1)
			argv[argc++] = "run";
		for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
			size_t j = random_u64() % (i + 1);

			order[i] = order[j];
			order[j] = i;
		}
		for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
			const char *name = given[order[i]].name, *value = given[order[i]].value;
			char letter = given[order[i]].letter;
			char *one = words[2 * i], *two = words[2 * i + 1];
			unsigned int form = (unsigned int)(random_u64() % (letter ? 4 : 2));

			argv[argc++] = one;
			if (!value) {
				snprintf(one, 40, form >= 2 ? "-%.0s%c" : "--%s", name, letter);
				continue;
			}
			snprintf(two, 40, "%s", value);
			switch (form) {
			case 0:
				snprintf(one, 40, "--%s=%s", name, value);
				break;
			case 1:
				snprintf(one, 40, "--%s", name);
				argv[argc++] = two;
				break;
			case 2:
				snprintf(one, 40, "-%c%s", letter, value);
				break;
			default:
				snprintf(one, 40, "-%c", letter);
				argv[argc++] = two;
				break;
			}
		}
		argv[argc] = NULL;
		if (options__parse(argc, argv, &opt, &err))
			fail_msg("%s", err.text);
		cgroup = opt.run.cgroup;
		assert_string_equal(cgroup, "7");
		expected.run.cgroup = cgroup;
		expected.command_given = round & 1;
		assert_memory_equal(&opt, &expected, sizeof(opt));
	}
}

/* --- The program ------------------------------------------------------------------------- */

static int handler(const struct options *o)
{
	printf("%s runs\n", options__command_name(o->command));
	fflush(stdout);
	return o->command == CMD_DIFF ? EXIT_REGRESSION : EXIT_DONE;
}

struct outcome {
	int status;
	char out[65536], errors[4096];
};

static void slurp(FILE *f, char *buf, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

/* options__main() in a process of its own. */
static const struct outcome *call(const char *line)
{
	static const command_fn handlers[CMD_COUNT] = {
		[CMD_RUN] = handler,  [CMD_HOLDERS] = handler, [CMD_DOCTOR] = handler,
		[CMD_LOAD] = handler, [CMD_RECORD] = handler,  [CMD_REPORT] = handler,
		[CMD_DIFF] = handler,
	};
	static struct outcome outcome;
	FILE *out = tmpfile(), *errors = tmpfile();
	int argc = split(line), status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(errors), STDERR_FILENO);
		status = options__main(argc, line_argv, handlers);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	outcome.status = WEXITSTATUS(status);
	slurp(out, outcome.out, sizeof(outcome.out));
	slurp(errors, outcome.errors, sizeof(outcome.errors));
	return &outcome;
}

static void exit_statuses(void **state)
{
	const struct outcome *o;

	(void)state;
	o = call("load");
	assert_int_equal(o->status, 0);
	assert_string_equal(o->out, "load runs\n");
	assert_string_equal(o->errors, "");
	assert_string_equal(call("")->out, "run runs\n");
	assert_int_equal(call("diff a b")->status, 4);

	o = call("--interval 12abc");
	assert_int_equal(o->status, 2);
	assert_string_equal(o->out, "");
	assert_string_equal(
		o->errors,
		"zeroscope: --interval: \"12abc\" is not a time; expected a number with a "
		"unit, such as 500us, 1ms or 2s; see 'zeroscope run --help'\n");
	o = call("lod");
	assert_int_equal(o->status, 2);
	assert_string_equal(o->errors,
			    "zeroscope: unknown command \"lod\" (did you mean load?); see "
			    "'zeroscope --help'\n");
	o = call("serve"); /* has no handler here */
	assert_int_equal(o->status, 1);
	assert_string_equal(
		o->errors,
		"zeroscope: `serve` is not in this build of zeroscope; use one that is linked "
		"dynamically\n");
	o = call("load --order \033[31mred");
	assert_null(strchr(o->errors, '\033'));

	o = call("-V");
	assert_int_equal(o->status, 0);
	assert_string_equal(o->out, "zeroscope " ZEROSCOPE_VERSION "\n");
	assert_string_equal(o->errors, "");
}

static void help_is_complete_and_narrow(void **state)
{
	(void)state;
	for (int i = -1; i < (int)ARRAY_SIZE(documented); i++) {
		enum command c = i < 0 ? CMD_NONE : documented[i];
		_cleanup_free_ char *same = NULL;
		const struct outcome *o;
		char line[64];

		snprintf(line, sizeof(line), "%s --help", i < 0 ? "" : options__command_name(c));
		o = call(line);
		assert_int_equal(o->status, 0);
		assert_string_equal(o->errors, "");
		assert_int_equal(strncmp(o->out, "Usage: zeroscope ", 17), 0);
		for (const char *p = o->out, *end; *p; p = end + 1) {
			end = strchr(p, '\n');
			assert_non_null(end);
			if (end - p > 80 || (end > p && end[-1] == ' '))
				fail_msg("%s: %.*s", line, (int)(end - p), p);
		}
		if (c == CMD_NONE) {
			for (size_t k = 0; k < ARRAY_SIZE(documented); k++)
				assert_non_null(
					strstr(o->out, options__command_name(documented[k])));
			assert_null(strstr(o->out, "__docs"));
		}
		for_each_option(d) {
			char word[64];
			bool shown = c == CMD_NONE ? is_common(d) : command_takes(c, d);

			if (strcmp(d->name, "json") == 0)
				continue;
			snprintf(word, sizeof(word), "%c%c%s--%s%s%s%c", d->short_name ? '-' : ' ',
				 d->short_name ? d->short_name : ' ', d->short_name ? ", " : "  ",
				 d->name, d->metavar ? " " : "", d->metavar ? d->metavar : "",
				 strlen(d->name) + (d->metavar ? strlen(d->metavar) + 1 : 0) > 16
					 ? '\n'
					 : ' ');
			if ((strstr(o->out, word) != NULL) != shown)
				fail_msg("%s: \"%s\"", line, word);
		}
		same = strdup(o->out);
		snprintf(line, sizeof(line), "help %s", i < 0 ? "" : options__command_name(c));
		assert_string_equal(call(line)->out, same);
	}
}

struct search {
	const char *text;
	const char *command;
	const char *form;
};

/* What the manual writes: each dash is escaped. */
static void assert_in_manual(const struct option_info *info, void *arg)
{
	const struct search *s = arg;
	char word[128] = ".TP\n", *at = word + 4;

	if (info->short_name)
		at += sprintf(at, "\\fB\\-%c\\fR, ", info->short_name);
	at += sprintf(at, "\\fB\\-\\-");
	for (const char *p = info->long_name; *p; p++)
		at += sprintf(at, "%s%c", *p == '-' ? "\\" : "", *p);
	at += sprintf(at, "\\fR");
	if (info->metavar)
		at += sprintf(at, " \\fI%s\\fR", info->metavar);
	strcpy(at, "\n");
	if (!strstr(s->text, word))
		fail_msg("%s: %s", s->command, word);
	assert_true(strlen(info->help) > 10 && strlen(info->manual) > 10);
	for (const struct parse_name *n = info->names; n && n->name; n++)
		assert_true(n->help && strlen(n->help) > 5);
}

static void manual_pages_are_complete(void **state)
{
	static const char *const macros[] = {".TH ", ".SH ", ".TP\n", ".PP\n",
					     ".BR ", ".B ",  ".RS\n", ".RE\n"};

	(void)state;
	for (int i = -1; i < (int)ARRAY_SIZE(documented); i++) {
		enum command c = i < 0 ? CMD_NONE : documented[i];
		const struct outcome *o;
		struct search search;
		char line[64];

		snprintf(line, sizeof(line), "__docs man %s",
			 i < 0 ? "" : options__command_name(c));
		o = call(line);
		assert_int_equal(o->status, 0);
		search.text = o->out;
		search.command = line;
		if (i >= 0)
			options__for_each(c, assert_in_manual, &search);
		assert_non_null(strstr(o->out, ".SH EXIT STATUS\n"));
		/* Nothing of the text is taken for a request, and no line is empty. */
		for (const char *p = o->out, *end; *p; p = end + 1) {
			bool known = *p != '.' && *p != '\'' && *p != '\n';

			for (size_t k = 0; k < ARRAY_SIZE(macros); k++)
				known |= strncmp(p, macros[k], strlen(macros[k])) == 0;
			end = strchr(p, '\n');
			if (!known)
				fail_msg("%s: %.*s", line, (int)(end - p), p);
		}
	}
	assert_int_equal(call("__docs man nonsense")->status, 2);
	assert_int_equal(call("__docs nonsense")->status, 2);
	assert_int_equal(call("__docs")->status, 2);
}

static void assert_in_completion(const struct option_info *info, void *arg)
{
	const struct search *s = arg;
	char word[200];

	/* form: "{c}" stands for the command, "{l}" for the long name. */
	size_t len = 0;

	for (const char *p = s->form; *p && len + 60 < sizeof(word); p++) {
		if (strncmp(p, "{c}", 3) == 0)
			len += (size_t)sprintf(word + len, "%s", s->command), p += 2;
		else if (strncmp(p, "{l}", 3) == 0)
			len += (size_t)sprintf(word + len, "%s", info->long_name), p += 2;
		else
			word[len++] = *p;
	}
	word[len] = '\0';
	if (!strstr(s->text, word))
		fail_msg("%s", word);
	for (const struct parse_name *n = info->names; n && n->name; n++)
		assert_non_null(strstr(s->text, n->name));
}

static void completions_are_complete(void **state)
{
	static const char *const shells[][2] = {
		{"bash", "--{l} "},
		{"zsh", "--{l}"},
		{"fish", "'__zeroscope_command {c}' -l {l} "},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(shells); k++) {
		const struct outcome *o;
		char line[64];

		snprintf(line, sizeof(line), "__docs completion %s", shells[k][0]);
		o = call(line);
		assert_int_equal(o->status, 0);
		for (size_t i = 0; i < ARRAY_SIZE(documented); i++) {
			struct search search = {o->out, options__command_name(documented[i]),
						shells[k][1]};

			assert_non_null(strstr(o->out, search.command));
			options__for_each(documented[i], assert_in_completion, &search);
		}
		assert_null(strstr(o->out, "__docs"));
	}
	assert_int_equal(call("__docs completion csh")->status, 2);
	assert_int_equal(call("__docs completion")->status, 2);
}

/* What bash offers after a command line whose last word is to be completed. */
static const char *bash_offers(const char *words)
{
	static char offers[4096];
	char script[] = "/tmp/test_options.XXXXXX", command[512];
	int fd = mkstemp(script);
	FILE *f = fdopen(fd, "w");
	size_t n;

	assert_non_null(f);
	options__print_completion(f, "bash");
	fprintf(f,
		"COMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_zeroscope\n"
		"echo \"${COMPREPLY[*]}\"\n",
		words);
	fclose(f);
	snprintf(command, sizeof(command), "bash %s", script);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(offers, 1, sizeof(offers) - 1, f);
	assert_int_equal(pclose(f), 0);
	unlink(script);
	while (n && offers[n - 1] == '\n')
		n--;
	offers[n] = '\0';
	return offers;
}

static void bash_completes(void **state)
{
	(void)state;
	assert_string_equal(bash_offers("zeroscope ''"),
			    "run serve holders doctor load record report diff");
	assert_string_equal(bash_offers("zeroscope re"), "record report");
	assert_string_equal(bash_offers("zeroscope load --ki"), "--kind");
	assert_string_equal(bash_offers("zeroscope load --int"), "");
	assert_string_equal(bash_offers("zeroscope --int"), "--interval");
	assert_string_equal(bash_offers("zeroscope load --kind ''"),
			    "thp mthp hugetlb shmem memfd-hugetlb");
	assert_string_equal(bash_offers("zeroscope load --kind = h"), "hugetlb");
	assert_string_equal(bash_offers("zeroscope run --tier kp"), "kprobe.session kprobe");
	assert_string_equal(bash_offers("zeroscope run --interval ''"), "");
	assert_string_equal(bash_offers("zeroscope report /proc/self/statu"), "/proc/self/status");
	assert_string_equal(bash_offers("zeroscope record -o x -- mapfil"), "mapfile");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(commands_are_found),
		cmocka_unit_test(values_in_every_form),
		cmocka_unit_test(every_option_reaches_its_field),
		cmocka_unit_test(positional_arguments),
		cmocka_unit_test(a_command_to_measure),
		cmocka_unit_test(help_and_version_end_parsing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(an_empty_argument_is_no_option),
		cmocka_unit_test(each_command_takes_its_own),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(documented_defaults_are_true),
		cmocka_unit_test(random_command_lines),
		cmocka_unit_test(any_form_gives_the_same),
		cmocka_unit_test(exit_statuses),
		cmocka_unit_test(help_is_complete_and_narrow),
		cmocka_unit_test(manual_pages_are_complete),
		cmocka_unit_test(completions_are_complete),
		cmocka_unit_test(bash_completes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
