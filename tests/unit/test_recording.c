// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "interval_json.h"
#include "json.h"
#include "recorded.h"
#include "recording.h"
#include "synthetic.h"
#include "util.h"

#define FRAME_HEADER 16

static char directory[] = "/tmp/zeroscope-recording-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/recording.zs", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	/* Where a test ended early. */
	umount2(directory, MNT_DETACH);
	unlink(path);
	return rmdir(directory);
}

static int no_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

/* What recording__encode() and the writer of files make, read back. */

static struct recording_reader *open_bytes(const struct pack_buffer *buf)
{
	struct recording_error err = {.text = ""};
	struct recording_reader *r = NULL;
	int ret = recording_reader__open_buffer(buf->data, buf->len, "buffer", &r, &err);

	if (ret)
		fail_msg("%s", err.text);
	return r;
}

static struct snapshot *must_next(struct recording_reader *r)
{
	struct recording_error err = {.text = ""};
	struct snapshot *s = NULL;

	if (recording_reader__next(r, &s, &err) != 1)
		fail_msg("an interval is missing: %s", err.text);
	return s;
}

static void assert_end(struct recording_reader *r)
{
	struct recording_error err = {.text = ""};
	struct snapshot *s = NULL;

	if (recording_reader__next(r, &s, &err))
		fail_msg("no end: %s", err.text);
	assert_null(s);
	/* And it stays at the end. */
	assert_int_equal(recording_reader__next(r, &s, &err), 0);
}

static void assert_same(const struct snapshot *a, const struct snapshot *b)
{
	const char *field = NULL;

	if (!same_snapshot(a, b, &field))
		fail_msg("they differ: %s", field);
}

static char *json_of(const struct snapshot *s)
{
	struct json_writer w;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	json__init(&w, f);
	interval__json(&w, s, 0);
	assert_int_equal(json__end_line(&w), 0);
	json__free(&w);
	fclose(f);
	return text;
}

static void check_round_trip(const struct snapshot *s, enum recording_content content)
{
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	_cleanup_snapshot_ struct snapshot *back = NULL;

	assert_int_equal(recording__encode(s, content, &buf), 0);
	r = open_bytes(&buf);
	assert_int_equal(recording_reader__content(r), content);
	assert_int_equal(recording_reader__run(r), 1);
	back = must_next(r);
	assert_same(s, back);
	assert_ptr_equal(back->machine, recording_reader__machine(r));
	assert_end(r);
	assert_null(recording_reader__ends_early(r));
	assert_int_equal(recording_reader__intervals(r), 1);
}

static void test_round_trip(void **state)
{
	struct snapshot *(*const make[])(void) = {synthetic_simple, synthetic_full, synthetic_hole};
	static const struct machine nothing;
	_cleanup_snapshot_ struct snapshot *absent = snapshot__new(&nothing);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		_cleanup_snapshot_ struct snapshot *s = make[i]();

		check_round_trip(s, RECORDING_INTERVALS);
		check_round_trip(s, RECORDING_TOTALS);
	}
	check_round_trip(absent, RECORDING_TOTALS);
}

/* What `report --json` prints of a recording is what the live run printed. */
static void test_json_is_the_same(void **state)
{
	struct snapshot *(*const make[])(void) = {synthetic_simple, synthetic_full, synthetic_hole};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		_cleanup_pack_buffer_ struct pack_buffer buf = {0};
		_cleanup_recording_reader_ struct recording_reader *r = NULL;
		_cleanup_snapshot_ struct snapshot *s = make[i](), *back = NULL;
		_cleanup_free_ char *live = NULL, *recorded = NULL;

		assert_int_equal(recording__encode(s, RECORDING_INTERVALS, &buf), 0);
		r = open_bytes(&buf);
		back = must_next(r);
		live = json_of(s);
		recorded = json_of(back);
		assert_string_equal(live, recorded);
	}
}

static void test_random_snapshots(void **state)
{
	uint64_t random = 20261121;

	(void)state;
	for (int i = 0; i < 300; i++) {
		_cleanup_snapshot_ struct snapshot *s = NULL;
		struct machine m;

		random_machine(&random, &m);
		s = random_snapshot(&random, &m);
		check_round_trip(s, RECORDING_INTERVALS);
		random_counters(&random, s);
		check_round_trip(s, RECORDING_TOTALS);
	}
}

