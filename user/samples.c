// SPDX-License-Identifier: GPL-2.0-only
#include "samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Room for one more of *nr elements, in steps that double. 0 or -ENOMEM. */
static int reserve(void *array, size_t *size, size_t nr, size_t element)
{
	void **p = array, *larger;
	size_t wanted = max(*size, (size_t)16);

	if (nr <= *size)
		return 0;
	while (wanted < nr)
		wanted *= 2;
	larger = realloc(*p, wanted * element);
	if (!larger)
		return -ENOMEM;
	*p = larger;
	*size = wanted;
	return 0;
}

void samples__free(struct samples *s)
{
	size_t i;

	for (i = 0; i < s->nr_series; i++) {
		free(s->series[i].slot);
		free(s->series[i].cell);
	}
	free(s->series);
	free(s->run);
	snapshot__free(&s->total);
	memset(s, 0, sizeof(*s));
}

static bool same_key(const struct sample_key *a, const struct sample_key *b)
{
	return a->metric == b->metric && a->order == b->order && a->part == b->part;
}

const struct sample_series *samples__find(const struct samples *s, const struct sample_key *key)
{
	size_t i;

	for (i = 0; i < s->nr_series; i++)
		if (same_key(&s->series[i].key, key))
			return &s->series[i];
	return NULL;
}

/* --- Slots ------------------------------------------------------------------------------- */

/* Slots up to and with the newest; those in which the series did not occur are empty. */
static int fill_slots(struct sample_series *series, size_t nr)
{
	int err = reserve(&series->slot, &series->size, nr, sizeof(*series->slot));

	if (err)
		return err;
	while (series->nr_slots < nr)
		series->slot[series->nr_slots++] = (struct sample_slot){.cells = series->nr_cells};
	return 0;
}

/* Adds b to a; the cells of b stand right behind those of a. */
static void merge_cells(struct sample_series *series, struct sample_slot *a,
			const struct sample_slot *b)
{
	struct sample_cell *into = series->cell + a->cells, *from = series->cell + b->cells;
	size_t i, j;

	for (i = 0; i < b->nr_cells; i++) {
		for (j = 0; j < a->nr_cells && into[j].bucket != from[i].bucket; j++)
			;
		if (j == a->nr_cells)
			into[a->nr_cells++] = from[i];
		else
			into[j].count += from[i].count;
	}
}

/* new_of[i] is the slot that slot i becomes part of. */
static void merge_series(struct sample_series *series, const size_t *new_of)
{
	size_t i, nr_cells = 0, nr = 0;

	for (i = 0; i < series->nr_slots; i++) {
		struct sample_slot from = series->slot[i], *to = &series->slot[new_of[i]];

		/* Towards the front, so that nothing is overwritten before it was moved. */
		if (from.nr_cells)
			memmove(series->cell + nr_cells, series->cell + from.cells,
				from.nr_cells * sizeof(*series->cell));
		from.cells = nr_cells;
		if (nr && new_of[i] == nr - 1) {
			to->sum += from.sum;
			to->count += from.count;
			merge_cells(series, to, &from);
		} else {
			*to = from;
			nr++;
		}
		nr_cells = to->cells + to->nr_cells;
	}
	series->nr_slots = nr;
	series->nr_cells = nr_cells;
}

/* Puts each two neighbours of one run together. */
static int halve(struct samples *s)
{
	_cleanup_free_ size_t *new_of = calloc(s->nr, sizeof(*new_of));
	size_t i, nr = 0;
	bool odd = false;

	if (!new_of)
		return -ENOMEM;
	for (i = 0; i < s->nr; i++) {
		odd = odd && s->run[i] == s->run[i - 1];
		if (!odd)
			s->run[nr++] = s->run[i];
		new_of[i] = nr - 1;
		odd = !odd;
	}
	for (i = 0; i < s->nr_series; i++)
		merge_series(&s->series[i], new_of);
	s->nr = nr;
	s->merged *= 2;
	s->pending = s->merged;
	return 0;
}

/* Makes the last slot the one of a new interval of that run. */
static int next_slot(struct samples *s, unsigned int run)
{
	int err = 0;

	s->merged = max(s->merged, (size_t)1);
	if (s->nr && s->run[s->nr - 1] == run && s->pending < s->merged) {
		s->pending++;
		return 0;
	}
	/* Where most slots are runs of their own there is nothing to put together. */
	if (s->nr >= SAMPLES_MAX && s->runs * 2 < s->nr)
		err = halve(s);
	if (!err)
		err = reserve(&s->run, &s->size, s->nr + 1, sizeof(*s->run));
	if (err)
		return err;
	s->run[s->nr++] = run;
	s->pending = 1;
	s->runs = run + 1;
	return 0;
}

