#!/bin/bash
# build.sh - builds the virtual machine of the tests from Debian 12 packages only.
#
#   ./build.sh            build whatever is missing or out of date
#   ./build.sh --force    throw the cache away first
#
# Result, in $NAT64_VM_CACHE (default: .cache/vm of the repository):
#   vmlinuz        Debian's kernel, unmodified
#   initrd.img     busybox + the few modules needed to mount the root image
#   rootfs.img     ext4 root: minbase + the network tools + the kernel's own
#                  net/fs modules + jool*.ko built from Debian's jool-dkms
#   versions.txt   what went in
#
# Needs root (mmdebstrap in root mode), a working apt on Debian 12 and about
# 1 GB of disk.  Every step leaves a stamp and is skipped when its
# inputs did not change, so calling this before each run is cheap.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NAT64_VM_CACHE:-$here/../../.cache/vm}
# The guest comes from wherever this machine's own apt gets its packages.
suite=${NAT64_VM_SUITE:-$(. /etc/os-release; echo "$VERSION_CODENAME")}
sources=()
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	[ -s "$f" ] && sources+=("$f")
done

# Tools on the building machine (qemu runs the VM, the rest builds it).
host_packages="qemu-system-x86 mmdebstrap e2fsprogs cpio kmod make gcc libc6-dev binutils"

# What the guest contains on top of minbase.  libstdc++6 is there so that a
# node binary of the building machine can run in the guest.
guest_packages="iproute2,iptables,nftables,ebtables,kmod,procps,iputils-ping,\
tcpdump,conntrack,netcat-openbsd,python3-minimal,jool-tools,tayga,ethtool,\
busybox-static,libstdc++6,jq,systemd,systemd-sysv${NAT64_VM_MORE:+,$NAT64_VM_MORE}"

[ "${1:-}" = --force ] && rm -rf "$cache"
mkdir -p "$cache"
say() { printf 'build: %s\n' "$*" >&2; }

# ---------------------------------------------------------------- host tools
missing=
for p in $host_packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || missing+=" $p"
done
if [ -n "$missing" ]; then
	say "installing$missing"
	apt-get update -q >&2
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
fi

