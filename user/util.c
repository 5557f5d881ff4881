// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np() */
#endif

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <time.h>

void util__cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void util__cleanup_fclose(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

int util__read_text(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	size_t len = 0;

	if (!size)
		return -EINVAL;
	buf[0] = '\0';

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	for (;;) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			buf[0] = '\0';
			return (int)n;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size || len > INT32_MAX) {
			buf[0] = '\0';
			return -EFBIG;
		}
	}
	buf[len] = '\0';
	return (int)len;
}

int util__read_line(const char *path, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	size_t len;
	int c;

	if (!size)
		return -EINVAL;
	buf[0] = '\0';

	f = fopen(path, "re");
	if (!f)
		return -errno;

	for (len = 0; (c = getc(f)) != EOF && c != '\n'; len++) {
		if (len + 1 >= size || len >= INT32_MAX - 1) {
			buf[0] = '\0';
			return -EFBIG;
		}
		buf[len] = (char)c;
	}
	if (ferror(f)) {
		buf[0] = '\0';
		return errno ? -errno : -EIO;
	}
	buf[len] = '\0';
	if (c == EOF && !len)
		return -ENODATA;
	return (int)len;
}

int util__str_to_u64(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	/* Garbage wins over range: "99999999999999999999x" is not a number at all. */
	if (text[strspn(text, "0123456789")])
		return -EINVAL;
	for (; *text; text++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return -ERANGE;
	}
	*value = v;
	return 0;
}

int util__read_u64(const char *path, uint64_t *value)
{
	char text[64];
	int len;

	len = util__read_text(path, text, sizeof(text));
	if (len == -EFBIG)
		return -EINVAL;
	if (len < 0)
		return len;
	/* A NUL inside would end the number early and hide what follows it. */
	if (strlen(text) != (size_t)len)
		return -EINVAL;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return util__str_to_u64(text, value);
}

int util__write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	ssize_t n;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == strlen(text) ? 0 : -EIO;
}

int util__write_all(int fd, const void *buf, size_t len, size_t *done)
{
	size_t sum = 0;
	int err = 0;

	while (sum < len) {
		ssize_t n = write(fd, (const char *)buf + sum, len - sum);

		if (n >= 0) {
			sum += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			if (poll(&p, 1, -1) < 0 && errno != EINTR) {
				err = -errno;
				break;
			}
		} else if (errno != EINTR) {
			err = -errno;
			break;
		}
	}
	if (done)
		*done = sum;
	return err;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t util__monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t util__realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

char *util__format_time(uint64_t realtime_ns, char buf[static UTIL_TIME_SIZE])
{
	time_t seconds = (time_t)(realtime_ns / NSEC_PER_SEC);
	unsigned int ms = (unsigned int)(realtime_ns % NSEC_PER_SEC / NSEC_PER_MSEC);
	struct tm tm = {0};
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(buf, UTIL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, UTIL_TIME_SIZE - len, ".%03uZ", ms);
	return buf;
}

char *util__format_double(double value, char buf[static UTIL_DOUBLE_SIZE])
{
	const char *point;
	char *at;
	int digits;

	if (isnan(value))
		return strcpy(buf, "NaN");
	if (isinf(value))
		return strcpy(buf, value < 0 ? "-Inf" : "+Inf");

	/* A whole number that printf() would turn to an exponent below 17 digits. */
	if (value > -1e17 && value < 1e17 && (double)(int64_t)value == value) {
		snprintf(buf, UTIL_DOUBLE_SIZE, "%.0f", value);
		return buf;
	}

	/* 15 digits are right for most; 17 always read back as the same double. */
	for (digits = 15; digits <= 17; digits++) {
		snprintf(buf, UTIL_DOUBLE_SIZE, "%.*g", digits, value);
		if (digits == 17 || strtod(buf, NULL) == value)
			break;
	}

	/* The terminal view sets the locale, and with it printf()'s decimal point. */
	point = localeconv()->decimal_point;
	if (strcmp(point, ".") != 0 && (at = strstr(buf, point)) != NULL) {
		*at = '.';
		memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
	}
	return buf;
}

char *util__format_seconds(uint64_t ns, char buf[static UTIL_DOUBLE_SIZE])
{
	int len;

	len = snprintf(buf, UTIL_DOUBLE_SIZE, "%" PRIu64 ".%09" PRIu64,
		       (uint64_t)(ns / NSEC_PER_SEC), (uint64_t)(ns % NSEC_PER_SEC));
	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	if (buf[len - 1] == '.')
		buf[--len] = '\0';
	return buf;
}

/*
 * What system calls and libbpf return beyond the C library's list: the kernel's
 * internal codes that leak through bpf(2), and libbpf's own.
 */
static const struct {
	int err;
	const char *text;
} extra_errors[] = {
	{512, "ERESTARTSYS (interrupted inside the kernel)"},
	{517, "EPROBE_DEFER (not ready yet inside the kernel)"},
	{524, "ENOTSUPP (not supported by this kernel)"},
	{4000, "LIBBPF_ERRNO__LIBELF (libelf failed)"},
	{4001, "LIBBPF_ERRNO__FORMAT (BPF object format invalid)"},
	{4002, "LIBBPF_ERRNO__KVERSION (BPF object has no usable version)"},
	{4003, "LIBBPF_ERRNO__ENDIAN (BPF object of the other endianness)"},
	{4004, "LIBBPF_ERRNO__INTERNAL (internal error of libbpf)"},
	{4005, "LIBBPF_ERRNO__RELOC (relocation failed)"},
	{4006, "LIBBPF_ERRNO__LOAD (loading failed for an unknown reason)"},
	{4007, "LIBBPF_ERRNO__VERIFY (the kernel's verifier refused the program)"},
	{4008, "LIBBPF_ERRNO__PROG2BIG (program too big)"},
	{4009, "LIBBPF_ERRNO__KVER (program needs another kernel version)"},
	{4010, "LIBBPF_ERRNO__PROGTYPE (kernel does not know this program type)"},
	{4011, "LIBBPF_ERRNO__WRNGPID (answer of netlink for another process)"},
	{4012, "LIBBPF_ERRNO__INVSEQ (answer of netlink out of sequence)"},
	{4013, "LIBBPF_ERRNO__NLPARSE (answer of netlink not understood)"},
};

const char *errname(int err)
{
	static __thread char ring[8][96];
	static __thread unsigned int next;
	const char *name;
	char *buf;
	size_t i;

	/* Not -INT_MIN, which does not exist; it is unknown like any other. */
	if (err < 0 && err != INT32_MIN)
		err = -err;
	if (!err)
		return "no error";

	for (i = 0; i < ARRAY_SIZE(extra_errors); i++)
		if (extra_errors[i].err == err)
			return extra_errors[i].text;

	buf = ring[next++ % ARRAY_SIZE(ring)];
	name = strerrorname_np(err);
	if (name)
		snprintf(buf, sizeof(ring[0]), "%s (%s)", name, strerrordesc_np(err));
	else
		snprintf(buf, sizeof(ring[0]), "an error unknown to this C library (code %d)", err);
	return buf;
}
