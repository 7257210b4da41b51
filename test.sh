#!/usr/bin/env bash
# Builds and runs all tests against a real Docker engine. Usage: ./test.sh [options of the test program, e.g. --filter-class '*Journal*']
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. tests/engine.sh

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: 'dotnet' must be on the PATH." >&2; exit 2; }
need /bin/busybox:busybox-static gcc:gcc /usr/include/stdlib.h:libc6-dev openssl:openssl zstd:zstd xz:xz-utils getfattr:attr setfacl:acl nsenter:util-linux /lib/systemd/systemd-journald:systemd \
  tmux:tmux strace:strace jq:jq gdb:gdb age:age python3:python3 /usr/lib/python3/dist-packages/jsonschema:python3-jsonschema tshark:tshark capinfos:wireshark-common tcpdump:tcpdump nft:nftables \
  softhsm2-util:softhsm2 pkcs11-tool:opensc debootstrap:debootstrap yara:yara skopeo:skopeo mactime:sleuthkit /usr/lib/python3/dist-packages/rdflib:python3-rdflib || exit 2
./build.sh || exit 1
engine_up || exit 2
# Everything the tests write beside the repository, gone with them however they end.
scratch=$(mktemp -d /tmp/cir-tests.XXXXXX) && chmod 755 "$scratch" # users other than root must get through
trap 'podman_down; engine_down; leave_nothing "$scratch"' EXIT
podman_up
trap 'exit 130' INT TERM

dotnet build ContainerIR.sln -c Release -v quiet -nologo || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
mkdir -p out
export CIR_PUBLISHED=$PWD/out/cir TMPDIR=$scratch
timeout 1500 dotnet tests/ContainerIR.Tests/bin/Release/net10.0/ContainerIR.Tests.dll --progress off --no-ansi --max-threads 2x --show-slowest-tests 20 "$@" 2>&1 | tee out/test.log
code=${PIPESTATUS[0]}
awk -v code="$code" '/^ *total:/ {t = $2} /^ *failed:/ {f = $2} /^ *succeeded:/ {s = $2} /^ *skipped:/ {k = $2}
  END {if (code != 0 && f + 0 == 0) f = 1; printf "%d passed, %d failed, %d skipped\n", s, f, k}' out/test.log | tee out/test-summary
exit "$code"
