// SPDX-License-Identifier: GPL-2.0-only
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/*
 * The odds that a bit is 1: twelve bits of probability, and in the low four
 * how often it was adapted, since the first few bits should teach more than
 * the thousandth.
 */
typedef uint16_t odds_t;

#define ODDS_ONE       4096U
#define ODDS_HALF      (ODDS_ONE / 2)
#define ODDS_RATE_SLOW 5U
#define ODDS_NEW       ((odds_t)(ODDS_HALF << 4 | 1))

#define STRING_HASH 8192 /* slots, twice the strings */

/* How numbers of one place look: packed as "the same", "zero", or length and digits. */
struct digits {
	odds_t zero;
	odds_t length[64]; /* a tree over the number of bits less one */
	odds_t top[64][3]; /* by length: a tree over the two bits below the highest */
};

struct number {
	uint64_t last;
	odds_t same;
	struct digits digits;
};

/* What an array looked like so far: the running mean of each element, in 1/16. */
struct history {
	struct number length;
	unsigned int seen;
	uint32_t mean[PACK_ARRAY_MAX];
};

struct pack_node {
	odds_t tag[PACK_TAGS][PACK_TAGS]; /* by the tag before it: a tree over the next one */
	struct {
		odds_t type[4];
		struct number *number;
		struct history *history;
		struct pack_node **child; /* PACK_SLOTS of them */
	} field[PACK_TAGS];
};

/* Everything a model allocates hangs in one list, so that freeing needs no walk of the tree. */
struct block {
	struct block *next;
	max_align_t data[];
};

/*
 * Elements of arrays, of all arrays alike: by what their mean makes one expect,
 * and by how the element before compared with its own.
 */
#define EXPECT_CLASSES	  48
#define NEIGHBOUR_CLASSES 3

struct pack_model {
	struct block *blocks;
	size_t memory;
	struct pack_node *root;
	struct digits element[EXPECT_CLASSES][NEIGHBOUR_CLASSES];
	struct number string_length;
	odds_t letter[256];
	size_t nr_strings;
	char *string[PACK_STRINGS_MAX];
	uint16_t *hash; /* of the writer: index of the string plus one */
};

static void odds_init(odds_t *odds, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		odds[i] = ODDS_NEW;
}

static void digits_init(struct digits *d)
{
	d->zero = ODDS_NEW;
	odds_init(d->length, ARRAY_SIZE(d->length));
	for (size_t i = 0; i < ARRAY_SIZE(d->top); i++)
		odds_init(d->top[i], ARRAY_SIZE(d->top[i]));
}

static void number_init(struct number *n)
{
	n->last = 0;
	n->same = ODDS_NEW;
	digits_init(&n->digits);
}

static void odds_learn(odds_t *odds, bool bit)
{
	unsigned int p = *odds >> 4, rate = *odds & 15;

	if (bit)
		p += (ODDS_ONE - p) >> rate;
	else
		p -= p >> rate;
	*odds = (odds_t)(p << 4 | min(rate + 1, ODDS_RATE_SLOW));
}

/* Zeroed memory that lives as long as the model; NULL with *err set. */
static void *model_alloc(struct pack_model *m, size_t size, int *err)
{
	struct block *b;

	if (m->memory + size > PACK_MEMORY_MAX) {
		*err = -E2BIG;
		return NULL;
	}
	b = calloc(1, sizeof(*b) + size);
	if (!b) {
		*err = -ENOMEM;
		return NULL;
	}
	b->next = m->blocks;
	m->blocks = b;
	m->memory += size;
	return b->data;
}

static struct pack_node *node_new(struct pack_model *m, int *err)
{
	struct pack_node *n = model_alloc(m, sizeof(*n), err);

	if (!n)
		return NULL;
	for (size_t i = 0; i < PACK_TAGS; i++) {
		odds_init(n->tag[i], PACK_TAGS);
		odds_init(n->field[i].type, ARRAY_SIZE(n->field[i].type));
	}
	return n;
}