static struct recorder *must_open(const struct machine *m)
{
	struct recording_error err = {.text = ""};
	struct recorder *rec = NULL;

	if (recorder__open(path, m, &rec, &err))
		fail_msg("%s", err.text);
	return rec;
}

static void must_append(struct recorder *rec, const struct snapshot *s)
{
	struct recording_error err = {.text = ""};

	if (recorder__append(rec, s, &err))
		fail_msg("%s", err.text);
}

static void must_close(struct recorder **rec)
{
	struct recording_error err = {.text = ""};

	if (recorder__close(rec, &err))
		fail_msg("%s", err.text);
	assert_null(*rec);
}

static struct recording_reader *must_read(void)
{
	struct recording_error err = {.text = ""};
	struct recording_reader *r = NULL;

	if (recording_reader__open(path, &r, &err))
		fail_msg("%s", err.text);
	return r;
}

/* What one frame teaches the model, the next must not suffer from. */
static void test_random_file(void **state)
{
	uint64_t random = 7, again = 7;
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	struct machine m = {.release = "6.12", .page_size = 4096};
	struct recorder *rec = must_open(&m);

	(void)state;
	/* Long enough for more strings than are remembered. */
	for (int i = 0; i < 300; i++) {
		_cleanup_snapshot_ struct snapshot *s = random_snapshot(&random, &m);

		must_append(rec, s);
	}
	must_close(&rec);
	r = must_read();
	for (int i = 0; i < 300; i++) {
		_cleanup_snapshot_ struct snapshot *s = random_snapshot(&again, &m);
		_cleanup_snapshot_ struct snapshot *back = must_next(r);

		assert_same(s, back);
	}
	assert_end(r);
	assert_null(recording_reader__ends_early(r));
}

/* The bound of the file's size: an hour, a second each, ten live series. */
static void test_hour_is_small(void **state)
{
	static struct hour hour;
	struct machine m = {.release = "6.12.94+deb12-amd64", .arch = "x86_64", .page_size = 4096};
	struct recorder *rec = must_open(&m);
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	uint64_t buckets = 0, clears = 0, read = 0;
	struct stat st;

	(void)state;
	hour_init(&hour);
	for (int i = 0; i < HOUR_SECONDS; i++) {
		_cleanup_snapshot_ struct snapshot *s = hour_second(&hour, &m, .05);

		for (size_t j = 0; j < s->nr_clears; j++)
			for (size_t k = 0; k < ZS_BUCKETS; k++)
				buckets += s->clears[j].wall.bucket[k] != 0;
		clears += s->clears_total;
		must_append(rec, s);
	}
	must_close(&rec);
	assert_int_equal(stat(path, &st), 0);
	print_message("an hour of ten series, %.1f buckets each: %.2f MiB\n",
		      (double)buckets / HOUR_SECONDS / HOUR_SERIES, (double)st.st_size / (1 << 20));
	assert_true(buckets > 25ULL * HOUR_SECONDS * HOUR_SERIES);
	assert_true(st.st_size <= 2 << 20);
	r = must_read();
	for (int i = 0; i < HOUR_SECONDS; i++) {
		_cleanup_snapshot_ struct snapshot *s = must_next(r);

		read += s->clears_total;
	}
	assert_int_equal(read, clears);
	assert_end(r);
}

