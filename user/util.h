/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_UTIL_H
#define ZEROSCOPE_UTIL_H

/*
 * The small things that every file needs: owners that clean up after
 * themselves, strict readers of one-value files, clocks, and names of errors.
 * Nothing here prints, and nothing here keeps state that a caller can see.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC  1000000000ULL

#ifndef min
#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a_ = (a);                                                        \
		__typeof__(b) min_b_ = (b);                                                        \
		(void)(&min_a_ == &min_b_); /* warns where the types differ */                     \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#endif

#ifndef max
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) max_a_ = (a);                                                        \
		__typeof__(b) max_b_ = (b);                                                        \
		(void)(&max_a_ == &max_b_); /* warns where the types differ */                     \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})
#endif

/*
 * -errno of the call that just failed, and never 0: who reads "failed" off a
 * negative value is right, whatever a library left in errno.
 */
static inline int negative_errno(void)
{
	int code = -errno;

	return code < 0 ? code : -EIO;
}

/*
 * Owners. A variable declared with one of these releases what it holds when it
 * goes out of scope; it must be initialised (NULL, -1) on the line that
 * declares it. To hand ownership on, return or store TAKE_PTR(p) or TAKE_FD(fd).
 */
#define _cleanup_(fn)	 __attribute__((cleanup(fn)))
#define _cleanup_free_	 _cleanup_(util__cleanup_free)
#define _cleanup_close_	 _cleanup_(util__cleanup_close)
#define _cleanup_fclose_ _cleanup_(util__cleanup_fclose)

#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *take_from_ = &(p);                                                  \
		__typeof__(p) take_val_ = *take_from_;                                             \
		*take_from_ = NULL;                                                                \
		take_val_;                                                                         \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_from_ = &(fd);                                                           \
		int take_val_ = *take_from_;                                                       \
		*take_from_ = -1;                                                                  \
		take_val_;                                                                         \
	})

/* Frees what the pointer variable at pp points to; pp is a T **. */
static inline void util__cleanup_free(void *pp)
{
	free(*(void **)pp);
}

/* Closes a descriptor that is not negative; errno is kept for the caller's return path. */
void util__cleanup_close(int *fd);

/* Closes a stream that is not NULL; errors are lost, so close by hand what was written to. */
void util__cleanup_fclose(FILE **f);

/*
 * Reads a whole small file (proc, sysfs, configuration) into buf as a string.
 * A file that does not fit is -EFBIG and leaves an empty string, since a
 * silently shortened value is a wrong value. Returns its length, or -errno.
 */
int util__read_text(const char *path, char *buf, size_t size);

/* The first line, without its newline. Returns its length, or -errno (-ENODATA: empty file). */
int util__read_line(const char *path, char *buf, size_t size);

/*
 * A file that holds one decimal number and at most one newline after it.
 * -EINVAL for anything else, -ERANGE where the number does not fit.
 */
int util__read_u64(const char *path, uint64_t *value);

/*
 * The whole of text is one decimal number: no sign, no blank, no other base.
 * 0, -EINVAL, or -ERANGE.
 */
int util__str_to_u64(const char *text, uint64_t *value);

/* Writes text to an existing file (sysfs, proc) with one write(). 0 or -errno. */
int util__write_text(const char *path, const char *text);

/*
 * Writes all of it, through interruptions and short writes, and waits where the
 * descriptor does not block. *done (may be NULL) says how much reached it. 0 or -errno.
 */
int util__write_all(int fd, const void *buf, size_t len, size_t *done);

/* CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns(), in ns. */
uint64_t util__monotonic_ns(void);

/* CLOCK_REALTIME, in ns since 1970. */
uint64_t util__realtime_ns(void);

#define UTIL_TIME_SIZE 32

/*
 * RFC 3339 in UTC with milliseconds, cut and never rounded up:
 * "2026-11-21T10:53:17.042Z". Returns buf.
 */
char *util__format_time(uint64_t realtime_ns, char buf[static UTIL_TIME_SIZE]);

#define UTIL_DOUBLE_SIZE 32

/*
 * The fewest of 15 to 17 digits that read back as the same double, with '.'
 * whatever the locale says. A whole number keeps no ".0". Not finite: "NaN", "+Inf",
 * "-Inf". Returns buf.
 */
char *util__format_double(double value, char buf[static UTIL_DOUBLE_SIZE]);

/* Nanoseconds as exact decimal seconds without trailing zeros: "0.0000005", "2". Returns buf. */
char *util__format_seconds(uint64_t ns, char buf[static UTIL_DOUBLE_SIZE]);

/*
 * "ENOENT (No such file or directory)" for either sign of err; never a bare
 * number. The string lives until the eighth following call in this thread.
 */
const char *errname(int err);

#endif /* ZEROSCOPE_UTIL_H */
