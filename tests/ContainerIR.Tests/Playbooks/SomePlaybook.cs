namespace ContainerIR.Tests.Playbooks;

/// <summary>Playbooks that tests need.</summary>
internal static class SomePlaybook
{
    /// <summary>A look, a question, an approval, a change.</summary>
    public const string ShortWalk = """
        playbook: short-walk
        name: A short walk
        version: 1.0.0
        description: For tests.
        types: [investigation, mitigation]
        severity: 60
        impact: 40
        variables:
          container: { type: string, external: true }
          meant: { type: bool, value: false, description: Whether it is meant to be so }
        agents:
          operator: { type: individual, name: Operator }
          lead: { type: individual, name: Lead }
        steps:
          - { id: look, name: Look at it, action: collect, with: { profile: volatile } }
          - { id: decide, name: Decide, manual: "Is it meant to be so?", ask: [meant], owner: operator }
          - id: freeze
            name: Freeze it
            action: pause
            with: { for_window: false }
            evidence: health status turns unhealthy while paused; the freezer is seen in its cgroup
            approve: { quorum: 1, roles: [lead], expires: 15m, break_glass: false }
            rollback: automatic
        """;

    /// <summary>Every kind of step and every key.</summary>
    public const string EveryKind = """
        playbook: every-kind
        name: Every kind of step
        version: 1.0.0
        description: For tests.
        types: [investigation, mitigation]
        severity: 60
        impact: 40
        priority: 1
        tlp: TLP:AMBER
        labels: [test]
        created: 2026-01-02T03:04:05.678Z
        trigger: { rules: [CIR-001], when: "${score} >= 60" }
        references:
          - { name: Somebody, url: "https://example.org/" }
        variables:
          container: { type: string, external: true }
          score: { type: integer, value: 0 }
          rules: { type: string, value: none }
          way: { type: string, value: a, choices: [a, b] }
          sure: { type: bool, value: false }
          ratio: { type: float, value: 0.5 }
          fixed: { type: string, value: x, constant: true }
        agents:
          operator: { type: individual, name: Operator }
          lead: { type: individual, name: Lead }
          owners: { type: group, name: Owners }
        on_exception:
          - { id: tell, action: notify, with: { text: "failed on ${container}" } }
        steps:
          - { id: look, action: collect, with: { profile: volatile }, timeout: 2m, nist: [RS.AN-07], pci: [10.2.2], react: [RA_3101], d3fend: [D3-NI] }
          - { id: judge, action: triage, with: { rules: ["CIR-0*"] }, out: [score, rules], delay: 5ms }
          - id: decide
            manual: "Score ${score}. Which way?"
            ask: [way, sure]
            owner: lead
          - id: branch
            if: "${score} >= 60 AND NOT ${way} = 'b'"
            then:
              - id: isolate
                action: isolate
                with: { method: auto, log_drops: true, allow: ["192.0.2.1:22"] }
                evidence: nothing in the container changes
                approve: { quorum: 1, roles: [lead], expires: 15m, break_glass: true }
                rollback: automatic
                on_failure:
                  - { id: freeze, action: pause, with: { for_window: false } }
              - { id: proven, action: verify, with: { what: isolation }, on_failure: continue }
            else:
              - { id: nothing, manual: Nothing to do. }
          - id: both
            parallel:
              one:
                - { id: fs, action: collect, with: { profile: filesystem }, on_failure: continue }
              two:
                - { id: logs, action: collect, with: { profile: logs } }
          - id: again
            while: "${score} > 1000"
            max: 3
            do:
              - { id: more, action: collect, with: { profile: live } }
          - id: ways
            switch: "${way}"
            cases:
              a: [{ id: way-a, manual: a }]
              default: [{ id: way-other, manual: other, on_failure: "goto:way-last" }, { id: way-middle, manual: middle }, { id: way-last, manual: last }]
          - { id: other, call: triage-unknown, with: { container: "${container}" }, out: [score] }
          - id: stop
            action: stop
            evidence: destroys memory
            approve: { quorum: 2, roles: [lead, owners], exclude_operator: true, expires: 1h }
            rollback: none
          - { id: report, action: report, with: { formats: [md, html] } }
        """;