/* Bytes of a small recording: a few intervals, closed. */
static void small_recording(struct pack_buffer *buf, int intervals)
{
	struct recorder *rec = NULL;
	char chunk[4096];
	ssize_t n;
	int fd;

	unlink(path);
	rec = must_open(&synthetic_machine);
	for (int i = 0; i < intervals; i++) {
		_cleanup_snapshot_ struct snapshot *s = synthetic_full();

		s->time_ns += (uint64_t)i * NSEC_PER_SEC;
		s->clears[0].count += (uint64_t)i;
		must_append(rec, s);
	}
	must_close(&rec);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		assert_int_equal(pack_buffer__append(buf, chunk, (size_t)n), 0);
	close(fd);
	unlink(path);
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where frame n begins. */
static size_t frame_at(const struct pack_buffer *buf, int n)
{
	size_t at = 0;

	while (n--)
		at += FRAME_HEADER + le32(buf->data + at + 4);
	return at;
}

/* A file that was cut off is whole up to its last interval, wherever the cut is. */
static void test_every_truncation(void **state)
{
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_snapshot_ struct snapshot *full = synthetic_full();
	const uint64_t time_ns = full->time_ns, count = full->clears[0].count;
	const int intervals = 3;

	(void)state;
	small_recording(&buf, intervals);
	assert_int_equal(frame_at(&buf, intervals + 2), buf.len);
	for (size_t cut = 0; cut <= buf.len; cut++) {
		_cleanup_recording_reader_ struct recording_reader *r = NULL;
		/* A copy of its own, so that a read past the end is seen. */
		_cleanup_free_ uint8_t *copy = malloc(cut ? cut : 1);
		struct recording_error err = {.text = ""};
		int whole = 0, ret;

		memcpy(copy, buf.data, cut);
		ret = recording_reader__open_buffer(copy, cut, "cut.zs", &r, &err);
		if (cut < frame_at(&buf, 1)) {
			assert_int_equal(ret, cut ? -ENODATA : -EINVAL);
			assert_non_null(strstr(err.text, "cut.zs"));
			continue;
		}
		assert_int_equal(ret, 0);
		while (whole < intervals && cut >= frame_at(&buf, whole + 2))
			whole++;
		for (int i = 0; i < whole; i++) {
			_cleanup_snapshot_ struct snapshot *s = must_next(r);

			full->time_ns = time_ns + (uint64_t)i * NSEC_PER_SEC;
			full->clears[0].count = count + (uint64_t)i;
			assert_same(s, full);
		}
		assert_end(r);
		if (cut == buf.len) {
			assert_null(recording_reader__ends_early(r));
			continue;
		}
		assert_non_null(recording_reader__ends_early(r));
		assert_non_null(strstr(recording_reader__ends_early(r), "cut.zs ends early"));
	}
}

/* No byte can change without being noticed, and what comes before it is read. */
static void test_every_flip(void **state)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	const int intervals = 2;

	(void)state;
	small_recording(&buf, intervals);
	for (size_t i = 0; i < buf.len * ARRAY_SIZE(flips); i++) {
		_cleanup_recording_reader_ struct recording_reader *r = NULL;
		size_t at = i / ARRAY_SIZE(flips);
		struct recording_error err = {.text = ""};
		int whole = 0, ret;

		buf.data[at] ^= flips[i % ARRAY_SIZE(flips)];
		ret = recording_reader__open_buffer(buf.data, buf.len, "bad.zs", &r, &err);
		while (!ret) {
			_cleanup_snapshot_ struct snapshot *s = NULL;

			ret = recording_reader__next(r, &s, &err);
			if (!ret)
				fail_msg("byte %zu can change unnoticed", at);
			whole += ret > 0;
			ret = min(ret, 0);
		}
		assert_true(ret == -EBADMSG || (ret == -EINVAL && at < 4));
		assert_non_null(strstr(err.text, "bad.zs"));
		buf.data[at] ^= flips[i % ARRAY_SIZE(flips)];
		if (ret != -EBADMSG)
			continue;
		assert_non_null(strstr(err.text, "damaged"));
		assert_true(frame_at(&buf, whole + 1) <= at || whole == 0);
		if (r) {
			struct snapshot *s = NULL;

			/* The error stays. */
			assert_int_equal(recording_reader__next(r, &s, NULL), ret);
		}
	}
}

/* Frames made by hand. */

struct frame {
	struct pack_buffer *buf;
	struct packer p;
	size_t at;
};

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static void seal(struct pack_buffer *buf, size_t at, char type)
{
	uint8_t *h = buf->data + at;
	uint32_t len = (uint32_t)(buf->len - at - FRAME_HEADER);

	memcpy(h, "ZSR", 3);
	h[3] = (uint8_t)type;
	put32(h + 4, len);
	put32(h + 8, (uint32_t)crc32(0, h + FRAME_HEADER, len));
	put32(h + 12, (uint32_t)crc32(0, h, 12));
}

static struct packer *begin(struct frame *f, struct pack_buffer *buf, struct pack_model *model,
			    const char *before)
{
	uint8_t zeros[FRAME_HEADER] = {0};

	f->buf = buf;
	f->at = buf->len;
	assert_int_equal(pack_buffer__append(buf, zeros, sizeof(zeros)), 0);
	assert_int_equal(pack_buffer__append(buf, before, strlen(before)), 0);
	pack__begin(&f->p, model, buf);
	return &f->p;
}

