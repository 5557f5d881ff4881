// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON writer, held against a second, strict reader of JSON that is written
 * from RFC 8259 alone, and against files that fail in the middle of a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "comma_locale.h"
#include "json.h"
#include "util.h"

/* --- A strict reader --------------------------------------------------------------------- */

static const char *read_value(const char *p, int depth);

static const char *read_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	while (*p != '"') {
		unsigned char c = (unsigned char)*p;
		unsigned int cp, more;

		if (c < 0x20)
			return NULL;
		if (c == '\\') {
			p++;
			if (*p == 'u') {
				for (int i = 1; i <= 4; i++)
					if (!p[i] || !strchr("0123456789abcdefABCDEF", p[i]))
						return NULL;
				p += 5;
			} else if (*p && strchr("\"\\/bfnrt", *p)) {
				p++;
			} else {
				return NULL;
			}
			continue;
		}
		if (c < 0x80) {
			p++;
			continue;
		}
		/* Decode and look at the number, unlike the writer, which has a table. */
		more = (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : 9;
		if (more == 9)
			return NULL;
		cp = c & (0x3fU >> more);
		p++;
		for (unsigned int i = 0; i < more; i++, p++) {
			if (((unsigned char)*p & 0xc0) != 0x80)
				return NULL;
			cp = cp << 6 | ((unsigned char)*p & 0x3f);
		}
		if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) ||
		    cp < (more == 1   ? 0x80U
			  : more == 2 ? 0x800U
				      : 0x10000U))
			return NULL;
	}
	return p + 1;
}

static const char *read_digits(const char *p)
{
	size_t n = strspn(p, "0123456789");

	return n ? p + n : NULL;
}

static const char *read_number(const char *p)
{
	if (*p == '-')
		p++;
	if (*p == '0')
		p++;
	else if (!(p = read_digits(p)))
		return NULL;
	if (*p == '.' && !(p = read_digits(p + 1)))
		return NULL;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		p = read_digits(p);
	}
	return p;
}

static const char *read_container(const char *p, int depth)
{
	char close = *p == '{' ? '}' : ']';

	p++;
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = read_string(p);
			if (!p || *p++ != ':')
				return NULL;
		}
		p = read_value(p, depth + 1);
		if (!p)
			return NULL;
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *read_value(const char *p, int depth)
{
	static const char *const words[] = {"true", "false", "null"};

	if (depth > 1000)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	if (*p == '{' || *p == '[')
		return read_container(p, depth);
	if (*p == '"')
		return read_string(p);
	return read_number(p);
}

/* One value, then a newline, then nothing. */
static bool is_json_line(const char *text)
{
	const char *end = read_value(text, 0);

	return end && strcmp(end, "\n") == 0;
}

/* --- A writer into memory ---------------------------------------------------------------- */

static char *memory;
static size_t memory_size;
static FILE *stream;
static struct json_writer w;

static int open_memory(void **state)
{
	(void)state;
	stream = open_memstream(&memory, &memory_size);
	json__init(&w, stream);
	return stream ? 0 : -1;
}

static int close_memory(void **state)
{
	(void)state;
	json__free(&w);
	fclose(stream);
	free(memory);
	return 0;
}

/* What was written since the last call; valid until the next. */
static const char *written(void)
{
	static char *copy;

	fflush(stream);
	free(copy);
	copy = strndup(memory, memory_size);
	rewind(stream);
	return copy;
}

static void assert_line(const char *expected)
{
	assert_int_equal(json__end_line(&w), 0);
	assert_string_equal(written(), expected);
	assert_true(is_json_line(expected));
}

/* --- Tests ------------------------------------------------------------------------------- */

static void the_reader_is_strict(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"{}",
		"{}\n\n",
		"{,}\n",
		"[1,]\n",
		"{\"a\"}\n",
		"{a:1}\n",
		"01\n",
		"1.\n",
		".5\n",
		"+1\n",
		"nan\n",
		"\"\t\"\n",
		"\"\\x\"\n",
		"\"\\u12g4\"\n",
		"\"\xff\"\n",
		"\"\xc0\x80\"\n",
		"\"\xed\xa0\x80\"\n",
		"[1 2]\n",
		"{\"a\":1,}\n",
		"1e\n",
	};
	static const char *const good[] = {
		"{}\n",
		"[]\n",
		"-0.5e-3\n",
		"[1,[2],{\"a\":null}]\n",
		"\"\\u00e9\xc3\xa9\xf0\x9f\x98\x80\"\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(is_json_line(bad[i]));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(is_json_line(good[i]));
}

