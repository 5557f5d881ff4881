// SPDX-License-Identifier: GPL-2.0-only
#define NCURSES_WIDECHAR 1
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "live.h"
#include "util.h"

/* Last, because it has macros for words such as "columns". */
#include <curses.h>
#include <term.h>

enum depth {
	DEPTH_NONE,
	DEPTH_FEW,    /* 8 or 16 */
	DEPTH_MANY,   /* 256 */
	DEPTH_DIRECT, /* 24 bits */
};

struct screen {
	SCREEN *term;
	enum depth depth;
	int rows, cols;
	int epoll, signals;
	sigset_t old_mask;
};

/* --- Giving the terminal back when the process dies -------------------------------------- */

static struct {
	volatile sig_atomic_t active;
	struct termios mode;
	char text[256];
	size_t len;
	struct sigaction old[NSIG];
	char *stack; /* the fault may be an overflow of the other */
} rescue;

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGQUIT};

/* Only what is safe in a handler; it runs once, then the signal has its way. */
static void give_back(int sig)
{
	ssize_t ignored;

	if (rescue.active) {
		rescue.active = 0;
		ignored = write(STDOUT_FILENO, rescue.text, rescue.len);
		(void)ignored;
		tcsetattr(STDIN_FILENO, TCSANOW, &rescue.mode);
	}
	raise(sig);
}

static int keep(int c)
{
	if (rescue.len < sizeof(rescue.text))
		rescue.text[rescue.len++] = (char)c;
	return c;
}

/* Also makes the text that give_back() writes: the handler cannot ask terminfo. */
static void arm_rescue(void)
{
	const char *const ends[] = {exit_attribute_mode, keypad_local, cursor_normal, exit_ca_mode};
	struct sigaction sa = {.sa_handler = give_back,
			       .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};
	stack_t stack = {.ss_size = 65536};
	size_t i;

	rescue.len = 0;
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i])
			tputs(ends[i], 1, keep);
	rescue.stack = malloc(stack.ss_size);
	stack.ss_sp = rescue.stack;
	if (rescue.stack)
		sigaltstack(&stack, NULL);
	rescue.active = 1;
	for (i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &sa, &rescue.old[fatal_signals[i]]);
}

static void disarm_rescue(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};
	size_t i;

	rescue.active = 0;
	for (i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &rescue.old[fatal_signals[i]], NULL);
	sigaltstack(&none, NULL);
	free(rescue.stack);
	rescue.stack = NULL;
}

/* --- Opening and closing ----------------------------------------------------------------- */

static int watch(struct screen *s)
{
	struct epoll_event tty = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
	struct epoll_event sig = {.events = EPOLLIN};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	if (sigprocmask(SIG_BLOCK, &set, &s->old_mask))
		return -errno;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->signals < 0 || s->epoll < 0)
		return -errno;
	sig.data.fd = s->signals;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &tty) ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->signals, &sig))
		return -errno;
	return 0;
}

/*
 * The description of this terminal that has 24-bit colours, where the terminal
 * says that it has them and somebody has described it: "xterm-direct".
 */
static SCREEN *open_direct(const char *name)
{
	const char *color = getenv("COLORTERM");
	char direct[64];
	size_t len = strcspn(name, "-");

	if (!color || (strcmp(color, "truecolor") != 0 && strcmp(color, "24bit") != 0))
		return NULL;
	snprintf(direct, sizeof(direct), "%.*s-direct", (int)min(len, (size_t)48), name);
	return newterm(direct, stdout, stdin);
}

static enum depth depth_of(bool color)
{
	if (!color || !has_colors())
		return DEPTH_NONE;
	start_color();
	use_default_colors();
	if (COLORS > 256)
		return tigetflag("RGB") > 0 ? DEPTH_DIRECT : DEPTH_MANY;
	if (COLORS == 256 && COLOR_PAIRS > 256)
		return DEPTH_MANY;
	return COLORS >= 8 ? DEPTH_FEW : DEPTH_NONE;
}

/* What the window says; ncurses' own idea of it where it says nothing. */
static bool take_size(struct screen *s)
{
	struct winsize size;
	int rows = LINES, cols = COLS;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		rows = size.ws_row;
		cols = size.ws_col;
	}
	if (rows == s->rows && cols == s->cols)
		return false;
	if (is_term_resized(rows, cols))
		resizeterm(rows, cols);
	s->rows = rows;
	s->cols = cols;
	return true;
}

