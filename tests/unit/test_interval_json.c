// SPDX-License-Identifier: GPL-2.0-only
/*
 * The JSON of an interval, read back by a strict reader of this test's own:
 * field names and their order, null for what is not measured, exact numbers.
 * ZEROSCOPE_UPDATE_GOLDEN=1 writes the golden files anew, see golden.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "interval_json.h"
#include "synthetic.h"
#include "golden.h"

/* ---- a reader of JSON (RFC 8259) that accepts nothing else ---- */

static const char *skip_value(const char *s);

static const char *skip_string(const char *s)
{
	assert_int_equal(*s, '"');
	for (s++; *s != '"'; s++) {
		assert_true((unsigned char)*s >= 0x20);
		if (*s != '\\')
			continue;
		s++;
		if (*s == 'u') {
			int i;

			for (i = 1; i <= 4; i++)
				assert_true(isxdigit((unsigned char)s[i]));
			s += 4;
			continue;
		}
		assert_non_null(memchr("\"\\/bfnrt", *s, 8));
	}
	return s + 1;
}

static const char *skip_digits(const char *s)
{
	assert_true(isdigit((unsigned char)*s));
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

static const char *skip_number(const char *s)
{
	if (*s == '-')
		s++;
	s = *s == '0' ? s + 1 : skip_digits(s);
	if (*s == '.')
		s = skip_digits(s + 1);
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		s = skip_digits(s);
	}
	return s;
}

static const char *skip_list(const char *s, bool object)
{
	char end = object ? '}' : ']';

	s++;
	if (*s == end)
		return s + 1;
	for (;;) {
		if (object) {
			s = skip_string(s);
			assert_int_equal(*s, ':');
			s++;
		}
		s = skip_value(s);
		if (*s == end)
			return s + 1;
		assert_int_equal(*s, ',');
		s++;
	}
}

static const char *skip_value(const char *s)
{
	static const char *const words[] = {"null", "true", "false"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(s, words[i], strlen(words[i])))
			return s + strlen(words[i]);
	if (*s == '{' || *s == '[')
		return skip_list(s, *s == '{');
	if (*s == '"')
		return skip_string(s);
	return skip_number(s);
}

/* The member of an object, or NULL. */
static const char *member(const char *s, const char *key, size_t len)
{
	assert_int_equal(*s, '{');
	s++;
	while (*s != '}') {
		const char *end = skip_string(s);
		bool found = (size_t)(end - s) == len + 2 && !memcmp(s + 1, key, len);

		s = end + 1;
		if (found)
			return s;
		s = skip_value(s);
		if (*s == ',')
			s++;
	}
	return NULL;
}

static const char *element(const char *s, unsigned long i)
{
	assert_int_equal(*s, '[');
	s++;
	while (i--) {
		s = skip_value(s);
		if (*s != ',')
			return NULL;
		s++;
	}
	return *s == ']' ? NULL : s;
}

/* The text of what stands at "clears[0].wall.count"; the caller frees it. NULL: there is none. */
static char *at(const char *json, const char *path)
{
	const char *s = json;

	while (s && *path) {
		if (*path == '[') {
			char *end;

			s = element(s, strtoul(path + 1, &end, 10));
			path = end + 1;
		} else {
			/* A key with a dot in it is quoted: quantiles.'0.5' */
			char end = *path == '\'' ? '\'' : '.';
			size_t len;

			if (*path == '\'')
				path++;
			len = end == '\'' ? strcspn(path, "'") : strcspn(path, ".[");
			s = member(s, path, len);
			path += len + (end == '\'');
		}
		if (*path == '.')
			path++;
	}
	return s ? strndup(s, (size_t)(skip_value(s) - s)) : NULL;
}

static void expect(const char *json, const char *path, const char *value)
{
	_cleanup_free_ char *found = at(json, path);

	if (!found)
		fail_msg("no %s", path);
	if (strcmp(found, value) != 0)
		fail_msg("%s is %s, not %s", path, found, value);
}

static void expect_absent(const char *json, const char *path)
{
	_cleanup_free_ char *found = at(json, path);

	if (found)
		fail_msg("%s is %s", path, found);
}