static void every_kind_of_value(void **state)
{
	(void)state;
	json__begin_object(&w);
	json__string_field(&w, "type", "interval");
	json__u64_field(&w, "u", UINT64_MAX);
	json__i64_field(&w, "i", INT64_MIN);
	json__double_field(&w, "d", 0.1);
	json__double_field(&w, "whole", 1);
	json__double_field(&w, "large", 1e300);
	json__seconds_field(&w, "s", 1500000001);
	json__seconds_field(&w, "whole_s", 2 * NSEC_PER_SEC);
	json__bool_field(&w, "t", true);
	json__bool_field(&w, "f", false);
	json__null_field(&w, "n");
	json__string_field(&w, "none", NULL);
	json__string_n_field(&w, "comm", "abcdef", 3);
	json__string_n_field(&w, "short", "ab\0def", 6);
	json__begin_array_field(&w, "a");
	json__u64(&w, 1);
	json__begin_array(&w);
	json__end_array(&w);
	json__begin_object(&w);
	json__end_object(&w);
	json__null(&w);
	json__end_array(&w);
	json__begin_object_field(&w, "o");
	json__u64_field(&w, "x", 0);
	json__end_object(&w);
	json__end_object(&w);
	assert_line(
		"{\"type\":\"interval\",\"u\":18446744073709551615,\"i\":-9223372036854775808,"
		"\"d\":0.1,\"whole\":1.0,\"large\":1e+300,\"s\":1.500000001,\"whole_s\":2.0,"
		"\"t\":true,\"f\":false,\"n\":null,\"none\":null,\"comm\":\"abc\",\"short\":\"ab\","
		"\"a\":[1,[],{},null],\"o\":{\"x\":0}}\n");
	/* The next line starts afresh. */
	json__u64(&w, 7);
	assert_line("7\n");
}

static void not_finite_is_null(void **state)
{
	(void)state;
	json__begin_array(&w);
	json__double(&w, NAN);
	json__double(&w, INFINITY);
	json__double(&w, -INFINITY);
	json__double(&w, -0.0);
	json__end_array(&w);
	assert_line("[null,null,null,-0.0]\n");
}

static void numbers_ignore_the_locale(void **state)
{
	(void)state;
	assert_true(enter_comma_locale());
	json__begin_array(&w);
	json__double(&w, 1.5);
	json__double(&w, 1000000);
	json__seconds(&w, 2500000000);
	json__u64(&w, 1234567);
	json__end_array(&w);
	assert_line("[1.5,1000000.0,2.5,1234567]\n");
	leave_comma_locale();
}

