// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "options_table.h"
#include "util.h"

#define COLUMNS 80

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
		if (!options_commands[c].hidden)
			print_columns(out, options_commands[c].name, options_commands[c].summary);
	fprintf(out, "\nOptions of every command:\n");
	for_each_option(o)
		if (is_common(o))
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
	c = &options_commands[command];
	fprintf(out, "Usage: ");
	print_synopsis(out, c);
	fprintf(out, "\n\n");
	print_paragraphs(out, 0, c->description);
	fprintf(out, "\nOptions:\n");
	for_each_option(o) {
		if (!command_takes(command, o))
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

#define MAN_DATE "2026-11-21"

/* Text for man(7): what its language would act on is escaped, options are set in bold. */
static void man_text(FILE *out, const char *text, size_t len)
{
	bool line_start = true, word_start = true, bold = false;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (word_start && c == '-' && i + 2 < len && text[i + 1] == '-' &&
		    strchr("abcdefghijklmnopqrstuvwxyz", text[i + 2])) {
			fputs("\\fB", out);
			bold = true;
		}
		if (bold && !strchr("abcdefghijklmnopqrstuvwxyz-", c)) {
			fputs("\\fR", out);
			bold = false;
		}
		if (line_start && (c == '.' || c == '\''))
			fputs("\\&", out);
		if (c == '-')
			fputs("\\-", out);
		else if (c == '\\')
			fputs("\\e", out);
		else
			fputc(c, out);
		line_start = c == '\n';
		word_start = c == ' ' || c == '\n' || c == '(';
	}
	if (bold)
		fputs("\\fR", out);
}

static void man_string(FILE *out, const char *text)
{
	man_text(out, text, strlen(text));
}

/* Paragraphs, which are parted by a newline. */
static void man_paragraphs(FILE *out, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		man_text(out, text, len);
		fputc('\n', out);
		if (!text[len])
			return;
		fputs(".PP\n", out);
		text += len + 1;
	}
}

static void man_option(FILE *out, const struct option_desc *o)
{
	fputs(".TP\n", out);
	if (o->short_name)
		fprintf(out, "\\fB\\-%c\\fR, ", o->short_name);
	fputs("\\fB\\-\\-", out);
	man_string(out, o->name);
	fputs("\\fR", out);
	if (o->metavar)
		fprintf(out, " \\fI%s\\fR", o->metavar);
	fputc('\n', out);
	man_string(out, o->manual);
	if (o->deflt) {
		fputs("\nThe default is \\fB", out);
		man_string(out, o->deflt);
		fputs("\\fR.", out);
	}
	fputc('\n', out);
	if (!o->names)
		return;
	fputs(".RS\n", out);
	for (const struct parse_name *n = o->names; n->name; n++) {
		fputs(".TP\n\\fB", out);
		man_string(out, n->name);
		fputs("\\fR\n", out);
		man_string(out, n->help);
		fputc('\n', out);
	}
	fputs(".RE\n", out);
}

static void man_title(FILE *out, const char *title)
{
	fprintf(out,
		".TH %s 1 \"" MAN_DATE "\" \"zeroscope " ZEROSCOPE_VERSION "\" \"User Commands\"\n",
		title);
}

static void man_statuses(FILE *out)
{
	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		fprintf(out, ".TP\n\\fB%d\\fR\n", statuses[i].status);
		man_string(out, statuses[i].meaning);
		fputc('\n', out);
	}
}

/* The words that every view uses, with what they mean and do not mean. */
static const struct {
	const char *word;
	const char *meaning;
} terms[] = {
	{"clear",
	 "One call of folio_zero_user() in the kernel (clear_huge_page() before 6.11), from "
	 "entry to return: a huge folio is filled with zeros because a process faulted it."},
	{"wall time", "Return minus entry of a clear. Interrupts, preemption and time taken by a "
		      "hypervisor are in it."},
	{"gap",
	 "An interval inside a clear in which its task is not on a CPU. Its cause is resched "
	 "where the kernel offered to be rescheduled, preempt where it was preempted, blocked "
	 "where it went to sleep, which should not happen."},
	{"resched delay",
	 "The time from the first request to reschedule a CPU on which a clear runs to "
	 "the switch, or to the end of the clear: what the clear makes another task "
	 "wait."},
	{"extent", "One call of the routine that clears a run of pages inside a clear."},
	{"allocator clear",
	 "Zeroing done by the page allocator because of init_on_alloc=1. Since 6.13 "
	 "such kernels clear nothing at fault time; before, they zero twice."},
	{"holder",
	 "A process whose memory map has a reference on the huge zero folio, because it read "
	 "memory that it never wrote."},
	{"coverage", "What was seen beside what the kernel itself counted. Memory that the kernel "
		     "zeroes by a way that cannot be seen is listed with the reason."},
	{"loss", "What was missed, by cause. If anything was, all figures are floors, and say so."},
	{"order", "The size of a folio: 2^order pages."},
	{"quantile", "It is shown as the interval that its histogram bucket allows, which is never "
		     "wider than 4.5 percent."},
};

