#!/usr/bin/env bash
# Looks at the chart with each set of values in ci/ as others would: by the schemas of the oldest and the newest
# Kubernetes that is supported, and by a policy scanner. What the scanner finds and is accepted stands in
# accepted.txt, with the reason; a finding that is not found any more must go from it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/../../charts/connect-user-operator
helm=$("$here/../build.sh" 2>/dev/null | tail -n 1)/helm
oldest=1.32.0 newest=1.37.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$here/kube-score" && CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -o "$work/kube-score" github.com/zegl/kube-score/cmd/kube-score)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0

accepted=$(sed -n 's/^\([a-z-]*\) *|.*/\1/p' "$here/accepted.txt")
ignore=$(for check in $accepted; do printf -- '--ignore-test %s ' "$check"; done)
: >"$work/found"
failed=0
for values in "$chart"/ci/*-values.yaml; do
  name=$(basename "$values" -values.yaml)
  "$helm" template rel "$chart" --namespace connect --kube-version "$newest" --values "$values" >"$work/all.yaml"
  # Definitions, objects of ours and of Prometheus have schemas of their own, which neither tool knows.
  "$work/venv/bin/python" - "$work" <<'PYTHON'
import sys, yaml
work = sys.argv[1]
objects = [o for o in yaml.safe_load_all(open(f"{work}/all.yaml")) if o]
known = [o for o in objects if o["kind"] != "CustomResourceDefinition"
         and not o["apiVersion"].startswith(("contactops.dev/", "monitoring.coreos.com/"))]
yaml.safe_dump_all(known, open(f"{work}/known.yaml", "w"))
PYTHON
  for version in $oldest $newest; do
    "$work/venv/bin/kubernetes-validate" --strict --quiet -k "$version" "$work/known.yaml" || { echo "scan: $name is not valid for Kubernetes $version"; failed=1; }
  done
  network=$(grep -q '^networkPolicy:' "$values" || echo "--ignore-test pod-networkpolicy")
  # A limit of CPU would throttle it at bursts and gain nothing. Of memory it has one.
  # shellcheck disable=SC2086
  "$work/kube-score" score $ignore $network --ignore-container-cpu-limit --output-format ci "$work/known.yaml" >"$work/score" || failed=1
  grep -E '^\[(CRITICAL|WARNING)\]' "$work/score" | sed "s/^/scan: $name: /" || true
  "$work/kube-score" score --output-format json "$work/known.yaml" >>"$work/found" || true
  echo "scan: $name looked at"
done
for check in $accepted; do
  "$work/venv/bin/python" - "$work/found" "$check" <<'PYTHON' || { echo "scan: accepted.txt names $check, which is not found any more"; failed=1; }
import json, sys
decoder, text, found = json.JSONDecoder(), open(sys.argv[1]).read().strip(), False
while text:
    objects, end = decoder.raw_decode(text)
    text = text[end:].strip()
    found |= any(c["check"]["id"] == sys.argv[2] and not c["skipped"] and c["grade"] < 10 for o in objects for c in o["checks"])
sys.exit(not found)
PYTHON
done
exit "$failed"
