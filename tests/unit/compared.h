/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_COMPARED_H
#define TESTS_COMPARED_H

/*
 * Recordings of which is known what differs: intervals of clears of two orders
 * with gaps and resched delays, whose level follows a first-order
 * autoregression, seeded.
 */

#include <math.h>

#include "diff.h"
#include "recorded.h"

struct made {
	uint64_t seed;
	double rho;	     /* of the levels of neighbouring intervals */
	double level[3];     /* the state of the autoregressions, in standard deviations */
	double run_level;    /* of the whole run, as a logarithm */
	double slower;	     /* all times are longer by this factor */
	unsigned int events; /* an interval and series, on average */
	uint64_t time_ns;
	uint64_t bound[ZS_BOUNDS];
};

static const struct machine made_machine = {
	.release = "6.12.94+deb12-cloud-amd64",
	.version = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.94-1~bpo12+1",
	.arch = "x86_64",
	.host = "vm",
	.page_size = 4096,
	.pmd_order = 9,
	.cpus = 2,
	.nodes = 1,
	.preempt_model = PREEMPT_VOLUNTARY,
	.preempt_source = "/sys/kernel/debug/sched/preempt",
	.init_on_alloc = 0,
	.huge_zero = HUGE_ZERO_REFCOUNTED,
};

static inline double made_normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - random_unit(state))) * cos(2 * M_PI * random_unit(state));
}

static inline void made_init(struct made *m, uint64_t seed, double rho)
{
	memset(m, 0, sizeof(*m));
	m->seed = seed * 1000003;
	m->rho = rho;
	m->slower = 1;
	m->events = 25;
	m->time_ns = 1795259432042000000;
	for (unsigned int i = 0; i < ZS_BOUNDS; i++)
		m->bound[i] = hist__bound_ns(i);
	for (size_t i = 0; i < ARRAY_SIZE(m->level); i++)
		m->level[i] = made_normal(&m->seed);
}

static inline void made_hit(struct made *m, struct hist *h, uint64_t ns)
{
	unsigned int low = 0, high = ZS_BOUNDS;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (ns <= m->bound[mid])
			high = mid;
		else
			low = mid + 1;
	}
	h->bucket[low]++;
	h->count++;
	h->sum_ns += ns;
}

/* One in fifty takes five times as long. */
static inline void made_hist(struct made *m, size_t series, double typical_ns, struct hist *h)
{
	uint64_t n = m->events * 3 / 4 + random_below(&m->seed, m->events / 2 + 1);
	double level;

	m->level[series] =
		m->rho * m->level[series] + sqrt(1 - m->rho * m->rho) * made_normal(&m->seed);
	level = typical_ns * m->slower * exp(0.1 * m->level[series] + m->run_level);
	while (n--)
		made_hit(m, h,
			 (uint64_t)(level * (1 + 0.6 * random_unit(&m->seed)) *
				    (random_below(&m->seed, 50) ? 1 : 5)));
}

static inline struct snapshot *made_interval(struct made *m)
{
	static const int orders[] = {9, 4};
	struct snapshot *s = snapshot__new(&made_machine);

	m->time_ns += NSEC_PER_SEC;
	s->time_ns = m->time_ns;
	s->mono_ns = m->time_ns - 1795259000000000000;
	s->interval_ns = NSEC_PER_SEC;
	s->nr_clears = 2;
	s->clears = calloc(2, sizeof(*s->clears));
	for (size_t i = 0; i < 2; i++) {
		struct clear_series *c = &s->clears[i];

		c->order = orders[i];
		c->kind = i ? ZS_KIND_MTHP : ZS_KIND_THP;
		made_hist(m, i, i ? 7e3 : 2e5, &c->wall);
		c->count = c->wall.count;
		c->bytes = c->count * 4096 << c->order;
		s->clears_total += c->count;
	}
	s->gaps = calloc(1, sizeof(*s->gaps));
	s->gaps->nr_sums = 1;
	s->gaps->sums = calloc(1, sizeof(*s->gaps->sums));
	s->gaps->sums[0].order = 9;
	s->gaps->sums[0].count = random_below(&m->seed, 5);
	s->gaps->sums[0].sum_ns = s->gaps->sums[0].count * 20000;
	s->resched = calloc(1, sizeof(*s->resched));
	snprintf(s->resched->source, sizeof(s->resched->source), "resched_curr");
	made_hist(m, 2, 3e4, &s->resched->now);
	s->nr_probes = 1;
	s->probes = calloc(1, sizeof(*s->probes));
	snprintf(s->probes->name, sizeof(s->probes->name), "folio_zero_user");
	snprintf(s->probes->tier, sizeof(s->probes->tier), "fentry");
	s->probes->attached = true;
	s->nr_coverage = 1;
	s->coverage = calloc(1, sizeof(*s->coverage));
	snprintf(s->coverage->what, sizeof(s->coverage->what), "thp");
	s->coverage->kernel = (struct opt_u64){true, s->clears[0].count};
	s->coverage->seen = s->coverage->kernel;
	return s;
}

#endif /* TESTS_COMPARED_H */
