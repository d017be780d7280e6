#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kubectl and helm (4 and 3) from the Go modules pinned beside this script
# and prints, as its last line, the folder that holds them.
#
# The folder lies outside the clone and is named by a hash of everything that decides the result
# (modules, checksums, this script, the Go version), so a second clone finds it ready.
# KUBEBUILDER_ASSETS, if set, names a folder that has them already: then nothing is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf 'tools: %s\n' "$*" >&2; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for tool in etcd kube-apiserver kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$tool" ] || {
      say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no executable '$tool'; point it to a folder that has etcd, kube-apiserver and kubectl, or unset it to build them"
      exit 1
    }
  done
  say "using KUBEBUILDER_ASSETS, nothing to build"
  echo "$KUBEBUILDER_ASSETS"
  exit 0
fi

command -v go >/dev/null || {
  say "Go is needed to build the control plane: install Go 1.26 or newer (https://go.dev/doc/install), or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl"
  exit 1
}

kubernetes=$(sed -n 's/^require k8s.io\/kubernetes //p' "$here/kubernetes/go.mod")
key=$(cd "$here" && { cat build.sh ./*/go.mod ./*/go.sum; go version; } | sha256sum | cut -c1-16)
root=${CONNECT_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/connect-user-operator/tools}
bin=$root/$key

if [ ! -e "$bin/.complete" ]; then
  mkdir -p "$root"
  # One builder at a time; the second one finds the work done.
  exec 9>"$root/.lock"
  flock 9
fi

# build NAME MODULE PACKAGE LDFLAGS
build() {
  local started=$SECONDS log=$work/$1.log pid
  say "building $1 ($3)"
  (cd "$here/$2" && CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -buildvcs=false -ldflags "-s -w $4" -o "$work/$1" "$3") >"$log" 2>&1 9>&- &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    [ $(((SECONDS - started) % 20)) -ne 0 ] || say "  still building $1, $((SECONDS - started)) s; $(grep -c '^go: downloading' "$log" || true) modules fetched"
  done
  wait "$pid" || { say "building $1 failed:"; tail -n 30 "$log" >&2; exit 1; }
  say "built $1 in $((SECONDS - started)) s"
}

if [ ! -e "$bin/.complete" ]; then
  work=$(mktemp -d "$root/.building.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "building the control plane once into $bin (about six minutes on two cores)"
  # Without the version the server calls itself v0.0.0-master and clients that look at it misbehave.
  version="-X k8s.io/component-base/version.gitVersion=$kubernetes"
  build etcd etcd go.etcd.io/etcd/server/v3 ""
  build kube-apiserver kubernetes k8s.io/kubernetes/cmd/kube-apiserver "$version"
  build kubectl kubernetes k8s.io/kubernetes/cmd/kubectl "$version"
  build helm helm helm.sh/helm/v4/cmd/helm ""
  # Until Helm 3 gets no more fixes (February 2027), many who install the chart use it.
  # It does not know by itself for which Kubernetes it was made.
  build helm3 helm3 helm.sh/helm/v3/cmd/helm "$(printf -- '-X helm.sh/helm/v3/pkg/chartutil.k8sVersion%s ' Major=1 Minor=36)"
  rm -f "$work"/*.log
  touch "$work/.complete"
  rm -rf "$bin"
  mv "$work" "$bin"
  chmod 755 "$bin"
fi
say "etcd, kube-apiserver ($kubernetes), kubectl and helm are ready"
echo "$bin"
