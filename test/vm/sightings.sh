# sightings.sh - on which devices an echo request and its reply are seen, by engine and wiring.
#
#   run.sh sightings.sh OUTDIR      writes OUTDIR/sightings.txt, 20 minutes; it is fixtures/recordings/sightings.txt
#
# The machine has to be built with NAT64_VM_MORE=openvswitch-switch.
#
# Columns: engine, guest's port (nofw, fw; ovs- on Open vSwitch), uplink, device or VLAN of the guests' gateway,
# bridge-nf-call-ip6tables, bridge-nf-call-iptables | request | reply. $LAB_ARGS: only rows with these words.
. /kit/lib.sh
export LAB_NET4=140.82.121.4
TARGET6=64:ff9b::$LAB_NET4
table=/out/sightings.txt
mkdir -p /dev/net
for m in tun br_netfilter 8021q openvswitch; do modprobe $m; done
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
modprobe bonding max_bonds=0

# ----------------------------------------------------------------------- engines
tayga_pid=
tayga_up() {
	mkdir -p /var/spool/tayga; rm -f /var/spool/tayga/*
	printf '%s\n' 'tun-device nat64' 'ipv4-addr 192.168.255.1' 'ipv6-addr 2001:db8:64::64' 'prefix 64:ff9b::/96' \
		'dynamic-pool 192.168.255.0/24' 'data-dir /var/spool/tayga' > /tmp/tayga.conf
	tayga -c /tmp/tayga.conf --mktun > /dev/null
	ip link set nat64 up
	ip addr add 192.168.255.2/32 dev nat64
	ip route add 192.168.255.0/24 dev nat64
	ip -6 route add 64:ff9b::/96 dev nat64
	ip -6 route add 2001:db8:64::64 dev nat64
	iptables -t nat -A POSTROUTING -s 192.168.255.0/24 -j MASQUERADE
	tayga -c /tmp/tayga.conf --nodetach > /tmp/tayga.log 2>&1 & tayga_pid=$!
	sleep 0.5
}
netns_up() {
	local p
	ip netns add nat64
	ip link add jool0 type veth peer name host0 netns nat64
	echo 0 > /proc/sys/net/ipv6/conf/jool0/accept_dad
	ip netns exec nat64 sh -c 'echo 0 > /proc/sys/net/ipv6/conf/host0/accept_dad; echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
	ip link set jool0 up; ip -n nat64 link set lo up; ip -n nat64 link set host0 up
	ip addr add 192.0.2.1/30 dev jool0; ip addr add 2001:db8:64::1/64 dev jool0 nodad
	ip -n nat64 addr add 192.0.2.2/30 dev host0; ip -n nat64 addr add 2001:db8:64::2/64 dev host0 nodad
	ip -n nat64 route add default via 192.0.2.1; ip -n nat64 -6 route add default via 2001:db8:64::1
	ip -6 route add 64:ff9b::/96 via 2001:db8:64::2
	iptables -t nat -A POSTROUTING -s 192.0.2.2 -j MASQUERADE
	JOOL_IN='ip netns exec nat64'
	jool_instance netfilter
	for p in tcp udp icmp; do $JOOL_IN jool -i default pool4 add --$p 192.0.2.2 61001-65535; done
}
engine_up() {
	case $1 in
		jool) jool_instance netfilter ;;
		jool-iptables) jool_instance iptables; ip6tables -t mangle -A PREROUTING -i vmbr0 -d 64:ff9b::/96 -j JOOL --instance default
			iptables -t mangle -A PREROUTING -d 198.51.100.2 -p icmp -j JOOL --instance default ;;
		jool-netns) netns_up ;;
		tayga) tayga_up ;;
	esac
}
engine_down() {
	[ -z "$tayga_pid" ] || { kill $tayga_pid; wait $tayga_pid 2> /dev/null; tayga_pid=; ip link del nat64; }
	jool_off; JOOL_IN=
	ip netns del nat64 2> /dev/null; ip link del jool0 2> /dev/null
	iptables -t nat -F; iptables -t mangle -F; ip6tables -t mangle -F
	conntrack -F > /dev/null 2>&1
}

# ----------------------------------------------------------------------- wirings
ovs_start() {
	[ ! -e /run/openvswitch/db.sock ] || return 0
	mkdir -p /run/openvswitch
	mount -t tmpfs tmpfs /etc/openvswitch; mount -t tmpfs tmpfs /var/log/openvswitch
	ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server --remote=punix:/run/openvswitch/db.sock --detach --pidfile /etc/openvswitch/conf.db
	ovs-vsctl --no-wait init
	ovs-vswitchd --detach --pidfile 2> /dev/null
}
ovs_up() { # fw|nofw UPLINK GATEWAY: vmbr0 becomes a bridge of Open vSwitch
	local gateway=$3
	[ $gateway != - ] || gateway=vmbr0
	ovs_start
	ip link del vmbr0
	ovs-vsctl add-br vmbr0
	ip link set vmbr0 up
	[ $gateway = vmbr0 ] || ovs-vsctl add-port vmbr0 $gateway -- set Interface $gateway type=internal
	echo 0 > /proc/sys/net/ipv6/conf/$gateway/accept_dad
	ip link set $gateway up
	ip addr add 2001:db8:100::1/64 dev $gateway nodad
	if [ $1 = fw ]; then
		ip link del fwln100i0
		ovs-vsctl add-port vmbr0 fwln100o0 -- set Interface fwln100o0 type=internal
		ip link set fwln100o0 master fwbr100i0; ip link set fwln100o0 up
	else
		ovs-vsctl add-port vmbr0 tap100i0
	fi
	[ $2 = bridged ] || return 0
	ip addr flush dev eno1
	ovs-vsctl add-port vmbr0 eno1
	ip addr add 198.51.100.2/24 dev $gateway
	ip route replace default via 198.51.100.1
}
uplink_up() { # KIND, beginning with eno1 as a port of vmbr0
	ip link set eno1 nomaster
	case $1 in
		bond*)
			ip link set eno1 down
			ip link add bond0 type bond mode active-backup miimon 100
			ip link set eno1 master bond0
			if [ $1 = bond2 ]; then ip link add eno2 type veth peer name nowhere; ip link set nowhere up; ip link set eno2 master bond0; fi
			ip link set bond0 master vmbr0; ip link set bond0 up; ip link set eno1 up ;;
		vlan*)
			ip link add link eno1 name eno1.5 type vlan id 5; ip link set eno1.5 up
			inet ip link add link eth0 name eth0.5 type vlan id 5; inet ip link set eth0.5 up
			inet ip addr flush dev eth0; inet ip addr add 198.51.100.1/24 dev eth0.5
			if [ $1 = vlanport ]; then ip link set eno1.5 master vmbr0
			else
				ip addr del 198.51.100.2/24 dev vmbr0; ip addr add 198.51.100.2/24 dev eno1.5
				ip route replace default via 198.51.100.1
			fi ;;
	esac
}

# -------------------------------------------------------------------------- rows
# ENGINE PORT UPLINK GATEWAY NF6 NF4
row() {
	local name="$*" word vlan=$4 how=$3 where=
	for word in $LAB_ARGS; do case " $name " in *" $word "*) ;; *) return ;; esac; done
	case $4 in -|mgmt) vlan= ;; esac
	case $2/$3 in ovs-*) how=routed ;; */bond*|*/vlan*) how=bridged ;; esac
	LAB_UPLINK=$how LAB_VLAN=$vlan LAB_RULES=0 LAB_BRNF=keep "$TOPO" up-${2#ovs-}
	case $2 in ovs-*) ovs_up ${2#ovs-} $3 $4 ;; esac
	case $3 in bond*|vlan*) uplink_up $3 ;; esac
	echo $5 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
	echo $6 > /proc/sys/net/bridge/bridge-nf-call-iptables
	engine_up $1
	[ -z "$JOOL_IN" ] || where='--netns nat64'
	# Neighbours and bonds first: the echo that counts waits for nobody.
	for word in 1 2 3 4 5 6; do vm ping -6 -n -c 1 -W 1 $TARGET6 > /dev/null 2>&1 && break; ping -n -c 1 -W 1 198.51.100.1 > /dev/null 2>&1; done
	printf '%-13s %-8s %-8s %-4s %s %s | %s\n' "$@" \
		"$(python3 /kit/sightings.py $where -- ip netns exec vm100 ping -6 -n -c 1 -W 2 $TARGET6)" >> $table
	tail -1 $table
	engine_down
	case $2 in ovs-*) ovs-vsctl del-br vmbr0 ;; esac
	for word in bond0 nowhere fwbr100i0; do ip link del $word 2> /dev/null; done
	LAB_VLAN=$vlan "$TOPO" down
}
: > $table
for engine in jool tayga jool-iptables jool-netns; do
	for port in nofw fw; do
	for up in routed bridged; do
	for vlan in - 10; do
	for nf in '1 1' '0 0' '1 0' '0 1'; do
		case "$engine $port $nf" in jool-iptables*0*|jool-netns*0*|jool-iptables\ nofw*) continue ;; esac
		row $engine $port $up $vlan $nf
	done; done; done; done
	[ $engine != jool-iptables ] || continue
	for up in bond1 bond2 vlanport vlan; do row $engine nofw $up - 1 1; done
	for port in ovs-nofw ovs-fw; do
		for up in routed bridged; do row $engine $port $up - 1 1; done
		row $engine $port bridged mgmt 1 1
	done
done
