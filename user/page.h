/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PAGE_H
#define ZEROSCOPE_PAGE_H

/*
 * Text for people: composed in a struct text, wrapped onto a page of so many
 * columns. What comes from outside goes through page__clean() on its way into a
 * text; nothing else keeps a process from acting on the reader's terminal.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "plain.h"
#include "snapshot.h"

/*
 * Marks inside of text on its way to the page. Data cannot hold them:
 * page__clean() lets no control character through.
 */
#define NB    "\001" /* a space at which no line is broken */
#define BOLD  "\002"
#define WARN  "\003"
#define BAR   "\004"
#define PLAIN "\005"

/* The block that is being written. */
struct page {
	FILE *out; /* memory */
	const struct plain_options *o;
	const struct snapshot *s;
	int width;
	const char *atleast; /* before counts: "≥" if they are floors */
};

/* Text that grows up to a bound and is cut there. */
struct text {
	char buf[4096];
	size_t len;
};

void text__add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text from outside (at most len bytes) as text that is safe to print, '?' for
 * each character that is not: what is no UTF-8, controls, and what reorders or
 * hides its neighbours. Returns buf.
 */
char *page__clean(char *buf, size_t size, const char *text, size_t len, bool ascii);

/* The character at text (at most left bytes) in *c; its length, or 0 if it is no UTF-8. */
size_t page__decode(const char *text, size_t left, uint32_t *c);

/* Columns that a character takes on a terminal: 0 for the marks above. */
int page__columns_of(uint32_t c);

#define NAME_SIZE 400

/* The same for a name or a sentence of the snapshot. */
const char *page__clean_name(const struct page *p, char buf[static NAME_SIZE], const char *text);

/* Text as it is, its marks made into blanks, SGR escapes or nothing. */
void page__emit(struct page *p, const char *text, size_t len);
void page__indent(struct page *p, int n);

/* Wrapped at spaces: from column margin on, later lines from column hang on. */
void page__paragraph(struct page *p, int margin, int hang, const struct text *t);
/* "  key      text": the text begins at the column, on every line. */
void page__keyed(struct page *p, int column, const char *key, const struct text *t);
/* Bold, on lines of its own. */
void page__heading(struct page *p, const struct text *t);
void page__blank(struct page *p);

#endif /* ZEROSCOPE_PAGE_H */
