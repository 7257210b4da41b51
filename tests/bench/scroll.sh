#!/bin/bash
# The console over much: a container of 10,000 processes, 1,000,000 changed files and 1,000,000 log lines, on a terminal of 120x40: until each list is there, to
# its end and back, a page, a filter, memory. By hand, as root:
#   tests/bench/scroll.sh [PROCESSES [FILES [LINES]]]     CIR names the executable (default out/cir)
# The floor is the terminal itself: how long tmux takes to answer with its screen.
set -eu
cd "$(dirname "$0")/../.."
processes=${1:-10000} files=${2:-1000000} lines=${3:-1000000} cir=$(readlink -f "${CIR:-out/cir}")
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}") image=cir-bench-scroll:$$ name=scroll-$$
trap 'tmux -S "$work/tmux" kill-server 2>/dev/null || true; docker rm -f "$name" >/dev/null 2>&1 || true; docker rmi -f "$image" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
mkdir -p "$work/image/bin"; cp /bin/busybox "$work/image/bin/"; ln -s busybox "$work/image/bin/sh"
cat >"$work/many.c" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int c, char **v) {
    int processes = atoi(v[1]), files = atoi(v[2]), lines = atoi(v[3]); char path[64];
    for (int i = 0; i < lines; i++) printf("line %d of the log\n", i);
    fflush(stdout);
    mkdir("/f", 0755);
    for (int i = 0; i < files; i++) {
        if (i % 1000 == 0) { snprintf(path, sizeof path, "/f/%04d", i / 1000); mkdir(path, 0755); }
        snprintf(path, sizeof path, "/f/%04d/%07d", i / 1000, i); close(open(path, O_CREAT | O_WRONLY, 0644));
    }
    for (int i = 1; i < processes; i++) if (fork() == 0) for (;;) pause();
    close(open("/ready", O_CREAT | O_WRONLY, 0644));
    for (;;) pause();
}
C
gcc -O1 -static -o "$work/image/bin/many" "$work/many.c"
tar -C "$work/image" -c . | docker import - "$image" >/dev/null
docker run -d --pids-limit -1 --name "$name" "$image" /bin/many "$processes" "$files" "$lines" >/dev/null
init=$(docker inspect -f '{{.State.Pid}}' "$name")
until [ -e "/proc/$init/root/ready" ]; do sleep 0.5; done
echo "machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), $("$cir" --version); $processes processes, $files files, $lines lines"
ms() { echo $(($(date +%s%N) / 1000000)); }
pane() { tmux -S "$work/tmux" capture-pane -p -t t 2>/dev/null; }
press() { tmux -S "$work/tmux" send-keys -t t "$@"; }
timed() { # LABEL PATTERN KEY...
  local label=$1 pattern=$2 s; shift 2
  s=$(ms); press "$@"; until pane | grep -q -- "$pattern"; do :; done
  printf '  %-52s %7d ms\n' "$label" $(($(ms) - s))
}
tmux -S "$work/tmux" -f /dev/null new-session -d -s t -x 120 -y 40 "env CIR_HOME='$work/home' CIR_CHANGES='$work/changes' LANG=C.UTF-8 TMPDIR='$work' '$cir' console"
until pane | grep -q "$name"; do :; done
s=$(ms); pane >/dev/null; printf '  %-52s %7d ms\n' 'floor: the terminal answers' $(($(ms) - s))
press /; until pane | grep -q Filter:; do :; done; press -l "$name"; press Enter; until pane | grep -q 'Only rows'; do :; done
timed 'look: processes, sockets, changed files, judged' 'Looked at' Enter
timed "processes: $processes rows there" 'Processes  [1-9][0-9,]* rows' 2
timed 'processes: to the last' "/bin/many $processes" End
timed 'processes: to the first' 'PID' Home
timed "changes: $files rows there" 'Changes  [1-9][0-9,]* rows' 4
timed 'changes: to the last' "$(printf '/f/%04d/%07d' $(((files - 1) / 1000)) $((files - 1)))\|/ready" End
timed 'changes: to the first' ' /f$' Home
s=$(ms); for i in $(seq 100); do press NPage; done; until pane | grep -q '/f/000[0-9]/00[0-9]*$'; do :; done; printf '  %-52s %7d ms\n' 'changes: 100 pages' $(($(ms) - s))
press /; until pane | grep -q Filter:; do :; done; middle=$(printf '%07d' $((files / 2))); press -l "$middle"; timed 'changes: filter to one file' "/f/[0-9]*/$middle" Enter
pid=$(tmux -S "$work/tmux" display-message -p -t t '#{pane_pid}')
awk '/VmRSS|VmHWM/ {printf "  %s %d MB\n", $1, $2 / 1024}' "/proc/$pid/status"
timed 'log: its end' "line $((lines - 1)) of" o
awk '/VmRSS|VmHWM/ {printf "  %s %d MB\n", $1, $2 / 1024}' "/proc/$pid/status"
