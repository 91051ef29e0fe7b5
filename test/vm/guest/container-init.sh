#!/bin/bash
# First process of container.sh, until systemd takes its place: container-init.sh ROOTFS WORK KIT PROJECT NODE
set -e
rootfs=$1 work=$2 kit=$3 project=$4 node=$5
mkdir "$work/top" "$work/root"
mount -t tmpfs -o mode=755 tmpfs "$work/top"
mkdir "$work/top/up" "$work/top/work"
mount -t overlay -o "lowerdir=$rootfs,upperdir=$work/top/up,workdir=$work/top/work" overlay "$work/root"
cd "$work/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for d in null zero full random urandom tty; do touch dev/$d; mount --bind /dev/$d dev/$d; done
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
mknod -m 666 dev/net/tun c 10 200
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount --bind "$kit" kit; mount -o remount,bind,ro kit
mount --bind "$project" project; mount -o remount,bind,ro project
mount --bind "$work/out" out
touch hostnode/node; mount --bind "$node" hostnode/node
mkdir old; pivot_root . old; umount -l /old; rmdir /old
ip link set lo up
. /kit/guest/systemd.sh
script_as_unit /out/script /out/stdout /out/status
exec env -i container=nat64 PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console --show-status=no
