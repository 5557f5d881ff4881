// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side, one object: each included file answers one question and
 * they share the per-CPU state. See state.bpf.h for how data flows.
 */
#include "vmlinux.h"
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "zeroscope.h"
#include "compat.bpf.h"
#include "hist.bpf.h"
#include "state.bpf.h"
#include "resched.bpf.h"
#include "extents.bpf.h"
#include "faults.bpf.h"
#include "slow.bpf.h"
#include "cgroups.bpf.h"
#include "clears.bpf.h"
#include "gaps.bpf.h"
#include "allocator.bpf.h"
#include "huge_zero.bpf.h"

char LICENSE[] SEC("license") = "GPL";
