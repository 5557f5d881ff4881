/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel side and the user side share: plain data, no pointers, no
 * behaviour. Included after vmlinux.h by bpf/ and after <linux/types.h> by
 * user/, so it includes nothing itself.
 *
 * Everything here counts up for ever and is never cleared by a reader: an
 * interval is the difference of two snapshots.
 */
#ifndef ZEROSCOPE_H
#define ZEROSCOPE_H

/*
 * Durations: bucket i holds t with bound[i-1] < t <= bound[i], where
 * bound[i] = floor(1e9 * 2^(i/16 - 22)) ns. The bounds in seconds are those of
 * a Prometheus native histogram of schema 4.
 */
#define ZS_BUCKETS_PER_OCTAVE 16
#define ZS_BOUND_MIN_LOG2     (-22)
#define ZS_BOUND_MAX_LOG2     6
#define ZS_BOUNDS	      449 /* (6 + 22) * 16 + 1 */
#define ZS_BUCKETS	      450 /* and one for what is above the last bound */

/*
 * A cell is a 1/32 of an octave of nanoseconds. It is narrower than any bucket, so it
 * holds at most one bound: a table of the bucket at which each cell begins, with that
 * bucket's bound, and one comparison find the bucket of any duration. Bounds double from
 * octave to octave, so the table is of one octave, above the last bound, and a duration
 * is shifted up there: no bit of it is lost, and each octave is 16 buckets.
 */
#define ZS_CELLS_PER_OCTAVE 32
#define ZS_CELL_OCTAVE	    36 /* 2^36 ns is above the last bound, 64 s */
#define ZS_CELL_SHIFT	    31 /* brings 2^36 down to the number of cells */
/* Of an entry of the table: the bucket, and above it the bucket's bound in ns. */
#define ZS_CELL_BUCKET_BITS 9

/* Hold times and lifetimes: bounds 2^(i/4) s from 2^-10 to 2^25. */
#define ZS_SPAN_BOUNDS	       141
#define ZS_SPAN_BUCKETS	       142
#define ZS_SPAN_BOUND_MIN_LOG2 (-10)
#define ZS_SPANS_PER_OCTAVE    4

#define ZS_ORDERS      32
#define ZS_NODES       32
#define ZS_PAYERS      128
#define ZS_PAYER_TRIES 4
/* Ids of cgroups count up: in the upper half how often the 2^32 of the lower were used up. */
#define ZS_PAYER_CGROUP ((1ULL << ZS_WHAT_NODE_SHIFT) - 1)
#define ZS_COMM_LEN	16
#define ZS_PIDS		16

/* Histograms a CPU can hold: the memory budget of 128 KiB decides. */
#define ZS_HISTS_MAX  96
#define ZS_HISTS_ROOM 128 /* the next power of two, for tables */
/* The histogram of everything that no other one has room for. */
#define ZS_HIST_OTHER 0
#define ZS_HIST_NONE  255

enum zs_page_kind {
	ZS_KIND_THP,
	ZS_KIND_MTHP,
	ZS_KIND_HUGETLB,
	ZS_KIND_OTHER,
	ZS_KINDS,
};

enum zs_numa {
	ZS_NUMA_LOCAL,
	ZS_NUMA_REMOTE,
	ZS_NUMA_UNKNOWN,
	ZS_NUMAS,
};

enum zs_gap_cause {
	ZS_GAP_RESCHED, /* cond_resched() under none and voluntary */
	ZS_GAP_PREEMPT, /* interrupt return or preempt_enable() under full, lazy, rt */
	ZS_GAP_BLOCKED, /* the task gave up the CPU itself: not expected */
	ZS_GAP_CAUSES,
};

/* The slowest event of one epoch, with who it was. */
struct zs_max {
	/*
	 * A reader copies upwards, a writer raises begin first and end last:
	 * a copy with end == begin is whole.
	 */
	__u32 end;
	__u32 epoch;
	__u64 ns;
	__u64 when_ns; /* CLOCK_MONOTONIC at the end of the event */
	__u32 tgid;
	__u32 tid;
	__s16 order;
	__s16 node;
	char comm[ZS_COMM_LEN];
	__u32 begin;
};

/*
 * One histogram on one CPU. Two maxima, because an epoch that has just ended
 * is still to be read while the next one runs.
 */
struct zs_hist {
	__u64 sum_ns;
	__u64 top_ns; /* the maximum of the newest epoch */
	__u32 epoch;  /* the newest; 0: nothing was ever added */
	__u32 shift;  /* that brings the last event's octave down to the sixth bit */
	__u64 bucket[ZS_BUCKETS];
	struct zs_max max[2];
};

