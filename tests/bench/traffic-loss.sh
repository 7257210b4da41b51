#!/usr/bin/env bash
# Packets lost by a traffic capture at 10,000 to 100,000 packets a second through one veth, on a real engine. Figures depend on what else the machine does.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/engine.sh
need /bin/busybox:busybox-static || exit 2
engine_up || exit 2
trap engine_down EXIT
dotnet build tests/ContainerIR.Tests -c Release -v quiet -nologo || exit 1
timeout 300 dotnet tests/ContainerIR.Tests/bin/Release/net10.0/ContainerIR.Tests.dll --filter-class '*Traffic_capture_loss' --explicit only --show-live-output on --no-progress --no-ansi
