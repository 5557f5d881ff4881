// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "recording_format.h"
#include "util.h"

static uint32_t get_le32(const uint8_t *at)
{
	uint32_t le;

	memcpy(&le, at, sizeof(le));
	return le32toh(le);
}

bool recording__same_machine(const struct machine *a, const struct machine *b)
{
	return !strcmp(a->release, b->release) && !strcmp(a->version, b->version) &&
	       !strcmp(a->arch, b->arch) && !strcmp(a->host, b->host) &&
	       a->page_size == b->page_size && a->pmd_order == b->pmd_order && a->cpus == b->cpus &&
	       a->nodes == b->nodes && a->preempt_model == b->preempt_model &&
	       !strcmp(a->preempt_source, b->preempt_source) &&
	       a->init_on_alloc == b->init_on_alloc && a->huge_zero == b->huge_zero;
}

/* Snapshots point to the machine of their segment, so all of them are kept. */
struct segment {
	struct segment *before;
	struct machine machine;
};

struct recording_reader {
	char *name;
	FILE *file;	     /* NULL: data */
	const uint8_t *data; /* not owned */
	size_t len;
	uint64_t pos;	    /* of the next byte */
	uint64_t frame;	    /* where the last frame began */
	uint64_t good_size; /* where the last whole frame ended */
	uint8_t *payload;
	size_t payload_size;
	struct pack_model *model;
	struct unpacker unpacker;
	struct segment *segment;
	unsigned int segments;
	unsigned int run;
	struct recording_base base;
	uint64_t intervals;
	uint64_t lost;
	bool closed; /* the last frame was an end mark */
	bool ended;
	bool early;
	int err;
	struct recording_error error; /* what every further call returns */
	struct recording_error note;
};

uint64_t recording_reader__whole_size(const struct recording_reader *r)
{
	return r->good_size;
}

const struct machine *recording_reader__machine(const struct recording_reader *r)
{
	return &r->segment->machine;
}

enum recording_content recording_reader__content(const struct recording_reader *r)
{
	return r->base.content;
}

unsigned int recording_reader__run(const struct recording_reader *r)
{
	return r->run;
}

uint64_t recording_reader__intervals(const struct recording_reader *r)
{
	return r->intervals;
}

const char *recording_reader__ends_early(const struct recording_reader *r)
{
	return r->early ? r->note.text : NULL;
}

void recording_reader__free(struct recording_reader **rp)
{
	struct recording_reader *r = *rp;

	if (!r)
		return;
	*rp = NULL;
	while (r->segment) {
		struct segment *before = r->segment->before;

		free(r->segment);
		r->segment = before;
	}
	pack_model__free(&r->model);
	if (r->file && r->file != stdin)
		fclose(r->file);
	free(r->payload);
	free(r->name);
	free(r);
}

static int damaged(struct recording_reader *r, const char *what)
{
	return recording__say(&r->error, -EBADMSG,
			      "%s is damaged: the frame at byte %" PRIu64
			      ": %s; what comes before it is whole",
			      r->name, r->frame, what);
}

static int no_memory(struct recording_reader *r)
{
	return recording__say(&r->error, -ENOMEM, "%s: out of memory", r->name);
}

/* Up to len bytes; *got is less only at the end of the file. */
static int read_bytes(struct recording_reader *r, void *to, size_t len, size_t *got)
{
	*got = 0;
	if (!len)
		return 0;
	if (r->file) {
		*got = fread(to, 1, len, r->file);
		if (*got < len && ferror(r->file))
			return recording__say(&r->error, errno ? -errno : -EIO,
					      "%s: cannot be read: %s", r->name,
					      errname(errno ? errno : EIO));
	} else {
		*got = (size_t)min((uint64_t)len, r->len - r->pos);
		if (*got) /* data may be NULL where there is none */
			memcpy(to, r->data + r->pos, *got);
	}
	r->pos += *got;
	return 0;
}

static int unpacked(struct recording_reader *r)
{
	int err = unpack__finish(&r->unpacker);

	if (err == -EBADMSG)
		return damaged(r, r->unpacker.what);
	return err ? no_memory(r) : 0;
}

static int add_segment(struct recording_reader *r, const struct machine *m)
{
	struct segment *s;

	if (r->segment && recording__same_machine(&r->segment->machine, m))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return no_memory(r);
	s->machine = *m;
	s->before = r->segment;
	r->segment = s;
	return 0;
}

