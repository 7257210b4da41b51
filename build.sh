#!/usr/bin/env bash
# Publishes the single file out/cir (static linux-x64, Native AOT). Does nothing when it is newer than all it is made of; --force builds anyway.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. tests/engine.sh

sources=(src Directory.Build.props Directory.Packages.props global.json build.sh)
if [ "${1:-}" != --force ] && [ -x out/cir ] && [ -z "$(find "${sources[@]}" \( -name bin -o -name obj \) -prune -o -type f -newer out/cir -print -quit)" ]; then
  exit 0
fi

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: 'dotnet' must be on the PATH." >&2; exit 2; }
need clang:clang ld.lld:lld llvm-objcopy:llvm /usr/lib/x86_64-linux-gnu/libsqlite3.a:libsqlite3-dev /usr/lib/x86_64-linux-gnu/libssl.a:libssl-dev /usr/lib/x86_64-linux-gnu/libz.a:zlib1g-dev

mkdir -p out
log=out/build.log
echo "Publishing out/cir (about two minutes on two cores) ..." >&2
# msbuild does not relink when only a property changed.
rm -rf src/ContainerIR.Cli/obj/Release/net10.0/linux-x64/native src/ContainerIR.Cli/bin/Release/net10.0/linux-x64/native out/publish
if ! dotnet publish src/ContainerIR.Cli -c Release -r linux-x64 -o out/publish -v quiet >"$log" 2>&1; then
  tail -30 "$log" >&2
  echo "The build failed; the whole log is $log" >&2
  exit 1
fi
mv -f out/publish/cir out/cir
rm -rf out/publish
echo "out/cir: $(stat -c %s out/cir | awk '{printf "%.1f MB", $1 / 1e6}'), $(./out/cir --version 2>/dev/null || true)" >&2
