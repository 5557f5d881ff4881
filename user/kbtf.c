// SPDX-License-Identifier: GPL-2.0-only
#include "kbtf.h"

#include <string.h>

#include <bpf/btf.h>

int kbtf__func_params(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);

	if (id < 0)
		return -1;
	return btf_vlen(btf__type_by_id(btf, btf__type_by_id(btf, id)->type));
}

/* The type that a member has, looking into members without a name; 0: none. */
static unsigned int find_member(const struct btf *btf, const struct btf_type *t, const char *member,
				int depth)
{
	const struct btf_member *m = btf_members(t);
	int i;

	for (i = 0; i < btf_vlen(t); i++, m++) {
		const char *name = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner;

		if (name && !strcmp(name, member))
			return m->type;
		if ((name && *name) || depth <= 0)
			continue;
		inner = btf__type_by_id(btf, m->type);
		if (inner && btf_is_composite(inner)) {
			unsigned int id = find_member(btf, inner, member, depth - 1);

			if (id)
				return id;
		}
	}
	return 0;
}

/* Whether any struct inside of t, with or without a name, has the member. */
static bool has_deep(const struct btf *btf, const struct btf_type *t, const char *member, int depth)
{
	const struct btf_member *m = btf_members(t);
	int i;

	for (i = 0; i < btf_vlen(t); i++, m++) {
		const struct btf_type *inner = btf__type_by_id(btf, m->type);
		const char *name = btf__name_by_offset(btf, m->name_off);

		if (name && !strcmp(name, member))
			return true;
		if (depth > 0 && inner && btf_is_composite(inner) &&
		    has_deep(btf, inner, member, depth - 1))
			return true;
	}
	return false;
}

bool kbtf__has_deep_member(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	return id >= 0 && has_deep(btf, btf__type_by_id(btf, id), member, 8);
}

static unsigned int member_type(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	if (id < 0)
		return 0;
	return find_member(btf, btf__type_by_id(btf, id), member, 8);
}

bool kbtf__has_member(const struct btf *btf, const char *type, const char *member)
{
	return member_type(btf, type, member);
}

int kbtf__enumerator(const struct btf *btf, const char *name)
{
	unsigned int id, nr = btf ? btf__type_cnt(btf) : 0;
	int i;

	for (id = 1; id < nr; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e = btf_enum(t);

		for (i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
			if (!strcmp(btf__name_by_offset(btf, e[i].name_off), name))
				return e[i].val;
	}
	return -1;
}

bool kbtf__has_type(const struct btf *btf, const char *type)
{
	return btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT) >= 0;
}

bool kbtf__has_tracepoint(const struct btf *btf, const char *name)
{
	char typedef_name[128] = "btf_trace_";

	strncat(typedef_name, name, sizeof(typedef_name) - strlen(typedef_name) - 1);
	return btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF) >= 0;
}

unsigned int kbtf__array_elems(const struct btf *btf, const char *type, const char *member)
{
	unsigned int id = member_type(btf, type, member);
	const struct btf_type *t = id ? btf__type_by_id(btf, id) : NULL;

	if (!t || !btf_is_array(t))
		return 0;
	return btf_array(t)->nelems;
}

int kbtf__nodes_shift(const struct btf *btf)
{
	unsigned int nodes = kbtf__array_elems(btf, "hstate", "nr_huge_pages_node");

	if (!nodes || nodes & (nodes - 1))
		return -1;
	return __builtin_ctz(nodes);
}