static int read_head(struct recording_reader *r, size_t len)
{
	struct unpacker *u = &r->unpacker;
	uint64_t content = 0, continued = 0;
	bool has_machine = false;
	struct machine m = {0};
	struct pack_field f;
	int err;

	if (!len)
		return damaged(r, "its header is empty");
	if (r->payload[0] > RECORDING_VERSION)
		return recording__say(&r->error, -EPROTONOSUPPORT,
				      "%s is a recording of version %u and this zeroscope reads up "
				      "to %u; use a newer one",
				      r->name, r->payload[0], RECORDING_VERSION);
	if (!r->payload[0])
		return damaged(r, "there is no version 0");
	if (r->segments++ == RECORDING_SEGMENTS_MAX)
		return damaged(r, "it has more segments than a recording can");
	pack_model__free(&r->model);
	r->model = pack_model__new();
	if (!r->model)
		return no_memory(r);
	r->base = (struct recording_base){0};
	unpack__begin(u, r->model, r->payload + 1, len - 1);
	while (unpack__next(u, &f)) {
		switch (f.tag) {
		case HEAD_CONTENT:
			recording__read_uint(u, &f, &content);
			break;
		case HEAD_CONTINUED:
			recording__read_uint(u, &f, &continued);
			break;
		case HEAD_TIME:
			recording__read_uint(u, &f, &r->base.time_ns);
			break;
		case HEAD_MONO:
			recording__read_uint(u, &f, &r->base.mono_ns);
			break;
		case HEAD_MACHINE:
			if (recording__expect(u, &f, PACK_MESSAGE))
				recording__unpack_machine(u, &m);
			has_machine = true;
			break;
		default:
			unpack__skip(u, &f);
		}
	}
	if (!has_machine)
		unpack__fail(u, "its header names no machine");
	if (content > RECORDING_TOTALS)
		unpack__fail(u, "its header says that it holds neither intervals nor totals");
	err = unpacked(r);
	if (err)
		return err;
	r->base.page_size = m.page_size;
	r->base.content = (enum recording_content)content;
	if (!continued || !r->run)
		r->run++;
	r->closed = false;
	return add_segment(r, &m);
}

static int read_interval(struct recording_reader *r, size_t len, struct snapshot **out)
{
	_cleanup_snapshot_ struct snapshot *s = NULL;
	int err;

	if (r->closed)
		return damaged(r, "an interval follows the end of its segment");
	s = snapshot__new(&r->segment->machine);
	if (!s)
		return no_memory(r);
	unpack__begin(&r->unpacker, r->model, r->payload, len);
	recording__unpack_snapshot(&r->unpacker, s, &r->base);
	err = unpacked(r);
	if (err)
		return err;
	r->intervals++;
	*out = TAKE_PTR(s);
	return 1;
}

