# story-lib.sh - sourced by the scenarios that tell the story; runs inside the VM, after lib.sh.
SIZE=20000000
json=/tmp/story.json
# Not empty: what the main story has shown is not shown again.
brief=
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
	is 'INVALID packets since the remedy' 0 $(($(invalid) - invalid_before))
	traced $TARGET4 -- all_kinds
	is 'trace ends with status' 0 "$traced_rc" "$(cat /tmp/trace.err; jq -c 'select(.verdict.kind != "delivered")' $TRACE | head -c 2000)"
	is 'the way of a request' "$IN${gw:+ $gw} nat64 nat64 $up" "$(way request icmp)"
	is 'the way of a reply' "$down nat64 nat64${gw:+ $gw} $OUT" "$(way reply icmp)"
	[ -z "$brief" ] || return 0
	traced $TARGET4 -p tcp --port 81 -- vm python3 $KIT/guest/tcp.py get $TARGET6 81 2
	is 'the forbidden port' 'died firewall_drop' "$(verdicts request tcp)" "$(head -c 2000 $TRACE)"
}
invalid_before=0
mend() { # CHECK
	settings > /tmp/settings.before
	$NAT64 doctor --fix "$1" --yes --json --probe $TARGET4:80 > $json 2> /tmp/fix.out; is '--fix ends with status' 0 $? "$(cat /tmp/fix.out $json)"
	invalid_before=$(invalid)
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
