#!/usr/bin/env bash
# Looks at the two base images of the Dockerfile before a release: each digest must be an index with both platforms, and
# the one that we run on must be signed by those who make it. Needs docker (buildx), cosign and the network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for name in BUILD_BASE RUN_BASE; do
  base=$(sed -n "s/^ARG $name=//p" Dockerfile)
  [[ $base =~ @sha256:[0-9a-f]{64}$ ]] || { echo "$name in the Dockerfile is not pinned by a digest: $base" >&2; exit 1; }
  for platform in linux/amd64 linux/arm64; do
    docker buildx imagetools inspect "$base" | grep -q "Platform: *$platform\$" || {
      echo "$base has no $platform: pin the digest of the index, which \`docker buildx imagetools inspect ${base%@*}\` tells first" >&2
      exit 1
    }
  done
done
cosign verify "$(sed -n 's/^ARG RUN_BASE=//p' Dockerfile)" \
  --certificate-oidc-issuer https://accounts.google.com --certificate-identity keyless@distroless.iam.gserviceaccount.com >/dev/null
