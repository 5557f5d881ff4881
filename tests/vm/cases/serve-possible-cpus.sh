# SPDX-License-Identifier: GPL-2.0-only
# The exporter on a machine with room for 512 processors, of which two are there: its memory grows
# by no more than 4 KiB for each, and not at all from scrape to scrape.
# kernel: debian-6.1
# cmdline: init_on_alloc=0 possible_cpus=512
# memory: 2048
# timeout: 900
# files: build/zeroscope

ip link set lo up
grep -qs '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/false' >>/etc/passwd

# scrapes COUNT: then its memory in KiB is in $rss
scrapes() {
	n=0
	while [ $((n += 1)) -le "$1" ]; do
		wget -q -O metrics http://127.0.0.1:10409/metrics || return
	done
	# Counted page by page: VmRSS is off by up to 64 pages a thread before 6.2.
	rss=$(awk '$1 == "Rss:" { print $2 }' "/proc/$server/smaps_rollup")
}

possible=$(sed 's/.*-//' /sys/devices/system/cpu/possible)
if [ "$possible" -ne 511 ]; then
	skip_all "this kernel takes no more possible processors than it finds (0-$possible)"
fi
/usr/local/bin/zeroscope serve --series=full 2>serve.log &
server=$!
check "it starts" wait_for_line serve.log '^attached: '
zeroscope load --kind thp --count 64 --threads 2 >load.log || cat load.log
check "it answers" scrapes 10
early=$rss
check "and goes on to" scrapes 60
diag "$(grep -E '^(VmRSS|VmHWM|RssAnon|RssFile)' "/proc/$server/status" | tr -s '\n\t ' ' ')page by page: $early, then $rss kB"
expect_eq "counts are exact" "$(sed -n 's/^zeroscope_clears_total{order="9",page_kind="thp".*} //p' metrics)" 64
expect_between "8 MiB, and 4 KiB for each processor" "$rss" 1 $((8192 + 4 * 512))
# The heap's edge moves by some pages; one answer that is not freed is 50 KiB, 60 are 3 MiB.
expect_between "no more than after the first scrapes" $((rss - early)) -128 128
stop "$server" TERM