static void end(struct frame *f, char type)
{
	assert_int_equal(pack__finish(&f->p), 0);
	seal(f->buf, f->at, type);
}

static void put_head(struct pack_buffer *buf, struct pack_model *model)
{
	struct packer *p;
	struct frame f;

	p = begin(&f, buf, model, "\1");
	pack__open(p, 5);
	pack__string(p, 1, "6.12");
	pack__uint(p, 5, 4096);
	pack__close(p);
	end(&f, 'H');
}

/* What the reader says to it: the return value of the last call, and the sentence. */
static int read_all(const struct pack_buffer *buf, struct recording_error *err, int *intervals)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	int ret;

	*intervals = 0;
	err->text[0] = '\0';
	ret = recording_reader__open_buffer(buf->data, buf->len, "hostile.zs", &r, err);
	while (!ret) {
		_cleanup_snapshot_ struct snapshot *s = NULL;

		ret = recording_reader__next(r, &s, err);
		if (!ret)
			return 0;
		*intervals += ret > 0;
		ret = min(ret, 0);
	}
	return ret;
}

/* Fields of a version to come: of every type, and in every place. */
static void put_unknown(struct packer *p)
{
	static const uint64_t array[] = {0, 1, UINT64_MAX};

	pack__uint(p, 25, UINT64_MAX);
	pack__string(p, 26, "what is not known yet");
	pack__array(p, 27, array, ARRAY_SIZE(array));
	pack__open(p, 28);
	pack__uint(p, 1, 2);
	pack__open(p, 31);
	pack__string(p, 1, "deeper");
	pack__close(p);
	pack__uint(p, 2, 0);
	pack__close(p);
}

static void test_later_fields_are_stepped_over(void **state)
{
	_cleanup_pack_model_ struct pack_model *model = pack_model__new();
	_cleanup_pack_model_ struct pack_model *other = pack_model__new();
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	_cleanup_snapshot_ struct snapshot *s = NULL;
	uint64_t bucket[] = {0, 0, 5};
	struct packer *p;
	struct frame f;

	(void)state;
	p = begin(&f, &buf, model, "\1");
	put_unknown(p);
	pack__open(p, 5);
	put_unknown(p);
	pack__string(p, 1, "9.9");
	pack__uint(p, 9, 99); /* a preemption model to come */
	pack__close(p);
	end(&f, 'H');
	p = begin(&f, &buf, other, "");
	put_unknown(p);
	end(&f, 'x');
	p = begin(&f, &buf, model, "");
	put_unknown(p);
	pack__uint(p, 3, 17);
	pack__open(p, 8); /* a series of clears */
	put_unknown(p);
	pack__uint(p, 1, 77); /* of a kind to come */
	pack__int(p, 4, 9);
	pack__open(p, 7);
	pack__array(p, 2, bucket, ARRAY_SIZE(bucket));
	put_unknown(p);
	pack__close(p);
	pack__close(p);
	put_unknown(p);
	end(&f, 'I');
	r = open_bytes(&buf);
	assert_string_equal(recording_reader__machine(r)->release, "9.9");
	assert_int_equal(recording_reader__machine(r)->preempt_model, PREEMPT_UNKNOWN);
	s = must_next(r);
	assert_int_equal(s->interval_ns, 17);
	assert_int_equal(s->nr_clears, 1);
	assert_int_equal(s->clears[0].kind, ZS_KIND_OTHER);
	assert_int_equal(s->clears[0].order, 9);
	assert_int_equal(s->clears[0].count, 5);
	assert_int_equal(s->clears[0].wall.bucket[2], 5);
	assert_end(r);
}

static void assert_refused(const struct pack_buffer *buf, int expected, const char *says)
{
	struct recording_error err;
	int intervals, ret;

	ret = read_all(buf, &err, &intervals);
	if (ret != expected || !strstr(err.text, says))
		fail_msg("%s, not \"%s\": %s", errname(ret), says, err.text);
	assert_non_null(strstr(err.text, "hostile.zs"));
}

