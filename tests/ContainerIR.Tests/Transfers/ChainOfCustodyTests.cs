using System.Text.Json;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Transfers;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Some;
using ContainerIR.Tests.Time;
using Xunit;

namespace ContainerIR.Tests.Transfers;

/// <summary>From the seal to the laboratory and back, by the command line; each step verified by both verifiers.</summary>
public sealed class A_chain_of_custody : IDisposable
{
    private const string Rita = "Rita Responder";
    private const string Lea = "Lea Lab";
    private const string Carl = "Carl Court";

    private readonly SomeCustody custody = new();

    public void Dispose() => custody.Dispose();

    [Fact]
    public async Task Goes_from_the_seal_over_time_witness_handover_and_receipt_to_the_next_hands()
    {
        using Bundles.TemporaryFolder folder = new();
        TimestampKeys keys = new(folder);
        await using LoopbackAuthority authority = LoopbackAuthority.Honest(keys);
        string bundle = await custody.BundleAsync(Rita);
        await custody.VerifyAsync(bundle, "VERIFIED");

        await custody.Terminal.RunAsync("bundle", "timestamp", bundle, "--tsa", authority.Url);
        await custody.VerifyAsync(bundle, "VERIFIED", "--tsa-ca", keys.CaPath);

        Assert.Contains("seal/0002-witness.p7s", await custody.AsAsync("Wim Witness", 0, "bundle", "sign", bundle, "--tsa", authority.Url), StringComparison.Ordinal);
        await custody.VerifyAsync(bundle, "VERIFIED", "--tsa-ca", keys.CaPath);

        await custody.HandOverAsync(bundle, Rita, Lea, "--tsa", authority.Url);
        await custody.VerifyAsync(bundle, "VERIFIED", "--tsa-ca", keys.CaPath);
        OpensslAccepts(bundle, "custody-0001.json.giver.p7s", "custody-0001.json");

        string receipt = await custody.AsAsync(Lea, 0, "receive", bundle, "--tsa", authority.Url);
        Assert.Contains("RECEIPT FOR EVIDENCE", receipt, StringComparison.Ordinal);
        Assert.Contains(SomeCustody.IdentityOf(Lea).CertificateSha256, receipt, StringComparison.Ordinal);
        Assert.Contains(RealEngine.Run("sha256sum", Path.Combine(bundle, "seal/custody-0001.json"))[..64], receipt, StringComparison.Ordinal);
        await custody.VerifyAsync(bundle, "VERIFIED", "--tsa-ca", keys.CaPath);
        OpensslAccepts(bundle, "custody-0001.json.receiver.p7s", "custody-0001.json");
        foreach (string signature in (string[])["0001-responder", "0002-witness", "custody-0001.json.giver", "custody-0001.json.receiver"])
        {
            RealEngine.Run("sh", "-c", $"cd '{bundle}/seal' && openssl ts -verify -data {signature}.p7s -in {signature}.p7s.tsr -CAfile '{keys.CaPath}'");
        }

        await custody.HandOverAsync(bundle, Lea, Carl);
        await custody.AsAsync(Carl, 0, "receive", bundle);
        await custody.VerifyAsync(bundle, "VERIFIED");

        string table = await custody.AsAsync(Carl, 0, "custody", bundle);
        Assert.Matches("sealed.*CN=Rita Responder", table);
        Assert.Matches("witnessed.*CN=Wim Witness", table);
        Assert.Matches("1 .*given.*Rita Responder.*Lea Lab.*malware analysis.*S/N 4711", table);
        Assert.Matches("2 .*received.*CN=Carl Court", table);
    }

