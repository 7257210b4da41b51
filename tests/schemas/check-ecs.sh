#!/bin/sh
# Asks TypeScript whether ECS events fit the types Elastic generates from its schema (npm, kept in ~/.cache/cir-schemas): a field of ECS with another name or type is an error.
# What is ours stands below containerir and is taken off first. Usage: check-ecs.sh ecs.jsonl
set -e
events=$(realpath "$1")
home="${XDG_CACHE_HOME:-$HOME/.cache}/cir-schemas"
mkdir -p "$home"
cd "$home"
# Tests run beside each other: one installs, the others wait.
( flock 9; [ -f node_modules/@elastic/ecs/package.json ] && [ -f node_modules/typescript/bin/tsc ] || { [ -f package.json ] || npm init -y >/dev/null; npm install --silent typescript@5 @elastic/ecs@9.4.0 >/dev/null; } ) 9>lock
work=$(mktemp -d ./ecs.XXXXXX)
trap 'rm -rf "$work"' EXIT
# One event of each shape (names and types, not values): thousands of files are one shape.
python3 - "$events" "$work" <<'PY'
import json, sys
shape = lambda v: {k: shape(x) for k, x in v.items()} if isinstance(v, dict) else [shape(x) for x in v[:1]] if isinstance(v, list) else type(v).__name__
kept, count = {}, 0
for line in open(sys.argv[1], encoding='utf-8'):
    event = json.loads(line)
    event.pop('containerir', None)
    kept.setdefault((event['event']['kind'], json.dumps(shape(event), sort_keys=True)), event)
    count += 1
head = 'import type { Ecs } from "@elastic/ecs";\n'
write = lambda name, events: open(f'{sys.argv[2]}/{name}.ts', 'w').write(head + ''.join(f'export const e{i}: Ecs = {json.dumps(e)};\n' for i, e in enumerate(events)))
write('good', kept.values())
# A check that cannot fail is none: a time that is a number, and a field ECS has not.
first = next(iter(kept.values()))
write('badtype', [{**first, 'event': {**first['event'], 'kind': 7}}])
write('badname', [{**first, 'event': {**first['event'], 'kindness': 'x'}}])
open(f'{sys.argv[2]}/count', 'w').write(f'{count} events of {len(kept)} shapes')
PY
judge() { node_modules/typescript/bin/tsc --noEmit --strict --skipLibCheck --moduleResolution node --module commonjs --target es2022 "$work/$1.ts"; }
judge good >&2 || exit 1
for bad in badtype badname; do judge $bad >/dev/null && { echo "$bad was taken: nothing was checked" >&2; exit 1; }; done
echo "valid: $(cat "$work/count")"
