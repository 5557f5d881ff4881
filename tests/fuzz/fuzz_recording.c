// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile recordings: whatever the bytes are, the reader ends, with an error or
 * with snapshots that can be rendered, added up, and recorded again unchanged.
 *
 * Two forms of input. One that begins with 'Z' is a file as it is. Any other is
 * a list of frames, each a letter for its type, a length of two bytes (little-
 * endian), and so many bytes of payload: magic and checksums are made here,
 * since no mutation would get past them.
 *
 * With FUZZ_SEEDS this is a program that writes a corpus to begin with.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "csv.h"
#include "diff.h"
#include "interval_json.h"
#include "json.h"
#include "plain.h"
#include "recorded.h"
#include "recording.h"

#define FRAME_HEADER 16

static void must(int err)
{
	if (err)
		abort();
}

#ifndef FUZZ_SEEDS

#define INTERVALS_MAX 64

static FILE *nowhere;

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static void add_frame(struct pack_buffer *file, uint8_t type, const uint8_t *payload, size_t len)
{
	uint8_t h[FRAME_HEADER] = {'Z', 'S', 'R', type};

	put32(h + 4, (uint32_t)len);
	put32(h + 8, (uint32_t)crc32(0, payload, (uInt)len));
	put32(h + 12, (uint32_t)crc32(0, h, 12));
	must(pack_buffer__append(file, h, sizeof(h)));
	must(pack_buffer__append(file, payload, len));
}

static void add_frames(struct pack_buffer *file, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t len = data[1] | (size_t)data[2] << 8;
		uint8_t type = data[0];

		data += 3;
		size -= 3;
		len = min(len, size);
		add_frame(file, type, data, len);
		data += len;
		size -= len;
	}
}

static void check_again(const struct snapshot *s, enum recording_content content)
{
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	_cleanup_snapshot_ struct snapshot *back = NULL;
	struct recording_error err;
	const char *field;

	must(recording__encode(s, content, &buf));
	must(recording_reader__open_buffer(buf.data, buf.len, "again", &r, &err));
	if (recording_reader__next(r, &back, &err) != 1 || !same_snapshot(s, back, &field))
		abort();
}

static void render(const struct snapshot *s)
{
	struct plain_options options = {.verbose = 1};
	struct json_writer w;

	json__init(&w, nowhere);
	interval__json(&w, s, 0);
	must(json__end_line(&w));
	json__free(&w);
	must(plain__interval(nowhere, s, &options));
	must(csv__interval(nowhere, s));
}

/* With itself: which finds nothing, whatever it is. */
static void compare(const struct pack_buffer *file)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	_cleanup_(samples__free) struct samples samples = {0};
	_cleanup_(diff__free) struct diff d = {0};
	struct diff_file side = {"fuzz", &samples, NULL};
	struct plain_options options = {.verbose = 1};
	struct recording_error err;
	struct json_writer w;

	if (recording_reader__open_buffer(file->data, file->len, "fuzz", &r, &err) ||
	    samples__read(&samples, r, &err) || !samples.intervals)
		return;
	must(diff__compare(&d, &samples, &samples, 0));
	if (d.regressions)
		abort();
	json__init(&w, nowhere);
	diff__json(&w, &d, &side, &side);
	must(json__end_line(&w));
	json__free(&w);
	must(diff__plain(nowhere, &d, &side, &side, &options));
}

/* What the live view does with two snapshots of a running exporter. */
static void render_difference(const struct snapshot *newer, const struct snapshot *older)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot__delta(newer, older);

	if (s)
		render(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_pack_buffer_ struct pack_buffer file = {0};
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	_cleanup_snapshot_ struct snapshot *total = NULL;
	struct recording_error err = {.text = ""};
	int ret;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		abort();
	if (size && data[0] != 'Z')
		add_frames(&file, data, size);
	else
		must(pack_buffer__append(&file, data, size));
	ret = recording_reader__open_buffer(file.data, file.len, "fuzz", &r, &err);
	for (int i = 0; !ret && i < INTERVALS_MAX; i++) {
		_cleanup_snapshot_ struct snapshot *s = NULL;

		ret = recording_reader__next(r, &s, &err);
		if (ret <= 0)
			break;
		ret = 0;
		check_again(s, recording_reader__content(r));
		render(s);
		if (!total) {
			total = snapshot__delta(s, NULL);
			continue;
		}
		if (recording_reader__content(r) == RECORDING_TOTALS)
			render_difference(s, total);
		must(snapshot__accumulate(total, s));
	}
	if (ret < 0 && !strstr(err.text, "fuzz"))
		abort();
	if (total)
		render(total);
	/* Larger ones take long and show nothing that these do not. */
	if (file.len < 1500)
		compare(&file);
	return 0;
}

#else

#include "synthetic.h"

static void write_seed(const char *directory, const char *name, const struct pack_buffer *buf)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	if (!f || fwrite(buf->data, 1, buf->len, f) != buf->len || fclose(f)) {
		perror(path);
		exit(1);
	}
}

/* The same file as a list of frames. */
static void write_frames(const char *directory, const char *name, const struct pack_buffer *file)
{
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	size_t at = 0;

	while (at < file->len) {
		const uint8_t *h = file->data + at;
		uint8_t begin[3] = {h[3], h[4], h[5]};
		size_t len = h[4] | (size_t)h[5] << 8;

		must(pack_buffer__append(&buf, begin, sizeof(begin)));
		must(pack_buffer__append(&buf, h + FRAME_HEADER, len));
		at += FRAME_HEADER + len;
	}
	write_seed(directory, name, &buf);
}

/* A run of some intervals, each of which builds on what the one before taught. */
static void write_run(const char *directory, const char *name, int intervals)
{
	static const struct machine machine = {
		.release = "6.12.94+deb12-amd64", .arch = "x86_64", .page_size = 4096};
	struct recording_error err;
	struct recorder *rec = NULL;
	static struct hour hour;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	remove(path);
	hour_init(&hour);
	must(recorder__open(path, &machine, &rec, &err));
	for (int i = 0; i < intervals; i++) {
		_cleanup_snapshot_ struct snapshot *s = hour_second(&hour, &machine, .05);

		must(recorder__append(rec, s, &err));
	}
	must(recorder__close(&rec, &err));
}

/* Everything that can be measured, in one snapshot. */
static void write_full(const char *directory)
{
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();

	must(recording__encode(s, RECORDING_TOTALS, &buf));
	write_seed(directory, "full", &buf);
}

int main(int argc, char **argv)
{
	uint64_t random = 42;
	static struct hour hour;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	mkdir(argv[1], 0777);
	hour_init(&hour);
	write_run(argv[1], "run", 12);
	write_full(argv[1]);
	for (int i = 0; i < 40; i++) {
		_cleanup_pack_buffer_ struct pack_buffer buf = {0};
		_cleanup_snapshot_ struct snapshot *s = NULL;
		struct machine m;
		char name[32];

		random_machine(&random, &m);
		s = i < 30 ? random_snapshot(&random, &m) : hour_second(&hour, &m, .1);
		if (i % 2)
			random_counters(&random, s);
		must(recording__encode(s, i % 2 ? RECORDING_TOTALS : RECORDING_INTERVALS, &buf));
		snprintf(name, sizeof(name), "file-%02d", i);
		write_seed(argv[1], name, &buf);
		snprintf(name, sizeof(name), "frames-%02d", i);
		write_frames(argv[1], name, &buf);
	}
	return 0;
}

#endif
