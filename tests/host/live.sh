#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# The live view on a terminal, as people see it: in tmux, with the recording of docs/live-view/.
# The screens kept there are compared; LIVE_UPDATE=1 writes them anew. Whatever ends the tool, the
# terminal is as it was before.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

zeroscope=$top/build/zeroscope
screens=$top/docs/live-view
[ -x "$zeroscope" ] || skip_all "build/zeroscope is not built"
command -v tmux >/dev/null || skip_all "there is no tmux"

work=$(mktemp -d)
trap 'tmux_ kill-server 2>/dev/null; rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM TMUX

tmux_() {
	tmux -u -S "$work/tmux" -f /dev/null "$@"
}

# A recording plays so slowly that it stands still, and is moved by keys.
cp "$screens/busy.zs" "$work"
PLAY="exec $zeroscope report --play --speed 0.01 busy.zs"

# open COLUMNSxROWS COMMAND: a terminal with a shell that runs the command. The shell says when it
# is done, and does not touch the terminal's settings as one with line editing would.
open() {
	# One server for all: a new one may meet the old one's end.
	rm -f "$work/status" "$work/before" "$work/after"
	printf '%s\n' "$2" >"$work/command"
	cat >"$work/shell" <<-END
		cd $work
		stty -a >before
		bash command
		echo \$? >status
		stty -a >after
		exec cat
	END
	tmux_ kill-session -t live 2>/dev/null
	tmux_ new-session -d -s live -x "${1%x*}" -y "${1#*x}" "TERM=tmux-256color exec bash $work/shell" \; \
		set -g status off \; resize-window -x "${1%x*}" -y "${1#*x}"
}

keys() {
	tmux_ send-keys -t live: "$@"
}

screen() {
	tmux_ capture-pane -t live: -p "$@"
}

# shows PATTERN: waits until a line of the screen matches it
shows() {
	local tries

	for ((tries = 0; tries < 300; tries++)); do
		grep -Eq -e "$1" <<<"$(screen)" && return 0
		sleep 0.1
	done
	echo "no line matches '$1':"
	screen
	return 1
}

# hides PATTERN: waits until no line of the screen matches it
hides() {
	local tries

	for ((tries = 0; tries < 300; tries++)); do
		grep -Eq -e "$1" <<<"$(screen)" || return 0
		sleep 0.1
	done
	echo "a line matches '$1':"
	screen
	return 1
}

# ended STATUS: waits until the tool has ended like that, with the terminal as it was before
ended() {
	local tries

	for ((tries = 0; tries < 600; tries++)); do
		[ -s "$work/status" ] && [ -s "$work/after" ] && break
		sleep 0.1
	done
	terminal_restored && echo "status $(cat "$work/status"), expected $1" &&
		[ "$(cat "$work/status")" = "$1" ]
}

terminal_restored() {
	local state tries

	for ((tries = 0; tries < 50; tries++)); do
		state=$(tmux_ display -t live: -p '#{alternate_on} #{cursor_flag} #{keypad_flag}')
		[ "$state" != "0 1 0" ] || break
		sleep 0.1
	done
	echo "alternate screen, cursor, keypad: $state"
	diff "$work/before" "$work/after" && [ "$state" = "0 1 0" ]
}

# At the 45th interval, when all kinds of clears are in sight, and gaps.
to_the_middle() {
	shows "playing|PAUSED" && keys -N 44 . && shows "PAUSED 18:36:47"
}

# golden NAME [OPTION…]: the screen is the one that is kept, or soon becomes it
golden() {
	local name=$1 tries

	shift
	if [ "${LIVE_UPDATE-}" = 1 ]; then
		sleep 2
		screen "$@" >"$screens/$name"
		return 1
	fi
	for ((tries = 0; tries < 100; tries++)); do
		screen "$@" >"$work/screen"
		cmp -s "$screens/$name" "$work/screen" && return 0
		sleep 0.1
	done
	diff -u "$screens/$name" "$work/screen"
}

