#!/usr/bin/env bash
# Builds Prometheus' promtool from the Go module pinned beside this script, once, and prints where it is. Without
# the discovery of targets, which is most of Prometheus and has nothing to do with rules.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
key=$(cd "$here" && { cat promtool.sh promtool/go.mod promtool/go.sum; go version; } | sha256sum | cut -c1-16)
bin=${CONNECT_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/connect-user-operator/tools}/promtool-$key
if [ ! -x "$bin/promtool" ]; then
  echo "promtool: building it once into $bin (a few minutes)" >&2
  mkdir -p "$bin"
  (cd "$here/promtool" && CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -tags remove_all_sd -ldflags "-s -w" \
    -o "$bin/promtool.new" github.com/prometheus/prometheus/cmd/promtool)
  mv "$bin/promtool.new" "$bin/promtool"
fi
echo "$bin/promtool"
