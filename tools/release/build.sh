#!/usr/bin/env bash
# Builds the image for the platform of this machine, with an SBOM and its provenance beside it, pushes it without a tag,
# and prints its digest.   tools/release/build.sh REGISTRY/NAME VERSION
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
image=$1 version=$2
told=$(mktemp)
trap 'rm -f "$told"' EXIT
# The builder that comes with docker keeps no attestations.
docker buildx inspect release >/dev/null 2>&1 || docker buildx create --name release --driver docker-container >&2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
docker buildx build --builder release \
  --build-arg "VERSION=$version" \
  --build-arg "REVISION=$(git rev-parse HEAD)" \
  --build-arg "CREATED=$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)" \
  --build-arg "SOURCE=${SOURCE:-}" \
  --sbom=true --provenance=mode=max \
  --output "type=image,name=$image,push-by-digest=true,name-canonical=true,push=true,rewrite-timestamp=true" \
  --metadata-file "$told" . >&2
sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$told"
