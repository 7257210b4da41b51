#!/bin/sh
# Checks a bill of materials against CycloneDX's own JSON Schema with ajv; both come from npm and are kept in ~/.cache/cir-schemas.
# Usage: check-cyclonedx.sh packages.cdx.json
set -e
bom=$(realpath "$1")
home="${XDG_CACHE_HOME:-$HOME/.cache}/cir-schemas"
mkdir -p "$home"
cd "$home"
# Tests run beside each other: one installs, the others wait.
( flock 9; [ -d node_modules/ajv-formats ] || { [ -f package.json ] || npm init -y >/dev/null; npm install --silent ajv@8 ajv-formats@3 @cyclonedx/cyclonedx-library@10.3.0 >/dev/null; } ) 9>lock
check=$(mktemp ./check.XXXXXX.mjs)
trap 'rm -f "$check"' EXIT
cat > "$check" <<'JS'
import Ajv from "ajv"; import addFormats from "ajv-formats"; import fs from "fs";
const load = name => JSON.parse(fs.readFileSync(`node_modules/@cyclonedx/cyclonedx-library/res/schema/${name}`));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addFormat("iri-reference", true); ajv.addFormat("idn-email", true);
for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json", "cryptography-defs.SNAPSHOT.schema.json"]) {
  const schema = load(name); schema.$id = "http://cyclonedx.org/schema/" + name; ajv.addSchema(schema);
}
const validate = ajv.compile(load("bom-1.6.SNAPSHOT.schema.json"));
const bom = JSON.parse(fs.readFileSync(process.argv[2]));
if (!validate(bom)) { console.error(validate.errors.slice(0, 20)); process.exit(1); }
// A check that cannot fail is none.
bom.bomFormat = "thing";
if (validate(bom)) { console.error("the schema takes a bomFormat of 'thing': it was not applied"); process.exit(1); }
console.log(`valid: ${bom.components.length} components`);
JS
node "$check" "$bom"
