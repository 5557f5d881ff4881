# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Counts calls of the kernel's clearing function by task, with a trace event of the kernel's own:
# what load says is held against something that shares no line with this project.

TRACING=/sys/kernel/tracing
CLEARING=folio_zero_user
kernel_has "$CLEARING" || CLEARING=clear_huge_page

trace_clears_begin() {
	echo "p:clear $CLEARING" >"$TRACING/kprobe_events" &&
		echo 'hist:keys=common_pid:size=4096' >"$TRACING/events/kprobes/clear/trigger" &&
		echo 1 >"$TRACING/events/kprobes/clear/enable"
}

# Leaves "TID CALLS" lines in ./clears.
trace_clears_end() {
	echo 0 >"$TRACING/events/kprobes/clear/enable"
	sed -n 's/^{ common_pid: *\([0-9]*\) } hitcount: *\([0-9]*\).*/\1 \2/p' \
		"$TRACING/events/kprobes/clear/hist" >clears
	echo '!hist:keys=common_pid' >"$TRACING/events/kprobes/clear/trigger"
	echo >"$TRACING/kprobe_events"
}

# traced_calls [TID…]: of these tasks; of all without any
traced_calls() {
	awk -v want=" $* " 'want == "  " || index(want, " " $1 " ") { n += $2 } END { print n + 0 }' clears
}

# load_result OPTION…: run load and keep its JSON in ./load.json, taken apart in ./load.flat, where
# it is read from many times: parsing it again for each value takes an emulated machine long.
load_result() {
	load_status=0
	zeroscope load --json "$@" >load.json || load_status=$?
	flatten
	return $load_status
}

flatten() {
	: >load.flat
	[ ! -s load.json ] || json_flat load.json >load.flat
}

# value PATH: out of ./load.flat; empty if there is none
value() {
	awk -F '\t' -v path="$1" '$1 == path { print $2 }' load.flat
}

# values OBJECT: "key=value " for each of an object such as folios_by_order
values() {
	awk -F '\t' -v o="$1." 'index($1, o) == 1 { printf "%s=%s ", substr($1, length(o) + 1), $2 }' \
		load.flat
}

# sum OBJECT: of its values
sum() {
	awk -F '\t' -v o="$1." 'index($1, o) == 1 { n += $2 } END { print n + 0 }' load.flat
}

# traced_in_load: calls in the threads that faulted
traced_in_load() {
	# shellcheck disable=SC2046 # a list of numbers
	traced_calls $(sed -n 's/^tids\[[0-9]*\]\t//p' load.flat)
}

# load_traced NAME ORDER FOLIOS CLEARS OPTION…: run it, and check what both say. The result stays
# in ./load.json and ./load.flat.
load_traced() {
	traced_name=$1 traced_order=$2 traced_folios=$3 traced_clears=$4
	shift 4
	trace_clears_begin || not_ok "$traced_name: tracing" "$CLEARING takes no kprobe"
	check_status "$traced_name: status" 0 load_result "$@"
	trace_clears_end
	cat load.json
	expect_eq "$traced_name: oracle" "$(value oracle)" kpageflags
	expect_eq "$traced_name: folios" "$(value "folios_by_order.$traced_order")" "$traced_folios"
	expect_eq "$traced_name: clears expected" "$(sum clears_expected)" "$traced_clears"
	expect_eq "$traced_name: clears traced in load's threads" "$(traced_in_load)" "$traced_clears"
	expect_eq "$traced_name: clears traced anywhere" "$(traced_calls)" "$traced_clears"
	expect_eq "$traced_name: every byte is zero" "$(value nonzero)" 0
}
