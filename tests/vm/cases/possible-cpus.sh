# SPDX-License-Identifier: GPL-2.0-only
# A machine with room for 512 processors, of which two are there: the maps stay inside of their
# budget, as the kernel accounts them too, and counts are exact.
# kernel: debian-6.1
# cmdline: init_on_alloc=0 possible_cpus=512
# memory: 2048
# timeout: 900
# files: /usr/bin/jq /usr/sbin/bpftool tests/vm/guest/measure.sh
. /root/measure.sh

bpftool=/usr/sbin/bpftool

possible=$(sed 's/.*-//' /sys/devices/system/cpu/possible)
if [ "$possible" -ne 511 ]; then
	skip_all "this kernel takes no more possible processors than it finds (0-$possible)"
fi
others=$($bpftool -j map show | jq '[.[].bytes_memlock] | add // 0')
start_run -c /measured || { not_ok "run" "not attached"; exit; }
accounted=$($bpftool -j map show | jq "([.[].bytes_memlock] | add // 0) - $others")
# Where there is no mTHP the counters are half of what they may be: the sum alone would not tell.
expect_eq "an area of counters for each possible processor" \
	"$($bpftool -j map show name areas | jq -c 'if type == "array" then .[0] else . end |
		[.max_entries, .bytes_value <= 131072]')" '[512,true]'
load_in_cgroup --kind thp --count 64 --threads 2
expect_eq "load" $? 0
stop_run
expect_eq "run ends well" $run_status 0
bytes=$(total .self.map_bytes)
diag "map memory: $bytes bytes as told, $accounted as accounted by the kernel, $((accounted / 512)) a processor"
expect_between "map memory is 64 MiB at most" "$accounted" 1 $((64 << 20))
expect_between "and as the tool tells" "$bytes" "$accounted" "$accounted"
expect_eq "count" "$(counted thp 9)" "$(jq -r '.clears_expected["9"]' load.json)"
expect_eq "each has both ends" "$(histogrammed)" "$(counted thp 9)"
expect_eq "nothing lost" "$(lost)" 0
expect_eq "coverage has no hole" \
	"$(total '[.coverage[] | select(.what == "thp") | .kernel == .seen] | all')" true
