# systemd.sh - sourced by the first process before systemd takes its place.

# script_as_unit SCRIPT OUTPUT STATUS: systemd will run SCRIPT when it is up, its output into OUTPUT, its status into
# STATUS, and then power off.
script_as_unit() {
	mkdir -p /run/systemd/system/multi-user.target.wants
	cat > /run/systemd/system/lab.service <<UNIT
[Unit]
Description=The script of the test
DefaultDependencies=no
After=multi-user.target
[Service]
Type=oneshot
Environment=HOME=/root LANG=C.UTF-8 TERM=dumb
ExecStart=-/bin/bash -c 'cd /; bash $1 > $2 2>&1; echo \$? > $3; sync; systemctl --no-block poweroff -ff'
UNIT
	ln -s ../lab.service /run/systemd/system/multi-user.target.wants/
	: > /etc/machine-id
}