    [Fact]
    public async Task Is_one_json_document_with_every_transfer()
    {
        string bundle = await custody.BundleAsync(Rita);
        using JsonDocument handover = JsonDocument.Parse(await custody.HandOverAsync(bundle, Rita, "Läb \u202egpj.exe", "--json"));
        Assert.Equal("seal/custody-0001.json", handover.RootElement.GetProperty("record").GetString());
        using JsonDocument open = JsonDocument.Parse(await custody.AsAsync(Rita, 0, "custody", bundle, "--json"));
        Assert.False(open.RootElement.GetProperty("transfers")[0].TryGetProperty("receiver", out _));
        using JsonDocument receipt = JsonDocument.Parse(await custody.AsAsync(Lea, 0, "receive", bundle, "--json"));
        Assert.Equal(Lea, receipt.RootElement.GetProperty("received_by").GetString());

        using JsonDocument chain = JsonDocument.Parse(await custody.AsAsync(Rita, 0, "custody", bundle, "--certify", "--json"));

        JsonElement transfer = chain.RootElement.GetProperty("transfers")[0];
        Assert.Equal(handover.RootElement.GetProperty("record_sha256").GetString(), transfer.GetProperty("record_sha256").GetString());
        Assert.Equal(@"Läb \u{202e}gpj.exe", transfer.GetProperty("to").GetString());
        Assert.Equal("CN=Lea Lab", transfer.GetProperty("receiver").GetProperty("subject").GetString());
        Assert.DoesNotContain('\u202e', custody.Terminal.Out + await custody.AsAsync(Rita, 0, "custody", bundle));
    }

