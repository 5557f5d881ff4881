// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

void json__init(struct json_writer *w, FILE *out)
{
	memset(w, 0, sizeof(*w));
	w->out = out;
}

void json__free(struct json_writer *w)
{
	free(w->buf);
	memset(w, 0, sizeof(*w));
}

static void fail(struct json_writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

static void put(struct json_writer *w, const char *text, size_t len)
{
	size_t size = w->size ? w->size : 4096;
	char *buf;

	if (w->err)
		return;
	/* One byte stays free for the newline. */
	while (size - w->len <= len) {
		if (size > SIZE_MAX / 2) {
			fail(w, -ENOMEM);
			return;
		}
		size *= 2;
	}
	if (size != w->size) {
		buf = realloc(w->buf, size);
		if (!buf) {
			fail(w, -ENOMEM);
			return;
		}
		w->buf = buf;
		w->size = size;
	}
	memcpy(w->buf + w->len, text, len);
	w->len += len;
}

static void put_str(struct json_writer *w, const char *text)
{
	put(w, text, strlen(text));
}

/* What must come before a value: a comma in an array, a key in an object, nothing at the top. */
static void before_value(struct json_writer *w)
{
	if (!w->depth) {
		if (w->len)
			fail(w, -EINVAL); /* a second value on one line */
		return;
	}
	if (w->level[w->depth - 1].object) {
		if (!w->has_key)
			fail(w, -EINVAL);
		w->has_key = false;
		return;
	}
	if (w->level[w->depth - 1].has_item)
		put(w, ",", 1);
	w->level[w->depth - 1].has_item = true;
}

static void begin(struct json_writer *w, bool object)
{
	before_value(w);
	if (w->depth == JSON_MAX_DEPTH)
		fail(w, -EINVAL);
	if (w->err)
		return;
	put(w, object ? "{" : "[", 1);
	w->level[w->depth].object = object;
	w->level[w->depth].has_item = false;
	w->depth++;
}

static void end(struct json_writer *w, bool object)
{
	if (!w->depth || w->level[w->depth - 1].object != object || w->has_key)
		fail(w, -EINVAL);
	if (w->err)
		return;
	w->depth--;
	put(w, object ? "}" : "]", 1);
}

void json__begin_object(struct json_writer *w)
{
	begin(w, true);
}

void json__end_object(struct json_writer *w)
{
	end(w, true);
}

void json__begin_array(struct json_writer *w)
{
	begin(w, false);
}

void json__end_array(struct json_writer *w)
{
	end(w, false);
}

/*
 * The length of the UTF-8 sequence that starts at s, or 0 where there is none:
 * overlong forms, surrogates and what is above U+10FFFF are refused too
 * (Unicode 15, table 3-7).
 */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > left)
		return 0;

	switch (s[0]) {
	case 0xe0:
		lo = 0xa0;
		break;
	case 0xed:
		hi = 0x9f;
		break;
	case 0xf0:
		lo = 0x90;
		break;
	case 0xf4:
		hi = 0x8f;
		break;
	default:
		break;
	}
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

static void put_escaped(struct json_writer *w, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	char esc[8];
	size_t i, n;

	put(w, "\"", 1);
	for (i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (!n) {
			put_str(w, "\xef\xbf\xbd"); /* U+FFFD */
			n = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			esc[0] = '\\';
			esc[1] = (char)s[i];
			put(w, esc, 2);
		} else if (s[i] == '\n') {
			put(w, "\\n", 2);
		} else if (s[i] == '\t') {
			put(w, "\\t", 2);
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			/* DEL is legal as it is, but a terminal would act on it. */
			snprintf(esc, sizeof(esc), "\\u%04x", s[i]);
			put(w, esc, 6);
		} else {
			put(w, text + i, n);
		}
	}
	put(w, "\"", 1);
}

void json__key(struct json_writer *w, const char *key)
{
	if (!w->depth || !w->level[w->depth - 1].object || w->has_key) {
		fail(w, -EINVAL);
		return;
	}
	if (w->level[w->depth - 1].has_item)
		put(w, ",", 1);
	w->level[w->depth - 1].has_item = true;
	w->has_key = true;
	put_escaped(w, key, strlen(key));
	put(w, ":", 1);
}