static void man_overview(FILE *out)
{
	man_title(out, "ZEROSCOPE");
	fputs(".SH NAME\nzeroscope \\- watch the kernel clear huge pages\n"
	      ".SH SYNOPSIS\n\\fBzeroscope\\fR [\\fICOMMAND\\fR] [\\fIOPTION\\fR]...\n"
	      ".SH DESCRIPTION\n",
	      out);
	man_string(out, overview);
	fputs("\nWithout a command it does what\n.BR zeroscope\\-run (1)\ndoes.\n.SH COMMANDS\n",
	      out);
	for_each_command(c) {
		if (options_commands[c].hidden)
			continue;
		fprintf(out, ".TP\n.BR zeroscope\\-%s (1)\n", options_commands[c].name);
		man_string(out, options_commands[c].summary);
		fputc('\n', out);
	}
	fputs(".SH OPTIONS\nEvery command takes these.\n", out);
	for_each_option(o)
		if (is_common(o))
			man_option(out, o);
	fputs(".SH QUANTITIES\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
		fprintf(out, ".TP\n.B %s\n", terms[i].word);
		man_string(out, terms[i].meaning);
		fputc('\n', out);
	}
	man_statuses(out);
	fputs(".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nIf it is set and not empty, no colours are "
	      "used unless\n\\fB\\-\\-color always\\fR\nis given.\n"
	      ".SH SEE ALSO\n",
	      out);
	for_each_command(c)
		if (!options_commands[c].hidden)
			fprintf(out, ".BR zeroscope\\-%s (1)%s\n", options_commands[c].name,
				c == CMD_DIFF ? "" : ",");
}

static void man_examples(FILE *out, const char *text)
{
	const char *end;

	fputs(".SH EXAMPLES\n", out);
	while ((end = strchr(text, '\n')) != NULL) {
		fputs(".TP\n\\fB", out);
		for (; text < end; text++)
			man_text(out, text, 1);
		fputs("\\fR\n", out);
		text++;
		end = strchr(text, '\n');
		man_text(out, text, (size_t)(end - text));
		fputc('\n', out);
		text = end + 1;
	}
}

void options__print_man(FILE *out, enum command command)
{
	const struct command_desc *c;
	char title[32] = "ZEROSCOPE-";
	bool has_time = false;
	size_t len;

	if (command == CMD_NONE) {
		man_overview(out);
		return;
	}
	c = &options_commands[command];

	len = strlen(title);
	for (const char *p = c->name; *p && len + 1 < sizeof(title); p++)
		title[len++] = (char)toupper((unsigned char)*p);
	title[len] = '\0';
	man_title(out, title);

	fprintf(out, ".SH NAME\nzeroscope\\-%s \\- ", c->name);
	man_string(out, c->summary);
	fprintf(out, "\n.SH SYNOPSIS\n\\fBzeroscope %s\\fR [\\fIOPTION\\fR]...", c->name);
	if (*c->operands) {
		fputc(' ', out);
		man_string(out, c->operands);
	}
	fputs("\n.SH DESCRIPTION\n", out);
	man_paragraphs(out, c->description);
	fputs(".SH OPTIONS\n", out);
	for_each_option(o) {
		if (!command_takes(command, o))
			continue;
		man_option(out, o);
		has_time |= o->kind == OPT_TIME;
	}
	if (has_time) {
		fputs(".PP\n", out);
		man_string(out, TIME_NOTE);
		fputc('\n', out);
	}
	man_statuses(out);
	if (c->examples)
		man_examples(out, c->examples);
	fputs(".SH SEE ALSO\n.BR zeroscope (1)\n", out);
}

/* --- Shell completion -------------------------------------------------------------------- */

/* Every shell: text inside single quotes. */
static void single_quoted(FILE *out, const char *text, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, out);
		else
			fputc(*text, out);
	}
}

static void bash_values(FILE *out, enum command command)
{
	for_each_option(o) {
		if (!command_takes(command, o) || !o->metavar)
			continue;
		fprintf(out, "\t%s:--%s", options_commands[command].name, o->name);
		if (o->short_name)
			fprintf(out, " | %s:-%c", options_commands[command].name, o->short_name);
		fputs(")\n", out);
		switch (o->kind) {
		case OPT_ENUM:
			fputs("\t\twords='", out);
			for (const struct parse_name *n = o->names; n->name; n++)
				fprintf(out, "%s%s", n == o->names ? "" : " ", n->name);
			fputs("'\n", out);
			break;
		case OPT_FILE:
			fputs("\t\tfiles=-f\n", out);
			break;
		case OPT_DIR:
			fputs("\t\tfiles=-d\n", out);
			break;
		case OPT_PIDS:
			fputs("\t\twords=$(cd /proc && printf '%s ' [0-9]*)\n", out);
			break;
		default:
			break;
		}
		fputs("\t\t;;\n", out);
	}
}

