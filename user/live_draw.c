// SPDX-License-Identifier: GPL-2.0-only
#include "live_draw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "interval_json.h"
#include "quantity.h"
#include "util.h"

void live__short_number(char buf[static 16], double v)
{
	static const char *const unit[] = {"", "k", "M", "G", "T", "P", "E"};
	char num[QUANTITY_SIZE];
	size_t i = 0;

	if (v < 99999.5 && v >= 100) {
		snprintf(buf, 16, "%.0f", v);
		return;
	}
	for (; v >= 999.5 && i + 1 < ARRAY_SIZE(unit); i++)
		v /= 1000;
	if (v > 0 && v < 0.01)
		snprintf(num, sizeof(num), "<0.01");
	else
		quantity__number(num, v, v < 1 ? 2 : 3, ROUND_NEAREST, 0);
	/* A whole number needs no ".00". */
	if (!i && v == (double)(int)v)
		snprintf(num, sizeof(num), "%d", (int)v);
	snprintf(buf, 16, "%.11s%s", num, unit[i]);
}

/* --- The layout -------------------------------------------------------------------------- */

/*
 * What there is no room for is left out in this order. In height: the line of
 * keys, the line of probes, who was slowest, the legend, the heads of columns.
 * In width: rates, the heat map, the lower bounds.
 */
#define BODY_MIN   6
#define LABEL_BOTH 14
#define LABEL_ONE  8
#define HEAT_MIN   16
#define HEAT_FROM  66 /* columns */
#define RATE_FROM  76
#define BOTH_FROM  56
#define BAR_MIN	   7
#define BAR_MAX	   40

static void lay_out_rows(struct live_layout *at, int rows)
{
	int *const droppable[] = {&at->keys, &at->probes, &at->slowest, &at->legend, &at->head};
	int left = rows - 9, next = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(droppable); i++)
		*droppable[i] = 1;
	for (i = 0; i < ARRAY_SIZE(droppable) && left < BODY_MIN; i++) {
		*droppable[i] = 0;
		left++;
	}
	at->quantiles = next++;
	if (at->slowest)
		at->slowest = next++;
	at->rates = next++;
	if (at->head)
		at->head = next++;
	at->body = next;
	at->body_rows = left;
	next += left;
	if (at->legend)
		at->legend = next++;
	at->status = next++;
	if (at->probes)
		at->probes = next++;
	if (at->keys)
		at->keys = next++;
}

/* label bar mark count [rate] share [heat], a blank between each two */
static void lay_out_columns(struct live_layout *at, int cols)
{
	int fixed, left;

	at->bounds_both = cols >= BOTH_FROM;
	at->label = at->bounds_both ? LABEL_BOTH : LABEL_ONE;
	fixed = at->label + 1 + 1 + MARK_WIDTH + 1 + COUNT_WIDTH + 1 + SHARE_WIDTH;
	if (cols >= RATE_FROM)
		fixed += 1 + COUNT_WIDTH;
	left = cols - fixed;
	at->bar_width = max(left, BAR_MIN);
	if (cols >= HEAT_FROM) {
		/* A third of it for the bars, up to what they need. */
		at->bar_width = min(max(left / 3, BAR_MIN), BAR_MAX);
		at->heat_width = min(left - at->bar_width - 2, LIVE_COLUMNS);
		at->bar_width = left - at->heat_width - 2;
	}
	at->bar = at->label + 1;
	at->mark = at->bar + at->bar_width + 1;
	at->count = at->mark + MARK_WIDTH + 1;
	at->share = at->count + COUNT_WIDTH + 1;
	if (cols >= RATE_FROM) {
		at->rate = at->share;
		at->share += COUNT_WIDTH + 1;
	}
	if (at->heat_width)
		at->heat = at->share + SHARE_WIDTH + 2;
}

/* --- The lines above the body ------------------------------------------------------------ */

/* "p99 412-430 µs": the interval that is known, never more digits than that. */
static void add_quantile(const struct live_canvas *v, struct text *t, size_t which)
{
	text__add(t, "%s" BOLD "%s" PLAIN " ", t->len ? "  " : "", quantity__quantiles[which].name);
	text__range(&v->p, t, live__quantile(&v->h, quantity__quantiles[which].q),
		    v->h.span ? quantity__span : quantity__time, 3);
}

