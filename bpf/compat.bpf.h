/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, asked of the running kernel's BTF through
 * CO-RE, never of its version. Each branch names the commit that made it
 * necessary. The suffix after ___ is ours; libbpf matches the name before it.
 *
 * "direct" says how a pointer may be read: arguments of fentry, fexit, fsession
 * and tp_btf programs and the current task are pointers that the verifier knows,
 * and a plain -> on them is one load. In kprobe programs arguments are numbers,
 * and each load is a call of bpf_probe_read_kernel().
 */
#ifndef ZEROSCOPE_COMPAT_BPF_H
#define ZEROSCOPE_COMPAT_BPF_H

/* READ(direct, pointer, member): one load by the cheapest means allowed. */
#define READ(direct, p, member) ((direct) ? (p)->member : BPF_CORE_READ(p, member))

/*
 * The page flags became a struct of their own in v6.18
 * (commit 53fbef56e07d, "mm: introduce memdesc_flags_t").
 */
typedef struct {
	unsigned long f;
} memdesc_flags_t___new;

struct page___new {
	memdesc_flags_t___new flags;
} __attribute__((preserve_access_index));

static __always_inline unsigned long compat__page_flags(const struct page *page, bool direct)
{
	if (bpf_core_field_exists(((struct page___new *)0)->flags.f))
		return READ(direct, (const struct page___new *)page, flags.f);
	return READ(direct, page, flags);
}

/*
 * The flags of an address space became a bitmap, so far of one word, in v6.18
 * (commit bb6525f2f8c4, "mm: add bitmap mm->flags field").
 */
typedef struct {
	unsigned long __mm_flags[1];
} mm_flags_t___new;

struct mm_struct___new {
	mm_flags_t___new flags;
} __attribute__((preserve_access_index));

static __always_inline unsigned long compat__mm_flags(const struct mm_struct *mm, bool direct)
{
	if (bpf_core_field_exists(((struct mm_struct___new *)0)->flags.__mm_flags))
		return READ(direct, (const struct mm_struct___new *)mm, flags.__mm_flags[0]);
	return READ(direct, mm, flags);
}

/*
 * The low byte of _flags_1 holds the order of a large folio since v6.6
 * (commit ebc1baf5c9b4, "mm: free up a word in the first tail page");
 * folio_zero_user() is younger than that (v6.11, commit 78fefd04c123).
 */
static __always_inline __u32 compat__folio_order(const struct folio *folio, bool direct)
{
	return READ(direct, folio, _flags_1) & 0xff;
}

/*
 * hugetlb folios carry a page type since v6.10 (commit d99e3140a4d3, "mm: turn
 * folio_test_hugetlb into a PageType"), in the top byte of page_type since
 * v6.12 (commit 4ffca5a96678, "mm: support only one page_type per page"); v6.11
 * kept it as a cleared bit. Before, the destructor of the compound page said so
 * (removed by commit 9c5ccf2db04b, v6.6).
 */
struct page___dtor {
	unsigned char compound_dtor;
} __attribute__((preserve_access_index));

enum pagetype___one {
	PGTY_hugetlb___one = 0xf4,
};

enum compound_dtor_id___old {
	HUGETLB_PAGE_DTOR___old = 2,
};

static __always_inline bool compat__page_is_hugetlb(const struct page *head, bool direct)
{
	if (bpf_core_enum_value_exists(enum pagetype___one, PGTY_hugetlb___one)) {
		__u32 type = READ(direct, head, page_type);

		return type >> 24 == bpf_core_enum_value(enum pagetype___one, PGTY_hugetlb___one);
	}
	if (bpf_core_enum_value_exists(enum compound_dtor_id___old, HUGETLB_PAGE_DTOR___old)) {
		const struct page___dtor *tail =
			(const void *)head + bpf_core_type_size(struct page);

		return BPF_CORE_READ(tail, compound_dtor) ==
		       bpf_core_enum_value(enum compound_dtor_id___old, HUGETLB_PAGE_DTOR___old);
	}
	return false;
}

/*
 * A session program runs at entry and at return. The kfunc that tells which (as
 * the one that gives the call's eight bytes of memory, from one to the other)
 * took no argument in v6.10 (commit 5c919acef851, kprobe.session) and takes the
 * context since fsession exists (v7.0). libbpf holds the declaration against
 * the kernel's before anything can be chosen at run time (a ___flavor of a
 * kfunc needs libbpf 1.3), so the object is compiled for each and the loader
 * opens the one that fits. A third one has no sessions at all: an object that
 * declares any kfunc cannot be loaded on a kernel without BTF of its own.
 */
#ifdef NO_SESSION_KFUNCS
#define NO_BTF			       1
#define compat__session_is_return(ctx) false
#define compat__session_cookie(ctx)    ((__u64 *)NULL)
#elif defined(SESSION_KFUNCS_TAKE_NOTHING)
#define NO_BTF			       0
extern bool bpf_session_is_return(void) __ksym __weak;
#define compat__session_is_return(ctx) bpf_session_is_return()
extern __u64 *bpf_session_cookie(void) __ksym __weak;
#define compat__session_cookie(ctx)    bpf_session_cookie()
#else
#define NO_BTF			       0
extern bool bpf_session_is_return(void *ctx) __ksym __weak;
#define compat__session_is_return(ctx) bpf_session_is_return(ctx)
extern __u64 *bpf_session_cookie(void *ctx) __ksym __weak;
#define compat__session_cookie(ctx)    bpf_session_cookie(ctx)
#endif

#endif
