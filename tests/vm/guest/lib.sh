# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What a test case in a guest has at hand, next to the reporting functions of tap.sh.

# shellcheck source=tests/lib/tap.sh
. "${TEST_LIB:-/usr/lib/tests}/tap.sh"

# shellcheck disable=SC2034 # for the cases
THP=/sys/kernel/mm/transparent_hugepage

# vmstat_get NAME: a counter of /proc/vmstat; empty if this kernel has none of that name
vmstat_get() {
	awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat
}

# write_sysfs FILE VALUE: status 1, with a message, if the kernel refuses
write_sysfs() {
	if ! (echo "$2" >"$1") 2>/dev/null; then
		echo "cannot write '$2' to $1"
		return 1
	fi
}

# json_flat FILE: "path<TAB>value" lines of its last line, one JSON object
json_flat() {
	tail -n 1 "$1" | awk -f "${TEST_LIB:-/usr/lib/tests}/json.awk"
}

# json_get FILE PATH [TYPE]: the value at a path such as clears[0].wall.count in the file's last
# line (of that "type"); empty if there is none
json_get() {
	{
		if [ -n "${3:-}" ]; then
			grep "\"type\":\"$3\"" "$1"
		else
			cat "$1"
		fi
	} | tail -n 1 | awk -v want="$2" -f "${TEST_LIB:-/usr/lib/tests}/json.awk"
}

# kernel_has FUNCTION: does the running kernel have a symbol of that name?
kernel_has() {
	awk -v name="$1" '$3 == name { found = 1; exit } END { exit !found }' /proc/kallsyms
}

# preempt_model: none, voluntary, lazy, full or rt, as the kernel says itself
preempt_model() {
	if [ -r /sys/kernel/debug/sched/preempt ]; then
		sed -n 's/.*(\([a-z]*\)).*/\1/p' /sys/kernel/debug/sched/preempt
	else
		uname -v | sed -n 's/.*PREEMPT_RT.*/rt/p;t;s/.*PREEMPT_DYNAMIC.*/unknown/p;t;s/.*PREEMPT .*/full/p'
	fi
}
