#!/bin/bash
# run-all.sh [SCENARIO...] - every scenario in the VM, one boot each; "N passed, N failed".
#
# Builds the VM when it is missing (about 90 seconds), and the program. Needs root and a
# Debian 12 with apt; elsewhere it says so and ends with 0, with NAT64_VM_REQUIRED=1 with 1.
#
# Scenarios: story     the whole story, end to end: doctor, trace, compare, the remedy, and back
#            story-wirings  the same on a VLAN with a bridged uplink, and with Jool's iptables framework
#            trace-evidence  who killed a packet, how one knows, and that all is off again
#            compare   what compare predicts, and what it measures through Jool and through a translator on trial
#            diagnose  what the doctor finds in every arrangement that was measured
#            run       nat64 run on this kernel, beside Jool
#            corpus    the same packets through Jool and through our translator, compared field by field
#            fix       nat64 doctor --fix and --undo
#            service   the package and its service under systemd: on this kernel, in namespaces, because that takes
#                      40 seconds, and in the virtual machine several minutes; there where it cannot be done here
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export NAT64_VM_CACHE=${NAT64_VM_CACHE:-$root/.cache/vm}
scenarios=("$@")
[ $# -gt 0 ] || scenarios=(story fix story-wirings diagnose trace-evidence corpus run service)

skip() {
	echo "Tests in the virtual machine are skipped: $1"
	[ "${NAT64_VM_REQUIRED:-}" = 1 ] && exit 1
	exit 0
}
[ "$(id -u)" = 0 ] || skip 'only root can build it (sudo npm run test:vm).'
. /etc/os-release
[ "$ID $VERSION_CODENAME" = 'debian bookworm' ] || skip "it is made of Debian 12's packages, and this is ${PRETTY_NAME:-$ID}."

"$here/build.sh" || { echo 'The virtual machine could not be built, see above.'; exit 1; }

# A copy of the program: the guest reads it while somebody may build anew.
[ -n "${NAT64_VM_NO_BUILD:-}" ] || (cd "$root" && node packaging/build.mjs) || exit 1
export NAT64_VM_PROJECT=$NAT64_VM_CACHE/project
rm -rf "$NAT64_VM_PROJECT"
mkdir -p "$NAT64_VM_PROJECT/node_modules" "$NAT64_VM_PROJECT/fixtures"
cp -r "$root/dist" "$NAT64_VM_PROJECT/"
cp -r "$root/fixtures/xlat" "$NAT64_VM_PROJECT/fixtures/"
cp -r "$root/node_modules/koffi" "$root/node_modules/@koromix" "$NAT64_VM_PROJECT/node_modules/"
(cd "$root" && node packaging/package.mjs --out "$NAT64_VM_PROJECT/debs") || exit 1

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
run_scenario() { # NAME
	local script=$here/scenarios/$1.sh rc=0
	export NAT64_VM_TIMEOUT=${NAT64_VM_TIMEOUT:-900}
	if [ "$1" = service ]; then
		"$here/container.sh" "$script" || rc=$?
		[ "$rc" = 2 ] || return "$rc"
		NAT64_VM_INIT=systemd NAT64_VM_TIMEOUT=900 "$here/run.sh" "$script"
	else
		"$here/run.sh" "$script"
	fi
}
# Takes the next scenario, or ends with 1: two guests at a time, each takes what comes next.
take() {
	local n
	exec 9> "$logs/.lock"; flock 9
	n=$(cat "$logs/.next" 2> /dev/null || echo 0)
	echo $((n + 1)) > "$logs/.next"
	exec 9>&-
	name=${scenarios[$n]:-}
	[ -n "$name" ]
}
run_scenarios() { # one after the other; prints each when it has ended
	local name rc
	while take; do
		rc=0
		run_scenario "$name" > "$logs/$name" 2>&1 || rc=$?
		# A guest that dies, or a scenario without a single check, is a failure, too.
		if [ "$rc" != 0 ] || ! grep -q '^ok ' "$logs/$name"; then echo "FAIL $name: ended with status $rc" >> "$logs/$name"; fi
		cat "$logs/$name"
	done
}
# They wait for timeouts more than they compute.
run_scenarios &
run_scenarios
wait

count() { cat "$logs"/* 2> /dev/null | grep -c "$1"; }
passed=$(count '^ok ') failed=$(count '^FAIL ')
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
