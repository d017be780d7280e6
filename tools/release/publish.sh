#!/usr/bin/env bash
# Joins the images of the platforms into one of this version, signs it, and prints its digest.
#   tools/release/publish.sh REGISTRY/NAME VERSION DIGEST...
set -euo pipefail
image=$1 version=$2
shift 2
[ $# -gt 0 ] || { echo "no digest is given: tools/release/build.sh prints one for each platform" >&2; exit 1; }
for digest in "$@"; do
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$digest is not a digest" >&2; exit 1; }
done
# What was released stays what it is.
if docker buildx imagetools inspect "$image:$version" >/dev/null 2>&1; then
  echo "$image:$version is there already: a release is not replaced, so choose another version" >&2
  exit 1
fi
docker buildx imagetools create --tag "$image:$version" "${@/#/$image@}" >&2
digest=$(docker buildx imagetools inspect "$image:$version" --format '{{.Manifest.Digest}}')
# With the identity of the workflow, and no key that could be lost.
cosign sign --yes --recursive "$image@$digest" >&2
echo "$digest"
