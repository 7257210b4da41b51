using ContainerIR.Analyzers;
using ContainerIR.Analyzers.Sigma;
using Xunit;

namespace ContainerIR.Tests.Analyzers.Sigma;

/// <summary>Modifiers and conditions against what the specification says, written out by hand: key, value in YAML, value of the row, whether it matches.</summary>
public sealed class A_sigma_rule
{
    private static readonly Dictionary<string, IReadOnlyList<string>> Placeholders = new() { ["admins"] = ["alice", "bob"] };

    [Theory]
    // Plain: whole value, case-insensitive; wildcards and their escapes.
    [InlineData("Image", "/bin/sh", "/bin/sh", true)]
    [InlineData("Image", "/BIN/sh", "/bin/SH", true)]
    [InlineData("Image", "/bin/s", "/bin/sh", false)]
    [InlineData("Image", "'/bin/*'", "/bin/sh", true)]
    [InlineData("Image", "'*/sh'", "/bin/sh", true)]
    [InlineData("Image", "'/b*n/*h'", "/bin/sh", true)]
    [InlineData("Image", "'/b*n/*x*h'", "/bin/sh", false)]
    [InlineData("Image", "'/bin/s?'", "/bin/sh", true)]
    [InlineData("Image", "'/bin/sh?'", "/bin/sh", false)]
    [InlineData("Image", "'*ab*ab*'", "xabx", false)]
    [InlineData("Image", "'*a?c*'", "xxabcxx", true)]
    [InlineData("Image", @"'a\*b'", "a*b", true)]
    [InlineData("Image", @"'a\*b'", "axb", false)]
    [InlineData("Image", @"'a\\*b'", @"a\xxb", true)]
    [InlineData("Image", @"'a\\\*b'", @"a\*b", true)]
    [InlineData("Image", @"'a\b'", @"a\b", true)]
    [InlineData("Image", @"'a\\b'", @"a\b", true)]
    [InlineData("Image", "12", "12", true)]
    [InlineData("Image", "true", "true", true)]
    [InlineData("Image", "[a, b]", "b", true)]
    [InlineData("Image", "[a, b]", "c", false)]
    [InlineData("Image", "null", null, true)]
    [InlineData("Image", "null", "x", false)]
    [InlineData("Image", "''", null, true)]
    [InlineData("Image", "''", "x", false)]
    [InlineData("Image", "'null'", "null", true)]
    // Parts.
    [InlineData("Image|contains", "in/s", "/bin/sh", true)]
    [InlineData("Image|contains", "'in/?h'", "/bin/sh", true)]
    [InlineData("Image|contains", "xx", "/bin/sh", false)]
    [InlineData("Image|startswith", "/bin", "/bin/sh", true)]
    [InlineData("Image|startswith", "bin", "/bin/sh", false)]
    [InlineData("Image|endswith", "/SH", "/bin/sh", true)]
    [InlineData("Image|endswith", "/s", "/bin/sh", false)]
    [InlineData("Image|contains|all", "[bin, sh]", "/bin/sh", true)]
    [InlineData("Image|contains|all", "[bin, zz]", "/bin/sh", false)]
    [InlineData("Image|contains", "[zz, sh]", "/bin/sh", true)]
    [InlineData("Image|cased", "/bin/SH", "/bin/sh", false)]
    [InlineData("Image|contains|cased", "Bin", "/bin/sh", false)]
    [InlineData("Image|contains|cased", "bin", "/bin/sh", true)]
    [InlineData("Image|neq", "a", "b", true)]
    [InlineData("Image|neq", "a", "A", false)]
    [InlineData("Image|neq", "a", null, true)]
    [InlineData("Image|exists", "true", "x", true)]
    [InlineData("Image|exists", "true", null, false)]
    [InlineData("Image|exists", "false", null, true)]
    // Expressions: case-sensitive, anywhere.
    [InlineData("Image|re", "b[ia]n", "/bin/sh", true)]
    [InlineData("Image|re", "B[ia]n", "/bin/sh", false)]
    [InlineData("Image|re|i", "B[ia]n", "/bin/sh", true)]
    [InlineData("Image|re", "'^sh$'", "a\nsh\nb", false)]
    [InlineData("Image|re|m", "'^sh$'", "a\nsh\nb", true)]
    [InlineData("Image|re", "'a.b'", "a\nb", false)]
    [InlineData("Image|re|s", "'a.b'", "a\nb", true)]
    [InlineData("Image|re|i|m", "'^SH$'", "a\nsh\nb", true)]
    [InlineData("Image|re", "'(?!x)a(?=b)'", "ab", true)]
    [InlineData("Image|re", "'(a)\\1'", "aa", true)]
    [InlineData("Image|re|startswith", "a|b", "xb", false)]
    // Encodings: cGluZw== is "ping"; "ping" at offset 1 and 2 is BpbmdA, waW5n without its neighbours' bits.
    [InlineData("Image|base64", "ping", "cGluZw==", true)]
    [InlineData("Image|base64", "ping", "ping", false)]
    [InlineData("Image|base64offset|contains", "/bin/bash", "echo L2Jpbi9iYXNo", true)]
    [InlineData("Image|base64offset|contains", "/bin/bash", "IC9iaW4vYmFzaCA=", true)]
    [InlineData("Image|base64offset|contains", "/bin/bash", "ICAvYmluL2Jhc2ggIA==", true)]
    [InlineData("Image|base64offset|contains", "/bin/bash", "ICAgL2Jpbi9iYXNoICA=", true)]
    [InlineData("Image|base64offset|contains", "/bin/bash", "L2Jpbi9kYXNo", false)]
    [InlineData("Image|wide|base64", "hi", "aABpAA==", true)]
    [InlineData("Image|utf16le|base64", "hi", "aABpAA==", true)]
    [InlineData("Image|utf16be|base64", "hi", "AGgAaQ==", true)]
    [InlineData("Image|utf16|base64", "hi", "//5oAGkA", true)]
    [InlineData("Image|wide|base64offset|contains", "hi", "xxaABpAyy", true)]
    [InlineData("Image|wide", "hi", "h\0i\0", true)]
    // Numbers.
    [InlineData("Image|lt", "10", "9", true)]
    [InlineData("Image|lt", "10", "10", false)]
    [InlineData("Image|lte", "10", "10", true)]
    [InlineData("Image|gt", "10", "100", true)]
    [InlineData("Image|gt", "10", "9", false)]
    [InlineData("Image|gte", "-1", "-1", true)]
    [InlineData("Image|gte", "1", "many", false)]
    // Networks.
    [InlineData("Image|cidr", "10.0.0.0/8", "10.2.3.4", true)]
    [InlineData("Image|cidr", "10.0.0.0/8", "11.2.3.4", false)]
    [InlineData("Image|cidr", "10.0.0.0/8", "::ffff:10.2.3.4", true)]
    [InlineData("Image|cidr", "'fe80::/10'", "fe80::1", true)]
    [InlineData("Image|cidr", "['127.0.0.0/8', '::1/128']", "::1", true)]
    [InlineData("Image|cidr", "10.0.0.0/8", "no address", false)]
    // Placeholders, other fields, dashes.
    [InlineData("Image|expand", "'%admins%'", "bob", true)]
    [InlineData("Image|expand", "'%admins%'", "carol", false)]
    [InlineData("Image|contains|expand", "'/%admins%/'", "/home/alice/x", true)]
    [InlineData("Image|fieldref", "Other", "OTHER", true)]
    [InlineData("Image|fieldref|cased", "Other", "OTHER", false)]
    [InlineData("Image|fieldref|startswith", "Other", "other one", true)]
    [InlineData("Image|fieldref|endswith", "Other", "other one", false)]
    [InlineData("Image|fieldref|contains", "Other", "an other one", true)]
    [InlineData("Image|fieldref", "Missing", "other", false)]
    [InlineData("Image|windash|contains", "' -a'", "x /a", true)]
    [InlineData("Image|windash|contains", "' -a'", "x \u2013a", true)]
    [InlineData("Image|windash|contains", "' -a'", "x +a", false)]
    [InlineData("Image|windash|contains", "'a-b'", "a/b", false)]
    [InlineData("Image|contains|windash", "'/param-name'", "-param-name", true)]
    // Parts of an instant.
    [InlineData("Image|hour", "3", "2026-11-23T03:14:15Z", true)]
    [InlineData("Image|minute", "14", "2026-11-23T03:14:15.123456789Z", true)]
    [InlineData("Image|day", "23", "2026-11-23T03:14:15Z", true)]
    [InlineData("Image|week", "48", "2026-11-23T03:14:15Z", true)]
    [InlineData("Image|month|gte", "11", "2026-11-23T03:14:15Z", true)]
    [InlineData("Image|year|lt", "2026", "2026-11-23T03:14:15Z", false)]
    [InlineData("Image|year", "1970", "86400", true)]
    [InlineData("Image|hour", "3", "noon", false)]
    public void Matches_as_the_specification_says(string key, string value, string? there, bool isMatch)
    {
        SigmaRow row = new([SigmaFields.Process], new FindingPlace("x"));
        row.Add("Other", "other");
        row.Add("Image", there);
        Assert.Equal(isMatch, Rule($"    sel:\n      {key}: {value}\n    condition: sel").Condition.Holds(row));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("no", false)]
    [InlineData("not no", true)]
    [InlineData("not not a", true)]
    [InlineData("a and b", true)]
    [InlineData("a and no", false)]
    [InlineData("a or no", true)]
    [InlineData("no or a and no", false)]
    [InlineData("(no or a) and b", true)]
    [InlineData("not (a and no)", true)]
    [InlineData("not no and a", true)]
    [InlineData("a AND NOT no", true)]
    [InlineData("1 of x*", true)]
    [InlineData("all of x*", false)]
    [InlineData("2 of x*", false)]
    [InlineData("2 of them", true)]
    [InlineData("any of x*", true)]
    [InlineData("all of a*", true)]
    [InlineData("1 of them", true)]
    [InlineData("all of them", false)]
    [InlineData("not 1 of n*", true)]
    [InlineData("1 of _*", true)]
    [InlineData("a and not (1 of x* and no)", true)]
    [InlineData("words", true)]
    [InlineData("allwords", true)]
    [InlineData("nowords", false)]
    [InlineData("maps", true)]
    [InlineData("nomaps", false)]
    public void Combines_selections(string condition, bool isMatch)
    {
        SigmaRow row = new([SigmaFields.Process], new FindingPlace("x"));
        row.Add("Image", "/bin/sh");
        row.Add("CommandLine", "sh -c id");
        const string detection = """
                a: { Image: /bin/sh }
                b: { Image|endswith: sh, CommandLine|contains: id }
                no: { Image: nothing }
                x1: { Image: /bin/sh }
                x2: { Image: nothing }
                _hidden: { Image: /bin/sh }
                words: [ '-c id', zzz ]
                allwords: { '|all': [ bin, id ] }
                nowords: [ zzz ]
                maps: [ { Image: nothing }, { CommandLine|startswith: sh } ]
                nomaps: [ { Image: nothing }, { Image: /bin/sh, CommandLine: nothing } ]

            """;
        Assert.Equal(isMatch, Rule($"{detection}    condition: {condition}").Condition.Holds(row));
    }

