#!/usr/bin/env bash
# Packages the chart with the image of this release pinned by its digest, and prints the file. With PUSH=oci://REGISTRY it
# is pushed and signed as well, and the digest is printed instead.
#   tools/release/chart.sh VERSION REGISTRY/NAME DIGEST FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$1 image=$2 digest=$3 folder=$4
helm=${HELM:-helm}
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$digest is not a digest" >&2; exit 1; }
[ "$version" = "$(sed -n 's/^version: //p' charts/connect-user-operator/Chart.yaml)" ] || {
  echo "the chart's version is $(sed -n 's/^version: //p' charts/connect-user-operator/Chart.yaml) and not $version: set Chart.yaml and Cargo.toml, whose versions are one" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R charts/connect-user-operator "$work/"
values=$work/connect-user-operator/values.yaml
# By line, so that the comments stay, which are the chart's documentation.
sed -i -e '/There is no published image yet/d' \
  -e "s|^  repository: connect-user-operator\$|  repository: $image|" \
  -e "s|^  digest: \"\"\$|  digest: $digest|" "$values"
for line in "  repository: $image" "  digest: $digest"; do
  [ "$(grep -cxF "$line" "$values")" = 1 ] || { echo "values.yaml has no place for \`$line\`: see tools/release/chart.sh" >&2; exit 1; }
done
mkdir -p "$folder"
"$helm" package "$work/connect-user-operator" --destination "$folder" >&2
package=$folder/connect-user-operator-$version.tgz
if [ -z "${PUSH:-}" ]; then
  echo "$package"
  exit 0
fi

place=$PUSH/connect-user-operator
if "$helm" show chart "$place" --version "$version" >/dev/null 2>&1; then
  echo "$place $version is there already: a release is not replaced, so choose another version" >&2
  exit 1
fi
pushed=$("$helm" push "$package" "$PUSH" 2>&1 | sed -n 's/^Digest: *//p')
[[ $pushed =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "helm push told no digest" >&2; exit 1; }
cosign sign --yes "${place#oci://}@$pushed" >&2
echo "$pushed"
