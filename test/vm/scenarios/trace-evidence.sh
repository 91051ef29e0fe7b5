# Who killed a packet, as the real Jool, its log, its counters and the kernel's drop events tell; and that all is off again.
. /kit/lib.sh

answers=/tmp/evidence.json
seen_pid= evidence_pid=
evidence_up() { # DEVICE FILTER OPTIONS...: what passes DEVICE are the packets that died
	local device=$1 filter=$2 i; shift 2
	rm -f /tmp/seen; mkfifo /tmp/seen
	tcpdump -tt -n -l -i "$device" "$filter" > /tmp/seen 2> /dev/null & seen_pid=$!
	node /project/dist/test/vm/evidence.js --seconds 300 "$@" < /tmp/seen > $answers 2> /tmp/evidence.err & evidence_pid=$!
	for i in $(seq 900); do grep -q 'evidence: ready' /tmp/evidence.err && break; sleep 0.1; done
	grep -q 'evidence: ready' /tmp/evidence.err || fail 'evidence is ready'
	sed 's/^/# /' /tmp/evidence.err
}
evidence_down() {
	kill -TERM $evidence_pid; wait $evidence_pid
	kill $seen_pid 2> /dev/null; wait $seen_pid 2> /dev/null
}
replies="icmp6 and ip6[40] == 129"
debug_is() { is "Jool's debug log is on" "$1" "$(jool_global logging-debug)"; }
tracing_is() { is 'tracing instances' "$1" "$(ls /sys/kernel/tracing/instances | grep -c nat64-trace)"; }
journals_are() { is 'journals' "$1" "$(ls /run/nat64 2> /dev/null | grep -c '^trace-')"; }
all_off() { debug_is false; tracing_is 0; journals_are 0; }
all_on() { debug_is true; tracing_is 1; journals_are 1; }
killers() { jq -r '[.answers[].killer] | unique | join(" ")' $answers; }
texts() { jq -r '.answers[0].evidence[] | "\(.source)  \(.text)"' $answers; }
has() { # WHAT PATTERN
	if texts | grep -qE "$2"; then ok "evidence: $1"; else fail "evidence: $1" "$(cat $answers)"; fi
}
says() { # PATTERN: among the notes
	if jq -r '.notes[]' $answers | grep -qE "$1"; then ok "it says: $1"; else fail "it says: $1" "$(cat $answers)"; fi
}
pings() { vm ping -6 -n -c 2 -i 0.3 -W 1 "${1:-$TARGET6}" > /dev/null 2>&1; }

begin evidence-loop "the loop: log, counter, drop event"
"$TOPO" up-fw; jool_instance netfilter; servers_up
all_off
evidence_up fwln100i0 "$replies" --reason hairpin_loop --port fwln100i0
all_on
pings
evidence_down
texts | sed 's/^/# /'
is 'packets' 2 "$(jq '.answers | length' $answers)"
is 'the killer' 'Jool "default"' "$(killers)" "$(cat $answers)"
has "Jool's log" '^dmesg  \[[0-9.]+\] 64:ff9b::cb00:710a -> 2001:db8:100::100 ICMPv6 type:129 code:0 id:[0-9]+: Hairpinning loop'
has 'the counter' '^jool -i default stats display --all --csv  JSTAT_HAIRPIN_LOOP,[0-9]+ \(\+[12] in [0-9.]+ s\)'
has 'the drop event' 'reason: NETFILTER_DROP in nf_hook_slow < br_nf_pre_routing_ipv6 < br_handle_frame'
is 'evidence for each packet' '3 3' "$(jq -r '[.answers[].evidence | length] | join(" ")' $answers)" "$(cat $answers)"
all_off

begin evidence-passive "passive: nothing is switched on, and the counter tells"
evidence_up fwln100i0 "$replies" --reason hairpin_loop --port fwln100i0 --passive
all_off
pings
evidence_down
is 'the killer' 'Jool "default"' "$(killers)" "$(cat $answers)"
has 'the counter' 'JSTAT_HAIRPIN_LOOP,[0-9]+ \(\+[12] in'

