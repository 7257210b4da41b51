#!/bin/bash
# The volatile set (events, network, processes) of a container of 200 processes and 2,000 sockets, as the product takes it, against reading the same files. By hand, as root:
#   tests/bench/volatile.sh [RUNS]            CIR names the executable (default out/cir)
# Wall time of the collectors alone is from the journal; that of the whole process has keys, host facts, seal and case index in it.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-3} cir=${CIR:-out/cir}
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}") image=cir-bench-volatile:$$ name=cir-bench-volatile-$$
export CIR_HOME=$work/home CIR_PASSPHRASE=bench-by-hand
trap 'docker rm -f "$name" >/dev/null 2>&1 || true; docker rmi -f "$image" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
gcc -O1 -static -o "$work/many" -x c - <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
// 199 children and the parent, ten sockets each: a listener, four connections to it (both ends), one UDP. The last one says that all stand.
static void stand(int n) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(10000 + n), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int door = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(door, (void *)&at, sizeof at) || listen(door, 8)) _exit(1);
  for (int i = 0; i < 4; i++) { int s = socket(AF_INET, SOCK_STREAM, 0); if (connect(s, (void *)&at, sizeof at) || accept(door, 0, 0) < 0) _exit(1); }
  if (bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&at, sizeof at)) _exit(1);
}
int main(void) {
  int ready[2]; char c; if (pipe(ready)) return 1;
  for (int n = 1; n < 200; n++) if (fork() == 0) { stand(n); if (write(ready[1], "x", 1) != 1) _exit(1); pause(); }
  stand(0);
  for (int n = 1; n < 200; n++) if (read(ready[0], &c, 1) != 1) return 1;
  fclose(fopen("/ready", "w"));
  pause();
}
C
mkdir "$work/image"; cp "$work/many" "$work/image/"
tar -C "$work/image" -c . | docker import - "$image" >/dev/null
docker run -d --name "$name" "$image" /many >/dev/null
init=$(docker inspect -f '{{.State.Pid}}' "$name")
until [ -e "/proc/$init/root/ready" ]; do sleep 0.1; done
echo "machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), kernel $(uname -r), $("$cir" --version)"
echo "container: $(docker top "$name" -o pid | tail -n +2 | wc -l) processes, $(nsenter -t "$init" -n ss -Htuan | wc -l) TCP and UDP sockets"
timed() { # LABEL COMMAND
  local s e; s=$(date +%s%N); /usr/bin/time -f '%U %S %M' -o "$work/time" bash -c "$2" >/dev/null 2>"$work/err" || { cat "$work/err" >&2; return 1; }; e=$(date +%s%N)
  awk -v l="$1" -v w=$(((e - s) / 1000000)) '{printf "  %-52s %7.0f ms wall %7.0f ms processor %5d MB\n", l, w, ($1 + $2) * 1000, $3 / 1024}' "$work/time"
}
pids=$(docker top "$name" -o pid | tail -n +2 | xargs)
cat >"$work/floor.py" <<'P'
import hashlib, os, sys
# What the collectors read at least, by one program without checks: the files of each process, its descriptors, its executable hashed, the socket tables.
for pid in sys.argv[2:]:
    for name in ("stat", "status", "cmdline", "environ", "maps", "cgroup", "limits", "io", "mountinfo", "loginuid", "wchan"):
        open(f"/proc/{pid}/{name}", "rb").read()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        os.readlink(f"/proc/{pid}/fd/{fd}"); open(f"/proc/{pid}/fdinfo/{fd}", "rb").read()
    for ns in os.listdir(f"/proc/{pid}/ns"): os.readlink(f"/proc/{pid}/ns/{ns}")
hashlib.sha256(open(f"/proc/{sys.argv[1]}/exe", "rb").read()).digest()
for table in ("tcp", "udp", "tcp6", "udp6", "unix", "raw", "packet", "netlink"): open(f"/proc/{sys.argv[1]}/net/{table}", "rb").read()
P
for run in $(seq "$runs"); do
  timed 'floor: the same files read by one program' "python3 '$work/floor.py' $init $pids"
  skip=$(for c in host mounts logs rootfs-diff configuration host-context packages secrets layers image; do printf -- '--skip %s ' $c; done)
  timed 'cir acquire, whole process' "'$cir' acquire '$name' --case BENCH --examiner bench --out '$work/bundles' $skip || [ \$? = 4 ]"
  python3 - "$work"/bundles/*/journal.jsonl <<'P'
import json, sys
total = 0
for line in open(sys.argv[1]):
    entry = json.loads(line)
    if entry["event"] == "collector.end":
        took = entry["fields"]["duration_ns"] / 1e6; total += took
        print(f"    {entry['fields']['collector']:50} {took:7.0f} ms wall")
print(f"    {'events, network and processes together':50} {total:7.0f} ms wall")
P
  rm -rf "$work/bundles"
done
