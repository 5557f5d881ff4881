/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_CELLS_H
#define ZEROSCOPE_CELLS_H

/*
 * A screen as a grid of characters and what they mean: what the live view draws
 * into and what a terminal, or a test, is filled from. It knows no colours;
 * whoever shows it decides how a warning or the tenth step of a ramp looks.
 */

#include <stdint.h>

enum paint {
	PAINT_PLAIN,
	PAINT_BOLD,
	PAINT_WARN,
	PAINT_BAR,
	PAINT_DIM,
	PAINT_MARK, /* a percentile */
	PAINT_HEAD, /* the title line */
	PAINT_HEAT, /* two half cells of the ramp: upper and lower */
};

/* Steps of the heat map's ramp; 0 is nothing. */
#define CELLS_LEVELS 16

struct cell {
	uint32_t c; /* 0: the right half of a wide character */
	uint8_t paint;
	uint8_t upper, lower; /* PAINT_HEAT: 0 to CELLS_LEVELS */
};

struct cells {
	int rows, cols;
	struct cell *cell; /* owned */
};

/* Makes it that large and blank. 0 or -ENOMEM. Zero it before the first use. */
int cells__reset(struct cells *c, int rows, int cols);
void cells__free(struct cells *c);
#define _cleanup_cells_ __attribute__((cleanup(cells__free)))

/* The cell there, or NULL outside of the grid. */
struct cell *cells__at(const struct cells *c, int row, int col);

void cells__fill(struct cells *c, int row, int col, int width, uint32_t ch, enum paint paint);

/*
 * Writes UTF-8, cut after width columns or at the edge; the marks of page.h
 * change the paint. Returns the columns that it took.
 */
int cells__put(struct cells *c, int row, int col, int width, enum paint paint, const char *text);

/* Columns that the text takes. */
int cells__width(const char *text);

/* Ends an item of a text for cells__items(). */
#define ITEM "\n"

/*
 * Writes those items of a text that fit, two blanks apart, and leaves the
 * others out whole: half a number is a wrong number. A first item that does not
 * fit is cut. Returns the columns that it took.
 */
int cells__items(struct cells *c, int row, int col, int width, enum paint paint, const char *text);

/* The characters alone, a line for each row without the blanks at its end; the caller frees it. */
char *cells__text(const struct cells *c);

#endif /* ZEROSCOPE_CELLS_H */
