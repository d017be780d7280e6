#!/usr/bin/env bash
# The operator as a person would run it, on two nodes that this machine plays: its image, its chart, a kubelet.
#
#   E2E_IMAGE=FILE   an image as `docker save` writes it, named localhost/connect-user-operator:VERSION; by default the
#                    image is built from the Dockerfile, with bases from this machine (LOCAL_BASES= for the real ones)
#   KEEP=1           leaves everything running until Ctrl-C
#
# Everything runs in namespaces of its own (processes, network, mounts), which take all of it with them when they end.
# What they cannot hold is put back here: some kernel settings that a kubelet changes, and the control groups.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
say() { printf 'e2e: %s\n' "$*" >&2; }
skip() { echo "skipped: $*"; exit 0; }

[ "$(uname -s)" = Linux ] || skip "a node needs Linux"
[ "$(id -u)" = 0 ] || skip "only root can be a node: it makes containers, networks and control groups"
need() { command -v "$1" >/dev/null || skip "$1 is not installed (Debian: apt-get install $2)"; }
need unshare util-linux
need mount mount
need ip iproute2
need nft nftables # for kube-proxy
need iptables iptables # for the CNI plugins
need runc runc
need cc gcc # for the pause image
need go golang
need cargo rustup
[ -n "${E2E_IMAGE:-}" ] || need buildah buildah
[ -n "${E2E_IMAGE:-}" ] || need debootstrap debootstrap
for dir in "${CNI_BIN:-}" /opt/cni/bin /usr/lib/cni /usr/libexec/cni; do
  [ -x "$dir/bridge" ] && [ -x "$dir/host-local" ] && [ -x "$dir/loopback" ] && export CNI_BIN=$dir && break
done
[ -n "${CNI_BIN:-}" ] || skip "the CNI plugins bridge, host-local and loopback are not installed (Debian: apt-get install containernetworking-plugins)"
grep -qw overlay /proc/filesystems || skip "the kernel has no overlayfs"
unshare --net sh -c '
  ip link add name try0 type bridge && ip link add name try1 type veth peer name try2 &&
  nft add table ip try && nft add chain ip try nat "{ type nat hook postrouting priority 100; }" &&
  nft add rule ip try nat masquerade && nft add rule ip try nat numgen random mod 2 vmap "{ 0 : accept }"
' 2>/dev/null || skip "the kernel does not give this process a bridge, a veth pair or nftables' NAT in a network of its own (in a container: run it privileged)"

# Where the nodes' control groups go: a folder of ours in every hierarchy.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  hierarchies=(/sys/fs/cgroup)
else
  hierarchies=()
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids hugetlb systemd; do
    [ ! -d "/sys/fs/cgroup/$controller" ] || hierarchies+=("/sys/fs/cgroup/$controller")
  done
  for controller in cpu cpuset memory pids; do
    [ -d "/sys/fs/cgroup/$controller" ] || skip "control group $controller is not mounted below /sys/fs/cgroup"
  done
fi
group=connect-e2e
for hierarchy in "${hierarchies[@]}"; do
  [ -w "$hierarchy" ] || skip "$hierarchy is read-only (in a container: run it privileged)"
  [ ! -e "$hierarchy/$group" ] || skip "$hierarchy/$group is there: another run goes on, or one was cut off (rmdir its folders, deepest first)"
done

KUBE_BIN=$(tools/build.sh | tail -n 1)
NODE_BIN=$(tools/optional/node.sh | tail -n 1)
export KUBE_BIN NODE_BIN
cargo build --locked --quiet --workspace --bins
target=${CARGO_TARGET_DIR:-target}

work=$(mktemp -d)
# A kubelet sets these, for the whole machine.
settings=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes)
declare -A before
for setting in "${settings[@]}"; do
  before[$setting]=$(cat "/proc/sys/${setting//.//}" 2>/dev/null || true)
done
inside=
restore() {
  # Whatever else comes: this is done to its end.
  trap '' INT TERM HUP
  # With it goes the first process inside, and with that one all others.
  [ -z "$inside" ] || { kill -KILL "$inside" && wait "$inside"; } 2>/dev/null || true
  # The last of them may not be buried yet. Where both versions of control groups are mounted, there is a folder in the
  # second as well.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null || true
    [ -n "$(find /sys/fs/cgroup -maxdepth 2 -name "$group")" ] || break
    sleep 0.5
  done
  [ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "$group")" ] || say "cannot remove all of $group below /sys/fs/cgroup"
  for setting in "${settings[@]}"; do
    [ -z "${before[$setting]}" ] || [ "$(cat "/proc/sys/${setting//.//}")" = "${before[$setting]}" ] ||
      echo "${before[$setting]}" >"/proc/sys/${setting//.//}" || say "cannot set $setting back to ${before[$setting]}"
  done
  rm -rf "$work"
}
trap restore EXIT
# A signal may come twice, to us and to our group; the second must not cut off what the first has begun.
trap 'trap "" INT TERM HUP; exit 130' INT
trap 'trap "" INT TERM HUP; exit 143' TERM HUP

if [ -n "${E2E_IMAGE:-}" ]; then
  export OPERATOR_IMAGE=$E2E_IMAGE
else
  export OPERATOR_IMAGE=$work/operator.tar
  LOCAL_BASES=${LOCAL_BASES-1} OUTPUT=$OPERATOR_IMAGE tools/image/build.sh >/dev/null
fi
export PAUSE_IMAGE=$work/pause.tar
"$here/pause.sh" "$PAUSE_IMAGE"

for node in node-1 node-2; do
  for hierarchy in "${hierarchies[@]}"; do
    mkdir -p "$hierarchy/$group/$node"
    for folder in "$hierarchy/$group" "$hierarchy/$group/$node"; do
      parent=$(dirname "$folder")
      # What is new has no processors and no memory to run on until it is told which.
      for file in cpuset.cpus cpuset.mems; do
        [ ! -e "$parent/$file" ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || cat "$parent/$file" >"$folder/$file"
      done
      [ ! -e "$parent/cgroup.subtree_control" ] || echo "+cpu +cpuset +memory +pids +io" >"$parent/cgroup.subtree_control" || true
    done
  done
done
export CGROUP=/$group

# The first process inside is a shell, which buries the dead. Waited for, so that a signal ends the wait at once.
unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
  "$here/inside.sh" "$PWD/$target/debug/e2e" &
inside=$!
wait "$inside"
