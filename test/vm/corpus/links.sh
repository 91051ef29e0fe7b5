#!/bin/bash
# links.sh up|down XLAT ENDS - two links with room for a translator between them (arrangement.ts has the drawing):
# namespace XLAT has six0 and four0 and routes between them, namespace ENDS has their other ends, and nobody there.
set -euo pipefail
verb=$1 xlat=$2 ends=$3
if [ "$verb" = down ]; then
	ip netns del "$xlat"; ip netns del "$ends"
	exit 0
fi
peer=02:00:00:00:00:99
ip netns add "$xlat"; ip netns add "$ends"
ip link add six0 netns "$xlat" address 02:00:00:00:00:60 type veth peer name six netns "$ends" address $peer
ip link add four0 netns "$xlat" address 02:00:00:00:00:40 type veth peer name four netns "$ends" address $peer
ip netns exec "$ends" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set six up; ip link set four up'
ip netns exec "$xlat" sh -ec '
	cd /proc/sys/net
	for f in six0 four0 all default; do echo 0 > ipv6/conf/$f/accept_dad; echo 0 > ipv4/conf/$f/rp_filter; done
	echo 0 > ipv4/conf/all/send_redirects; echo 0 > ipv4/conf/four0/send_redirects
	echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding
	echo 0 > ipv4/icmp_ratelimit; echo 0 > ipv6/icmp/ratelimit; echo 0 > ipv6/auto_flowlabels
	ip link set lo up; ip link set six0 up; ip link set four0 up
	ip addr add 2001:db8:1::1/64 dev six0 nodad; ip addr add 192.0.2.1/24 dev four0
	ip neigh add fe80::2 lladdr '$peer' dev six0 nud permanent
	ip neigh add 192.0.2.2 lladdr '$peer' dev four0 nud permanent
	for g in 5 6; do ip neigh add 2001:db8:1::$g lladdr '$peer' dev six0 nud permanent; done
	ip -6 route add default via fe80::2 dev six0; ip route add default via 192.0.2.2 dev four0
	# No offload that would leave a checksum to be filled in.
	for f in six0 four0; do ethtool -K $f tx off tso off gso off gro off > /dev/null; done'
