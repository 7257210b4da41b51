using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContainerIR.Playbooks;
using ContainerIR.Yaml;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Playbooks;

/// <summary>The authoring form: every fault at once, with its place.</summary>
public sealed class A_playbook_file
{
    private static readonly SomeActions Actions = new();

    [Fact]
    public void Names_every_fault_at_once_with_line_and_column()
    {
        const string Text = """
            playbook: Bad Slug
            name: x
            version: 1.0
            description: y
            severity: 200
            surprise: 1
            variables:
              n: { type: integer, value: "7" }
            steps:
              - id: a
                action: isolat
              - id: b
                action: collect
                with: { profile: memroy, depth: 3 }
              - id: c
                action: stop
              - id: d
                manual: hello
                timeout: soon
                tiemout: 3s
              - id: e
                while: "x"
                do: []
            """;

        string[] faults = [.. PlaybookLoader.Load(Text, Actions.All).Faults.Select(fault => fault.At("f"))];

        Assert.Collection(
            faults,
            fault => Assert.StartsWith("f:1:11: 'playbook' is 'Bad Slug'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:3:10: 'version' must be text: write \"1.0\" in quotes", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:5:11: 'severity' must be a whole number", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:6:1: a playbook has no key 'surprise'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:8:30: 'value' must be of type integer", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:11:13: there is no action 'isolat'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:14:22: 'profile' must be one of", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:14:30: collect has no parameter 'depth'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:15:5: 'stop' destroys evidence: it needs 'approve'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:15:5: 'stop' destroys evidence: it needs 'evidence'", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:19:14: 'timeout' must be a span of time", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:20:5: a step with 'manual' has no key 'tiemout' (is 'timeout' meant?)", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:21:5: 'max' is missing", fault, StringComparison.Ordinal),
            fault => Assert.StartsWith("f:23:9: 'do' must be a list of at least 1 step", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("- { id: a, manual: x }\n- { id: a, manual: y }", "the id 'a' stands at another step too")]
    [InlineData("- { id: a, manual: 'see ${nope}' }", "there is no variable 'nope'")]
    [InlineData("- { id: a, manual: 'see ${no pe}' }", "is no use of a variable")]
    [InlineData("- { id: a, manual: x, on_failure: 'goto:a' }", "must lead to a later step")]
    [InlineData("- { id: a, manual: x, owner: nobody }", "there is no agent 'nobody'")]
    [InlineData("- { id: a, manual: x, ask: [container] }", "is given by the caller")]
    [InlineData("- { id: a, if: \"${n} ~ 3\", then: [{ id: b, manual: x }] }", "is no condition")]
    [InlineData("- { id: a, if: \"${m} = 3\", then: [{ id: b, manual: x }] }", "asks for 'm'")]
    [InlineData("- { id: a, call: some-playbook }", "does not call itself")]
    [InlineData("- { id: a, action: stop, evidence: all, approve: { quorum: 2, roles: [lead] } }", "is one individual, and 2 must approve")]
    [InlineData("- { id: a, parallel: { x: [{ id: b, action: pause }], y: [{ id: c, action: isolate }] } }", "two branches change the container at once")]
    public void Names_what_no_single_line_shows(string steps, string expected)
    {
        string text = Head + string.Join('\n', steps.Split('\n').Select(line => "  " + line));

        Assert.Contains(expected, Assert.Single(PlaybookLoader.Load(text, Actions.All).Faults).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: &x [1]\nb: *x", "aliases")]
    [InlineData("a: !!python/object x", "tags")]
    [InlineData("a: 1\na: 2", "a second time")]
    [InlineData("--- \na: 1\n---\nb: 2", "one document")]
    [InlineData("a: [1, 2", "this is no YAML")]
    [InlineData("", "the file is empty")]
    public void Refuses_what_YAML_can_do_beyond_plain_trees(string text, string expected) =>
        Assert.Contains(PlaybookLoader.Load(text, Actions.All).Faults, fault => fault.Problem.Contains(expected, StringComparison.Ordinal) && fault.Line > 0);

    [Fact]
    public void Is_limited_in_depth_nodes_and_size()
    {
        Assert.Contains("nested deeper", Only(new string('[', 200) + new string(']', 200)), StringComparison.Ordinal);
        Assert.Contains("more than 100000 nodes", Only("a: [" + string.Join(',', Enumerable.Repeat("1", 110_000)) + "]"), StringComparison.Ordinal);
        Assert.Contains("at most 1000000", Only(new string('a', YamlReader.MaxCharacters + 1)), StringComparison.Ordinal);

        static string Only(string text) => Assert.Single(PlaybookLoader.Load(text, Actions.All).Faults).Problem;
    }

    [Fact]
    public void Compiles_to_the_same_bytes_each_time()
    {
        Playbook once = Compile(SomePlaybook.EveryKind), again = Compile(SomePlaybook.EveryKind);

        Assert.Equal(once.Canonical, again.Canonical);
        Assert.Equal(64, once.Sha256.Length);
        Assert.NotEqual(once.Sha256, Compile(SomePlaybook.EveryKind.Replace("1.0.0", "1.0.1", StringComparison.Ordinal)).Sha256);
    }

    [Fact]
    public void Compiles_to_CACAO_that_reads_back_as_the_same_playbook()
    {
        Playbook compiled = Compile(SomePlaybook.EveryKind);

        (Playbook? read, IReadOnlyList<PlaybookFault> faults) = CacaoReader.Read(compiled.Canonical, Actions.All);

        Assert.Empty(faults);
        Assert.False(read!.IsForeign);
        Assert.Equal(compiled.Sha256, read.Sha256);
        Assert.Equal(compiled.Steps.Keys.Order(), read.Steps.Keys.Order());
    }

    [Fact]
    public void Compiles_to_an_object_that_keeps_the_rules_of_CACAO()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "p.json");
        File.WriteAllBytes(path, Compile(SomePlaybook.EveryKind).Canonical);

        RealEngine.Run("/usr/bin/python3", Path.Combine(Repository.Root, "tests", "programs", "cacao.py"), path);
    }

    internal static Playbook Compile(string yaml)
    {
        (AuthoredPlaybook? authored, IReadOnlyList<PlaybookFault> faults) = PlaybookLoader.Load(yaml, Actions.All);
        Assert.Empty(faults.Select(fault => fault.At("playbook")));
        return CacaoReader.OfCompiled(PlaybookCompiler.Compile(authored!), Actions.All);
    }

    internal const string Head = """
        playbook: some-playbook
        name: Some playbook
        version: 1.0.0
        description: For a test.
        variables:
          container: { type: string, external: true }
          n: { type: integer, value: 0 }
        agents:
          lead: { type: individual, name: Lead }
          owners: { type: group, name: Owners }
        steps:

        """;
}

/// <summary>schemas/playbook.schema.json, the editors' contract.</summary>
public sealed class The_schema_of_playbooks : IDisposable
{
    private static readonly SomeActions Actions = new();
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string File = Path.Combine(Repository.Root, "schemas", "playbook.schema.json");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Says_what_the_list_of_actions_says()
    {
        string expected = PlaybookSchema.Of(Actions.All).ToJsonString(Readable) + "\n";
        if (Environment.GetEnvironmentVariable("CIR_APPROVE") == "1")
        {
            System.IO.File.WriteAllText(File, expected);
        }

        Assert.Equal(expected, System.IO.File.ReadAllText(File));
    }

    /// <summary>Each valid and each broken sample is judged alike by the loader and by a validator that is not ours (python3-jsonschema).</summary>
    [Fact]
    public void Judges_every_sample_as_the_loader_does()
    {
        List<(string Name, string Yaml)> samples =
        [
            ("every-kind", SomePlaybook.EveryKind),
            .. PlaybookLibrary.Shipped.Select(slug => (slug, PlaybookLibrary.ShippedText(slug))),
            .. SomePlaybook.Broken.Select((yaml, i) => ($"broken-{i}", yaml)),
        ];
        Dictionary<string, bool> loaded = [];
        foreach ((string name, string yaml) in samples)
        {
            loaded[name] = PlaybookLoader.Load(yaml, Actions.All).Faults.Count == 0;
            System.IO.File.WriteAllText(Path.Combine(folder.Path, name + ".json"), ToJson(YamlReader.Read(yaml, []))!.ToJsonString());
        }

        string[] refused = RealEngine.Run("/usr/bin/python3", [Path.Combine(Repository.Root, "tests", "programs", "draft7.py"), File, .. samples.Select(sample => Path.Combine(folder.Path, sample.Name + ".json"))])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(loaded.Where(sample => !sample.Value).Select(sample => sample.Key).Order(), refused.Order());
        Assert.Equal(SomePlaybook.Broken.Count, refused.Length);
    }

    private static JsonNode? ToJson(YamlNode? node) => node switch
    {
        YamlMap map => new JsonObject(map.Entries.Select(entry => KeyValuePair.Create(entry.Key.Text, ToJson(entry.Value)))),
        YamlList list => new JsonArray([.. list.Items.Select(ToJson)]),
        YamlScalar { Kind: ScalarKind.Text } text => JsonValue.Create(text.Text),
        YamlScalar { Kind: ScalarKind.Null } or null => null,
        YamlScalar scalar => JsonNode.Parse(scalar.Text.ToLowerInvariant()),
        _ => null,
    };
}

/// <summary>RFC 8785.</summary>
public sealed class Canonical_JSON
{
    [Theory]
    [InlineData("""{"b":1,"a":[true,null,"x"]}""", """{"a":[true,null,"x"],"b":1}""")]
    [InlineData("""[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,-0.0,1e21,123456789012345680000,0.000001,1e-7]""",
        """[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1e+21,123456789012345680000,0.000001,1e-7]""")]
    [InlineData("""{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}""", "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\ud83d\ude00\":5,\"\ufb33\":3}")]
    [InlineData("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"", "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")]
    public void Has_one_form_for_one_document(string given, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Write(JsonNode.Parse(given))));
}