/* Keys of an object as "a,b,c". */
static void expect_keys(const char *json, const char *path, const char *keys)
{
	_cleanup_free_ char *object = at(json, path);
	char found[1024] = "";
	const char *s;

	assert_non_null(object);
	assert_int_equal(*object, '{');
	s = object + 1;
	while (*s != '}') {
		const char *end = skip_string(s);

		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%.*s",
			 found[0] ? "," : "", (int)(end - s - 2), s + 1);
		s = skip_value(end + 1);
		if (*s == ',')
			s++;
	}
	assert_string_equal(found, keys);
}

static char *render(const struct snapshot *s, unsigned int flags)
{
	_cleanup_json_ struct json_writer w;
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	assert_non_null(f);
	json__init(&w, f);
	interval__json(&w, s, flags);
	assert_int_equal(json__end_line(&w), 0);
	fclose(f);
	/* One line, and a valid object. */
	assert_ptr_equal(strchr(buf, '\n'), buf + len - 1);
	assert_ptr_equal(skip_value(buf), buf + len - 1);
	assert_int_equal(*buf, '{');
	return buf;
}

static char *render_and_free(struct snapshot *snapshot)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot;

	return render(s, 0);
}

/* ---- the tests ---- */

static void check_golden(const char *name, struct snapshot *snapshot)
{
	_cleanup_free_ char *json = render_and_free(snapshot);

	golden__compare(name, json, strlen(json));
}

static void test_golden_full(void **state)
{
	(void)state;
	check_golden("interval-full.json", synthetic_full());
}

static void test_golden_hole(void **state)
{
	(void)state;
	check_golden("interval-hole.json", synthetic_hole());
}

static void test_golden_hostile(void **state)
{
	(void)state;
	check_golden("interval-hostile.json", synthetic_hostile());
}

static void test_golden_unknown(void **state)
{
	(void)state;
	check_golden("interval-unknown.json", synthetic_unknown());
}

static void test_fields_and_their_order(void **state)
{
	static const char hist[] = "count,sum,max,max_since_attach,quantiles,buckets";
	_cleanup_free_ char *json = render_and_free(synthetic_full());

	(void)state;
	expect_keys(json, "",
		    "type,schema,time,interval_seconds,floor,filters,kernel,probes,clears,extents,"
		    "allocator,gaps,gap,gaps_per_clear,resched_delay,huge_zero,coverage,loss,self,"
		    "cumulative,clears_total,gaps_counted,faults,nodes,cgroups");
	expect_keys(json, "filters", "pid,comm,cgroup,min_order");
	expect_keys(json, "kernel",
		    "release,arch,page_size,preempt_model,init_on_alloc,huge_zero,version,host,"
		    "preempt_source,pmd_order,cpus,nodes");
	expect_keys(json, "probes[0]", "name,tier,attached,reason");
	expect_keys(json, "clears[0]", "order,page_kind,numa,count,bytes,wall,on_cpu");
	expect_keys(json, "clears[0].wall", hist);
	expect_keys(json, "clears[0].wall.max", "seconds,comm,pid,order,node,time");
	expect_keys(json, "clears[0].wall.quantiles", "0.5,0.9,0.99,0.999");
	expect_keys(json, "clears[0].on_cpu", hist);
	expect_keys(json, "extents[0]", "order,count,pages,wall");
	expect_keys(json, "extents[0].pages", "count,sum,buckets");
	expect_keys(json, "allocator[0]", "order,count,bytes,wall");
	expect_keys(json, "gaps[0]", "order,cause,count,sum");
	expect_keys(json, "gap[0]", "cause,duration");
	expect_keys(json, "gap[0].duration", hist);
	expect_keys(json, "resched_delay", "source,now,lazy,outlived");
	expect_keys(json, "huge_zero",
		    "refcount,holders,oldest_seconds,gets,references_taken,puts,allocations,"
		    "allocation_failures,reclaims,reclaim_refusals,hold,lifetime,refcount_reason,"
		    "holders_reason,oldest_at_least");
	expect_keys(json, "huge_zero.hold", hist);
	expect_keys(json, "coverage[0]", "what,kernel,seen,reason");
	expect_keys(json, "loss", "recursion,missed,storage_full,unmatched,dropped");
	expect_keys(json, "self", "bpf_seconds,map_bytes,rss_bytes");
	expect_keys(json, "faults[0]", "order,count,wall,clear_share");
	expect_keys(json, "nodes[0]", "node,count,bytes,sum,gap_sum,max_since_attach");
	expect_keys(json, "cgroups[0]", "cgroup,id,count,bytes,sum,gap_sum,max_since_attach");
}

