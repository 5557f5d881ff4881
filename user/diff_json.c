// SPDX-License-Identifier: GPL-2.0-only
/*
 * A comparison as one JSON object of "type" "diff":
 *
 *	{"type":"diff","schema":1,
 *	 "a":FILE,"b":FILE,"warnings":[{"what","a","b","why"}],
 *	 "alpha":0.05,"compared":"intervals|runs","rows_tested":N,
 *	 "threshold":0.05,"regressions":N,
 *	 "rows":[{"metric","statistic","order","part","unit",
 *		  "a":VALUE,"b":VALUE,"a_events":N,"b_events":N,"difference":VALUE,
 *		  "ratio":X,"ratio_interval":[lo,hi],"difference_interval":[lo,hi],
 *		  "p":X,"p_family":X,"p_above":X,"verdict":"slower","reason":null,
 *		  "regression":false}],
 *	 "histograms":[{"metric","order","part","buckets":[[upper_bound,a,b],...]}]}
 *
 * VALUE is a number for a mean and the [lo, hi] of a bucket for a quantile.
 */
#include "diff.h"

#include <math.h>
#include <string.h>

#include "util.h"

static void file_field(struct json_writer *w, const char *key, const struct diff_file *f)
{
	const struct samples *s = f->samples;
	const struct machine *m = &s->machine;

	json__begin_object_field(w, key);
	json__string_field(w, "file", f->name);
	json__u64_field(w, "intervals", s->intervals);
	json__u64_field(w, "runs", s->runs);
	json__seconds_field(w, "seconds", s->total->interval_ns);
	json__u64_field(w, "clears", s->clears);
	json__bool_field(w, "floor", s->total->floor);
	json__string_field(w, "host", m->host);
	json__string_field(w, "release", m->release);
	json__string_field(w, "version", m->version);
	json__string_field(w, "arch", m->arch);
	json__string_field(w, "preempt_model", preempt_model__name(m->preempt_model));
	json__string_field(w, "ends_early", f->ends_early);
	json__end_object(w);
}

static void warnings_field(struct json_writer *w, const struct diff *d)
{
	size_t i;

	json__begin_array_field(w, "warnings");
	for (i = 0; i < d->nr_warnings; i++) {
		json__begin_object(w);
		json__string_field(w, "what", d->warning[i].what);
		json__string_field(w, "a", d->warning[i].a);
		json__string_field(w, "b", d->warning[i].b);
		json__string_field(w, "why", d->warning[i].why);
		json__end_object(w);
	}
	json__end_array(w);
}

static void key_fields(struct json_writer *w, const struct sample_key *key)
{
	json__string_field(w, "metric", metric__name(key->metric));
	if (key->order >= 0)
		json__i64_field(w, "order", key->order);
	else
		json__null_field(w, "order");
	json__string_field(w, "part", metric__part(key));
}

static void range(struct json_writer *w, const char *key, double lo, double hi)
{
	json__begin_array_field(w, key);
	json__double(w, lo);
	json__double(w, hi);
	json__end_array(w);
}

static void side_fields(struct json_writer *w, const struct diff_row *row,
			const struct diff_side *side, const char *key, const char *events)
{
	if (!side->measured) {
		json__null_field(w, key);
		json__null_field(w, events);
		return;
	}
	if (row->statistic == STATISTIC_MEAN)
		json__double_field(w, key, side->value);
	else
		range(w, key, side->range.lo, side->range.hi);
	json__double_field(w, events, side->events);
}

static void difference_field(struct json_writer *w, const struct diff_row *row)
{
	if (!row->a.measured || !row->b.measured)
		json__null_field(w, "difference");
	else if (row->statistic == STATISTIC_MEAN)
		json__double_field(w, "difference", row->b.value - row->a.value);
	else
		range(w, "difference", row->b.range.lo - row->a.range.hi,
		      row->b.range.hi - row->a.range.lo);
}

static void test_fields(struct json_writer *w, const struct diff_row *row)
{
	bool tested = row->verdict != VERDICT_UNTESTED;

	json__double_field(w, "ratio", tested && row->has_ratio ? row->ratio : NAN);
	if (tested && row->has_ratio)
		range(w, "ratio_interval", row->interval.lo, row->interval.hi);
	else
		json__null_field(w, "ratio_interval");
	if (tested && !row->has_ratio)
		range(w, "difference_interval", row->interval.lo, row->interval.hi);
	else
		json__null_field(w, "difference_interval");
	json__double_field(w, "p", tested ? row->p : NAN);
	json__double_field(w, "p_family", tested ? row->p_family : NAN);
	json__double_field(w, "p_above", row->gated ? row->p_above_family : NAN);
	json__string_field(w, "verdict", diff__verdict(row));
	json__string_field(w, "reason", row->reason);
	json__bool_field(w, "regression", row->regression);
}

static void rows_field(struct json_writer *w, const struct diff *d)
{
	size_t i;

	json__begin_array_field(w, "rows");
	for (i = 0; i < d->nr_rows; i++) {
		const struct diff_row *row = &d->row[i];

		json__begin_object(w);
		key_fields(w, &row->key);
		json__string_field(w, "statistic", statistic__name(row->statistic));
		json__string_field(w, "unit",
				   metric__is_time(row->key.metric)	    ? "seconds"
				   : row->key.metric == METRIC_EXTENT_PAGES ? "pages"
									    : "gaps");
		side_fields(w, row, &row->a, "a", "a_events");
		side_fields(w, row, &row->b, "b", "b_events");
		difference_field(w, row);
		test_fields(w, row);
		json__end_object(w);
	}
	json__end_array(w);
}

static void histogram(struct json_writer *w, const struct sample_series *a,
		      const struct sample_series *b)
{
	unsigned int i;

	json__begin_object(w);
	key_fields(w, &a->key);
	json__begin_array_field(w, "buckets");
	for (i = 0; i < ZS_BUCKETS; i++) {
		uint64_t of_b = b ? b->hist.bucket[i] : 0;

		if (!a->hist.bucket[i] && !of_b)
			continue;
		json__begin_array(w);
		json__double(w, hist__bound_seconds(i));
		json__u64(w, a->hist.bucket[i]);
		json__u64(w, of_b);
		json__end_array(w);
	}
	json__end_array(w);
	json__end_object(w);
}

static void histograms_field(struct json_writer *w, const struct samples *a,
			     const struct samples *b)
{
	size_t i;

	json__begin_array_field(w, "histograms");
	for (i = 0; i < a->nr_series; i++)
		if (a->series[i].has_hist && samples__find(b, &a->series[i].key))
			histogram(w, &a->series[i], samples__find(b, &a->series[i].key));
	json__end_array(w);
}

void diff__json(struct json_writer *w, const struct diff *d, const struct diff_file *a,
		const struct diff_file *b)
{
	json__begin_object(w);
	json__string_field(w, "type", "diff");
	json__u64_field(w, "schema", 1);
	file_field(w, "a", a);
	file_field(w, "b", b);
	warnings_field(w, d);
	json__double_field(w, "alpha", DIFF_ALPHA);
	json__string_field(w, "compared", d->by_runs ? "runs" : "intervals");
	json__u64_field(w, "rows_tested", d->nr_tested);
	json__double_field(w, "threshold", d->has_threshold ? d->threshold : NAN);
	if (d->has_threshold)
		json__u64_field(w, "regressions", d->regressions);
	else
		json__null_field(w, "regressions");
	rows_field(w, d);
	histograms_field(w, a->samples, b->samples);
	json__end_object(w);
}
