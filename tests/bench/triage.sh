#!/bin/bash
# Triage of a living container of 200 processes and 2,000 changed files, and of 20 containers at once. By hand, as root:
#   tests/bench/triage.sh [RUNS]              CIR names the executable (default out/cir)
# The floor is one program that reads the same files of /proc and the metadata of the same changed files, without any rule.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-3} cir=${CIR:-out/cir}
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}") image=cir-bench-triage:$$ name=cir-bench-triage-$$
export CIR_HOME=$work/home CIR_PASSPHRASE=bench-by-hand
trap 'docker ps -aq --filter "name=$name" | xargs -r docker rm -f >/dev/null; docker rmi -f "$image" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
mkdir -p "$work/image/bin"; cp /bin/busybox "$work/image/bin/"; ln -s busybox "$work/image/bin/sh"
tar -C "$work/image" -c . | docker import - "$image" >/dev/null
docker run -d --name "$name" "$image" sh -c 'export PATH=/bin; busybox mkdir -p /srv; for i in $(busybox seq 2000); do echo $i > /srv/$i; done; for i in $(busybox seq 199); do busybox sleep 100000 & done; : > /ready; wait' >/dev/null
init=$(docker inspect -f '{{.State.Pid}}' "$name") upper=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' "$name")
until [ -e "/proc/$init/root/ready" ]; do sleep 0.1; done
for n in $(seq 19); do docker run -d --name "$name-$n" "$image" sh -c 'busybox sleep 100000 & wait' >/dev/null; done
echo "machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), kernel $(uname -r), $("$cir" --version)"
echo "container: $(docker top "$name" -o pid | tail -n +2 | wc -l) processes, $(find "$upper" -type f | wc -l) changed files"
timed() { # LABEL COMMAND
  local s e; s=$(date +%s%N); /usr/bin/time -f '%U %S %M' -o "$work/time" bash -c "$2" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; return 1; }; e=$(date +%s%N)
  awk -v l="$1" -v w=$(((e - s) / 1000000)) '{printf "  %-52s %7.0f ms wall %7.0f ms processor %5d MB\n", l, w, ($1 + $2) * 1000, $3 / 1024}' "$work/time"
}
cat >"$work/floor.py" <<'P'
import os, sys
for pid in sys.argv[2:]:
    for name in ("stat", "status", "cmdline", "environ", "maps", "cgroup", "limits", "io", "mountinfo"): open(f"/proc/{pid}/{name}", "rb").read()
    for fd in os.listdir(f"/proc/{pid}/fd"): os.readlink(f"/proc/{pid}/fd/{fd}")
for folder, _, files in os.walk(sys.argv[1]):
    for name in files: os.lstat(os.path.join(folder, name))
P
pids=$(docker top "$name" -o pid | tail -n +2 | xargs)
for run in $(seq "$runs"); do
  timed 'floor: the same files read by one program' "python3 '$work/floor.py' '$upper' $pids"
  timed 'cir triage, 200 processes, 2,000 changed files' "'$cir' triage '$name'"
  timed 'cir triage --all, 20 containers' "'$cir' triage --all"
  [ "$(grep -c "$name" "$work/out")" = 20 ] || { echo "not all 20 were judged" >&2; exit 1; }
done
