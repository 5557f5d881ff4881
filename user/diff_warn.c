// SPDX-License-Identifier: GPL-2.0-only
/* What differs between two recordings besides what is compared. */
#include "diff.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Both recordings, and where the warnings go. */
struct pair {
	struct diff *d;
	const struct samples *a, *b;
	int err;
};

static struct diff_warning *warn(struct pair *p, const char *what, const char *why)
{
	static struct diff_warning nowhere;
	struct diff_warning *w;

	w = realloc(p->d->warning, (p->d->nr_warnings + 1) * sizeof(*w));
	if (!w) {
		p->err = -ENOMEM;
		return &nowhere;
	}
	p->d->warning = w;
	w += p->d->nr_warnings++;
	memset(w, 0, sizeof(*w));
	snprintf(w->what, sizeof(w->what), "%s", what);
	w->why = why;
	return w;
}

static void warn_texts(struct pair *p, const char *what, const char *a, const char *b,
		       const char *why)
{
	struct diff_warning *w;

	if (!strcmp(a, b))
		return;
	w = warn(p, what, why);
	snprintf(w->a, sizeof(w->a), "%s", a[0] ? a : "none");
	snprintf(w->b, sizeof(w->b), "%s", b[0] ? b : "none");
}

static void warn_numbers(struct pair *p, const char *what, uint64_t a, uint64_t b, const char *why)
{
	char text[2][24];

	snprintf(text[0], sizeof(text[0]), "%" PRIu64, a);
	snprintf(text[1], sizeof(text[1]), "%" PRIu64, b);
	warn_texts(p, what, text[0], text[1], why);
}

#define OTHER_MACHINE "what the machines differ in is in every ratio"
#define OTHER_KERNEL  "this may be what is to be compared; if not, it is in every ratio"

static const char *init_on_alloc(const struct machine *m)
{
	return m->init_on_alloc < 0 ? "unknown" : m->init_on_alloc ? "on" : "off";
}

static const char *huge_zero(const struct machine *m)
{
	const char *name = huge_zero__name(m->huge_zero);

	return name ? name : "unknown";
}

static void warn_machine(struct pair *p)
{
	const struct machine *a = &p->a->machine, *b = &p->b->machine;

	warn_texts(p, "machine", a->host, b->host, OTHER_MACHINE);
	warn_texts(p, "architecture", a->arch, b->arch, OTHER_MACHINE);
	warn_numbers(p, "page size", a->page_size, b->page_size,
		     "an order stands for another size");
	warn_numbers(p, "processors", (uint64_t)max(a->cpus, 0), (uint64_t)max(b->cpus, 0),
		     OTHER_MACHINE);
	warn_numbers(p, "nodes", (uint64_t)max(a->nodes, 0), (uint64_t)max(b->nodes, 0),
		     OTHER_MACHINE);
	warn_texts(p, "kernel", a->release, b->release, OTHER_KERNEL);
	if (!strcmp(a->release, b->release))
		warn_texts(p, "kernel build", a->version, b->version, OTHER_KERNEL);
	warn_texts(p, "preemption model", preempt_model__name(a->preempt_model),
		   preempt_model__name(b->preempt_model), "gaps and resched delays follow from it");
	warn_texts(p, "init_on_alloc", init_on_alloc(a), init_on_alloc(b),
		   "it moves clearing between the fault and the allocator");
	warn_texts(p, "huge zero folio", huge_zero(a), huge_zero(b),
		   "only one of them can give it back");
	if (p->a->machine_changed || p->b->machine_changed) {
		struct diff_warning *w =
			warn(p, "recording", "a recording is of several kernels or settings");

		snprintf(w->a, sizeof(w->a), "%s", p->a->machine_changed ? "mixed" : "one");
		snprintf(w->b, sizeof(w->b), "%s", p->b->machine_changed ? "mixed" : "one");
	}
}

static void filters_text(char *buf, size_t size, const struct filters *f)
{
	snprintf(buf, size, "%s%s%s%.*s%s%s", f->pids[0] ? " pid " : "", f->pids,
		 f->comm[0] ? " comm " : "", ZS_COMM_LEN, f->comm, f->cgroup[0] ? " cgroup " : "",
		 f->cgroup);
	if (f->min_order)
		snprintf(buf + strlen(buf), size - strlen(buf), " order %d and up", f->min_order);
	memmove(buf, buf + (buf[0] == ' '), strlen(buf) + (buf[0] != ' '));
}

static void warn_filters(struct pair *p)
{
	char a[512], b[512];

	filters_text(a, sizeof(a), &p->a->total->filters);
	filters_text(b, sizeof(b), &p->b->total->filters);
	warn_texts(p, "filters", a, b, "the clears are not of the same tasks");
}

