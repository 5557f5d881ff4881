// SPDX-License-Identifier: GPL-2.0-only
#include "live_show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "page.h"
#include "recording.h"
#include "screen.h"
#include "util.h"
#include "view.h"

/* Messages that are said again when the screen is closed. */
#define MESSAGES 16

struct live_show {
	struct live live;
	struct screen *screen;
	struct cells cells;
	struct kallsyms *ksyms;	 /* made with the first slow clear */
	char *message[MESSAGES]; /* owned */
	size_t messages, unsaid;
};

static void take_message(void *arg, const char *line)
{
	struct live_show *show = arg;
	char clean[sizeof(show->live.message)];

	page__clean(clean, sizeof(clean), line, strcspn(line, "\n"), show->live.ascii);
	memcpy(show->live.message, clean, sizeof(clean));
	if (show->messages == MESSAGES) {
		show->unsaid++;
		return;
	}
	show->message[show->messages] = strdup(line);
	if (show->message[show->messages])
		show->messages++;
}

bool live_show__wanted(const struct run_options *opt)
{
	return !opt->json && !opt->plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int live_show__open(const struct run_options *opt, enum live_source source, const char *name,
		    struct live_show **out)
{
	_cleanup_live_show_ struct live_show *show = calloc(1, sizeof(*show));
	char why[300];
	int err;

	if (!show)
		return err_r(-ENOMEM, "out of memory");
	live__init(&show->live, source);
	show->live.ascii = view__ascii(opt);
	show->live.total = opt->cumulative;
	show->live.interval_ns = opt->interval_ns;
	if (name)
		page__clean(show->live.name, sizeof(show->live.name), name, strlen(name),
			    show->live.ascii);
	err = screen__open(view__color(opt, true), &show->screen, why, sizeof(why));
	if (err)
		return err_r(err, "there is no live view: %s", why);
	show->live.density = !screen__has_ramp(show->screen);
	log__divert(take_message, show);
	live_show__draw(show);
	*out = TAKE_PTR(show);
	return 0;
}

void live_show__close(struct live_show **showp)
{
	struct live_show *show = *showp;
	size_t i;

	if (!show)
		return;
	*showp = NULL;
	log__divert(NULL, NULL);
	screen__close(&show->screen);
	for (i = 0; i < show->messages; i++) {
		util__write_all(STDERR_FILENO, show->message[i], strlen(show->message[i]), NULL);
		free(show->message[i]);
	}
	if (show->unsaid)
		log_warn("%zu more messages were shown and are not repeated", show->unsaid);
	cells__free(&show->cells);
	kallsyms__free(&show->ksyms);
	live__free(&show->live);
	free(show);
}

struct live *live_show__live(struct live_show *show)
{
	return &show->live;
}

int live_show__fd(const struct live_show *show)
{
	return screen__fd(show->screen);
}

void live_show__draw(struct live_show *show)
{
	int rows, cols;

	screen__size(show->screen, &rows, &cols);
	if (cells__reset(&show->cells, rows, cols))
		return;
	live__draw(&show->live, &show->cells);
	screen__show(show->screen, &show->cells);
}

/* A new file in the current directory: nothing is ever written over. */
static int create(const struct snapshot *s, char *path, size_t size)
{
	time_t seconds = (time_t)(s->time_ns / NSEC_PER_SEC);
	char date[32];
	struct tm tm;
	int fd = -1, i;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	for (i = 0; i < 100; i++) {
		if (i)
			snprintf(path, size, "zeroscope-%s-%d.zs", date, i);
		else
			snprintf(path, size, "zeroscope-%s.zs", date);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* As one interval of a recording: report and diff read it. */
static void save(struct live_show *show)
{
	const struct snapshot *s = live__shown(&show->live);
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_close_ int fd = -1;
	struct live *l = &show->live;
	char path[64] = "";
	int err;

	if (!s || !s->machine) {
		snprintf(l->message, sizeof(l->message), "there is nothing to write yet");
		return;
	}
	err = recording__encode(s, RECORDING_INTERVALS, &buf);
	if (!err) {
		fd = create(s, path, sizeof(path));
		err = fd < 0 ? fd : util__write_all(fd, buf.data, buf.len, NULL);
	}
	if (err && fd >= 0)
		unlink(path);
	if (err)
		snprintf(l->message, sizeof(l->message), "%s cannot be written here: %s",
			 path[0] ? path : "a recording", errname(err));
	else
		snprintf(l->message, sizeof(l->message), "wrote %s", path);
}

enum live_request live_show__input(struct live_show *show)
{
	enum live_request request = LIVE_NOTHING, r;
	enum screen_event event;
	uint32_t key;

	while (request != LIVE_QUIT) {
		event = screen__next(show->screen, &key);
		if (event == SCREEN_GONE)
			return LIVE_QUIT;
		if (event == SCREEN_NOTHING)
			break;
		if (event == SCREEN_CHANGED)
			continue;
		r = live__key(&show->live, key);
		if (r == LIVE_SAVE)
			save(show);
		else if (r == LIVE_REDRAW_ALL)
			screen__forget(show->screen);
		else if (r != LIVE_NOTHING)
			request = r;
		/* Each step counts, and what follows it is for the next time. */
		if (r == LIVE_STEP || r == LIVE_RESTART)
			break;
	}
	if (request != LIVE_QUIT)
		live_show__draw(show);
	return request;
}

void live_show__slow(struct live_show *show, const struct slow_clear *s)
{
	struct plain_options o = {.ascii = show->live.ascii};
	_cleanup_free_ char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);
	int err;

	if (!f)
		return;
	if (!show->ksyms)
		show->ksyms = kallsyms__new("");
	err = show->ksyms ? slow__plain(f, s, show->ksyms, &o) : -ENOMEM;
	if (fclose(f) || err)
		return;
	snprintf(show->live.message, sizeof(show->live.message), "%.*s", (int)strcspn(buf, "\n"),
		 buf);
	live_show__draw(show);
}
