// SPDX-License-Identifier: GPL-2.0-only
/* Owners, readers of one-value files, formats of time and numbers, names of errors. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include "comma_locale.h"
#include "util.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_util.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/f", dir);
	unlink(path);
	return rmdir(dir);
}

static const char *file_with(const void *data, size_t len)
{
	static char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/f", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
	return path;
}

static const char *file(const char *text)
{
	return file_with(text, strlen(text));
}

static char *take_ptr_returns_what_it_took(void)
{
	_cleanup_free_ char *p = strdup("kept");

	return TAKE_PTR(p);
}

static int closed_at_scope_end;

static void open_and_leave(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY);

	closed_at_scope_end = fd;
	errno = ENOTTY;
}

static int take_fd(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY);

	return TAKE_FD(fd);
}

static void owners(void **state)
{
	_cleanup_free_ char *p = take_ptr_returns_what_it_took();
	_cleanup_close_ int fd = -1;

	(void)state;
	assert_string_equal(p, "kept"); /* ASan would see a use after free */
	open_and_leave();
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(fcntl(closed_at_scope_end, F_GETFD), -1);
	fd = take_fd();
	assert_true(fcntl(fd, F_GETFD) >= 0);
}

static void min_and_max_evaluate_once(void **state)
{
	int i = 1, j = 5;

	(void)state;
	assert_int_equal(min(i++, j), 1);
	assert_int_equal(i, 2);
	assert_int_equal(max(i, j++), 5);
	assert_int_equal(j, 6);
}

