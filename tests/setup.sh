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

# known_package PACKAGE: whether apt can install it.
known_package() {
	[ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

is_installed() {
	dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

# missing_packages all|demo: the packages of tests/packages that are not installed. Of the
# alternatives in a line the first that is installed or can be.
missing_packages() {
	local line package choice skip='^$'
	[ "$1" = demo ] && skip='# tests$'
	while read -r line; do
		choice=
		for package in ${line//|/ }; do
			is_installed "$package" && continue 2
			if [ -z "$choice" ] && known_package "$package"; then
				choice=$package
			fi
		done
		echo "${choice:-${line%%|*}}"
	done < <(grep -Ev "$skip" "${root:?}/tests/packages" | sed 's/#.*//; s/[[:space:]]//g; /^$/d')
}

apt_quietly() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Debian starts every server that it installs; ours are started by the tests, in namespaces of
# their own. policy-rc.d is how a package manager is told so; one that is there stays.
forbid_servers() {
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		policy=
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
}

allow_servers() {
	[ -n "$policy" ] && rm -f "$policy"
	trap - EXIT INT TERM HUP
}

# install_packages all|demo: quiet and without a question; the log is shown when it fails.
install_packages() {
	local missing log rc=0
	mapfile -t missing < <(missing_packages "$1")
	[ ${#missing[@]} -eq 0 ] && return 0
	command -v apt-get >/dev/null ||
		die "install these first, there is no apt-get here: ${missing[*]}"
	log=$(mktemp)
	if apt_quietly update >"$log" 2>&1; then
		# Only now it is known which alternatives there are.
		mapfile -t missing < <(missing_packages "$1")
		echo "installing ${missing[*]}"
		forbid_servers
		apt_quietly install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 || rc=1
		allow_servers
	else
		rc=1
	fi
	[ $rc -eq 0 ] || tail -n 30 "$log" >&2
	rm -f "$log"
	[ $rc -eq 0 ] || die "apt-get could not install ${missing[*]}"
}

# promtool alone is a package in Debian 13, but part of the Prometheus server's in Debian 12, which
# would start it: only the program is taken out. Without it one test is skipped and says so.
fetch_promtool() {
	local cache=/var/cache/sipshunt-tests package place
	export PATH=$PATH:$cache
	command -v promtool >/dev/null && return 0
	command -v apt-get >/dev/null || return 0
	known_package prometheus || apt_quietly update >/dev/null 2>&1
	package=prometheus
	known_package promtool && package=promtool
	place=$(mktemp -d)
	if (cd "$place" && apt_quietly download $package) >/dev/null 2>&1 &&
		dpkg-deb --fsys-tarfile "$place"/${package}_*.deb |
		tar -xO ./usr/bin/promtool >"$place/promtool"; then
		install -D -m 755 "$place/promtool" $cache/promtool
		echo "promtool: taken out of the package $package"
	fi
	rm -rf "$place"
}
