#!/bin/sh
# How fast a case of five million rows (CIR_BENCH_ROWS) is filled, and its timeline and search answer. Needs the test project built with -c Release, and 3 GB of temporary space.
set -eu
cd "$(dirname "$0")/../.."
exec dotnet tests/ContainerIR.Tests/bin/Release/net10.0/ContainerIR.Tests.dll --explicit only --show-live-output on --filter-class '*The_speed_of_a_timeline'
