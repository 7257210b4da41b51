#!/bin/bash
# The filesystem diff against the floor of the same run, as the product does it (cir acquire: both hashes, frames, journal, seal). By hand, as root:
#   tests/bench/diff.sh [RUNS] [CASES]        CASES of: a b c d (default all); CIR names the executable (default out/cir)
# a: 2,000 changed files of 100 KB   b: 100,000 small files and 1,000 deletions   c: 4 GB in four files   d: 2 GB mixed, text and noise
# Times are wall / user+sys seconds of the collector alone (wall, from the journal) and of the whole process (processor, memory).
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-3} cases=${2:-a b c d} cir=${CIR:-out/cir}
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}") image=cir-bench-diff:$$ name=cir-bench-diff-$$
export CIR_HOME=$work/home CIR_PASSPHRASE=bench-by-hand
cleanup() { docker rm -f "$name" >/dev/null 2>&1 || true; docker rmi -f "$image" >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cleanup EXIT
now() { date +%s%N; }
timed() { # LABEL COMMAND: wall, user+sys, peak memory. CIR_COLD=1 empties the page cache before: what a responder meets, and the disk's floor.
  local s e; [ -z "${CIR_COLD:-}" ] || { sync; echo 3 >/proc/sys/vm/drop_caches; }; s=$(now); /usr/bin/time -f '%U %S %M' -o "$work/time" bash -c "$2" >/dev/null 2>"$work/err" || { cat "$work/err" >&2; return 1; }; e=$(now)
  awk -v l="$1" -v w=$(((e - s) / 1000000)) '{printf "  %-46s %8.2f s wall %8.2f s processor %6d MB\n", l, w / 1000, $1 + $2, $3 / 1024}' "$work/time"
}
noise() { openssl enc -aes-128-ctr -pass pass:"$1" -nosalt -in /dev/zero 2>/dev/null | head -c "$2"; }

mkdir -p "$work/image/lower" "$work/image/gone"
noise image 200000000 | split -b 100000 -a 4 -d - "$work/image/lower/f"
for i in $(seq 1000); do echo "$i" >"$work/image/gone/$i"; done
tar -C "$work/image" -c . | docker import - "$image" >/dev/null
echo "machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), kernel $(uname -r), $("$cir" --version)"

for case in $cases; do
  docker rm -f "$name" >/dev/null 2>&1 || true
  docker create --name "$name" "$image" /none >/dev/null
  upper=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' "$name"); originals=
  case $case in
    a) mkdir "$upper/lower"; noise a 200000000 | split -b 100000 -a 4 -d - "$upper/lower/f"; originals=$work/image/lower ;;
    b) mkdir "$upper/many" "$upper/gone"; originals=$work/image/gone
       awk -v d="$upper/many" -v s="$(head -c 1500 /dev/zero | tr '\0' x)" 'BEGIN { for (i = 0; i < 100000; i++) { f = sprintf("%s/%d", d, i); printf "%d %s\n", i, s > f; close(f) } }'
       for i in $(seq 1000); do mknod "$upper/gone/$i" c 0 0; done ;;
    c) mkdir "$upper/big"; for i in 1 2 3 4; do noise "$i" 1073741824 >"$upper/big/$i"; done ;;
    d) mkdir "$upper/mixed"; noise d 1000000000 | split -b 5000000 -a 4 -d - "$upper/mixed/n"; seq 1 130000000 | head -c 1000000000 | split -b 500000 -a 4 -d - "$upper/mixed/t" ;;
  esac
  sync
  echo "case $case: $(find "$upper" | wc -l) entries, $(du -sm "$upper" | cut -f1) MB"
  find "$upper" ${originals:+"$originals"} -type f -print0 >"$work/files"
  for run in $(seq "$runs"); do
    xargs -0 cat <"$work/files" >/dev/null
    timed 'floor: cat (what is changed and its originals)' "xargs -0 cat <'$work/files' >/dev/null"
    [ "$case" = c ] && { timed 'floor: write as much, fsync' "dd if='$upper/big/1' of='$work/out' bs=1M conv=fsync 2>&1; for i in 2 3 4; do dd if='$upper/big/'\$i of='$work/out' bs=1M conv=fsync,notrunc oflag=append 2>&1; done"; rm -f "$work/out"; }
    timed 'tar | tee >(sha256sum) | zstd -1 -T2' "tar --xattrs -C '$upper' -c . | tee >(sha256sum >'$work/sum') | zstd -q -1 -T2 >'$work/out'; sync '$work/out'"
    rm -f "$work/out"
    for compress in none auto; do
      skip=$(for c in host events network processes mounts logs configuration host-context packages secrets layers image; do printf -- '--skip %s ' $c; done)
      timed "cir --compress $compress, whole process" "'$cir' acquire '$name' --case BENCH --examiner bench --out '$work/bundles' --compress $compress $skip || [ \$? = 4 ]"
      python3 - "$work"/bundles/*/journal.jsonl <<'P'
import json, sys
for line in open(sys.argv[1]):
    entry = json.loads(line)
    if entry["event"] == "collector.end" and entry["fields"]["collector"] == "rootfs-diff":
        print(f"  {'  collector rootfs-diff alone':46} {entry['fields']['duration_ns'] / 1e9:8.2f} s wall")
P
      rm -rf "$work/bundles"
    done
  done
done
