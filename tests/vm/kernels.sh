# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels to boot, by name: found with apt, unpacked once, kept in the cache.  Sourced by vm.
#
# Nothing here touches the system's apt: sources, lists and archives live in the cache, and the
# mirror is whatever the system's own configuration names at the time.

# The names that are looked after.  Any debian-VERSION[-FLAVOUR] of the archive works as well.
KERNEL_NAMES=(debian-6.1 debian-6.12 debian-7 debian-6.12-arm64 debian-6.12-arm64-16k
	baseline patched)

# Suites asked for, next to those that the system itself uses; a missing one is no error.
ARCHIVE_SUITES=(bookworm bookworm-backports trixie trixie-updates trixie-backports forky sid)
SECURITY_SUITES=(bookworm-security trixie-security)

# Modules without which virtio-console does not come up, in the order they are loaded.
CONSOLE_MODULES=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
	virtio_console)

CACHE=${ZEROSCOPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zeroscope}
KERNELS=$CACHE/kernels

die() {
	printf 'vm: %s\n' "$*" >&2
	exit 125
}

note() {
	printf 'vm: %s\n' "$*" >&2
}

# need TOOL PACKAGE
need() {
	command -v "$1" >/dev/null 2>&1 && return
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 && return
	die "$1 is missing; install the package $2"
}

is_debian_name() {
	[[ $1 =~ ^debian-[0-9]+(\.[0-9]+)*(-[a-z0-9-]+)?$ ]]
}

# The processor architecture, as Debian names it, of a kernel name.
kernel_arch() {
	case $1 in
	*-arm64 | *-arm64-*) echo arm64 ;;
	*) echo amd64 ;;
	esac
}

# debian-VERSION[-FLAVOUR] → the flavour at the end of the package's name.
package_flavour() {
	local rest=${1#debian-}

	[[ $rest == *-* ]] || { echo cloud-amd64; return; }
	case ${rest#*-} in
	arm64) echo cloud-arm64 ;;
	rt) echo rt-amd64 ;;
	*) echo "${rest#*-}" ;;
	esac
}

