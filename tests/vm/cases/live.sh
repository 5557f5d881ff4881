# SPDX-License-Identifier: GPL-2.0-only
# The live view on a terminal of its own, while load runs: an interval that is frozen has the rows
# of counts that `report --json` finds in what the key w wrote of it, and the totals are load's own
# count and those of a `run --json` beside it.
# cmdline: init_on_alloc=0
# memory: 2048
# files: /usr/bin/jq tests/vm/guest/measure.sh /usr/bin/tmux /usr/lib/locale/C.utf8 /lib/terminfo/t/tmux-256color
. /root/measure.sh

export LC_ALL=C.UTF-8

tmux_() {
	tmux -S "$PWD/socket" -f /dev/null "$@"
}

screen() {
	tmux_ capture-pane -t live: -p
}

keys() {
	tmux_ send-keys -t live: "$@"
}

# shows PATTERN: waits until a line of the screen matches; what it was is in the file "screen"
shows() {
	tries=0
	until screen >screen && grep -Eq -e "$1" screen; do
		tries=$((tries + 1))
		[ $tries -lt 240 ] || { echo "no line matches '$1':"; cat screen; return 1; }
		usleep 500000
	done
}

# Upper bound in seconds ("inf" above all) and count of each row of the histogram, upwards; rows
# without a count have 0. Of 64 columns there are none for rates and the heat map.
rows() {
	awk 'function seconds(number, unit) {
			return number * (unit == "s" ? 1 : unit == "ms" ? 1e-3 : unit == "us" ? 1e-6 : 1e-9)
		}
		match($0, /^ *(>|<=)?[0-9.]+[ a-z]*(-[0-9.]+ [a-z]+)?/) && / [nmu]?s( |$)/ {
			n = split(substr($0, 1, RLENGTH), word, /[ >=<-]+/)
			while (word[n] == "")
				n--
			bound = /^ *>/ ? "inf" : seconds(word[n - 1], word[n])
			print bound, $NF ~ /^[0-9.]+%$/ ? $(NF - 1) : 0
		}' "$1" | awk '{ line[NR] = $0 } END { for (; NR; NR--) print line[NR] }'
}

# project ROWS: the buckets of JSON on standard input as such rows. A bucket is 4.4 % wide, and a
# bound on the screen has three digits.
project() {
	jq -r '.clears[]?.wall.buckets[] | "\(.[0]) \(.[1])"' |
		awk 'FNR == NR { bound[++n] = $1; next }
			{ for (i = 1; i < n && bound[i] != "inf" && $1 > bound[i] * 1.01; i++);
			  count[i] += $2 }
			END { for (i = 1; i <= n; i++) print bound[i], count[i] + 0 }' "$1" -
}

# same_rows NAME: what stands on the screen, and what the key w wrote of it
same_rows() {
	rows screen >rows
	zeroscope report --json "$(sed -n 's/^wrote \(.*\.zs\).*/\1/p' screen)" >written.json
	project rows <written.json >expected
	expect_eq "$1: the rows are those of --json" "$(cat rows)" "$(cat expected)"
	diag "$1: $(in_rows rows) clears in $(wc -l <rows) rows"
}

# in_rows FILE: the sum of its counts
in_rows() {
	awk '{ n += $2 } END { print n + 0 }' "$1"
}

by_order() {
	jq -c '[.clears[] | {order, page_kind, count, bytes}] | sort_by(.order)' "$1"
}

start_run -c /measured -i 200ms || not_ok "run --json" "not attached"
tmux_ new-session -d -s live -x 64 -y 40 \
	'TERM=tmux-256color zeroscope run --ascii -c /measured -i 1s --ready-fd 3 3>ready; echo $? >status; exec cat'
check "the live view is attached" wait_for_line ready '^attached:' 120
check "it waits" shows 'Waiting for the first'

load_in_cgroup --kind mthp --order 4 --count 800 --threads 2 --rate 50 &
loading=$!
check "it shows clears" shows '^p50 '
keys Space
check "it is frozen" shows 'interval.*FROZEN'
keys w
check "the interval is written" shows '^wrote '
same_rows "an interval"
expect_between "an interval: some of load's clears" "$(in_rows rows)" 1 799
keys Space
wait $loading
expect_eq "load ends well" $? 0
load_in_cgroup --kind thp --count 40 || not_ok "load" "$(cat load.err)"

# Both have all of them, and then their last word.
keys t
shows_all() {
	tries=0
	until shows 'since start' && rows screen >rows && [ "$(in_rows rows)" -ge 840 ]; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || { cat screen; return 1; }
		sleep 1
	done
}
check "the totals come" shows_all
keys Space
check "the totals are frozen" shows 'since start.*FROZEN'
keys w
check "the totals are written" shows '^wrote '
same_rows "totals"
stop_run
expect_eq "totals: load's own count" "$(in_rows rows)" 840
expect_eq "totals: those of run --json beside it" "$(histogrammed)" 840
expect_eq "nothing was lost" "$(lost)" 0
expect_eq "totals: by order, as run --json counts them" "$(by_order written.json)" \
	"$(by_order totals.json)"
keys q
check "q ends it" wait_for_line status '^0$'
tmux_ kill-server