static void test_newer_versions_are_named(void **state)
{
	_cleanup_pack_model_ struct pack_model *model = pack_model__new();
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	struct frame f;

	(void)state;
	begin(&f, &buf, model, "\2not for this version at all");
	seal(&buf, 0, 'H');
	assert_refused(&buf, -EPROTONOSUPPORT, "version 2");
	buf.len = 0;
	pack_model__free(&model);
	model = pack_model__new();
	put_head(&buf, model);
	begin(&f, &buf, model, "");
	end(&f, 'X');
	assert_refused(&buf, -EPROTONOSUPPORT, "use a newer one");
}

/* What each hostile interval is, and what is said of it. */
static void hostile_type(struct packer *p)
{
	pack__string(p, 3, "an interval that is a string");
}

static void hostile_list(struct packer *p)
{
	for (int i = 0; i <= RECORDING_ROWS_MAX; i++) {
		pack__open(p, 6);
		pack__close(p);
	}
}

static void hostile_sums(struct packer *p)
{
	pack__open(p, 9);
	for (int i = 0; i <= RECORDING_ROWS_MAX; i++) {
		pack__open(p, 1);
		pack__close(p);
	}
	pack__close(p);
}

static void hostile_buckets(struct packer *p)
{
	uint64_t bucket[ZS_BUCKETS + 1] = {[ZS_BUCKETS] = 1};

	pack__open(p, 8);
	pack__open(p, 7);
	pack__array(p, 2, bucket, ARRAY_SIZE(bucket));
	pack__close(p);
	pack__close(p);
}

static void hostile_order(struct packer *p)
{
	pack__open(p, 8);
	pack__int(p, 4, ZS_ORDERS);
	pack__close(p);
}

static void hostile_node(struct packer *p)
{
	pack__open(p, 8);
	pack__open(p, 7);
	pack__open(p, 3);
	pack__int(p, 6, 1LL << 40);
	pack__close(p);
	pack__close(p);
	pack__close(p);
}

static void hostile_cause(struct packer *p)
{
	pack__open(p, 9);
	pack__open(p, 2);
	pack__uint(p, 1, ZS_GAP_CAUSES);
	pack__open(p, 2);
	pack__close(p);
	pack__close(p);
	pack__close(p);
}

static void hostile_causeless(struct packer *p)
{
	pack__open(p, 9);
	pack__open(p, 2);
	pack__open(p, 2);
	pack__close(p);
	pack__close(p);
	pack__close(p);
}

static void hostile_values(struct packer *p)
{
	for (unsigned int i = 0; i < PACK_VALUES_MAX; i++)
		pack__uint(p, 30, 0);
}

static void hostile_strings(struct packer *p)
{
	char text[PACK_STRING_MAX + 1];

	for (int i = 0; i < 2000; i++) {
		memset(text, 'a', sizeof(text));
		snprintf(text, sizeof(text), "%d", i);
		text[strlen(text)] = 'a';
		text[PACK_STRING_MAX] = '\0';
		pack__string(p, 30, text);
	}
}

static const struct {
	void (*make)(struct packer *p);
	const char *says;
} hostile[] = {
	{hostile_type, "not of the type"},
	{hostile_list, "a list is longer"},
	{hostile_sums, "a list is longer"},
	{hostile_buckets, "more buckets"},
	{hostile_order, "not in the range"},
	{hostile_node, "not in the range"},
	{hostile_cause, "a cause that there is not"},
	{hostile_causeless, "has no cause"},
	{hostile_values, "more values"},
	{hostile_strings, "more values"},
};

static void test_hostile_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		_cleanup_pack_model_ struct pack_model *model = pack_model__new();
		_cleanup_pack_buffer_ struct pack_buffer buf = {0};
		struct frame f;

		put_head(&buf, model);
		hostile[i].make(begin(&f, &buf, model, ""));
		end(&f, 'I');
		assert_refused(&buf, -EBADMSG, hostile[i].says);
	}
}

