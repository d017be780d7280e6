#!/usr/bin/env bash
# Writes an image with a program that waits: what holds a Pod's namespaces. tools/e2e/pause.sh FILE
set -euo pipefail
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Children that nobody waits for are forgotten by the kernel.
printf '%s\n' '#include <signal.h>' '#include <unistd.h>' 'static void end(int signal) { _exit(signal == SIGTERM ? 0 : 1); }' \
  'int main(void) { signal(SIGCHLD, SIG_IGN); signal(SIGTERM, end); signal(SIGINT, end); for (;;) pause(); }' >"$work/pause.c"
cc -static -Os -o "$work/pause" "$work/pause.c"
tar -C "$work" --owner=0 --group=0 --mode=755 -cf "$work/layer.tar" pause
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/pause"],"User":"65535:65535"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$architecture" "$(sha256sum "$work/layer.tar" | cut -d' ' -f1)" >"$work/config.json"
printf '[{"Config":"config.json","RepoTags":["localhost/pause:e2e"],"Layers":["layer.tar"]}]' >"$work/manifest.json"
tar -C "$work" -cf "$1" manifest.json config.json layer.tar