static void draw_none(struct live_canvas *v)
{
	struct text t = {0};

	if (!v->h.measured)
		return;
	text__add(&t, "no %s in this %s", live__metric_events(v->l->selection.metric),
		  v->l->total ? "time" : "interval");
	cells__put(v->c, v->at.quantiles, 0, v->c->cols, PAINT_DIM, t.buf);
}

static void draw_quantiles(struct live_canvas *v)
{
	/* The first that fits. */
	static const unsigned int sets[] = {0xf, 0xd, 0x5, 0x4};
	size_t i, q;

	if (!v->h.h.count) {
		draw_none(v);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		struct text t = {0};

		for (q = 0; q < QUANTILES; q++)
			if (sets[i] & 1U << q)
				add_quantile(v, &t, q);
		if (cells__width(t.buf) > v->c->cols && i + 1 < ARRAY_SIZE(sets))
			continue;
		cells__put(v->c, v->at.quantiles, 0, v->c->cols, PAINT_PLAIN, t.buf);
		break;
	}
}

static void add_slowest(const struct live_canvas *v, struct text *t)
{
	bool waiter = v->l->selection.metric == LIVE_RESCHED;

	if (v->h.h.max.known) {
		text__add(t, BOLD "max" PLAIN " ");
		text__max(&v->p, t, &v->h.h.max, waiter ? "for" : "by");
		if (v->h.h.max.order >= 0)
			text__add(t, ITEM "order %d", v->h.h.max.order);
	} else if (!v->h.span) {
		text__add(t, BOLD "max" PLAIN " not known");
	}
	text__add(t, ITEM "mean ");
	text__quantity(&v->p, t, v->h.span ? quantity__span : quantity__time,
		       (double)v->h.h.sum_ns * 1e-9 / (double)v->h.h.count, 3);
}

/* The holds that have ended are the short ones: what lasts is told beside them. */
static void add_oldest(const struct live_canvas *v, struct text *t)
{
	const struct huge_zero *z = v->s->huge_zero;

	if (v->l->selection.metric != LIVE_HOLD || !z || !z->oldest_seconds.known)
		return;
	text__add(t, ITEM BOLD "oldest" PLAIN " now %s", z->oldest_at_least ? "at least " : "");
	text__quantity(&v->p, t, quantity__span, z->oldest_seconds.value, 3);
}

static void draw_slowest(struct live_canvas *v)
{
	struct text t = {0};

	if (!v->at.slowest)
		return;
	if (v->h.h.count)
		add_slowest(v, &t);
	add_oldest(v, &t);
	if (v->h.whole && v->h.h.count)
		text__add(&t, ITEM "(not kept apart by %s)",
			  v->l->selection.scope == LIVE_KIND ? "kind" : "order");
	cells__items(v->c, v->at.slowest, 0, v->c->cols, PAINT_PLAIN, t.buf);
}

static void add_refcount(const struct live_canvas *v, struct text *t)
{
	const struct huge_zero *z = v->s->huge_zero;
	enum huge_zero_kind kind = v->s->machine ? v->s->machine->huge_zero : HUGE_ZERO_UNKNOWN;
	bool odd;

	if (kind == HUGE_ZERO_PERSISTENT || kind == HUGE_ZERO_ABSENT) {
		text__add(t, ITEM "zero folio: %s",
			  kind == HUGE_ZERO_PERSISTENT ? "persistent" : "none");
		return;
	}
	if (!z)
		return;
	text__add(t, ITEM "zero folio: ");
	if (!z->refcount.known)
		text__add(t, "refcount not known");
	else
		text__add(t, "refcount %" PRIu64, z->refcount.value);
	if (!z->holders.known)
		return;
	odd = z->refcount.known && z->refcount.value != z->holders.value + 1 &&
	      (z->refcount.value || z->holders.value);
	text__add(t, "%s%s%" PRIu64 " %s%s", odd ? ", but " WARN : ", ", "", z->holders.value,
		  z->holders.value == 1 ? "holder" : "holders", odd ? PLAIN : "");
}

