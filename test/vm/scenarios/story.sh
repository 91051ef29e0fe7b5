# The whole story: Jool works, the firewall is switched on, nothing gets through; doctor, trace and compare say why; the
# remedy; a restart of the translator; and back. Each step asserts on what the commands print as JSON.
. /kit/lib.sh

SIZE=20000000
json=/tmp/story.json
IN='tap100i0 fwbr100i0 fwln100i0 fwpr100p0 vmbr0'
OUT='vmbr0 fwpr100p0 fwln100i0 fwbr100i0 tap100i0'
gw='' up=eno1 down=eno1

all_kinds() { # one packet of each kind that is allowed
	vm ping -6 -n -c 2 -i 0.3 -W 2 $TARGET6
	vm python3 $KIT/guest/tcp.py get $TARGET6 80 2
}
servers() { servers_up; inet python3 $KIT/guest/tcp.py pour $TARGET4 90 $SIZE & server_pids="$server_pids $!"
	inet python3 $KIT/guest/tcp.py echo $TARGET4 91 & server_pids="$server_pids $!"; }
download() { vm timeout 60 python3 $KIT/guest/tcp.py fetch $TARGET6 90 $SIZE 2>&1; }
jool_settings() { jool -i default global display --csv; jool -i default pool4 display --csv; ip -6 route; ip route; iptables-save -t mangle; ip6tables-save -t mangle; }
settings() { jool_settings | sed 's/^[#:].*//; s/\[[0-9:]*\]//'; }

# What the doctor, the trace and the comparison say of Jool that loops: REASON CHECK WAY-OF-THE-REPLY
is_broken() {
	traffic fails vanishes vanishes
	doctor "$2" "$4"
	traced $TARGET4 -- all_kinds
	is 'trace ends with status' 1 "$traced_rc" "$(cat /tmp/trace.err)"
	is 'echo requests' 'delivered ok' "$(verdicts request icmp)"
	is 'echo replies' "died $1" "$(verdicts reply icmp)" "$(cat $TRACE | head -c 3000)"
	is 'TCP replies' "died $1" "$(verdicts reply tcp)"
	is 'the way of a reply' "$3" "$(way reply icmp)"
	is 'it names the check' "$2" "$(paths reply icmp '[.[].verdict.check] | unique | join(" ")')"
	is 'a request that skips the firewall is told as such' true "$(paths request icmp 'all(.skippedFirewall)')"
}
# The remedy is in force: trace shows its way, everything allowed passes, what is forbidden does not.
is_mended() {
	traffic passes passes vanishes
	local got; got=$(download); is 'a large download' "$SIZE bytes" "$(echo "$got" | cut -d' ' -f1,2)" "$got"
	is 'INVALID packets' 0 "$(invalid)"
	traced $TARGET4 -- all_kinds
	is 'trace ends with status' 0 "$traced_rc" "$(cat /tmp/trace.err; jq -c 'select(.verdict.kind != "delivered")' $TRACE | head -c 2000)"
	is 'the way of a request' "$IN${gw:+ $gw} nat64 nat64 $up" "$(way request icmp)"
	is 'the way of a reply' "$down nat64 nat64${gw:+ $gw} $OUT" "$(way reply icmp)"
	traced $TARGET4 -p tcp --port 81 -- vm python3 $KIT/guest/tcp.py get $TARGET6 81 2
	is 'the forbidden port' 'died firewall_drop' "$(verdicts request tcp)" "$(head -c 2000 $TRACE)"
}
mend() { # CHECK
	settings > /tmp/settings.before
	$NAT64 doctor --fix "$1" --yes --json --probe $TARGET4:80 > $json 2> /tmp/fix.out; is '--fix ends with status' 0 $? "$(cat /tmp/fix.out $json)"
}
restart_translator() { # with the same words, as a service manager would
	local pid args i
	pid=$(ps ax -o pid,args | awk '/bin\.js run/ && !/awk/ { print $1; exit }')
	mapfile -d '' args < /proc/$pid/cmdline
	kill -TERM $pid; while kill -0 $pid 2> /dev/null; do sleep 0.1; done
	setsid -f "${args[@]}" < /dev/null > /tmp/again.log 2>&1
	for i in $(seq 300); do grep -q ' Translates ' /tmp/again.log && return; sleep 0.1; done
	fail 'the translator is there again' "$(cat /tmp/again.log)"
}
until_exists() { local i; for i in $(seq 300); do [ -e "$1" ] && return; sleep 0.1; done; fail "$1 is there"; }
give_back() {
	$NAT64 doctor --undo > /tmp/undo.out 2>&1; is '--undo ends with status' 0 $? "$(cat /tmp/undo.out)"
	settings > /tmp/settings.after
	succeeds 'Jool, its rules and the routes are as before' diff /tmp/settings.before /tmp/settings.after
	is 'ping' fails "$(ping_says $TARGET6)"
}

