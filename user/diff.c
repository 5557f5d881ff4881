// SPDX-License-Identifier: GPL-2.0-only
#include "diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"
#include "util.h"

#define EVENTS_MIN 30 /* for a mean, of what is counted */
#define BEYOND_MIN 20 /* for a quantile, above it */
#define FILLED_MIN 10 /* slots in which anything happened */

#define ON_MEAN (1U << STATISTIC_MEAN)
#define ON_P50	(1U << STATISTIC_P50)
#define ON_P99	(1U << STATISTIC_P99)

static const struct {
	const char *name;
	unsigned int statistics;
	bool time; /* in seconds */
	bool cost; /* a threshold guards it */
	const char *lower, *higher;
} metrics[METRICS] = {
	[METRIC_CLEAR] = {"clear", ON_MEAN | ON_P50 | ON_P99, true, true, "faster", "slower"},
	[METRIC_ON_CPU] = {"on_cpu", ON_MEAN, true, true, "faster", "slower"},
	[METRIC_GAPS] = {"gaps_per_clear", ON_MEAN, false, false, "fewer", "more"},
	[METRIC_GAPS_ALL] = {"gaps_per_clear", ON_MEAN, false, false, "fewer", "more"},
	/* How long a gap is, is up to whoever runs in it. */
	[METRIC_GAP] = {"gap", ON_MEAN | ON_P99, true, false, "shorter", "longer"},
	[METRIC_RESCHED] = {"resched_delay", ON_MEAN | ON_P99, true, true, "faster", "slower"},
	/* A longer extent may have more pages: what it costs is its time a page. */
	[METRIC_EXTENT] = {"extent", ON_MEAN | ON_P99, true, false, "shorter", "longer"},
	[METRIC_EXTENT_PAGE] = {"extent_page", ON_MEAN, true, true, "faster", "slower"},
	[METRIC_EXTENT_PAGES] = {"extent_pages", ON_MEAN, false, false, "fewer", "more"},
	[METRIC_ALLOCATOR] = {"allocator", ON_MEAN | ON_P50 | ON_P99, true, true, "faster",
			      "slower"},
	[METRIC_FAULT] = {"fault", ON_MEAN | ON_P50 | ON_P99, true, true, "faster", "slower"},
};

const char *metric__name(enum metric metric)
{
	return metrics[metric].name;
}

bool metric__is_cost(enum metric metric)
{
	return metrics[metric].cost;
}

bool metric__is_time(enum metric metric)
{
	return metrics[metric].time;
}

const char *statistic__name(enum statistic statistic)
{
	static const char *const names[] = {"mean", "p50", "p99"};

	return names[statistic];
}

static double statistic__q(enum statistic statistic)
{
	return statistic == STATISTIC_P50 ? 0.5 : 0.99;
}

const char *metric__part(const struct sample_key *key)
{
	switch (key->metric) {
	case METRIC_CLEAR:
	case METRIC_ON_CPU:
		return page_kind__name((unsigned int)key->part);
	case METRIC_GAP:
		return gap_cause__name((unsigned int)key->part);
	case METRIC_RESCHED:
		return key->part ? "lazy" : "now";
	default:
		return NULL;
	}
}

const char *diff__verdict(const struct diff_row *row)
{
	switch (row->verdict) {
	case VERDICT_LOWER:
		return metrics[row->key.metric].lower;
	case VERDICT_HIGHER:
		return metrics[row->key.metric].higher;
	case VERDICT_NONE:
		return "no difference shown";
	default:
		return NULL;
	}
}

void diff__free(struct diff *d)
{
	free(d->row);
	free(d->warning);
	memset(d, 0, sizeof(*d));
}

/* --- Estimates of one recording ---------------------------------------------------------- */

/* What all series of a recording share. */
struct side {
	const struct samples *samples;
	struct stats_cosines cosines;
	bool by_runs;
	double *z; /* a residual a slot */
};

static void side_free(struct side *side)
{
	stats__cosines_free(&side->cosines);
	free(side->z);
}

static int side_init(struct side *side, const struct samples *s, bool by_runs)
{
	side->samples = s;
	side->by_runs = by_runs;
	side->z = calloc(max(s->nr, (size_t)1), sizeof(*side->z));
	if (!side->z)
		return -ENOMEM;
	return stats__cosines_init(&side->cosines, s->nr);
}

