# nat64 doctor --fix takes over from Jool where Jool fails, and --undo gives it back.
. /kit/lib.sh

fix_json=/tmp/fix.json
broken() { # the host of the original case
	"$TOPO" up-fw; jool_instance netfilter; servers_up
}
probes_left() { { ip -o link; ip netns; ls /run/nat64; } | grep -cE 'nat64-probe|99999[0-9]{4}[ip]0'; }

begin fix "the remedy for N64-201, and back"
broken
jool -i default global display --csv | grep -v '^manually-enabled' > /tmp/global.before
jool -i default pool4 display --csv > /tmp/pool4.before
ip -6 route > /tmp/routes.before
traffic fails vanishes vanishes
$NAT64 doctor --fix N64-201 < /dev/null > /tmp/fix.out 2>&1; is 'without --yes and a terminal it ends with status' 2 $?
is 'and has changed nothing' true "$(jool_global manually-enabled)" "$(cat /tmp/fix.out)"
$NAT64 doctor --fix N64-201 --yes --json --probe $TARGET4:80 > $fix_json 2> /tmp/fix.out; is 'it ends with status' 0 $? "$(cat /tmp/fix.out $fix_json)"
sed 's/^/# /' /tmp/fix.out
is 'it was applied' true "$(jq .applied $fix_json)"
is 'the path is predicted to work' true "$(jq .verified.model.delivered $fix_json)"
is 'its probe' passed "$(jq -r .verified.probe.outcome $fix_json)"
is 'nothing of the probe is left' 0 "$(probes_left)"
is 'Jool is switched off' false "$(jool_global manually-enabled)"
traffic passes passes vanishes
is 'INVALID packets' 0 "$(invalid)"
doctor ''
$NAT64 doctor --fix N64-201 --yes > /tmp/fix2.out 2>&1; is 'a second time it ends with status' 3 $?
$NAT64 doctor --undo > /tmp/undo.out 2>&1; is '--undo ends with status' 0 $? "$(cat /tmp/undo.out)"
is 'Jool is on again' true "$(jool_global manually-enabled)"
jool -i default global display --csv | grep -v '^manually-enabled' > /tmp/global.after
jool -i default pool4 display --csv > /tmp/pool4.after
ip -6 route > /tmp/routes.after
succeeds 'its settings are as before' diff /tmp/global.before /tmp/global.after
succeeds 'its pool4 is as before' diff /tmp/pool4.before /tmp/pool4.after
succeeds 'routes are as before' diff /tmp/routes.before /tmp/routes.after
is 'no translator runs' 0 "$(ps ax | grep -c '[b]in.js run')"
is 'nftables tables it left' 0 "$(nft list tables | grep -c nat64)"
traffic fails vanishes vanishes
$NAT64 doctor --undo > /tmp/undo.out 2>&1; is '--undo again ends with status' 0 $?
clean

begin fix-iptables "the same way out for a rule of the iptables framework that takes too much, for a guest in a VLAN"
export LAB_VLAN=10
"$TOPO" up-fw; jool_instance iptables; jool_rules; servers_up
$NAT64 doctor --fix N64-401 --yes --json --probe $TARGET4 > $fix_json 2> /tmp/fix.out; is 'it ends with status' 0 $? "$(cat /tmp/fix.out $fix_json)"
is 'its probe' passed "$(jq -r .verified.probe.outcome $fix_json)" "$(jq -r .verified.probe.text $fix_json)"
is 'nothing of the probe is left' 0 "$(probes_left)"
traffic passes passes vanishes
is 'INVALID packets' 0 "$(invalid)"
$NAT64 doctor --undo > /tmp/undo.out 2>&1; is '--undo ends with status' 0 $? "$(cat /tmp/undo.out)"
is 'Jool is on again' true "$(jool_global manually-enabled)"
is 'its rules are there' 4 "$({ iptables-save; ip6tables-save; } | grep -c 'j JOOL')"
clean

killed_at() { # WORDS: what it says when it is killed
	$NAT64 doctor --fix N64-201 --yes > /tmp/fix.out 2>&1 & fix_pid=$!
	for i in $(seq 1200); do grep -q "$1" /tmp/fix.out && break; sleep 0.1; done
	kill -9 $fix_pid; wait $fix_pid 2> /dev/null
	# What it had begun goes on by itself.
	sleep 5
	$NAT64 doctor --undo > /tmp/undo.out 2>&1; is "killed at \"$1\": --undo ends with status" 0 $? "$(cat /tmp/fix.out /tmp/undo.out)"
	is 'Jool is on again' true "$(jool_global manually-enabled)"
	is 'no translator runs' 0 "$(ps ax | grep -c '[b]in.js run')"
	is 'nothing of the probe is left' 0 "$(probes_left)"
	{ ip -br link; ip -6 route; } > /tmp/host.after
	succeeds 'links and routes are as before' diff /tmp/host.before /tmp/host.after
}
begin fix-killed "killed with -9 at each step: --undo gives Jool back"
broken
{ ip -br link; ip -6 route; } > /tmp/host.before
killed_at '^… switch off'
killed_at '^… start the translator'
clean

begin fix-in-vain "when the probe gets no answer all is taken back"
broken
# The translator comes up, but the firewall of the host lets nothing through it.
ip6tables -I FORWARD -o nat64 -j DROP
$NAT64 doctor --fix N64-201 --yes > /tmp/fix.out 2>&1; is 'it ends with status' 5 $? "$(cat /tmp/fix.out)"
sed 's/^/# /' /tmp/fix.out | tail -6
is 'Jool is on again' true "$(jool_global manually-enabled)"
is 'no translator runs' 0 "$(ps ax | grep -c '[b]in.js run')"
is 'nothing of the probe is left' 0 "$(probes_left)"
ip6tables -D FORWARD -o nat64 -j DROP
clean
exit 0
