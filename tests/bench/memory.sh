#!/bin/bash
# Memory of one container: ours (ELF cores, hashed, written) against the floor (pagemap + pread to a file) and gcore. By hand, as root:
#   tests/bench/memory.sh [MIB] [RUNS] [plain]     CIR names the published file (default out/cir), measured as a whole too: hashed, framed, compressed, into a bundle
# The process holds MIB of incompressible memory and, but for "plain", 64 GiB reserved and never written. gcore writes those as zeros, 66 GB of them: it is given
# 120 s and 8 GiB of disk.
set -eu
cd "$(dirname "$0")/../.."
mib=${1:-1024} runs=${2:-5} plain=${3:-}
work=$(mktemp -d) name=cir-bench-memory-$$
image=cir-bench-memory:$$ cir=${CIR:-out/cir}
export CIR_HOME=$work/home CIR_PASSPHRASE=bench-by-hand
trap 'docker rm -f "$name" >/dev/null 2>&1; docker rmi -f "$image" >/dev/null 2>&1; rm -rf "$work"' EXIT
mkdir -p "$work/image/bin"; cp /bin/busybox "$work/image/bin/sh"; tar -C "$work/image" -c . | docker import - "$image" >/dev/null
dotnet build tests/bench/Memory -c Release -v quiet -nologo
gcc -O1 -g -static -pthread -o "$work/program" tests/programs/memory.c
gcc -O2 -o "$work/floor" -x c - <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// Every present page of every readable private mapping, by pagemap and pread, to a file with fsync.
int main(int c, char **v) {
  char path[64], line[4200]; static unsigned long entry[65536]; static char buffer[1 << 20];
  snprintf(path, 64, "/proc/%s/maps", v[1]); FILE *maps = fopen(path, "r");
  snprintf(path, 64, "/proc/%s/mem", v[1]); int mem = open(path, O_RDONLY);
  snprintf(path, 64, "/proc/%s/pagemap", v[1]); int pagemap = open(path, O_RDONLY);
  int out = open(v[2], O_CREAT | O_WRONLY | O_TRUNC, 0600); unsigned long total = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned long a, b; char r; if (sscanf(line, "%lx-%lx %c", &a, &b, &r) != 3 || r != 'r' || strstr(line, "[v")) continue;
    while (a < b) {
      unsigned long n = (b - a) / 4096 < 65536 ? (b - a) / 4096 : 65536;
      if (pread(pagemap, entry, n * 8, a / 4096 * 8) != (long)(n * 8)) break;
      for (unsigned long i = 0; i < n;) {
        unsigned long k = 0; while (i + k < n && k < 256 && entry[i + k] >> 62 && !(entry[i + k] >> 61 & 1)) k++;
        if (!k) { i++; continue; }
        long got = pread(mem, buffer, k * 4096, a + i * 4096); if (got > 0 && write(out, buffer, got) == got) total += got;
        i += k;
      }
      a += n * 4096;
    }
  }
  fsync(out); printf("floor copied %lu MiB\n", total >> 20); return 0;
}
C
docker create --name "$name" "$image" /program hold "$mib" $plain >/dev/null
docker cp "$work/program" "$name:/program" >/dev/null
docker start "$name" >/dev/null
pid=$(docker inspect -f '{{.State.Pid}}' "$name")
until [ -e "/proc/$pid/root/ready" ]; do sleep 0.1; done
echo "machine: $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg), kernel $(uname -r); $mib MiB resident"
for run in $(seq "$runs"); do
  s=$(date +%s%N); "$work/floor" "$pid" "$work/out" >/dev/null; e=$(date +%s%N); echo "run $run floor $(((e - s) / 1000000)) ms"; rm -f "$work/out"
  dotnet tests/bench/Memory/bin/Release/net10.0/ContainerIR.MemoryBench.dll "$name" "$work/cores" | sed "s/^/run $run ours  /"; rm -rf "$work/cores"
  skip=$(for c in host events network processes mounts logs rootfs-diff configuration host-context packages secrets layers image; do printf -- '--skip %s ' $c; done)
  /usr/bin/time -f '%M' -o "$work/peak" "$cir" acquire "$name" --case BENCH --examiner bench --out "$work/bundles" --memory all $skip >/dev/null || [ $? = 4 ]
  python3 - "$work"/bundles/*/journal.jsonl "$(cat "$work/peak")" "$run" <<'P'
import json, sys
for line in open(sys.argv[1]):
    entry = json.loads(line)
    if entry["event"] == "collector.end" and entry["fields"]["collector"] == "memory":
        print(f"run {sys.argv[3]} cir acquire, memory collector {entry['fields']['duration_ns'] / 1e6:.0f} ms; peak RSS {int(sys.argv[2]) // 1024} MiB")
P
  rm -rf "$work/bundles"
done
for run in $(seq "$runs"); do
  s=$(date +%s%N); (ulimit -f $((8 << 20)); timeout 120 gcore -o "$work/gcore" "$pid" >/dev/null 2>&1 && sync "$work"/gcore*) && what=done || what="given up at 120 s or 8 GiB"; e=$(date +%s%N)
  echo "run $run gcore $(((e - s) / 1000000)) ms ($what), $(du -sm --apparent-size "$work"/gcore* | cut -f1) MiB written"
  rm -f "$work"/gcore*
  [ "$what" = done ] || break
done