begin evidence-kill "killed with -9 while all is on: the next one switches it off, and keeps to its time"
evidence_up fwln100i0 "$replies" --deep 600
all_on
kill -9 $evidence_pid; wait $evidence_pid 2> /dev/null; kill $seen_pid
all_on
evidence_up fwln100i0 "$replies" --deep 2
sleep 3
debug_is false; tracing_is 1; journals_are 1
evidence_down
says 'Switched off what trace [0-9]+ had left on: the debug log of Jool "default"'
says 'Switched off what trace [0-9]+ had left on: the drop events'
says 'off again, after 2 s'
all_off

begin evidence-two "two at once: only who switched it on switches it off"
evidence_up fwln100i0 "$replies" --deep 600
first_pid=$evidence_pid first_seen=$seen_pid
evidence_up fwln100i0 "$replies" --deep 600
tracing_is 2
evidence_down
says 'prints its debug log already'
all_on
evidence_pid=$first_pid seen_pid=$first_seen
evidence_down
all_off

begin evidence-own "a debug log that was on before stays on"
jool -i default global update logging-debug true
evidence_up fwln100i0 "$replies" --reason hairpin_loop
pings
evidence_down
has "Jool's log" 'Hairpinning loop'
debug_is true; tracing_is 0; journals_are 0
jool -i default global update logging-debug false

begin evidence-rate "many packets: the debug log stays off"
vm ping -6 -n -q -i 0.01 -w 60 $TARGET6 > /dev/null 2>&1 & flood=$!
evidence_up fwln100i0 "$replies" --rate 5
debug_is false
kill $flood; wait $flood 2> /dev/null
evidence_down
says 'packets/s: its debug log stays off'
all_off

begin evidence-rules "rules that drop, of both kinds, on the firewall bridge"
jool -i default global update manually-enabled false
NATIVE=2001:db8:f::10
ip6tables -t raw -A PREROUTING -i fwbr100i0 -s $NATIVE -j DROP
evidence_up fwln100i0 "$replies" --port fwln100i0
pings $NATIVE
evidence_down
is 'the killer' "rule \"-A PREROUTING -s $NATIVE/128 -i fwbr100i0 -j DROP\" of ip6tables -t raw" "$(killers)" "$(cat $answers)"
has 'its counter' 'ip6tables-save -c -t raw  \[[0-9]+\] -A PREROUTING .*\(\+[12] in'
has 'the drop event' 'reason: NETFILTER_DROP in nft_do_chain < nft_do_chain_ipv6 < nf_hook_slow < br_nf_pre_routing_ipv6'
ip6tables -t raw -F
nft add table bridge lab
nft 'add chain bridge lab passing { type filter hook forward priority -200; }'
nft add rule bridge lab passing ip6 saddr $NATIVE counter drop
evidence_up fwbr100i0 "$replies" --at forward --port fwln100i0
pings $NATIVE
evidence_down
is 'the killer' "rule \"ip6 saddr $NATIVE drop\" of nftables chain bridge lab passing" "$(killers)" "$(cat $answers)"
has 'its counter' 'nft -a list chain bridge lab passing  ip6 saddr .* counter packets [0-9]+ .*\(\+[12] in'
has 'the drop event' 'reason: NETFILTER_DROP in nft_do_chain < nft_do_chain_bridge < nf_hook_slow < (__)?br_forward'
nft delete table bridge lab
ip6tables -I FORWARD -i eno1 -s $NATIVE -j REJECT
evidence_up eno1 "$replies" --at forward --device eno1 --routed
pings $NATIVE
evidence_down
is 'the killer' "rule \"-A FORWARD -s $NATIVE/128 -i eno1 -j REJECT --reject-with icmp6-port-unreachable\" of ip6tables -t filter" "$(killers)" "$(cat $answers)"
has 'the drop event' 'reason: NETFILTER_DROP in .*nf_hook_slow < ip6_forward'
ip6tables -D FORWARD -i eno1 -s $NATIVE -j REJECT
ip -6 route add unreachable 2001:db8:100::100
evidence_up eno1 "$replies" --at route --device eno1 --routed --reason no_route6
pings $NATIVE
evidence_down
is 'the killer' 'the kernel (IP_INNOROUTES)' "$(killers)" "$(cat $answers)"
ip -6 route del unreachable 2001:db8:100::100
clean
exit 0
