// SPDX-License-Identifier: GPL-2.0-only
/*
 * libelf.a of elfutils 0.192 (Debian 13) calls two functions of a private
 * archive that is not shipped with it, so nothing links statically against it.
 * These stand in for them; they are weak, for versions that bring their own.
 * Only what opens and closes a file is called here: the tree stays empty, and
 * whatever would fill it is missing from the archive as well.
 */
#include <search.h>
#include <stddef.h>

/* The root is the first member; a lock follows in builds of libelf that lock. */
struct search_tree {
	void *root;
};

__attribute__((weak)) void eu_search_tree_init(struct search_tree *tree)
{
	tree->root = NULL;
}

__attribute__((weak)) void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
}
