// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "recording.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording_format.h"
#include "util.h"

static void put_le32(uint8_t *at, uint32_t value)
{
	uint32_t le = htole32(value);

	memcpy(at, &le, sizeof(le));
}

/* Makes room for the header of a frame; returns where the frame begins, or -ENOMEM. */
static int begin_frame(struct pack_buffer *buf, size_t *at)
{
	static const uint8_t empty[FRAME_HEADER];

	*at = buf->len;
	return pack_buffer__append(buf, empty, sizeof(empty));
}

/* Fills in the header of the frame that began at `at` and ends with the buffer. */
static int end_frame(struct pack_buffer *buf, size_t at, enum frame_type type)
{
	uint8_t *h = buf->data + at;
	size_t len = buf->len - at - FRAME_HEADER;

	if (len > RECORDING_FRAME_MAX)
		return -E2BIG;
	memcpy(h, FRAME_MAGIC, 3);
	h[3] = (uint8_t)type;
	put_le32(h + 4, (uint32_t)len);
	put_le32(h + 8, recording__checksum(h + FRAME_HEADER, len));
	put_le32(h + 12, recording__checksum(h, 12));
	return 0;
}

static int frame_head(struct pack_buffer *buf, struct pack_model *model,
		      const struct machine *machine, bool continued,
		      const struct recording_base *base)
{
	static const uint8_t version = RECORDING_VERSION;
	struct packer p;
	size_t at;
	int err;

	err = begin_frame(buf, &at);
	/* The version lies outside of the packing, so that even that may change. */
	if (!err)
		err = pack_buffer__append(buf, &version, 1);
	if (err)
		return err;
	pack__begin(&p, model, buf);
	pack__uint(&p, HEAD_CONTENT, base->content);
	pack__uint(&p, HEAD_CONTINUED, continued);
	pack__uint(&p, HEAD_TIME, base->time_ns);
	pack__uint(&p, HEAD_MONO, base->mono_ns);
	pack__open(&p, HEAD_MACHINE);
	recording__pack_machine(&p, machine);
	pack__close(&p);
	err = pack__finish(&p);
	return err ? err : end_frame(buf, at, FRAME_HEAD);
}

static int frame_interval(struct pack_buffer *buf, struct pack_model *model,
			  const struct snapshot *s, const struct recording_base *base)
{
	struct packer p;
	size_t at;
	int err;

	if (recording__too_many_rows(s))
		return -E2BIG;
	err = begin_frame(buf, &at);
	if (err)
		return err;
	pack__begin(&p, model, buf);
	recording__pack_snapshot(&p, s, base);
	err = pack__finish(&p);
	return err ? err : end_frame(buf, at, FRAME_INTERVAL);
}

static int frame_end(struct pack_buffer *buf, struct pack_model *model, uint64_t intervals,
		     uint64_t lost)
{
	struct packer p;
	size_t at;
	int err;

	err = begin_frame(buf, &at);
	if (err)
		return err;
	pack__begin(&p, model, buf);
	pack__uint(&p, END_INTERVALS, intervals);
	pack__uint(&p, END_LOST, lost);
	err = pack__finish(&p);
	return err ? err : end_frame(buf, at, FRAME_END);
}

int recording__encode(const struct snapshot *s, enum recording_content content,
		      struct pack_buffer *buf)
{
	_cleanup_pack_model_ struct pack_model *model = pack_model__new();
	const struct recording_base base = {content, s->time_ns, s->mono_ns, s->machine->page_size};
	size_t before = buf->len;
	int err;

	if (!model)
		return -ENOMEM;
	err = frame_head(buf, model, s->machine, false, &base);
	if (!err)
		err = frame_interval(buf, model, s, &base);
	if (!err)
		err = frame_end(buf, model, 1, 0);
	if (err)
		buf->len = before;
	return err;
}

/* The writer of files. */

struct recorder {
	char *path;
	int fd;
	bool regular;		       /* what was written by halves can be taken back */
	uint64_t good_size;	       /* of the file, up to its last whole frame */
	bool fresh;		       /* the next frame needs a new header before it */
	bool begun;		       /* a header has been written */
	const struct machine *machine; /* not owned */
	struct machine written;	       /* what the last header says of it */
	struct recording_base base;
	struct pack_model *model;
	struct pack_buffer buf;
	uint64_t intervals;
	uint64_t lost;
};