/*
 * What a clear is, in one word that is copied as a whole: order in bits 0-7, page kind
 * in 8-15, histogram in 16-23, always 1 in 24, the CPU where it began in 32-47 (left out
 * where nothing asks for it), the folio's node (-1: unknown) in 48-63. 0: it began before the ready flag was flipped, is
 * followed and not counted.
 */
#define ZS_WHAT_KIND_SHIFT 8
#define ZS_WHAT_HIST_SHIFT 16
#define ZS_WHAT_COUNTED	   (1U << 24)
#define ZS_WHAT_CPU_SHIFT  32
#define ZS_WHAT_NODE_SHIFT 48

/* A clear that has begun and not ended, in a CPU's slot: see state.bpf.h. */
struct zs_slot {
	__u64 task; /* address of the task_struct; 0: none is open here */
	__u64 start_ns;
	__u64 what;
	__u64 run_delay_ns; /* sched_info at the start, where it is kept */
	__u64 pcount;
	/* What else clears on this CPU, or 0: see resched.bpf.h. */
	__u64 parked;	 /* a clear of task storage whose task is back */
	__u64 allocator; /* an allocator clear */
	/* What this CPU's next switch has to look at. */
	union {
		struct {
			__u8 waiter;  /* somebody asked for the CPU in a clear */
			__u8 running; /* one of the two may run here */
		};
		__u64 attention;
	};
};

/* Who waits for a CPU on which a clear runs. Written by those who ask for it, only then. */
struct zs_wait {
	__u64 what;	   /* ran at the first request */
	__u64 since_ns[2]; /* of the request that is not answered, now and lazy; 0: none */
	__u64 until_ns;	   /* the clear ended before the switch */
	__u64 pad[4];
};

/* An open clear in task storage. */
struct zs_open {
	__u64 task; /* as above */
	__u64 start_ns;
	__u64 what;
	__u64 run_delay_ns;
	__u64 pcount;
	__u64 out_ns; /* when the task left the CPU; 0 while it runs */
	__u64 gap_ns; /* sum of the gaps so far */
	__u32 gaps;
	__u32 out_cause;
};

#define ZS_STACK_FRAMES 24
/* The buffer for slow clears: a few hundred of them. */
#define ZS_SLOW_BYTES (256 * 1024)

/* A clear that took longer than --slower-than, as it is streamed. */
struct zs_slow {
	__u64 when_ns; /* CLOCK_MONOTONIC at its end */
	__u64 wall_ns;
	__u64 off_cpu_ns; /* sched_info's, or the gaps' */
	__u64 cgroup;
	__u64 gaps;
	__u32 tgid;
	__u32 tid;
	__s16 node;
	__u16 cpu_start;
	__u16 cpu_end;
	__u8 order;
	__u8 kind;
	char comm[ZS_COMM_LEN];
	__s32 stack_bytes; /* or -errno */
	__u8 off_cpu_known;
	__u8 pad[3];
	__u64 stack[ZS_STACK_FRAMES];
};

struct zs_sum {
	__u64 count;
	__u64 sum_ns;
};

struct zs_span {
	__u64 sum_ns;
	__u64 bucket[ZS_SPAN_BUCKETS];
};

/* Address spaces whose hold on the huge zero folio is followed, by possible CPU and at most. */
#define ZS_ZERO_HOLDERS_CPU 512
#define ZS_ZERO_HOLDERS	    16384
/* Tasks that are about to take it at the same time, likewise. */
#define ZS_ZERO_WAITING_CPU 256
#define ZS_ZERO_WAITING	    4096
/* Of times: it was so before anybody looked. */
#define ZS_ZERO_BEFORE 1

/* One address space that holds the huge zero folio; its address is the key. */
struct zs_zero_holder {
	__u64 taken_ns; /* CLOCK_MONOTONIC, or ZS_ZERO_BEFORE */
};

/*
 * What is known of the huge zero folio itself. Written once in the life of a
 * folio and when it cannot be freed, at most once in 10 ms; never by a fault.
 * `zeroscope holders` finds it by its name and size where another zeroscope runs.
 */
struct zs_zero_folio {
	__u64 watched_ns; /* since when: CLOCK_MONOTONIC; 0: not yet */
	__u64 born_ns;	  /* when it was allocated, ZS_ZERO_BEFORE, or 0: there is none */
	__u64 refused_ns; /* the shrinker's last attempt in vain; 0: none was seen */
	__u64 freed_ns;	  /* the last time it was freed; 0: not seen */
};

/* A process that holds the huge zero folio, as the iterator over tasks writes it. */
struct zs_zero_process {
	__u64 mm;
	__u64 cgroup;
	__u32 tgid;
	char comm[ZS_COMM_LEN];
	__u32 pad;
};

