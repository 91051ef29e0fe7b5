# The whole story: Jool works, the firewall is switched on, nothing gets through; doctor, trace and compare say why; the
# remedy; a restart of the translator; and back. Each step asserts on what the commands print as JSON.
. /kit/lib.sh
. /kit/story-lib.sh

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
traffic fails vanishes vanishes
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
exit 0
