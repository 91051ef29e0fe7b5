#!/bin/bash
# run-all.sh [SCENARIO...] - every scenario in the VM, one boot each; "N passed, N failed".
#
# Builds the VM when it is missing, and the program. Needs root and a Debian 12 with apt;
# says so and ends with 0 where that is not to be had, unless NAT64LAB_REQUIRED=1.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export NAT64LAB_CACHE=${NAT64LAB_CACHE:-$root/.cache/vm}
scenarios=("$@")
[ $# -gt 0 ] || scenarios=(diagnose run fix)

skip() {
	echo "Tests in the virtual machine are skipped: $1"
	[ "${NAT64LAB_REQUIRED:-}" = 1 ] && exit 1
	exit 0
}
[ "$(id -u)" = 0 ] || skip 'only root can build it (sudo npm run test:vm).'
. /etc/os-release
[ "$ID $VERSION_CODENAME" = 'debian bookworm' ] || skip "it is made of Debian 12's packages, and this is ${PRETTY_NAME:-$ID}."

"$here/build.sh" || skip 'it could not be built, see above.'

# A copy of the program: the guest reads it while somebody may build anew.
[ -n "${NAT64LAB_NO_BUILD:-}" ] || (cd "$root" && node packaging/build.mjs) || exit 1
export NAT64LAB_PROJECT=$NAT64LAB_CACHE/project
rm -rf "$NAT64LAB_PROJECT"
mkdir -p "$NAT64LAB_PROJECT/node_modules"
cp -r "$root/dist" "$NAT64LAB_PROJECT/"
cp -r "$root/node_modules/koffi" "$root/node_modules/@koromix" "$NAT64LAB_PROJECT/node_modules/"

passed=0 failed=0
for name in "${scenarios[@]}"; do
	log=$(mktemp)
	NAT64LAB_TIMEOUT=${NAT64LAB_TIMEOUT:-300} "$here/run.sh" "$here/scenarios/$name.sh" | tee "$log"
	rc=${PIPESTATUS[0]}
	passed=$((passed + $(grep -c '^ok ' "$log")))
	failed=$((failed + $(grep -c '^FAIL ' "$log")))
	# A guest that dies, or a scenario without a single check, is a failure, too.
	if [ "$rc" != 0 ] || ! grep -q '^ok ' "$log"; then echo "FAIL $name: ended with status $rc"; failed=$((failed + 1)); fi
	rm -f "$log"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