static void test_values(void **state)
{
	_cleanup_free_ char *json = render_and_free(synthetic_full());

	(void)state;
	expect(json, "type", "\"interval\"");
	expect(json, "schema", "1");
	expect(json, "time", "\"2026-11-21T11:10:32.042Z\"");
	expect(json, "interval_seconds", "1.000042");
	expect(json, "floor", "false");
	expect(json, "cumulative", "false");
	expect(json, "filters.pid", "null");
	expect(json, "filters.min_order", "null");
	expect(json, "kernel.preempt_model", "\"voluntary\"");
	expect(json, "kernel.init_on_alloc", "false");
	expect(json, "kernel.huge_zero", "\"refcounted\"");
	expect(json, "probes[1].tier", "\"tp_btf\"");
	expect(json, "probes[1].reason", "null");
	expect(json, "clears[0].count", "4096");
	expect(json, "clears[0].bytes", "8589934592");
	expect(json, "clears[0].page_kind", "\"thp\"");
	expect(json, "clears[1].numa", "\"remote\"");
	expect(json, "clears[2].wall.sum", "0.108");
	expect(json, "clears[2].wall.max.seconds", "0.108");
	expect(json, "clears[2].wall.max.comm", "\"qemu-system-x86\"");
	expect(json, "clears[2].wall.max.order", "18");
	expect(json, "clears[2].wall.max.node", "1");
	expect(json, "clears[2].wall.max.time", "\"2026-11-21T11:10:31.792Z\"");
	expect(json, "clears[2].on_cpu", "null");
	expect(json, "clears[0].on_cpu.max", "null");
	expect(json, "clears[0].on_cpu.max_since_attach", "null");
	/* A series in which nothing happened is left out; then comes what had none. */
	expect(json, "clears[3].order", "4");
	expect(json, "clears[4].order", "null");
	expect(json, "clears[4].page_kind", "\"other\"");
	expect(json, "clears[4].wall.max.order", "null");
	expect(json, "clears[4].wall.max.node", "null");
	expect_absent(json, "clears[5]");
	expect(json, "extents[1].pages.buckets", "[[8192,32],[\"+Inf\",1]]");
	expect(json, "gaps[0].cause", "\"resched\"");
	expect_absent(json, "gaps[2]");
	expect(json, "gap[1].cause", "\"blocked\"");
	expect(json, "gap[1].duration.count", "0");
	expect(json, "gap[1].duration.max", "null");
	expect(json, "gap[1].duration.quantiles.'0.999'", "null");
	expect(json, "gap[1].duration.buckets", "[]");
	expect(json, "gaps_per_clear", "0.03046");
	expect(json, "resched_delay.outlived", "13");
	expect(json, "resched_delay.lazy.count", "0");
	expect(json, "huge_zero.refcount", "5");
	expect(json, "huge_zero.oldest_seconds", "4211.5");
	expect(json, "huge_zero.hold.buckets", "[[1.0,2],[4096.0,1]]");
	expect(json, "huge_zero.hold.max", "null");
	expect(json, "huge_zero.lifetime.count", "0");
	expect(json, "coverage[0].kernel", "4608");
	expect(json, "coverage[1].kernel", "null");
	expect(json, "coverage[1].seen", "1");
	expect(json, "loss.dropped", "0");
	expect(json, "self.bpf_seconds", "0.00121");
	expect(json, "clears_total", "5221");
	expect(json, "nodes[1].max_since_attach", "0.108");
	expect(json, "cgroups[1].cgroup", "\"/machine.slice/vm-1.scope\"");
}