static struct stats_spread spread_of(const struct side *side, unsigned int cosines)
{
	if (side->by_runs)
		return stats__spread_of_runs(side->z, side->samples->run, side->samples->nr);
	return stats__spread_in_time(&side->cosines, side->z, cosines);
}

/* The mean as it is or, which suits ratios, its logarithm. */
static struct stats_estimate mean_estimate(struct side *side, const struct sample_series *series,
					   bool logarithm)
{
	double mean = series->sum / series->count;
	struct stats_spread spread;
	size_t i;

	for (i = 0; i < series->nr_slots; i++)
		side->z[i] = series->slot[i].sum - mean * series->slot[i].count;
	spread = spread_of(side, stats__cosines(side->z, series->nr_slots));
	return (struct stats_estimate){
		.point = logarithm ? log(mean) : mean,
		.error = sqrt(spread.variance) / series->count / (logarithm ? mean : 1),
		.dof = spread.dof,
	};
}

/* Of which slot how many events a bucket holds; sorted by bucket. */
struct bucket_count {
	uint32_t bucket;
	uint32_t slot;
	uint64_t count;
};

static int by_bucket(const void *a, const void *b)
{
	const struct bucket_count *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

static struct bucket_count *bucket_counts(const struct sample_series *series)
{
	struct bucket_count *all = calloc(max(series->nr_cells, (size_t)1), sizeof(*all));
	size_t i, j, n = 0;

	if (!all)
		return NULL;
	for (i = 0; i < series->nr_slots; i++) {
		const struct sample_slot *slot = &series->slot[i];

		for (j = 0; j < slot->nr_cells; j++)
			all[n++] = (struct bucket_count){series->cell[slot->cells + j].bucket,
							 (uint32_t)i,
							 series->cell[slot->cells + j].count};
	}
	qsort(all, n, sizeof(*all), by_bucket);
	return all;
}

/* Shares up to each bucket of a series, and their standard errors. */
struct shares {
	double share[ZS_BUCKETS], error[ZS_BUCKETS];
	unsigned int dof;
};

/* The residuals of the share up to a bucket: below[i] events of slot i are in or below it. */
static void share_residuals(const struct side *side, const struct sample_series *series,
			    const double *below, double share)
{
	size_t i;

	for (i = 0; i < series->nr_slots; i++)
		side->z[i] = below[i] - share * series->slot[i].count;
}

/*
 * Shares with the errors that suit the quantile q: the number of cosines is
 * decided at its bucket. 0 or -ENOMEM.
 */
static int make_shares(struct shares *s, struct side *side, const struct sample_series *series,
		       double q)
{
	_cleanup_free_ struct bucket_count *all = bucket_counts(series);
	_cleanup_free_ double *below = calloc(max(series->nr_slots, (size_t)1), sizeof(*below));
	size_t i, at, nr = series->nr_cells;
	unsigned int cosines = 0, pass;

	if (!all || !below)
		return -ENOMEM;
	/* The first pass finds the bucket, the second one knows how many cosines. */
	for (pass = 0; pass < 2; pass++) {
		double seen = 0;

		memset(below, 0, series->nr_slots * sizeof(*below));
		for (i = at = 0; i < ZS_BUCKETS; i++) {
			bool more = at < nr && all[at].bucket == i;
			struct stats_spread spread;

			s->error[i] = i && !more ? s->error[i - 1] : 0;
			for (; at < nr && all[at].bucket == i; at++) {
				below[all[at].slot] += (double)all[at].count;
				seen += (double)all[at].count;
			}
			s->share[i] = seen / series->count;
			if (!more)
				continue;
			share_residuals(side, series, below, s->share[i]);
			if (!pass) {
				cosines = stats__cosines(side->z, series->nr_slots);
				if (s->share[i] >= q - 1e-12)
					break;
				continue;
			}
			spread = spread_of(side, cosines);
			s->error[i] = sqrt(spread.variance) / series->count;
			s->dof = spread.dof;
		}
	}
	return 0;
}

/* --- Rows -------------------------------------------------------------------------------- */

/* Why there is too little of it in a recording, or NULL. */
static const char *too_little(const struct side *side, const struct sample_series *series,
			      enum statistic statistic)
{
	if (!side->by_runs && side->samples->nr < DIFF_SLOTS_MIN)
		return "too few intervals";
	if (!side->by_runs && series->filled < FILLED_MIN)
		return "in too few intervals";
	if (statistic == STATISTIC_MEAN)
		return series->count < EVENTS_MIN ? "too few events" : NULL;
	if (series->count * (1 - statistic__q(statistic)) < BEYOND_MIN)
		return "too few events";
	return NULL;
}

static void describe_side(struct diff_side *out, const struct sample_series *series,
			  enum statistic statistic)
{
	out->measured = series != NULL;
	if (!series)
		return;
	out->events = series->count;
	out->value = series->sum / series->count;
	if (statistic != STATISTIC_MEAN)
		out->range = hist__quantile(&series->hist, statistic__q(statistic));
}

/* A bucket's width as a logarithm. */
#define BUCKET_LOG (M_LN2 / ZS_BUCKETS_PER_OCTAVE)

/* scale: what a unit of the estimates is in logarithms of a ratio; 0: they are not logarithms. */
static void judge(struct diff_row *row, const struct stats_estimate *a,
		  const struct stats_estimate *b, double scale, const struct diff *d)
{
	struct stats_interval i = stats__difference(a, b, DIFF_ALPHA / 2);

	row->verdict = VERDICT_NONE;
	row->has_ratio = scale > 0;
	row->ratio = exp((b->point - a->point) * scale);
	row->interval.lo = scale > 0 ? exp(i.lo * scale) : i.lo;
	row->interval.hi = scale > 0 ? exp(i.hi * scale) : i.hi;
	row->p = stats__p_value(a, b, 0);
	row->gated = d->has_threshold && metrics[row->key.metric].cost && scale > 0;
	if (row->gated)
		row->p_above = stats__p_above(a, b, log1p(d->threshold) / scale);
}

static void test_mean(struct diff_row *row, struct side sides[2],
		      const struct sample_series *const series[2], const struct diff *d)
{
	bool logarithm = series[0]->sum > 0 && series[1]->sum > 0;
	struct stats_estimate e[2];
	size_t i;

	/* Gaps: rare in both is too little to compare, none at all in one is not. */
	if (max(series[0]->sum, series[1]->sum) < EVENTS_MIN && !metrics[row->key.metric].time) {
		row->reason = series[0]->sum + series[1]->sum > 0 ? "too few events"
								  : "none in either";
		return;
	}
	for (i = 0; i < 2; i++)
		e[i] = mean_estimate(&sides[i], series[i], logarithm);
	judge(row, &e[0], &e[1], logarithm ? 1 : 0, d);
}

/* 0 or -ENOMEM */
static int test_quantile(struct diff_row *row, struct side sides[2],
			 const struct sample_series *const series[2], const struct diff *d)
{
	_cleanup_free_ struct shares *shares = calloc(2, sizeof(*shares));
	struct stats_estimate e[2] = {{0}};
	size_t i;

	if (!shares)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		double q = statistic__q(row->statistic);
		int err = make_shares(&shares[i], &sides[i], series[i], q);

		if (err)
			return err;
		e[i].share = shares[i].share;
		e[i].share_error = shares[i].error;
		e[i].dof = shares[i].dof;
		e[i].nr_buckets = ZS_BUCKETS;
		e[i].q = q;
		if (!stats__quantile_estimate(&e[i]) || e[i].point < 1 || e[i].point >= ZS_BOUNDS) {
			row->reason = "outside of the buckets";
			return 0;
		}
	}
	judge(row, &e[0], &e[1], BUCKET_LOG, d);
	return 0;
}