static void test_hostile_files(void **state)
{
	_cleanup_pack_model_ struct pack_model *model = pack_model__new();
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	struct recording_error err;
	struct frame f;
	int intervals;
	size_t at;

	(void)state;
	/* A header without a machine, and one that is empty. */
	begin(&f, &buf, model, "\1");
	end(&f, 'H');
	assert_refused(&buf, -EBADMSG, "names no machine");
	buf.len = FRAME_HEADER;
	seal(&buf, 0, 'H');
	assert_refused(&buf, -EBADMSG, "header is empty");
	/* A length that no frame has; one that the file has not is a cut. */
	buf.len = 0;
	pack_model__free(&model);
	model = pack_model__new();
	put_head(&buf, model);
	at = buf.len;
	begin(&f, &buf, model, "");
	end(&f, 'I');
	put32(buf.data + at + 4, RECORDING_FRAME_MAX + 1);
	put32(buf.data + at + 12, (uint32_t)crc32(0, buf.data + at, 12));
	assert_refused(&buf, -EBADMSG, "larger than a frame can be");
	put32(buf.data + at + 4, RECORDING_FRAME_MAX);
	put32(buf.data + at + 12, (uint32_t)crc32(0, buf.data + at, 12));
	assert_int_equal(read_all(&buf, &err, &intervals), 0);
	assert_int_equal(intervals, 0);
	/* Something behind the end of the packed values, and a frame cut short inside. */
	buf.len = at;
	begin(&f, &buf, model, "");
	pack__uint(&f.p, 3, 1ULL << 60);
	assert_int_equal(pack__finish(&f.p), 0);
	buf.len -= 6;
	seal(&buf, at, 'I');
	assert_refused(&buf, -EBADMSG, "the frame at byte");
	buf.len = at;
	begin(&f, &buf, model, "");
	assert_int_equal(pack__finish(&f.p), 0);
	assert_int_equal(pack_buffer__append(&buf, "more", 5), 0);
	seal(&buf, at, 'I');
	assert_refused(&buf, -EBADMSG, "the frame at byte");
}

/* Going on in a file. */

static void record_one(const struct machine *m)
{
	struct recorder *rec = must_open(m);
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();

	s->machine = m;
	must_append(rec, s);
	assert_int_equal(recorder__intervals(rec), 1);
	must_close(&rec);
}

static void test_a_recording_goes_on(void **state)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	struct stat before, after;

	(void)state;
	record_one(&synthetic_machine);
	assert_int_equal(stat(path, &before), 0);
	/* An unfinished frame, as a killed writer leaves one. */
	assert_int_equal(truncate(path, before.st_size - 5), 0);
	record_one(&synthetic_machine);
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size > before.st_size);
	r = must_read();
	for (unsigned int i = 1; i <= 2; i++) {
		_cleanup_snapshot_ struct snapshot *s = must_next(r);
		_cleanup_snapshot_ struct snapshot *full = synthetic_full();

		assert_same(s, full);
		assert_int_equal(recording_reader__run(r), i);
	}
	assert_end(r);
	assert_null(recording_reader__ends_early(r));
}

/* A machine that becomes more exact while recording is told again, in the same run. */
static void test_machine_becomes_more_exact(void **state)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	struct machine m = synthetic_machine;
	struct recorder *rec;

	(void)state;
	m.huge_zero = HUGE_ZERO_UNKNOWN;
	rec = must_open(&m);
	for (int i = 0; i < 4; i++) {
		_cleanup_snapshot_ struct snapshot *s = synthetic_simple();

		if (i == 2)
			m.huge_zero = HUGE_ZERO_PERSISTENT;
		must_append(rec, s);
	}
	must_close(&rec);
	r = must_read();
	for (int i = 0; i < 4; i++) {
		_cleanup_snapshot_ struct snapshot *s = must_next(r);

		assert_int_equal(s->machine->huge_zero,
				 i < 2 ? HUGE_ZERO_UNKNOWN : HUGE_ZERO_PERSISTENT);
		assert_int_equal(recording_reader__run(r), 1);
	}
	assert_end(r);
}

static void write_file(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(util__write_all(fd, data, len, NULL), 0);
	close(fd);
}

static void assert_open_refused(const struct machine *m, int expected, const char *says)
{
	struct recording_error err = {.text = ""};
	struct recorder *rec = NULL;
	struct stat before, after;

	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(recorder__open(path, m, &rec, &err), expected);
	assert_null(rec);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, says))
		fail_msg("not \"%s\": %s", says, err.text);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
}