/* --- One interval ------------------------------------------------------------------------ */

static struct sample_series *get_series(struct samples *s, const struct sample_key *key)
{
	struct sample_series *larger = (struct sample_series *)samples__find(s, key);

	if (larger)
		return larger;
	/* What is damaged in a way that looks whole must not take all memory. */
	if (s->nr_series >= SAMPLES_SERIES_MAX)
		return NULL;
	larger = realloc(s->series, (s->nr_series + 1) * sizeof(*larger));
	if (!larger)
		return NULL;
	s->series = larger;
	larger += s->nr_series++;
	memset(larger, 0, sizeof(*larger));
	larger->key = *key;
	return larger;
}

static int add_hist(struct sample_series *series, struct sample_slot *slot, const struct hist *h)
{
	struct sample_slot added = {.cells = series->nr_cells};
	uint32_t i;

	for (i = 0; i < ZS_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		if (reserve(&series->cell, &series->size_cells, series->nr_cells + 1,
			    sizeof(*series->cell)))
			return -ENOMEM;
		series->cell[series->nr_cells++] = (struct sample_cell){i, h->bucket[i]};
		added.nr_cells++;
	}
	/* It may hold cells already: of another node, or of the interval before. */
	merge_cells(series, slot, &added);
	series->nr_cells = slot->cells + slot->nr_cells;
	series->has_hist = true;
	hist__add(&series->hist, h);
	return 0;
}

/* sum over count of one quantity in this interval; h may be NULL. */
static int add(struct samples *s, struct sample_key key, double sum, double count,
	       const struct hist *h)
{
	struct sample_series *series;
	struct sample_slot *slot;
	int err;

	if (count <= 0)
		return 0;
	series = get_series(s, &key);
	if (!series)
		return -ENOMEM;
	err = fill_slots(series, s->nr);
	if (err)
		return err;
	slot = &series->slot[s->nr - 1];
	if (h && add_hist(series, slot, h))
		return -ENOMEM;
	slot->sum += sum;
	slot->count += count;
	series->sum += sum;
	series->count += count;
	return 0;
}

static int add_durations(struct samples *s, enum metric metric, int order, int part,
			 const struct hist *h)
{
	return add(s, (struct sample_key){metric, order, part}, (double)h->sum_ns * 1e-9,
		   (double)h->count, h);
}

static int add_clears(struct samples *s, const struct snapshot *in)
{
	int err = 0;
	size_t i;

	for (i = 0; i < in->nr_clears && !err; i++) {
		const struct clear_series *c = &in->clears[i];

		s->clears += c->count;
		if (c->other) {
			s->clears_other += c->count;
			continue;
		}
		s->clears_remote += c->numa == ZS_NUMA_REMOTE ? c->count : 0;
		err = add_durations(s, METRIC_CLEAR, c->order, c->kind, &c->wall);
		if (!err && c->has_on_cpu)
			err = add_durations(s, METRIC_ON_CPU, c->order, c->kind, &c->on_cpu);
	}
	return err;
}

/* Clears of an order that were seen to their end, which is when their gaps are known. */
static uint64_t ended(const struct snapshot *in, int order)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < in->nr_clears; i++)
		if (order < 0 || (!in->clears[i].other && in->clears[i].order == order))
			n += in->clears[i].wall.count;
	return n;
}

static uint64_t gaps_of(const struct gaps *g, int order)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < g->nr_sums; i++)
		n += g->sums[i].order == order ? g->sums[i].count : 0;
	return n;
}

static int add_gaps(struct samples *s, const struct snapshot *in)
{
	const struct gaps *g = in->gaps;
	int order, cause, err = 0;

	if (in->gaps_per_clear.known)
		err = add(s, (struct sample_key){METRIC_GAPS_ALL, -1, -1}, (double)in->gaps_counted,
			  (double)ended(in, -1), NULL);
	if (!g)
		return err;
	for (order = 0; order < ZS_ORDERS && !err; order++)
		err = add(s, (struct sample_key){METRIC_GAPS, order, -1}, (double)gaps_of(g, order),
			  (double)ended(in, order), NULL);
	for (cause = 0; cause < ZS_GAP_CAUSES && !err; cause++)
		if (g->has_cause[cause])
			err = add_durations(s, METRIC_GAP, -1, cause, &g->duration[cause]);
	return err;
}