static int fail(char *why, size_t size, int err, const char *sentence, const char *name)
{
	snprintf(why, size, sentence, name);
	return err;
}

static int start(struct screen *s, bool color, const char *name, char *why, size_t why_size)
{
	int err;

	if (tcgetattr(STDIN_FILENO, &rescue.mode))
		return fail(why, why_size, -ENOTTY, "%s is no terminal", "standard input");
	if (!isatty(STDOUT_FILENO))
		return fail(why, why_size, -ENOTTY, "%s is no terminal", "standard output");
	err = watch(s);
	if (err)
		return fail(why, why_size, err, "the terminal cannot be watched: %s", errname(err));
	s->term = color ? open_direct(name) : NULL;
	if (!s->term)
		s->term = newterm(name, stdout, stdin);
	if (!s->term)
		return fail(why, why_size, -ENOTSUP,
			    "the terminal \"%s\" is not in the terminfo database (see the package "
			    "ncurses-base, and TERMINFO)",
			    name);
	if (!cursor_address || !clear_screen)
		return fail(why, why_size, -ENOTSUP, "the terminal \"%s\" cannot move its cursor",
			    name);
	return 0;
}

int screen__open(bool color, struct screen **out, char *why, size_t why_size)
{
	_cleanup_screen_ struct screen *s = calloc(1, sizeof(*s));
	const char *name = getenv("TERM");
	char clean[64];
	int err;

	if (!s)
		return fail(why, why_size, -ENOMEM, "%s", "out of memory");
	s->epoll = -1;
	s->signals = -1;
	sigprocmask(SIG_SETMASK, NULL, &s->old_mask);
	snprintf(clean, sizeof(clean), "%s", name && *name ? name : "unknown");
	err = start(s, color, clean, why, why_size);
	if (err)
		return err;
	/* Its handlers would only get in the way: the signals come as data. */
	signal(SIGTSTP, SIG_DFL);
	signal(SIGWINCH, SIG_DFL);
	s->depth = depth_of(color);
	set_escdelay(25);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	take_size(s);
	arm_rescue();
	*out = TAKE_PTR(s);
	return 0;
}

void screen__close(struct screen **sp)
{
	struct screen *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	if (s->term) {
		if (rescue.active) {
			endwin();
			disarm_rescue();
		}
		delscreen(s->term);
	}
	util__cleanup_close(&s->epoll);
	util__cleanup_close(&s->signals);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	free(s);
}

void screen__size(const struct screen *s, int *rows, int *cols)
{
	*rows = s->rows;
	*cols = s->cols;
}

bool screen__has_ramp(const struct screen *s)
{
	return s->depth >= DEPTH_MANY;
}

int screen__fd(const struct screen *s)
{
	return s->epoll;
}

/* --- Showing ----------------------------------------------------------------------------- */

/* One hue, from dark to light, so that it is read by its lightness alone. */
static int ramp_color(const struct screen *s, int level)
{
	static const short many[CELLS_LEVELS] = {17, 18, 19, 25, 26, 31, 32,  33,
						 38, 39, 44, 45, 51, 87, 123, 159};
	static const int stop[3][3] = {{12, 36, 96}, {24, 116, 205}, {130, 225, 255}};
	const int half = CELLS_LEVELS / 2;
	int i, at, from, color = 0;

	if (!level)
		return -1;
	if (s->depth == DEPTH_MANY)
		return many[level - 1];
	at = level - 1;
	from = at >= half;
	at -= from * half;
	for (i = 0; i < 3; i++)
		color = color << 8 |
			(stop[from][i] + (stop[from + 1][i] - stop[from][i]) * at / (half - 1));
	return color;
}

static int pair_of(const struct screen *s, int fg, int bg)
{
	int pair = s->depth == DEPTH_NONE ? 0 : alloc_pair(fg, bg);

	return max(pair, 0);
}

static int heat_pair(const struct screen *s, const struct cell *cell)
{
	int level = max(cell->upper, cell->lower);
	bool direct = s->depth == DEPTH_DIRECT;

	switch (cell->c) {
	case 0x2580: /* upper half */
		return pair_of(s, ramp_color(s, cell->upper), ramp_color(s, cell->lower));
	case 0x2584: /* lower half */
		return pair_of(s, ramp_color(s, cell->lower), -1);
	case ' ':
		return pair_of(s, -1, ramp_color(s, level));
	default: /* a mark on it */
		if (level > CELLS_LEVELS / 2)
			return pair_of(s, direct ? 0x000010 : 16, ramp_color(s, level));
		return pair_of(s, direct ? 0xffffff : 231, ramp_color(s, level));
	}
}

