# The story in other wirings: the gateway on a VLAN and the uplink as a port of vmbr0; Jool's iptables framework.
. /kit/lib.sh
. /kit/story-lib.sh
brief=1

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
