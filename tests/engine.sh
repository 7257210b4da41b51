# Sourced by demo.sh, test.sh and .ci/run: what a bare Debian machine needs, and a real engine to work with.
#   need COMMAND:PACKAGE ...   installs the packages whose command is missing
#   engine_up                  uses the engine that answers, else starts one; exports DOCKER_HOST
#   engine_down                stops what engine_up started, by its pid, and removes its data; nothing else
#   podman_up, podman_down     the same for Podman's Docker-compatible service; exports CIR_TEST_PODMAN...; where it cannot run, says so and goes on
# shellcheck shell=bash

ENGINE_DIR= ENGINE_PID= PODMAN_DIR= PODMAN_PID=

need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -e "${pair%%:*}" ] || missing+=("${pair#*:}")
  done
  # The package busybox has a /bin/busybox too, but one that needs libraries no image of ours has. ldd refuses static files.
  if [ -e /bin/busybox ] && ldd /bin/busybox >/dev/null 2>&1; then missing+=(busybox-static); fi
  [ ${#missing[@]} -eq 0 ] && return 0
  [ "$(id -u)" = 0 ] || { echo "Missing packages: ${missing[*]}. Run as root, or install them first." >&2; return 1; }
  echo "Installing Debian packages: ${missing[*]}" >&2
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >/tmp/cir-apt.log 2>&1 ||
    { tail -20 /tmp/cir-apt.log >&2; echo "apt-get failed; the whole log is /tmp/cir-apt.log" >&2; return 1; }
}

leave_nothing() { # FOLDER: unmounts what is mounted in it, and removes it
  awk -v d="$1/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount"; done
  rm -rf --one-file-system "$1"
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

engine_up() {
  need dockerd:docker.io docker:docker.io iptables:iptables ip:iproute2 || return 1
  if engine_answers; then
    echo "Using the Docker engine that answers${DOCKER_HOST:+ at $DOCKER_HOST}." >&2
    return 0
  fi
  [ "$(id -u)" = 0 ] || { echo "No Docker engine answers, and starting one needs root." >&2; return 1; }
  ENGINE_DIR=$(mktemp -d /tmp/cir-engine.XXXXXX)
  # Its own network namespace: a second engine in the host's would take over the host's bridge and firewall.
  unshare -n sh -c 'ip link set lo up; exec "$0" "$@"' \
    dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/exec" --pidfile "$ENGINE_DIR/pid" \
    -H "unix://$ENGINE_DIR/docker.sock" --bip 10.213.0.1/24 --default-address-pool base=10.214.0.0/16,size=24 "$@" >"$ENGINE_DIR/log" 2>&1 </dev/null &
  ENGINE_PID=$!
  export DOCKER_HOST="unix://$ENGINE_DIR/docker.sock"
  local tries=0
  until engine_answers; do
    if ! kill -0 "$ENGINE_PID" 2>/dev/null || [ $((tries += 1)) -gt 300 ]; then
      echo "The Docker engine did not start. Its last words:" >&2
      tail -15 "$ENGINE_DIR/log" >&2
      engine_down
      return 1
    fi
    sleep 0.1
  done
  echo "No engine answered: started one of our own (pid $ENGINE_PID, data in $ENGINE_DIR)." >&2
}

engine_down() {
  [ -n "$ENGINE_DIR" ] || return 0
  local left
  if left=$(docker ps -aq 2>/dev/null) && [ -n "$left" ]; then
    # shellcheck disable=SC2086
    docker rm -f -v $left >/dev/null 2>&1
  fi
  kill "$ENGINE_PID" 2>/dev/null
  wait "$ENGINE_PID" 2>/dev/null
  leave_nothing "$ENGINE_DIR"
  ENGINE_DIR= ENGINE_PID=
  unset DOCKER_HOST
}

podman_up() {
  [ -z "${CIR_TEST_PODMAN:-}" ] || return 0
  [ "$(id -u)" = 0 ] && need podman:podman runc:runc || return 0
  PODMAN_DIR=$(mktemp -d /tmp/cir-podman.XXXXXX)
  local podman=(podman --root "$PODMAN_DIR/root" --runroot "$PODMAN_DIR/run" --runtime runc --cgroup-manager cgroupfs --events-backend file)
  { mkdir -p "$PODMAN_DIR/image/bin" "$PODMAN_DIR/image/etc" "$PODMAN_DIR/image/tmp" && cp /bin/busybox "$PODMAN_DIR/image/bin/" &&
      for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$PODMAN_DIR/image/bin/$applet"; done &&
      echo 'root:x:0:0:root:/:/bin/sh' >"$PODMAN_DIR/image/etc/passwd" && echo 'root:x:0:' >"$PODMAN_DIR/image/etc/group" &&
      tar -C "$PODMAN_DIR/image" -c . | "${podman[@]}" import - localhost/cir-test:busybox; } >"$PODMAN_DIR/log" 2>&1
  "${podman[@]}" system service -t 0 "unix://$PODMAN_DIR/podman.sock" >>"$PODMAN_DIR/log" 2>&1 </dev/null &
  PODMAN_PID=$!
  local tries=0
  # Limits no higher than this sandbox may set: Podman asks for more than that where CAP_SYS_RESOURCE is missing.
  until docker -H "unix://$PODMAN_DIR/podman.sock" run --rm --network none --ulimit nofile=1024:20000 --ulimit nproc=1000:1000 localhost/cir-test:busybox true >>"$PODMAN_DIR/log" 2>&1; do
    if ! kill -0 "$PODMAN_PID" 2>/dev/null || [ $((tries += 1)) -gt 20 ]; then
      echo "Podman does not run containers here, so its tests are skipped. Its last words:" >&2
      tail -3 "$PODMAN_DIR/log" >&2
      podman_down
      return 0
    fi
    sleep 0.5
  done
  export CIR_TEST_PODMAN="unix://$PODMAN_DIR/podman.sock" CIR_TEST_PODMAN_IMAGE=localhost/cir-test:busybox
  export CIR_TEST_PODMAN_OPTIONS="--network none --ulimit nofile=1024:20000 --ulimit nproc=1000:1000"
}

podman_down() {
  [ -n "$PODMAN_DIR" ] || return 0
  local left pid
  if left=$(docker -H "unix://$PODMAN_DIR/podman.sock" ps -aq 2>/dev/null) && [ -n "$left" ]; then
    # shellcheck disable=SC2086
    docker -H "unix://$PODMAN_DIR/podman.sock" rm -f -v $left >/dev/null 2>&1
  fi
  kill "$PODMAN_PID" 2>/dev/null
  wait "$PODMAN_PID" 2>/dev/null
  # The watcher of an exec stays for five minutes more, to clean up what is removed here.
  for pid in $(grep -laF "$PODMAN_DIR/" /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3); do
    [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null # asked politely, it would start that cleaning
  done
  leave_nothing "$PODMAN_DIR"
  PODMAN_DIR= PODMAN_PID=
  unset CIR_TEST_PODMAN CIR_TEST_PODMAN_IMAGE CIR_TEST_PODMAN_OPTIONS
}