static void whole_text(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(util__read_text(file("abc\n"), buf, sizeof(buf)), 4);
	assert_string_equal(buf, "abc\n");
	assert_int_equal(util__read_text(file(""), buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(util__read_text(file("1234567"), buf, sizeof(buf)), 7);
	/* Never a shortened value. */
	assert_int_equal(util__read_text(file("12345678"), buf, sizeof(buf)), -EFBIG);
	assert_string_equal(buf, "");
	assert_int_equal(util__read_text("/nonexistent", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(util__read_text("/", buf, sizeof(buf)), -EISDIR);
	assert_int_equal(util__read_text("/dev/null", buf, 0), -EINVAL);
}

static void first_line(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(util__read_line(file("one\ntwo\n"), buf, sizeof(buf)), 3);
	assert_string_equal(buf, "one");
	assert_int_equal(util__read_line(file("one"), buf, sizeof(buf)), 3);
	assert_int_equal(util__read_line(file("\n"), buf, sizeof(buf)), 0);
	assert_int_equal(util__read_line(file(""), buf, sizeof(buf)), -ENODATA);
	assert_int_equal(util__read_line(file("1234567\n"), buf, sizeof(buf)), 7);
	assert_int_equal(util__read_line(file("12345678\n"), buf, sizeof(buf)), -EFBIG);
	assert_string_equal(buf, "");
	assert_int_equal(util__read_line("/", buf, sizeof(buf)), -EISDIR);
}

static void one_number(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"0\n", 0, 0},
		{"42\n", 0, 42},
		{"18446744073709551615\n", 0, UINT64_MAX},
		{"18446744073709551616\n", -ERANGE, 0},
		{"99999999999999999999999\n", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"42\n\n", -EINVAL, 0},
		{" 42", -EINVAL, 0},
		{"42 ", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"12abc", -EINVAL, 0},
		{"99999999999999999999999x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 4711;

		assert_int_equal(util__read_u64(file(cases[i].text), &value), cases[i].ret);
		assert_true(value == (cases[i].ret ? 4711 : cases[i].value));
	}
	{
		uint64_t value = 4711;

		assert_int_equal(util__read_u64(file_with("1\0002\n", 4), &value), -EINVAL);
		assert_int_equal(util__read_u64("/nonexistent", &value), -ENOENT);
		assert_true(value == 4711);
	}
}

static void text_is_written_whole(void **state)
{
	const char *path = file("something long");
	char buf[32];

	(void)state;
	assert_int_equal(util__write_text(path, "1\n"), 0);
	assert_int_equal(util__read_text(path, buf, sizeof(buf)), 2);
	assert_string_equal(buf, "1\n");
	assert_int_equal(util__write_text("/nonexistent/f", "1"), -ENOENT);
	assert_int_equal(util__write_text("/dev/full", "1"), -ENOSPC);
}

/* A socket that takes little at a time and does not block: every byte must still get through. */
static void write_all_waits(void **state)
{
	enum { SIZE = 1 << 20 };
	_cleanup_free_ char *out = malloc(SIZE), *in = malloc(SIZE);
	size_t done = 0, got = 0;
	int fd[2];
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		out[i] = (char)(i * 7 + i / 251);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fd[1]);
		_exit(util__write_all(fd[0], out, SIZE, &done) || done != SIZE);
	}
	close(fd[0]);
	while (got < SIZE) {
		ssize_t n = read(fd[1], in + got, SIZE - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	close(fd[1]);
	assert_memory_equal(in, out, SIZE);
	assert_int_equal(util__write_all(-1, "x", 1, &done), -EBADF);
	assert_int_equal(done, 0);
}

static void clocks_advance(void **state)
{
	uint64_t a = util__monotonic_ns(), b = util__monotonic_ns();
	uint64_t now = util__realtime_ns() / NSEC_PER_SEC;

	(void)state;
	assert_true(b >= a);
	assert_true(a > 0);
	assert_true(now + 5 >= (uint64_t)time(NULL) && now <= (uint64_t)time(NULL) + 5);
}

static void times(void **state)
{
	char buf[UTIL_TIME_SIZE];

	(void)state;
	setenv("TZ", "Asia/Kathmandu", 1); /* must not matter */
	tzset();
	assert_string_equal(util__format_time(0, buf), "1970-01-01T00:00:00.000Z");
	assert_string_equal(util__format_time(999999, buf), "1970-01-01T00:00:00.000Z");
	assert_string_equal(util__format_time(1999999999, buf), "1970-01-01T00:00:01.999Z");
	assert_string_equal(util__format_time(951782400ULL * NSEC_PER_SEC + 7 * NSEC_PER_MSEC, buf),
			    "2000-02-29T00:00:00.007Z");
	assert_string_equal(util__format_time(1795258397ULL * NSEC_PER_SEC, buf),
			    "2026-11-21T10:53:17.000Z");
	/* The last moment that 64 bits can hold, in 2554. */
	assert_string_equal(util__format_time(UINT64_MAX, buf), "2554-07-21T23:34:33.709Z");
}

static uint64_t rng = 88172645463325252ULL;

static uint64_t random_u64(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void doubles_are_shortest_and_exact(void **state)
{
	char buf[UTIL_DOUBLE_SIZE];
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{-1, "-1"},
		{0.1, "0.1"},
		{0.3, "0.3"},
		{1.5, "1.5"},
		{1e21, "1e+21"},
		{5e-324, "4.94065645841247e-324"},
		{1.0 / 3, "0.3333333333333333"},
		{0.1 + 0.2, "0.30000000000000004"},
		{NAN, "NaN"},
		{INFINITY, "+Inf"},
		{-INFINITY, "-Inf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(util__format_double(cases[i].value, buf), cases[i].text);

	for (int i = 0; i < 200000; i++) {
		uint64_t bits = random_u64();
		char longer[64];
		double value;

		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		util__format_double(value, buf);
		assert_true(strlen(buf) < UTIL_DOUBLE_SIZE);
		assert_true(strtod(buf, NULL) == value);
		snprintf(longer, sizeof(longer), "%.17g", value);
		assert_true(strlen(buf) <= strlen(longer));
	}
}

static void doubles_ignore_the_locale(void **state)
{
	char buf[UTIL_DOUBLE_SIZE], libc[16];

	(void)state;
	assert_true(enter_comma_locale());
	snprintf(libc, sizeof(libc), "%g", 1.5);
	assert_string_equal(libc, "1,5"); /* or the test would prove nothing */
	assert_string_equal(util__format_double(1.5, buf), "1.5");
	assert_string_equal(util__format_double(-2.5e-9, buf), "-2.5e-09");
	assert_string_equal(util__format_double(1.0 / 3, buf), "0.3333333333333333");
	assert_string_equal(util__format_seconds(1500000000, buf), "1.5");
	leave_comma_locale();
}

static void seconds_are_exact(void **state)
{
	char buf[UTIL_DOUBLE_SIZE];

	(void)state;
	assert_string_equal(util__format_seconds(0, buf), "0");
	assert_string_equal(util__format_seconds(1, buf), "0.000000001");
	assert_string_equal(util__format_seconds(500, buf), "0.0000005");
	assert_string_equal(util__format_seconds(1500000000, buf), "1.5");
	assert_string_equal(util__format_seconds(100 * NSEC_PER_SEC, buf), "100");
	assert_string_equal(util__format_seconds(UINT64_MAX, buf), "18446744073.709551615");
}

static void errors_have_names(void **state)
{
	const char *first = errname(ENOENT);

	(void)state;
	assert_string_equal(first, "ENOENT (No such file or directory)");
	assert_string_equal(errname(-EPERM), "EPERM (Operation not permitted)");
	assert_string_equal(errname(-524), "ENOTSUPP (not supported by this kernel)");
	assert_non_null(strstr(errname(4007), "LIBBPF_ERRNO__VERIFY"));
	assert_string_equal(errname(0), "no error");
	/* Several in one message. */
	assert_string_equal(first, "ENOENT (No such file or directory)");

	for (int err = -5000; err <= 5000; err++) {
		const char *text = errname(err);

		assert_true(strlen(text) > 5);
		assert_false(text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
	}
	assert_non_null(strstr(errname(INT32_MIN), "unknown"));
	assert_non_null(strstr(errname(INT32_MAX), "unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(min_and_max_evaluate_once),
		cmocka_unit_test(whole_text),
		cmocka_unit_test(first_line),
		cmocka_unit_test(one_number),
		cmocka_unit_test(text_is_written_whole),
		cmocka_unit_test(write_all_waits),
		cmocka_unit_test(clocks_advance),
		cmocka_unit_test(times),
		cmocka_unit_test(doubles_are_shortest_and_exact),
		cmocka_unit_test(doubles_ignore_the_locale),
		cmocka_unit_test(seconds_are_exact),
		cmocka_unit_test(errors_have_names),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