/* What a cgroup paid for clearing folios of a node. */
struct zs_payer {
	__u64 key; /* the cgroup's id, and in the highest 16 bits the node; 0: nobody yet */
	__u64 count;
	__u64 pages;
	__u64 sum_ns;
	__u64 gap_ns;
	__u64 max_ns;
};

/* One CPU's state and counters. Its histograms follow it: struct zs_area. */
struct zs_cpu {
	struct zs_slot slot;
	struct zs_wait wait;
	/* Clears that began, by histogram: entry runs that passed the filter. */
	__u64 begun[ZS_HISTS_ROOM];
	/* Entry runs that a filter kept out, for coverage. */
	__u64 rejected[ZS_KINDS][ZS_ORDERS];
	/* Orders of what went to ZS_HIST_OTHER. */
	__u64 other_begun[ZS_KINDS][ZS_ORDERS];
	__u64 other_bytes;
	__u64 exits_unmatched; /* an exit without an open clear: rejected, or its entry was missed */
	__u64 straddled;       /* clears open when the ready flag was flipped: not counted */
	/* These two are written by entry and switch programs: atomically. */
	__u64 entries_unmatched; /* an open clear found when a second one began, or in user mode */
	__u64 storage_full;
	__u64 dropped;	    /* slow clears for which the ring buffer had no room */
	__u64 gaps_counted; /* differences of sched_info.pcount, over all clears */
	/* Allocator clears that passed the filters, and that did not; see allocator.bpf.h. */
	__u64 allocator_begun[ZS_ORDERS];
	__u64 allocator_rejected[ZS_ORDERS];
	__u64 allocator_full;	/* no room for the start of one: atomically */
	__u64 faults_full;	/* no room for the start of a fault: atomically */
	__u64 resched_outlived; /* requests that were answered after the clear had ended */
	/* The ledger of the huge zero folio: see huge_zero.bpf.h. */
	__u64 zero_gets;
	__u64 zero_taken;
	__u64 zero_puts;
	__u64 zero_failures;
	__u64 zero_reclaims;
	/* These three are written by several programs: atomically. */
	__u64 zero_full; /* no room for a holder, or for a get that waits for its return */
	__u64 zero_allocations;
	__u64 zero_refusals;
	struct zs_span zero_hold;
	struct zs_span zero_lifetime;
	struct zs_sum gap[ZS_GAP_CAUSES][ZS_ORDERS];
	/* Open addressing; at the end those of the cgroups without room there, by node. */
	struct zs_payer payer[ZS_PAYERS + ZS_NODES];
};

/* Cgroups whose path is kept, with --cgroup-series alone. */
#define ZS_CGROUP_PATHS	 1024
#define ZS_CGROUP_LEVELS 16

/* A cgroup's path: its own name, its parent's and so on, each ended by a NUL. */
struct zs_cgroup_path {
	__u32 used;  /* bytes of names */
	__u32 whole; /* 0: it had no room, and lacks its beginning */
	char names[248];
};

/*
 * What belongs to one CPU, the value of one map: only that CPU writes it, but for who
 * waits. The loader sets how many histograms there are, and rounds the whole up so that
 * no two CPUs share a line, nor the two lines that processors fetch together.
 */
struct zs_area {
	struct zs_cpu cpu;
	struct zs_hist hist[];
};
#define ZS_AREA_ALIGN 128

#define ZS_PAGE_BUCKETS 33 /* up to 2^0, 2^1, … 2^31 pages, and more */

/* One CPU's extents, only where the kernel tells them; see extents.bpf.h. */
struct zs_extents {
	__u64 task; /* whose extent is open; 0: none is */
	__u64 start_ns;
	__u32 order;
	__s32 node;
	__u64 count[ZS_ORDERS];
	__u64 pages[ZS_ORDERS];
	__u64 bucket[ZS_ORDERS][ZS_PAGE_BUCKETS];
};

_Static_assert(sizeof(struct zs_max) == 56, "no holes");
_Static_assert(sizeof(struct zs_hist) == 24 + 8 * ZS_BUCKETS + 112, "no holes");
_Static_assert(sizeof(struct zs_slot) == 64, "one cache line");
_Static_assert(sizeof(struct zs_wait) == 64, "one cache line");
_Static_assert(sizeof(struct zs_open) == 64, "no holes");
_Static_assert(sizeof(struct zs_slow) == 80 + 8 * ZS_STACK_FRAMES, "no holes");
_Static_assert(sizeof(struct zs_payer) == 48, "no holes");
_Static_assert(sizeof(struct zs_cgroup_path) == 256, "a payer's name, with what is added to it");
_Static_assert(sizeof(struct zs_zero_process) == 40, "no holes");

#endif