# -------------------------------------------------------------------- kernel
# The ABI name the meta package points at now, e.g. 6.1.0-56-amd64.  The
# "cloud" flavour is smaller but has no 9p, which run.sh needs.
if [ ! -s "$cache/abi" ] || [ ! -s "$cache/vmlinuz" ]; then
	abi=$(apt-cache depends linux-image-amd64 |
		sed -n 's/^ *Depends: linux-image-\([0-9].*\)$/\1/p' | head -1)
	[ -n "$abi" ] || { say "no linux-image-amd64 candidate: run apt-get update"; exit 1; }
	say "kernel $abi"
	rm -rf "$cache/debs" "$cache/kernel"
	mkdir -p "$cache/debs" "$cache/kernel"
	# Packages are only unpacked, never installed: the kernel's and the DKMS
	# package's maintainer scripts have nothing to do on this machine.
	(cd "$cache/debs" && apt-get download -qq "linux-image-$abi" jool-dkms \
		"linux-headers-$abi" "linux-headers-${abi%-amd64}-common" \
		linux-kbuild-6.1 linux-compiler-gcc-12-x86 2> >(grep -v '^W: Download is performed unsandboxed' >&2))
	for d in "$cache"/debs/*.deb; do dpkg -x "$d" "$cache/kernel"; done
	cp "$cache/kernel/boot/vmlinuz-$abi" "$cache/vmlinuz"
	echo "$abi" > "$cache/abi"
fi
abi=$(cat "$cache/abi")
root=$cache/kernel

# ---------------------------------------------------------------------- jool
if [ ! -s "$cache/modules-jool/jool_siit.ko" ]; then
	say "building jool against $abi"
	hdr=$root/usr/src/linux-headers-$abi
	# The unpacked headers refer to each other by absolute path.
	sed -i "s#include .*/usr/src/linux-headers#include $root/usr/src/linux-headers#" "$hdr/Makefile"
	for l in "$hdr/scripts" "$hdr/tools" "$root/usr/src/linux-headers-${abi%-amd64}-common/scripts" \
		 "$root/usr/src/linux-headers-${abi%-amd64}-common/tools"; do
		[ -L "$l" ] || continue
		t=$(readlink "$l")
		case $t in /usr/*) ln -sfn "$root$t" "$l" ;; esac
	done
	src=$(echo "$root"/usr/src/jool-*)
	: > "$cache/jool-build.log"
	symbols=
	for m in common nat64 siit; do
		make -C "$hdr" M="$src/src/mod/$m" $symbols modules >> "$cache/jool-build.log" 2>&1 ||
			{ tail -30 "$cache/jool-build.log" >&2; exit 1; }
		symbols=KBUILD_EXTRA_SYMBOLS=$src/src/mod/common/Module.symvers
	done
	mkdir -p "$cache/modules-jool"
	cp "$src"/src/mod/{common/jool_common,nat64/jool,siit/jool_siit}.ko "$cache/modules-jool/"
	strip --strip-debug "$cache"/modules-jool/*.ko
	rm -f "$cache/rootfs.key" # the root image has them
fi

# -------------------------------------------------------------------- rootfs
# Modules worth having: all of net/ and the file systems' and virtio's needs.
stage_modules() { # DEST
	local m=lib/modules/$abi k=lib/modules/$abi/kernel d
	mkdir -p "$1/$m/kernel/drivers/net" "$1/$m/extra"
	for d in net crypto lib fs/9p fs/netfs fs/fscache fs/ext4 fs/jbd2 fs/overlayfs arch/x86/crypto \
		drivers/virtio drivers/char/hw_random drivers/net/vxlan drivers/net/bonding; do
		[ -e "$root/$k/$d" ] || continue
		mkdir -p "$1/$k/$(dirname "$d")"
		cp -a "$root/$k/$d" "$1/$k/$(dirname "$d")/"
	done
	cp -a "$root/$k"/fs/mbcache.ko "$1/$k/fs/" 2>/dev/null || true
	for d in veth tun dummy macvlan vrf nlmon tap virtio_net net_failover; do
		cp -a "$root/$k/drivers/net/$d.ko" "$1/$k/drivers/net/" 2>/dev/null || true
	done
	for d in drivers/block/virtio_blk.ko drivers/char/virtio_console.ko net/core/failover.ko; do
		mkdir -p "$1/$k/$(dirname "$d")"
		cp -a "$root/$k/$d" "$1/$k/$d" 2>/dev/null || true
	done
	cp -a "$root/$m"/modules.builtin* "$root/$m"/modules.order "$1/$m/"
	cp -a "$cache"/modules-jool/*.ko "$1/$m/extra/"
	depmod -b "$1" "$abi"
}

key=$(echo "$suite $guest_packages $abi $(declare -f stage_modules)" | sha256sum | cut -d' ' -f1)
if [ ! -s "$cache/rootfs.img" ] || [ "$(cat "$cache/rootfs.key" 2>/dev/null)" != "$key" ]; then
	say "building the root image"
	rm -rf "$cache/rootfs" "$cache/rootfs.img"
	mmdebstrap --mode=root --variant=minbase --include="$guest_packages" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$cache/rootfs" "${sources[@]}" >&2
	rm -rf "$cache"/rootfs/var/lib/apt/lists/* "$cache"/rootfs/var/cache/apt/*.bin "$cache"/rootfs/boot/*
	mkdir -p "$cache"/rootfs/{kit,project,out,hostnode}
	stage_modules "$cache/rootfs"
	{
		echo "kernel $abi $(dpkg-deb -f "$(echo "$cache"/debs/linux-image-*.deb)" Version)"
		chroot "$cache/rootfs" dpkg-query -W
	} > "$cache/versions.txt"
	size=$(( $(du -sm "$cache/rootfs" | cut -f1) + 96 ))
	rm -f "$cache/rootfs.tmp"
	mke2fs -q -t ext4 -O ^has_journal -L lab -d "$cache/rootfs" "$cache/rootfs.tmp" "${size}M"
	mv "$cache/rootfs.tmp" "$cache/rootfs.img"
	echo "$key" > "$cache/rootfs.key"
	rm -f "$cache/initrd.img"
fi

# -------------------------------------------------------------------- initrd
# Only what is needed to mount the root image and to overlay it with a tmpfs.
if [ ! -s "$cache/initrd.img" ] || [ "$here/guest/initrd-init" -nt "$cache/initrd.img" ]; then
	say "building the initrd"
	i=$cache/initrd
	rm -rf "$i"; mkdir -p "$i"/{bin,dev,proc,sys,lib,ro,rw,root}
	cp "$cache/rootfs/bin/busybox" "$i/bin/"
	for c in sh mount insmod switch_root mkdir sleep umount echo cat; do ln -s busybox "$i/bin/$c"; done
	# In load order, resolved by modprobe against the staged tree.
	for m in virtio_pci virtio_blk ext4 crc32c_generic overlay; do
		modprobe -d "$cache/rootfs" -S "$abi" --show-depends --ignore-install "$m" 2>/dev/null
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$cache/initrd.mods"
	n=10
	while read -r f; do cp "$f" "$i/lib/$n-$(basename "$f")"; n=$((n + 1)); done < "$cache/initrd.mods"
	cp "$here/guest/initrd-init" "$i/init"; chmod 755 "$i/init"
	(cd "$i" && find . | sort | cpio -o -H newc --quiet --reproducible | gzip -n9) > "$cache/initrd.tmp"
	mv "$cache/initrd.tmp" "$cache/initrd.img"
fi
say "ready: $(du -h "$cache/vmlinuz" "$cache/initrd.img" "$cache/rootfs.img" | awk '{printf "%s %s  ", $2, $1}' | sed "s#$cache/##g")"
