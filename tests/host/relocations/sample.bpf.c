// SPDX-License-Identifier: GPL-2.0-only
/*
 * One relocation of each kind, resolvable and not, against kernel.c and against real kernels.
 * Only what libbpf makes of them is looked at; none of this is ever loaded.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define CORE __attribute__((preserve_access_index))

struct moved {
	long inner;
	unsigned int mid : 9;
	unsigned long long wide : 33;
	int gone;
} CORE;

struct agreeing {
	int field;
} CORE;

#ifdef AMBIGUOUS
struct ambiguous {
	int field;
} CORE;
#endif

struct almost {
	int a;
} CORE;

struct changed___mine {
	void *pointer;
	int record;
	int array_now[4];
	int row[8];
	int last[];
} CORE;

struct tail {
	long rest[0];
} CORE;

enum colour {
	RED = 0,
	GREEN = 0,
	PINK = 0,
	BLUE = 0,
};

enum big {
	HUGE_VALUE = 1,
};

typedef int (*callback_t)(struct moved *m, long n);
typedef struct {
	int x;
} wrapped_t___mine;

struct task_struct___mine {
	int pid;
	char comm[4];
	struct {
		int cpu;
	} thread_info;
	unsigned int sched_reset_on_fork : 1;
	void *stack_not_there;
} CORE;

struct nowhere {
	int a;
} CORE;

__u64 sink;
const volatile bool choose;

SEC("fentry/made_up")
int BPF_PROG(of_made_up, struct moved *m, struct changed___mine *c, struct agreeing *g,
	     struct almost *a, struct tail *t)
{
	sink += m->inner;
	sink += BPF_CORE_READ_BITFIELD(m, mid);
	sink += BPF_CORE_READ_BITFIELD(m, wide);
	if (bpf_core_field_exists(m->gone))
		sink += m->gone;
	sink += bpf_core_field_exists(g->field);
#ifdef AMBIGUOUS
	sink += bpf_core_field_offset(((struct ambiguous *)m)->field);
#endif
	sink += bpf_core_field_exists(a->a);
	sink += bpf_core_field_exists(c->pointer);
	sink += bpf_core_field_exists(c->record);
	sink += bpf_core_field_exists(c->array_now);
	sink += bpf_core_field_exists(c->row);
	sink += bpf_core_field_offset(c->row[3]);
	sink += bpf_core_field_exists(c->row[5]);
	sink += bpf_core_field_offset(c->last[7]);
	sink += bpf_core_field_offset(t->rest[2]);
	sink += bpf_core_field_size(c->row);
	sink += bpf_core_enum_value_exists(enum colour, RED) +
		bpf_core_enum_value(enum colour, RED);
	sink += bpf_core_enum_value(enum colour, GREEN) + bpf_core_enum_value(enum colour, BLUE);
	sink += bpf_core_enum_value_exists(enum colour, PINK);
	sink += bpf_core_enum_value(enum big, HUGE_VALUE);
	sink += bpf_core_type_exists(callback_t) + bpf_core_type_exists(wrapped_t___mine);
	sink += bpf_core_type_size(struct moved) + bpf_core_type_id_kernel(struct moved) +
		bpf_core_type_id_local(struct moved) + bpf_core_type_exists(struct nowhere);
	return 0;
}

static __noinline int called(struct mm_struct *mm)
{
	return BPF_CORE_READ(mm, owner, pid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(of_real, bool preempt, struct task_struct *prev, struct task_struct___mine *next)
{
	sink += next->pid + next->comm[2] + next->thread_info.cpu;
	sink += BPF_CORE_READ_BITFIELD(next, sched_reset_on_fork);
	sink += bpf_core_field_exists(next->stack_not_there);
	sink += prev->sched_info.run_delay + bpf_core_field_offset(prev->cgroups);
	sink += bpf_core_field_size(((struct hstate *)prev)->nr_huge_pages_node);
	sink += bpf_core_field_exists(((struct page *)prev)->flags);
	sink += bpf_core_type_exists(btf_trace_sched_switch) + bpf_core_type_size(struct page);
	return called(prev->mm);
}

char LICENSE[] SEC("license") = "GPL";
