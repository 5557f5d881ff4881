// SPDX-License-Identifier: GPL-2.0-only
/* The stream of slow clears, when --slower-than asks for it. See bpf/slow.bpf.h. */
#include <errno.h>
#include <string.h>

#include "collector_parts.h"
#include "log.h"
#include "util.h"

static int choose(struct collector *c)
{
	c->skel->rodata->slower_than_ns = c->opt->slower_than_ns;
	return 0;
}

static void fill(struct collector *c, const struct zs_slow *e, struct slow_clear *s)
{
	memset(s, 0, sizeof(*s));
	s->time_ns = e->when_ns + util__realtime_ns() - util__monotonic_ns();
	s->pid = e->tgid;
	s->tid = e->tid;
	memcpy(s->comm, e->comm, sizeof(s->comm));
	s->comm[sizeof(s->comm) - 1] = '\0';
	s->cgroup_id = e->cgroup;
	if (payers__name(c->payers, e->cgroup, s->cgroup))
		s->cgroup[0] = '\0';
	s->order = e->order;
	s->kind = e->kind;
	s->node = e->node;
	s->cpu_start = e->cpu_start;
	s->cpu_end = e->cpu_end;
	s->wall_ns = e->wall_ns;
	s->on_cpu_ns.known = s->gaps.known = e->off_cpu_known;
	s->on_cpu_ns.value = e->wall_ns - min(e->off_cpu_ns, e->wall_ns);
	s->gaps.value = e->gaps;
	if (e->stack_bytes > 0)
		s->nr_stack =
			min((size_t)e->stack_bytes / sizeof(e->stack[0]), (size_t)ZS_STACK_FRAMES);
	memcpy(s->stack, e->stack, s->nr_stack * sizeof(s->stack[0]));
}

static int take(void *arg, void *data, size_t size)
{
	struct collector *c = arg;
	struct slow_clear s;

	if (size < sizeof(struct zs_slow))
		return -EINVAL;
	fill(c, data, &s);
	return c->slow_fn(c->slow_arg, &s);
}

static int attach(struct collector *c)
{
	if (!c->opt->slower_than_ns)
		return 0;
	c->slow = ring_buffer__new(bpf_map__fd(c->skel->maps.slow_clears), take, c, NULL);
	return c->slow ? 0 : err_errno_r(-errno, "the buffer for slow clears could not be mapped");
}

int collector__slow_fd(const struct collector *c)
{
	return c->slow ? ring_buffer__epoll_fd(c->slow) : -1;
}

int collector__fetch_slow(struct collector *c, int (*fn)(void *arg, const struct slow_clear *s),
			  void *arg)
{
	int n;

	if (!c->slow)
		return 0;
	c->slow_fn = fn;
	c->slow_arg = arg;
	n = ring_buffer__consume(c->slow);
	return min(n, 0);
}

static void free_part(struct collector *c)
{
	ring_buffer__free(c->slow);
}

const struct collector_part slow_part = {
	.choose = choose,
	.attach = attach,
	.free = free_part,
};
