#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# What `make install` installs: the tool, a manual page for each command, completions for three
# shells and the units, each as the shells and the manual's own checker read it. And the lists that
# must not part: of commands, and of what a build needs.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

[ -x "$top/build/zeroscope" ] || skip_all "build/zeroscope is not built"
# Left to make's own: flags of the make that runs this test.
unset MAKEFLAGS MFLAGS MAKELEVEL

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

check "make install" make -C "$top" --no-print-directory install DESTDIR="$root" PREFIX=/opt/zs
zeroscope=$root/opt/zs/bin/zeroscope
man=$root/opt/zs/share/man/man1
check "the tool runs from there" "$zeroscope" --version
expect_eq "nothing is outside of PREFIX" "$(find "$root" -type f ! -path "$root/opt/zs/*")" ""

commands=$("$zeroscope" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
pages=$(cd "$man" && printf '%s\n' zeroscope*.1)
expect_eq "a page for each command of --help, and no other" "$pages" \
	"$(for c in '' $commands; do echo "zeroscope${c:+-$c}.1"; done | sort)"

# What a page documents as an option, and what --help does
options_of_page() {
	sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' "$man/zeroscope-$1.1" | sed 's/\\-/-/g' |
		sed -n '/^\.TP/{n;s/^\(\\fB-.\\fR, \)\{0,1\}\\fB--\([a-z-]*\).*/\2/p}' | sort
}
options_of_help() {
	"$zeroscope" "$1" --help | sed -n '/^Options:/,/^$/s/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' | sort
}
for command in $commands; do
	expect_eq "$command: the page has the options of --help" "$(options_of_page "$command")" \
		"$(options_of_help "$command")"
	check "$command: it has some" test -n "$(options_of_help "$command")"
done

if command -v mandoc >/dev/null; then
	for page in $pages; do
		expect_eq "$page: mandoc finds nothing wrong" \
			"$(mandoc -T lint -W warning "$man/$page" 2>&1)" ""
	done
else
	skip "manual pages: mandoc" "mandoc is not installed"
fi

bash_words() {
	bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zeroscope
		printf "%s " "${COMPREPLY[@]}"' - "$root/opt/zs/share/bash-completion/completions/zeroscope" "$@"
}
expect_eq "bash: a command" "$(bash_words zeroscope di)" "diff "
expect_eq "bash: an option of it" "$(bash_words zeroscope diff --th)" "--threshold "
expect_eq "bash: a value" "$(bash_words zeroscope load --kind h)" "hugetlb "

# What zsh would be asked to complete from; its own completion needs a terminal.
zsh_words() {
	zsh -f -c 'file=$1; shift; words=("$@"); CURRENT=$#
		_arguments() { print -l -- "$@" }
		_describe() { print -l -- $commands }
		. $file' - "$root/opt/zs/share/zsh/site-functions/_zeroscope" "$@"
}
if command -v zsh >/dev/null; then
	expect_match "zsh: a command" "$(zsh_words zeroscope di)" '^diff:compare two recordings$'
	expect_match "zsh: an option of it" "$(zsh_words zeroscope diff --th)" \
		'^--threshold=\[.*\]:PERCENT:'
	expect_match "zsh: a value" "$(zsh_words zeroscope load --kind h)" '^--kind=.*\(thp .*hugetlb'
else
	skip "zsh" "zsh is not installed"
fi

fish_words() {
	HOME=$work fish -N -c "source $root/opt/zs/share/fish/vendor_completions.d/zeroscope.fish
		complete -C '$1'"
}
if command -v fish >/dev/null; then
	expect_match "fish: a command" "$(fish_words 'zeroscope di')" '^diff'
	expect_match "fish: an option of it" "$(fish_words 'zeroscope diff --th')" '^--threshold'
	expect_match "fish: a value" "$(fish_words 'zeroscope load --kind h')" '^hugetlb'
else
	skip "fish" "fish is not installed"
fi

units=$root/opt/zs/lib/systemd/system
expect_eq "the units are there" "$(ls "$units")" "zeroscope.service
zeroscope.socket"
expect_match "the service starts the tool that was installed" "$(cat "$units/zeroscope.service")" \
	'^ExecStart=/opt/zs/bin/zeroscope serve '
expect_eq "nothing enables them" "$(find "$root" -type l)" ""

# gcc, libc and make are part of every Debian build.
needed=$("$top/packaging/packages" list build | grep -vxE 'gcc|libc6-dev|make')
expect_eq "the package's Build-Depends are what a build needs" \
	"$(sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z0-9-]*\).*/\1/p' "$top/debian/control" |
		grep -vx debhelper-compat | sort)" "$needed"
version=$("$zeroscope" --version | sed 's/zeroscope //')
expect_match "the package has the tool's version" "$(head -n 1 "$top/debian/changelog")" \
	"^zeroscope \\($version\\) "
finished
