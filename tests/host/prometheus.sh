#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# A real Prometheus scrapes the exporter, and its answers are the numbers of the report: counts,
# sums, and quantiles within the interval that the fine buckets leave, classic and native; so are
# those of later versions. Alerts come when they should, every panel, rule and alert has data, and
# what is exported is what they name.
# shellcheck disable=SC2016,SC2317 # jq has dollars of its own; functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"
# shellcheck source=tests/lib/prometheus.sh
. "$top/tests/lib/prometheus.sh"

zeroscope=$top/build/zeroscope
for tool in curl jq jsonnet jsonnetfmt prometheus promtool; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool; run: packaging/packages test"
done

work=$(mktemp -d)
pids=()
prometheus_pid= # of the one that start_prometheus started last
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
	"$zeroscope" serve --replay "$frame" --web.listen-address 127.0.0.1:0 "$@" \
		2>"$work/$name.log" &
	pids+=($!)
	wait_for_line "$work/$name.log" '^attached: ' &&
		address=$(sed -n 's/^listening: //p' "$work/$name.log")
}

# What this Prometheus says, held against the report.
expect_answers() {
	local clear labels name sum lo hi

	check "$1: it scrapes the exporter" wait_for 'zeroscope_clears_total{job="zeroscope"}'
	check "$1: and the one with native histograms" \
		wait_for 'zeroscope_clears_total{job="zeroscope-native"}'
	expect_eq "$1: both are up" "$(query 'sum(up)')" 2
	while IFS= read -r clear; do
		of() {
			jq -r "$1" <<<"$clear"
		}
		labels=$(of '"order=\"\(.order // "other")\",page_kind=\"\(.page_kind)\",numa=\"\(.numa)\""')
		name="$1: $(of '"order \(.order) \(.page_kind) \(.numa)"')"
		expect_eq "$name: clears" \
			"$(query "zeroscope_clears_total{job=\"zeroscope\",$labels}")" "$(of .count)"
		expect_eq "$name: the histogram's count" \
			"$(query "zeroscope_clear_duration_seconds_count{job=\"zeroscope\",$labels}")" \
			"$(of .wall.count)"
		sum=$(query "zeroscope_clear_duration_seconds_sum{job=\"zeroscope\",$labels}")
		expect_between "$name: its sum" "$sum" "$(of .wall.sum)" "$(of .wall.sum)"
		expect_eq "$name: the native histogram's count" \
			"$(query "histogram_count(zeroscope_clear_duration_seconds{job=\"zeroscope-native\",$labels})")" \
			"$(of .wall.count)"
		lo=$(of '.wall.quantiles["0.5"][0]')
		hi=$(of '.wall.quantiles["0.5"][1]')
		# Ranks are rounded elsewhere there: a bucket on either side will do.
		expect_between "$name: the native median" \
			"$(query "histogram_quantile(0.5, zeroscope_clear_duration_seconds{job=\"zeroscope-native\",$labels})")" \
			"$(jq -n "$lo / pow(2; 1/16)")" "$(jq -n "$hi * pow(2; 1/16)")"
		expect_between "$name: the classic median" \
			"$(query "histogram_quantile(0.5, zeroscope_clear_duration_seconds_bucket{job=\"zeroscope\",$labels})")" \
			"$(jq -n "$lo / 2")" "$(jq -n "$hi * 2")"
	done < <(jq -c '.clears[]' "$work/report.json")
	expect_eq "$1: all clears, over all series" \
		"$(query 'zeroscope_clear_calls_total{job="zeroscope"}')" "$(jq .clears_total "$work/report.json")"
}

# One frame that has everything, and that does not move.
frame=$work/seeds/full
"$zeroscope" report --json --cumulative "$frame" >"$work/report.json"
serve plain --series=full --cgroup-series 5
plain=$address
serve native --series=full --cgroup-series 5 --native-histograms 4
with_native=$address
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - {job_name: zeroscope, static_configs: [{targets: ["$plain"]}]}
  - {job_name: zeroscope-native, static_configs: [{targets: ["$with_native"]}]}
END
mixin=$top/packaging/mixin
rules() {
	jsonnet -S -e "std.manifestYamlDoc((import '$mixin/mixin.libsonnet').$1)"
}
rules prometheusAlerts >"$work/alerts.yml"
rules prometheusRules >"$work/rules.yml"

# Such a Prometheus asks every target for protobuf first: only the one that was told to gives it.
native=(--enable-feature=native-histograms)
for version in 2.53 3.5; do
	if program=$(other_prometheus "$top" "$version" 2>"$work/fetch.log") &&
		"$program" --version >"$work/fetch.log" 2>&1; then
		start_prometheus "$program" "$work/prometheus.yml" "$work/$version" "${native[@]}"
		expect_answers "$version"
		stop "$prometheus_pid" TERM
	else
		skip "$version" "no Debian release gives this version, or it does not run here"
	fi
done
start_prometheus prometheus "$work/prometheus.yml" "$work/installed" "${native[@]}"
pids+=("$prometheus_pid")
diag "$(prometheus --version 2>&1 | head -n 1)"
expect_answers "$(prometheus --version 2>&1 | sed -n 's/^prometheus, version \([0-9]*\.[0-9]*\).*/\1/p')"

# --- The mixin.
jsonnet -e "(import '$mixin/mixin.libsonnet').grafanaDashboards['zeroscope.json']" >"$work/board.json"
cp "$top/tests/host/mixin/alerts_test.yml" "$work"
check "the mixin is formatted" jsonnetfmt --test "$mixin"/*.libsonnet
check "promtool takes the alerts and rules" promtool check rules "$work/alerts.yml" "$work/rules.yml"
check "alerts come when they should" promtool test rules "$work/alerts_test.yml"
check "panels have ids, titles, descriptions and units of their own" jq -e '
	[.panels[].id] as $ids | ($ids | unique | length) == ($ids | length) and
	([.panels[] | select(.type != "row") | (.title, .description, .fieldConfig.defaults.unit) |
	  select(. == null or . == "")] == []) and
	.schemaVersion >= 36 and .editable == false' "$work/board.json"
check "panels do not overlap, in 24 columns" jq -e '
	[.panels[].gridPos] | . as $all | all(.x + .w <= 24) and
	([range(length) as $i | range($i) as $j | $all[$i] as $a | $all[$j] as $b |
	  select($a.x < $b.x + $b.w and $b.x < $a.x + $a.w and $a.y < $b.y + $b.h and $b.y < $a.y + $a.h)] == [])' \
	"$work/board.json"
check "counters are shown as rates, and every query says whose" jq -e '
	[.panels[].targets[]?.expr] | all(test("job=~\"[$]job\", instance=~\"[$]instance\"")) and
	all(test("_total{[^}]*}[[]") or (test("_total{") | not) or test("zeroscope_measured_seconds_total"))' \
	"$work/board.json"

# Two scrapes and an evaluation, for rates and rules.
wait_for 'rate(zeroscope_clear_calls_total{job="zeroscope-native"}[1m])'
wait_for 'zeroscope:clear_duration_seconds:p99_5m{job="zeroscope-native"}'
jq -r '.panels[].targets[]?.expr' "$work/board.json" >"$work/shown"
while IFS= read -r expression; do
	for histograms in _bucket ''; do
		job=$([ -n "$histograms" ] && echo zeroscope || echo zeroscope-native)
		filled=${expression//\$\{buckets\}/$histograms}
		filled=${filled//\$__rate_interval/1m}
		filled=${filled//\$job/$job}
		filled=${filled//\$instance/.+}
		filled=${filled//\$order/.+}
		expect_match "data for $job: ${expression:0:90}" "$(query "$filled")" '.'
	done
done <"$work/shown"
while IFS= read -r name; do
	check "data for the rule $name" wait_for "$name"
done < <(rules prometheusRules | sed -n 's/^ *"record": "\(.*\)"$/\1/p')
# An alert's data are what it compares, whether or not it fires.
for number in $(jsonnet -e "std.range(0, std.length((import '$mixin/mixin.libsonnet').prometheusAlerts.groups[0].rules) - 1)" | jq '.[]'); do
	rule=$(jsonnet -e "(import '$mixin/mixin.libsonnet').prometheusAlerts.groups[0].rules[$number]")
	expression=$(jq -r '.expr | gsub(" (?<c>>|==) "; " \(.c) bool ")' <<<"$rule")
	check "data for the alert $(jq -r .alert <<<"$rule")" wait_for "$expression"
done

# Names as they are scraped, and what they belong to.
curl -s "http://$plain/metrics" | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort -u >"$work/exported"
cat "$work/shown" "$work/alerts.yml" "$work/rules.yml" |
	grep -oE '[a-z_:]*(zeroscope|process)_[a-z_]+[a-z0-9_:]*' | grep -v : |
	sed -E 's/_(bucket|sum|count)$//' | sort -u >"$work/named"
expect_eq "every metric that the mixin names is exported" "$(comm -23 "$work/named" "$work/exported")" ""
expect_eq "and every metric that is exported is in it" "$(comm -13 "$work/named" "$work/exported")" ""
finished
