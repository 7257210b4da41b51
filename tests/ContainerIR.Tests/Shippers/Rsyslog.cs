using System.Diagnostics;
using System.Globalization;
using ContainerIR.Tests.Exporters;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Shippers;

/// <summary>Debian's rsyslog with a configuration, a port and certificates of its own. Each message goes to the file before the next is read.</summary>
internal sealed class Rsyslog : IDisposable
{
    private const string Program = "/usr/sbin/rsyslogd";
    private readonly string folder;
    private Process? process;

    public Rsyslog(string parent, bool isEncrypted)
    {
        Assert.SkipUnless(File.Exists(Program), "rsyslog is not installed");
        Assert.SkipWhen(isEncrypted && !File.Exists("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so"), "rsyslog-gnutls is not installed");
        folder = Path.Combine(parent, "rsyslog");
        Directory.CreateDirectory(folder);
        Port = SomeReceiver.FreePort();
        string tls = "";
        if (isEncrypted)
        {
            Validator.Run("/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", At("ca.key"), "-out", Authority, "-days", "2", "-subj", "/CN=Receiver CA");
            Validator.Run("/usr/bin/openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", At("key.pem"), "-out", At("csr.pem"), "-subj", "/CN=localhost");
            File.WriteAllText(At("ext"), "subjectAltName=DNS:localhost\n");
            Validator.Run("/usr/bin/openssl", "x509", "-req", "-in", At("csr.pem"), "-CA", Authority, "-CAkey", At("ca.key"), "-CAcreateserial", "-out", At("cert.pem"), "-days", "2", "-extfile", At("ext"));
            tls = """ StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon" """;
        }

        File.WriteAllText(At("conf"), $$"""
            global(workDirectory="{{folder}}" maxMessageSize="64k" DefaultNetstreamDriverCAFile="{{Authority}}" DefaultNetstreamDriverCertFile="{{At("cert.pem")}}" DefaultNetstreamDriverKeyFile="{{At("key.pem")}}")
            main_queue(queue.type="Direct")
            module(load="imtcp"{{tls}})
            template(name="line" type="string" string="%timestamp:::date-rfc3339%|%hostname%|%app-name%|%msgid%|%structured-data%|%msg%\n")
            ruleset(name="all" queue.type="Direct") { action(type="omfile" file="{{File_}}" template="line" flushOnTXEnd="on") }
            input(type="imtcp" port="{{Port}}" address="127.0.0.1" ruleset="all")

            """);
    }

    public int Port { get; }

    public string Authority => At("ca.pem");

    public string File_ => At("received.log");

    public IReadOnlyList<string> Lines => File.Exists(File_) ? File.ReadAllLines(File_) : [];

    public async Task StartAsync()
    {
        ProcessStartInfo start = new(Program, ["-n", "-i", At("pid"), "-f", At("conf")]) { RedirectStandardError = true, RedirectStandardOutput = true };
        process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        await RealEngine.Until(IsListening, "rsyslog listens");
    }

    /// <summary>Ends it as a power cut would: no handler of it runs.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
        File.Delete(At("pid"));
    }

    public void Dispose()
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            process.WaitForExit();
        }

        process?.Dispose();
    }

    private bool IsListening() => File.ReadAllLines("/proc/net/tcp").Any(line => line.Contains(string.Create(CultureInfo.InvariantCulture, $"0100007F:{Port:X4} 00000000:0000 0A"), StringComparison.Ordinal));

    private string At(string name) => Path.Combine(folder, name);
}
