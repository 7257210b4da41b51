#!/bin/sh
# How fast a timeline of five million rows answers. Needs a built test project and 2 GB of temporary space.
set -eu
cd "$(dirname "$0")/../.."
exec dotnet tests/ContainerIR.Tests/bin/Debug/net10.0/ContainerIR.Tests.dll --explicit only --show-live-output on --filter-class '*The_speed_of_a_timeline'
