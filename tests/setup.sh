# SPDX-License-Identifier: BSD-3-Clause
# Shared by run-tests and run-demo, sourced by bash: root, packages. Expects $root.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "needs root for network namespaces and AF_XDP: sudo $0"
}

# missing_packages all|demo: the packages of tests/packages that are not installed.
missing_packages() {
	local package skip='^$'
	[ "$1" = demo ] && skip='# tests$'
	while read -r package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			echo "$package"
	done < <(grep -Ev "$skip" "${root:?}/tests/packages" | sed 's/#.*//; s/[[:space:]]//g; /^$/d')
}

# install_packages all|demo: quiet and without a question; the log is shown when it fails.
install_packages() {
	local missing log
	mapfile -t missing < <(missing_packages "$1")
	[ ${#missing[@]} -eq 0 ] && return 0
	command -v apt-get >/dev/null ||
		die "install these first, there is no apt-get here: ${missing[*]}"
	echo "installing ${missing[*]}"
	log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } \
		</dev/null >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		rm -f "$log"
		die "apt-get could not install ${missing[*]}"
	fi
	rm -f "$log"
}