package_version() {
	local rest=${1#debian-}

	echo "${rest%%-*}"
}

# ── apt, with a configuration of its own ────────────────────────────────────────────────────

# private_apt ARCH COMMAND…
private_apt() {
	local arch=$1

	shift
	APT_CONFIG=$CACHE/apt-$arch/apt.conf "$@"
}

apt_setup() {
	local dir=$CACHE/apt-$1

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	cat >"$dir/apt.conf" <<-END
		Dir::State::lists "$dir/lists";
		Dir::Cache "$dir";
		Dir::Cache::archives "$dir/archives";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		APT::Architecture "$1";
		APT::Architectures { "$1"; };
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::PDiffs "false";
		Acquire::Retries "2";
	END
}

# The Debian archives in the system's configuration, "URI SUITE" a line; apt reads both of its
# file formats for us.
system_archives() {
	private_apt "$1" apt-get -q update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([^/']*\)/InRelease'.*|\1 \2|p" |
		grep -E '/debian(-security)?/? ' || true
}

write_sources() {
	local arch=$1 dir=$CACHE/apt-$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	local options='' uri suite

	[[ ! -e $keyring ]] || options="[signed-by=$keyring] "
	system_archives "$arch" | while read -r uri suite; do
		echo "deb $options$uri $suite main"
		case $uri in
		*-security | *-security/) printf "deb $options$uri %s main\n" "${SECURITY_SUITES[@]}" ;;
		*) printf "deb $options$uri %s main\n" "${ARCHIVE_SUITES[@]}" ;;
		esac
	done | sort -u >"$dir/sources.list"
	[[ -s $dir/sources.list ]] || {
		note "apt's configuration names no Debian mirror; add one to /etc/apt/sources.list.d"
		return 1
	}
	cat >>"$dir/apt.conf" <<-END
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
	END
}

# is_fresh FILE: younger than a day
is_fresh() {
	[[ -n $(find "$1" -mmin -1440 2>/dev/null) ]]
}

# Bring the package lists up to date, once a day at most; status 1 if the mirror is out of reach.
apt_refresh() {
	local status=0

	mkdir -p "$CACHE"
	(
		flock 8
		apt_refresh_locked "$1"
	) 8>"$CACHE/.apt-$1.lock" || status=$?
	((status != 125)) || exit 125
	return "$status"
}

apt_refresh_locked() {
	local arch=$1 dir=$CACHE/apt-$1 failures

	if [[ -z $REFRESH ]]; then
		! is_fresh "$dir/updated" || return 0
		# Waiting for a mirror that does not answer, once an hour is enough.
		[[ -z $(find "$dir/out-of-reach" -mmin -60 2>/dev/null) ]] || return 1
	fi
	need apt-get apt
	apt_setup "$arch"
	write_sources "$arch" || return 1
	note "asking apt for the newest $arch kernels"
	private_apt "$arch" apt-get -qq update >"$dir/update.log" 2>&1 || true
	# A suite that does not exist is no harm; a mirror that answers for none is out of reach.
	failures=$(grep -c 'Failed to fetch .*InRelease' "$dir/update.log" || true)
	if ((failures >= $(wc -l <"$dir/sources.list"))); then
		touch "$dir/out-of-reach"
		return 1
	fi
	touch "$dir/updated"
	rm -f "$dir/out-of-reach"
}

# newest_package NAME → the package that holds the newest vmlinuz, on standard output
newest_package() {
	local name=$1 version

	version=$(package_version "$name")
	private_apt "$(kernel_arch "$name")" apt-cache search --names-only \
		"^linux-(image|binary)-${version//./\\.}\\.[^ ]*-$(package_flavour "$name")\$" |
		sed -nE "s/^(linux-(image|binary)-([0-9][^ ]*)) .*/\3 \1/p" |
		grep -E " linux-(image|binary)-[0-9.]+(\+deb[0-9.]+|-[0-9]+)?-$(package_flavour "$name")\$" |
		sort -k1,1V -k2,2r | tail -n 1 | cut -d' ' -f2
}

# download ARCH PACKAGE DIRECTORY: unpack the package into the directory
download() {
	local deb

	mkdir -p "$3/deb"
	(cd "$3/deb" && private_apt "$1" apt-get -qq download "$2") >"$3/download.log" 2>&1 || return 1
	for deb in "$3"/deb/*.deb; do
		dpkg-deb -x "$deb" "$3/root" || return 1
	done
	rm -rf "$3/deb"
}

# ── BTF ─────────────────────────────────────────────────────────────────────────────────────

# unpack_at FILE OFFSET COMMAND…: run a decompressor on the file from the offset
unpack_at() {
	local file=$1 offset=$2

	shift 2
	tail -c "+$((offset + 1))" "$file" 2>/dev/null | "$@" 2>/dev/null
}

# Does the file begin like a kernel?  ELF, or the arm64 Image's "ARM\x64" at offset 56.
is_kernel() {
	[[ $(head -c 4 "$1" | od -An -tx1) == ' 7f 45 4c 46' ||
		$(head -c 60 "$1" | tail -c 4 | od -An -tx1) == ' 41 52 4d 64' ]]
}

# offsets_of PATTERN FILE: where the bytes occur (and only that: the matches are no text)
offsets_of() {
	LC_ALL=C grep -aboP "$1" "$2" | LC_ALL=C cut -d: -f1
}

# extract_vmlinux VMLINUZ OUT: the uncompressed kernel out of a bzImage, Image.gz or EFI zboot image
extract_vmlinux() {
	local magic command offset

	while read -r magic command; do
		command -v "${command%% *}" >/dev/null || continue
		for offset in $(offsets_of "$magic" "$1" | head -n 8); do
			# shellcheck disable=SC2086 # a command with its options
			unpack_at "$1" "$offset" $command >"$2" || true
			is_kernel "$2" && return
		done
	done <<-'END'
		\x28\xb5\x2f\xfd zstd -dc
		\xfd7zXZ\x00 xz -dc
		\x1f\x8b\x08 gzip -dc
		\x02\x21\x4c\x18 lz4 -dc
		BZh bzip2 -dc
		\x5d\x00\x00\x00 xz --format=lzma -dc
	END
	is_kernel "$1" && cp "$1" "$2" && return
	rm -f "$2"
	return 1
}

# word FILE OFFSET: the little-endian 32-bit number there
word() {
	od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

# A bare arm64 Image has no sections: the BTF is found by its header, whose four sizes must agree.
carve_btf() {
	local image=$1 out=$2 offset header types types_at strings strings_at

	for offset in $(offsets_of '\x9f\xeb\x01.[\x18-\x40]\x00\x00\x00' "$image"); do
		header=$(word "$image" $((offset + 4)))
		types_at=$(word "$image" $((offset + 8)))
		types=$(word "$image" $((offset + 12)))
		strings_at=$(word "$image" $((offset + 16)))
		strings=$(word "$image" $((offset + 20)))
		((types_at == 0 && strings_at >= types && types > 100000 && strings > 100000)) || continue
		tail -c "+$((offset + 1))" "$image" 2>/dev/null |
			head -c $((header + strings_at + strings)) >"$out"
		return 0
	done
	return 1
}

# extract_btf VMLINUZ OUT
extract_btf() {
	local image=$2.image

	extract_vmlinux "$1" "$image" || return 1
	if [[ $(head -c 4 "$image" | od -An -tx1) == ' 7f 45 4c 46' ]]; then
		need objcopy binutils
		objcopy --dump-section ".BTF=$2" "$image" "$image.copy" 2>/dev/null
	else
		carve_btf "$image" "$2"
	fi
	rm -f "$image" "$image.copy"
	[[ -s $2 ]]
}

# ── Fetching ────────────────────────────────────────────────────────────────────────────────

# pick_modules ROOT DIRECTORY: those of CONSOLE_MODULES that are not built in, uncompressed
pick_modules() {
	local index=10 module file

	for module in "${CONSOLE_MODULES[@]}"; do
		file=$(find "$1" -name "$module.ko*" -print -quit)
		[[ -n $file ]] || continue
		mkdir -p "$2/modules"
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -qdc "$file" ;;
		*) cat "$file" ;;
		esac >"$2/modules/$index-$module.ko"
		index=$((index + 1))
	done
}

# unpack_kernel ARCH PACKAGE DIRECTORY: fill the directory with what the package holds
unpack_kernel() {
	local arch=$1 package=$2 dir=$3 release file

	release=${package#linux-*-}
	download "$arch" "$package" "$dir/tmp" ||
		die "apt cannot download $package: $(tail -n 1 "$dir/tmp/download.log")"
	if [[ $package == linux-binary-* ]]; then
		download "$arch" "linux-base-$release" "$dir/tmp" || true
		download "$arch" "linux-modules-$release" "$dir/tmp" || true
	fi
	for file in vmlinuz config System.map; do
		find "$dir/tmp/root" -type f \( -name "$file" -o -name "$file-$release" \) \
			-exec cp {} "$dir/$file" \; -quit
	done
	[[ -s $dir/vmlinuz ]] || die "the package $package holds no vmlinuz"
	# Debian ships a stub that points to the debug package; it would only mislead.
	[[ $(wc -c <"$dir/System.map" 2>/dev/null || echo 0) -gt 4096 ]] || rm -f "$dir/System.map"
	pick_modules "$dir/tmp/root" "$dir"
	rm -rf "$dir/tmp"
	echo "$release" >"$dir/release"
	extract_btf "$dir/vmlinuz" "$dir/btf" || note "no BTF found in $package"
}

# Drop unpacked releases that no name points to any more, after a day's grace for those who run.
prune_releases() {
	local dir link used

	for dir in "$KERNELS"/.releases/*/; do
		used=
		for link in "$KERNELS"/debian-*; do
			[[ $(readlink "$link") != ".releases/$(basename "$dir")" ]] || used=1
		done
		[[ -n $used || -n $(find "$dir" -maxdepth 0 -mmin -1440) ]] || rm -rf "$dir"
	done
}

fetch_locked() {
	local name=$1 link=$KERNELS/$1 arch package release work

	arch=$(kernel_arch "$name")
	[[ -z $REFRESH && -e $link/vmlinuz ]] && is_fresh "$CACHE/apt-$arch/updated" && return
	apt_refresh "$arch" || {
		[[ -e $link/vmlinuz ]] ||
			die "the package mirror is out of reach and $name is not cached; connect once to fetch it"
		note "the package mirror is out of reach; using the cached $name ($(cat "$link/release"))"
		return 0
	}
	package=$(newest_package "$name")
	if [[ -z $package ]]; then
		[[ ! -e $link/vmlinuz ]] || return 0
		die "the package mirror holds no kernel for $name; see --list"
	fi
	release=${package#linux-*-}
	if [[ ! -e $KERNELS/.releases/$release/vmlinuz ]]; then
		need dpkg-deb dpkg
		note "fetching $package"
		work=$(mktemp -d "$KERNELS/.fetch-XXXXXX")
		(unpack_kernel "$arch" "$package" "$work") || {
			rm -rf "$work"
			exit 125
		}
		chmod 755 "$work"
		mkdir -p "$KERNELS/.releases"
		# Two names may mean one release; whoever comes second keeps the first one's.
		mv -T "$work" "$KERNELS/.releases/$release" 2>/dev/null || rm -rf "$work"
	fi
	ln -sfn ".releases/$release" "$link.new"
	mv -T "$link.new" "$link"
	prune_releases
}

# fetch_kernel NAME: make sure that its directory exists and is not older than a day's query
fetch_kernel() {
	case $1 in
	patched | baseline)
		[[ -e $KERNELS/$1/vmlinuz ]] || die "the kernel '$1' is not built yet; run make kernel"
		return
		;;
	esac
	is_debian_name "$1" || die "unknown kernel '$1': neither a file nor one of: ${KERNEL_NAMES[*]}"
	mkdir -p "$KERNELS"
	(
		flock 9
		fetch_locked "$1"
	) 9>"$KERNELS/.$1.lock" || exit
}

kernel_directory() {
	realpath "$KERNELS/$1"
}

list_kernels() {
	local name state

	for name in "${KERNEL_NAMES[@]}"; do
		if [[ -e $KERNELS/$name/vmlinuz ]]; then
			state="cached  $(cat "$KERNELS/$name/release" 2>/dev/null || echo 'built here')"
		elif is_debian_name "$name"; then
			state='not fetched yet: tests/vm/vm --fetch '$name
		else
			state='not built yet: make kernel'
		fi
		printf '%-24s %s\n' "$name" "$state"
	done
}

# ── Packages of another architecture ────────────────────────────────────────────────────────

# guest_busybox ARCH → path of a static busybox for that architecture
guest_busybox() {
	local arch=$1 dir=$CACHE/busybox-$1

	if [[ $arch == "$(dpkg --print-architecture 2>/dev/null)" ]]; then
		need busybox busybox-static
		command -v busybox
		return
	fi
	[[ -e $dir/busybox ]] || (
		flock 9
		[[ ! -e $dir/busybox ]] || exit 0
		apt_refresh "$arch" ||
			die "the package mirror is out of reach and busybox-static for $arch is not cached"
		work=$(mktemp -d "$CACHE/.busybox-XXXXXX")
		trap 'rm -rf "$work"' EXIT
		download "$arch" busybox-static "$work" ||
			die "apt cannot download busybox-static for $arch: $(tail -n 1 "$work/download.log")"
		mkdir -p "$dir"
		find "$work/root" -path '*/bin/busybox' -type f -exec cp {} "$dir/busybox.new" \; -quit
		mv "$dir/busybox.new" "$dir/busybox"
	) 9>"$CACHE/.busybox-$arch.lock" || exit
	echo "$dir/busybox"
}
