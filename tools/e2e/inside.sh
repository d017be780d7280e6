#!/usr/bin/env bash
# Makes a machine of the namespaces that run.sh opens, and runs what it is given in them.
set -euo pipefail
# Whatever is written below these goes with the namespace.
for dir in /run /var/lib /var/log; do
  mount -t tmpfs -o mode=755 tmpfs "$dir"
done
mkdir -p /run/lock /run/e2e
export TMPDIR=/run/e2e
# The Pods' network. The nodes are addresses on it, and so is the gateway.
export NETWORK=10.77.0
ip link set lo up
ip link add e2e0 type bridge
for host in 1 2; do
  ip address add "$NETWORK.$host/24" dev e2e0
done
ip link set e2e0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
"$@"
