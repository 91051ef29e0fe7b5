# lib.sh - sourced by the scenarios; runs inside the VM.
#
# Every check prints one line, "ok ..." or "FAIL ...", which run-all.sh counts.
KIT=/kit
TOPO=$KIT/topology.sh
TARGET4=203.0.113.10
TARGET6=64:ff9b::$TARGET4
NAT64="node /project/dist/src/bin.js"
scenario=

note() { printf '# %s\n' "$*"; }
begin() { # NAME WORDS...
	scenario=$1; shift
	note "$scenario: $* (at $(cut -d. -f1 /proc/uptime) s)"
}
ok() { printf 'ok   %s: %s\n' "$scenario" "$1"; }
fail() { printf 'FAIL %s: %s\n' "$scenario" "$1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/     | /'; }
is() { # WHAT WANTED GOT [DETAIL]
	if [ "$2" = "$3" ]; then ok "$1 ($2)"; else fail "$1: wanted $2, got $3" "${4:-}"; fi
}
succeeds() { # WHAT COMMAND...
	local what=$1 out; shift
	if out=$("$@" 2>&1); then ok "$what"; else fail "$what" "$out"; fi
}

vm() { "$TOPO" vm "$@"; }
inet() { "$TOPO" inet "$@"; }

# -------------------------------------------------------------------- servers
server_pids=
servers_up() { # [IPV4]
	local target4=${1:-$TARGET4}
	inet python3 $KIT/guest/tcp.py serve "$target4" 80 81 & server_pids="$server_pids $!"
	inet python3 $KIT/guest/tcp.py serve 2001:db8:f::10 80 81 & server_pids="$server_pids $!"
	sleep 1
	# Neighbours first, so that a first packet that is lost proves nothing.
	vm ping -6 -n -c 1 -W 2 2001:db8:100::1 > /dev/null 2>&1
	ping -n -c 1 -W 2 198.51.100.1 > /dev/null 2>&1
}
servers_down() { [ -z "$server_pids" ] || kill $server_pids 2> /dev/null; server_pids=; }

# ---------------------------------------------------------------- translators
# JOOL_IN: a command prefix when the instance lives in another namespace.
JOOL_IN=
jool_instance() { # netfilter|iptables
	modprobe jool
	$JOOL_IN jool instance add default "--$1" --pool6 64:ff9b::/96
}
jool_off() { $JOOL_IN jool instance flush 2> /dev/null; modprobe -r jool 2> /dev/null; }
jool_global() { jool -i default global display --csv | sed -n "s/^$1,//p" | tr A-Z a-z; }
jool_rules() { # IPv6 MATCH...: rules of the iptables framework
	local p
	ip6tables -t mangle -A PREROUTING -d 64:ff9b::/96 "$@" -j JOOL --instance default
	for p in tcp udp; do iptables -t mangle -A PREROUTING -i eno1 -d 198.51.100.2 -p $p --dport 61001:65535 -j JOOL --instance default; done
	iptables -t mangle -A PREROUTING -i eno1 -d 198.51.100.2 -p icmp -j JOOL --instance default
}

run_pid=
run_up() { # FLAGS...: nat64 run, until its line says that packets flow
	modprobe tun
	local i
	$NAT64 run "$@" > /tmp/run.log 2>&1 & run_pid=$!
	for i in $(seq 600); do
		grep -q ' Translates ' /tmp/run.log && return 0
		kill -0 $run_pid 2> /dev/null || break
		sleep 0.1
	done
	fail 'nat64 run gets ready' "$(cat /tmp/run.log)"
	return 1
}
run_down() {
	[ -n "$run_pid" ] || return 0
	kill $run_pid 2> /dev/null; wait $run_pid; local rc=$?
	run_pid=
	return $rc
}

# ---------------------------------------------------------------------- checks
# Each prints one word.
ping_says() { # ADDR
	vm ping -6 -n -c 2 -i 0.3 -W 2 "$1" > /dev/null 2>&1 && echo passes || echo fails
}
tcp_says() { # ADDR PORT
	local rc=0
	vm python3 $KIT/guest/tcp.py get "$1" "$2" 2 > /dev/null 2>&1 || rc=$?
	case $rc in 0) echo passes ;; 2) echo vanishes ;; *) echo "is refused" ;; esac
}
# Packets of both families that the guest's firewall dropped as INVALID.
invalid() {
	{ ip6tables -nvxL PVEFW-FORWARD; iptables -nvxL PVEFW-FORWARD; } 2> /dev/null | awk '/INVALID/ { n += $1 } END { print n + 0 }'
}
# What the guest gets through: ping, TCP 80, and TCP 81, which its firewall forbids.
traffic() { # PING TCP80 TCP81 [TARGET6]
	local to=${4:-$TARGET6}
	is 'ping' "$1" "$(ping_says "$to")"
	is 'TCP 80' "$2" "$(tcp_says "$to" 80)"
	is 'TCP 81' "$3" "$(tcp_says "$to" 81)"
}

