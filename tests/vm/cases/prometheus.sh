# SPDX-License-Identifier: GPL-2.0-only
# A real Prometheus beside the exporter, on a kernel, while load runs: what it answers is what load
# did, and its quantiles lie in the intervals that the terminal would show.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 900
# files: build/zeroscope /usr/bin/jq /usr/bin/prometheus

ip link set lo up
grep -qs '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/false' >>/etc/passwd
HALF=100
LOAD=201

# query EXPRESSION: the value, empty where there is none
query() {
	wget -q -O - "http://127.0.0.1:9090/api/v1/query?query=$(jq -rn --arg q "$1" '$q | @uri')" |
		jq -r '.data.result[0].value[1] // empty'
}

# until_is EXPRESSION VALUE: what is scraped later may be more
until_is() {
	tries=0
	until [ "$(query "$1")" = "$2" ]; do
		[ $((tries += 1)) -lt 150 ] || {
			echo "$1 is '$(query "$1")', not $2"
			wget -q -O - http://127.0.0.1:9090/api/v1/targets | jq -c '.data.activeTargets[]'
			return 1
		}
		sleep 1
	done
}

# Two of them: a Prometheus that takes native histograms takes no others where it is given both.
# And of load alone: its own memory is of huge pages, too.
zs=/usr/local/bin/zeroscope
$zs serve --series=full --comm zeroscope 2>one.log &
$zs serve --series=full --comm zeroscope --native-histograms 4 \
	--web.listen-address 127.0.0.1:10410 2>two.log &
check "the exporter starts" wait_for_line one.log '^attached: ' 300
check "and one with native histograms" wait_for_line two.log '^attached: ' 300
cat >prometheus.yml <<END
global: {scrape_interval: 5s, scrape_timeout: 5s}
scrape_configs:
  - {job_name: classic, static_configs: [{targets: ["127.0.0.1:10409"]}]}
  - {job_name: native, static_configs: [{targets: ["127.0.0.1:10410"]}]}
END
prometheus --config.file=prometheus.yml --storage.tsdb.path="$PWD/data" \
	--web.listen-address=127.0.0.1:9090 --enable-feature=native-histograms >prometheus.log 2>&1 &
check "Prometheus starts" wait_for_line prometheus.log 'ready to receive web requests' 300

series='order="9",page_kind="thp",numa="local"'
for job in classic native; do
	check "$job: scraped, at 0" until_is "zeroscope_clears_total{job=\"$job\",$series}" 0
done
# Scraped while the second half is under way, or just before or after: never more than began.
zeroscope load --kind thp --count $HALF >load.log || cat load.log
for job in classic native; do
	check "$job: half of it" until_is "zeroscope_clears_total{job=\"$job\",$series}" $HALF
done
zeroscope load --kind thp --count $((LOAD - HALF)) --rate 20 >load.log || cat load.log
for job in classic native; do
	clears="zeroscope_clears_total{job=\"$job\",$series}"
	check "$job: every clear of load" until_is "$clears" $LOAD
	expect_eq "$job: from 0 on" "$(query "min_over_time(${clears}[10m])")" 0
	expect_eq "$job: nothing ever fell" "$(query "resets(${clears}[10m])")" 0
	expect_match "$job: seen more than once" "$(query "changes(${clears}[10m])")" \
		'^([2-9]|1[0-9])$'
	expect_eq "$job: bytes" "$(query "zeroscope_cleared_bytes_total{job=\"$job\",$series}")" \
		$((LOAD * 2097152))
	# Of all that there is, and read by the kernel's counters a moment before or after.
	expect_between "$job: coverage, the kernel's own count" \
		"$(query "zeroscope_coverage_kernel_folios_total{job=\"$job\",what=\"thp\"} - ignoring(job) zeroscope_coverage_seen_folios_total{job=\"$job\",what=\"thp\"}")" -1 1
done
expect_eq "classic: the histogram's count" \
	"$(query "zeroscope_clear_duration_seconds_count{job=\"classic\",$series}")" $LOAD
expect_eq "native: the histogram's count" \
	"$(query "histogram_count(zeroscope_clear_duration_seconds{job=\"native\",$series})")" $LOAD

# of SNAPSHOT FILTER: of the series that load makes
of() {
	jq -r ".clears[] | select(.order == 9 and .page_kind == \"thp\" and .numa == \"local\") | $2" "$1"
}
for job in classic:10409 native:10410; do
	wget -q -O snapshot "http://127.0.0.1:${job#*:}/snapshot"
	$zs report --json --cumulative snapshot | tail -n 1 >"${job%:*}.json"
done
expect_eq "classic: the sum" \
	"$(query "zeroscope_clear_duration_seconds_sum{job=\"classic\",$series} * 1e9" | jq round)" \
	"$(of classic.json '.wall.sum * 1e9 | round')"
expect_eq "native: the sum" \
	"$(query "histogram_sum(zeroscope_clear_duration_seconds{job=\"native\",$series}) * 1e9" | jq round)" \
	"$(of native.json '.wall.sum * 1e9 | round')"
# Of 201 clears no quantile falls between two of them: newer versions count from above, and would
# take the upper one where the terminal takes the lower.
for q in 0.5 0.9 0.99; do
	# The power of two that the terminal's interval ends in, and the one below.
	hi=$(of classic.json ".wall.quantiles[\"$q\"][1] | log2 | ceil")
	expect_between "classic: quantile $q is in the terminal's interval, to a power of two" \
		"$(query "histogram_quantile($q, zeroscope_clear_duration_seconds_bucket{job=\"classic\",$series})")" \
		"$(jq -n "pow(2; $hi - 1)")" "$(jq -n "pow(2; $hi)")"
	expect_between "native: quantile $q is in the terminal's interval" \
		"$(query "histogram_quantile($q, zeroscope_clear_duration_seconds{job=\"native\",$series})")" \
		"$(of native.json ".wall.quantiles[\"$q\"][0] * (1 - 1e-9)")" \
		"$(of native.json ".wall.quantiles[\"$q\"][1] * (1 + 1e-9)")"
done
