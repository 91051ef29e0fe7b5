# nat64 run on this kernel, behind a firewall bridge, beside Jool.
. /kit/lib.sh

begin run-beside-jool "an instance with the same prefix is a conflict; a disabled one is none"
export LAB_NET4=140.82.121.4 # the well-known prefix is not for documentation addresses
"$TOPO" up-fw; jool_instance netfilter; servers_up $LAB_NET4
$NAT64 run > /tmp/run.log 2>&1; is 'nat64 run ends with status' 3 $?
is 'its complaint names Jool' 1 "$(grep -c 'kernel module Jool already translates' /tmp/run.log)"
jool -i default global update manually-enabled false
if run_up; then
	traffic passes passes vanishes 64:ff9b::$LAB_NET4
	is 'INVALID packets' 0 "$(invalid)"
	$NAT64 status --json > /tmp/status.json
	is 'io' io_uring "$(jq -r '.. | objects | .io? // empty | if type == "object" then .kind else . end' /tmp/status.json | head -1)"
	run_down; is 'nat64 run ends with status' 0 $?
	is 'routes it left' 0 "$(ip -6 route show 64:ff9b::/96 | wc -l)"
	is 'nftables tables it left' 0 "$(nft list tables | grep -c nat64)"
fi
clean; exit 0
