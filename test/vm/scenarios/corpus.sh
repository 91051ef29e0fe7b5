# The same packets through the real Jool and through our translator: field by field the same, or declared (test/vm/corpus).
. /kit/lib.sh

LINKS=$KIT/corpus/links.sh
# What Jool leaves alone goes no further than Jool.
links_up() {
	$LINKS up xlat ends
	ip netns exec xlat nft 'add table inet rest; add chain inet rest after_jool { type filter hook prerouting priority 0; policy drop; }'
}
links_down() { $LINKS down xlat ends; }

CORPUS="node /project/dist/test/vm/corpus/run.js"
play() { # PART JOOL: with the argument "record", Jool's counters as well, which takes five minutes
	local stats=
	[ "$LAB_ARGS" != record ] || stats="ip netns exec xlat $2 -i corpus stats display --csv --no-headers --all"
	# shellcheck disable=SC2086
	succeeds "$2 is handed the cases of $1" ip netns exec ends \
		sh -c "python3 $KIT/guest/play.py six=02:00:00:00:00:60 four=02:00:00:00:00:40 $stats < $work/$1.in > $work/$1.out"
}

begin corpus "the same packets through the real Jool and through our translator"
work=$(mktemp -d)
$CORPUS cases $work
note "the cases are made (at $(cut -d. -f1 /proc/uptime) s)"
echo 100000 > /proc/sys/net/ipv4/icmp_msgs_per_sec
links_up; modprobe jool
jool() { ip netns exec xlat jool -i corpus "$@"; }
stateful() { # POOL6
	ip netns exec xlat jool instance add corpus --netfilter --pool6 "$1"
	for p in tcp udp icmp; do
		jool pool4 add --$p 198.51.100.2 1024-65535
		jool bib add --$p 2001:db8:1::5#5000 198.51.100.2#6000
		jool bib add --$p 2001:db8:1::6#5001 198.51.100.2#6001
	done
}
stateful 2001:db8:64::/96; play stateful jool; ip netns exec xlat jool instance remove corpus
stateful 64:ff9b::/96; play well-known jool
links_down; modprobe -r jool

links_up; modprobe jool_siit
siit() { ip netns exec xlat jool_siit -i corpus "$@"; }
ip netns exec xlat jool_siit instance add corpus --netfilter --pool6 2001:db8:64::/96
siit eamt add 2001:db8:1::5/128 198.51.100.2/32
siit eamt add 2001:db8:1::6/128 198.51.100.3/32
siit eamt add 2001:db8:2::/120 198.51.101.0/24
play siit jool_siit
links_down; modprobe -r jool_siit
note "both have played (at $(cut -d. -f1 /proc/uptime) s)"

if [ "$LAB_ARGS" = record ]; then
	$CORPUS keep $work /out "Jool $(dpkg-query -W -f '${Version}' jool-tools) on $(uname -sr), made by test/vm/scenarios/corpus.sh"
else
	$CORPUS compare $work /project/fixtures/xlat/jool-4.1.9
fi
note "$scenario: done (at $(cut -d. -f1 /proc/uptime) s)"
exit 0