# ---------------------------------------------------------------------- doctor
# doctor ERRORS WARNINGS: runs it and compares the codes that it finds.
DOCTOR=/tmp/doctor.json
findings() { # SEVERITY
	jq -r --arg s "$1" '[.. | objects | select(has("code") and has("severity") and has("evidence") and .severity == $s) | .code] | unique | join(" ")' $DOCTOR
}
doctor() { # ERRORS WARNINGS
	local rc=0
	$NAT64 doctor --json > $DOCTOR 2> /tmp/doctor.err || rc=$?
	if ! jq -e . $DOCTOR > /dev/null 2>&1; then
		fail "doctor prints JSON (status $rc)" "$(cat /tmp/doctor.err; head -c 600 $DOCTOR)"
		return
	fi
	is 'doctor finds errors' "${1:-none}" "$(findings error | sed 's/^$/none/')" "$(titles)"
	is 'doctor ends with status' "$([ -z "$1" ] && echo 0 || echo 1)" "$rc" "$(cat /tmp/doctor.err)"
	is 'doctor warns with' "${2:-nothing}" "$(findings warning | sed 's/^$/nothing/')" "$(titles)"
}
titles() { jq -r '.. | objects | select(has("code") and has("severity") and has("evidence")) | "\(.severity) \(.code) \(.title)"' $DOCTOR; }

# ----------------------------------------------------------------------- trace
TRACE=/tmp/trace.jsonl
traced() { # ARGS... -- COMMAND...: traces while COMMAND runs, and until what died must have been told
	local args=() i
	while [ "$1" != -- ]; do args+=("$1"); shift; done; shift
	$NAT64 trace "${args[@]}" --json > $TRACE 2> /tmp/trace.err & local p=$!
	for i in $(seq 400); do grep -q '"type":"start"' $TRACE && break; kill -0 $p 2> /dev/null || break; sleep 0.1; done
	"$@" > /dev/null 2>&1
	sleep 3
	kill -INT $p 2> /dev/null; wait $p; traced_rc=$?
}
paths() { jq -rs --arg way "$1" --arg protocol "$2" "[.[] | select(.type == \"path\" and .way == \$way and .protocol == \$protocol)] | $3" $TRACE; } # WAY PROTOCOL JQ
# Devices of the way of the first such packet; of those that died, where, by whom and why.
way() { paths "$1" "$2" '.[0].hops // [] | map(select(.onWay) | .device) | join(" ")'; }
verdicts() { paths "$1" "$2" '[.[].verdict | [.kind, .reason] | join(" ")] | unique | join(", ")'; }
traced_notes() { jq -r 'select(.type == "note") | .text' $TRACE; }

# What a scenario leaves behind is removed.
clean() {
	servers_down
	run_down
	jool_off; JOOL_IN=
	local c t
	for c in iptables ip6tables; do for t in mangle nat; do $c -t $t -F 2> /dev/null; done; done
	nft delete table bridge lab 2> /dev/null
	ip netns del nat64 2> /dev/null
	"$TOPO" down
	conntrack -F > /dev/null 2>&1
	for c in ip ip6 arp; do echo 1 > /proc/sys/net/bridge/bridge-nf-call-${c}tables; done 2> /dev/null
	rm -rf /var/lib/nat64
	unset LAB_VLAN LAB_UPLINK LAB_RULES LAB_BRNF LAB_NET4
}