static const struct probe_state *find_probe(const struct snapshot *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr_probes; i++)
		if (!strcmp(s->probes[i].name, name))
			return &s->probes[i];
	return NULL;
}

/* Names differ between kernels, so that a probe that only one has is no difference. */
static void warn_probes(struct pair *p)
{
	size_t i;

	for (i = 0; i < p->a->total->nr_probes; i++) {
		const struct probe_state *a = &p->a->total->probes[i];
		const struct probe_state *b = find_probe(p->b->total, a->name);
		char what[64];

		if (!b)
			continue;
		snprintf(what, sizeof(what), "probe %s", a->name);
		warn_texts(p, what, a->attached ? a->tier : "not attached",
			   b->attached ? b->tier : "not attached",
			   "each way to attach has a cost of its own, which is in the times");
	}
}

/* The share that was seen, in percent; false where the kernel does not count it or had none. */
static bool seen_share(const struct coverage *c, int cpus, double *percent)
{
	uint64_t flight = cpus > 0 ? (uint64_t)cpus : 1;

	if (!c->kernel.known || !c->seen.known || !c->kernel.value)
		return false;
	*percent = 100 * (double)c->seen.value / (double)c->kernel.value;
	/* What was under way at either end is no hole. */
	if (c->kernel.value <= c->seen.value + flight && c->seen.value <= c->kernel.value + flight)
		*percent = 100;
	return true;
}

static void warn_coverage(struct pair *p)
{
	const struct snapshot *a = p->a->total, *b = p->b->total;
	size_t i, j;

	for (i = 0; i < a->nr_coverage; i++) {
		double share_a, share_b;

		for (j = 0; j < b->nr_coverage; j++) {
			char what[64], text[2][32];

			if (strcmp(a->coverage[i].what, b->coverage[j].what) ||
			    !seen_share(&a->coverage[i], p->a->machine.cpus, &share_a) ||
			    !seen_share(&b->coverage[j], p->b->machine.cpus, &share_b) ||
			    fabs(share_a - share_b) < 1)
				continue;
			snprintf(what, sizeof(what), "coverage of %s", a->coverage[i].what);
			snprintf(text[0], sizeof(text[0]), "%.0f %%", share_a);
			snprintf(text[1], sizeof(text[1]), "%.0f %%", share_b);
			warn_texts(p, what, text[0], text[1],
				   "what was not seen may be what differs");
		}
	}
}

static uint64_t lost(const struct snapshot *s)
{
	const struct opt_u64 *all[] = {&s->loss.recursion, &s->loss.missed, &s->loss.storage_full,
				       &s->loss.unmatched};
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		n += all[i]->known ? all[i]->value : 0;
	return n;
}

static void warn_loss(struct pair *p)
{
	const struct samples *const side[] = {p->a, p->b};
	struct diff_warning *w;
	size_t i;

	if (!p->a->total->floor && !p->b->total->floor)
		return;
	w = warn(p, "loss", "what was lost may not have been like the rest");
	for (i = 0; i < 2; i++) {
		char *to = i ? w->b : w->a;

		if (side[i]->total->floor)
			snprintf(to, sizeof(w->a), "%" PRIu64 " events", lost(side[i]->total));
		else
			snprintf(to, sizeof(w->a), "none");
	}
}

static double share(uint64_t part, uint64_t all)
{
	return all ? 100 * (double)part / (double)all : 0;
}

static void warn_mix(struct pair *p)
{
	double a = share(p->a->clears_remote, p->a->clears);
	double b = share(p->b->clears_remote, p->b->clears);
	struct diff_warning *w;

	if (fabs(a - b) >= 2) {
		w = warn(p, "clears of remote memory",
			 "they are slower than those of local memory");
		snprintf(w->a, sizeof(w->a), "%.0f %%", a);
		snprintf(w->b, sizeof(w->b), "%.0f %%", b);
	}
	if (p->a->clears_other || p->b->clears_other) {
		w = warn(p, "clears without a histogram", "no row holds them");
		snprintf(w->a, sizeof(w->a), "%" PRIu64, p->a->clears_other);
		snprintf(w->b, sizeof(w->b), "%" PRIu64, p->b->clears_other);
	}
}

int diff__warn(struct diff *d, const struct samples *a, const struct samples *b)
{
	struct pair p = {d, a, b, 0};

	if (!a->total || !b->total)
		return 0;
	warn_machine(&p);
	warn_filters(&p);
	warn_probes(&p);
	warn_coverage(&p);
	warn_loss(&p);
	warn_mix(&p);
	return p.err;
}
