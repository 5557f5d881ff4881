# SPDX-License-Identifier: GPL-2.0-only
# An independent tracer on the same function in the same run: ftrace's function graph sees
# the same calls, and, with a clock that counts instructions, the sum of durations agrees within
# two percent once each tracer's own cost inside of the other's measurement is taken off.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# icount: yes
# memory: 1024
# timeout: 900
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

tracing=/sys/kernel/debug/tracing
function=folio_zero_user
kernel_has $function || function=clear_huge_page

# graphed: "calls total_us" of the function, from the lines of the function graph tracer
graphed() {
	awk -v f="$function" '
		index($0, f "()") || index($0, "/* " f " */") {
			for (i = 2; i <= NF; i++)
				if ($i == "us") { us += $(i - 1); calls++ }
		}
		END { printf "%d %.0f\n", calls, us }' $tracing/trace
}

# together KIND ORDER COUNT: calls_ftrace us_ftrace calls_zeroscope us_zeroscope
together() {
	echo nop >$tracing/current_tracer
	echo $function >$tracing/set_ftrace_filter
	start_run --no-gaps || { not_ok "attach" "$(cat run.err)"; return 1; }
	echo function_graph >$tracing/current_tracer
	echo >$tracing/trace
	zeroscope load --json --kind "$1" --order "$2" --count "$3" >load.json 2>load.err ||
		diag "$(cat load.err)"
	echo 0 >$tracing/tracing_on
	stop_run
	echo "$(graphed) $(total '[.clears[].wall.count] | add') $(total '[.clears[].wall.sum] | add * 1e6 | floor')"
	echo nop >$tracing/current_tracer
	echo 1 >$tracing/tracing_on
}

if ! grep -qw function_graph $tracing/available_tracers; then
	skip "function graph" "this kernel has no function_graph tracer"
else
	# shellcheck disable=SC2046 # four numbers
	set -- $(together thp 9 48)
	diag "$function, THP: ftrace $1 calls $2 us, zeroscope $3 calls $4 us"
	expect_eq "the same number of calls" "$1" "$3"
	expect_eq "as many as load had" "$3" "$(jq '.clears_expected["9"]' load.json)"
	# What one tracer adds to the other's time is the same for a small folio and a large one.
	cost=0
	if [ -d $THP/hugepages-16kB ]; then
		thp_calls=$1 thp_ftrace=$2 thp_zeroscope=$4
		# shellcheck disable=SC2046
		set -- $(together mthp 2 200)
		diag "$function, 16 KiB: ftrace $1 calls $2 us, zeroscope $3 calls $4 us"
		expect_eq "16 KiB: the same number of calls" "$1" "$3"
		cost=$(awk -v f="$2" -v z="$4" -v n="$1" -v m="$thp_calls" 'BEGIN { printf "%d", (f - z) / n * m }')
		set -- "$thp_calls" "$thp_ftrace" "$thp_calls" "$thp_zeroscope"
	fi
	diag "cost of one tracer in the other, $1 calls: $cost us"
	check "the sums agree within two percent" \
		awk -v f="$2" -v z="$4" -v c="$cost" 'BEGIN { d = (f - c - z) / z; exit !(d < 0.02 && d > -0.02) }'
fi