static void bash_command(FILE *out, enum command command)
{
	const struct command_desc *c = &options_commands[command];

	fprintf(out, "\t%s:-*)\n\t\twords='", c->name);
	for_each_option(o) {
		if (!command_takes(command, o))
			continue;
		fprintf(out, "--%s ", o->name);
		if (o->short_name)
			fprintf(out, "-%c ", o->short_name);
	}
	fputs("'\n\t\t;;\n", out);
	if (c->positional == POS_FILE)
		fprintf(out, "\t%s:*)\n\t\tfiles=-f\n\t\t;;\n", c->name);
}

static void bash_command_words(FILE *out, const char *glue)
{
	const char *between = "";

	for_each_command(c) {
		if (options_commands[c].hidden)
			continue;
		fprintf(out, "%s%s", between, options_commands[c].name);
		between = glue;
	}
}

static void print_bash(FILE *out)
{
	fputs("# bash completion for zeroscope\n"
	      "\n"
	      "_zeroscope() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal command=run words='' files='' i\n"
	      "\n"
	      "\tCOMPREPLY=()\n"
	      "\t# --option=value comes as three words.\n"
	      "\tif [[ $cur == '=' ]]; then\n"
	      "\t\tcur=''\n"
	      "\telif [[ $prev == '=' ]] && ((COMP_CWORD > 1)); then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\tif ((COMP_CWORD > 1)); then\n"
	      "\t\tcase ${COMP_WORDS[1]} in\n"
	      "\t\t",
	      out);
	bash_command_words(out, " | ");
	fputs(")\n"
	      "\t\t\tcommand=${COMP_WORDS[1]}\n"
	      "\t\t\t;;\n"
	      "\t\tesac\n"
	      "\telif [[ $cur != -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
	      out);
	bash_command_words(out, " ");
	fputs("' -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\n"
	      "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	      "\t\tcase $command in\n\t\t",
	      out);
	{
		const char *glue = "";

		for_each_command(c) {
			if (!options_commands[c].exec)
				continue;
			fprintf(out, "%s%s", glue, options_commands[c].name);
			glue = " | ";
		}
	}
	fputs(")\n"
	      "\t\t\tif ((COMP_CWORD == i + 1)); then\n"
	      "\t\t\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	      "\t\t\telse\n"
	      "\t\t\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\t\tfi\n"
	      "\t\t\treturn\n"
	      "\t\t\t;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\n"
	      "\tcase $command:$prev in\n",
	      out);
	for_each_command(c)
		if (!options_commands[c].hidden)
			bash_values(out, c);
	fputs("\t*)\n\t\tcase $command:$cur in\n", out);
	for_each_command(c)
		if (!options_commands[c].hidden)
			bash_command(out, c);
	fputs("\t\tesac\n\t\t;;\n"
	      "\tesac\n"
	      "\n"
	      "\tif [[ -n $files ]]; then\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen \"$files\" -- \"$cur\")\n"
	      "\telif [[ -n $words ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\tfi\n"
	      "}\n"
	      "\n"
	      "complete -F _zeroscope zeroscope\n",
	      out);
}

/* A text in an _arguments specification, inside single quotes. */
static void zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_action(FILE *out, const struct option_desc *o)
{
	if (!o->metavar)
		return;
	fprintf(out, ":%s:", o->metavar);
	switch (o->kind) {
	case OPT_ENUM:
		fputc('(', out);
		for (const struct parse_name *n = o->names; n->name; n++)
			fprintf(out, "%s%s", n == o->names ? "" : " ", n->name);
		fputc(')', out);
		break;
	case OPT_FILE:
		fputs("_files", out);
		break;
	case OPT_DIR:
		fputs("_files -/", out);
		break;
	case OPT_PIDS:
		fputs("_pids", out);
		break;
	default:
		fputc(' ', out);
		break;
	}
}

static void zsh_option(FILE *out, const struct option_desc *o)
{
	const char *repeat =
		o->kind == OPT_COUNT || o->kind == OPT_LIST || o->kind == OPT_PIDS ? "*" : "";

	if (o->short_name) {
		fprintf(out, "\t\t\t'%s-%c[", repeat, o->short_name);
		zsh_text(out, o->help);
		fputc(']', out);
		zsh_action(out, o);
		fputs("'\n", out);
	}
	fprintf(out, "\t\t\t'%s--%s%s[", repeat, o->name, o->metavar ? "=" : "");
	zsh_text(out, o->help);
	fputc(']', out);
	zsh_action(out, o);
	fputs("'\n", out);
}

