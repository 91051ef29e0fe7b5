# The package and its service under a real systemd: installed, started, reloaded, killed, upgraded, removed without a trace.
# Runs where systemd is the first process: run.sh with NAT64_VM_INIT=systemd, or container.sh.
. /kit/lib.sh
export DEBIAN_FRONTEND=noninteractive LAB_NET4=140.82.121.4
TARGET6=64:ff9b::$LAB_NET4
# The image keeps no manuals; the package's own are wanted.
rm -f /etc/dpkg/dpkg.cfg.d/*mmdebstrap
deb=$(ls /project/debs/nat64_*.deb)
work=$(mktemp -d)

pid() { systemctl show -P MainPID "${1:-nat64}"; }
restarts() { systemctl show -P NRestarts nat64; }
until_true() { # SECONDS COMMAND...
	local n=$(($1 * 5)); shift
	while ! "$@" > /dev/null 2>&1; do n=$((n - 1)); [ $n -gt 0 ] || return 1; sleep 0.2; done
}
new_pid() { [ "$(pid)" != 0 ] && [ "$(pid)" != "$1" ] && [ "$(systemctl is-active nat64)" = active ]; }
test_failed() { [ "$(systemctl is-failed nat64)" = failed ] && [ "$(restarts)" -gt 3 ]; }
ping_once() { vm ping -6 -n -c 1 -W 2 "$TARGET6" > /dev/null 2>&1 && echo passes || echo fails; }
host_state() { # what a translator changes
	ip -br link; ip -br address; ip route; ip -6 route; nft list ruleset
	sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding
	ls -A /run/nat64 2> /dev/null | grep -v '^doctor'
}
files() { # of the system, but for what the system itself writes
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /out -o -path '/var/log/*' \
		-o -path '/var/cache/*' -o -path '/var/lib/dpkg/*' -o -path '/var/lib/systemd/*' \) -prune -o -print | sort
}
journal() { journalctl -q --no-pager -u "${1:-nat64}" -n 30 -o cat; }

# A package named nodejs that stands for the machine's node.
mkdir -p $work/node/DEBIAN $work/node/usr/bin
ln -s /hostnode/node $work/node/usr/bin/node
printf 'Package: nodejs\nVersion: %s\nArchitecture: all\nMaintainer: test <test@test.example>\nDescription: the node of this machine\n' \
	"$(/hostnode/node -p process.versions.node)" > $work/node/DEBIAN/control
dpkg-deb -Znone -b $work/node $work/nodejs.deb > /dev/null
dpkg -i $work/nodejs.deb > /dev/null 2>&1

"$TOPO" up-nofw; sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
inet python3 $KIT/guest/tcp.py echo $LAB_NET4 80 & server_pids=$!
host_state > $work/host.before
files > $work/files.before

begin install "nothing is started, and all is in its place"
succeeds 'dpkg installs it' dpkg -i "$deb"
is 'the service is' disabled "$(systemctl is-enabled nat64)"
is 'and' inactive "$(systemctl is-active nat64)"
host_state > $work/host.now; succeeds 'the host is as it was' diff $work/host.before $work/host.now
is 'nat64 --version' "nat64/$(dpkg-query -W -f '${Version}' nat64)" "$(nat64 --version 2> /dev/null | cut -d' ' -f1)"
succeeds 'files are as packed' dpkg -V nat64
for page in nat64.8 nat64-run.8 nat64-doctor.8 nat64.toml.5; do
	succeeds "there is $page" test -s /usr/share/man/man${page##*.}/$page.gz
done

begin start "ready means that packets flow"
succeeds 'systemctl enable --now' systemctl enable -q --now nat64
is 'the first ping' passes "$(ping_once)" "$(journal)"
is 'the service is' active "$(systemctl is-active nat64)"
field() { sed -n "s/^$1:\\s*\\([0-9a-f]*\\).*/\\1/p" "/proc/${2:-$(pid)}/status"; }
is 'it runs as' "$(id -u nat64)" "$(field Uid)"
is 'capabilities in effect' 0000000000000000 "$(field CapEff)"
is 'capabilities, of all: administration of networks, another user and group' 00000000000010c0 "$(field CapBnd)"
helper=$(pgrep -P "$(pid)")
is 'the helper is a shell' sh "$(cat /proc/$helper/comm)"
is 'and runs as' 0 "$(field Uid $helper)"
succeeds 'no program can be started by the translator' test "$(field Seccomp_filters)" -gt "$(field Seccomp_filters $helper)"
is 'new privileges are refused' 1 "$(field NoNewPrivs)"
is 'system calls are filtered' 2 "$(field Seccomp)"
exposure=$(systemd-analyze security --no-pager nat64 | sed -n 's/.*exposure level for nat64.service: \([0-9.]*\).*/\1/p')
succeeds "systemd-analyze security says $exposure, at most 3.0" awk "BEGIN { exit !($exposure > 0 && $exposure <= 3.0) }"
succeeds 'status answers' nat64 status --plain

