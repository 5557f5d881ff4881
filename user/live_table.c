// SPDX-License-Identifier: GPL-2.0-only
/* Who pays: nodes and cgroups as a table, by time spent clearing. */
#include "live_draw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"
#include "util.h"

#define NAME_MIN   12
#define COLUMN_GAP 2

/* In the order in which they are kept where there is no room for all. */
enum column {
	COLUMN_COUNT,
	COLUMN_TIME,
	COLUMN_SHARE,
	COLUMN_BYTES,
	COLUMN_RATE,
	COLUMN_GAPS,
	COLUMN_MAX,
	COLUMNS,
};

static const struct {
	const char *head;
	int width;
} columns[COLUMNS] = {
	[COLUMN_COUNT] = {"clears", 6},
	[COLUMN_TIME] = {"time", 8},
	[COLUMN_SHARE] = {"share", 8},
	[COLUMN_BYTES] = {"cleared", 8},
	[COLUMN_RATE] = {"/s", 6},
	[COLUMN_GAPS] = {"off CPU", 8},
	[COLUMN_MAX] = {"max since start", 15},
};

static int compare_payers(const void *pa, const void *pb)
{
	const struct payer *a = *(const struct payer *const *)pa;
	const struct payer *b = *(const struct payer *const *)pb;

	if (a->sum_ns != b->sum_ns)
		return a->sum_ns < b->sum_ns ? 1 : -1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void put_right(struct live_canvas *v, int row, int col, int width, enum paint paint,
		      const char *text)
{
	int used = min(cells__width(text), width);

	cells__put(v->c, row, col + width - used, width, paint, text);
}

static void add_cell(const struct live_canvas *v, struct text *t, enum column column,
		     const struct payer *p, uint64_t all_ns)
{
	char num[16];

	switch (column) {
	case COLUMN_COUNT:
		live__short_number(num, (double)p->count);
		text__add(t, "%s", num);
		break;
	case COLUMN_TIME:
		text__ns(&v->p, t, p->sum_ns);
		break;
	case COLUMN_SHARE:
		if (all_ns)
			text__percent(t, (double)p->sum_ns / (double)all_ns);
		break;
	case COLUMN_BYTES:
		text__bytes(&v->p, t, (double)p->bytes);
		break;
	case COLUMN_RATE:
		if (!v->s->interval_ns)
			break;
		live__short_number(num, (double)p->count * 1e9 / (double)v->s->interval_ns);
		text__add(t, "%s", num);
		break;
	case COLUMN_GAPS:
		if (v->s->gaps)
			text__ns(&v->p, t, p->gap_ns);
		else
			text__add(t, "-");
		break;
	default:
		text__ns(&v->p, t, p->max_ns);
	}
}

static void put_row(struct live_canvas *v, int row, int name_width, int shown,
		    const struct payer *p, bool node, uint64_t all_ns)
{
	char name[NAME_SIZE];
	int col = name_width, i;
	struct text t = {0};

	if (node)
		text__add(&t, "node %" PRIu64, p->id);
	else if (p->name[0])
		text__add(&t, "%s", page__clean_name(&v->p, name, p->name));
	else
		text__add(&t, "cgroup %" PRIu64, p->id);
	cells__put(v->c, row, 0, name_width, PAINT_PLAIN, t.buf);
	for (i = 0; i < shown; i++) {
		struct text cell = {0};

		col += COLUMN_GAP;
		add_cell(v, &cell, (enum column)i, p, all_ns);
		put_right(v, row, col, columns[i].width, PAINT_PLAIN, cell.buf);
		col += columns[i].width;
	}
}

static void put_heads(struct live_canvas *v, int row, int name_width, int shown, bool node)
{
	int col = name_width, i;

	cells__put(v->c, row, 0, name_width, PAINT_DIM, node ? "node of the folio" : "cgroup");
	for (i = 0; i < shown; i++) {
		col += COLUMN_GAP;
		put_right(v, row, col, columns[i].width, PAINT_DIM, columns[i].head);
		col += columns[i].width;
	}
}

/* How many columns fit beside names; the names get what is left. */
static int fit_columns(int cols, int *name_width)
{
	int used = 0, i;

	for (i = 0; i < COLUMNS; i++) {
		if (used + COLUMN_GAP + columns[i].width + NAME_MIN > cols)
			break;
		used += COLUMN_GAP + columns[i].width;
	}
	*name_width = cols - used;
	return i;
}

void live__draw_table(struct live_canvas *v)
{
	bool node = v->l->selection.scope == LIVE_NODES;
	const struct payer *payers = node ? v->s->node_payers : v->s->cgroup_payers;
	size_t nr = node ? v->s->nr_node_payers : v->s->nr_cgroup_payers;
	_cleanup_free_ const struct payer **list = calloc(nr + 1, sizeof(*list));
	int name_width, shown, rows = v->at.body_rows, row;
	uint64_t all_ns = 0;
	size_t used = 0, i, first;

	if (!list)
		return;
	for (i = 0; i < nr; i++) {
		if (!payers[i].count)
			continue;
		all_ns += payers[i].sum_ns;
		list[used++] = &payers[i];
	}
	if (!used) {
		cells__put(v->c, v->at.body, 0, v->c->cols, PAINT_PLAIN,
			   node ? "No clears of any node in this time."
				: "No clears of any cgroup in this time.");
		return;
	}
	qsort(list, used, sizeof(*list), compare_payers);
	shown = fit_columns(v->c->cols, &name_width);
	if (v->at.head)
		put_heads(v, v->at.head, name_width, shown, node);
	first = used > (size_t)rows ? min((size_t)v->l->scroll, used - (size_t)rows) : 0;
	for (row = 0; row < rows && first + (size_t)row < used; row++)
		put_row(v, v->at.body + row, name_width, shown, list[first + (size_t)row], node,
			all_ns);
}
