#!/usr/bin/env bash
# Builds the operator's image from the Dockerfile, for this machine's platform, and says what came out of it.
#
#   tools/image/build.sh [NAME]     NAME is localhost/connect-user-operator:VERSION if not given
#
# BUILDER      docker or buildah; if not given, docker where its daemon answers
# BUILD_BASE   other base images than the Dockerfile's; LOCAL_BASES=1 makes both on this machine, from Debian and the
# RUN_BASE     Rust that is installed, where no registry of images can be reached
# OUTPUT       a file to write the image to, as `docker save` does
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
say() { printf 'image: %s\n' "$*" >&2; }

builder=${BUILDER:-$(docker info >/dev/null 2>&1 && echo docker || echo buildah)}
[ -z "${LOCAL_BASES:-}" ] || builder=buildah # they are made by it
command -v "$builder" >/dev/null || {
  say "docker or buildah is needed to build an image: install one of them (and start docker's daemon)"
  exit 1
}
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=${1:-localhost/connect-user-operator:$version}
# The time of the commit, not of the build: the same sources give the same labels.
version_label=$(git describe --tags --always --dirty --match 'v*' 2>/dev/null || echo "$version")
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
created=$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u +%Y-%m-%dT%H:%M:%SZ)
arguments=()
# tell ARGUMENT LABEL VALUE: also as a label, since buildah 1.28 takes a layer with the values of an earlier build from
# its cache where only the arguments are others.
tell() { arguments+=(--build-arg "$1=$3" --label "org.opencontainers.image.$2=$3"); }
tell VERSION version "$version_label"
tell REVISION revision "$revision"
tell CREATED created "$created"
tell SOURCE source "${SOURCE:-}"
[ -z "${LOCAL_BASES:-}" ] || eval "$("$here/local-bases.sh")"
for base in BUILD_BASE RUN_BASE; do
  [ -z "${!base:-}" ] || arguments+=(--build-arg "$base=${!base}")
done

started=$SECONDS
case $builder in
  docker) docker build --tag "$name" "${arguments[@]}" . >&2 ;;
  # In a chroot, so that it works where no container can be started, such as in a container.
  buildah) buildah build --isolation chroot --layers --format docker --tag "$name" "${arguments[@]}" . >&2 ;;
  *) say "BUILDER=$builder is neither docker nor buildah"; exit 1 ;;
esac
say "$name built in $((SECONDS - started)) s"

output=${OUTPUT:-$(mktemp)}
rm -f "$output"
case $builder in
  docker) docker save --output "$output" "$name" ;;
  buildah) buildah push --quiet "$name" "docker-archive:$output:$name" >&2 ;;
esac
mebibytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }
say "$(mebibytes "$(wc -c <"$output")") unpacked, $(mebibytes "$(gzip -c "$output" | wc -c)") gzipped"
[ -n "${OUTPUT:-}" ] || rm -f "$output"
echo "$name"
