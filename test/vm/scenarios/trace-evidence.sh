# Who killed a packet, by counters, Jool's log and the kernel's drop events; and that all of it is off again, also after a kill.
. /kit/lib.sh

debug_is() { is "Jool's debug log is on" "$1" "$(jool_global logging-debug)"; }
tracing_is() { is 'instances of tracefs' "$1" "$(ls /sys/kernel/tracing/instances | grep -c nat64-trace)"; }
journals_are() { is 'journals' "$1" "$(ls /run/nat64 2> /dev/null | grep -c '^trace-')"; }
all_off() { debug_is false; tracing_is 0; journals_are 0; }
all_on() { debug_is true; tracing_is 1; journals_are 1; }

# Verdicts on echo replies that died, and their evidence as lines.
died() { paths reply icmp "[.[].verdict | select(.kind == \"died\")] | $1"; }
evidence() { died '[.[].evidence[] | "\(.source)  \(.text)"] | unique | .[]'; }
killer_is() { is 'the killer' "$1" "$(died '[.[].killer] | unique | join(", ")')" "$(cat /tmp/trace.err; paths reply icmp '.[].verdict')"; }
has() { # WHAT PATTERN
	if evidence | grep -qE "$2"; then ok "$1 is evidence"; else fail "$1 is evidence" "$(died '.[]'; traced_notes)"; fi
}
says() { # PATTERN: among the notes
	if traced_notes | grep -qE "$1"; then ok "it says: $1"; else fail "it says: $1" "$(traced_notes)"; fi
}
echoes() { vm ping -6 -n -c 3 -i 0.3 -W 1 $TARGET6; }

begin evidence-loop "the loop: log, counter, drop event"
"$TOPO" up-fw; jool_instance netfilter; servers_up
all_off
traced $TARGET4 -- echoes
evidence | sed 's/^/# /'
killer_is 'Jool "default" (netfilter)'
has "Jool's log" '^dmesg  \[[0-9.]+\] 64:ff9b::cb00:710a -> 2001:db8:100::100 ICMPv6 type:129 code:0 id:[0-9]+: Hairpinning loop'
has 'the counter' '^jool -i default stats display --all --csv  JSTAT_HAIRPIN_LOOP,[0-9]+ \(\+[0-9]+ in [0-9.]+ s\)'
has 'the drop event' 'reason: NETFILTER_DROP in nf_hook_slow < br_nf_pre_routing_ipv6 < br_handle_frame'
all_off

begin evidence-passive "passive: nothing is switched on, and the counter tells"
looked() { sleep 2; all_off >> /tmp/passive; echoes; }
: > /tmp/passive
traced $TARGET4 --passive -- looked
cat /tmp/passive
killer_is 'Jool "default" (netfilter)'
has 'the counter' 'JSTAT_HAIRPIN_LOOP,[0-9]+ \(\+[0-9]+ in'

begin evidence-kill "killed with -9 while all is on: the next one switches it off"
$NAT64 trace $TARGET4 --json > /tmp/killed 2>&1 & killed=$!
for i in $(seq 600); do [ "$(ls /sys/kernel/tracing/instances)" ] && break; sleep 0.1; done
sleep 1
kill -9 $killed; wait $killed 2> /dev/null
all_on
traced $TARGET4 -- echoes
says 'Switched off what trace [0-9]+ had left on: the debug log of Jool "default"'
says 'Switched off what trace [0-9]+ had left on: the drop events of the kernel'
all_off

begin evidence-two "another trace has switched it on: that one alone switches it off, or who comes when it is dead"
sleep 600 & other=$!
cat > /run/nat64/trace-$other.json <<-JSON
	{"version": 1, "pid": $other, "started": $(cut -d' ' -f22 /proc/$other/stat), "bootId": "$(cat /proc/sys/kernel/random/boot_id)",
	 "netns": $(stat -L -c %i /proc/self/ns/net), "switched": [{"kind": "jool-debug", "instance": {"netns": null, "name": "default", "siit": false}}]}
JSON
jool -i default global update logging-debug true
traced $TARGET4 -- echoes
says 'prints its debug log already'
debug_is true; tracing_is 0; journals_are 1
kill $other; wait $other 2> /dev/null
traced $TARGET4 -- echoes
says "Switched off what trace $other had left on"
all_off

begin evidence-own "a debug log that was on before stays on"
jool -i default global update logging-debug true
traced $TARGET4 -- echoes
has "Jool's log" 'Hairpinning loop'
debug_is true; tracing_is 0; journals_are 0
clean

begin evidence-rules "rules of both kinds where Jool works: the kernel tells them from Jool"
"$TOPO" up-fw; jool_instance iptables; jool_rules -i vmbr0; servers_up
ip6tables -t raw -A PREROUTING -i fwbr100i0 -s 64:ff9b::/96 -j DROP
traced $TARGET4 -- echoes
killer_is 'rule "-A PREROUTING -s 64:ff9b::/96 -i fwbr100i0 -j DROP" of ip6tables -t raw'
has 'its counter' '^ip6tables-save -c -t raw  \[[0-9]+\] -A PREROUTING .*\(\+[0-9]+ in'
has 'the drop event' 'reason: NETFILTER_DROP in nft_do_chain < nft_do_chain_ipv6 < nf_hook_slow < br_nf_pre_routing_ipv6'
ip6tables -t raw -F
nft add table bridge lab
nft 'add chain bridge lab passing { type filter hook forward priority -200; }'
nft add rule bridge lab passing ip6 saddr 64:ff9b::/96 counter drop
traced $TARGET4 -- echoes
killer_is 'rule "ip6 saddr 64:ff9b::/96 drop" of nftables chain bridge lab passing'
has 'its counter' '^nft -a list chain bridge lab passing  ip6 saddr .* counter packets [0-9]+ .*\(\+[0-9]+ in'
has 'the drop event' 'reason: NETFILTER_DROP in nft_do_chain < nft_do_chain_bridge < nf_hook_slow < __br_forward'
nft delete table bridge lab
traced $TARGET4 -- echoes
is 'without them it' delivered "$(paths reply icmp '[.[].verdict.kind] | unique | join(" ")')" "$(paths reply icmp '.[].verdict')"
clean
exit 0
