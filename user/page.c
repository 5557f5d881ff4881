// SPDX-License-Identifier: GPL-2.0-only
#include "page.h"

#include <stdarg.h>
#include <string.h>

#include "util.h"

void text__add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = min(t->len + (size_t)n, sizeof(t->buf) - 1);
}

size_t page__decode(const char *text, size_t left, uint32_t *c)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;

	*c = s[0];
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > left)
		return 0;
	*c &= 0x7f >> len;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < smallest[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

struct char_range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct char_range *ranges, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Characters that a terminal acts on, or that reorder or hide what stands beside them. */
static bool acts_on_terminal(uint32_t c)
{
	static const struct char_range ranges[] = {
		{0x00, 0x1f},	    {0x7f, 0x9f},     {0xad, 0xad},	{0x61c, 0x61c},
		{0x180e, 0x180e},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfe00, 0xfe0f},   {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0x1d173, 0x1d17a},
		{0xe0000, 0xe0fff},
	};

	return in_ranges(c, ranges, ARRAY_SIZE(ranges));
}

/* East Asian wide ones and pictographs take two. */
int page__columns_of(uint32_t c)
{
	static const struct char_range wide[] = {
		{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},	{0xf900, 0xfaff},
		{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
	};

	if (c >= 2 && c <= 5) /* BOLD to PLAIN */
		return 0;
	return in_ranges(c, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}

/* Columns of the first len bytes of our own, clean text. */
static int columns(const char *text, size_t len)
{
	int n = 0;
	size_t i, step;
	uint32_t c;

	for (i = 0; i < len; i += step) {
		step = page__decode(text + i, len - i, &c);
		if (!step)
			step = 1;
		n += page__columns_of(c);
	}
	return n;
}

char *page__clean(char *buf, size_t size, const char *text, size_t len, bool ascii)
{
	size_t i, step, to = 0;
	uint32_t c;

	len = strnlen(text, len);
	for (i = 0; i < len; i += step) {
		step = page__decode(text + i, len - i, &c);
		if (to + max(step, (size_t)1) >= size)
			break;
		if (!step || acts_on_terminal(c) || (ascii && c >= 0x80)) {
			buf[to++] = '?';
			step = step ? step : 1;
			continue;
		}
		memcpy(buf + to, text + i, step);
		to += step;
	}
	buf[to] = '\0';
	return buf;
}

const char *page__clean_name(const struct page *p, char buf[static NAME_SIZE], const char *text)
{
	return page__clean(buf, NAME_SIZE, text, NAME_SIZE - 1, p->o->ascii);
}

void page__emit(struct page *p, const char *text, size_t len)
{
	static const char *const sgr[] = {"\033[1m", "\033[1;31m", "\033[36m", "\033[0m"};
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == NB[0])
			fputc(' ', p->out);
		else if (text[i] < BOLD[0] || text[i] > PLAIN[0])
			fputc(text[i], p->out);
		else if (p->o->color)
			fputs(sgr[text[i] - BOLD[0]], p->out);
	}
}

void page__indent(struct page *p, int n)
{
	fprintf(p->out, "%*s", n, "");
}

/* How many bytes of text fit into n columns; one character at least. */
static size_t fitting(const char *text, size_t len, int n)
{
	size_t i, step;
	uint32_t c;

	for (i = 0; i < len; i += step) {
		step = page__decode(text + i, len - i, &c);
		if (!step)
			step = 1;
		n -= page__columns_of(c);
		if (n < 0 && i)
			return i;
	}
	return len;
}

/*
 * Text as a paragraph: wrapped at spaces, later lines start at column hang.
 * The cursor stands at column at. A word that is too long for a line is cut.
 */
static void wrap(struct page *p, int at, int hang, const char *text)
{
	bool line_empty = true;

	while (*text) {
		size_t blanks = strspn(text, " ");
		size_t len = strcspn(text + blanks, " ");
		const char *word = text + blanks;
		int need = columns(word, len);

		text = word + len;
		if (!len)
			break;
		if (line_empty)
			blanks = 0;
		if (!line_empty && at + (int)blanks + need > p->width) {
			fputc('\n', p->out);
			page__indent(p, hang);
			at = hang;
			blanks = 0;
		}
		while (at + (int)blanks + need > p->width) {
			size_t part = fitting(word, len, p->width - at);

			if (part >= len)
				break;
			page__emit(p, word, part);
			fputc('\n', p->out);
			page__indent(p, hang);
			at = hang;
			word += part;
			len -= part;
			need = columns(word, len);
		}
		page__indent(p, (int)blanks);
		page__emit(p, word, len);
		at += (int)blanks + need;
		line_empty = false;
	}
	fputc('\n', p->out);
}

void page__paragraph(struct page *p, int margin, int hang, const struct text *t)
{
	page__indent(p, margin);
	wrap(p, margin, hang, t->buf);
}

void page__keyed(struct page *p, int column, const char *key, const struct text *t)
{
	fprintf(p->out, "  %-*s", column - 2, key);
	wrap(p, column, column, t->buf);
}

void page__heading(struct page *p, const struct text *t)
{
	struct text bold = {0};

	text__add(&bold, BOLD "%s" PLAIN, t->buf);
	page__paragraph(p, 0, 4, &bold);
}

void page__blank(struct page *p)
{
	fputc('\n', p->out);
}
