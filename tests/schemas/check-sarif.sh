#!/bin/sh
# Asks the SARIF Multitool (npm, kept in ~/.cache/cir-schemas) for its word on a file: its rule SARIF1002 and the others of class 1 are the standard and its schema.
# Usage: check-sarif.sh findings.sarif
set -e
log=$(realpath "$1")
home="${XDG_CACHE_HOME:-$HOME/.cache}/cir-schemas"
mkdir -p "$home"
cd "$home"
tool=node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
# Tests run beside each other: one installs, the others wait.
( flock 9; [ -f "$tool" ] || { [ -f package.json ] || npm init -y >/dev/null; npm install --silent @microsoft/sarif-multitool@5.7.0 >/dev/null; chmod +x "$tool"; } ) 9>lock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
judge() { DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$tool" validate "$1" --output "$work/$2" --log ForceOverwrite >"$work/$2.txt" 2>&1 || true
  python3 - "$work/$2" <<'PY'
import json, sys
runs = json.load(open(sys.argv[1], encoding='utf-8-sig'))['runs']
bad = [(r['ruleId'], r.get('message', {}).get('text') or r['message'].get('arguments')) for run in runs for r in run.get('results', []) if r['ruleId'].startswith(('SARIF1', 'JSON')) and r.get('level', 'error') == 'error']
print(*bad[:20], sep='\n')
PY
}
said=$(judge "$log" report.sarif)
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
# A check that cannot fail is none.
python3 - "$log" "$work/broken.sarif" <<'PY'
import json, sys
log = json.load(open(sys.argv[1]))
del log['runs'][0]['results'][0]['message']
json.dump(log, open(sys.argv[2], 'w'))
PY
[ -n "$(judge "$work/broken.sarif" broken-report.sarif)" ] || { echo "a result without message was taken: nothing was checked" >&2; exit 1; }
echo "valid: $(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["runs"][0]["results"]))' "$log") results"