static int make_row(struct diff_row *row, struct side sides[2], const struct sample_key *key,
		    enum statistic statistic, const struct diff *d)
{
	const struct sample_series *series[2] = {samples__find(sides[0].samples, key),
						 samples__find(sides[1].samples, key)};

	row->key = *key;
	row->statistic = statistic;
	describe_side(&row->a, series[0], statistic);
	describe_side(&row->b, series[1], statistic);
	if (!series[0] || !series[1]) {
		row->reason = series[0] ? "only in A" : "only in B";
		return 0;
	}
	row->reason = too_little(&sides[0], series[0], statistic);
	if (!row->reason)
		row->reason = too_little(&sides[1], series[1], statistic);
	if (row->reason)
		return 0;
	if (statistic != STATISTIC_MEAN)
		return test_quantile(row, sides, series, d);
	test_mean(row, sides, series, d);
	return 0;
}

static int compare_keys(const void *pa, const void *pb)
{
	const struct sample_key *a = pa, *b = pb;

	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->part != b->part)
		return a->part - b->part;
	return a->order - b->order;
}

/* The keys of both, each once; NULL if memory ran out. */
static struct sample_key *all_keys(const struct samples *a, const struct samples *b, size_t *nr)
{
	struct sample_key *keys = calloc(a->nr_series + b->nr_series + 1, sizeof(*keys));
	size_t i;

