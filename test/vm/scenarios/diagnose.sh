# What the doctor says about each arrangement, and whether it is right.
. /kit/lib.sh

begin jool-ok "no firewall bridge: Jool works"
"$TOPO" up-nofw; jool_instance netfilter; servers_up
traffic passes passes passes
doctor ''
clean

begin jool-hairpin "behind a firewall bridge Jool drops every reply"
"$TOPO" up-fw; jool_instance netfilter; servers_up
traffic fails vanishes vanishes
doctor N64-201 N64-204
is 'it names the device' tap100i0 "$(jq -r '[.. | objects | select(.code == "N64-201" and has("evidence")) | .affects[]] | unique | join(" ")' $DOCTOR)"
is 'the bypass is told as its consequence' N64-204 "$(jq -r '[.findings[] | select(.code == "N64-201") | .. | objects | select(.code? == "N64-204") | .code] | unique | join(" ")' $DOCTOR)"
is 'its evidence has the counter' true "$(jq '[.. | objects | select(.code == "N64-201" and has("evidence")) | .evidence[].text] | any(startswith("JSTAT_HAIRPIN_LOOP,"))' $DOCTOR)"
clean

begin jool-hairpin-own-switch "the bridge's own switch is on, the global one off"
LAB_BRNF=0 "$TOPO" up-fw; jool_instance netfilter; servers_up
ip link set fwbr100i0 type bridge nf_call_ip6tables 1
traffic fails vanishes vanishes
doctor N64-201 N64-204
clean

begin brnf-off "without bridge-nf-call it works, and the guest has no firewall"
"$TOPO" up-fw; jool_instance netfilter; servers_up
echo 0 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables
traffic passes passes passes
doctor '' N64-204
clean

begin jool-iptables-dst "iptables framework with -d pool6 alone fails"
"$TOPO" up-fw; jool_instance iptables; jool_rules; servers_up
traffic fails vanishes vanishes
doctor N64-401 'N64-204 N64-405'
clean

begin jool-iptables-iface "iptables framework with -i vmbr0 works"
"$TOPO" up-fw; jool_instance iptables; jool_rules -i vmbr0; servers_up
traffic passes passes vanishes
doctor ''
clean

begin jool-iptables-notfwbr "iptables framework with ! -i fwbr+ works"
"$TOPO" up-fw; jool_instance iptables; jool_rules ! -i fwbr+; servers_up
traffic passes passes vanishes
doctor ''
clean

begin jool-netns "Jool in a namespace of its own works"
"$TOPO" up-fw; servers_up
ip netns add nat64
ip link add jool0 type veth peer name host0 netns nat64
echo 0 > /proc/sys/net/ipv6/conf/jool0/accept_dad
ip netns exec nat64 sh -c 'echo 0 > /proc/sys/net/ipv6/conf/host0/accept_dad; echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
ip link set jool0 up; ip -n nat64 link set lo up; ip -n nat64 link set host0 up
ip addr add 192.0.2.1/30 dev jool0; ip addr add 2001:db8:64::1/64 dev jool0 nodad
ip -n nat64 addr add 192.0.2.2/30 dev host0; ip -n nat64 addr add 2001:db8:64::2/64 dev host0 nodad
ip -n nat64 route add default via 192.0.2.1; ip -n nat64 -6 route add default via 2001:db8:64::1
ip -6 route add 64:ff9b::/96 via 2001:db8:64::2
iptables -t nat -A POSTROUTING -s 192.0.2.2 -o eno1 -j MASQUERADE
JOOL_IN="ip netns exec nat64"
jool_instance netfilter
for p in tcp udp icmp; do $JOOL_IN jool -i default pool4 add --$p 192.0.2.2 61001-65535; done
traffic passes passes vanishes
doctor ''
clean

# Tayga 0.9.2 does not translate 64:ff9b:: to a documentation address.
begin tayga "Tayga on a TUN device works"
export LAB_NET4=140.82.121.4
"$TOPO" up-fw; servers_up $LAB_NET4
modprobe tun
mkdir -p /var/spool/tayga /etc/tayga
cat > /etc/tayga.conf <<'CONF'
tun-device nat64
ipv4-addr 192.168.255.1
ipv6-addr 2001:db8:64::64
prefix 64:ff9b::/96
dynamic-pool 192.168.255.0/24
data-dir /var/spool/tayga
CONF
tayga -c /etc/tayga.conf --mktun > /dev/null
ip link set nat64 up
ip route add 192.168.255.0/24 dev nat64
ip -6 route add 64:ff9b::/96 dev nat64
ip -6 route add 2001:db8:64::64 dev nat64
iptables -t nat -A POSTROUTING -s 192.168.255.0/24 -o eno1 -j MASQUERADE
tayga -c /etc/tayga.conf --nodetach > /tmp/tayga.log 2>&1 & tayga_pid=$!
sleep 1
traffic passes passes vanishes 64:ff9b::$LAB_NET4
# What Debian's version lacks against the RFCs of today.
doctor '' N64-605
kill $tayga_pid; wait $tayga_pid 2> /dev/null
ip link del nat64; rm -f /etc/tayga.conf
clean
exit 0
