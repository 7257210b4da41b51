using System.Collections.Concurrent;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Transfers;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Cli;
using Xunit;

namespace ContainerIR.Tests.Transfers;

/// <summary>A bundle, and people with keys of their own who pass it on by the command line.</summary>
internal sealed class SomeCustody : IDisposable
{
    public const string Passphrase = "a long passphrase";

    private static readonly TemporaryFolder PeopleFolder = new();
    private static readonly ConcurrentDictionary<string, Lazy<(string Home, ResponderIdentity Identity)>> People = new();

    static SomeCustody() => AppDomain.CurrentDomain.ProcessExit += (_, _) => PeopleFolder.Dispose();

    public SomeCustody() => Terminal.Variables["CIR_PASSPHRASE"] = Passphrase;

    public SomeTerminal Terminal { get; } = new();

    public string Folder => Terminal.Folder;

    public void Dispose() => Terminal.Dispose();

    /// <summary>The home of a person.</summary>
    public static string HomeOf(string person) => PersonOf(person).Home;

    public static ResponderIdentity IdentityOf(string person) => PersonOf(person).Identity;

    public static string CertificateOf(string person) => Path.Combine(HomeOf(person), "keys", "responder-cert.pem");

    // Deriving a key takes long by design: each person is made once a run.
    private static (string Home, ResponderIdentity Identity) PersonOf(string person) => People.GetOrAdd(person, name => new(() =>
    {
        string home = Path.Combine(PeopleFolder.Path, name.Replace(' ', '-'));
        return (home, IdentityFolder.Create(Path.Combine(home, "keys"), new(name), Passphrase, DateTimeOffset.UtcNow));
    })).Value;

    /// <summary>A bundle sealed by this person.</summary>
    public async Task<string> BundleAsync(string person = "Rita Responder", SealPolicy? policy = null)
    {
        await using BundleWriter bundle = BundleWriter.Open(SomeBundle.Options(Path.Combine(Folder, "bundles")));
        IEvidenceSink host = bundle.OpenSection("host", 0);
        await host.AddAsync("uname.txt", "Linux host 6.1\n"u8.ToArray(), new ItemOptions("uname(2)"), CancellationToken.None);
        host.AddGap("/proc/1/maps", "Permission denied (errno 13)");
        await bundle.OpenSection("rootfs-diff", 6).AddAsync(
            "upper.tar.zst", Enumerable.Range(0, 3000).Select(i => (byte)(i % 251)).ToArray(), new ItemOptions("/upper", ItemForm.Frames), CancellationToken.None);
        return (await bundle.SealAsync(SomeBundle.Custody, IdentityOf(person), policy ?? new SealPolicy(), CancellationToken.None)).Path;
    }

    /// <summary>Runs a command as a person; gives what it printed, after checking its exit code.</summary>
    public async Task<string> AsAsync(string person, int exit, params string[] arguments)
    {
        Terminal.Forget();
        int code = await Terminal.RunAsync([.. arguments, .. arguments[0] == "custody" ? (string[])[] : ["--home", HomeOf(person)]]);
        Assert.True(code == exit, $"cir {string.Join(' ', arguments)}: exit {code}, not {exit}\n{Terminal.Out}\n{Terminal.Error}");
        return Terminal.Out;
    }

    public Task<string> HandOverAsync(string bundle, string from, string to, params string[] more) =>
        AsAsync(from, 0, ["handover", bundle, "--to", to, "--purpose", "malware analysis", "--method", "by hand, disk S/N 4711", .. more]);

    /// <summary>The same without the command line, whose keys must be opened each time.</summary>
    public static Task<TransferResult> GiveAsync(string bundle, string from, string to) => Handover.WriteAsync(
        bundle, new HandoverRequest { To = to, Purpose = "malware analysis", Method = "by hand" }, IdentityOf(from), null, new VerifyOptions(), TimeProvider.System, CancellationToken.None);

    public static Task<TransferResult> TakeAsync(string bundle, string who) =>
        Reception.CountersignAsync(bundle, IdentityOf(who), null, new VerifyOptions(), TimeProvider.System, CancellationToken.None);

    /// <summary>Verifies with both verifiers: they must agree.</summary>
    public async Task VerifyAsync(string bundle, string verdict, params string[] options)
    {
        Terminal.Forget();
        int code = await Terminal.RunAsync(["verify", bundle, .. options]);
        (int exit, string output) = The_verify_script.Run(bundle, options);
        Assert.True(Terminal.Out.Contains(verdict, StringComparison.Ordinal) && output.EndsWith($"VERDICT: {verdict}\n", StringComparison.Ordinal), $"{verdict} expected\n{Terminal.Out}{Terminal.Error}\n{output}");
        Assert.Equal(verdict == "VERIFIED" ? 0 : 3, code);
        Assert.Equal(code, exit);
    }
}