open_at_the_middle() {
	open "$1" "$2" && to_the_middle
}

# press_all KEY… PATTERN
press_all() {
	keys "${@:1:$#-1}" && shows "${!#}"
}
# Keeps the server when a terminal is closed.
tmux_ new-session -d -s keep "exec cat"
check "plays at 200x60" open_at_the_middle 200x60 "$PLAY"
check "shows what is kept at 200x60" golden 200x60.txt
check "plays at 80x24" open_at_the_middle 80x24 "$PLAY"
check "shows what is kept at 80x24" golden 80x24.txt
# The other metrics that this recording has, of the same interval.
check "shows gaps" press_all m m "^ gaps  all orders"
check "shows the gaps that are kept" golden gaps.txt
check "shows extents" press_all m m "^ extents  all orders"
check "shows the extents that are kept" golden extents.txt
check "shows holds" press_all m t "^ zero folio holds  all orders  since start"
check "shows the holds that are kept" golden holds.txt
check "goes back" press_all t m m "^ clear wall time"
tmux_ resize-window -t live: -x 120 -y 32
check "shows the colours that are kept" golden 120x32.ansi -e
tmux_ resize-window -t live: -x 40 -y 10
check "shows what is kept at 40x10" golden 40x10.txt
check "plays with NO_COLOR" open_at_the_middle 80x24 "export NO_COLOR=1; $PLAY"
check "shows what is kept without colours" golden no-color.txt
no_colours() {
	! screen -e | grep -P '\e\[[0-9;]*(3[0-8]|4[0-8])[;m]'
}
check "there are no colours then" no_colours