struct pack_model *pack_model__new(void)
{
	_cleanup_pack_model_ struct pack_model *m = calloc(1, sizeof(*m));
	int err = 0;

	if (!m)
		return NULL;
	for (size_t i = 0; i < EXPECT_CLASSES; i++)
		for (size_t j = 0; j < NEIGHBOUR_CLASSES; j++)
			digits_init(&m->element[i][j]);
	number_init(&m->string_length);
	odds_init(m->letter, ARRAY_SIZE(m->letter));
	m->root = node_new(m, &err);
	return m->root ? TAKE_PTR(m) : NULL;
}

void pack_model__free(struct pack_model **mp)
{
	struct pack_model *m = *mp;

	if (!m)
		return;
	*mp = NULL;
	while (m->blocks) {
		struct block *next = m->blocks->next;

		free(m->blocks);
		m->blocks = next;
	}
	free(m->hash);
	free(m);
}

/* The places of the tree, made when something is there for the first time. */

static struct number *number_at(struct pack_model *m, struct pack_node *node, unsigned int tag,
				int *err)
{
	struct number *n = node->field[tag].number;

	if (n)
		return n;
	n = model_alloc(m, sizeof(*n), err);
	if (!n)
		return NULL;
	number_init(n);
	node->field[tag].number = n;
	return n;
}

static struct history *history_at(struct pack_model *m, struct pack_node *node, unsigned int tag,
				  int *err)
{
	struct history *h = node->field[tag].history;

	if (h)
		return h;
	h = model_alloc(m, sizeof(*h), err);
	if (!h)
		return NULL;
	number_init(&h->length);
	node->field[tag].history = h;
	return h;
}

static struct pack_node *child_at(struct pack_model *m, struct pack_node *node, unsigned int tag,
				  unsigned int repeat, int *err)
{
	struct pack_node **child = node->field[tag].child;
	unsigned int slot = min(repeat, PACK_SLOTS - 1U);

	if (!child) {
		child = model_alloc(m, PACK_SLOTS * sizeof(struct pack_node *), err);
		if (!child)
			return NULL;
		node->field[tag].child = child;
	}
	if (!child[slot])
		child[slot] = node_new(m, err);
	return child[slot];
}

/* Number of bits of v, 0 for 0. */
static unsigned int bit_length(uint64_t v)
{
	return v ? 64 - (unsigned int)__builtin_clzll(v) : 0;
}

/* The mean of each element, with its neighbours' for what is rare, in classes of half octaves. */
static struct digits *element_at(struct pack_model *m, const struct history *h,
				 const uint64_t *value, size_t i)
{
	uint64_t before = i ? h->mean[i - 1] : 0;
	uint64_t after = i + 1 < PACK_ARRAY_MAX ? h->mean[i + 1] : 0;
	uint64_t expect = (before + 2 * (uint64_t)h->mean[i] + after) / 4;
	unsigned int bits = bit_length(expect);
	unsigned int class = bits < 2 ? bits : 2 * bits - 2 + (expect >> (bits - 2) & 1);
	unsigned int neighbour = 0;

	if (i && value[i - 1])
		neighbour = value[i - 1] <= before >> 4 ? 1 : 2;
	return &m->element[min(class, EXPECT_CLASSES - 1U)][neighbour];
}

#define MEAN_MAX (1U << 27)

static void history_learn(struct history *h, const uint64_t *value, size_t nr)
{
	unsigned int rate = min(h->seen, 3U);

	for (size_t i = 0; i < PACK_ARRAY_MAX; i++) {
		uint32_t v = i < nr ? (uint32_t)min(value[i], (uint64_t)MEAN_MAX) << 4 : 0;

		if (v >= h->mean[i])
			h->mean[i] += (v - h->mean[i]) >> rate;
		else
			h->mean[i] -= (h->mean[i] - v) >> rate;
	}
	h->seen++;
}

/* Buffers. */