begin story-1 "without a firewall bridge Jool works"
"$TOPO" up-nofw; jool_instance netfilter; servers
traffic passes passes passes
doctor ''
traced $TARGET4 -- all_kinds
is 'trace ends with status' 0 "$traced_rc" "$(cat /tmp/trace.err; tail -c 2000 $TRACE)"
is 'the way of a request through the hook' 'tap100i0 vmbr0 eno1' "$(way request icmp)"
is 'the way of a reply' 'eno1 vmbr0 tap100i0' "$(way reply icmp)"
is 'who translates' 'Jool "default" (netfilter)' "$(paths request icmp '.[0].engine')"
is "Jool's debug log is off again" false "$(jool_global logging-debug)"
clean

begin story-2 "the firewall is switched on: the guest is cut off"
"$TOPO" up-fw; jool_instance netfilter; servers
is_broken hairpin_loop N64-201 'eno1 vmbr0 fwpr100p0 fwln100i0' N64-204
is 'last seen, never reached' 'fwln100i0 fwbr100i0' "$(paths reply icmp '.[0].verdict | [.lastSeen, .neverReached] | join(" ")')"
is 'the counter is evidence' true "$(paths reply icmp 'any(.[].verdict.evidence[].text; startswith("JSTAT_HAIRPIN_LOOP"))')" "$(paths reply icmp '.[].verdict.evidence')"
is "Jool's log line is evidence" true "$(paths reply icmp 'any(.[].verdict.evidence[].text; contains("Hairpinning loop. Dropping..."))')" "$(traced_notes)"
is "the kernel's drop event is evidence" true "$(paths reply icmp 'any(.[].verdict.evidence[].text; contains("br_nf_pre_routing_ipv6"))')" "$(traced_notes)"
is "Jool's debug log is off again" false "$(jool_global logging-debug)"
is 'no instance of tracefs is left' 0 "$(ls /sys/kernel/tracing/instances | wc -l)"
$NAT64 compare 100 --json > $json 2> /tmp/compare.err; is 'compare ends with status' 1 $? "$(cat /tmp/compare.err)"
predicted() { jq -r --arg id "$1" '.guests[0].engines[] | select(.id == $id) | .reason' $json; }
is 'compare predicts of Jool' hairpin_loop "$(predicted jool-netfilter)"
is 'and of nat64 run' ok "$(predicted nat64)" "$(jq -c '[.guests[0].engines[] | [.id, .reason]]' $json)"
modprobe tun
$NAT64 compare 100 --to $TARGET4 --measure --count 4 --json > $json 2> /tmp/compare.err; is 'measuring ends with status' 1 $? "$(cat /tmp/compare.err; head -c 1000 $json)"
pings() { jq -r --arg id "$1" ".measured.places[] | select(.firewallBridge == $2) | .engines[] | select(.id == \$id) | .ping | \"\(.answered) of \(.sent)\"" $json; }
is 'measured behind a firewall bridge, Jool' '0 of 4' "$(pings jool-netfilter true)" "$(jq -c '.measured' $json | head -c 3000)"
is 'and nat64 run on trial' '4 of 4' "$(pings trial true)"
is 'without one, Jool' '4 of 4' "$(pings jool-netfilter false)"
is 'and nat64 run on trial' '4 of 4' "$(pings trial false)"
is 'nothing of the trial is left' 0 "$({ ip -o link; ip netns; ip -6 route; } | grep -cE 'nat64t|99999[0-9]{4}[ip]0|nat64-probe')"

begin story-3 "the remedy"
mend N64-201
is_mended
doctor ''

begin story-4 "the translator is started again during a transfer"
vm python3 $KIT/guest/tcp.py hold $TARGET6 91 /tmp/held > /tmp/hold.out 2>&1 & hold=$!
until_exists /tmp/held.up
restart_translator
sleep 2; touch /tmp/held; wait $hold; is 'the connection survives' 0 $? "$(cat /tmp/hold.out)"
note "$(cat /tmp/hold.out)"
rm -f /tmp/held /tmp/held.up
traffic passes passes vanishes

begin story-5 "and back"
give_back
clean

begin story-vlan "gateway on a VLAN, uplink a port of vmbr0"
export LAB_VLAN=10 LAB_UPLINK=bridged
gw='vlan10'; up='vlan10 vmbr0 eno1'; down='eno1 vmbr0 vlan10'
"$TOPO" up-fw; jool_instance netfilter; servers
is_broken hairpin_loop N64-201 "eno1 vlan10 vmbr0 fwpr100p0 fwln100i0" N64-204
mend N64-201
is_mended
give_back
gw='' up=eno1 down=eno1
clean

begin story-iptables "Jool's iptables framework with -d pool6 alone"
"$TOPO" up-fw; jool_instance iptables; jool_rules; servers
is_broken ct_invalid N64-401 "eno1 vmbr0 fwpr100p0 fwln100i0 fwbr100i0" 'N64-204 N64-405'
mend N64-401
is_mended
give_back
clean
exit 0
