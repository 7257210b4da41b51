"""cacao.py FILE...: each FILE must keep the rules of CACAO Security Playbooks 2.0 (OASIS committee specification 01) that concern a playbook's structure.
Written from the specification, not from our compiler: a second opinion. Exit 1 names every rule that is broken."""
import json
import re
import sys

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]+[a-z0-9]--" + UUID + r"\Z")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
VARIABLE = re.compile(r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__\Z")
EXTENSION_KEY = re.compile(r"[a-z0-9_]{3,250}\Z")
AGENTS = {"group", "http-api", "individual", "linux", "location", "net-address", "organization", "sector", "security-category", "ssh"}
PLAYBOOK = {
    "type", "spec_version", "id", "name", "description", "playbook_types", "playbook_activities", "playbook_processing_summary", "created_by", "created",
    "modified", "revoked", "valid_from", "valid_until", "derived_from", "related_to", "priority", "severity", "impact", "industry_sectors", "labels",
    "external_references", "markings", "playbook_variables", "workflow_start", "workflow_exception", "workflow", "playbook_extensions",
    "authentication_info_definitions", "agent_definitions", "target_definitions", "extension_definitions", "data_marking_definitions", "signatures",
}
STEP = {"type", "name", "description", "external_references", "delay", "timeout", "step_variables", "owner", "on_completion", "on_success", "on_failure", "step_extensions"}
OF_TYPE = {
    "start": set(), "end": set(), "action": {"commands", "agent", "targets", "in_args", "out_args"},
    "playbook-action": {"playbook_id", "playbook_version", "in_args", "out_args"}, "parallel": {"next_steps"},
    "if-condition": {"condition", "on_true", "on_false"}, "while-condition": {"condition", "on_true"}, "switch-condition": {"switch", "cases"},
}
NEEDED = {
    "action": {"commands", "agent"}, "playbook-action": {"playbook_id"}, "parallel": {"next_steps"}, "if-condition": {"condition", "on_true"},
    "while-condition": {"condition", "on_true"}, "switch-condition": {"switch", "cases"},
}
ADDRESSES = {"dname", "ipv4", "ipv6", "l2mac", "vlan", "url"}
TLP = {"TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"}
NOT_EMPTY = ("playbook_activities", "derived_from", "related_to", "industry_sectors", "labels", "external_references", "markings", "signatures",
             "playbook_extensions", "agent_definitions", "target_definitions", "authentication_info_definitions")
wrong = []


def rule(holds, text):
    if not holds:
        wrong.append(text)


def check(book):
    for name in ("type", "spec_version", "id", "name", "created_by", "created", "modified", "workflow_start", "workflow"):
        rule(name in book, f"{name} is required")
    rule(set(book) <= PLAYBOOK, f"unknown properties {set(book) - PLAYBOOK}")
    rule(book["type"] == "playbook" and book["spec_version"] == "cacao-2.0", "type and spec_version")
    rule(IDENTIFIER.match(book["id"]) and book["id"].startswith("playbook--"), "id")
    rule(IDENTIFIER.match(book["created_by"]) and book["created_by"].startswith("identity--"), "created_by")
    rule(TIMESTAMP.match(book["created"]) and TIMESTAMP.match(book["modified"]) and book["created"] <= book["modified"], "created, modified")
    rule(not book.get("playbook_types") or book.get("playbook_activities"), "types come with activities")
    for name in ("priority", "severity", "impact"):
        rule(isinstance(book.get(name, 0), int) and 0 <= book.get(name, 0) <= 100, name)
    for name, variable in book.get("playbook_variables", {}).items():
        rule(VARIABLE.match(name), f"variable {name}")
        rule("type" in variable and isinstance(variable.get("value"), (str, type(None))), f"variable {name}: its value is text")
        rule(set(variable) <= {"type", "description", "value", "constant", "external"}, f"variable {name}: unknown properties")
    for kind in ("agent_definitions", "target_definitions"):
        for key, agent in book.get(kind, {}).items():
            rule(IDENTIFIER.match(key) and key.split("--")[0] == agent["type"] and agent["type"] in AGENTS, f"{key} is of type {agent['type']}")
            rule(agent.get("name"), f"{key} has a name")
            rule(agent["type"] != "security-category" or agent.get("category"), f"{key} has a category")
            if agent["type"] in {"linux", "ssh", "http-api", "net-address"}:
                address = agent.get("address")
                rule(isinstance(address, dict) and set(address) <= ADDRESSES and all(isinstance(each, list) for each in address.values()), f"{key} has an address")
    definitions = book.get("extension_definitions", {})
    for key, definition in definitions.items():
        rule(IDENTIFIER.match(key), key)
        rule({"type", "name", "created_by", "schema", "version"} <= set(definition), f"{key} is complete")
        rule(definition.get("type") == "extension-definition" and IDENTIFIER.match(definition.get("created_by", "")), f"{key}: type and created_by")
    for name in NOT_EMPTY:
        rule(book.get(name, True), f"{name} is left out rather than empty")
    rule(book["id"][14 + len("playbook--")] in "45", "the playbook's UUID is of version 4 or 5")
    extensions(book.get("playbook_extensions", {}), definitions, "playbook")
    for marking in book.get("markings", []):
        rule(marking in book.get("data_marking_definitions", {}), f"marking {marking}")
    for key, marking in book.get("data_marking_definitions", {}).items():
        rule(marking["type"] != "marking-tlp" or marking.get("tlpv2_level") in TLP, f"marking {key}: its level")
        rule(marking["id"] == key and {"type", "created_by", "created"} <= set(marking), f"marking {key}")
    for reference in book.get("external_references", []):
        rule("name" in reference and len(reference) >= 2, "a reference has a name and something beside it")
    workflow(book)
    ids = [book["id"], *book["workflow"], *definitions, *(key for kind in ("agent_definitions", "target_definitions", "data_marking_definitions") for key in book.get(kind, {}))]
    owners = {}
    for key in ids:
        rule(owners.setdefault(key.split("--", 1)[1], key) == key, f"{key} has a UUID of its own")
    done = {command.get("playbook_activity") for step in book["workflow"].values() for command in step.get("commands", [])}
    rule(set(book.get("playbook_activities", [])) <= done, f"activities no step has: {set(book.get('playbook_activities', [])) - done}")


def extensions(used, definitions, where):
    rule(used or where != "playbook" or "playbook_extensions" not in used, where)
    for key, content in used.items():
        rule(key in definitions, f"{where} uses the extension {key}, which is defined")
        for name in content:
            rule(EXTENSION_KEY.match(name), f"{where}: {name} is no name of an extension's property")


def workflow(book):
    steps = book["workflow"]
    rule(steps.get(book["workflow_start"], {}).get("type") == "start", "workflow_start")
    rule(sum(step["type"] == "start" for step in steps.values()) == 1, "one start step")
    rule("workflow_exception" not in book or book["workflow_exception"] in steps, "workflow_exception")
    rule({"start", "end"} <= {step["type"] for step in steps.values()} and any(step["type"] in {"action", "playbook-action"} for step in steps.values()), "a start, an action, an end")
    branch_ends = []
    for key, step in steps.items():
        kind = step["type"]
        rule(IDENTIFIER.match(key) and key.split("--")[0] == kind and kind in OF_TYPE, f"{key} is of type {kind}")
        rule(key[14 + len(kind) + 2] == "4", f"{key}: a step's UUID is of version 4")
        for name in ("commands", "targets", "in_args", "out_args", "external_references", "step_extensions", "cases"):
            rule(step.get(name, True), f"{key}: {name} is left out rather than empty")
        rule(all(re.match(r"[a-zA-Z0-9_-]{1,250}\Z", case) for case in step.get("cases", {})), f"{key}: names of cases")
        rule(set(step) <= STEP | OF_TYPE[kind], f"{key}: unknown {set(step) - STEP - OF_TYPE[kind]}")
        rule(NEEDED.get(kind, set()) <= set(step), f"{key}: lacks {NEEDED.get(kind, set()) - set(step)}")
        for way in ("on_completion", "on_success", "on_failure"):
            rule(way not in step or step[way] in steps, f"{key}: {way} leads to a step")
        rule("on_completion" not in step or not {"on_success", "on_failure"} & set(step), f"{key}: on_completion excludes the others")
        rule(kind != "start" or not {"on_success", "on_failure"} & set(step), f"{key}: start has on_completion alone")
        rule(kind != "end" or not {"on_completion", "on_success", "on_failure"} & set(step), f"{key}: end leads nowhere")
        rule(kind == "end" or "on_completion" in step or "on_success" in step, f"{key}: leads somewhere")
        rule(step.get("delay", 1) >= 1 and step.get("timeout", 0) >= 0, f"{key}: delay and timeout")
        extensions(step.get("step_extensions", {}), book.get("extension_definitions", {}), key)
        branches = {"parallel": lambda: step["next_steps"], "switch-condition": lambda: list(step["cases"].values()), "while-condition": lambda: [step["on_true"]],
                    "if-condition": lambda: [step["on_true"], *([step["on_false"]] if "on_false" in step else [])]}.get(kind, list)()
        rule(kind != "parallel" or len(branches) >= 2, f"{key}: at least two branches")
        for branch in branches:
            rule(branch in steps, f"{key}: its branch is a step")
            branch_ends.append(end_of(steps, branch, set()))
        if kind == "action":
            rule(step["agent"] in book.get("agent_definitions", {}), f"{key}: its agent is defined")
            for target in step.get("targets", []):
                rule(target in book.get("target_definitions", {}), f"{key}: its target is defined")
            rule(step["commands"] and all("type" in command for command in step["commands"]), f"{key}: commands")
            for command in step["commands"]:
                rule(command["type"] not in {"manual", "bash", "ssh", "powershell"} or ("command" in command) != ("command_b64" in command), f"{key}: a command, plain or in base64")
                for name in re.findall(r"(__[a-zA-Z_][a-zA-Z0-9_-]*?__):value", command.get("command", "")):
                    rule(name in book.get("playbook_variables", {}), f"{key}: variable {name}")
        for name in step.get("in_args", []) + step.get("out_args", []):
            rule(name in book.get("playbook_variables", {}), f"{key}: variable {name}")
    rule(None not in branch_ends, "every branch has an end step")
    rule(len(branch_ends) == len(set(branch_ends)), "every branch has an end step of its own")
    main = end_of(steps, book["workflow_start"], set())
    rule(main is not None and main not in branch_ends, "the workflow has an end step of its own")


def end_of(steps, key, seen):
    while key not in seen and key in steps:
        seen.add(key)
        if steps[key]["type"] == "end":
            return key
        key = steps[key].get("on_success", steps[key].get("on_completion"))
    return None


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        before = len(wrong)
        check(json.load(file))
    for i in range(before, len(wrong)):
        wrong[i] = f"{path}: {wrong[i]}"
for line in wrong:
    print(line, file=sys.stderr)
sys.exit(1 if wrong else 0)