void pack_buffer__free(struct pack_buffer *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

int pack_buffer__append(struct pack_buffer *buf, const void *data, size_t len)
{
	if (len > buf->size - buf->len) {
		size_t size = max(buf->size, (size_t)1024);
		uint8_t *bigger;

		while (size - buf->len < len) {
			if (size > SIZE_MAX / 2)
				return -ENOMEM;
			size *= 2;
		}
		bigger = realloc(buf->data, size);
		if (!bigger)
			return -ENOMEM;
		buf->data = bigger;
		buf->size = size;
	}
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

/* The writer. */

static void put_byte(struct packer *p, uint8_t byte)
{
	int err;

	if (p->err)
		return;
	err = pack_buffer__append(p->out, &byte, 1);
	if (err)
		p->err = err;
}

/* Narrows the range to the share of the bit, and lets go of the bytes that are then certain. */
static void put_odds(struct packer *p, unsigned int one, bool bit)
{
	uint32_t mid = p->low + (uint32_t)(((uint64_t)(p->high - p->low) * one) / ODDS_ONE);

	if (bit)
		p->high = mid;
	else
		p->low = mid + 1;
	while (!((p->low ^ p->high) >> 24)) {
		put_byte(p, (uint8_t)(p->high >> 24));
		p->low <<= 8;
		p->high = p->high << 8 | 0xff;
	}
}

static void put_bit(struct packer *p, odds_t *odds, bool bit)
{
	put_odds(p, *odds >> 4, bit);
	odds_learn(odds, bit);
}

/* The low `bits` bits of value, highest first, each with odds that know the ones before. */
static void put_tree(struct packer *p, odds_t *tree, unsigned int bits, unsigned int value)
{
	unsigned int node = 1;

	while (bits--) {
		bool bit = value >> bits & 1;

		put_bit(p, &tree[node - 1], bit);
		node = node << 1 | bit;
	}
}

static void put_digits(struct packer *p, struct digits *d, uint64_t value)
{
	unsigned int below, top;

	put_bit(p, &d->zero, !value);
	if (!value)
		return;
	below = bit_length(value) - 1;
	put_tree(p, d->length, 6, below);
	top = min(below, 2U);
	put_tree(p, d->top[below], top, (unsigned int)(value >> (below - top)));
	for (below -= top; below--;)
		put_odds(p, ODDS_HALF, value >> below & 1);
}

static void put_number(struct packer *p, struct number *n, uint64_t value)
{
	put_bit(p, &n->same, value == n->last);
	if (value == n->last)
		return;
	put_digits(p, &n->digits, value);
	n->last = value;
}

void pack__begin(struct packer *p, struct pack_model *model, struct pack_buffer *out)
{
	memset(p, 0, sizeof(*p));
	p->model = model;
	p->out = out;
	p->high = UINT32_MAX;
	p->level[0].node = model->root;
}

static void fail(struct packer *p, int err)
{
	if (!p->err)
		p->err = err;
}

static void put_tag(struct packer *p, unsigned int tag)
{
	unsigned int last = p->level[p->depth].last_tag;

	put_tree(p, p->level[p->depth].node->tag[last], 5, tag);
	p->level[p->depth].last_tag = tag;
}

/* The node of the open message, after packing a field's tag and type; NULL after an error. */
static struct pack_node *put_field(struct packer *p, unsigned int tag, enum pack_type type)
{
	struct pack_node *node = p->level[p->depth].node;

	if (!tag || tag >= PACK_TAGS)
		fail(p, -EINVAL);
	if (p->err)
		return NULL;
	put_tag(p, tag);
	put_tree(p, node->field[tag].type, 2, type);
	return node;
}

void pack__uint(struct packer *p, unsigned int tag, uint64_t value)
{
	struct pack_node *node = put_field(p, tag, PACK_UINT);
	struct number *n;

	if (!node)
		return;
	n = number_at(p->model, node, tag, &p->err);
	if (n)
		put_number(p, n, value);
}

void pack__int(struct packer *p, unsigned int tag, int64_t value)
{
	pack__uint(p, tag, pack__zigzag(value));
}

/* Where the string is, or would be, in the writer's hash. */
static uint16_t *hash_slot(struct pack_model *m, const char *text, size_t len)
{
	uint32_t at = 2166136261U;

	for (size_t i = 0; i < len; i++)
		at = (at ^ (uint8_t)text[i]) * 16777619U;
	/* Never full: it has twice the slots that there can be strings. */
	for (;; at++) {
		uint16_t *slot = &m->hash[at % STRING_HASH];
		const char *there;

		if (!*slot)
			return slot;
		there = m->string[*slot - 1];
		if (!strncmp(there, text, len) && !there[len])
			return slot;
	}
}

static int remember(struct pack_model *m, const char *text, size_t len)
{
	int err = 0;
	char *copy;

	if (m->nr_strings == PACK_STRINGS_MAX)
		return 0;
	copy = model_alloc(m, len + 1, &err);
	if (!copy)
		return err;
	memcpy(copy, text, len);
	m->string[m->nr_strings++] = copy;
	return 0;
}

static void put_text(struct packer *p, const char *text, size_t len)
{
	put_number(p, &p->model->string_length, len);
	for (size_t i = 0; i < len; i++)
		put_tree(p, p->model->letter, 8, (uint8_t)text[i]);
}

void pack__string(struct packer *p, unsigned int tag, const char *text)
{
	struct pack_node *node = put_field(p, tag, PACK_STRING);
	struct pack_model *m = p->model;
	size_t len = strnlen(text, PACK_STRING_MAX);
	struct number *n;
	uint16_t *slot;

	if (!node)
		return;
	if (!m->hash)
		m->hash = calloc(STRING_HASH, sizeof(*m->hash));
	if (!m->hash) {
		fail(p, -ENOMEM);
		return;
	}
	n = number_at(m, node, tag, &p->err);
	if (!n)
		return;
	slot = hash_slot(m, text, len);
	if (*slot) {
		put_number(p, n, *slot - 1U);
		return;
	}
	put_number(p, n, m->nr_strings);
	put_text(p, text, len);
	if (m->nr_strings < PACK_STRINGS_MAX)
		*slot = (uint16_t)(m->nr_strings + 1);
	fail(p, remember(m, text, len));
}

void pack__array(struct packer *p, unsigned int tag, const uint64_t *value, size_t nr)
{
	struct pack_node *node = put_field(p, tag, PACK_ARRAY);
	struct history *h;

	if (!node)
		return;
	while (nr && !value[nr - 1])
		nr--;
	if (nr > PACK_ARRAY_MAX) {
		fail(p, -EINVAL);
		return;
	}
	h = history_at(p->model, node, tag, &p->err);
	if (!h)
		return;
	put_number(p, &h->length, nr);
	for (size_t i = 0; i < nr; i++)
		put_digits(p, element_at(p->model, h, value, i), value[i]);
	history_learn(h, value, nr);
}

void pack__open(struct packer *p, unsigned int tag)
{
	struct pack_node *node = put_field(p, tag, PACK_MESSAGE), *child;
	uint8_t *repeat;

	if (!node)
		return;
	if (p->depth + 1 == PACK_DEPTH) {
		fail(p, -EINVAL);
		return;
	}
	repeat = &p->level[p->depth].repeat[tag];
	child = child_at(p->model, node, tag, *repeat, &p->err);
	if (!child)
		return;
	if (*repeat < UINT8_MAX)
		++*repeat;
	p->depth++;
	memset(&p->level[p->depth], 0, sizeof(p->level[0]));
	p->level[p->depth].node = child;
}

void pack__close(struct packer *p)
{
	if (!p->depth)
		fail(p, -EINVAL);
	if (p->err)
		return;
	put_tag(p, 0);
	p->depth--;
}

/*
 * The fewest bytes that lie in the range whatever follows them: a reader takes
 * zeros for what is not there.
 */
static void flush(struct packer *p)
{
	unsigned int bytes;
	uint64_t value = 0;

	if (!p->low)
		return;
	for (bytes = 1; bytes < 4; bytes++) {
		uint64_t mask = UINT32_MAX >> (8 * bytes);

		value = (p->low + mask) & ~mask;
		if (value <= p->high)
			break;
	}
	if (bytes == 4)
		value = p->low;
	for (unsigned int i = 0; i < bytes; i++)
		put_byte(p, (uint8_t)(value >> (24 - 8 * i)));
}

int pack__finish(struct packer *p)
{
	if (p->depth)
		fail(p, -EINVAL);
	if (p->err)
		return p->err;
	put_tag(p, 0);
	flush(p);
	return p->err;
}

/* The reader. */

int unpack__fail(struct unpacker *u, const char *what)
{
	if (!u->err) {
		u->err = -EBADMSG;
		u->what = what;
	}
	return u->err;
}

static uint8_t get_byte(struct unpacker *u)
{
	uint8_t byte = u->pos < u->len ? u->data[u->pos] : 0;

	/* The writer leaves out four zeros at most. */
	if (u->pos >= u->len + 4)
		unpack__fail(u, "it ends in the middle of a value");
	u->pos++;
	return byte;
}

static bool get_odds(struct unpacker *u, unsigned int one)
{
	uint32_t mid = u->low + (uint32_t)(((uint64_t)(u->high - u->low) * one) / ODDS_ONE);
	bool bit = u->code <= mid;

	if (bit)
		u->high = mid;
	else
		u->low = mid + 1;
	while (!((u->low ^ u->high) >> 24)) {
		u->low <<= 8;
		u->high = u->high << 8 | 0xff;
		u->code = u->code << 8 | get_byte(u);
	}
	return bit;
}

static bool get_bit(struct unpacker *u, odds_t *odds)
{
	bool bit = get_odds(u, *odds >> 4);

	odds_learn(odds, bit);
	return bit;
}

static unsigned int get_tree(struct unpacker *u, odds_t *tree, unsigned int bits)
{
	unsigned int node = 1;

	for (unsigned int i = 0; i < bits; i++)
		node = node << 1 | get_bit(u, &tree[node - 1]);
	return node - (1U << bits);
}

/* The work that a frame can ask for is bounded by its number of values. */
static bool count_value(struct unpacker *u)
{
	if (++u->values > PACK_VALUES_MAX)
		unpack__fail(u, "it holds more values than a frame can");
	return !u->err;
}

static uint64_t get_digits(struct unpacker *u, struct digits *d)
{
	unsigned int below, top;
	uint64_t value;

	if (!count_value(u))
		return 0;
	if (get_bit(u, &d->zero))
		return 0;
	below = get_tree(u, d->length, 6);
	top = min(below, 2U);
	value = 1ULL << top | get_tree(u, d->top[below], top);
	for (below -= top; below--;)
		value = value << 1 | get_odds(u, ODDS_HALF);
	return value;
}

static uint64_t get_number(struct unpacker *u, struct number *n)
{
	if (!count_value(u))
		return 0;
	if (!get_bit(u, &n->same))
		n->last = get_digits(u, &n->digits);
	return n->last;
}

void unpack__begin(struct unpacker *u, struct pack_model *model, const void *data, size_t len)
{
	u->model = model;
	u->data = data;
	u->len = len;
	u->pos = 0;
	u->low = 0;
	u->high = UINT32_MAX;
	u->code = 0;
	u->values = 0;
	u->err = 0;
	u->what = NULL;
	u->depth = 0;
	memset(&u->level[0], 0, sizeof(u->level[0]));
	u->level[0].node = model->root;
	for (int i = 0; i < 4; i++)
		u->code = u->code << 8 | get_byte(u);
}

/* Turns the error of an allocation into one of the reader. */
static bool allocated(struct unpacker *u, const void *p, int err)
{
	if (p)
		return true;
	if (err == -E2BIG)
		unpack__fail(u, "it has more parts than a recording can");
	else if (!u->err)
		u->err = err;
	return false;
}

static void get_string(struct unpacker *u, struct pack_field *f, struct number *n)
{
	struct pack_model *m = u->model;
	uint64_t index = get_number(u, n), len;
	int err;

	f->text = "";
	if (u->err)
		return;
	if (index < m->nr_strings) {
		f->text = m->string[index];
		return;
	}
	if (index > m->nr_strings) {
		unpack__fail(u, "it refers to a string that is not there");
		return;
	}
	len = get_number(u, &m->string_length);
	if (len > PACK_STRING_MAX) {
		unpack__fail(u, "it has a string that is too long");
		return;
	}
	for (size_t i = 0; i < len && count_value(u); i++) {
		u->text[i] = (char)get_tree(u, m->letter, 8);
		if (!u->text[i])
			unpack__fail(u, "it has a string with a zero in it");
	}
	u->text[len] = '\0';
	if (u->err)
		return;
	err = remember(m, u->text, len);
	if (err) {
		allocated(u, NULL, err);
		return;
	}
	f->text = u->text;
}

static void get_array(struct unpacker *u, struct pack_field *f, struct history *h)
{
	uint64_t nr = get_number(u, &h->length);

	f->array = u->array;
	f->nr = 0;
	if (nr > PACK_ARRAY_MAX) {
		unpack__fail(u, "it has an array that is too long");
		return;
	}
	for (size_t i = 0; i < nr && !u->err; i++)
		u->array[i] = get_digits(u, element_at(u->model, h, u->array, i));
	if (u->err)
		return;
	f->nr = nr;
	history_learn(h, u->array, nr);
}

static void open_message(struct unpacker *u, struct pack_node *node, unsigned int tag)
{
	uint8_t *repeat = &u->level[u->depth].repeat[tag];
	struct pack_node *child;
	int err = 0;

	if (u->depth + 1 == PACK_DEPTH) {
		unpack__fail(u, "its messages lie too deep in one another");
		return;
	}
	child = child_at(u->model, node, tag, *repeat, &err);
	if (!allocated(u, child, err))
		return;
	if (*repeat < UINT8_MAX)
		++*repeat;
	u->depth++;
	memset(&u->level[u->depth], 0, sizeof(u->level[0]));
	u->level[u->depth].node = child;
}

bool unpack__next(struct unpacker *u, struct pack_field *f)
{
	struct pack_node *node = u->level[u->depth].node;
	unsigned int last = u->level[u->depth].last_tag;
	struct history *h;
	struct number *n;
	int err = 0;

	memset(f, 0, sizeof(*f));
	if (!count_value(u))
		return false;
	f->tag = get_tree(u, node->tag[last], 5);
	u->level[u->depth].last_tag = f->tag;
	if (!f->tag) {
		if (u->depth)
			u->depth--;
		return false;
	}
	f->type = get_tree(u, node->field[f->tag].type, 2);
	switch (f->type) {
	case PACK_MESSAGE:
		open_message(u, node, f->tag);
		break;
	case PACK_ARRAY:
		h = history_at(u->model, node, f->tag, &err);
		if (allocated(u, h, err))
			get_array(u, f, h);
		break;
	case PACK_UINT:
	case PACK_STRING:
		n = number_at(u->model, node, f->tag, &err);
		if (!allocated(u, n, err))
			break;
		if (f->type == PACK_UINT)
			f->value = get_number(u, n);
		else
			get_string(u, f, n);
		break;
	}
	return !u->err;
}

void unpack__skip(struct unpacker *u, const struct pack_field *f)
{
	unsigned int depth = u->depth;
	struct pack_field inner;

	if (f->type != PACK_MESSAGE)
		return;
	while (!u->err && u->depth >= depth)
		unpack__next(u, &inner);
}

int unpack__finish(struct unpacker *u)
{
	if (u->err)
		return u->err;
	if (u->depth || u->pos < u->len)
		return unpack__fail(u, "something follows its end");
	return 0;
}