static attr_t attributes(const struct screen *s, const struct cell *cell, int *pair)
{
	*pair = 0;
	switch (cell->paint) {
	case PAINT_BOLD:
		return A_BOLD;
	case PAINT_WARN:
		*pair = pair_of(s, COLOR_RED, -1);
		return A_BOLD;
	case PAINT_BAR:
		*pair = pair_of(s, COLOR_CYAN, -1);
		return A_NORMAL;
	case PAINT_MARK:
		*pair = pair_of(s, COLOR_YELLOW, -1);
		return A_BOLD;
	case PAINT_DIM:
		return A_DIM;
	case PAINT_HEAD:
		return A_REVERSE;
	case PAINT_HEAT:
		*pair = heat_pair(s, cell);
		return cell->c == 0x2580 || cell->c == 0x2584 || cell->c == ' ' ? A_NORMAL : A_BOLD;
	default:
		return A_NORMAL;
	}
}

static void show_row(const struct screen *s, const struct cells *c, int row, cchar_t *line)
{
	int col, n = 0, pair;

	for (col = 0; col < c->cols; col++) {
		const struct cell *cell = cells__at(c, row, col);
		wchar_t text[2] = {(wchar_t)cell->c, L'\0'};
		attr_t attr;

		if (!cell->c)
			continue;
		attr = attributes(s, cell, &pair);
		setcchar(&line[n++], text, attr, (short)min(pair, 255), &pair);
	}
	mvadd_wchnstr(row, 0, line, n);
}

void screen__show(struct screen *s, const struct cells *c)
{
	_cleanup_free_ cchar_t *line = calloc((size_t)c->cols + 1, sizeof(*line));
	int row;

	if (!line)
		return;
	for (row = 0; row < c->rows && row < s->rows; row++)
		show_row(s, c, row, line);
	refresh();
}

void screen__forget(struct screen *s)
{
	(void)s;
	clearok(curscr, TRUE);
}

/* --- What comes in ----------------------------------------------------------------------- */

/* Stops this process as the shell wants it, with the terminal as it was before. */
static void suspend(void)
{
	sigset_t tstp;

	endwin();
	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	raise(SIGTSTP);
	/* Here it stops. */
	sigprocmask(SIG_UNBLOCK, &tstp, NULL);
	sigprocmask(SIG_BLOCK, &tstp, NULL);
}

/* After SIGSTOP, too, of which nobody was told: the shell had the terminal meanwhile. */
static void resume(struct screen *s)
{
	reset_prog_mode();
	if (enter_ca_mode)
		putp(enter_ca_mode);
	if (keypad_xmit)
		putp(keypad_xmit);
	/* putp() goes through stdio, and the rest of ncurses does not. */
	fflush(stdout);
	curs_set(1);
	curs_set(0);
	take_size(s);
	screen__forget(s);
}

static enum screen_event read_signal(struct screen *s)
{
	struct signalfd_siginfo info;
	enum screen_event event = SCREEN_NOTHING;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTSTP) {
			suspend();
			resume(s);
		} else if (info.ssi_signo == SIGCONT) {
			resume(s);
		} else {
			take_size(s);
		}
		event = SCREEN_CHANGED;
	}
	return event;
}

static uint32_t translate(wint_t c)
{
	switch (c) {
	case KEY_UP:
		return LIVE_KEY_UP;
	case KEY_DOWN:
		return LIVE_KEY_DOWN;
	case KEY_BTAB:
		return LIVE_KEY_BACKTAB;
	case KEY_HOME:
		return LIVE_KEY_HOME;
	default:
		return 0;
	}
}

enum screen_event screen__next(struct screen *s, uint32_t *key)
{
	struct pollfd tty = {.fd = STDIN_FILENO, .events = POLLIN};
	enum screen_event event = read_signal(s);
	wint_t c;
	int ret;

	if (event != SCREEN_NOTHING)
		return event;
	ret = get_wch(&c);
	if (ret == KEY_CODE_YES) {
		*key = translate(c);
		return SCREEN_KEY;
	}
	if (ret == OK) {
		*key = (uint32_t)c;
		return SCREEN_KEY;
	}
	/* Readable, and nothing to read: the other end is closed. */
	if (poll(&tty, 1, 0) > 0)
		return SCREEN_GONE;
	return SCREEN_NOTHING;
}
