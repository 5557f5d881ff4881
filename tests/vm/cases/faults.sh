# SPDX-License-Identifier: GPL-2.0-only
# --fault-share: each fault in which a folio was cleared is timed, and clearing is a part of that
# time. Extents are told by no kernel as Debian builds it: said, with the reason.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

# faults ORDER FIELD
faults() {
	total "[.faults[]? | select(.order == $1) | .$2] | add // 0"
}

measure "THP" thp 9 "--fault-share" --kind thp --count 30 --threads 2
expect_eq "THP: each fault is timed" "$(faults 9 wall.count)" "$(counted thp 9)"
expect_eq "THP: clearing is a part of it" \
	"$(total '.faults[] | select(.order == 9) | .clear_share > 0.05 and .clear_share <= 1')" true
expect_eq "THP: a fault takes no less than its clear" \
	"$(total '([.faults[].wall.sum] | add) >= ([.clears[].wall.sum] | add)')" true

measure "hugetlb" hugetlb 9 "--fault-share" --kind hugetlb --count 20 --reserve
expect_eq "hugetlb: each fault is timed" "$(faults 9 wall.count)" "$(counted hugetlb 9)"

measure "kprobes" thp 9 "--fault-share --tier kprobe" --kind thp --count 30
expect_eq "kprobes: each fault is timed" "$(faults 9 wall.count)" "$(counted thp 9)"

measure "not asked for" thp 9 "" --kind thp --count 3
expect_eq "not asked for: null" "$(total .faults)" null
expect_eq "extents: not measured, never 0" "$(total .extents)" null
expect_eq "extents: the reason is told" \
	"$(total '[.probes[] | select(.name == "extents") | .attached == false and .reason != null] == [true]')" true
diag "extents: $(total '.probes[] | select(.name == "extents") | .reason')"