static void test_other_files_are_left_alone(void **state)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\n";
	_cleanup_pack_buffer_ struct pack_buffer buf = {0};
	struct machine other = synthetic_machine;
	struct recorder *rec;

	(void)state;
	write_file(text, strlen(text));
	assert_open_refused(&synthetic_machine, -EEXIST, "is not a recording");
	write_file("Z", 1);
	assert_open_refused(&synthetic_machine, -EEXIST, "is not a recording");
	unlink(path);
	record_one(&synthetic_machine);
	snprintf(other.release, sizeof(other.release), "6.13");
	assert_open_refused(&other, -EEXIST, "another machine or kernel");
	rec = must_open(&synthetic_machine);
	assert_open_refused(&synthetic_machine, -EBUSY, "by another process");
	recorder__free(&rec);
	small_recording(&buf, 1);
	buf.data[buf.len / 2] ^= 1;
	write_file(buf.data, buf.len);
	assert_open_refused(&synthetic_machine, -EBADMSG, "damaged");
	buf.data[buf.len / 2] ^= 1;
	buf.data[FRAME_HEADER] = RECORDING_VERSION + 1;
	seal(&(struct pack_buffer){buf.data, frame_at(&buf, 1), 0}, 0, 'H');
	write_file(buf.data, buf.len);
	assert_open_refused(&synthetic_machine, -EEXIST, "newer version");
}