# The colours that a terminal has, as terminfo says it; COLORTERM alone makes 24 bits of a terminal
# that has a description with them.
colours() {
	screen -e | grep -oP '\e\[[0-9;:]*m' | tr -d '\033[m' | tr ':' ';' | sort -u
}
# in_colours ENVIRONMENT PATTERN: of all colours that are set, each matches, and there are some
in_colours() {
	open_at_the_middle 120x32 "export $1; $PLAY" || return
	colours >"$work/colours"
	cat "$work/colours"
	# 38 and 48 take more numbers, the rest are the eight colours and their bright ones.
	grep -E '^(0;|1;)*(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;|$)' "$work/colours" >"$work/set"
	if [ -z "$2" ]; then
		[ ! -s "$work/set" ]
	else
		[ -s "$work/set" ] && ! grep -Evq -e "$2" "$work/set"
	fi
}
# The legend's colours from left to right become lighter and lighter, for those who see no hue.
lighter_and_lighter() {
	screen -e | grep 'a cell' | python3 -c '
import re, sys
sys.path.insert(0, sys.argv[1])
steps = [0, 95, 135, 175, 215, 255]
def rgb(text):
    kind, *numbers = [int(n) for n in re.split("[;:]", text) if n]
    if kind == 2:
        return numbers
    n = numbers[0] - 16
    return [steps[n // 36], steps[n // 6 % 6], steps[n % 6]]
light = [sum(w * (c / 255) ** 2.2 for w, c in zip((0.2126, 0.7152, 0.0722), rgb(text)))
         for text in re.findall(r"\[[0-9;]*48[;:](2[;:][0-9;:]+|5[;:][0-9]+)", sys.stdin.read())]
print(light)
sys.exit(len(light) < 8 or light != sorted(set(light)))
' "$screens"
}
few='^(0;|1;)*(3[0-7]|4[0-7])$'
check "24-bit colours of a terminal that has them" in_colours TERM=tmux-direct \
	'^(0;|1;)*([34]8;2;|3[136]$)'
check "24-bit colours from dark to light" lighter_and_lighter
check "24-bit colours by COLORTERM" in_colours COLORTERM=truecolor '^(0;|1;)*([34]8;2;|3[136]$)'
check "256 colours" in_colours TERM=tmux-256color '^(0;|1;)*([34]8;5;|3[136]$)'
check "256 colours from dark to light" lighter_and_lighter
check "256 colours where COLORTERM says more than terminfo knows" \
	in_colours 'TERM=screen-256color COLORTERM=truecolor' '^(0;|1;)*([34]8;5;|3[136]$)'
check "16 colours" in_colours TERM=xterm-16color "$few"
check "8 colours" in_colours TERM=tmux "$few"
check "no colours" in_colours TERM=vt100 ""
check "no colours where they are not wanted" in_colours 'TERM=tmux-direct NO_COLOR=1' ""

check "plays in a locale without UTF-8" open_at_the_middle 80x24 "export LC_ALL=C; $PLAY"
check "shows what is kept in ASCII" golden ascii.txt
only_ascii() {
	! screen | LC_ALL=C grep -P '[^\x00-\x7f]'
}
check "there is nothing but ASCII then" only_ascii

# Every key, and what it is seen to do.
check "plays for the keys" open_at_the_middle 80x24 "$PLAY"
press() {
	keys "$1" && shows "$2"
}
while IFS='|' read -r key pattern; do
	check "key $key: $pattern" press "$key" "$pattern"
done <<'END'
.|PAUSED 18:36:48
t|since start
s|order 9 \(2 MiB\)
Down|order 4 \(64 KiB\)
Up|order 9 \(2 MiB\)
j|order 4 \(64 KiB\)
k|order 9 \(2 MiB\)
s|clear wall time  (thp|mthp|hugetlb)
s|by node
s|by cgroup
s|all orders
Tab|clear on-CPU time
BTab|clear wall time
m|clear on-CPU time
M|clear wall time
l|log scale
h|this help
?|log scale
r|PAUSED
.|since reset
C-l|since reset
w|wrote zeroscope-20261121-183649.zs
t|interval
Home|playing ×0.01 18:36:03
+|playing ×0.1
=|playing ×0.25
-|playing ×0.1
Space|PAUSED
.|PAUSED 18:36:0
Space|playing
0|playing ×0.1 18:36:0
END
check "what was written can be read" grep -q '"clears_total"' \
	<("$zeroscope" report --json "$work/zeroscope-20261121-183649.zs")
each_key_in_help_was_pressed() {
	keys h && shows "this help" || return
	# Every name of the help's first column, against the table above.
	screen | sed -n '2,$p' | awk '{ print $1 }' | sort -u >"$work/named"
	printf '%s\n' q h Tab S-Tab s Down Up Space . Home + - l t r w Ctrl-L | sort -u |
		diff - <(grep . "$work/named")
}
check "the help names these keys and no others" each_key_in_help_was_pressed
keys q
check "q ends it" ended 0

end_is_shown() {
	open 80x24 "$zeroscope report --play --speed 1000000 busy.zs" &&
		shows "END 18:37:32" && shows "interval 37.2 ms"
}
check "a recording is played to its end" end_is_shown
keys C-c
check "Ctrl-C ends it" ended 0

# Sizes: too small a one is said, and many changes in a row end with the right screen.
check "plays for other sizes" open_at_the_middle 80x24 "$PLAY"
tmux_ resize-window -t live: -x 39 -y 24
check "too narrow a terminal is told" shows "needs 40x10, has 39x24"
tmux_ resize-window -t live: -x 80 -y 9
check "too low a terminal is told" shows "needs 40x10, has 80x9"
storm() {
	local i

	for ((i = 0; i < 60; i++)); do
		tmux_ resize-window -t live: -x $((20 + RANDOM % 200)) -y $((3 + RANDOM % 60)) || return
	done
	tmux_ resize-window -t live: -x 80 -y 24
	shows "^q quit" && shows "PAUSED 18:36:47"
}
check "survives a storm of sizes" storm
check "and shows what is kept at 80x24" golden 80x24.txt

# Suspended by key, as a shell with job control sees it.
tool() {
	pgrep -nf "^$zeroscope report --play --speed 0.01"
}
suspend_and_resume() {
	open 80x24 "set -m; $zeroscope report --play --speed 0.01 busy.zs; stty -a >stopped; echo stopped; read -r; fg" &&
		to_the_middle && keys C-z && shows "stopped" && hides "PAUSED" &&
		diff "$work/before" "$work/stopped" && keys Enter && shows "PAUSED 18:36:47" &&
		golden 80x24.txt && keys q && ended 0
}
check "is suspended and resumed by the shell" suspend_and_resume

stop_and_continue() {
	open_at_the_middle 80x24 "$PLAY" && kill -STOP "$(tool)" && tmux_ resize-window -t live: -x 100 -y 30 &&
		tmux_ resize-window -t live: -x 80 -y 24 && kill -CONT "$(tool)" && keys h && shows "this help" &&
		keys h && shows "^q quit" && golden 80x24.txt
}
check "is stopped and continued by signals" stop_and_continue

# cost PID SECONDS: what it uses in that time: ns of CPU, and bytes that it writes
cost() {
	local cpu bytes

	read -r cpu _ <"/proc/$1/schedstat"
	bytes=$(awk '/^wchar/ { print $2 }' "/proc/$1/io")
	sleep "$2"
	awk -v cpu="$cpu" '{ print $1 - cpu }' "/proc/$1/schedstat"
	awk -v bytes="$bytes" '/^wchar/ { print $2 - bytes }' "/proc/$1/io"
}
idle_costs_nothing() {
	local spent

	spent=$(cost "$(tool)" 3 | paste -s -d ' ')
	diag "at rest, in 3 s: ${spent% *} ns of CPU, ${spent#* } bytes written"
	[ "${spent#* }" = 0 ] && [ "${spent% *}" -le 10000000 ]
}
check "costs nothing while it stands still" idle_costs_nothing

# signal NAME STATUS: ends by it with the terminal restored
signal() {
	open_at_the_middle 80x24 "ulimit -c 0; $PLAY" && kill -"$1" "$(tool)" && ended "$2"
}
for end in TERM:0 HUP:0 INT:0 SEGV:139 ABRT:134 QUIT:131; do
	check "SIG${end%:*} leaves the terminal as it was" signal "${end%:*}" "${end#*:}"
done

one_sentence() {
	open 80x24 "export TERM=nobody-has-this; exec 2>err; $PLAY"
	ended 1 && cat "$work/err" && [ "$(wc -l <"$work/err")" = 1 ] &&
		grep -q 'nobody-has-this.*terminfo' "$work/err"
}
check "an unknown terminal is one sentence" one_sentence
in_a_pipe() {
	"$zeroscope" report --play "$screens/busy.zs" </dev/null >"$work/out" 2>"$work/err"
	[ $? = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ]
}
check "no terminal is one sentence" in_a_pipe
damaged() {
	head -c 6000 "$screens/busy.zs" >"$work/damaged.zs"
	printf 'X' | dd of="$work/damaged.zs" bs=1 seek=5000 conv=notrunc status=none
	open 80x24 "$zeroscope report --play --speed 1000000 damaged.zs 2>err"
	ended 1 && cat "$work/err" && grep -q 'damaged.zs is damaged' "$work/err"
}
check "a damaged recording is one sentence" damaged

# Not every machine has IPv6.
more_addresses=()
[ ! -e /proc/net/if_inet6 ] || more_addresses=(--web.listen-address '[::1]:0')
# An exporter, which serves the recording: the same view without privileges.
serve() {
	rm -f "$work/ready" "$work/socket"
	# The last of the recording's 89 intervals is there as soon as it listens.
	"$zeroscope" serve --replay "$1" --web.listen-address "unix:$work/socket" \
		--web.listen-address 127.0.0.1:0 "${more_addresses[@]}" \
		--ready-fd 3 3>"$work/ready" 2>"$work/serve.err" &
	exporter=$!
	wait_for_line "$work/ready" . || cat "$work/serve.err"
}
exporter=
trap '[ -z "$exporter" ] || kill "$exporter"; tmux_ kill-server 2>/dev/null; rm -rf "$work"' EXIT
connects() {
	serve "$screens/busy.zs"
	open 80x24 "exec $zeroscope run --connect unix:$work/socket -i 100ms"
	shows "unix:|preempt=voluntary" && shows "clears/s"
}
check "shows an exporter" connects
check "t shows its totals" press t "since start"
check "and back" press t "interval"
check "Space freezes it" press Space "FROZEN"
thaws() {
	keys Space && hides "FROZEN"
}
check "and lets it go on" thaws
# From 100 ms to 2 s: the recording has an interval a second.
check "+ makes intervals longer" press + "clears/s"
keys -N 3 +
check "as the title says" shows "interval (1\.[89]|2\.[0-4]).* s"
check "- makes them shorter" press - "interval (9[0-9][0-9] ms|1\.[0-4].* s)"
exporter_goes() {
	stop "$exporter" TERM
	exporter=
	shows "NO ANSWER" && shows "exporter does not answer: .*trying again"
}
check "says that the exporter is gone" exporter_goes
exporter_comes_back() {
	serve "$screens/busy.zs"
	shows "clears/s" && hides "NO ANSWER"
}
check "goes on when it is back" exporter_comes_back
# A new interval each second, asked for ten times as often: what changes is written, and no more.
small_exporter() {
	local spent

	spent=$(cost "$(pgrep -nf "^$zeroscope run --connect")" 5 | paste -s -d ' ')
	diag "an exporter, in 5 s: ${spent% *} ns of CPU, ${spent#* } bytes written"
	[ "${spent#* }" -le 20000 ] && [ "${spent% *}" -le 1000000000 ]
}
check "an interval a second costs little" small_exporter
keys q
check "q ends it there, too" ended 0
# over ADDRESS: one of those that it listens on
over() {
	open 120x32 "exec $zeroscope run --connect $1 -i 100ms" && shows "clears/s" &&
		screen | grep -Fq "$1" && keys q && ended 0
}
listening() {
	sed -n "s/^listening: .*\($1:[0-9]*\).*/\1/p" "$work/serve.err" | head -n 1
}
check "shows an exporter over TCP" over "http://$(listening '127\.0\.0\.1')"
check "and with the path given" over "http://$(listening '127\.0\.0\.1')/snapshot"
if [ ${#more_addresses[@]} -gt 0 ]; then
	check "shows an exporter over IPv6" over "http://$(listening '\[::1\]')"
else
	skip "shows an exporter over IPv6" "no IPv6 here"
fi
nobody_listens() {
	local address

	address=$(listening '127\.0\.0\.1')
	stop "$exporter" TERM
	exporter=
	open 80x24 "exec $zeroscope run --connect http://$address -i 100ms" &&
		shows 'The exporter does not answer: .*; trying|exporter does not answer: ' &&
		keys q && ended 0
}
check "an address where nobody listens is a sentence" nobody_listens
# connect_fails STATUS PATTERN ADDRESS OPTION…
connect_fails() {
	local expected=$1 pattern=$2 status=0

	shift 2
	"$zeroscope" run --connect "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
	[ $status = "$expected" ] && [ "$(wc -l <"$work/err")" = 1 ] &&
		grep -q -- "$pattern" "$work/err"
}
check "https is refused in a sentence" connect_fails 2 "no TLS" https://localhost/
check "anything else as well" connect_fails 2 "expected http://" localhost:1
check "what is measured is not for us to choose" \
	connect_fails 2 "--connect .* takes --interval" "http://localhost:1" --min-order 9
check "nor is there another output" \
	connect_fails 2 "--connect .* takes --interval" "http://localhost:1" --json
check "without a terminal it says what does without" \
	connect_fails 1 "/snapshot .*report" "http://localhost:1"
finished