    [Fact]
    public void Holds_if_one_of_several_conditions_does()
    {
        SigmaRow row = new([SigmaFields.Process], new FindingPlace("x"));
        row.Add("Image", "b");
        Assert.True(Rule("    a: { Image: a }\n    b: { Image: b }\n    condition: [ a, b ]").Condition.Holds(row));
    }

    [Theory]
    [InlineData("    sel: { Image|sounds_like: x }\n    condition: sel", "modifier sounds_like")]
    [InlineData("    sel: { Image|i: x }\n    condition: sel", "modifier i ")]
    [InlineData("    sel: { Image|re: '(' }\n    condition: sel", "Image|re")]
    [InlineData("    sel: { Image|cidr: 10.0.0.0/99 }\n    condition: sel", "is no network")]
    [InlineData("    sel: { Image|lt: many }\n    condition: sel", "is no number")]
    [InlineData("    sel: { Image|re|cidr: x }\n    condition: sel", "do not go together")]
    [InlineData("    sel: { Image|base64|re: x }\n    condition: sel", "do not go together")]
    [InlineData("    sel: { Image|contains: null }\n    condition: sel", "null has no modifiers")]
    [InlineData("    sel: { Image|exists: maybe }\n    condition: sel", "true or false")]
    [InlineData("    sel: { Image|expand: '%unknown%' }\n    condition: sel", "placeholder unknown has no values")]
    [InlineData("    sel: { Image|base64: 'a*' }\n    condition: sel", "wildcards cannot be encoded")]
    [InlineData("    sel: { Image: { a: b } }\n    condition: sel", "a value must be text")]
    [InlineData("    sel: { Image: [] }\n    condition: sel", "has no values")]
    [InlineData("    sel: {}\n    condition: sel", "no content")]
    [InlineData("    sel: { Image: x }", "no condition")]
    [InlineData("    sel: { Image: x }\n    condition: other", "names other")]
    [InlineData("    sel: { Image: x }\n    condition: sel and", "a name is missing")]
    [InlineData("    sel: { Image: x }\n    condition: (sel", "not closed")]
    [InlineData("    sel: { Image: x }\n    condition: sel)", "goes on")]
    [InlineData("    sel: { Image: x }\n    condition: sel sel", "goes on")]
    [InlineData("    sel: { Image: x }\n    condition: 1 of y*", "names nothing")]
    [InlineData("    sel: { Image: x }\n    condition: most of them", "'most of' is not supported")]
    [InlineData("    sel: { Image: x }\n    condition: 1 of", "nothing after")]
    [InlineData("    sel: { Image: x }\n    condition: sel | count() > 5", "aggregation")]
    [InlineData("    sel: { Image: x }\n    timeframe: 5m\n    condition: sel", "timeframe")]
    [InlineData("    sel: &a { Image: x }\n    condition: sel", "anchors are not taken")]
    [InlineData("    sel: { Image: x, Image: y }\n    condition: sel", "Image")]
    public void Is_named_with_the_reason_when_it_cannot_be_run(string detection, string reason)
    {
        SigmaOutcome outcome = Assert.Single(Read(Text(detection)));
        Assert.Null(outcome.Rule);
        Assert.Contains(reason, outcome.Reason, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("title: x\nlogsource: { product: windows, category: process_creation }\ndetection: { a: [b], condition: a }", "product windows")]
    [InlineData("title: x\nlogsource: { product: linux, service: auditd }\ndetection: { a: [b], condition: a }", "service auditd")]
    [InlineData("title: x\ncorrelation: { type: event_count }", "correlation")]
    [InlineData("title: x\nstatus: unsupported\nlogsource: { product: linux, category: process_creation }\ndetection: { a: [b], condition: a }", "unsupported")]
    [InlineData("title: x\nlevel: awful\nlogsource: { product: linux, category: process_creation }\ndetection: { a: [b], condition: a }", "awful")]
    [InlineData("logsource: { product: linux, category: process_creation }\ndetection: { a: [b], condition: a }", "no title")]
    [InlineData("title: x\nlogsource: { product: linux, category: process_creation }", "no detection")]
    [InlineData("[1, 2]", "not a map")]
    [InlineData("", "no rule")]
    [InlineData("a: [", "line ")]
    public void Is_named_when_it_is_of_another_kind_or_broken(string text, string reason)
    {
        SigmaOutcome outcome = Assert.Single(Read(text));
        Assert.Null(outcome.Rule);
        Assert.Contains(reason, outcome.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_refused_when_nested_without_end()
    {
        Assert.Contains("levels", Assert.Single(Read(new string('[', 100_000))).Reason, StringComparison.Ordinal);
        string condition = new string('(', 100) + "sel" + new string(')', 100);
        Assert.Contains("parentheses", Assert.Single(Read(Text($"    sel: [x]\n    condition: {condition}"))).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_fields_that_rows_do_not_have_and_runs_all_the_same()
    {
        SigmaRule rule = Rule("    sel: { OriginalFileName: x }\n    condition: sel");
        Assert.Contains("OriginalFileName", Assert.Single(rule.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Takes_its_meaning_from_the_file()
    {
        Rule meaning = Rule("    sel: [x]\n    condition: sel", "id: 0b5a7f3e-0000-4000-8000-000000000001\nlevel: high\ntags: [attack.execution, attack.t1059.004]\ndescription: d\nfalsepositives: [a, b]\n").Meaning;
        Assert.Equal(("0b5a7f3e-0000-4000-8000-000000000001", "Some rule", Severity.High, "d", "a; b"), (meaning.Id, meaning.Title, meaning.Severity, meaning.Why, meaning.FalsePositives));
        Assert.Equal(["T1059.004"], meaning.Techniques);
    }

    private static SigmaRule Rule(string detection, string head = "")
    {
        SigmaOutcome outcome = Assert.Single(Read(Text(detection, head)));
        Assert.Null(outcome.Reason);
        return outcome.Rule!;
    }

    private static IEnumerable<SigmaOutcome> Read(string text) => new SigmaRuleReader(Placeholders, _ => null).Read("some.yml", text);

    private static string Text(string detection, string head = "") =>
        $"title: Some rule\n{head}logsource:\n    product: linux\n    category: process_creation\ndetection:\n{detection}\n";
}