    [Fact]
    public async Task Certifies_with_the_digests_of_the_bundle()
    {
        string bundle = await custody.BundleAsync(Rita);
        await custody.HandOverAsync(bundle, Rita, Lea);

        string text = await custody.AsAsync(Rita, 0, "custody", bundle, "--certify");

        Assert.Contains("902(13)", text, StringComparison.Ordinal);
        foreach (string file in (string[])["tagmanifest-sha256.txt", "manifest-sha256.txt", "custody.json", "journal.jsonl"])
        {
            Assert.Contains(RealEngine.Run("sha256sum", Path.Combine(bundle, file))[..64], text, StringComparison.Ordinal);
        }

        Assert.Contains("not countersigned", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_back_a_bundle_nobody_received_and_gives_it_to_another()
    {
        string bundle = await custody.BundleAsync(Rita);
        await SomeCustody.GiveAsync(bundle, Rita, Lea);
        await SomeCustody.GiveAsync(bundle, Rita, Carl);
        await SomeCustody.TakeAsync(bundle, Carl);
        await custody.VerifyAsync(bundle, "VERIFIED");
    }

    [Fact]
    public async Task Is_not_prolonged_by_who_does_not_hold_the_bundle()
    {
        string bundle = await custody.BundleAsync(Rita);
        await custody.AsAsync(Lea, 2, "handover", bundle, "--to", "X", "--purpose", "p", "--method", "m");
        Assert.Contains("does not hold the bundle", custody.Terminal.Error, StringComparison.Ordinal);
        await custody.AsAsync(Lea, 2, "receive", bundle);
        await custody.HandOverAsync(bundle, Rita, Lea, "--to-certificate", SomeCustody.IdentityOf(Lea).CertificateSha256);
        await custody.AsAsync(Carl, 2, "receive", bundle);
        await custody.AsAsync(Rita, 2, "receive", bundle);
        await custody.AsAsync(Lea, 0, "receive", bundle);
        await custody.AsAsync(Lea, 2, "receive", bundle);
        await custody.AsAsync(Rita, 2, "handover", bundle, "--to", "X", "--purpose", "p", "--method", "m");
        await custody.VerifyAsync(bundle, "VERIFIED");
    }

    [Theory]
    [InlineData("--to", "")]
    [InlineData("--purpose", "two\nlines")]
    [InlineData("--to-certificate", "abc")]
    public async Task Wants_words_that_say_something(string option, string value)
    {
        string bundle = await custody.BundleAsync(Rita);
        string[] words = ["--to", "X", "--purpose", "p", "--method", "m", "--to-certificate", new string('a', 64)];
        words[Array.IndexOf(words, option) + 1] = value;

        await custody.AsAsync(Rita, 2, ["handover", bundle, .. words]);

        Assert.False(Directory.EnumerateFiles(Path.Combine(bundle, "seal"), "custody-*").Any());
    }

    [Fact]
    public async Task Is_neither_begun_nor_countersigned_over_a_tampered_bundle()
    {
        string bundle = await custody.BundleAsync(Rita);
        string item = Path.Combine(bundle, "data/0001-host/uname.txt");
        byte[] good = await File.ReadAllBytesAsync(item);
        await File.WriteAllTextAsync(item, "Linux host 6.2\n");
        await custody.AsAsync(Rita, 3, "handover", bundle, "--to", "X", "--purpose", "p", "--method", "m");
        await custody.AsAsync("Wim Witness", 3, "bundle", "sign", bundle);
        await File.WriteAllBytesAsync(item, good);
        await custody.HandOverAsync(bundle, Rita, Lea);
        await File.WriteAllTextAsync(item, "Linux host 6.2\n");

        Assert.Contains("FAIL  payload", await custody.AsAsync(Lea, 3, "receive", bundle), StringComparison.Ordinal);

        Assert.Equal(["custody-0001.json", "custody-0001.json.giver.p7s"], Directory.EnumerateFiles(Path.Combine(bundle, "seal"), "custody-*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("sed -i 's/malware analysis/shredding/' custody-0001.json")]
    [InlineData("printf ' ' >> custody-0001.json")]
    [InlineData("sed -i 's/  \"number\": 1,/  \"number\": 1,\\n  \"number\": 1,/' custody-0001.json")]
    [InlineData("cp custody-0001.json.receiver.p7s custody-0001.json.giver.p7s")]
    [InlineData("cp custody-0002.json.receiver.p7s custody-0001.json.receiver.p7s")]
    [InlineData("rm custody-0001.json.giver.p7s")]
    [InlineData("rm custody-0001.json.receiver.p7s")]
    [InlineData("rm custody-0001.json*")]
    [InlineData("rm custody-0001.json")]
    [InlineData("rm custody-0002.json.giver.p7s")]
    [InlineData("rm 0002-witness.p7s; cp good-certs.pem certs.pem; rm good-certs.pem")]
    [InlineData("for f in custody-0002.json*; do mv $f $(printf %s $f | sed s/0002/0003/); done")]
    [InlineData("cp custody-0001.json custody-0003.json; cp custody-0001.json.giver.p7s custody-0003.json.giver.p7s")]
    public async Task Is_broken_by(string damage)
    {
        string bundle = await custody.BundleAsync(Rita);
        byte[] certificates = await File.ReadAllBytesAsync(Path.Combine(bundle, "seal/certs.pem"));
        await WitnessSignature.AddAsync(bundle, SomeCustody.IdentityOf("Wim Witness"), null, new VerifyOptions(), TimeProvider.System, CancellationToken.None);
        await SomeCustody.GiveAsync(bundle, Rita, Lea);
        await SomeCustody.TakeAsync(bundle, Lea);
        await SomeCustody.GiveAsync(bundle, Lea, Carl);
        await SomeCustody.TakeAsync(bundle, Carl);
        await File.WriteAllBytesAsync(Path.Combine(bundle, "seal/good-certs.pem"), certificates);

        RealEngine.Run("sh", "-c", $"cd '{bundle}/seal' && {damage}; rm -f good-certs.pem");

        await custody.VerifyAsync(bundle, "TAMPERED");
    }

    [Theory]
    [InlineData("prev", "not linked to the record before it")]
    [InlineData("root", "for another bundle")]
    [InlineData("giver", "the record names")]
    [InlineData("outsider", "did not hold the bundle")]
    [InlineData("files", "does not list seal/0001-responder.p7s")]
    [InlineData("order", "lists what it cannot")]
    [InlineData("number", "it says it is number 7")]
    public async Task Is_broken_by_a_record_its_giver_signed_and_should_not_have(string fault, string reason)
    {
        string bundle = await custody.BundleAsync(Rita);
        await SomeCustody.GiveAsync(bundle, Rita, Lea);
        await SomeCustody.TakeAsync(bundle, Lea);
        await SomeCustody.GiveAsync(bundle, Lea, Carl);
        string path = Path.Combine(bundle, "seal/custody-0002.json");
        TransferRecord record = TransferFile.Parse(await File.ReadAllBytesAsync(path));
        string signer = Lea;
        record = fault switch
        {
            "prev" => record with { PrevSha256 = new string('a', 64) },
            "root" => record with { TagmanifestSha256 = new string('a', 64) },
            "giver" => record with { From = record.From with { CertificateSha256 = new string('a', 64) } },
            "files" => record with { SealFiles = [.. record.SealFiles.Skip(1)] },
            "order" => record with { SealFiles = [.. record.SealFiles.Reverse()] },
            "number" => record with { Number = 7 },
            _ => record with { From = new TransferParty { Name = Carl, CertificateSha256 = SomeCustody.IdentityOf(signer = Carl).CertificateSha256 } },
        };
        byte[] bytes = TransferFile.Write(record);
        await File.WriteAllBytesAsync(path, bytes);
        File.Delete(path + ".giver.p7s");
        SealFolder.Add(bundle, [new("seal/custody-0002.json.giver.p7s", CadesSignature.Create(bytes, SomeCustody.IdentityOf(signer).Signer, DateTimeOffset.UtcNow))]);

        await custody.Terminal.RunAsync("verify", bundle);

        Assert.Contains("TAMPERED", custody.Terminal.Out, StringComparison.Ordinal);
        Assert.Contains(reason, custody.Terminal.Out, StringComparison.Ordinal);
        Assert.EndsWith("VERDICT: " + (fault == "order" ? "VERIFIED" : "TAMPERED") + "\n", Bundles.The_verify_script.Run(bundle).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Goes_on_after_an_addition_that_was_killed_half_way()
    {
        string bundle = await custody.BundleAsync(Rita);
        byte[] more = CertificateFile.Write([.. SomeCustody.IdentityOf(Rita).Signer.Certificates, .. SomeCustody.IdentityOf(Lea).Signer.Certificates]);
        await File.WriteAllBytesAsync(Path.Combine(bundle, "seal/certs.pem"), more);
        await File.WriteAllBytesAsync(Path.Combine(bundle, "seal/0002-witness.p7s.tmp"), [1, 2]);
        await custody.AsAsync(Rita, 3, "custody", bundle);

        await custody.HandOverAsync(bundle, Rita, Lea);

        Assert.Equal(2, custody.Terminal.Error.Split("was interrupted").Length - 1);
        await custody.VerifyAsync(bundle, "VERIFIED");
        await File.WriteAllBytesAsync(Path.Combine(bundle, "seal/stranger.tmp"), [1, 2]);
        await custody.AsAsync(Lea, 3, "receive", bundle);
        Assert.True(File.Exists(Path.Combine(bundle, "seal/stranger.tmp")));
    }

    [Fact]
    public async Task Is_untrusted_or_trusted_by_who_sealed_and_not_by_who_carried()
    {
        string bundle = await custody.BundleAsync(Rita);
        await SomeCustody.GiveAsync(bundle, Rita, Lea);
        await SomeCustody.TakeAsync(bundle, Lea);

        await custody.VerifyAsync(bundle, "VERIFIED", "--ca", SomeCustody.CertificateOf(Rita));
        await custody.VerifyAsync(bundle, "UNTRUSTED", "--ca", SomeCustody.CertificateOf(Carl));
    }

    [Fact]
    public async Task Travels_encrypted_to_a_lab_that_has_only_age_and_to_one_that_has_cir()
    {
        string recipient = (await custody.AsAsync(Lea, 0, "keys", "age")).Trim();
        string again = (await custody.AsAsync(Lea, 0, "keys", "age")).Trim();
        Assert.Equal(recipient, again);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(SomeCustody.HomeOf(Lea), "keys/age-identity.txt")));
        string bundle = await custody.BundleAsync(Rita);
        string parts = Path.Combine(custody.Folder, "parts");

        await custody.HandOverAsync(bundle, Rita, Lea, "--recipient", recipient, "--out", parts, "--part-size", "4096");

        string byAge = Directory.CreateDirectory(Path.Combine(custody.Folder, "by-age")).FullName;
        string name = Path.GetFileName(bundle);
        RealEngine.Run("sh", "-c", $"cd '{parts}' && sha256sum --check --strict --quiet {name}.parts.sha256 && cat {name}.tar.age.part-* | age -d -i '{SomeCustody.HomeOf(Lea)}/keys/age-identity.txt' | tar -x -C '{byAge}'");
        await custody.VerifyAsync(Path.Combine(byAge, name), "VERIFIED");

        await custody.AsAsync(Carl, 2, "receive", parts, "--out", Path.Combine(custody.Folder, "carl"));
        await custody.AsAsync(Lea, 0, "receive", parts, "--out", Path.Combine(custody.Folder, "lab"));
        await custody.VerifyAsync(Path.Combine(custody.Folder, "lab", name), "VERIFIED");
        Assert.Contains(recipient, await File.ReadAllTextAsync(Path.Combine(bundle, "seal/custody-0001.json")), StringComparison.Ordinal);
    }

    private static void OpensslAccepts(string bundle, string signature, string content) =>
        RealEngine.Run("sh", "-c", $"cd '{bundle}/seal' && openssl cms -verify -cades -binary -inform DER -in {signature} -content {content} -CAfile certs.pem -out /dev/null");
}
