#!/usr/bin/env bash
# Builds what makes a whole node of a machine, for `make e2e`: kube-controller-manager, kube-scheduler, kubelet and
# kube-proxy of the Kubernetes that tools/build.sh builds, and containerd. Once; prints the folder that has them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf 'node: %s\n' "$*" >&2; }

kubernetes=$(sed -n 's/^require k8s.io\/kubernetes //p' "$here/node/kubernetes/go.mod")
server=$(sed -n 's/^require k8s.io\/kubernetes //p' "$here/../kubernetes/go.mod")
[ "$kubernetes" = "$server" ] || {
  say "tools/optional/node pins Kubernetes $kubernetes and tools/kubernetes pins $server: a kubelet must not be newer than its API server, so pin one version in both"
  exit 1
}
command -v go >/dev/null || { say "Go is needed to build the node: install Go 1.26 or newer (https://go.dev/doc/install)"; exit 1; }

key=$(cd "$here" && { cat node.sh node/*/go.mod node/*/go.sum; go version; } | sha256sum | cut -c1-16)
bin=${CONNECT_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/connect-user-operator/tools}/node-$key
mkdir -p "$(dirname "$bin")"
exec 9>"$bin.lock"
flock 9

# build MODULE LDFLAGS PACKAGE...
build() {
  local module=$1 ldflags=$2
  shift 2
  say "building $(printf '%s ' "${@##*/}")"
  (cd "$here/node/$module" && CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -buildvcs=false -ldflags "-s -w $ldflags" -o "$work/" "$@" 9>&-)
}

if [ ! -e "$bin/.complete" ]; then
  say "building the node once into $bin (about ten minutes on two cores)"
  rm -rf "$bin"
  work=$(mktemp -d "$bin.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  build kubernetes "-X k8s.io/component-base/version.gitVersion=$kubernetes" \
    k8s.io/kubernetes/cmd/{kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
  build containerd "" github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}
  touch "$work/.complete"
  chmod 755 "$work"
  mv "$work" "$bin"
fi
echo "$bin"
