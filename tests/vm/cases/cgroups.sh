# SPDX-License-Identifier: GPL-2.0-only
# Who pays: each group has the clears of its own tasks, a group that is gone keeps its name, and
# what finds no room in the table is in "other", so that the sum is still the count of all clears.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

CG=/sys/fs/cgroup

# load_in NAME ARGUMENT…: load in a group of that name; its clears of order 9
load_in() {
	mkdir -p "$CG/$1"
	(
		echo 0 >"$CG/$1/cgroup.procs"
		shift
		exec zeroscope load --json --kind thp "$@"
	) >load.json 2>load.err || diag "load in $1: $(cat load.err)"
	jq -r '.clears_expected["9"] // 0' load.json
}

# paid NAME FIELD
paid() {
	total "[.cgroups[] | select(.cgroup == \"$1\") | .$2] | add // 0"
}

mkdir -p "$CG/outer"
start_run -i 500ms || not_ok "run" "not attached"
a=$(load_in a --count 20)
b=$(load_in outer/b --count 33 --threads 2)
# In its name's place while it exists, and in the totals after.
gone=$(load_in gone --count 7)
sleep 2
rmdir "$CG/gone"
stop_run
expect_eq "a: count" "$(paid /a count)" "$a"
expect_eq "outer/b: count" "$(paid /outer/b count)" "$b"
expect_eq "outer/b: bytes" "$(paid /outer/b bytes)" $((b << 21))
expect_eq "outer: nothing of its own" "$(paid /outer count)" 0
expect_eq "gone: count" "$(paid /gone count)" "$gone"
expect_eq "groups add up to all clears" "$(total '[.cgroups[].count] | add')" "$(histogrammed)"
expect_eq "their times as well" \
	"$(total '(([.cgroups[].sum] | add) - ([.clears[].wall.sum] | add)) | fabs < 1e-6')" true
expect_eq "a maximum is one of the times" \
	"$(total '([.cgroups[].max_since_attach] | max) == ([.clears[].wall.max_since_attach.seconds // 0] | max)')" true

# More groups than the table has room for, on one processor.
start_run -i 60s || not_ok "run" "not attached"
i=0
while [ $i -lt 160 ]; do
	mkdir "$CG/many$i"
	i=$((i + 1))
done
i=0
while [ $i -lt 160 ]; do
	(
		echo 0 >"$CG/many$i/cgroup.procs"
		exec taskset 1 zeroscope load --json --kind thp --count 1
	) >>loads.json 2>load.err || not_ok "load $i" "$(cat load.err)"
	i=$((i + 1))
done
stop_run
want=$(jq -s 'map(.clears_expected["9"] // 0) | add' loads.json)
others=$(paid other count)
expect_eq "160 groups and other: all clears" \
	"$(total '[.cgroups[] | select(.cgroup | test("^/many|^other$")) | .count] | add')" "$want"
expect_eq "some found no room" "$([ "$others" -gt 0 ] && echo yes)" yes
diag "$(total '.cgroups | length') groups told apart, $others clears in other"
expect_eq "groups add up to all clears" "$(total '[.cgroups[].count] | add')" "$(histogrammed)"
