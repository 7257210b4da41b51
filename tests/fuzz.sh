#!/usr/bin/env bash
# Mutates bundles and parts of bundles: tests/fuzz.sh [COUNT]. 100,000 by default. CIR_SEED repeats a run.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export CIR_FUZZ=${1:-100000}
program=$(find tests/ContainerIR.Tests/bin -name ContainerIR.Tests.dll -path '*net10.0*' -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -n 1 | cut -d ' ' -f 2-)
[ -n "$program" ] || { echo "Build the tests first: dotnet build ContainerIR.sln" >&2; exit 2; }
exec dotnet "$program" --no-ansi --filter-class '*Mutated_evidence'
