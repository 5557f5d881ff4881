# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# In the guest: four threads fault 16 KiB folios as fast as they can, beside zeroscope by each of
# the tiers given. A line of a table for each: clears that happened, and those not in a histogram.
# shellcheck source=tests/vm/guest/lib.sh
. /usr/lib/tests/lib.sh

ulimit -l unlimited
echo madvise >"$THP/enabled"
echo madvise >"$THP/hugepages-16kB/enabled"
for tier; do
	zeroscope run --json --cumulative -i 1h --tier "$tier" >out.json 2>err &
	pid=$!
	wait_for_line err '^attached:' 600
	zeroscope load --kind mthp --order 2 --count 100000 --threads 4 >/dev/null
	kill -INT $pid
	wait $pid
	tail -n 1 out.json | jq -r --arg kernel "$(uname -r)" '
		([.clears[].wall.count] | add) as $seen | ([.loss[] | numbers] | add) as $lost |
		(.probes[] | select(.name == "folio_zero_user") | .tier) as $tier |
		"| \($kernel) | \(.kernel.preempt_model) | \($tier) | \($seen + $lost) | \($lost) | " +
		"\($lost / ($seen + $lost) * 1000000 | round) in a million |"'
done
