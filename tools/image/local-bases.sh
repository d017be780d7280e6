#!/usr/bin/env bash
# Makes stand-ins for the two base images of the Dockerfile, where no registry of images can be reached, and prints
# their names as BUILD_BASE=… and RUN_BASE=…. To build with: Debian's compiler and the Rust that is installed here. To
# run on: what distroless has, which is certificates, time zones, a few names, and no program at all.
set -euo pipefail
say() { printf 'local bases: %s\n' "$*" >&2; }

for tool in buildah debootstrap rustc; do
  command -v "$tool" >/dev/null || { say "$tool is needed to make base images: install it, or name images in BUILD_BASE and RUN_BASE"; exit 1; }
done
[ "$(id -u)" = 0 ] || { say "only root can make base images: run as root, or name images in BUILD_BASE and RUN_BASE"; exit 1; }
rust=$(rustc --print sysroot)
suite=bookworm
build=localhost/build-base:rust-$(rustc --version | cut -d' ' -f2)
run=localhost/run-base:$suite
# Machines behind a proxy trust more than Debian does.
authorities=/etc/ssl/certs/ca-certificates.crt

# image NAME FOLDER [OPTION...]: an image of one layer
image() {
  local name=$1 folder=$2 container
  shift 2
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$folder" / >/dev/null
  buildah config "$@" "$container"
  buildah commit --quiet --rm "$container" "$name" >/dev/null
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! buildah inspect --type image "$build" >/dev/null 2>&1; then
  say "making $build (a minute)"
  root=$work/build
  debootstrap --variant=minbase --include=gcc,libc6-dev,make,ca-certificates "$suite" "$root" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 1
  }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  mkdir -p "$root/usr/local/rust/lib" "$root/usr/local/cargo"
  cp -a "$rust/bin" "$root/usr/local/rust/"
  # Without the documentation, which is most of it.
  cp -a "$rust"/lib/*.so* "$rust/lib/rustlib" "$root/usr/local/rust/lib/"
  cp "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
  config=${CARGO_HOME:-$HOME/.cargo}/config.toml
  [ ! -e "$config" ] || cp "$config" "$root/usr/local/cargo/"
  image "$build" "$root" --env CARGO_HOME=/usr/local/cargo \
    --env PATH=/usr/local/cargo/bin:/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  rm -rf "$root"
fi

if ! buildah inspect --type image "$run" >/dev/null 2>&1; then
  say "making $run"
  root=$work/run
  mkdir -p "$root"/{etc/ssl/certs,home/nonroot,tmp,usr/share}
  chmod 1777 "$root/tmp"
  chown 65532:65532 "$root/home/nonroot"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$root/etc/group"
  printf '%s\n' 'hosts: files dns' >"$root/etc/nsswitch.conf"
  cp "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
  if [ -d /usr/share/zoneinfo ]; then
    cp -a /usr/share/zoneinfo "$root/usr/share/"
    # The same zones once more, in other ways of counting.
    rm -rf "$root"/usr/share/zoneinfo/{posix,right}
  fi
  image "$run" "$root" --user 65532:65532 --workingdir /home/nonroot \
    --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
fi
echo "BUILD_BASE=$build RUN_BASE=$run"
