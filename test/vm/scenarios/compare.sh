# compare with the real Jool: what it predicts, and what --measure then finds through Jool and through a translator on trial,
# at once, from a port behind a firewall bridge and from one without. Nothing is left of either.
. /kit/lib.sh
modprobe tun

SIZE=20000000
json=/tmp/compare.json
servers() { servers_up; inet python3 $KIT/guest/tcp.py pour $TARGET4 90 $SIZE & server_pids="$server_pids $!"; }
settings() { jool -i default global display --csv; ip -o link | sed 's/^[0-9]*: //; s/ qlen [0-9]*//'; ip -6 route; ip route; iptables-save; ip6tables-save; nft list tables; }
state() { settings | sed 's/^[#:].*//; s/\[[0-9:]*\]//'; }
measure() { # FLAGS...
	state > /tmp/state.before
	$NAT64 compare 100 --measure --to $TARGET4 --count 8 "$@" --json > $json 2> /tmp/compare.err
	rc=$?
	state > /tmp/state.after
	succeeds 'the host is as before' diff /tmp/state.before /tmp/state.after
	is 'probes and trials that are left' 0 "$( { ip -o link; ip netns; ls /run/nat64 2> /dev/null; } | grep -c 'nat64t\|99999')"
}
at() { # FIREWALL-BRIDGE ENGINE FILTER
	jq -r --argjson fw "$1" --arg id "$2" ".measured.places[] | select(.firewallBridge == \$fw) | .engines[] | select(.id == \$id) | $3" $json
}
pings() { at "$1" "$2" '"\(.ping.answered) of \(.ping.sent)"'; }
seen() { at "$1" "$2" ".$3.devices | map(sub(\"99999[0-9]+[ip]0\"; \"*\") | sub(\"nat64t[0-9]+\"; \"TUN\")) | join(\" \")"; }
detail() { cat /tmp/compare.err; jq -c '.error // .measured' $json | head -c 3000; }

begin compare-hairpin "Jool behind a firewall bridge: predicted, and measured beside a translator on trial"
"$TOPO" up-fw; jool_instance netfilter; servers
measure --port 90 --seconds 2
is 'compare ends with status' 1 "$rc" "$(detail)"
is 'the verdict' 'switch nat64' "$(jq -r '.guests[0].verdict | "\(.kind) \(.engine)"' $json)"
is 'the command' 'nat64 doctor --fix N64-201' "$(jq -r '.guests[0].verdict.move.commands[0]' $json)"
is 'pings through Jool, behind a firewall bridge' '0 of 8' "$(pings true jool-netfilter)" "$(detail)"
is 'and through the one on trial' '8 of 8' "$(pings true trial)" "$(detail)"
is 'pings through Jool, without a firewall bridge' '8 of 8' "$(pings false jool-netfilter)" "$(detail)"
is 'and through the one on trial' '8 of 8' "$(pings false trial)" "$(detail)"
for fw in true false; do for id in jool-netfilter trial; do
	is "as predicted ($id, firewall bridge: $fw)" true "$(at $fw $id .asPredicted)"
done; done
is 'what is predicted of Jool behind it' hairpin_loop "$(at true jool-netfilter .predicted.reason)"
is 'a request through Jool is taken on the firewall bridge' 'tap* eno1' "$(seen true jool-netfilter request)" "$(detail)"
is 'its reply ends there' 'eno1 vmbr0 fwpr* fwln*' "$(seen true jool-netfilter reply)" "$(detail)"
is 'a request through the one on trial passes it' 'tap* fwbr* fwln* fwpr* vmbr0 TUN TUN eno1' "$(seen true trial request)" "$(detail)"
is 'so does its reply' 'eno1 TUN TUN vmbr0 fwpr* fwln* fwbr* tap*' "$(seen true trial reply)" "$(detail)"
is 'TCP through Jool, behind a firewall bridge' 0 "$(at true jool-netfilter .tcp.answered)"
is 'TCP through the one on trial' 5 "$(at true trial .tcp.answered)"
is 'it reads from the server' true "$(at true trial '.throughput.bytes > 100000')" "$(detail)"
note "added latency without a firewall bridge, us: Jool $(at false jool-netfilter '.added | "\(.median) p99 \(.p99)"'), on trial $(at false trial '.added | "\(.median) p99 \(.p99)"')"
note "throughput, Mbit/s: Jool $(at false jool-netfilter '.throughput.bitsPerSecond / 1e6 | floor'), on trial $(at false trial '.throughput.bitsPerSecond / 1e6 | floor')"
is "Jool's debug log is off" false "$(jool_global logging-debug)"
clean

begin compare-rules "Jool's iptables framework: rules that do not suit are told, and those that the verdict gives suit"
"$TOPO" up-fw; jool_instance iptables; jool_rules; servers
measure
is 'compare ends with status' 1 "$rc" "$(detail)"
is 'pings through Jool' '0 of 8' "$(pings true jool-iptables)" "$(detail)"
is 'predicted' ct_invalid "$(at true jool-iptables .predicted.reason)"
jq -r '.guests[0].verdict.move.commands[]' $json > /tmp/commands
is 'the verdict changes one rule' 2 "$(wc -l < /tmp/commands)" "$(cat /tmp/commands)"
succeeds 'with its commands' sh -e /tmp/commands
measure
is 'then compare ends with status' 0 "$rc" "$(detail)"
is 'pings through Jool' '8 of 8' "$(pings true jool-iptables)" "$(detail)"
is 'a request is taken behind the firewall bridge' 'tap* fwbr* fwln* fwpr* eno1' "$(seen true jool-iptables request)" "$(detail)"
clean
exit 0