static void add_rate(struct text *t, const struct live_canvas *v, double per_interval,
		     const char *what)
{
	char num[16];

	if (!v->s->interval_ns)
		return;
	live__short_number(num, per_interval * 1e9 / (double)v->s->interval_ns);
	text__add(t, "%s%s" BOLD "%s" PLAIN " %s/s", t->len ? ITEM : "", v->p.atleast, num, what);
}

static void draw_rates(struct live_canvas *v)
{
	const struct snapshot *s = v->s;
	double bytes = 0, gaps = 0;
	char num[QUANTITY_SIZE];
	struct text t = {0};
	size_t i;

	for (i = 0; i < s->nr_clears; i++)
		bytes += (double)s->clears[i].bytes;
	add_rate(&t, v, (double)s->clears_total, "clears");
	if (s->interval_ns) {
		quantity__number(num, bytes / (double)s->interval_ns, 3, ROUND_NEAREST, 0);
		text__add(&t, ITEM "%s%s GB/s", v->p.atleast, num);
	}
	for (i = 0; s->gaps && i < s->gaps->nr_sums; i++)
		gaps += (double)s->gaps->sums[i].count;
	if (s->gaps || s->gaps_per_clear.known)
		add_rate(&t, v, s->gaps ? gaps : (double)s->gaps_counted, "gaps");
	else
		text__add(&t, ITEM "gaps not measured");
	add_refcount(v, &t);
	cells__items(v->c, v->at.rates, 0, v->c->cols, PAINT_PLAIN, t.buf);
}

/* --- The lines below the body ------------------------------------------------------------ */

static void add_coverage(const struct live_canvas *v, struct text *t)
{
	const struct snapshot *s = v->s;
	char name[NAME_SIZE];
	bool compared = false, hole = false;
	size_t i;

	for (i = 0; i < s->nr_coverage; i++) {
		const struct coverage *c = &s->coverage[i];

		compared = compared || (c->kernel.known && c->seen.known);
		if (!interval__is_hole(s, c))
			continue;
		text__add(t, "%s" WARN "%s %" PRIu64 " of %" PRIu64 " not seen" PLAIN,
			  hole ? ITEM : "", page__clean_name(&v->p, name, c->what),
			  c->kernel.value - c->seen.value, c->kernel.value);
		hole = true;
	}
	if (!hole)
		text__add(t, compared ? "coverage: no hole" : "coverage: not known");
}

static void add_loss(const struct live_canvas *v, struct text *t)
{
	const struct loss *l = &v->s->loss;
	const struct opt_u64 *all[] = {&l->recursion, &l->missed, &l->storage_full, &l->unmatched};
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i]->known)
			lost += all[i]->value;
	if (lost)
		text__add(t, ITEM WARN "loss %" PRIu64 ": counts are floors" PLAIN, lost);
	else
		text__add(t, ITEM "loss: none");
	if (l->dropped.known && l->dropped.value)
		text__add(t, ITEM "slow clears dropped: %" PRIu64, l->dropped.value);
}

static void draw_status(struct live_canvas *v)
{
	const struct self_cost *self = &v->s->self;
	struct text t = {0};

	add_coverage(v, &t);
	add_loss(v, &t);
	text__add(&t, ITEM "own cost: ");
	if (self->bpf_seconds.known && v->s->interval_ns) {
		text__percent(&t, self->bpf_seconds.value * 1e9 / (double)v->s->interval_ns);
		text__add(&t, " of a CPU");
	} else {
		text__add(&t, "BPF time not measured");
	}
	if (self->map_bytes) {
		text__add(&t, ", ");
		text__quantity(&v->p, &t, quantity__binary,
			       (double)(self->map_bytes + self->rss_bytes), 3);
	}
	cells__items(v->c, v->at.status, 0, v->c->cols, PAINT_PLAIN, t.buf);
}