static void test_what_cannot_be_opened(void **state)
{
	struct recording_error err = {.text = ""};
	struct recording_reader *r = NULL;
	struct recorder *rec = NULL;

	(void)state;
	assert_int_equal(recording_reader__open("/nonexistent/r.zs", &r, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/r.zs"));
	assert_int_equal(recording_reader__open(directory, &r, &err), -EISDIR);
	assert_non_null(strstr(err.text, directory));
	assert_int_equal(recorder__open(directory, &synthetic_machine, &rec, &err), -EISDIR);
	assert_int_equal(recorder__open("/nonexistent/r.zs", &synthetic_machine, &rec, &err),
			 -ENOENT);
	assert_null(r);
	assert_null(rec);
}

/* Disks and limits. */

static void test_dev_full(void **state)
{
	struct recording_error err = {.text = ""};
	struct recorder *rec = NULL;

	(void)state;
	assert_int_equal(recorder__open("/dev/full", &synthetic_machine, &rec, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full: the disk is full"));
}

/*
 * Records until a write fails, then makes room and goes on: what was written
 * by halves is gone, and what follows is read.
 */
static void check_full(const char *file, int expected, void (*make_room)(void))
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	struct recording_error err = {.text = ""};
	struct recorder *rec = NULL;
	uint64_t random = 5, again = 5;
	int ret = 0, written = 0;
	struct stat st;

	assert_int_equal(recorder__open(file, &synthetic_machine, &rec, &err), 0);
	while (!ret && written < 100000) {
		_cleanup_snapshot_ struct snapshot *s =
			random_snapshot(&random, &synthetic_machine);

		ret = recorder__append(rec, s, &err);
		written += !ret;
	}
	assert_int_equal(ret, expected);
	assert_true(written > 2);
	assert_non_null(strstr(err.text, file));
	assert_int_equal(stat(file, &st), 0);
	make_room();
	random = 99;
	for (int i = 0; i < 3; i++) {
		_cleanup_snapshot_ struct snapshot *s =
			random_snapshot(&random, &synthetic_machine);

		assert_int_equal(recorder__append(rec, s, &err), 0);
	}
	assert_int_equal(recorder__close(&rec, &err), 0);
	assert_int_equal(recording_reader__open(file, &r, &err), 0);
	for (int i = 0; i < written + 3; i++) {
		_cleanup_snapshot_ struct snapshot *s = NULL, *back = must_next(r);

		if (i == written)
			again = 99;
		s = random_snapshot(&again, &synthetic_machine);
		assert_same(s, back);
		assert_int_equal(recording_reader__run(r), 1);
	}
	assert_end(r);
	/* It is whole, but not all that was measured. */
	assert_non_null(strstr(recording_reader__ends_early(r), "lacks 1 interval that"));
}

static void raise_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_file_size_limit(void **state)
{
	struct rlimit limit;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 100001;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_full(path, -EFBIG, raise_limit);
}

static char ballast[80];

static void remove_ballast(void)
{
	assert_int_equal(unlink(ballast), 0);
}

static void test_full_disk(void **state)
{
	static const char zeros[65536];
	char file[80];
	int fd;

	(void)state;
	if (mount("zeroscope-test", directory, "tmpfs", 0, "size=256k")) {
		print_message("a small tmpfs cannot be mounted here: %s\n", errname(errno));
		skip();
	}
	snprintf(file, sizeof(file), "%s/full.zs", directory);
	snprintf(ballast, sizeof(ballast), "%s/ballast", directory);
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, zeros, sizeof(zeros)), (int)sizeof(zeros));
	close(fd);
	check_full(file, -ENOSPC, remove_ballast);
	unlink(file);
	assert_int_equal(umount(directory), 0);
}

/* A writer that is killed leaves a recording that is whole up to its last interval. */
static void record_for_ever(void)
{
	uint64_t random = 12;
	struct recorder *rec = NULL;

	if (recorder__open(path, &synthetic_machine, &rec, NULL))
		_exit(1);
	for (;;) {
		_cleanup_snapshot_ struct snapshot *s =
			random_snapshot(&random, &synthetic_machine);

		if (recorder__append(rec, s, NULL))
			_exit(1);
	}
}

static void kill_a_writer(useconds_t after)
{
	struct stat st = {0};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		record_for_ever();
	/* Not before it has written anything, or there is nothing to see. */
	while (st.st_size < 4096 && !waitpid(pid, &status, WNOHANG))
		if (stat(path, &st))
			st.st_size = 0;
	usleep(after);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_killed_writers(void **state)
{
	uint64_t delay = 3;

	(void)state;
	for (int i = 0; i < 20; i++) {
		_cleanup_recording_reader_ struct recording_reader *r = NULL;
		struct recording_error err = {.text = ""};
		struct snapshot *back = NULL;
		uint64_t random = 12;
		int ret;

		unlink(path);
		kill_a_writer((useconds_t)random_below(&delay, 5000));
		r = must_read();
		while ((ret = recording_reader__next(r, &back, &err)) > 0) {
			_cleanup_snapshot_ struct snapshot *s =
				random_snapshot(&random, &synthetic_machine);

			assert_same(s, back);
			snapshot__free(&back);
		}
		assert_int_equal(ret, 0);
		assert_true(recording_reader__intervals(r) > 0);
		assert_non_null(recording_reader__ends_early(r));
	}
}

static void test_pipe(void **state)
{
	_cleanup_recording_reader_ struct recording_reader *r = NULL;
	struct recording_error err = {.text = ""};
	struct snapshot *s = NULL;
	char name[32];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd[1]);
	snprintf(path, sizeof(path), "%s", name);
	record_one(&synthetic_machine);
	snprintf(path, sizeof(path), "%s/recording.zs", directory);
	close(fd[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd[0]);
	assert_int_equal(recording_reader__open(name, &r, &err), 0);
	s = must_next(r);
	snapshot__free(&s);
	assert_end(r);
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_json_is_the_same),
		cmocka_unit_test(test_random_snapshots),
		cmocka_unit_test_setup(test_random_file, no_file),
		cmocka_unit_test_setup(test_hour_is_small, no_file),
		cmocka_unit_test_setup(test_every_truncation, no_file),
		cmocka_unit_test_setup(test_every_flip, no_file),
		cmocka_unit_test(test_later_fields_are_stepped_over),
		cmocka_unit_test(test_newer_versions_are_named),
		cmocka_unit_test(test_hostile_frames),
		cmocka_unit_test(test_hostile_files),
		cmocka_unit_test_setup(test_a_recording_goes_on, no_file),
		cmocka_unit_test_setup(test_machine_becomes_more_exact, no_file),
		cmocka_unit_test_setup(test_other_files_are_left_alone, no_file),
		cmocka_unit_test_setup(test_what_cannot_be_opened, no_file),
		cmocka_unit_test_setup(test_dev_full, no_file),
		cmocka_unit_test_setup(test_file_size_limit, no_file),
		cmocka_unit_test_setup(test_full_disk, no_file),
		cmocka_unit_test_setup(test_killed_writers, no_file),
		cmocka_unit_test_setup(test_pipe, no_file),
	};

	return cmocka_run_group_tests_name("recording", tests, set_up, tear_down);
}
