/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_RECORDING_H
#define ZEROSCOPE_RECORDING_H

/*
 * The one file form of snapshots: what `record` writes, what `report`, `diff`,
 * the live view and the exporter's replay read, and what the exporter's
 * /snapshot serves. Everything in struct snapshot comes back as it was, what
 * is not known included. docs/recording-format.md describes every byte.
 *
 * A recording is a list of segments. A segment begins with a header, which
 * says what machine it is, and goes on with one frame an interval; an end mark
 * says that the writer closed it. Files are only ever appended to, one write()
 * an interval, so that one that was cut off is whole up to its last interval.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pack.h"
#include "snapshot.h"

#define RECORDING_VERSION 1

/* No frame is larger; a file that claims so is damaged. */
#define RECORDING_FRAME_MAX (4U << 20)
/* Rows of any list in a snapshot. */
#define RECORDING_ROWS_MAX     1024
#define RECORDING_SEGMENTS_MAX 65536

/* What the snapshots of a segment hold. */
enum recording_content {
	RECORDING_INTERVALS, /* what each interval added */
	RECORDING_TOTALS,    /* totals since attach, as /snapshot serves them */
};

#define RECORDING_ERROR_SIZE 640

/* One sentence without a newline, which names the file. */
struct recording_error {
	char text[RECORDING_ERROR_SIZE];
};

/*
 * The writer.
 *
 * path is a new file, a recording of this machine and kernel that is to go on
 * (a new segment is appended; an unfinished last frame is removed first), a
 * pipe, or "-" for standard output. Anything else that has content is refused
 * and left alone. machine is only read, and may become more exact while
 * recording. 0, or -errno with a sentence in err:
 *
 *	-EEXIST		something else than a recording of this version and machine
 *	-EBUSY		another process writes it
 *	-EBADMSG	it is damaged, and what is appended could not be read
 */
struct recorder;

int recorder__open(const char *path, const struct machine *machine, struct recorder **out,
		   struct recording_error *err);

/*
 * Appends one interval with one write(). A write that did not succeed leaves
 * the file as it was before where that is possible, and the next call tries
 * afresh: -ENOSPC, -EDQUOT, -EFBIG or another -errno, with a sentence. Where
 * RLIMIT_FSIZE may be set, the process ignores SIGXFSZ.
 */
int recorder__append(struct recorder *rec, const struct snapshot *interval,
		     struct recording_error *err);

/* Intervals written by this recorder. */
uint64_t recorder__intervals(const struct recorder *rec);

/* Marks the end, makes it durable and frees *rec, whatever it returns. */
int recorder__close(struct recorder **rec, struct recording_error *err);

/* Frees it without an end mark: for paths on which something else has failed. */
void recorder__free(struct recorder **rec);
#define _cleanup_recorder_ __attribute__((cleanup(recorder__free)))

/*
 * A recording of one snapshot, added to buf: header, frame and end. 0 or -errno
 * (-ENOMEM, -E2BIG where the snapshot has more rows than a reader takes).
 */
int recording__encode(const struct snapshot *s, enum recording_content content,
		      struct pack_buffer *buf);

/*
 * The reader.
 *
 * Both return 0, or -errno with a sentence in err: of open() and read(),
 * -EINVAL (not a recording), -ENODATA (cut off before its first header ended),
 * -EBADMSG (damaged), -EPROTONOSUPPORT (of a newer version).
 */
struct recording_reader;

/* path may be "-" for standard input. */
int recording_reader__open(const char *path, struct recording_reader **out,
			   struct recording_error *err);

/* data must outlive the reader; name stands for the file in messages. */
int recording_reader__open_buffer(const void *data, size_t len, const char *name,
				  struct recording_reader **out, struct recording_error *err);

void recording_reader__free(struct recording_reader **r);
#define _cleanup_recording_reader_ __attribute__((cleanup(recording_reader__free)))

/*
 * The next interval: 1 and *out, which the caller owns and whose machine lives
 * as long as the reader; 0 at the end; -EBADMSG, -EPROTONOSUPPORT, -ENOMEM or
 * an error of read(), with a sentence in err. An error is returned again by
 * every further call.
 */
int recording_reader__next(struct recording_reader *r, struct snapshot **out,
			   struct recording_error *err);

/* Of the segment that was read last. */
const struct machine *recording_reader__machine(const struct recording_reader *r);
enum recording_content recording_reader__content(const struct recording_reader *r);

/*
 * The number of runs so far, from 1: it grows where a segment begins in which
 * counting started anew.
 */
unsigned int recording_reader__run(const struct recording_reader *r);

/* Intervals read so far. */
uint64_t recording_reader__intervals(const struct recording_reader *r);

/*
 * Once the end was reached: NULL if nothing is missing, else one sentence that
 * says that the recording ends early, where, and what was read.
 */
const char *recording_reader__ends_early(const struct recording_reader *r);

#endif /* ZEROSCOPE_RECORDING_H */