/* "9 of 10 probes attached": there is seldom room for all of their names. */
static void add_probe_count(const struct live_canvas *v, struct text *t)
{
	size_t i, attached = 0;

	for (i = 0; i < v->s->nr_probes; i++)
		attached += v->s->probes[i].attached;
	if (v->s->nr_probes)
		text__add(t, "%zu of %zu probes attached" ITEM, attached, v->s->nr_probes);
}

static void draw_probes(struct live_canvas *v)
{
	char name[NAME_SIZE], why[NAME_SIZE];
	struct text t = {0};
	size_t i;

	if (!v->at.probes)
		return;
	add_probe_count(v, &t);
	/* First what is missing. */
	for (i = 0; i < v->s->nr_probes; i++) {
		const struct probe_state *p = &v->s->probes[i];

		page__clean_name(&v->p, name, p->name);
		page__clean_name(&v->p, why, p->reason);
		if (!p->attached)
			text__add(&t, WARN "not attached: %s" PLAIN "%s%s%s" ITEM, name,
				  why[0] ? " (" : "", why, why[0] ? ")" : "");
	}
	for (i = 0; i < v->s->nr_probes; i++) {
		const struct probe_state *p = &v->s->probes[i];

		page__clean_name(&v->p, name, p->name);
		if (p->attached)
			text__add(&t, "%s (%s)" ITEM, name, page__clean_name(&v->p, why, p->tier));
	}
	cells__items(v->c, v->at.probes, 0, v->c->cols, PAINT_DIM, t.buf);
}

static void draw_keys(struct live_canvas *v)
{
	struct live_key_info info;
	struct text t = {0};
	size_t i;

	for (i = 0; live__key_info(v->l, i, &info); i++)
		if (info.brief)
			text__add(&t, BOLD "%.*s" PLAIN " %s" ITEM, (int)strcspn(info.name, " "),
				  info.name, info.brief);
	cells__items(v->c, v->at.keys, 0, v->c->cols, PAINT_DIM, t.buf);
}

/* What has just been said takes the last line, whatever stands there. */
static void draw_message(struct live_canvas *v)
{
	int row = v->c->rows - 1;

	cells__fill(v->c, row, 0, v->c->cols, ' ', PAINT_PLAIN);
	cells__put(v->c, row, 0, v->c->cols, PAINT_WARN, v->l->message);
}

/* --- The body ---------------------------------------------------------------------------- */

/* Sentences, wrapped into the body. */
static void put_words(struct live_canvas *v, enum paint paint, const char *words)
{
	_cleanup_free_ char *buf = NULL;
	struct page p = v->p;
	struct text t = {0};
	size_t len = 0;
	char *line, *save = NULL;
	int row = v->at.body;

	p.width = v->c->cols - 2;
	p.out = open_memstream(&buf, &len);
	if (!p.out)
		return;
	text__add(&t, "%s", words);
	page__paragraph(&p, 0, 0, &t);
	if (fclose(p.out))
		return;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (row >= v->at.body + v->at.body_rows)
			break;
		cells__put(v->c, row++, 1, v->c->cols - 2, paint, line);
	}
}

static void put_not_measured(struct live_canvas *v)
{
	enum live_metric m = v->l->selection.metric;
	const struct probe_state *p;
	char name[NAME_SIZE], why[NAME_SIZE];
	struct text t = {0};
	size_t i;

	text__add(&t, "%s", live__why_not_measured(m));
	for (i = 0; i < v->s->nr_probes; i++) {
		p = &v->s->probes[i];
		if (!p->attached && p->reason[0])
			text__add(&t, " %s is not attached: %s.",
				  page__clean_name(&v->p, name, p->name),
				  page__clean_name(&v->p, why, p->reason));
	}
	put_words(v, PAINT_WARN, t.buf);
}

