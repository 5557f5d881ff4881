#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# A real Prometheus scrapes the exporter, and its answers are the numbers of the report: counts,
# sums, and quantiles within the interval that the fine buckets leave, classic and native.
# shellcheck disable=SC2317 # functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

zeroscope=$top/build/zeroscope
for tool in curl jq prometheus promtool; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool; run: packaging/packages test"
done

work=$(mktemp -d)
pids=()
clean_up() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	rm -rf "$work"
}
trap clean_up EXIT

make_recordings "$top" "$work/seeds" || {
	not_ok "recordings to test with" "cannot be made"
	finished
	exit
}

# serve NAME OPTION…: its address is in $address
serve() {
	local name=$1

	shift
	"$zeroscope" serve --replay "$work/frame" --web.listen-address 127.0.0.1:0 "$@" \
		2>"$work/$name.log" &
	pids+=($!)
	wait_for_line "$work/$name.log" '^attached: ' &&
		address=$(sed -n 's/^listening: //p' "$work/$name.log")
}

# The totals of all of a recording, as a recording of one frame, so that nothing moves any more.
freeze() {
	cp "$work/seeds/run" "$work/frame"
	serve first || return
	until curl -s -o "$work/snapshot" "http://$address/snapshot" &&
		"$zeroscope" report --json "$work/snapshot" >"$work/now.json" &&
		[ "$(jq .clears_total "$work/now.json")" -gt 0 ]; do
		sleep 0.2
	done
	cp "$work/snapshot" "$work/frame"
	cp "$work/now.json" "$work/report.json"
}

# query EXPRESSION: the value, empty where there is none
query() {
	curl -s --data-urlencode "query=$1" "http://$prometheus/api/v1/query" |
		jq -r '.data.result[0].value[1] // empty'
}

# wait_for EXPRESSION: until there is a value
wait_for() {
	local deadline=$((SECONDS + 120))

	until [ -n "$(query "$1")" ]; do
		((SECONDS < deadline)) || { cat "$work/prometheus.log"; return 1; }
		sleep 0.2
	done
}

check "a recording's totals" freeze
serve plain --series=full
plain=$address
serve native --series=full --native-histograms 4
native=$address
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: plain, static_configs: [{targets: ["$plain"]}]}
  - {job_name: native, static_configs: [{targets: ["$native"]}]}
END
prometheus=127.0.0.1:$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
# Asks every target for protobuf first: only the one that was told to gives it.
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
	--web.listen-address="$prometheus" --enable-feature=native-histograms \
	>"$work/prometheus.log" 2>&1 &
pids+=($!)
diag "$(prometheus --version 2>&1 | head -n 1)"
check "it scrapes the exporter" wait_for 'zeroscope_clears_total{job="plain"}'
check "and the one with native histograms" wait_for 'zeroscope_clears_total{job="native"}'
expect_eq "both are up" "$(query 'sum(up)')" 2

jq -c '.clears[]' "$work/report.json" | while IFS= read -r clear; do
	of() {
		jq -r "$1" <<<"$clear"
	}
	labels=$(of '"order=\"\(.order // "other")\",page_kind=\"\(.page_kind)\",numa=\"\(.numa)\""')
	name=$(of '"order \(.order) \(.page_kind) \(.numa)"')
	expect_eq "$name: clears" "$(query "zeroscope_clears_total{job=\"plain\",$labels}")" "$(of .count)"
	expect_eq "$name: the histogram's count" \
		"$(query "zeroscope_clear_duration_seconds_count{job=\"plain\",$labels}")" \
		"$(of .wall.count)"
	sum=$(query "zeroscope_clear_duration_seconds_sum{job=\"plain\",$labels}")
	expect_between "$name: its sum" "$sum" "$(of .wall.sum)" "$(of .wall.sum)"
	expect_eq "$name: the native histogram's count" \
		"$(query "histogram_count(zeroscope_clear_duration_seconds{job=\"native\",$labels})")" \
		"$(of .wall.count)"
	lo=$(of '.wall.quantiles["0.5"][0]')
	hi=$(of '.wall.quantiles["0.5"][1]')
	# Ranks are rounded elsewhere there: a bucket on either side will do.
	expect_between "$name: the native median" \
		"$(query "histogram_quantile(0.5, zeroscope_clear_duration_seconds{job=\"native\",$labels})")" \
		"$(jq -n "$lo / pow(2; 1/16)")" "$(jq -n "$hi * pow(2; 1/16)")"
	expect_between "$name: the classic median" \
		"$(query "histogram_quantile(0.5, zeroscope_clear_duration_seconds_bucket{job=\"plain\",$labels})")" \
		"$(jq -n "$lo / 2")" "$(jq -n "$hi * 2")"
done
expect_eq "all clears, over all series" "$(query 'zeroscope_clear_calls_total{job="plain"}')" \
	"$(jq .clears_total "$work/report.json")"
finished