static void value_text(struct json_writer *w, const char *text)
{
	before_value(w);
	put_str(w, text);
}

void json__u64(struct json_writer *w, uint64_t value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, value);
	value_text(w, buf);
}

void json__i64(struct json_writer *w, int64_t value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRId64, value);
	value_text(w, buf);
}

/* A quantity that can have a fraction keeps one, so that typed readers see one type. */
static void value_real(struct json_writer *w, const char *text)
{
	value_text(w, text);
	if (!text[strcspn(text, ".e")])
		put(w, ".0", 2);
}

void json__double(struct json_writer *w, double value)
{
	char buf[UTIL_DOUBLE_SIZE];

	if (!isfinite(value))
		json__null(w);
	else
		value_real(w, util__format_double(value, buf));
}

void json__seconds(struct json_writer *w, uint64_t ns)
{
	char buf[UTIL_DOUBLE_SIZE];

	value_real(w, util__format_seconds(ns, buf));
}

void json__string(struct json_writer *w, const char *value)
{
	json__string_n(w, value, value ? strlen(value) : 0);
}

void json__string_n(struct json_writer *w, const char *value, size_t len)
{
	if (!value) {
		json__null(w);
		return;
	}
	before_value(w);
	put_escaped(w, value, strnlen(value, len));
}

void json__bool(struct json_writer *w, bool value)
{
	value_text(w, value ? "true" : "false");
}

void json__null(struct json_writer *w)
{
	value_text(w, "null");
}

void json__begin_object_field(struct json_writer *w, const char *key)
{
	json__key(w, key);
	json__begin_object(w);
}

void json__begin_array_field(struct json_writer *w, const char *key)
{
	json__key(w, key);
	json__begin_array(w);
}

void json__u64_field(struct json_writer *w, const char *key, uint64_t value)
{
	json__key(w, key);
	json__u64(w, value);
}

void json__i64_field(struct json_writer *w, const char *key, int64_t value)
{
	json__key(w, key);
	json__i64(w, value);
}

void json__double_field(struct json_writer *w, const char *key, double value)
{
	json__key(w, key);
	json__double(w, value);
}

void json__seconds_field(struct json_writer *w, const char *key, uint64_t ns)
{
	json__key(w, key);
	json__seconds(w, ns);
}

void json__string_field(struct json_writer *w, const char *key, const char *value)
{
	json__key(w, key);
	json__string(w, value);
}

void json__string_n_field(struct json_writer *w, const char *key, const char *value, size_t len)
{
	json__key(w, key);
	json__string_n(w, value, len);
}

void json__bool_field(struct json_writer *w, const char *key, bool value)
{
	json__key(w, key);
	json__bool(w, value);
}

void json__null_field(struct json_writer *w, const char *key)
{
	json__key(w, key);
	json__null(w);
}

/*
 * Takes back the part of a line that reached a regular file before the disk was
 * full, if nobody wrote behind it.
 */
static void undo(int fd, size_t done)
{
	off_t pos = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (pos < 0 || (uint64_t)pos < done || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size != pos)
		return;
	if (ftruncate(fd, pos - (off_t)done) == 0)
		(void)lseek(fd, pos - (off_t)done, SEEK_SET);
}

static int write_line(struct json_writer *w)
{
	size_t done;
	int fd, err;

	/* What the caller printed before must come before; then past stdio, for one write(). */
	if (fflush(w->out))
		return -errno;
	fd = fileno(w->out);
	if (fd < 0) {
		/* A stream in memory. */
		errno = 0;
		if (fwrite(w->buf, 1, w->len, w->out) != w->len || fflush(w->out))
			return errno ? -errno : -EIO;
		return 0;
	}
	err = util__write_all(fd, w->buf, w->len, &done);
	if (err && done)
		undo(fd, done);
	return err;
}

int json__end_line(struct json_writer *w)
{
	int err = w->err;

	if (!err && (w->depth || !w->len))
		err = -EINVAL;
	if (!err) {
		w->buf[w->len++] = '\n';
		err = write_line(w);
	}
	w->len = 0;
	w->err = 0;
	w->depth = 0;
	w->has_key = false;
	return err;
}
