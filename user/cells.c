// SPDX-License-Identifier: GPL-2.0-only
#include "cells.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "util.h"

int cells__reset(struct cells *c, int rows, int cols)
{
	struct cell *cell;
	int row;

	if (rows != c->rows || cols != c->cols) {
		cell = calloc((size_t)rows * (size_t)cols, sizeof(*cell));
		if (!cell)
			return -ENOMEM;
		free(c->cell);
		c->cell = cell;
		c->rows = rows;
		c->cols = cols;
	}
	for (row = 0; row < rows; row++)
		cells__fill(c, row, 0, cols, ' ', PAINT_PLAIN);
	return 0;
}

void cells__free(struct cells *c)
{
	free(c->cell);
	*c = (struct cells){0};
}

struct cell *cells__at(const struct cells *c, int row, int col)
{
	if (row < 0 || row >= c->rows || col < 0 || col >= c->cols)
		return NULL;
	return &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
}

void cells__fill(struct cells *c, int row, int col, int width, uint32_t ch, enum paint paint)
{
	struct cell *cell;
	int i;

	for (i = 0; i < width; i++) {
		cell = cells__at(c, row, col + i);
		if (cell)
			*cell = (struct cell){.c = ch, .paint = (uint8_t)paint};
	}
}

static enum paint paint_of_mark(char mark, enum paint plain)
{
	if (mark == BOLD[0])
		return PAINT_BOLD;
	if (mark == WARN[0])
		return PAINT_WARN;
	return mark == BAR[0] ? PAINT_BAR : plain;
}

/* At most len bytes. */
static int put(struct cells *c, int row, int col, int width, enum paint paint, const char *text,
	       size_t len)
{
	enum paint now = paint;
	int columns, used = 0;
	size_t i, step;
	uint32_t ch;

	for (i = 0; i < len && text[i]; i += step) {
		step = page__decode(text + i, len - i, &ch);
		if (!step) {
			step = 1;
			ch = '?';
		}
		if (ch >= (uint32_t)BOLD[0] && ch <= (uint32_t)PLAIN[0]) {
			now = paint_of_mark(text[i], paint);
			continue;
		}
		if (ch == (uint32_t)NB[0])
			ch = ' ';
		columns = page__columns_of(ch);
		if (used + columns > width || !cells__at(c, row, col + used + columns - 1))
			break;
		*cells__at(c, row, col + used) = (struct cell){.c = ch, .paint = (uint8_t)now};
		if (columns == 2)
			*cells__at(c, row, col + used + 1) = (struct cell){.paint = (uint8_t)now};
		used += columns;
	}
	return used;
}

int cells__put(struct cells *c, int row, int col, int width, enum paint paint, const char *text)
{
	return put(c, row, col, width, paint, text, strlen(text));
}

static int width_of(const char *text, size_t len)
{
	size_t i, step;
	uint32_t ch;
	int n = 0;

	for (i = 0; i < len; i += step) {
		step = page__decode(text + i, len - i, &ch);
		if (!step) {
			step = 1;
			ch = '?';
		}
		n += page__columns_of(ch);
	}
	return n;
}

int cells__width(const char *text)
{
	return width_of(text, strlen(text));
}

int cells__items(struct cells *c, int row, int col, int width, enum paint paint, const char *text)
{
	int used = 0, gap, need;
	size_t len;

	for (; *text; text += len + (text[len] == ITEM[0])) {
		len = strcspn(text, ITEM);
		gap = used ? 2 : 0;
		need = width_of(text, len);
		if (!need || (used && used + gap + need > width))
			continue;
		used += gap + put(c, row, col + used + gap, width - used - gap, paint, text, len);
	}
	return used;
}

static void put_utf8(FILE *f, uint32_t c)
{
	if (c < 0x80) {
		fputc((int)c, f);
	} else if (c < 0x800) {
		fputc((int)(0xc0 | c >> 6), f);
		fputc((int)(0x80 | (c & 0x3f)), f);
	} else if (c < 0x10000) {
		fputc((int)(0xe0 | c >> 12), f);
		fputc((int)(0x80 | (c >> 6 & 0x3f)), f);
		fputc((int)(0x80 | (c & 0x3f)), f);
	} else {
		fputc((int)(0xf0 | c >> 18), f);
		fputc((int)(0x80 | (c >> 12 & 0x3f)), f);
		fputc((int)(0x80 | (c >> 6 & 0x3f)), f);
		fputc((int)(0x80 | (c & 0x3f)), f);
	}
}

char *cells__text(const struct cells *c)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);
	int row, col, end;

	if (!f)
		return NULL;
	for (row = 0; row < c->rows; row++) {
		for (end = c->cols; end > 0 && cells__at(c, row, end - 1)->c == ' '; end--)
			;
		for (col = 0; col < end; col++)
			if (cells__at(c, row, col)->c)
				put_utf8(f, cells__at(c, row, col)->c);
		fputc('\n', f);
	}
	if (fclose(f)) {
		free(buf);
		return NULL;
	}
	return buf;
}