static void strings_are_escaped(void **state)
{
	static const struct {
		const char *text;
		const char *json;
	} cases[] = {
		{"", "\"\"\n"},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\"\n"},
		{"\n\t\r\b\x01\x1f\x7f", "\"\\n\\t\\u000d\\u0008\\u0001\\u001f\\u007f\"\n"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\n"},
		/* Bytes that are no UTF-8 become U+FFFD, one for each. */
		{"a\xff", "\"a\xef\xbf\xbd\"\n"},
		{"\xc3", "\"\xef\xbf\xbd\"\n"},
		{"\xc3(", "\"\xef\xbf\xbd(\"\n"},
		{"\x80", "\"\xef\xbf\xbd\"\n"},
		{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},			/* overlong */
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* a surrogate */
		{"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},			/* cut off */
		{"\xf4\x90\x80\x80",
		 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* above U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json__string(&w, cases[i].text);
		assert_line(cases[i].json);
	}
}

static uint64_t rng = 88172645463325252ULL;

static uint64_t random_u64(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* A comm is 16 bytes of anything. */
static void any_bytes_are_valid(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		char comm[16];

		for (size_t k = 0; k < sizeof(comm); k += 8) {
			uint64_t r = random_u64();

			memcpy(comm + k, &r, 8);
		}
		json__string_n(&w, comm, sizeof(comm));
		assert_int_equal(json__end_line(&w), 0);
		assert_true(is_json_line(written()));
	}
}

static void every_code_point_survives(void **state)
{
	(void)state;
	for (unsigned int cp = 0x80; cp <= 0x10ffff; cp++) {
		char text[5] = "";
		const char *line;

		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		if (cp < 0x800) {
			text[0] = (char)(0xc0 | cp >> 6);
			text[1] = (char)(0x80 | (cp & 0x3f));
		} else if (cp < 0x10000) {
			text[0] = (char)(0xe0 | cp >> 12);
			text[1] = (char)(0x80 | (cp >> 6 & 0x3f));
			text[2] = (char)(0x80 | (cp & 0x3f));
		} else {
			text[0] = (char)(0xf0 | cp >> 18);
			text[1] = (char)(0x80 | (cp >> 12 & 0x3f));
			text[2] = (char)(0x80 | (cp >> 6 & 0x3f));
			text[3] = (char)(0x80 | (cp & 0x3f));
		}
		json__string(&w, text);
		if (json__end_line(&w))
			fail();
		line = written();
		if (strncmp(line + 1, text, strlen(text)) != 0 ||
		    strcmp(line + 1 + strlen(text), "\"\n"))
			fail_msg("U+%04X", cp);
	}
}

static void doubles_round_trip(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = random_u64();
		const char *line;
		double value;

		memcpy(&value, &bits, sizeof(value));
		json__double(&w, value);
		assert_int_equal(json__end_line(&w), 0);
		line = written();
		assert_true(is_json_line(line));
		if (isfinite(value))
			assert_true(strtod(line, NULL) == value);
		else
			assert_string_equal(line, "null\n");
	}
}

static void build_random(int depth)
{
	unsigned int n = (unsigned int)(random_u64() % 4);

	switch (depth > 6 ? 2 + random_u64() % 6 : random_u64() % 8) {
	case 0:
		json__begin_object(&w);
		while (n--) {
			json__key(&w, "k\"\xff");
			build_random(depth + 1);
		}
		json__end_object(&w);
		break;
	case 1:
		json__begin_array(&w);
		while (n--)
			build_random(depth + 1);
		json__end_array(&w);
		break;
	case 2:
		json__u64(&w, random_u64());
		break;
	case 3:
		json__i64(&w, (int64_t)random_u64());
		break;
	case 4:
		json__bool(&w, random_u64() & 1);
		break;
	case 5:
		json__seconds(&w, random_u64());
		break;
	case 6:
		json__string(&w, "x\n");
		break;
	default:
		json__null(&w);
		break;
	}
}

static void any_nesting_is_valid(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		build_random(0);
		assert_int_equal(json__end_line(&w), 0);
		assert_true(is_json_line(written()));
	}
}

