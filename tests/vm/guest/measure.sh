# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Runs a workload under zeroscope in the guest and holds its own count against what was measured.
# The case must bring jq: "# files: /usr/bin/jq tests/vm/guest/measure.sh".

# What load runs in: only its clears pass the filter, whatever else the guest does.
measure_cgroup=/sys/fs/cgroup/measured

# start_run [OPTION…]: starts `zeroscope run`; returns when everything is attached
start_run() {
	mkdir -p "$measure_cgroup"
	rm -f run.json run.err
	zeroscope run --json --cumulative "$@" >run.json 2>run.err &
	run_pid=$!
	until grep -q '^attached:' run.err; do
		if ! kill -0 "$run_pid" 2>/dev/null && ! grep -q '^attached:' run.err; then
			diag "zeroscope did not attach: $(cat run.err)"
			return 1
		fi
		sleep 0.1
	done
}

# stop_run: ends it as Ctrl-C does; its last line has the totals. Status as zeroscope's.
stop_run() {
	kill -INT "$run_pid"
	wait "$run_pid"
	run_status=$?
	tail -n 1 run.json >totals.json
	return $run_status
}

# load_in_cgroup ARGUMENT…: the workload; its report is in load.json
load_in_cgroup() {
	(
		echo 0 >"$measure_cgroup/cgroup.procs"
		exec zeroscope load --json "$@"
	) >load.json 2>load.err
}

# total QUERY: a value of the totals, by jq
total() {
	jq -r "$1" totals.json
}

# values QUERY…: one value of the totals for each, in that order, by one start of jq, which takes
# a third of a second in an emulated guest
values() {
	v_queries=
	for v_query in "$@"; do
		v_queries="$v_queries${v_queries:+,}($v_query)"
	done
	total "$v_queries"
}

counted_query() {
	echo "[.clears[]? | select(.page_kind == \"$1\" and .order == $2) | .count] | add // 0"
}
histogrammed_query='[.clears[]?.wall.count] | add // 0'
lost_query='[.loss[] | numbers] | add // 0'

# counted KIND ORDER: clears of that kind and order, by entry
counted() {
	total "$(counted_query "$1" "$2")"
}

# histogrammed: clears with both ends
histogrammed() {
	total "$histogrammed_query"
}

lost() {
	total "$lost_query"
}

# near NAME A B SHARE SLACK: two numbers differ by no more than that share and that
near() {
	check "$1: $2, $3" awk -v a="$2" -v b="$3" -v s="$4" -v c="$5" \
		'BEGIN { d = a > b ? a - b : b - a; exit !(d <= s * b + c) }'
}

# measure NAME KIND ORDER OPTIONS LOAD-ARGUMENT…: the whole of it. OPTIONS is one word list for run.
measure() {
	m_name=$1 m_kind=$2 m_order=$3 m_options=$4
	shift 4
	# shellcheck disable=SC2086 # a list of words
	start_run -c /measured $m_options || { not_ok "$m_name" "not attached"; return; }
	load_in_cgroup "$@"
	m_status=$?
	stop_run
	expect_eq "$m_name: run ends well" "$run_status" 0
	if [ $m_status -ne 0 ]; then
		not_ok "$m_name: load" "status $m_status: $(cat load.err)"
		return
	fi
	m_want=$(jq -r ".clears_expected[\"$m_order\"] // 0" load.json)
	# shellcheck disable=SC2046 # numbers
	set -- $(values "$lost_query" "$(counted_query "$m_kind" "$m_order")" "$histogrammed_query" \
		'.clears_total - ([.coverage[].seen // 0] | add) + ([.clears[]?.count] | add // 0)' \
		'.clears_total')
	# An entry that was missed has no order, and a filter cannot be asked about it: it is in
	# the total and not in a row, and not in what was seen of any kind.
	if [ "$1" -eq 0 ]; then
		expect_eq "$m_name: count is load's own" "$2" "$m_want"
	fi
	expect_eq "$m_name: all clears" "$4" "$m_want"
	expect_eq "$m_name: histogram + loss = count" $(($3 + $1)) "$m_want"
	diag "$m_name: count $m_want, lost $1, clears_total $5"
}