static void print_zsh(FILE *out)
{
	fputs("#compdef zeroscope\n"
	      "\n"
	      "_zeroscope() {\n"
	      "\tlocal command=run\n"
	      "\tlocal -a commands specs\n"
	      "\n"
	      "\tcommands=(\n",
	      out);
	for_each_command(c) {
		if (options_commands[c].hidden)
			continue;
		fprintf(out, "\t\t'%s:", options_commands[c].name);
		zsh_text(out, options_commands[c].summary);
		fputs("'\n", out);
	}
	fputs("\t)\n"
	      "\tif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $words[2] != -* ]]; then\n"
	      "\t\tcommand=$words[2]\n"
	      "\t\tshift words\n"
	      "\t\t((CURRENT--))\n"
	      "\tfi\n"
	      "\n"
	      "\tcase $command in\n",
	      out);
	for_each_command(c) {
		const struct command_desc *desc = &options_commands[c];

		if (desc->hidden)
			continue;
		fprintf(out, "\t%s)\n\t\tspecs=(\n", desc->name);
		for_each_option(o)
			if (command_takes(c, o))
				zsh_option(out, o);
		if (desc->positional == POS_FILE)
			fputs("\t\t\t'*:FILE:_files'\n", out);
		if (desc->exec)
			fputs("\t\t\t'*::COMMAND:_normal'\n", out);
		fputs("\t\t)\n\t\t;;\n", out);
	}
	fputs("\t*)\n"
	      "\t\treturn 1\n"
	      "\t\t;;\n"
	      "\tesac\n"
	      "\t_arguments -s $specs\n"
	      "}\n"
	      "\n"
	      "_zeroscope \"$@\"\n",
	      out);
}

static void fish_option(FILE *out, enum command command, const struct option_desc *o)
{
	fprintf(out, "complete -c zeroscope -n '__zeroscope_command %s' -l %s",
		options_commands[command].name, o->name);
	if (o->short_name)
		fprintf(out, " -s %c", o->short_name);
	switch (o->kind) {
	case OPT_ENUM:
		fputs(" -x -a '", out);
		for (const struct parse_name *n = o->names; n->name; n++)
			fprintf(out, "%s%s", n == o->names ? "" : " ", n->name);
		fputc('\'', out);
		break;
	case OPT_FILE:
		fputs(" -r -F", out);
		break;
	case OPT_DIR:
		fputs(" -x -a '(__fish_complete_directories)'", out);
		break;
	case OPT_PIDS:
		fputs(" -x -a '(__fish_complete_pids)'", out);
		break;
	default:
		fputs(o->metavar ? " -x" : "", out);
		break;
	}
	fputs(" -d '", out);
	single_quoted(out, o->help, "\\'");
	fputs("'\n", out);
}

static void print_fish(FILE *out)
{
	fputs("# fish completion for zeroscope\n"
	      "\n"
	      "# Is this the command? Without a command word it is run.\n"
	      "function __zeroscope_command\n"
	      "\tset -l words (commandline -opc)\n"
	      "\tif test (count $words) -lt 2; or string match -q -- '-*' $words[2]\n"
	      "\t\ttest $argv[1] = run\n"
	      "\telse\n"
	      "\t\ttest $words[2] = $argv[1]\n"
	      "\tend\n"
	      "end\n"
	      "\n"
	      "function __zeroscope_no_command\n"
	      "\ttest (count (commandline -opc)) -eq 1\n"
	      "end\n"
	      "\n"
	      "complete -c zeroscope -f\n",
	      out);
	for_each_command(c) {
		if (options_commands[c].hidden)
			continue;
		fprintf(out, "complete -c zeroscope -n __zeroscope_no_command -a %s -d '",
			options_commands[c].name);
		single_quoted(out, options_commands[c].summary, "\\'");
		fputs("'\n", out);
	}
	for_each_command(c) {
		if (options_commands[c].hidden)
			continue;
		for_each_option(o)
			if (command_takes(c, o))
				fish_option(out, c, o);
		if (options_commands[c].positional == POS_FILE || options_commands[c].exec)
			fprintf(out, "complete -c zeroscope -n '__zeroscope_command %s' -F\n",
				options_commands[c].name);
	}
}

int options__print_completion(FILE *out, const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} shells[] = {
		{"bash", print_bash},
		{"zsh", print_zsh},
		{"fish", print_fish},
	};

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].print(out);
			return 0;
		}
	}
	return -EINVAL;
}
