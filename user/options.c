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
#include "options_table.h"
#include "util.h"

#define TASK_COMM_MAX 15 /* TASK_COMM_LEN without its NUL */

/* Of candidates for a suggestion; the table is far smaller. */
#define NAMES_MAX 128

/* --- Look-ups ---------------------------------------------------------------------------- */

const char *options__command_name(enum command command)
{
	return command == CMD_NONE ? "zeroscope" : options_commands[command].name;
}

enum command options__find_command(const char *name)
{
	for_each_command(c)
		if (strcmp(options_commands[c].name, name) == 0)
			return c;
	return CMD_NONE;
}

const char *options__tier_name(enum tier tier)
{
	return parse__enum_name(options_tier_names, (int)tier);
}

void options__for_each(enum command command, void (*fn)(const struct option_info *info, void *arg),
		       void *arg)
{
	for_each_option(o) {
		const struct option_info info = {
			.long_name = o->name,
			.short_name = o->short_name,
			.metavar = o->metavar,
			.help = o->help,
			.manual = o->manual,
			.names = o->names,
		};

		if (command_takes(command, o))
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
	opt->serve.telemetry_path = "/metrics";
	opt->serve.max_requests = 40;
	opt->serve.native_schema = -1;
	opt->speed = 1;
}

static const struct option_desc *find_long(enum command command, const char *name, size_t len)
{
	for_each_option(o)
		if (command_takes(command, o) && strlen(o->name) == len &&
		    strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct option_desc *find_short(enum command command, char c)
{
	for_each_option(o)
		if (command_takes(command, o) && o->short_name == c)
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
	for_each_command(c) {
		const char *glue = !len ? "" : on >> (c + 1) ? ", " : " or ";

		if (on & BIT(c) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s`%s`", glue,
						options_commands[c].name);
	}
}

static int foreign_option(enum command command, const struct option_desc *o, const char *as_given,
			  struct parse_error *err)
{
	char takers[120];

	list_takers(o, takers, sizeof(takers));
	return parse__fail(err, "%s is an option of %s, not of `%s`", as_given, takers,
			   options_commands[command].name);
}

/* An option that the command does not take: another's, mistyped, or unknown. */
static int unknown_long(enum command command, const char *name, size_t len, struct parse_error *err)
{
	const char *names[NAMES_MAX + 1];
	char word[64], given[72], quote[PARSE_QUOTE_SIZE];
	const char *meant;
	size_t n = 0;

	snprintf(word, sizeof(word), "%.*s", (int)min(len, sizeof(word) - 1), name);
	snprintf(given, sizeof(given), "--%s", word);

	for_each_option(o)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return foreign_option(command, o, given, err);

	for_each_option(o)
		if (command_takes(command, o) && n < NAMES_MAX)
			names[n++] = o->name;
	names[n] = NULL;
	parse__quote(given, quote);
	meant = parse__suggest(word, names);
	if (meant)
		return parse__fail(err, "unknown option %s (did you mean --%s?)", quote, meant);

	n = 0;
	for_each_option(o)
		if (!command_takes(command, o) && n < NAMES_MAX)
			names[n++] = o->name;
	names[n] = NULL;
	meant = parse__suggest(word, names);
	for_each_option(o) {
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
			return parse__fail(
				err,
				"%s: %s is not a process id; expected a whole number from "
				"1 to %.0f, or several with commas between",
				name, parse__quote(one, quote), o->hi);
		if (run->pid_count == OPTIONS_MAX_PIDS)
			return parse__fail(err,
					   "%s: at most %d processes can be chosen; use --cgroup "
					   "for more",
					   name, OPTIONS_MAX_PIDS);
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
		return parse__fail(
			err,
			"%s: %s is longer than the %d bytes that the kernel keeps of a name; "
			"expected \"%.*s\"",
			name, parse__quote(value, quote), TASK_COMM_MAX, TASK_COMM_MAX, value);
	*out = value;
	return 0;
}

static int parse_list(const char *name, const struct option_desc *o, const char *value,
		      struct option_list *list, struct parse_error *err)
{
	const char *one;
	int ret = parse_string(name, o, value, &one, err);

	if (ret)
		return ret;
	if (list->nr == OPTIONS_MAX_LIST)
		return parse__fail(err, "%s can be given at most %d times", name, OPTIONS_MAX_LIST);
	list->value[list->nr++] = one;
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
		return parse__fail(err,
				   "%s: descriptor %d is not open; expected one that the caller "
				   "opened",
				   name, (int)fd);
	*out = (int)fd;
	return 0;
}

/* value is "" for kinds that take none. */
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
	case OPT_LIST:
		return parse_list(name, o, value, field, err);
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
		return parse__fail(err,
				   "--%s needs a value; write --%s=%s if it begins with a dash",
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
		return apply(opt, o, "", err);
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
		ret = apply(opt, o, "", err);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_positional(const struct options *opt, struct parse_error *err)
{
	const struct command_desc *c = &options_commands[opt->command];
	char quote[PARSE_QUOTE_SIZE];
	const char *extra;

	if (opt->positional_count < c->positional_min)
		return parse__fail(err, "`%s` needs %s; write zeroscope %s %s", c->name,
				   c->operands, c->name, c->operands);
	if (opt->positional_count <= c->positional_max)
		return 0;

	extra = opt->positional[c->positional_max];
	parse__quote(extra, quote);
	if (c->exec)
		return parse__fail(err,
				   "unexpected argument %s; put -- before the command that is to "
				   "be measured",
				   quote);
	if (!c->positional_max && options__find_command(extra) != CMD_NONE)
		return parse__fail(err,
				   "unexpected argument %s; a command comes first: zeroscope %s "
				   "[OPTION]...",
				   quote, extra);
	return parse__fail(err, "unexpected argument %s; `%s` takes %s", quote, c->name,
			   c->positional_max ? c->operands : "options alone");
}

static int check_needed(const struct options *opt, struct parse_error *err)
{
	for_each_option(o) {
		char letter[8] = "";

		if (!(o->needed & BIT(opt->command)))
			continue;
		if (*(const char *const *)((const char *)opt + o->offset))
			continue;
		if (o->short_name)
			snprintf(letter, sizeof(letter), "-%c or ", o->short_name);
		return parse__fail(err, "`%s` needs %s--%s %s: %s",
				   options_commands[opt->command].name, letter, o->name, o->metavar,
				   o->help);
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
		if (!options_commands[c].hidden)
			names[n++] = options_commands[c].name;
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
	if (cur.at < argc && options_commands[opt->command].exec) {
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

bool options__choose_measurement(const struct run_options *opt)
{
	return opt->pid_count || opt->cgroup || opt->comm || opt->min_order ||
	       opt->slower_than_ns || opt->allocator || opt->no_gaps || opt->fault_share ||
	       opt->tier != TIER_AUTO || opt->btf;
}

/* --- The program ------------------------------------------------------------------------- */

/* What was printed reached its reader: a full disk must not look like success. */
static int finish_output(FILE *out)
{
	if (fflush(out) || ferror(out))
		return err_r(EXIT_FAILED, "standard output cannot be written: %s", errname(errno));
	return EXIT_DONE;
}

static int usage_error(enum command command, const char *sentence)
{
	bool known = command != CMD_NONE;

	return err_r(EXIT_USAGE, "%s; see 'zeroscope %s%s--help'", sentence,
		     known ? options__command_name(command) : "", known ? " " : "");
}

/* `zeroscope help [COMMAND]` */
static int run_help(const struct options *opt)
{
	enum command command = CMD_NONE;
	char quote[PARSE_QUOTE_SIZE];

	if (opt->positional_count) {
		command = options__find_command(opt->positional[0]);
		if (command == CMD_NONE)
			return err_r(EXIT_USAGE, "unknown command %s; see 'zeroscope --help'",
				     parse__quote(opt->positional[0], quote));
	}
	options__print_help(stdout, command);
	return finish_output(stdout);
}

/* For the Makefile: what has a manual page, a name a line. */
static void list_commands(void)
{
	for_each_command(c)
		if (!options_commands[c].hidden)
			puts(options_commands[c].name);
}

/* `zeroscope __docs man [COMMAND]`, `… completion SHELL`, `… list` */
static int run_docs(const struct options *opt)
{
	const char *what = opt->positional_count ? opt->positional[0] : "";
	const char *of = opt->positional_count > 1 ? opt->positional[1] : NULL;
	enum command command = of ? options__find_command(of) : CMD_NONE;

	if (strcmp(what, "man") == 0 && (!of || command != CMD_NONE))
		options__print_man(stdout, command);
	else if (strcmp(what, "list") == 0 && !of)
		list_commands();
	else if (strcmp(what, "completion") != 0 || !of || options__print_completion(stdout, of))
		return usage_error(CMD_DOCS,
				   "expected man [COMMAND], list, or completion bash, zsh or fish");
	return finish_output(stdout);
}

int options__main(int argc, char *const *argv, const command_fn handlers[CMD_COUNT])
{
	struct parse_error err;
	struct options opt;

	if (options__parse(argc, argv, &opt, &err))
		return usage_error(opt.command, err.text);
	log__set_verbosity(opt.run.verbose);

	if (opt.version) {
		printf("zeroscope %s\n", ZEROSCOPE_VERSION);
		return finish_output(stdout);
	}
	if (opt.help) {
		options__print_help(stdout, opt.command);
		return finish_output(stdout);
	}
	if (opt.command == CMD_HELP)
		return run_help(&opt);
	if (opt.command == CMD_DOCS)
		return run_docs(&opt);
	if (!handlers[opt.command])
		return err_r(EXIT_FAILED,
			     "`%s` is not in this build of zeroscope; use one that is linked "
			     "dynamically",
			     options__command_name(opt.command));
	return handlers[opt.command](&opt);
}
