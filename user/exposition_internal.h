/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_EXPOSITION_INTERNAL_H
#define USER_EXPOSITION_INTERNAL_H

/* What exposition.c (how) and exposition_families.c (what) share. */

#include "exposition_writer.h"

/* One body being made. */
struct body {
	struct exposition *e;
	struct writer *w;
	const struct family *family;
	bool begun; /* metadata is written with the first sample */
	bool dry;   /* samples are only counted, and nothing is remembered */
};

extern const struct hist_scheme exposition_durations, exposition_spans, exposition_pages;

/* All samples between this and the next call are of this family. */
void body__family(struct body *b, const struct family *f);
void body__counter(struct body *b, const struct labels *l, uint64_t value);
void body__counter_ns(struct body *b, const struct labels *l, uint64_t ns);
void body__gauge(struct body *b, const struct labels *l, uint64_t value);
void body__gauge_double(struct body *b, const struct labels *l, double value);
void body__info(struct body *b, const struct labels *l);
/* bucket: nr counts, not cumulated. max may be NULL. */
void body__histogram(struct body *b, const struct labels *l, const struct hist_scheme *scheme,
		     const uint64_t *bucket, size_t nr, struct value sum,
		     const struct hist_max *max);

/*
 * Is this cgroup one of those with a label of its own? The first that were
 * seen keep theirs, or the rest could fall.
 */
bool body__owns_label(struct body *b, uint64_t cgroup);
const struct exposition_options *body__options(const struct body *b);

/* Everything, in a fixed order. p may be NULL. */
void exposition__families(struct body *b, const struct snapshot *s,
			  const struct exposition_process *p);

#endif /* USER_EXPOSITION_INTERNAL_H */
