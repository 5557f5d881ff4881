// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "command_group.h"
#include "commands.h"
#include "log.h"
#include "recording.h"
#include "session.h"
#include "util.h"
#include "view.h"

struct recording_job {
	const struct options *opt;
	struct command_group group; /* of the command */
	struct recorder *recorder;
	struct view view; /* of --json */
	pid_t child;	  /* 0: none */
	int go_fd;	  /* the child waits until this is closed */
	int child_fd;	  /* pidfd: readable when it has ended */
};

static int job_begin(void *arg, const struct snapshot *s)
{
	struct recording_job *job = arg;
	struct recording_error err;
	int r = recorder__open(job->opt->output, s->machine, &job->recorder, &err);

	if (r)
		return err_r(r, "%s", err.text);
	util__cleanup_close(&job->go_fd);
	job->go_fd = -1;
	return 0;
}

static int job_interval(void *arg, const struct snapshot *interval, const struct snapshot *total)
{
	struct recording_job *job = arg;
	struct recording_error err;
	int r = recorder__append(job->recorder, interval, &err);

	if (r)
		return err_r(r, "%s", err.text);
	if (!job->opt->run.json)
		return 0;
	r = view__interval(&job->view, interval, total);
	if (r == -EPIPE)
		return err_r(-EIO,
			     "nobody reads standard output any more; what was recorded is whole");
	return r ? err_r(r, "standard output could not be written: %s", errname(r)) : 0;
}

static int job_end(void *arg, const struct snapshot *total)
{
	struct recording_job *job = arg;
	uint64_t intervals = recorder__intervals(job->recorder);
	struct recording_error err;
	int r = recorder__close(&job->recorder, &err);

	(void)total;
	if (r)
		return err_r(r, "%s", err.text);
	log_info("%llu intervals recorded", (unsigned long long)intervals);
	return 0;
}

/* In the child: waits for the word to start, then becomes the command. */
static void become_command(const struct options *opt, int wait_fd, pid_t parent)
{
	char *const *argv = opt->exec;
	sigset_t none;
	char c;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* What the command prints must not be taken for intervals. */
	if (opt->run.json && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(127);
	/* Nothing was measured if the parent is gone before the start. */
	if (read(wait_fd, &c, 1) != 0 || getppid() != parent)
		_exit(127);
	close(wait_fd);
	execvp(argv[0], argv);
	log_err("%s could not be run: %s", argv[0], errname(errno));
	_exit(127);
}

static int start_child(struct recording_job *job)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe(fds))
		return err_errno_r(-errno, "no pipe could be made");
	job->child = fork();
	if (job->child < 0)
		return err_errno_r(-errno, "no process could be made");
	if (!job->child) {
		close(fds[1]);
		become_command(job->opt, fds[0], parent);
	}
	close(fds[0]);
	job->go_fd = fds[1];
	/* The command must not inherit it when another fork follows. */
	if (fcntl(fds[1], F_SETFD, FD_CLOEXEC))
		return err_errno_r(-errno, "a descriptor could not be set up");
	job->child_fd = syscall(SYS_pidfd_open, job->child, 0);
	return job->child_fd < 0 ? err_errno_r(-errno, "the command could not be watched") : 0;
}

/* The status of the command, as a shell tells it; 0 where it was ended from here. */
static int reap_child(struct recording_job *job)
{
	int status = 0;

	if (job->go_fd >= 0) {
		/* It was never let go. */
		kill(job->child, SIGKILL);
		waitpid(job->child, &status, 0);
		return 0;
	}
	if (waitpid(job->child, &status, WNOHANG) == 0) {
		/* The session ended first: by a signal, --duration or an error. */
		kill(job->child, SIGTERM);
		waitpid(job->child, &status, 0);
		return 0;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * The command and what it starts get a group of their own, and only that is
 * counted, unless other filters were asked for.
 */
static void choose_command(struct recording_job *job, struct run_options *run)
{
	int err;

	if (run->pid_count || run->cgroup || run->comm)
		return;
	err = command_group__make(&job->group, job->child);
	if (err)
		log_warn(
			"the clears of all processes are recorded, not those of the command alone, "
			"as it could not get a cgroup of its own: %s",
			errname(err));
	else
		run->cgroup = job->group.path;
}

/* Its exit status, given that of the session. */
static int end_command(struct recording_job *job, int status)
{
	int child = reap_child(job);

	util__cleanup_close(&job->go_fd);
	util__cleanup_close(&job->child_fd);
	if (command_group__remove(&job->group))
		log_warn(
			"what the command started is still running, in a cgroup that is left to it");
	if (!child)
		return status;
	log_warn("the command ended with status %d", child);
	return status ? status : EXIT_FAILED;
}

int cmd_record__run(const struct options *opt)
{
	struct recording_job job = {.opt = opt, .go_fd = -1, .child_fd = -1};
	struct session_sink sink = {
		.arg = &job,
		.end_fd = -1,
		.begin = job_begin,
		.interval = job_interval,
		.end = job_end,
	};
	struct options chosen = *opt;
	int status;

	if (opt->run.json && !strcmp(opt->output, "-"))
		return err_r(EXIT_USAGE,
			     "--json and the recording cannot both go to standard output; "
			     "give -o a file");
	view__init(&job.view, &opt->run, stdout);
	if (opt->exec) {
		if (start_child(&job))
			return EXIT_FAILED;
		sink.end_fd = job.child_fd;
		choose_command(&job, &chosen.run);
	}
	status = session__run(&chosen, &sink);
	recorder__free(&job.recorder);
	view__free(&job.view);
	return job.child > 0 ? end_command(&job, status) : status;
}
