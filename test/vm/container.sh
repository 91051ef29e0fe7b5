#!/bin/bash
# container.sh SCRIPT - runs SCRIPT as root where systemd is the first process: not in the virtual machine, but in
# namespaces of this host, on its kernel. Quicker by far, and without the modules of the virtual machine.
#
# In there: /kit and /project as in run.sh, /hostnode/node, and the root image of build.sh; nothing of it is kept.
# Environment: NAT64_VM_CACHE, NAT64_VM_PROJECT as for run.sh, NAT64_VM_TIMEOUT (seconds, 240).
# Exit status: SCRIPT's; 2 where it cannot be done; 124 after the timeout; 125 when systemd did not come up.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(realpath "${NAT64_VM_CACHE:-$here/../../.cache/vm}")
project=$(cd "${NAT64_VM_PROJECT:-$here/../..}" && pwd)
[ -d "$cache/rootfs" ] || { echo "container: $cache/rootfs is missing, run build.sh first" >&2; exit 2; }
script=$(realpath "$1")
node=$(realpath "$(command -v node)")

# systemd wants a cgroup of its own, in the hierarchy of version 2.
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$unified" ] || { echo 'container: there is no cgroup2 here' >&2; exit 2; }
group=$unified/nat64-container-$$
work=$(mktemp -d)
first=
finish() {
	if [ -n "$first" ]; then kill -9 "$first" 2> /dev/null || true; wait "$first" 2> /dev/null || true; fi
	local i
	for i in $(seq 50); do
		find "$group" -depth -type d -exec rmdir {} \; 2> /dev/null
		[ -d "$group" ] || break
		sleep 0.1
	done
	rm -rf "$work"
}
trap finish EXIT
mkdir "$group" 2> /dev/null || { echo 'container: no cgroup can be made here' >&2; exit 2; }
mkdir "$work/out"; mkfifo "$work/out/stdout"
cp "$script" "$work/out/script"

(
	echo "$BASHPID" > "$group/cgroup.procs"
	exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child --propagation private \
		"$here/guest/container-init.sh" "$cache/rootfs" "$work" "$here" "$project" "$node"
) > "$work/console" 2>&1 < /dev/null &
first=$!
timeout -k 1 "${NAT64_VM_TIMEOUT:-240}" cat "$work/out/stdout" || { tail -20 "$work/console" >&2; exit 124; }
[ -s "$work/out/status" ] || { echo 'container: it ended without a status; last lines of its console:' >&2; tail -20 "$work/console" >&2; exit 125; }
exit "$(cat "$work/out/status")"