static void test_not_measured_is_null(void **state)
{
	static const char *const paths[] = {
		"kernel",
		"clears",
		"extents",
		"allocator",
		"gaps",
		"gap",
		"gaps_per_clear",
		"resched_delay",
		"huge_zero",
		"coverage",
		"loss.recursion",
		"loss.missed",
		"loss.storage_full",
		"loss.unmatched",
		"loss.dropped",
		"self.bpf_seconds",
		"self.map_bytes",
		"self.rss_bytes",
		"clears_total",
		"gaps_counted",
		"faults",
		"nodes",
		"cgroups",
		"filters.pid",
		"filters.comm",
		"filters.cgroup",
		"filters.min_order",
	};
	_cleanup_free_ char *json = render_and_free(synthetic_unknown());
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		expect(json, paths[i], "null");
	expect(json, "probes", "[]");
}

static void test_not_measured_inside_is_null(void **state)
{
	static struct machine m;
	_cleanup_snapshot_ struct snapshot *s = synthetic_full();
	_cleanup_free_ char *json = NULL;

	(void)state;
	m = synthetic_machine;
	m.preempt_model = PREEMPT_UNKNOWN;
	m.init_on_alloc = -1;
	m.huge_zero = HUGE_ZERO_UNKNOWN;
	s->machine = &m;
	s->resched->has_lazy = false;
	s->huge_zero->refcount.known = false;
	strcpy(s->huge_zero->refcount_reason, "CAP_SYSLOG is missing");
	s->huge_zero->holders.known = false;
	s->huge_zero->oldest_seconds.known = false;
	s->huge_zero->has_hold = false;
	s->huge_zero->has_lifetime = false;
	s->extents[0].has_pages = false;
	s->clears[0].wall.max.known = false;
	json = render(s, 0);
	expect(json, "kernel.preempt_model", "null");
	expect(json, "kernel.init_on_alloc", "null");
	expect(json, "kernel.huge_zero", "null");
	expect(json, "resched_delay.lazy", "null");
	expect(json, "huge_zero.refcount", "null");
	expect(json, "huge_zero.refcount_reason", "\"CAP_SYSLOG is missing\"");
	expect(json, "huge_zero.holders", "null");
	expect(json, "huge_zero.oldest_seconds", "null");
	expect(json, "huge_zero.hold", "null");
	expect(json, "huge_zero.lifetime", "null");
	expect(json, "extents[0].pages", "null");
	expect(json, "clears[0].wall.max", "null");
	expect_keys(json, "clears[0].wall.max_since_attach", "seconds,comm,pid,order,node,time");
}

static void test_measured_and_nothing_happened_is_empty(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_empty(&synthetic_machine);
	_cleanup_free_ char *json = NULL;

	(void)state;
	s->has_extents = true;
	s->has_allocator = true;
	s->has_faults = true;
	s->gaps = synthetic_zeroed(1, sizeof(*s->gaps));
	json = render(s, 0);
	expect(json, "clears", "[]");
	expect(json, "clears_total", "0");
	expect(json, "extents", "[]");
	expect(json, "allocator", "[]");
	expect(json, "faults", "[]");
	expect(json, "gaps", "[]");
	expect(json, "gap", "[]");
}

static void test_no_probe_for_clears_is_not_none(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_empty(&synthetic_machine);
	_cleanup_free_ char *detached = NULL, *older = NULL;

	(void)state;
	s->probes[0].attached = false;
	detached = render(s, 0);
	expect(detached, "clears", "null");
	expect(detached, "clears_total", "null");
	s->probes[0].attached = true;
	strcpy(s->probes[0].name, "clear_huge_page");
	older = render(s, 0);
	expect(older, "clears", "[]");
}

