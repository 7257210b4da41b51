"""schema.py SCHEMA FILE...: each FILE is one JSON document (.json), or one on each line (.jsonl), or lines of text (.txt); all must obey SCHEMA (python3-jsonschema)."""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as text:
    schema = json.load(text)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
count = bad = 0
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as text:
        if name.endswith(".txt"):
            documents = text.read().splitlines()
        elif name.endswith(".jsonl"):
            documents = [json.loads(line) for line in text]
        else:
            documents = [json.load(text)]
    for document in documents:
        count += 1
        for error in validator.iter_errors(document):
            bad += 1
            print(f"{name}: {error.json_path}: {error.message[:300]}")
print(f"{count} documents, {bad} faults")
sys.exit(1 if bad or not count else 0)