void recorder__free(struct recorder **recp)
{
	struct recorder *rec = *recp;

	if (!rec)
		return;
	*recp = NULL;
	pack_model__free(&rec->model);
	pack_buffer__free(&rec->buf);
	if (rec->fd > STDERR_FILENO)
		close(rec->fd);
	free(rec->path);
	free(rec);
}

uint64_t recorder__intervals(const struct recorder *rec)
{
	return rec->intervals;
}

/* Writes what is in the buffer, all or nothing as far as the file allows. */
static int write_out(struct recorder *rec, struct recording_error *err)
{
	size_t done = 0;
	int r;

	r = util__write_all(rec->fd, rec->buf.data, rec->buf.len, &done);
	if (!r) {
		rec->good_size += rec->buf.len;
		return 0;
	}
	if (done && rec->regular && ftruncate(rec->fd, (off_t)rec->good_size))
		return recording__say(
			err, r,
			"%s: a frame was written by halves (%s) and could not be removed (%s);"
			" the recording is whole up to byte %" PRIu64,
			rec->path, errname(r), errname(errno), rec->good_size);
	if (r == -ENOSPC || r == -EDQUOT || r == -EFBIG)
		return recording__say(
			err, r,
			"%s: %s; the recording is whole up to its last interval (%" PRIu64
			" written); make room or record to another file",
			rec->path,
			r == -ENOSPC   ? "the disk is full"
			: r == -EDQUOT ? "the disk quota is used up"
				       : "the file has reached the size that is allowed",
			rec->intervals);
	return recording__say(err, r, "%s: cannot be written: %s; record to another file",
			      rec->path, errname(r));
}

/*
 * May a run on b go on in a recording of a? CPUs and nodes come and go, and
 * what huge zero folio the kernel has is learnt while recording; the others
 * make figures that are not to be added up.
 */
static bool same_kernel(const struct machine *a, const struct machine *b)
{
	return !strcmp(a->release, b->release) && !strcmp(a->version, b->version) &&
	       !strcmp(a->arch, b->arch) && !strcmp(a->host, b->host) &&
	       a->page_size == b->page_size && a->preempt_model == b->preempt_model &&
	       a->init_on_alloc == b->init_on_alloc;
}

/* Puts a header into the buffer and begins a new model. */
static int begin_segment(struct recorder *rec, uint64_t time_ns, uint64_t mono_ns)
{
	int err;

	pack_model__free(&rec->model);
	rec->model = pack_model__new();
	if (!rec->model)
		return -ENOMEM;
	rec->written = *rec->machine;
	rec->base = (struct recording_base){RECORDING_INTERVALS, time_ns, mono_ns,
					    rec->written.page_size};
	err = frame_head(&rec->buf, rec->model, &rec->written, rec->begun, &rec->base);
	rec->fresh = false;
	return err;
}

static int encode_interval(struct recorder *rec, const struct snapshot *s)
{
	int err = 0;

	rec->buf.len = 0;
	if (rec->fresh || !recording__same_machine(rec->machine, &rec->written))
		err = begin_segment(rec, s->time_ns, s->mono_ns);
	if (!err)
		err = frame_interval(&rec->buf, rec->model, s, &rec->base);
	return err;
}

int recorder__append(struct recorder *rec, const struct snapshot *interval,
		     struct recording_error *err)
{
	int r;

	r = encode_interval(rec, interval);
	if (r == -E2BIG && !rec->fresh) {
		/* What the model remembers has grown too large: begin it anew. */
		rec->fresh = true;
		r = encode_interval(rec, interval);
	}
	if (r)
		recording__say(err, r, "%s: an interval cannot be recorded: %s", rec->path,
			       errname(r));
	else
		r = write_out(rec, err);
	if (r) {
		/* The model has seen what a reader never will. */
		rec->fresh = true;
		rec->lost++;
		return r;
	}
	rec->begun = true;
	rec->intervals++;
	return 0;
}

