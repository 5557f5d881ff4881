/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to the kernel's type information (BTF) that CO-RE cannot ask from
 * inside a program: is there such a function, how many elements has an array.
 */
#ifndef USER_KBTF_H
#define USER_KBTF_H

#include <stdbool.h>

struct btf;

/* Number of parameters of a function, or -1 if BTF has no such function. */
int kbtf__func_params(const struct btf *btf, const char *name);
/* Whether a struct, or one inside it without a name, has this member. */
bool kbtf__has_member(const struct btf *btf, const char *type, const char *member);
/* The same, and also inside members that have a name. */
bool kbtf__has_deep_member(const struct btf *btf, const char *type, const char *member);
/* Value of an enumerator, which may be one of an enum without a name; -1 if there is none. */
int kbtf__enumerator(const struct btf *btf, const char *name);
bool kbtf__has_type(const struct btf *btf, const char *type);
/* Whether tp_btf programs find this tracepoint: the typedef btf_trace_NAME. */
bool kbtf__has_tracepoint(const struct btf *btf, const char *name);
/* Elements of an array member; 0 if there is no such array. */
unsigned int kbtf__array_elems(const struct btf *btf, const char *type, const char *member);
/*
 * log2 of MAX_NUMNODES, the width of the node in page flags: not in BTF itself,
 * but hstate has an array of that many elements. -1 if the kernel has no hstate.
 */
int kbtf__nodes_shift(const struct btf *btf);

#endif
