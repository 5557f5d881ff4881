#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
# The README names every command and every option that the tool has, and every target of make.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$TOP/tests/lib/tap.sh"

# missing_from_readme WORD…: those that the README does not have
missing_from_readme() {
	local word

	for word; do
		grep -qE -- "(^|[^a-z-])$word([^a-z-]|\$)" "$TOP/README.md" || printf '%s ' "$word"
	done
}

mapfile -t commands < <("$TOP/build/zeroscope" --help |
	awk '/^Commands:/ { on = 1; next } !NF { on = 0 } on && /^  [a-z]/ { print $1 }')
check "there are commands" test "${#commands[@]}" -ge 8
expect_eq "commands that are not in the README" "$(missing_from_readme "${commands[@]}")" ""
for command in "${commands[@]}"; do
	mapfile -t options < <("$TOP/build/zeroscope" "$command" --help |
		awk '/^  +-/ { for (i = 1; i <= 2; i++) if ($i ~ /^--/) print $i }')
	expect_eq "options of $command that are not in the README" \
		"$(missing_from_readme "${options[@]}")" ""
done
mapfile -t targets < <(make -s -C "$TOP" help | awk '{ print $1 }')
expect_eq "targets that are not in the README" \
	"$(missing_from_readme "${targets[@]/#/make }" | sed 's/make \(all\|clean\|help\) //g')" ""
finished
