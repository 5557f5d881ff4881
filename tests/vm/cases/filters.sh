# SPDX-License-Identifier: GPL-2.0-only
# Filters choose whose clears are counted, by what they are called where zeroscope runs: a container
# has other process ids, and sees a part of the hierarchy of cgroups alone.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: /usr/bin/jq /usr/bin/unshare tests/vm/guest/measure.sh
. /root/measure.sh

UNSHARE=/usr/bin/unshare

echo always >"$THP/enabled"

# prepare NAME: a process, its id in NAME.pid, that waits for the file go and then has 32 clears of
# order 9; the buffer is written once, by the kernel
prepare() {
	rm -f "$1.pid"
	sh -c "echo \$\$ >$1.pid
		until [ -e go ]; do usleep 50000; done
		exec dd if=/dev/zero of=/dev/null bs=64M count=1" 2>/dev/null &
	until [ -s "$1.pid" ]; do usleep 50000; done
}

# Of the last run's clears, by order
by_order() {
	total '[.clears[] | "\(.order):\(.count)"] | sort | join(" ")'
}

rm -f go
prepare one
one=$!
prepare two
prepare three
three=$!
start_run -p "$(cat one.pid)" -p "$(cat three.pid)" || not_ok "--pid" "not attached"
touch go
wait $one $three
stop_run
expect_eq "--pid: the clears of two processes of three" "$(by_order)" 9:64
expect_eq "--pid: coverage is of all" "$(total '.clears_total >= 64')" true

rm -f go
prepare one
one=$!
start_run --comm dd || not_ok "--comm" "not attached"
touch go
wait $one
zeroscope load --kind thp --count 5 >/dev/null
stop_run
expect_eq "--comm: only that name" "$(by_order)" 9:32

start_run --min-order 5 || not_ok "--min-order" "not attached"
zeroscope load --kind mthp --order 4 --count 7 >/dev/null
zeroscope load --kind mthp --order 5 --count 9 >/dev/null
stop_run
expect_eq "--min-order: the larger ones" "$(by_order)" 5:9
expect_eq "--min-order: coverage is of all" \
	"$(total '.coverage[] | select(.what == "mthp-64kB") | .seen')" 7

# Containers: each case is a script that runs there, and leaves totals.json here.
cat >in-pid-namespace.sh <<'END'
. /root/measure.sh
rm -f go
sh -c 'echo $$ >inner.pid
	until [ -e go ]; do usleep 50000; done
	exec dd if=/dev/zero of=/dev/null bs=64M count=1' 2>/dev/null &
inner=$!
until [ -s inner.pid ]; do usleep 50000; done
start_run -p "$(cat inner.pid)" || exit
touch go
wait $inner
stop_run
END
rm -f totals.json inner.pid
$UNSHARE --pid --fork --mount-proc sh in-pid-namespace.sh
expect_between "in a PID namespace: the id is small" "$(cat inner.pid)" 2 10
expect_eq "in a PID namespace: --pid is an id of that namespace" "$(by_order)" 9:32
expect_eq "in a PID namespace: and shown as that" "$(total '.filters.pid[0]')" "$(cat inner.pid)"

cat >in-cgroup-namespace.sh <<'END'
. /root/measure.sh
mount -t cgroup2 none /sys/fs/cgroup
start_run -c /measured || exit
load_in_cgroup --kind thp --count 6
zeroscope load --kind thp --count 5 >/dev/null
stop_run
zeroscope record -o command.zs -- zeroscope load --kind thp --count 4 >command.log 2>&1
END
rm -f totals.json
mkdir -p /sys/fs/cgroup/outer/container
(
	echo 0 >/sys/fs/cgroup/outer/container/cgroup.procs
	exec $UNSHARE --cgroup --mount sh in-cgroup-namespace.sh
)
expect_eq "in a cgroup namespace: --cgroup is a path there" "$(by_order)" 9:6
expect_eq "in a cgroup namespace: record measures its command" \
	"$(zeroscope report --json command.zs | jq -s '[.[].clears[]?.count] | add')" 4
rmdir /sys/fs/cgroup/outer/container/measured /sys/fs/cgroup/outer/container /sys/fs/cgroup/outer

# No hierarchy: said, and what would help.
cat >without-cgroups.sh <<'END'
umount /sys/fs/cgroup
zeroscope run -c /a -d 1s 2>err
END
check_status "without cgroups: status" 1 $UNSHARE --mount sh without-cgroups.sh
expect_match "without cgroups: the sentence" "$(cat err)" 'no version 2 hierarchy .*mount -t cgroup2'
