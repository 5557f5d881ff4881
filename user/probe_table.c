// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <stddef.h>

/* Names change between versions: the kernel is asked for each in turn. */
static const struct probe_def defs[PROBE_IDS] = {
	[PROBE_CLEAR] =
		{
			.name = "clear",
			.purpose = "the time and number of clears",
			.without = "clears are not measured",
			.help = "Use a kernel with CONFIG_TRANSPARENT_HUGEPAGE=y or CONFIG_HUGETLB_PAGE=y.",
			.candidate =
				{
					{"folio_zero_user", PROBE_FUNCTION, PROBE_BOTH},
					/* Before v6.11, commit 78fefd04c123. */
					{"clear_huge_page", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_GAPS] =
		{
			.name = "gaps",
			.purpose = "the times off the CPU within a clear",
			.without = "gaps have no durations",
			.candidate = {{"sched_switch", PROBE_TRACEPOINT, PROBE_ENTRY}},
		},
	[PROBE_RESCHED] =
		{
			.name = "resched",
			.purpose = "how long a clear keeps a waiter waiting",
			.without = "the resched delay is not measured",
			.candidate =
				{
					/*
					 * Where requests may be lazy. Not the tracepoint
					 * sched_set_need_resched_tp: see bpf/resched.bpf.h.
					 */
					{"__resched_curr", PROBE_FUNCTION, PROBE_ENTRY},
					{"resched_curr", PROBE_FUNCTION, PROBE_ENTRY},
				},
		},
	[PROBE_EXTENT] =
		{
			.name = "extent",
			.purpose = "the runs of pages within a clear",
			.without = "extents are not measured",
			.help = "A kernel with the patches of kernel-patch/ has this tracepoint.",
			.candidate =
				{
					{"mm_folio_zero_extent", PROBE_TRACEPOINT, PROBE_ENTRY},
					{"clear_pages", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ALLOCATOR] =
		{
			.name = "allocator",
			.purpose = "zeroing by the page allocator",
			.option = "--allocator",
			.without = "allocator clears are not measured",
			.candidate =
				{
					{"clear_highpages_kasan_tagged", PROBE_FUNCTION, PROBE_BOTH},
					{"kernel_init_pages", PROBE_FUNCTION, PROBE_BOTH},
					/* These zero what they hand out, among other work. */
					{"get_page_from_freelist", PROBE_FUNCTION, PROBE_BOTH},
					{"__alloc_frozen_pages_noprof", PROBE_FUNCTION, PROBE_BOTH},
					{"__alloc_pages_noprof", PROBE_FUNCTION, PROBE_BOTH},
					{"__alloc_pages", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_FAULT_THP] =
		{
			.name = "fault-thp",
			.purpose = "the share of a clear in a THP fault",
			.option = "--fault-share",
			.without = "the share of clears in THP faults is not measured",
			.candidate = {{"do_huge_pmd_anonymous_page", PROBE_FUNCTION, PROBE_BOTH}},
		},
	[PROBE_FAULT_HUGETLB] =
		{
			.name = "fault-hugetlb",
			.purpose = "the share of a clear in a hugetlb fault",
			.option = "--fault-share",
			.without = "the share of clears in hugetlb faults is not measured",
			.candidate = {{"hugetlb_fault", PROBE_FUNCTION, PROBE_BOTH}},
		},
	[PROBE_ZERO_GET] =
		{
			.name = "zero-get",
			.purpose = "who takes the huge zero folio",
			.without = "huge zero references are not followed",
			.candidate =
				{
					{"mm_get_huge_zero_folio", PROBE_FUNCTION, PROBE_BOTH},
					/* As in 6.1; 6.12 says folio. */
					{"mm_get_huge_zero_page", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ZERO_PUT] =
		{
			.name = "zero-put",
			.purpose = "who gives the huge zero folio back",
			.without = "huge zero references are not followed",
			.candidate =
				{
					{"mm_put_huge_zero_folio", PROBE_FUNCTION, PROBE_BOTH},
					{"mm_put_huge_zero_page", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ZERO_SCAN] =
		{
			.name = "zero-scan",
			.purpose = "when the shrinker frees the huge zero folio",
			.without = "lifetimes of the huge zero folio are not measured",
			.candidate =
				{
					{"shrink_huge_zero_folio_scan", PROBE_FUNCTION, PROBE_BOTH},
					{"shrink_huge_zero_page_scan", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ZERO_COUNT] =
		{
			.name = "zero-count",
			.purpose = "when the shrinker asks and is refused",
			.without = "refusals of the huge zero folio's shrinker are not counted",
			.candidate =
				{
					{"shrink_huge_zero_folio_count", PROBE_FUNCTION, PROBE_BOTH},
					{"shrink_huge_zero_page_count", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ZERO_ALLOC] =
		{
			.name = "zero-alloc",
			.purpose = "when the huge zero folio is allocated",
			.without =
				"its allocation is told by the first reference and the kernel's counter",
			.help = "A kernel with the patches of kernel-patch/ has this tracepoint.",
			.candidate =
				{
					{"huge_zero_folio_alloc", PROBE_TRACEPOINT, PROBE_ENTRY},
					{"get_huge_zero_folio", PROBE_FUNCTION, PROBE_BOTH},
					{"get_huge_zero_page", PROBE_FUNCTION, PROBE_BOTH},
				},
		},
	[PROBE_ZERO_FREE] =
		{
			.name = "zero-free",
			.purpose = "when the huge zero folio is freed",
			.without = "its end is told by the shrinker's answer",
			.help = "A kernel with the patches of kernel-patch/ has this tracepoint.",
			.candidate = {{"huge_zero_folio_free", PROBE_TRACEPOINT, PROBE_ENTRY}},
		},
	[PROBE_REFCOUNT] =
		{
			.name = "refcount",
			.purpose = "the kernel's count of huge zero references",
			.without = "the refcount is not known",
			.candidate = {{"huge_zero_refcount", PROBE_KSYM, PROBE_ENTRY}},
		},
	[PROBE_HOLDERS] =
		{
			.name = "holders",
			.purpose = "processes that held the huge zero folio before",
			.without = "holders from before the start are not found",
			.candidate = {{"task", PROBE_ITERATOR, PROBE_ENTRY}},
		},
};

const struct probe_def *probe__def(enum probe_id id)
{
	return &defs[id];
}
