"""draft7.py SCHEMA FILE...: prints the name (without .json) of each JSON document that SCHEMA (draft-07) refuses (python3-jsonschema)."""
import json
import os
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    if next(validator.iter_errors(document), None) is not None:
        print(os.path.basename(path)[: -len(".json")])