	*nr = 0;
	if (!keys)
		return NULL;
	for (i = 0; i < a->nr_series; i++)
		keys[(*nr)++] = a->series[i].key;
	for (i = 0; i < b->nr_series; i++)
		if (!samples__find(a, &b->series[i].key))
			keys[(*nr)++] = b->series[i].key;
	qsort(keys, *nr, sizeof(*keys), compare_keys);
	return keys;
}

static int make_rows(struct diff *d, struct side sides[2])
{
	_cleanup_free_ struct sample_key *keys = NULL;
	size_t nr, i;
	int err;

	keys = all_keys(sides[0].samples, sides[1].samples, &nr);
	d->row = calloc(3 * nr + 1, sizeof(*d->row));
	if (!keys || !d->row)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		enum statistic s;

		for (s = STATISTIC_MEAN; s <= STATISTIC_P99; s++) {
			if (!(metrics[keys[i].metric].statistics & 1U << s))
				continue;
			err = make_row(&d->row[d->nr_rows++], sides, &keys[i], s, d);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Which hypotheses are corrected for their number. */
enum family {
	FAMILY_TESTED, /* "they are the same" */
	FAMILY_GATED,  /* "B is not above the threshold" */
};

static bool takes_part(const struct diff_row *row, enum family family)
{
	return family == FAMILY_GATED ? row->gated : row->verdict != VERDICT_UNTESTED;
}

/* Returns how many there are, or -ENOMEM. */
static ssize_t correct(struct diff *d, enum family family)
{
	_cleanup_free_ double *p = calloc(2 * d->nr_rows + 1, sizeof(*p));
	size_t i, n = 0;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < d->nr_rows; i++)
		if (takes_part(&d->row[i], family))
			p[n++] = family == FAMILY_GATED ? d->row[i].p_above : d->row[i].p;
	if (stats__holm(p, n, p + d->nr_rows))
		return -ENOMEM;
	for (i = 0, n = 0; i < d->nr_rows; i++) {
		if (!takes_part(&d->row[i], family))
			continue;
		if (family == FAMILY_GATED)
			d->row[i].p_above_family = p[d->nr_rows + n++];
		else
			d->row[i].p_family = p[d->nr_rows + n++];
	}
	return (ssize_t)n;
}

static int decide(struct diff *d)
{
	ssize_t tested, gated;
	size_t i;

	tested = correct(d, FAMILY_TESTED);
	gated = correct(d, FAMILY_GATED);
	if (tested < 0 || gated < 0)
		return -ENOMEM;
	d->nr_tested = (size_t)tested;
	d->nr_gated = (size_t)gated;
	for (i = 0; i < d->nr_rows; i++) {
		struct diff_row *row = &d->row[i];
		bool higher = row->has_ratio ? row->ratio > 1 : row->b.value > row->a.value;

		if (takes_part(row, FAMILY_TESTED) && row->p_family <= DIFF_ALPHA)
			row->verdict = higher ? VERDICT_HIGHER : VERDICT_LOWER;
		row->regression = row->gated && row->p_above_family <= DIFF_ALPHA;
		d->regressions += row->regression;
	}
	return 0;
}

int diff__compare(struct diff *d, const struct samples *a, const struct samples *b,
		  double threshold)
{
	struct side sides[2] = {{0}};
	int err;

	memset(d, 0, sizeof(*d));
	d->has_threshold = threshold >= 0;
	d->threshold = threshold;
	d->by_runs = a->runs >= DIFF_RUNS_MIN && b->runs >= DIFF_RUNS_MIN;
	err = side_init(&sides[0], a, d->by_runs);
	if (!err)
		err = side_init(&sides[1], b, d->by_runs);
	if (!err)
		err = make_rows(d, sides);
	side_free(&sides[0]);
	side_free(&sides[1]);
	if (!err)
		err = decide(d);
	if (!err)
		err = diff__warn(d, a, b);
	return err;
}