static int read_end(struct recording_reader *r, size_t len)
{
	struct unpacker *u = &r->unpacker;
	uint64_t lost = 0;
	struct pack_field f;

	unpack__begin(u, r->model, r->payload, len);
	while (unpack__next(u, &f)) {
		if (f.tag == END_LOST)
			recording__read_uint(u, &f, &lost);
		else
			unpack__skip(u, &f);
	}
	r->lost += lost;
	r->closed = true;
	return unpacked(r);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static int ends_early(struct recording_reader *r)
{
	r->ended = true;
	r->early = true;
	return recording__say(&r->note, 0,
			      "%s ends early: byte %" PRIu64
			      " begins a frame that is not whole, as "
			      "its writer was stopped or the disk was full; the %" PRIu64
			      " interval%s before it can be relied on",
			      r->name, r->good_size, r->intervals, plural(r->intervals));
}

static int at_end(struct recording_reader *r)
{
	r->ended = true;
	r->early = !r->closed || r->lost;
	if (!r->closed)
		return recording__say(&r->note, 0,
				      "%s ends early: it was not closed, as its writer was stopped "
				      "or the disk was full; its %" PRIu64
				      " interval%s can be relied on",
				      r->name, r->intervals, plural(r->intervals));
	if (r->lost)
		return recording__say(&r->note, 0,
				      "%s lacks %" PRIu64 " interval%s that could not be written",
				      r->name, r->lost, plural(r->lost));
	return 0;
}

/* Is what stands at the beginning, or as much of it as is there, a header's? */
static bool begins_well(const uint8_t *h, size_t len)
{
	static const uint8_t begin[] = {'Z', 'S', 'R', FRAME_HEAD};

	return len && !memcmp(h, begin, min(len, sizeof(begin)));
}

/*
 * The next frame, checked: 1, its type and the length of r->payload; 0 where
 * the file ends or is cut off; -errno.
 */
static int next_frame(struct recording_reader *r, char *type, size_t *len)
{
	uint8_t h[FRAME_HEADER];
	size_t got;
	int err;

	r->frame = r->pos;
	err = read_bytes(r, h, sizeof(h), &got);
	if (err)
		return err;
	if (!r->segments && !begins_well(h, got))
		return recording__say(
			&r->error, -EINVAL,
			"%s is %s, not a recording; `zeroscope record -o FILE` makes one", r->name,
			got ? "something else" : "empty");
	if (!got)
		return at_end(r);
	if (got < sizeof(h))
		return ends_early(r);
	if (get_le32(h + 12) != recording__checksum(h, 12))
		return damaged(r, "the checksum of its header is wrong");
	if (memcmp(h, FRAME_MAGIC, 3))
		return damaged(r, "it does not begin as a frame does");
	*type = (char)h[3];
	*len = get_le32(h + 4);
	if (*len > RECORDING_FRAME_MAX)
		return damaged(r, "it is larger than a frame can be");
	if (*len > r->payload_size) {
		free(r->payload);
		r->payload_size = 0;
		r->payload = malloc(*len);
		if (!r->payload)
			return no_memory(r);
		r->payload_size = *len;
	}
	err = read_bytes(r, r->payload, *len, &got);
	if (err)
		return err;
	if (got < *len)
		return ends_early(r);
	if (get_le32(h + 8) != recording__checksum(r->payload, *len))
		return damaged(r, "its checksum is wrong");
	return 1;
}

/* 1 with an interval, 0 without one, -errno. */
static int read_frame(struct recording_reader *r, char type, size_t len, struct snapshot **out)
{
	switch (type) {
	case FRAME_HEAD:
		return read_head(r, len);
	case FRAME_INTERVAL:
		return read_interval(r, len, out);
	case FRAME_END:
		return read_end(r, len);
	}
	if (type >= 'a' && type <= 'z')
		return 0;
	return recording__say(&r->error, -EPROTONOSUPPORT,
			      "%s: the frame at byte %" PRIu64
			      " is of a type that this zeroscope does not know; use a newer one",
			      r->name, r->frame);
}

int recording_reader__next(struct recording_reader *r, struct snapshot **out,
			   struct recording_error *err)
{
	size_t len = 0;
	char type = 0;
	int ret = 0;

	*out = NULL;
	while (!r->err && !r->ended) {
		ret = next_frame(r, &type, &len);
		if (ret > 0) {
			ret = read_frame(r, type, len, out);
			if (ret >= 0)
				r->good_size = r->pos;
		}
		if (ret < 0)
			r->err = ret;
		if (ret > 0)
			return 1;
	}
	/* What is read may be shown for days yet; the machines stay, since snapshots name them. */
	pack_model__free(&r->model);
	free(r->payload);
	r->payload = NULL;
	r->payload_size = 0;
	if (r->err && err)
		*err = r->error;
	return r->err;
}

/* The first header, without which nothing can be told apart. */
static int open_reader(struct recording_reader *r)
{
	size_t len = 0;
	char type = 0;
	int ret;

	ret = next_frame(r, &type, &len);
	if (ret < 0)
		return ret;
	if (!ret)
		return recording__say(
			&r->error, -ENODATA,
			"%s was cut off before its first interval: there is nothing in it to read",
			r->name);
	/* begins_well() has seen that it is one. */
	ret = read_head(r, len);
	r->good_size = r->pos;
	return ret;
}

static int new_reader(const char *name, FILE *file, const void *data, size_t len,
		      struct recording_reader **out, struct recording_error *err)
{
	_cleanup_recording_reader_ struct recording_reader *r = calloc(1, sizeof(*r));
	int ret;

	if (!r) {
		if (file && file != stdin)
			fclose(file);
		return recording__say(err, -ENOMEM, "%s: out of memory", name);
	}
	r->file = file;
	r->data = data;
	r->len = len;
	r->name = strdup(name);
	if (!r->name)
		return recording__say(err, -ENOMEM, "%s: out of memory", name);
	ret = open_reader(r);
	if (ret) {
		if (err)
			*err = r->error;
		return ret;
	}
	*out = TAKE_PTR(r);
	return 0;
}

int recording_reader__open(const char *path, struct recording_reader **out,
			   struct recording_error *err)
{
	FILE *f;

	if (!strcmp(path, "-"))
		return new_reader("standard input", stdin, NULL, 0, out, err);
	f = fopen(path, "re");
	if (!f)
		return recording__say(err, -errno, "%s: cannot be opened: %s", path,
				      errname(errno));
	return new_reader(path, f, NULL, 0, out, err);
}

int recording_reader__open_buffer(const void *data, size_t len, const char *name,
				  struct recording_reader **out, struct recording_error *err)
{
	return new_reader(name, NULL, data, len, out, err);
}
