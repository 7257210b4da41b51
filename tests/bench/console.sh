#!/bin/bash
# The console with 500 containers on a terminal of 120x40: from start to the first screen, to the list, what it takes while somebody acts and while nobody does. By hand:
#   tests/bench/console.sh [SECONDS]          CIR names the executable (default out/cir)
# The engine is a program that answers with 500 containers; none of them is there. The floor is the same file printing its version.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-120} cir=$(readlink -f "${CIR:-out/cir}")
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
cat >"$work/engine.py" <<'P'
import http.server, json, os, socketserver, sys
def one(n):
    return {"Id": f"{n:064x}", "Names": [f"/service-{n}"], "Image": "registry/app:1", "ImageID": "sha256:" + "0" * 64, "Command": "app", "Created": 1700000000 + n, "State": "running", "Status": "Up",
            "Ports": [], "Labels": {}, "HostConfig": {"NetworkMode": "bridge"}, "Mounts": [], "NetworkSettings": {"Networks": {"bridge": {"IPAddress": f"10.0.{n // 250}.{n % 250}", "NetworkID": "0" * 64}}}}
listed = json.dumps([one(n) for n in range(500)]).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = listed if "/containers/json" in self.path else b"{}"
        self.send_response(200); self.send_header("Content-Type", "application/json"); self.send_header("Content-Length", str(len(body))); self.send_header("Api-Version", "1.41"); self.end_headers(); self.wfile.write(body)
    do_HEAD = do_GET
    def address_string(self): return ""
    def log_message(self, *_): pass
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer): daemon_threads = True
Server(sys.argv[1], Handler).serve_forever()
P
python3 "$work/engine.py" "$work/engine.sock" & engine=$!
trap 'tmux -S "$work/tmux" kill-server 2>/dev/null || true; kill $engine; rm -rf "$work"' EXIT
until [ -S "$work/engine.sock" ]; do sleep 0.05; done
echo "machine: $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg), $("$cir" --version)"
ms() { echo $(($(date +%s%N) / 1000000)); }
s=$(ms); "$cir" --version >/dev/null; echo "  floor: start, print the version, end            $(($(ms) - s)) ms"
pane() { tmux -S "$work/tmux" capture-pane -p -t t 2>/dev/null; }
tmux -S "$work/tmux" -f /dev/null new-session -d -s w -x 120 -y 40 "sleep 100000"
s=$(ms); tmux -S "$work/tmux" new-session -d -s t -x 120 -y 40 "env CIR_HOME='$work/home' LANG=C.UTF-8 '$cir' console --endpoint unix://$work/engine.sock"
until pane | grep -q NAME; do :; done; first=$(($(ms) - s))
until pane | grep -q 'Containers  500'; do :; done; list=$(($(ms) - s))
echo "  console: first screen $first ms, 500 containers shown $list ms (asking the terminal takes about 5 ms each time)"
s=$(ms); tmux -S "$work/tmux" send-keys -t t End; until pane | grep -q 'service-[0-9]* .*000000' && pane | grep -q "$(printf '%012x' 0 | cut -c1-4)"; do :; done
echo "  to the last of 500                              $(($(ms) - s)) ms"
pid=$(tmux -S "$work/tmux" display-message -p -t t '#{pane_pid}')
pid=$(pgrep -P "$pid" -f console || echo "$pid")
ticks() { awk '{print $14 + $15}' "/proc/$pid/stat"; }
a=$(ticks); sleep 15; b=$(ticks)
awk -v t=$((b - a)) -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "  somebody there, the list read every two seconds %.1f %% of one processor\n", 100 * t / hz / 15}'
sleep 10; a=$(ticks); sleep "$seconds"; b=$(ticks)
awk -v t=$((b - a)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "  nobody touched it for twenty seconds            %.2f %% of one processor\n", 100 * t / hz / s}'
awk '/VmRSS|VmHWM/ {printf "  %s %d MB\n", $1, $2 / 1024}' "/proc/$pid/status"