    /// <summary>Each broken at one place that a schema can see.</summary>
    public static IReadOnlyList<string> Broken { get; } =
    [
        .. new (string From, string To)[]
        {
            ("playbook: every-kind", "playbook: Every_Kind"),
            ("version: 1.0.0", "version: 1.0"),
            ("version: 1.0.0", "version: v1"),
            ("description: For tests.\n", ""),
            ("types: [investigation, mitigation]", "types: [investigatoin]"),
            ("types: [investigation, mitigation]", "types: [mitigation, mitigation]"),
            ("severity: 60", "severity: 101"),
            ("severity: 60", "severity: high"),
            ("tlp: TLP:AMBER", "tlp: TLP:BLUE"),
            ("labels: [test]", "labels: []"),
            ("labels: [test]", "label: [test]"),
            ("2026-01-02T03:04:05.678Z", "yesterday"),
            ("rules: [CIR-001]", "rules: [miner]"),
            ("{ name: Somebody, url", "{ url"),
            ("{ name: Somebody, url: \"https://example.org/\" }", "{ name: Somebody }"),
            ("score: { type: integer, value: 0 }", "score: { type: integer, value: none }"),
            ("score: { type: integer, value: 0 }", "score: { type: number }"),
            ("sure: { type: bool, value: false }", "sure: { type: bool, value: \"no\" }"),
            ("sure: { type: bool, value: false }", "sure: { type: bool, choices: [a] }"),
            ("  ratio:", "  1ratio:"),
            ("lead: { type: individual, name: Lead }", "lead: { type: person, name: Lead }"),
            ("lead: { type: individual, name: Lead }", "Lead: { type: individual, name: Lead }"),
            ("- { id: look, action: collect, with: { profile: volatile }", "- { id: look, action: colect, with: { profile: volatile }"),
            ("with: { profile: volatile }", "with: { profile: everything }"),
            ("with: { profile: volatile }", "with: { profil: volatile, profile: volatile }"),
            ("with: { profile: volatile }, timeout", "timeout"),
            ("timeout: 2m", "timeout: 2 minutes"),
            ("timeout: 2m", "timeout: 120"),
            ("nist: [RS.AN-07]", "nist: [RS-AN-07]"),
            ("pci: [10.2.2]", "pci: [\"10\"]"),
            ("react: [RA_3101]", "react: [3101]"),
            ("d3fend: [D3-NI]", "d3fend: [NI]"),
            ("delay: 5ms", "delay: none"),
            ("ask: [way, sure]", "ask: way"),
            ("    manual: \"Score ${score}. Which way?\"\n", "    manual: \"Score ${score}. Which way?\"\n    action: hold\n"),
            ("    manual: \"Score ${score}. Which way?\"\n", ""),
            ("    manual: \"Score ${score}. Which way?\"\n", "    manual: \"Score ${score}. Which way?\"\n    out: [way]\n"),
            ("log_drops: true", "log_drops: maybe"),
            ("allow: [\"192.0.2.1:22\"]", "allow: 192"),
            ("roles: [lead], expires: 15m", "expires: 15m"),
            ("quorum: 1, roles", "quorum: 0, roles"),
            ("break_glass: true", "break_glass: 1"),
            ("rollback: automatic", "rollback: always"),
            ("      - { id: proven, action: verify, with: { what: isolation }, on_failure: continue }", "      - { id: proven, action: verify, with: { what: isolation }, on_failure: ignore }"),
            ("    max: 3\n", ""),
            ("    max: 3\n", "    max: 100000\n"),
            ("switch: \"${way}\"", "switch: way"),
            ("      two:\n        - { id: logs, action: collect, with: { profile: logs } }\n", ""),
            ("    evidence: destroys memory\n", ""),
            ("    approve: { quorum: 2, roles: [lead, owners], exclude_operator: true, expires: 1h }\n", ""),
            ("formats: [md, html]", "formats: [md, docx]"),
            ("  - { id: other, call: triage-unknown, with: { container: \"${container}\" }", "  - { id: other, call: Triage, with: { container: \"${container}\" }"),
            ("- { id: nothing, manual: Nothing to do. }", "- { manual: Nothing to do. }"),
            ("- { id: nothing, manual: Nothing to do. }", "[]"),
        }.Select(change => EveryKind.Contains(change.From, StringComparison.Ordinal)
            ? EveryKind.Replace(change.From, change.To, StringComparison.Ordinal)
            : throw new InvalidOperationException("no such place: " + change.From)),
    ];
}
