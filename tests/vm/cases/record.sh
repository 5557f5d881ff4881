# SPDX-License-Identifier: GPL-2.0-only
# A recording of a real run: report makes of it what was shown while it was made, and a recording of
# a command holds that command's clears and ends with it.
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 900
# files: /usr/bin/jq

# The group of its own needs somewhere to be.
mkdir -p /sys/fs/cgroup
[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup

zeroscope record -i 500ms -o live.zs --json >live.json 2>live.err &
recorder=$!
wait_for_line live.err '^attached:' 120 || cat live.err
zeroscope load --json --kind thp --count 24 --threads 2 >load.json
zeroscope load --read --count 4 >/dev/null
sleep 1
stop $recorder
expect_eq "record ends well" $? 0
check "report reads it" sh -c 'zeroscope report --json live.zs >report.json'
check "several intervals" test "$(wc -l <live.json)" -ge 3
check "report --json is what was shown live, field by field" cmp live.json report.json
expect_eq "it holds the clears of the workload" \
	"$(jq -s '[.[].clears[]? | select(.order == 9) | .count] | add >= 24' live.json)" true

# As many intervals as fit, and no stub of one where the last tick and the end fall together.
zeroscope record -i 2s -d 4s -o short.zs 2>short.err
expect_between "4 s of 2 s intervals" "$(zeroscope report --json short.zs | wc -l)" 1 2

# Cut off anywhere in its last intervals, it is what it was up to there.
size=$(stat -c %s live.zs)
bad=0
at=$((size - 400))
while [ $at -lt "$size" ]; do
	head -c $at live.zs >cut.zs
	zeroscope report --json cut.zs >cut.json 2>cut.err || bad=$((bad + 1))
	whole=$(wc -l <cut.json)
	head -n "$whole" live.json >begin.json
	cmp -s cut.json begin.json || bad=$((bad + 1))
	grep -q 'ends early' cut.err || bad=$((bad + 1))
	at=$((at + 23))
done
expect_eq "cut off, it is read up to its last whole interval" $bad 0
expect_between "of which few are missing" "$whole" $(($(wc -l <live.json) - 1)) "$(wc -l <live.json)"

# Beside a workload that is not its own.
(while :; do zeroscope load --kind thp --count 8; done) >/dev/null 2>&1 &
other=$!
zeroscope record -o command.zs --json -- \
	sh -c 'zeroscope load --json --kind thp --count 40 >command.load; echo done' \
	>command.json 2>command.err
expect_eq "record -- COMMAND" $? 0
expect_match "what the command prints is not between the intervals" "$(cat command.err)" '^done$'
expect_eq "it holds the command's clears, and those of its children" \
	"$(jq -s '[.[].clears[]? | .count] | add' command.json)" \
	"$(jq '[.clears_expected[]] | add' command.load)"
expect_eq "of all that there were" \
	"$(jq -s '([.[].clears_total] | add) >= ([.[].clears[]? | .count] | add)' command.json)" true
kill $other
# What the kernel counts after the end is no hole: more threads than processors, so that there is
# always a clear to wait for.
(while :; do zeroscope load --kind thp --count 96 --threads 6; done) >/dev/null 2>&1 &
other=$!
zeroscope run --json --cumulative -i 500ms -d 2s >ends.json 2>ends.err
expect_eq "a workload that goes on leaves no hole at the end" \
	"$(tail -n 1 ends.json | jq -c '[.coverage[] | select(.what == "thp") | .kernel > 0, ((.reason // "") | test("^$|more were cleared"))]')" \
	'[true,true]'
kill $other
expect_eq "no group is left" "$(find /sys/fs/cgroup -name 'zeroscope-*')" ""
check_status "a command that fails" 1 zeroscope record -o failed.zs -- sh -c 'exit 3'
check "is recorded all the same" sh -c 'zeroscope report failed.zs >/dev/null'
check_status "a command that there is not" 1 zeroscope record -o none.zs -- /nonexistent
