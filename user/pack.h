/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PACK_H
#define ZEROSCOPE_PACK_H

/*
 * Trees of tagged values, packed small: what a recording is made of. It knows
 * nothing of what is measured; docs/recording-format.md describes every bit.
 *
 * A message is a list of fields, each with a tag from 1 to 31 and one of four
 * types. A reader can step over a tag that it does not know, since the type is
 * packed with the tag. Values are coded by an adaptive binary range coder that
 * remembers, for each place in the tree, what came there before: a value that
 * is the same as the last time costs next to nothing. What is remembered lives
 * in a pack_model, which a writer and its reader build up alike, frame after
 * frame; a new model is a new beginning.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the format: both sides count the same way. */
#define PACK_TAGS	 32   /* tag 0 ends a message */
#define PACK_DEPTH	 8    /* messages within messages */
#define PACK_SLOTS	 32   /* repeats of a tag that are remembered one by one */
#define PACK_ARRAY_MAX	 1024 /* elements of an array */
#define PACK_STRING_MAX	 1023 /* bytes of a string */
#define PACK_STRINGS_MAX 4096 /* strings that are remembered */

/* What a hostile frame may cost a reader at most. */
#define PACK_VALUES_MAX (1U << 20)  /* values in a frame */
#define PACK_MEMORY_MAX (24U << 20) /* bytes of a model */

enum pack_type {
	PACK_UINT,
	PACK_STRING,
	PACK_MESSAGE,
	PACK_ARRAY,
};

struct pack_model;

/* NULL if memory ran out. */
struct pack_model *pack_model__new(void);
void pack_model__free(struct pack_model **model);
#define _cleanup_pack_model_ __attribute__((cleanup(pack_model__free)))

/* Bytes that grow; zero it before the first use and free it with pack_buffer__free(). */
struct pack_buffer {
	uint8_t *data;
	size_t len;
	size_t size;
};

void pack_buffer__free(struct pack_buffer *buf);
#define _cleanup_pack_buffer_ __attribute__((cleanup(pack_buffer__free)))
/* 0 or -ENOMEM; the buffer is then as it was. */
int pack_buffer__append(struct pack_buffer *buf, const void *data, size_t len);

struct pack_node;

/* A writer of one frame. Errors stick and are returned by pack__finish(). */
struct packer {
	struct pack_model *model; /* not owned */
	struct pack_buffer *out;  /* not owned; bytes are added at its end */
	uint32_t low, high;
	int err;
	unsigned int depth;
	struct {
		struct pack_node *node;
		unsigned int last_tag;
		uint8_t repeat[PACK_TAGS];
	} level[PACK_DEPTH];
};

/* After an error the model is of no use any more: the reader's would differ. */
void pack__begin(struct packer *p, struct pack_model *model, struct pack_buffer *out);
void pack__uint(struct packer *p, unsigned int tag, uint64_t value);
/* Zigzag: small numbers of either sign are small. */
void pack__int(struct packer *p, unsigned int tag, int64_t value);
/* Cut at PACK_STRING_MAX. */
void pack__string(struct packer *p, unsigned int tag, const char *text);
/* Zeros at the end are left out, and are zeros again for the reader. */
void pack__array(struct packer *p, unsigned int tag, const uint64_t *value, size_t nr);
void pack__open(struct packer *p, unsigned int tag);
void pack__close(struct packer *p);
/* Ends the frame. 0, -ENOMEM, or -EINVAL for misuse. */
int pack__finish(struct packer *p);

/* What unpack__next() found. */
struct pack_field {
	unsigned int tag; /* 0: the message, or the frame, ends here */
	enum pack_type type;
	uint64_t value;	       /* PACK_UINT */
	const char *text;      /* PACK_STRING, valid until the next call */
	size_t nr;	       /* elements of a PACK_ARRAY */
	const uint64_t *array; /* PACK_ARRAY, valid until the next call */
};

/* A reader of one frame. */
struct unpacker {
	struct pack_model *model; /* not owned */
	const uint8_t *data;
	size_t len, pos;
	uint32_t low, high, code;
	unsigned int values;
	int err;
	const char *what; /* what is wrong, for a message */
	unsigned int depth;
	struct {
		struct pack_node *node;
		unsigned int last_tag;
		uint8_t repeat[PACK_TAGS];
	} level[PACK_DEPTH];
	char text[PACK_STRING_MAX + 1];
	uint64_t array[PACK_ARRAY_MAX];
};

void unpack__begin(struct unpacker *u, struct pack_model *model, const void *data, size_t len);
/*
 * The next field of the message that is open. A PACK_MESSAGE is open after
 * that, and the fields of it come next. True while there is a field; false at
 * the end of the message, which is closed by it, and after an error.
 */
bool unpack__next(struct unpacker *u, struct pack_field *f);
/* Steps over a field of an unknown tag, with all that is in it. */
void unpack__skip(struct unpacker *u, const struct pack_field *f);
/* 0 if the frame was read to its end and is whole; -EBADMSG, -ENOMEM. */
int unpack__finish(struct unpacker *u);
/* Marks the frame as damaged; what must be a string constant. Returns -EBADMSG. */
int unpack__fail(struct unpacker *u, const char *what);

/* 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
static inline uint64_t pack__zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t pack__unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif /* ZEROSCOPE_PACK_H */