/* Nothing in the whole time that is shown. */
static void put_waiting(struct live_canvas *v)
{
	bool clears = v->l->selection.metric == LIVE_WALL;
	const struct snapshot *s = v->s;
	char reason[NAME_SIZE];
	struct text t = {0};
	size_t i;

	if (v->l->ended)
		text__add(&t, "No %s.", live__metric_events(v->l->selection.metric));
	else
		text__add(&t, "Waiting for the first %s.",
			  live__metric_event(v->l->selection.metric));
	for (i = 0; clears && i < s->nr_coverage; i++) {
		if (!interval__is_hole(s, &s->coverage[i]))
			continue;
		text__add(&t, " But the kernel counted: %s",
			  page__clean_name(&v->p, reason, s->coverage[i].reason));
		break;
	}
	put_words(v, PAINT_PLAIN, t.buf);
}

static bool anything_visible(const struct live_canvas *v)
{
	int age;

	if (v->h.h.count)
		return true;
	for (age = 0; age < v->at.heat_width; age++) {
		uint64_t bucket[ZS_BUCKETS] = {0};
		size_t i;

		if (!live__column_exists(v->l, (uint64_t)age))
			return false;
		live__column(v->l, (uint64_t)age, bucket);
		for (i = 0; i < ZS_BUCKETS; i++)
			if (bucket[i])
				return true;
	}
	return false;
}

static void draw_body(struct live_canvas *v)
{
	if (v->l->selection.scope >= LIVE_NODES)
		live__draw_table(v);
	else if (!v->h.measured)
		put_not_measured(v);
	else if (!anything_visible(v))
		put_waiting(v);
	else
		live__draw_histogram(v);
}

/* --- The help ---------------------------------------------------------------------------- */

#define KEY_NAME_WIDTH 9

static void draw_help(struct live_canvas *v)
{
	size_t rows = (size_t)v->c->rows - 1, nr = 0, first, i;
	struct live_key_info info;

	while (live__key_info(v->l, nr, &info))
		nr++;
	first = nr > rows ? min((size_t)v->l->scroll, nr - rows) : 0;
	for (i = 0; i < rows && live__key_info(v->l, first + i, &info); i++) {
		int row = 1 + (int)i;

		cells__put(v->c, row, 1, KEY_NAME_WIDTH, PAINT_BOLD, info.name);
		cells__put(v->c, row, 1 + KEY_NAME_WIDTH, v->c->cols - KEY_NAME_WIDTH - 2,
			   PAINT_PLAIN, info.help);
	}
}

/* --- All of it --------------------------------------------------------------------------- */

static void draw_too_small(struct cells *c)
{
	struct text t = {0};

	text__add(&t, "needs %dx%d, has %dx%d", LIVE_MIN_COLS, LIVE_MIN_ROWS, c->cols, c->rows);
	cells__put(c, 0, 0, c->cols, PAINT_WARN, t.buf);
}

void live__draw(const struct live *l, struct cells *c)
{
	struct live_canvas v = {.l = l, .c = c, .s = live__shown(l)};
	int row;

	for (row = 0; row < c->rows; row++)
		cells__fill(c, row, 0, c->cols, ' ', PAINT_PLAIN);
	if (c->rows < LIVE_MIN_ROWS || c->cols < LIVE_MIN_COLS) {
		draw_too_small(c);
		return;
	}
	v.o = (struct plain_options){.ascii = l->ascii};
	v.p = (struct page){.o = &v.o, .s = v.s, .width = c->cols, .atleast = ""};
	if (v.s && v.s->floor)
		v.p.atleast = l->ascii ? ">=" : "≥";
	lay_out_rows(&v.at, c->rows);
	lay_out_columns(&v.at, c->cols);
	if (v.s)
		live__gather(v.s, &l->selection, &v.h);
	live__draw_title(&v);
	if (l->help) {
		draw_help(&v);
		return;
	}
	if (v.s) {
		draw_quantiles(&v);
		draw_slowest(&v);
		draw_rates(&v);
		draw_body(&v);
		draw_status(&v);
		draw_probes(&v);
	} else {
		put_words(&v, PAINT_PLAIN,
			  l->trouble[0] ? l->trouble : "Waiting for the first interval.");
	}
	if (v.at.keys)
		draw_keys(&v);
	if (l->message[0])
		draw_message(&v);
	else if (v.s && l->trouble[0])
		cells__put(c, c->rows - 1, 0, c->cols, PAINT_WARN, l->trouble);
}
