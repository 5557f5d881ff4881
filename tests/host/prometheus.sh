#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# A real Prometheus scrapes the exporter, and its answers are the numbers of the report: counts,
# sums, and quantiles within the interval that the fine buckets leave, classic and native. Alerts
# come when they should, and every panel of the dashboard has data.
# shellcheck disable=SC2016,SC2317 # jq has dollars of its own; functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

zeroscope=$top/build/zeroscope
for tool in curl jq jsonnet jsonnetfmt prometheus promtool; do
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
		jq -r '.data.result[0] | (.value // .histogram)[1] // empty'
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
# --- The mixin.
mixin=$top/packaging/mixin
rules() {
	jsonnet -S -e "std.manifestYamlDoc((import '$mixin/mixin.libsonnet').$1)"
}
rules prometheusAlerts >"$work/alerts.yml"
rules prometheusRules >"$work/rules.yml"
jsonnet -e "(import '$mixin/mixin.libsonnet').grafanaDashboards['zeroscope.json']" >"$work/board.json"
cp "$top/tests/host/mixin/alerts_test.yml" "$work"
check "the mixin is formatted" jsonnetfmt --test "$mixin"/*.libsonnet
check "promtool takes the alerts and rules" promtool check rules "$work/alerts.yml" "$work/rules.yml"
check "alerts come when they should" promtool test rules "$work/alerts_test.yml"
check "panels have ids, titles, descriptions and units of their own" jq -e '
	[.panels[].id] as $ids | ($ids | unique | length) == ($ids | length) and
	([.panels[] | (.title, .description, .fieldConfig.defaults.unit) | select(. == null or . == "")] == []) and
	.schemaVersion >= 36 and .editable == false' "$work/board.json"
check "panels do not overlap, in 24 columns" jq -e '
	[.panels[].gridPos] | . as $all | all(.x + .w <= 24) and
	([range(length) as $i | range($i) as $j | $all[$i] as $a | $all[$j] as $b |
	  select($a.x < $b.x + $b.w and $b.x < $a.x + $a.w and $a.y < $b.y + $b.h and $b.y < $a.y + $a.h)] == [])' \
	"$work/board.json"
# Two scrapes, for rates.
wait_for 'rate(zeroscope_clear_calls_total{job="plain"}[1m])'
while IFS= read -r expression; do
	for histograms in _bucket ''; do
		job=$([ -n "$histograms" ] && echo plain || echo native)
		filled=${expression//\$\{buckets\}/$histograms}
		filled=${filled//\$__rate_interval/1m}
		filled=${filled//\$job/$job}
		filled=${filled//\$instance/.+}
		filled=${filled//\$order/.+}
		expect_match "data for $job: ${expression:0:90}" "$(query "$filled")" '.'
	done
done < <(jq -r '.panels[].targets[].expr' "$work/board.json")
curl -s "http://$plain/metrics" | grep -o '^[a-z_]*' | sort -u >"$work/exported"
grep -hoE '(zeroscope|process)_[a-z_]+' "$work/alerts.yml" "$work/rules.yml" |
	grep -v '_rate$\|:' | sort -u >"$work/named"
while IFS= read -r name; do
	grep -q ":$name" "$work/rules.yml" && ! grep -q "[( ]$name{" "$work/rules.yml" && continue
	check "$name is exported" grep -qxF "$name" "$work/exported"
done <"$work/named"
expect_eq "all clears, over all series" "$(query 'zeroscope_clear_calls_total{job="plain"}')" \
	"$(jq .clears_total "$work/report.json")"
finished
