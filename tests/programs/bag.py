"""bag.py BAG: the rules of RFC 8493 for a complete and valid bag, told by a reader that shares no code with the one that writes them."""
import hashlib
import os
import sys

bag = sys.argv[1]
faults = []


def lines(name):
    with open(os.path.join(bag, name), encoding="utf-8", newline="") as text:
        return text.read().splitlines()


def manifest(name, algorithm):
    listed = {}
    for line in lines(name):
        digest, path = line.split(None, 1)
        path = path.lstrip("*")
        if path in listed:
            faults.append(f"{name}: {path} twice")
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            faults.append(f"{name}: {path} is not below the bag")
            continue
        listed[path] = digest
        try:
            with open(os.path.join(bag, path), "rb") as file:
                if hashlib.new(algorithm, file.read()).hexdigest() != digest.lower():
                    faults.append(f"{name}: {path} has another {algorithm}")
        except OSError as failure:
            faults.append(f"{name}: {path}: {failure}")
    return set(listed)


if lines("bagit.txt") != ["BagIt-Version: 1.0", "Tag-File-Character-Encoding: UTF-8"]:
    faults.append("bagit.txt")
payload = {os.path.relpath(os.path.join(folder, name), bag) for folder, _, names in os.walk(os.path.join(bag, "data")) for name in names}
for algorithm in ("sha256", "sha512"):
    if manifest(f"manifest-{algorithm}.txt", algorithm) != payload:
        faults.append(f"manifest-{algorithm}.txt does not list just the payload")
tags = manifest("tagmanifest-sha256.txt", "sha256")
for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt"):
    if name not in tags:
        faults.append(f"tagmanifest-sha256.txt lacks {name}")
info = dict(line.split(": ", 1) for line in lines("bag-info.txt"))
size = sum(os.path.getsize(os.path.join(bag, path)) for path in payload)
if info.get("Payload-Oxum") != f"{size}.{len(payload)}":
    faults.append("Payload-Oxum")
print("\n".join(faults) or "valid")
sys.exit(1 if faults else 0)
