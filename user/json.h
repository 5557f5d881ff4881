/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_JSON_H
#define ZEROSCOPE_JSON_H

/*
 * A writer of JSON, one object a line. A line is composed in memory and goes
 * out with one write() in json__end_line(), so that a reader never sees half
 * of one, and a full disk is undone as far as the file allows.
 *
 *	struct json_writer w;
 *
 *	json__init(&w, stdout);
 *	json__begin_object(&w);
 *	json__string_field(&w, "type", "interval");
 *	json__end_object(&w);
 *	err = json__end_line(&w);
 *	json__free(&w);
 *
 * Errors stick until the end of the line and are reported there: no memory, a
 * write that failed, and misuse (a value without its key, a wrong end), which
 * is -EINVAL and writes nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 64

struct json_writer {
	FILE *out; /* not owned */
	char *buf; /* the line so far */
	size_t len;
	size_t size;
	int err;      /* the first error of this line, 0 or -errno */
	int depth;    /* open objects and arrays */
	bool has_key; /* in an object: a key waits for its value */
	struct {
		bool object;
		bool has_item; /* a comma is due */
	} level[JSON_MAX_DEPTH];
};

#define _cleanup_json_ __attribute__((cleanup(json__free)))

/* out stays the caller's and must outlive the writer. Cannot fail. */
void json__init(struct json_writer *w, FILE *out);

/* Releases memory; a line not ended is lost. */
void json__free(struct json_writer *w);

void json__begin_object(struct json_writer *w);
void json__end_object(struct json_writer *w);
void json__begin_array(struct json_writer *w);
void json__end_array(struct json_writer *w);
void json__key(struct json_writer *w, const char *key);

void json__u64(struct json_writer *w, uint64_t value);
void json__i64(struct json_writer *w, int64_t value);
/* The shortest number that reads back the same; NaN and infinities are null. */
void json__double(struct json_writer *w, double value);
/* Nanoseconds as exact decimal seconds. */
void json__seconds(struct json_writer *w, uint64_t ns);
/* NULL is null; bytes that are no UTF-8 become U+FFFD. */
void json__string(struct json_writer *w, const char *value);
/* At most len bytes, ending early at a NUL: for comm and other arrays. */
void json__string_n(struct json_writer *w, const char *value, size_t len);
void json__bool(struct json_writer *w, bool value);
void json__null(struct json_writer *w);

/* A key and its value. */
void json__begin_object_field(struct json_writer *w, const char *key);
void json__begin_array_field(struct json_writer *w, const char *key);
void json__u64_field(struct json_writer *w, const char *key, uint64_t value);
void json__i64_field(struct json_writer *w, const char *key, int64_t value);
void json__double_field(struct json_writer *w, const char *key, double value);
void json__seconds_field(struct json_writer *w, const char *key, uint64_t ns);
void json__string_field(struct json_writer *w, const char *key, const char *value);
void json__string_n_field(struct json_writer *w, const char *key, const char *value, size_t len);
void json__bool_field(struct json_writer *w, const char *key, bool value);
void json__null_field(struct json_writer *w, const char *key);

/*
 * Writes the line, ends it with a newline, and starts the next. 0, or -errno
 * of the first error: -EPIPE is a reader that went away (the caller ends
 * quietly, with SIGPIPE ignored), -EINVAL misuse of the writer.
 */
int json__end_line(struct json_writer *w);

#endif /* ZEROSCOPE_JSON_H */