int recorder__close(struct recorder **recp, struct recording_error *err)
{
	_cleanup_recorder_ struct recorder *rec = TAKE_PTR(*recp);
	int fd, r;

	rec->buf.len = 0;
	if (rec->fresh) {
		r = begin_segment(rec, rec->base.time_ns, rec->base.mono_ns);
		if (r)
			return recording__say(err, r, "%s: cannot be closed: %s", rec->path,
					      errname(r));
	}
	r = frame_end(&rec->buf, rec->model, rec->intervals, rec->lost);
	if (r)
		return recording__say(err, r, "%s: cannot be closed: %s", rec->path, errname(r));
	r = write_out(rec, err);
	if (r)
		return r;
	/* Where a file system finds out late that it has no room, it says so here. */
	if (rec->regular && fsync(rec->fd) && errno != EINVAL && errno != EROFS)
		return recording__say(err, -errno, "%s: cannot be made durable: %s", rec->path,
				      errname(errno));
	if (rec->fd <= STDERR_FILENO)
		return 0;
	fd = TAKE_FD(rec->fd);
	if (close(fd))
		return recording__say(err, -errno, "%s: cannot be closed: %s", rec->path,
				      errname(errno));
	return 0;
}

/*
 * Looks through a file that has content: it must be a recording of this kernel.
 * *good_size is where its last whole frame ends.
 */
static int inspect(const char *path, const struct machine *machine, uint64_t *good_size,
		   struct recording_error *err)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	int ret;

	ret = recording_reader__open(path, &r, err);
	if (ret == -EINVAL || ret == -ENODATA)
		return recording__say(
			err, -EEXIST,
			"%s exists and is not a recording; remove it or record to another file",
			path);
	if (ret == -EPROTONOSUPPORT)
		return recording__say(
			err, -EEXIST,
			"%s is a recording of a newer version; record to another file", path);
	if (ret)
		return ret;
	for (;;) {
		_cleanup_snapshot_ struct snapshot *s = NULL;

		ret = recording_reader__next(r, &s, err);
		if (ret <= 0)
			break;
	}
	if (ret)
		return ret;
	if (!same_kernel(recording_reader__machine(r), machine))
		return recording__say(err, -EEXIST,
				      "%s is a recording of another machine or kernel (%s, %s); "
				      "record to another file",
				      path, recording_reader__machine(r)->host,
				      recording_reader__machine(r)->release);
	*good_size = recording_reader__whole_size(r);
	return 0;
}

/* Opens the file and makes sure that what is in it can be gone on with. */
static int open_file(struct recorder *rec, struct recording_error *err)
{
	struct stat st;
	int r;

	if (!strcmp(rec->path, "-"))
		rec->fd = STDOUT_FILENO;
	else
		rec->fd = open(rec->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (rec->fd < 0 || fstat(rec->fd, &st))
		return recording__say(err, -errno, "%s: cannot be opened: %s", rec->path,
				      errname(errno));
	rec->regular = S_ISREG(st.st_mode) && rec->fd != STDOUT_FILENO;
	if (!rec->regular)
		return 0;
	if (flock(rec->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return recording__say(
			err, -EBUSY,
			"%s is being recorded to by another process; record to another file",
			rec->path);
	/* The size may have changed until we held the lock. */
	if (fstat(rec->fd, &st))
		return recording__say(err, -errno, "%s: %s", rec->path, errname(errno));
	if (!st.st_size)
		return 0;
	r = inspect(rec->path, rec->machine, &rec->good_size, err);
	if (r)
		return r;
	if (rec->good_size < (uint64_t)st.st_size && ftruncate(rec->fd, (off_t)rec->good_size))
		return recording__say(err, -errno,
				      "%s: its unfinished last frame cannot be removed: %s",
				      rec->path, errname(errno));
	return 0;
}

int recorder__open(const char *path, const struct machine *machine, struct recorder **out,
		   struct recording_error *err)
{
	_cleanup_recorder_ struct recorder *rec = calloc(1, sizeof(*rec));
	int r;

	if (!rec)
		return recording__say(err, -ENOMEM, "%s: out of memory", path);
	rec->fd = -1;
	rec->machine = machine;
	rec->path = strdup(path);
	if (!rec->path)
		return recording__say(err, -ENOMEM, "%s: out of memory", path);
	r = open_file(rec, err);
	if (r)
		return r;
	r = begin_segment(rec, util__realtime_ns(), util__monotonic_ns());
	if (r)
		return recording__say(err, r, "%s: cannot be begun: %s", path, errname(r));
	r = write_out(rec, err);
	if (r)
		return r;
	rec->begun = true;
	*out = TAKE_PTR(rec);
	return 0;
}
