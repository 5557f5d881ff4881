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

# sum_of FILE OBJECT: of an object's values, such as clears_expected, in a result of load
sum_of() {
	json_flat "$1" | awk -F '\t' -v o="$2." 'index($1, o) == 1 { n += $2 } END { print n + 0 }'
}

# load_traced NAME ORDER FOLIOS CLEARS OPTION…: run it, and check what both say. The result stays
# in ./load.json.
load_traced() {
	traced_name=$1 traced_order=$2 traced_folios=$3 traced_clears=$4
	shift 4
	trace_clears_begin || not_ok "$traced_name: tracing" "$CLEARING takes no kprobe"
	check_status "$traced_name: status" 0 sh -c 'zeroscope load --json "$@" >load.json' sh "$@"
	trace_clears_end
	cat load.json
	expect_eq "$traced_name: oracle" "$(json_get load.json oracle)" kpageflags
	expect_eq "$traced_name: folios" \
		"$(json_get load.json "folios_by_order.$traced_order")" "$traced_folios"
	expect_eq "$traced_name: clears expected" \
		"$(sum_of load.json clears_expected)" "$traced_clears"
	# shellcheck disable=SC2046 # a list of numbers
	expect_eq "$traced_name: clears traced in load's threads" \
		"$(traced_calls $(json_flat load.json | sed -n 's/^tids\[[0-9]*\]\t//p'))" "$traced_clears"
	expect_eq "$traced_name: clears traced anywhere" "$(traced_calls)" "$traced_clears"
	expect_eq "$traced_name: every byte is zero" "$(json_get load.json nonzero)" 0
}
