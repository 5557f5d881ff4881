// SPDX-License-Identifier: GPL-2.0-only
/* How far the numbers of a body can be trusted, and what they cost. */
#include "exposition_internal.h"
#include "util.h"

static void coverage(struct body *b, const struct snapshot *s)
{
	FAMILY(by_kernel, FAMILY_COUNTER, NULL, "zeroscope_coverage_kernel_folios",
	       "Folios that the kernel's own counters say were handed out");
	FAMILY(seen, FAMILY_COUNTER, NULL, "zeroscope_coverage_seen_folios",
	       "Of these, those whose clearing was seen, before filters");
	size_t i;

	body__family(b, &by_kernel);
	for (i = 0; i < s->nr_coverage; i++) {
		struct labels l = labels1("what", s->coverage[i].what);

		if (s->coverage[i].kernel.known)
			body__counter(b, &l, s->coverage[i].kernel.value);
	}
	body__family(b, &seen);
	for (i = 0; i < s->nr_coverage; i++) {
		struct labels l = labels1("what", s->coverage[i].what);

		if (s->coverage[i].seen.known)
			body__counter(b, &l, s->coverage[i].seen.value);
	}
}

static void loss(struct body *b, const struct loss *loss)
{
	FAMILY(lost, FAMILY_COUNTER, NULL, "zeroscope_lost_events",
	       "Events that were missed: where any is lost, all counts are lower bounds");
	const struct {
		const char *cause;
		const struct opt_u64 *v;
	} rows[] = {
		{"recursion", &loss->recursion},       {"missed", &loss->missed},
		{"storage_full", &loss->storage_full}, {"unmatched", &loss->unmatched},
		{"dropped", &loss->dropped},
	};
	size_t i;

	body__family(b, &lost);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct labels l = labels1("cause", rows[i].cause);

		if (rows[i].v->known)
			body__counter(b, &l, rows[i].v->value);
	}
}

static void run_time(struct body *b, const struct self_cost *self,
		     const struct exposition_process *p)
{
	FAMILY(run, FAMILY_COUNTER, "seconds", "zeroscope_bpf_run_seconds",
	       "Run time of the BPF programs, of the times in which it is measured");
	FAMILY(measured, FAMILY_COUNTER, "seconds", "zeroscope_bpf_measured_seconds",
	       "Time in which the run time of the BPF programs was measured");
	bool sampled = p && p->bpf_run_ns.known;

	if (!sampled && !self->bpf_seconds.known)
		return;
	body__family(b, &run);
	body__counter_ns(b, NO_LABELS,
			 sampled ? p->bpf_run_ns.value : (uint64_t)(self->bpf_seconds.value * 1e9));
	if (!sampled)
		return;
	body__family(b, &measured);
	body__counter_ns(b, NO_LABELS, p->bpf_measured_ns.value);
}

static void cost(struct body *b, const struct snapshot *s, const struct exposition_process *p)
{
	FAMILY(maps, FAMILY_GAUGE, "bytes", "zeroscope_bpf_map_bytes", "Memory of the BPF maps");
	FAMILY(since, FAMILY_COUNTER, "seconds", "zeroscope_measured_seconds",
	       "How long everything has been attached");

	body__family(b, &since);
	body__counter_ns(b, NO_LABELS, s->interval_ns);
	run_time(b, &s->self, p);
	if (s->self.map_bytes) {
		body__family(b, &maps);
		body__gauge(b, NO_LABELS, s->self.map_bytes);
	}
}

static void process(struct body *b, const struct exposition_process *p)
{
	FAMILY(cpu, FAMILY_COUNTER, "seconds", "process_cpu_seconds",
	       "CPU time of this process, user and system");
	FAMILY(resident, FAMILY_GAUGE, "bytes", "process_resident_memory_bytes",
	       "Resident memory of this process");
	FAMILY(virtual, FAMILY_GAUGE, "bytes", "process_virtual_memory_bytes",
	       "Virtual memory of this process");
	FAMILY(fds, FAMILY_GAUGE, NULL, "process_open_fds", "Open descriptors of this process");
	FAMILY(max_fds, FAMILY_GAUGE, NULL, "process_max_fds",
	       "How many descriptors this process may open");
	FAMILY(start, FAMILY_GAUGE, "seconds", "process_start_time_seconds",
	       "When this process was started");
	FAMILY(scrape, FAMILY_GAUGE, "seconds", "zeroscope_scrape_duration_seconds",
	       "Time to read the counters and to write this, up to here");

	if (!p)
		return;
	if (p->cpu_ns.known) {
		body__family(b, &cpu);
		body__counter_ns(b, NO_LABELS, p->cpu_ns.value);
	}
	opt_gauge(b, &resident, &p->resident_bytes);
	opt_gauge(b, &virtual, &p->virtual_bytes);
	opt_gauge(b, &fds, &p->open_fds);
	opt_gauge(b, &max_fds, &p->max_fds);
	if (p->start_ns.known) {
		body__family(b, &start);
		body__gauge_double(b, NO_LABELS, (double)p->start_ns.value / 1e9);
	}
	if (p->scrape_begin_ns) {
		body__family(b, &scrape);
		body__gauge_double(b, NO_LABELS,
				   (double)(util__monotonic_ns() - p->scrape_begin_ns) / 1e9);
	}
}

void exposition__trust(struct body *b, const struct snapshot *s, const struct exposition_process *p)
{
	coverage(b, s);
	loss(b, &s->loss);
	cost(b, s, p);
	process(b, p);
}
