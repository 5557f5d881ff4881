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
 * What each cgroup with a label of its own paid, and last what all others did:
 * the first that were seen keep their labels, or the rest could fall. A group
 * that was removed and one that has its path now are one series. *folded: how
 * many are in the last. The rows are valid until the next call.
 */
const struct payer *body__cgroups(struct body *b, const struct snapshot *s, size_t *nr,
				  uint64_t *folded);
const struct exposition_options *body__options(const struct body *b);

/* How far the numbers can be trusted, and what they cost: the end of every body. */
void exposition__trust(struct body *b, const struct snapshot *s,
		       const struct exposition_process *p);

/* Everything, in a fixed order. p may be NULL. */
void exposition__families(struct body *b, const struct snapshot *s,
			  const struct exposition_process *p);

/* --- To write families with. */

#define FAMILY(var, type, unit, name, help)                                                        \
	static const struct family var = {name, help, unit, type}

#define NO_LABELS (&(const struct labels){0})

static inline struct labels labels1(const char *name, const char *value)
{
	return (struct labels){.nr = 1, .label = {{name, value}}};
}

static inline void opt_counter(struct body *b, const struct family *f, const struct opt_u64 *v)
{
	if (!v->known)
		return;
	body__family(b, f);
	body__counter(b, NO_LABELS, v->value);
}

static inline void opt_gauge(struct body *b, const struct family *f, const struct opt_u64 *v)
{
	if (!v->known)
		return;
	body__family(b, f);
	body__gauge(b, NO_LABELS, v->value);
}

#endif /* USER_EXPOSITION_INTERNAL_H */
