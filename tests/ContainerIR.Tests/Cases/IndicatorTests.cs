using System.Text;
using ContainerIR.Analyzers;
using ContainerIR.Cases;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Tests.Bundles;
using Xunit;

namespace ContainerIR.Tests.Cases;

/// <summary>A list of indicators.</summary>
public sealed class A_list_of_indicators
{
    [Fact]
    public void Has_one_a_line_and_names_what_it_does_not_understand()
    {
        Indicators read = Indicators.ReadLines(
            "# from the sharing group\n203.0.113.9\r\n203[.]0[.]113[.]9:4444  # c2\n\n[2001:db8::1]:443\nd41d8cd98f00b204e9800998ecf8427e\n/tmp/.x11\nevil.example.\nnot an indicator\n999.1.1.1\nabc\n");

        Assert.Equal(
            ["line 2: 203.0.113.9", "line 3: 203[.]0[.]113[.]9:4444", "line 5: [2001:db8::1]:443", "line 6: d41d8cd98f00b204e9800998ecf8427e", "line 7: /tmp/.x11", "line 8: evil.example."],
            read.All.Select(each => each.Name));
        Assert.Equal(["line 9", "line 10", "line 11"], read.NotUnderstood.Select(each => each.Split(':')[0]));
        Assert.Equal(
            ["address 203.0.113.9", "address 203.0.113.9:4444", "address [2001:db8::1]:443", "hash d41d8cd98f00b204e9800998ecf8427e", "path /tmp/.x11", "domain evil.example"],
            read.All.Select(each => each.Queries[0].Asked));
    }

    [Theory]
    [InlineData("[ipv4-addr:value = '203.0.113.9']", "address 203.0.113.9")]
    [InlineData("[ipv4-addr:value = '203.0.113.9/32' OR ipv6-addr:value='2001:db8::1']", "address 203.0.113.9|address 2001:db8::1")]
    [InlineData("[file:hashes.'SHA-256' = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']", "hash aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("[file:hashes.MD5 IN ('d41d8cd98f00b204e9800998ecf8427e', 'd41d8cd98f00b204e9800998ecf8427f')]", "hash d41d8cd98f00b204e9800998ecf8427e|hash d41d8cd98f00b204e9800998ecf8427f")]
    [InlineData("[domain-name:value = 'evil.example'] OR [url:value = 'http://evil.example/a']", "domain evil.example|text http://evil.example/a")]
    [InlineData("[file:name = 'nc']", "regex (^|/)nc$")]
    [InlineData("[file:name LIKE 'kworker%']", "regex (^|/)kworker.*$")]
    [InlineData("[process:command_line MATCHES '^sh -c .*curl']", "regex ^sh -c .*curl")]
    [InlineData(@"[process:command_line = 'it\'s a \\']", "whole text it's a \\\\")]
    public void Takes_simple_comparisons_of_STIX(string pattern, string asked) =>
        Assert.Equal(asked, string.Join('|', StixPattern.Parse(pattern).Select(query => query.Asked)));

    [Theory]
    [InlineData("[ipv4-addr:value = '203.0.113.9' AND file:name = 'x']")]
    [InlineData("[ipv4-addr:value = '203.0.113.9'] FOLLOWEDBY [file:name = 'x']")]
    [InlineData("[ipv4-addr:value = '203.0.113.0/24']")]
    [InlineData("[file:size > 25]")]
    [InlineData("[file:name != 'x']")]
    [InlineData("[windows-registry-key:key = 'x']")]
    [InlineData("[ipv4-addr:value = '203.0.113.9'] WITHIN 5 SECONDS")]
    [InlineData("[file:name NOT = 'x']")]
    [InlineData("[file:name = 'x'")]
    [InlineData("")]
    public void Refuses_what_asks_for_more(string pattern) => Assert.Throws<FormatException>(() => StixPattern.Parse(pattern));

    [Fact]
    public void Of_STIX_names_what_it_does_not_understand()
    {
        Indicators read = StixIndicators.Read(Encoding.UTF8.GetBytes("""
            {"type":"bundle","id":"bundle--1","objects":[
              {"type":"identity","id":"identity--1"},
              {"type":"indicator","id":"indicator--1","name":"beacon","pattern_type":"stix","pattern":"[ipv4-addr:value = '203.0.113.9']"},
              {"type":"indicator","id":"indicator--2","pattern_type":"yara","pattern":"rule x {}"},
              {"type":"indicator","id":"indicator--3","pattern_type":"stix","pattern":"[a:b = 'c' AND d:e = 'f']"},
              {"type":"indicator","id":"indicator--4","pattern_type":"stix","pattern":"[file:hashes.MD5 = 'zz']"}]}
            """));

        Assert.Equal(["indicator--1 beacon"], read.All.Select(each => each.Name));
        Assert.Equal(["indicator--2", "indicator--3", "indicator--4"], read.NotUnderstood.Select(each => each.Split(':')[0]));
    }

    [Fact]
    public async Task Is_held_against_a_case()
    {
        using TemporaryFolder folder = new();
        using CaseStore store = CaseStore.Create(new CaseHome(folder.Path), "IR-7", new CaseFacts(null, null), TimeProvider.System);
        SealedBundle bundle = await SomeIndexedBundle.MakeAsync(store.BundlesFolder);
        await CaseIndexer.IndexAsync(store, bundle.Path, CaseFindings.Judge, CancellationToken.None);
        string list = Path.Combine(folder.Path, "iocs.txt");
        File.WriteAllText(list, "203.0.113.9\n198.51.100.1\n/srv/audit.log\n");
        using CaseSearch search = new(store);

        Indicators read = Indicators.Read(list);

        Assert.Equal(
            ["line 1: 203.0.113.9", "line 3: /srv/audit.log"],
            read.All.Where(each => each.Queries.Any(query => search.Find(query, CancellationToken.None).Any())).Select(each => each.Name));
        Assert.Throws<OperatorException>(() => Indicators.Read(Path.Combine(folder.Path, "none.txt")));
    }
}