/* Bounds read back as the very doubles, and each bucket lands where it belongs. */
static void test_every_bucket(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct hist *h = &s->clears[0].wall;
	unsigned int i;

	(void)state;
	for (i = 0; i < ZS_BUCKETS; i++) {
		_cleanup_free_ char *json = NULL, *bound = NULL, *lo = NULL, *hi = NULL;

		memset(h, 0, sizeof(*h));
		h->bucket[i] = 3;
		h->count = 3;
		json = render(s, 0);
		expect(json, "clears[0].wall.buckets[0][1]", "3");
		expect_absent(json, "clears[0].wall.buckets[1]");
		bound = at(json, "clears[0].wall.buckets[0][0]");
		lo = at(json, "clears[0].wall.quantiles.'0.5'[0]");
		hi = at(json, "clears[0].wall.quantiles.'0.999'[1]");
		assert_true(strtod(lo, NULL) == (i ? hist__bound_seconds(i - 1) : 0));
		if (i == ZS_BOUNDS) {
			assert_string_equal(bound, "\"+Inf\"");
			assert_string_equal(hi, "null");
		} else {
			assert_true(strtod(bound, NULL) == hist__bound_seconds(i));
			assert_string_equal(hi, bound);
		}
	}
}

static void test_huge_numbers_are_exact(void **state)
{
	_cleanup_free_ char *json = render_and_free(synthetic_hostile());

	(void)state;
	expect(json, "clears[0].bytes", "18446744073709551615");
	expect(json, "clears[0].count", "18000000000006");
	expect(json, "clears[0].wall.max.seconds", "100.0");
	expect(json, "clears[0].wall.buckets[2]", "[\"+Inf\",2]");
	expect(json, "cgroups[0].sum", "18446744073.709551615");
	expect(json, "interval_seconds", "86400.0");
}

static void test_hostile_names(void **state)
{
	_cleanup_free_ char *json = render_and_free(synthetic_hostile());

	(void)state;
	expect(json, "clears[0].wall.max.comm",
	       "\"\\u001b]0;pwn\\u0007\\\"\\\\\\n\xef\xbf\xbd"
	       "2J\"");
	expect(json, "filters.comm", "\"\\u001b[31mred\"");
	expect(json, "filters.pid", "[12,4194304]");
	expect(json, "filters.min_order", "2");
	expect(json, "cgroups[0].gap_sum", "null");
}

static void test_cumulative_and_floor(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_lossy();
	_cleanup_free_ char *json = render(s, INTERVAL_JSON_CUMULATIVE);

	(void)state;
	expect(json, "cumulative", "true");
	expect(json, "floor", "true");
	expect(json, "loss.recursion", "21");
	expect(json, "loss.missed", "null");
	expect(json, "clears[0].count", "512");
	expect(json, "clears[0].wall.count", "503");
}

static void test_clear_share(void **state)
{
	_cleanup_snapshot_ struct snapshot *s = synthetic_simple();
	struct duration_series *d = synthetic_zeroed(2, sizeof(*d));
	struct opt_double share;

	(void)state;
	s->has_faults = true;
	s->nr_faults = 1;
	s->faults = d;
	d->order = 9;
	assert_false(interval__clear_share(s, d).known); /* no fault */
	d->wall.sum_ns = 2 * s->clears[0].wall.sum_ns;
	share = interval__clear_share(s, d);
	assert_true(share.known && share.value == 0.5);
	d->wall.sum_ns = s->clears[0].wall.sum_ns - 1;
	assert_false(interval__clear_share(s, d).known); /* clears outside of faults */
	d->order = 18;
	share = interval__clear_share(s, d);
	assert_true(share.known && share.value == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_full),
		cmocka_unit_test(test_golden_hole),
		cmocka_unit_test(test_golden_hostile),
		cmocka_unit_test(test_golden_unknown),
		cmocka_unit_test(test_fields_and_their_order),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_not_measured_is_null),
		cmocka_unit_test(test_not_measured_inside_is_null),
		cmocka_unit_test(test_measured_and_nothing_happened_is_empty),
		cmocka_unit_test(test_no_probe_for_clears_is_not_none),
		cmocka_unit_test(test_every_bucket),
		cmocka_unit_test(test_huge_numbers_are_exact),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_cumulative_and_floor),
		cmocka_unit_test(test_clear_share),
	};

	return golden__status(cmocka_run_group_tests(tests, NULL, NULL));
}
