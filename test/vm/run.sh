#!/bin/bash
# run.sh SCRIPT [OUTDIR] - boots the virtual machine, runs SCRIPT in it as root, powers off.
#
#   SCRIPT    a bash script; its output appears on stdout
#   OUTDIR    mounted read-write at /out (default: a temporary directory)
#
# In the guest:
#   /kit       this directory, read-only
#   /project   $NAT64_VM_PROJECT (default: the repository), read-only
#   /out       OUTDIR
#   node       the node of this machine, when there is one
#   $LAB_ARGS  $NAT64_VM_ARGS of the caller
#
# Environment: NAT64_VM_CACHE (see build.sh), NAT64_VM_TIMEOUT (seconds, 240),
# NAT64_VM_MEM (MB, 1024), NAT64_VM_SMP (2), NAT64_VM_LOCK (a file to flock
# while QEMU runs), NAT64_VM_ACCEL (tcg,thread=multi), NAT64_VM_INIT (systemd:
# it is the first process, and runs SCRIPT when it is up; default: no such thing).
#
# Exit status: SCRIPT's; 124 after the timeout; 125 if the guest died early.
# The guest has no network device at all.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,22s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NAT64_VM_CACHE:-$here/../../.cache/vm}
script=$(realpath "$1")
if [ $# -ge 2 ]; then out=$2; mkdir -p "$out"; else out=$(mktemp -d); trap 'rm -rf "$out"' EXIT; fi
out=$(cd "$out" && pwd)
project=$(cd "${NAT64_VM_PROJECT:-$here/../..}" && pwd)

for f in vmlinuz initrd.img rootfs.img; do
	[ -s "$cache/$f" ] || { echo "run: $cache/$f is missing, run build.sh first" >&2; exit 2; }
done

# A little disk image with this machine's node binary; 9p would do, but node
# maps some 90 MB and a block device is much quicker under emulation.
disk=()
node=$(command -v node || true)
if [ -n "$node" ]; then
	node=$(realpath "$node")
	if [ "$node" -nt "$cache/node.img" ]; then
		t=$(mktemp -d); cp "$node" "$t/node"
		mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$t" "$cache/node.tmp.$$" $(( $(stat -c %s "$node") / 1048576 + 24 ))M
		mv "$cache/node.tmp.$$" "$cache/node.img"; rm -rf "$t"
	fi
	disk=(-drive "file=$cache/node.img,if=virtio,format=raw,readonly=on")
fi

{ printf 'export LAB_ARGS=%q\n' "${NAT64_VM_ARGS:-}"; cat "$script"; } > "$out/.script"
rm -f "$out/.status"

lock=()
[ -n "${NAT64_VM_LOCK:-}" ] && lock=(flock "$NAT64_VM_LOCK")
# Standard output is made a pipe (| cat) because QEMU opens it anew; the stdio
# chardev is no choice: with stdin at its end it counts as unplugged and the
# guest's first write blocks for ever.
rc=0
"${lock[@]}" timeout -k 5 "${NAT64_VM_TIMEOUT:-240}" qemu-system-x86_64 \
	-nodefaults -no-user-config -no-reboot -display none -nic none \
	-machine q35 -accel "${NAT64_VM_ACCEL:-tcg,thread=multi}" -cpu max,la57=off \
	-smp "${NAT64_VM_SMP:-2}" -m "${NAT64_VM_MEM:-1024}" \
	-kernel "$cache/vmlinuz" -initrd "$cache/initrd.img" \
	-append "console=ttyS0 quiet loglevel=4 mitigations=off nokaslr panic=-1 oops=panic net.ifnames=0 log_buf_len=4M printk.devkmsg=on${NAT64_VM_INIT:+ lab.init=$NAT64_VM_INIT systemd.getty_auto=no}" \
	-drive "file=$cache/rootfs.img,if=virtio,format=raw,readonly=on" "${disk[@]}" \
	-virtfs "local,path=$here,mount_tag=kit,security_model=none,readonly=on,multidevs=remap" \
	-virtfs "local,path=$project,mount_tag=project,security_model=none,readonly=on,multidevs=remap" \
	-virtfs "local,path=$out,mount_tag=out,security_model=none,multidevs=remap" \
	-serial "file:$out/console.log" \
	-device virtio-serial-pci -chardev file,id=o,path=/dev/fd/1,append=on -device virtserialport,chardev=o,name=lab.stdout \
	-device virtio-rng-pci < /dev/null | cat || rc=$?
if [ -s "$out/.status" ]; then rc=$(cat "$out/.status"); elif [ "$rc" != 124 ] && [ "$rc" != 137 ]; then rc=125; else rc=124; fi
rm -f "$out/.script" "$out/.status"
[ "$rc" = 125 ] && { echo "run: the guest ended without a status; last console lines:" >&2; tail -20 "$out/console.log" >&2; }
exit "$rc"