begin reload "a good configuration is swapped in, a bad one is refused"
before=$(pid)
sed -i "1i denylist4 = [\"$LAB_NET4\"]" /etc/nat64/nat64.toml
succeeds 'systemctl reload' systemctl reload nat64
is 'a denied address' fails "$(ping_once)"
sed -i '1i pool6 = "nonsense"' /etc/nat64/nat64.toml
systemctl reload nat64 2> /dev/null; is 'reload of nonsense ends with status' 1 $?
is 'the service is still' active "$(systemctl is-active nat64)"
sed -i '/^pool6/d; /^denylist4/d' /etc/nat64/nat64.toml
succeeds 'systemctl reload' systemctl reload nat64
is 'the address again' passes "$(ping_once)"
is 'all in one process' "$before" "$(pid)"

begin restart "connections live on"
rm -f $work/end
vm python3 $KIT/guest/tcp.py hold "$TARGET6" 80 $work/end > $work/held 2>&1 & holder=$!
sleep 1
before=$(pid)
succeeds 'systemctl restart' systemctl restart nat64
succeeds 'it is another process' test "$before" != "$(pid)"
sleep 1

begin upgrade "and over an upgrade, too"
dpkg-deb -R "$deb" $work/newer
sed -i 's/^Version: .*/&+newer/' $work/newer/DEBIAN/control
dpkg-deb -Znone -b $work/newer $work/newer.deb > /dev/null
before=$(pid)
succeeds 'dpkg upgrades it' dpkg -i --force-confold $work/newer.deb
succeeds 'it is another process' test "$before" != "$(pid)"
is 'the service is' active "$(systemctl is-active nat64)"
sleep 1; touch $work/end; wait $holder; is 'the connection held through both ended with' 0 $? "$(cat $work/held; journal)"
note "the connection: $(cat $work/held)"

begin crash "killed, it comes back; hung, it is killed"
before=$(pid); kill -9 "$before"
succeeds 'after kill -9 it is started anew' until_true 30 new_pid "$before"
is 'ping' passes "$(ping_once)" "$(journal)"
mkdir -p /run/systemd/system/nat64.service.d
printf '[Service]\nWatchdogSec=3\n' > /run/systemd/system/nat64.service.d/test.conf
systemctl daemon-reload; systemctl restart nat64
sleep 7; is 'a watchdog of 3 s leaves what works alone; restarts' 0 "$(restarts)" "$(journal)"
before=$(pid); kill -STOP "$before"
succeeds 'what does not answer is started anew' until_true 40 new_pid "$before"
is 'ping' passes "$(ping_once)" "$(journal)"
printf '[Service]\nRestart=no\n' > /run/systemd/system/nat64.service.d/test.conf
systemctl daemon-reload; systemctl restart nat64
kill -9 "$(pid)"; until_true 20 systemctl is-failed -q nat64
host_state > $work/host.now; succeeds 'without a restart, ExecStopPost undoes everything' diff $work/host.before $work/host.now
rm -r /run/systemd/system/nat64.service.d; systemctl daemon-reload

begin broken "a wrong configuration is no reason to try again"
sed -i '1i mode = "nonsense"' /etc/nat64/nat64.toml
systemctl reset-failed nat64; systemctl start nat64 2> /dev/null; is 'start ends with status' 1 $?
is 'the status of the program' 4 "$(systemctl show -P ExecMainStatus nat64)"
sleep 2; is 'restarts' 0 "$(restarts)"
sed -i '/^mode/d' /etc/nat64/nat64.toml

begin conflict "what cannot start stays down after some tries, and leaves nothing"
ip tuntap add dev nat64 mode tap
systemctl reset-failed nat64; systemctl start --no-block nat64
succeeds 'it gives up' until_true 60 test_failed
is 'the device of somebody else is' there "$([ -e /sys/class/net/nat64 ] && echo there)"
ip link del nat64
host_state > $work/host.now; succeeds 'the host is as it was' diff $work/host.before $work/host.now
systemctl reset-failed nat64

begin instances "several translators beside each other"
printf 'pool6 = "2001:db8:64::/96"\n' > /etc/nat64/second.toml
succeeds 'both start' systemctl start nat64 nat64@second
is 'the device of the second' second "$(basename "$(readlink -f /sys/class/net/second)")"
is 'ping through the second' passes "$(TARGET6=2001:db8:64::$LAB_NET4 ping_once)" "$(journal nat64@second)"
is 'ping through the first' passes "$(ping_once)"
succeeds 'the second stops' systemctl stop nat64@second
is 'ping through the first' passes "$(ping_once)" "$(journal)"
succeeds 'the second kept its state apart' test -s /var/lib/nat64/second/second.state
rm /etc/nat64/second.toml

begin remove "nothing is left"
rm -f $work/end
vm python3 $KIT/guest/tcp.py hold "$TARGET6" 80 $work/end > $work/held 2>&1 & holder=$!
sleep 1
succeeds 'dpkg removes it' dpkg -r nat64
kill $holder 2> /dev/null; wait $holder
host_state > $work/host.now; succeeds 'the host is as it was, although a connection was open' diff $work/host.before $work/host.now
succeeds 'the configuration is kept' test -s /etc/nat64/nat64.toml
succeeds 'dpkg purges it' dpkg -P nat64
files > $work/files.now; succeeds 'no file is left' diff $work/files.before $work/files.now
is 'nor a user or group' '' "$(grep -h nat64 /etc/passwd /etc/group)"
is 'units that failed' 0 "$(systemctl --failed --no-legend | wc -l)" "$(systemctl --failed --no-pager)"
clean; exit 0
