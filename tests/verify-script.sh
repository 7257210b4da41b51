#!/usr/bin/env bash
# verify.sh in a fresh Debian, over every vector: its word must be the vector's.
#   tests/verify-script.sh [SUITE] [SHELL...]      default: trixie, dash, then busybox sh. Needs root and debootstrap (a mirror of Debian).
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. tests/engine.sh
suite=${1:-trixie}
[ $# -gt 0 ] && shift
[ "$(id -u)" = 0 ] || { echo "Needs root: it makes a chroot." >&2; exit 2; }
need debootstrap:debootstrap jq:jq || exit 2
root=${CIR_CHROOT:-}
if [ -z "$root" ]; then
  root=$(mktemp -d /tmp/cir-chroot.XXXXXX)
  trap 'umount "$root/project" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT
  debootstrap --variant=minbase --include=openssl,busybox "$suite" "$root" >"$root.log" 2>&1 || { tail -5 "$root.log" >&2; exit 2; }
else
  trap 'umount "$root/project" 2>/dev/null' EXIT
fi
mkdir -p "$root/project"
mount --bind "$PWD" "$root/project" || exit 2
chroot "$root" openssl version
chroot "$root" sha256sum --version | head -n 1
run() { # SHELL...
  local bad=0 count=0 folder name verdict ca got
  for folder in tests/vectors/*/; do
    name=$(basename "$folder")
    verdict=$(jq -r .verdict "$folder/expected.json")
    ca=$(jq -r '.ca // empty' "$folder/expected.json")
    if [ "$(jq -r '.script_needs // empty' "$folder/expected.json")" = 'openssl 3.5' ] && ! chroot "$root" openssl list -signature-algorithms | grep -qi ml-dsa-65; then continue; fi
    got=$(chroot "$root" "$@" /project/src/ContainerIR.Evidence/Bundles/verify.sh ${ca:+--ca "/project/tests/vectors/$name/$ca"} "/project/tests/vectors/$name/bundle" 2>&1 | tail -n 1)
    count=$((count + 1))
    [ "$got" = "VERDICT: ${verdict^^}" ] || { echo "$name: expected $verdict, got: $got"; bad=$((bad + 1)); }
  done
  echo "$*: $count vectors, $bad other than expected"
  [ $bad = 0 ]
}
if [ $# -gt 0 ]; then run "$@"; else run dash && run busybox sh; fi
