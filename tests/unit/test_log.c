// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages. Standard error is replaced by a datagram socket, where one write()
 * is one packet: a message that went out in pieces would be seen as several.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "util.h"

static int real_stderr, far_end;
static char packet[70000];

static int redirect(void **state)
{
	int fd[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd))
		return -1;
	real_stderr = dup(STDERR_FILENO);
	dup2(fd[1], STDERR_FILENO);
	close(fd[1]);
	far_end = fd[0];
	log__set_verbosity(0);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(far_end);
	return 0;
}

/* The next message, or NULL if there is none. */
static const char *message(void)
{
	ssize_t n = recv(far_end, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	if (n < 0)
		return NULL;
	packet[n] = '\0';
	return packet;
}

static void prefix_and_newline(void **state)
{
	(void)state;
	log_err("cannot open %s", "x");
	assert_string_equal(message(), "zeroscope: cannot open x\n");
	log_warn("careful");
	assert_string_equal(message(), "zeroscope: careful\n");
	/* libbpf ends its messages with a newline. */
	log_err("with a newline\n\n");
	assert_string_equal(message(), "zeroscope: with a newline\n");
	assert_null(message());
}

static void levels_follow_verbosity(void **state)
{
	static const struct {
		int verbosity;
		int shown;
	} cases[] = {{-1, 1}, {0, 2}, {1, 3}, {2, 4}, {99, 4}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int shown = 0, enabled = 0;

		log__set_verbosity(cases[i].verbosity);
		log_err("e");
		log_warn("w");
		log_info("i");
		log_debug("d");
		while (message())
			shown++;
		assert_int_equal(shown, cases[i].shown);
		for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++)
			enabled += log__enabled((enum log_level)l);
		assert_int_equal(enabled, cases[i].shown);
	}
}

static void code_and_message_stay_together(void **state)
{
	(void)state;
	assert_int_equal(err_r(-EINVAL, "bad %d", 7), -EINVAL);
	assert_string_equal(message(), "zeroscope: bad 7\n");
	assert_int_equal(err_errno_r(-ENOENT, "cannot read %s", "f"), -ENOENT);
	assert_string_equal(message(),
			    "zeroscope: cannot read f: ENOENT (No such file or directory)\n");
	assert_int_equal(err_errno_r(0, "odd"), 0);
	assert_string_equal(message(), "zeroscope: odd\n");
}

static void errno_survives(void **state)
{
	(void)state;
	errno = EXDEV;
	log_err("%m");
	assert_int_equal(errno, EXDEV);
	assert_string_equal(message(), "zeroscope: Invalid cross-device link\n");
	close(STDERR_FILENO);
	errno = EXDEV;
	log_err("nobody hears this");
	assert_int_equal(errno, EXDEV);
}

static void plain_lines_have_no_prefix(void **state)
{
	(void)state;
	log__set_verbosity(-1);
	log__plain("attached: %s", "folio_zero_user (fentry)");
	assert_string_equal(message(), "attached: folio_zero_user (fentry)\n");
}

static void escapes_do_not_reach_the_terminal(void **state)
{
	(void)state;
	log_err("comm %s", "a\033[2Jb\rc\177d\te\nf\xc3\xa9");
	assert_string_equal(message(), "zeroscope: comm a?[2Jb?c?d\te\nf\xc3\xa9\n");
}

static void long_messages_are_whole(void **state)
{
	static char text[60000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_err("%s", text);
	assert_int_equal(strlen(message()), strlen("zeroscope: \n") + sizeof(text) - 1);
	assert_null(message());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(prefix_and_newline, redirect, restore),
		cmocka_unit_test_setup_teardown(levels_follow_verbosity, redirect, restore),
		cmocka_unit_test_setup_teardown(code_and_message_stay_together, redirect, restore),
		cmocka_unit_test_setup_teardown(errno_survives, redirect, restore),
		cmocka_unit_test_setup_teardown(plain_lines_have_no_prefix, redirect, restore),
		cmocka_unit_test_setup_teardown(escapes_do_not_reach_the_terminal, redirect,
						restore),
		cmocka_unit_test_setup_teardown(long_messages_are_whole, redirect, restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
