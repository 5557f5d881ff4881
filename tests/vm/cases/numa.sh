# SPDX-License-Identifier: GPL-2.0-only
# Clears of local and of remote memory are told apart, by the CPU at entry and the folio's node.
# cmdline: init_on_alloc=0
# memory: 1536
# numa: 2
# smp: 2
# timeout: 600
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

for cpu in 0 1; do
	for node in 0 1; do
		start_run -c /measured || not_ok "attach" "$(cat run.err)"
		# busybox's taskset takes a mask
		(
			echo 0 >"$measure_cgroup/cgroup.procs"
			exec taskset $((1 << cpu)) zeroscope load --json --kind thp --count 24 --node $node
		) >load.json 2>load.err
		expect_eq "CPU $cpu, node $node: load" $? 0
		stop_run
		where=remote other=local
		[ $cpu -eq $node ] && where=local other=remote
		expect_eq "CPU $cpu, node $node: $where" \
			"$(total "[.clears[] | select(.order == 9 and .numa == \"$where\") | .count] | add // 0")" 24
		expect_eq "CPU $cpu, node $node: none $other" \
			"$(total "[.clears[] | select(.order == 9 and .numa == \"$other\") | .count] | add // 0")" 0
		expect_eq "CPU $cpu, node $node: the maximum's node" \
			"$(total '.clears[] | select(.order == 9) | .wall.max.node')" $node
		expect_eq "CPU $cpu, node $node: the node that paid" \
			"$(total '.nodes | map([.node, .count] | join(":")) | join(" ")')" "$node:24"
	done
done