static int add_extents(struct samples *s, const struct duration_series *d)
{
	double ns = (double)d->wall.sum_ns, pages = (double)d->pages.sum;
	int err = add_durations(s, METRIC_EXTENT, d->order, -1, &d->wall);

	if (err || !d->has_pages)
		return err;
	err = add(s, (struct sample_key){METRIC_EXTENT_PAGE, d->order, -1}, ns * 1e-9, pages, NULL);
	if (err)
		return err;
	return add(s, (struct sample_key){METRIC_EXTENT_PAGES, d->order, -1}, pages,
		   (double)d->pages.count, NULL);
}

static int add_orders(struct samples *s, const struct snapshot *in)
{
	int err = 0;
	size_t i;

	for (i = 0; i < in->nr_extents && !err; i++)
		err = add_extents(s, &in->extents[i]);
	for (i = 0; i < in->nr_allocator && !err; i++)
		err = add_durations(s, METRIC_ALLOCATOR, in->allocator[i].order, -1,
				    &in->allocator[i].wall);
	for (i = 0; i < in->nr_faults && !err; i++)
		err = add_durations(s, METRIC_FAULT, in->faults[i].order, -1, &in->faults[i].wall);
	return err;
}

int samples__add(struct samples *s, const struct snapshot *interval, unsigned int run)
{
	int err = next_slot(s, run);

	if (err)
		return err;
	s->intervals++;
	err = add_clears(s, interval);
	if (!err)
		err = add_gaps(s, interval);
	if (!err)
		err = add_orders(s, interval);
	if (!err && interval->resched)
		err = add_durations(s, METRIC_RESCHED, -1, 0, &interval->resched->now);
	if (!err && interval->resched && interval->resched->has_lazy)
		err = add_durations(s, METRIC_RESCHED, -1, 1, &interval->resched->lazy);
	if (err)
		return err;
	if (s->total)
		return snapshot__accumulate(s->total, interval);
	s->total = snapshot__delta(interval, NULL);
	return s->total ? 0 : -ENOMEM;
}

/* Every series has every slot, and knows in how many of them it occurred. */
static int finish(struct samples *s)
{
	size_t i, j;

	for (i = 0; i < s->nr_series; i++) {
		struct sample_series *series = &s->series[i];

		if (fill_slots(series, s->nr))
			return -ENOMEM;
		series->filled = 0;
		for (j = 0; j < s->nr; j++)
			series->filled += series->slot[j].count > 0;
	}
	return 0;
}

/* Machines whose figures should not be in one recording. */
static bool differs(const struct machine *a, const struct machine *b)
{
	return strcmp(a->release, b->release) || strcmp(a->host, b->host) ||
	       a->preempt_model != b->preempt_model || a->init_on_alloc != b->init_on_alloc;
}

static int read_one(struct samples *s, struct recording_reader *r, struct snapshot *in,
		    struct snapshot **before, unsigned int *before_run)
{
	unsigned int run = recording_reader__run(r);
	_cleanup_snapshot_ struct snapshot *interval = NULL;

	if (s->intervals && differs(&s->machine, in->machine))
		s->machine_changed = true;
	s->machine = *in->machine;
	run -= run > 0;
	if (recording_reader__content(r) == RECORDING_INTERVALS)
		return samples__add(s, in, run);
	/* Totals: the first since attach, then the differences. */
	interval = snapshot__delta(in, run == *before_run ? *before : NULL);
	snapshot__free(before);
	*before = in;
	*before_run = run;
	return interval ? samples__add(s, interval, run) : -ENOMEM;
}

int samples__read(struct samples *s, struct recording_reader *r, struct recording_error *err)
{
	_cleanup_snapshot_ struct snapshot *before = NULL;
	unsigned int before_run = 0;
	int ret;

	memset(s, 0, sizeof(*s));
	for (;;) {
		_cleanup_snapshot_ struct snapshot *in = NULL;

		ret = recording_reader__next(r, &in, err);
		if (ret < 0)
			return ret;
		if (!ret)
			break;
		ret = read_one(s, r, in, &before, &before_run);
		if (before == in)
			in = NULL;
		if (ret)
			break;
	}
	if (!ret)
		ret = finish(s);
	if (ret)
		snprintf(
			err->text, sizeof(err->text), "%s",
			s->nr_series < SAMPLES_SERIES_MAX
				? "out of memory"
				: "a recording has more series than can be compared; is it damaged?");
	return ret;
}