static void misuse_is_refused(void **state)
{
	(void)state;
	/* A value without its key. */
	json__begin_object(&w);
	json__u64(&w, 1);
	json__end_object(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* A key without its value. */
	json__begin_object(&w);
	json__key(&w, "a");
	json__end_object(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* Two keys. */
	json__begin_object(&w);
	json__key(&w, "a");
	json__key(&w, "b");
	json__u64(&w, 1);
	json__end_object(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* A key in an array, and at the top. */
	json__begin_array(&w);
	json__key(&w, "a");
	json__end_array(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	json__key(&w, "a");
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* The wrong end, an end too many, an end too few, nothing at all, two values. */
	json__begin_array(&w);
	json__end_object(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	json__end_array(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	json__begin_array(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	assert_int_equal(json__end_line(&w), -EINVAL);
	json__u64(&w, 1);
	json__u64(&w, 2);
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* Deeper than the writer can count. */
	for (int i = 0; i < JSON_MAX_DEPTH + 1; i++)
		json__begin_array(&w);
	for (int i = 0; i < JSON_MAX_DEPTH + 1; i++)
		json__end_array(&w);
	assert_int_equal(json__end_line(&w), -EINVAL);
	/* None of it was written, and the writer still works. */
	json__u64(&w, 3);
	assert_line("3\n");
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		json__begin_array(&w);
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		json__end_array(&w);
	assert_int_equal(json__end_line(&w), 0);
}

static void a_line(struct json_writer *writer, size_t len)
{
	_cleanup_free_ char *text = calloc(1, len + 1);

	memset(text, 'x', len);
	json__begin_object(writer);
	json__string_field(writer, "x", text);
	json__end_object(writer);
}

/* On a socket that keeps packets apart, each line is one packet: it was one write(). */
static void a_line_is_one_write(void **state)
{
	_cleanup_free_ char *packet = malloc(1 << 18);
	_cleanup_json_ struct json_writer out = {0};
	int fd[2], size = 1 << 18;
	FILE *f;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	f = fdopen(fd[0], "w");
	json__init(&out, f);
	/* Longer than the buffer of a stream and than several growths of the writer's. */
	for (size_t len = 1; len < 100000; len = len * 3 + 1) {
		a_line(&out, len);
		assert_int_equal(json__end_line(&out), 0);
		assert_int_equal(recv(fd[1], packet, 1 << 18, MSG_DONTWAIT), len + 9);
		assert_int_equal(recv(fd[1], packet, 1 << 18, MSG_DONTWAIT), -1);
	}
	/* What the caller printed through the stream comes first. */
	fputs("before\n", f);
	a_line(&out, 1);
	assert_int_equal(json__end_line(&out), 0);
	assert_int_equal(recv(fd[1], packet, 1 << 18, 0), 7);
	assert_int_equal(recv(fd[1], packet, 1 << 18, 0), 10);
	fclose(f);
	close(fd[1]);
}

/* A file that may grow to 10000 bytes stands for a disk with that much room. */
static void a_full_disk_leaves_whole_lines(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = fork(); /* the limit cannot be taken back */
	assert_true(pid >= 0);
	if (!pid) {
		char path[] = "/tmp/test_json.XXXXXX";
		struct rlimit limit = {10000, 10000};
		_cleanup_json_ struct json_writer out = {0};
		int fd = mkstemp(path), lines = 0, err = 0;
		FILE *f = fdopen(fd, "w");
		char buf[10001] = "";
		struct stat st;
		ssize_t n;

		unlink(path);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		json__init(&out, f);
		while (!err && lines < 100) {
			a_line(&out, 291); /* 300 bytes: 33 fit, the 34th does not */
			err = json__end_line(&out);
			lines += !err;
		}
		fstat(fd, &st);
		n = pread(fd, buf, sizeof(buf) - 1, 0);
		if (err != -EFBIG || lines != 33 || st.st_size != 33 * 300 || n != st.st_size ||
		    buf[n - 1] != '\n')
			_exit(1);
		/* A short line still fits afterwards, in the right place. */
		a_line(&out, 1);
		if (json__end_line(&out) || fstat(fd, &st) || st.st_size != 33 * 300 + 10)
			_exit(2);
		if (pread(fd, buf, 10, 33 * 300) != 10 || memcmp(buf, "{\"x\":\"x\"}\n", 10) != 0)
			_exit(3);
		fclose(f);
		json__free(&out);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_errors_are_reported(void **state)
{
	_cleanup_json_ struct json_writer out = {0};
	FILE *f = fopen("/dev/full", "w");
	int fd[2];

	(void)state;
	json__init(&out, f);
	a_line(&out, 1);
	assert_int_equal(json__end_line(&out), -ENOSPC);
	fclose(f);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	f = fdopen(fd[1], "w");
	out.out = f;
	a_line(&out, 1);
	assert_int_equal(json__end_line(&out), -EPIPE);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reader_is_strict),
		cmocka_unit_test_setup_teardown(every_kind_of_value, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(not_finite_is_null, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(numbers_ignore_the_locale, open_memory,
						close_memory),
		cmocka_unit_test_setup_teardown(strings_are_escaped, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(any_bytes_are_valid, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(every_code_point_survives, open_memory,
						close_memory),
		cmocka_unit_test_setup_teardown(doubles_round_trip, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(any_nesting_is_valid, open_memory, close_memory),
		cmocka_unit_test_setup_teardown(misuse_is_refused, open_memory, close_memory),
		cmocka_unit_test(a_line_is_one_write),
		cmocka_unit_test(a_full_disk_leaves_whole_lines),
		cmocka_unit_test(write_errors_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
