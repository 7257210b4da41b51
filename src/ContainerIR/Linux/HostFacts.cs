using System.Globalization;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Text;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Linux;

/// <summary>An address of a host interface.</summary>
/// <param name="Interface">Its name, display form.</param>
/// <param name="Address">IPv4 or IPv6 address.</param>
/// <param name="PrefixLength">Bits of the network.</param>
internal sealed record HostAddress(string Interface, string Address, int PrefixLength);

/// <summary>What the host is: read from its own files in milliseconds, without asking the engine or the network. Texts are in display form.</summary>
internal sealed record HostFacts
{
    // include/linux/proc_ns.h: the first namespaces have fixed inode numbers.
    private const string InitialPidNamespace = "pid:[4026531836]";

    private readonly List<(string Sought, string Reason)> missing = [];

    /// <summary>Node name of uname(2).</summary>
    public string HostName { get; private set; } = "";

    /// <summary>NIS domain of uname(2); <c>(none)</c> as a rule.</summary>
    public string DomainName { get; private set; } = "";

    /// <summary>machine-id(5); null when there is none.</summary>
    public string? MachineId { get; private set; }

    /// <summary>Id the kernel drew at boot.</summary>
    public string? BootId { get; private set; }

    /// <summary>Fields of os-release(5).</summary>
    public IReadOnlyDictionary<string, string> OsRelease { get; private set; } = new Dictionary<string, string>();

    /// <summary>For example <c>6.18.0</c>.</summary>
    public string KernelRelease { get; private set; } = "";

    /// <summary>Build line of the kernel.</summary>
    public string KernelVersion { get; private set; } = "";

    /// <summary>Command line of the kernel.</summary>
    public string KernelCommandLine { get; private set; } = "";

    /// <summary>For example <c>x64</c>.</summary>
    public string Architecture { get; private set; } = "";

    /// <summary>Where /etc/localtime points, or the content of /etc/timezone.</summary>
    public string? TimeZone { get; private set; }

    /// <summary>Offset of local time from UTC now.</summary>
    public TimeSpan UtcOffset { get; private set; }

    /// <summary>/proc/loadavg.</summary>
    public string Load { get; private set; } = "";

    /// <summary>/proc/uptime, seconds.</summary>
    public string Uptime { get; private set; } = "";

    /// <summary>The kernel's current clock source.</summary>
    public string ClockSource { get; private set; } = "";

    /// <summary>Memory of the machine, bytes; 0 when unknown.</summary>
    public long MemoryBytes { get; private set; }

    /// <summary>Processors we may run on.</summary>
    public int Processors { get; private set; }

    /// <summary>Addresses of all interfaces of the network namespace we run in.</summary>
    public IReadOnlyList<HostAddress> Addresses { get; private set; } = [];

    /// <summary>False when we run in a pid namespace other than the host's first: then /proc shows not all.</summary>
    public bool InInitialPidNamespace { get; private set; }

    /// <summary>All clocks.</summary>
    public required ClockFacts Clock { get; init; }

    /// <summary>Who runs us.</summary>
    public required LocalLogin Login { get; init; }

    /// <summary>What was sought and not obtained.</summary>
    public IReadOnlyList<(string Sought, string Reason)> Missing => missing;

    /// <summary>Reads all of it now.</summary>
    public static HostFacts Read()
    {
        HostFacts facts = new() { Clock = ClockFacts.Read(), Login = Accounts.Current() };
        facts.Fill();
        return facts;
    }

    /// <summary>Fields of os-release(5), at most 64: shell quoting undone as far as the man page allows it.</summary>
    internal static Dictionary<string, string> ParseOsRelease(ReadOnlySpan<byte> content)
    {
        Dictionary<string, string> fields = [];
        foreach (Range range in content.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = content[range].Trim((byte)' ').TrimEnd((byte)'\r');
            int equals = line.IndexOf((byte)'=');
            if (equals <= 0 || line[0] == '#' || fields.Count >= 64)
            {
                continue;
            }

            ReadOnlySpan<byte> value = line[(equals + 1)..];
            if (value.Length >= 2 && value[0] is (byte)'"' or (byte)'\'' && value[^1] == value[0])
            {
                value = value[1..^1];
            }

            string text = DisplayText.Escape(value[..Math.Min(value.Length, 512)]);
            fields[DisplayText.Escape(line[..equals])] = text.Replace("\\\\\"", "\"", StringComparison.Ordinal);
        }

        return fields;
    }

    private void Fill()
    {
        HostName = Line("/proc/sys/kernel/hostname") ?? "";
        DomainName = Line("/proc/sys/kernel/domainname") ?? "";
        MachineId = Line("/etc/machine-id");
        BootId = Line("/proc/sys/kernel/random/boot_id");
        KernelRelease = Line("/proc/sys/kernel/osrelease") ?? "";
        KernelVersion = Line("/proc/sys/kernel/version") ?? "";
        KernelCommandLine = Line("/proc/cmdline") ?? "";
        Load = Line("/proc/loadavg") ?? "";
        Uptime = Line("/proc/uptime") ?? "";
        ClockSource = Line("/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? "";
        Architecture = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
        Processors = Environment.ProcessorCount;
        OsRelease = ReadOsRelease();
        MemoryBytes = ReadMemoryBytes();
        ReadTimeZone();
        Addresses = ReadAddresses();
        InInitialPidNamespace = HostFile.TryReadLink("/proc/self/ns/pid") is { } link && Encoding.ASCII.GetString(link) == InitialPidNamespace;
    }

    private string? Line(string path)
    {
        try
        {
            ReadOnlySpan<byte> content = HostFile.ReadSmall(path, 64 * 1024);
            int end = content.IndexOf((byte)'\n');
            return DisplayText.Escape(end < 0 ? content : content[..end]);
        }
        catch (HostFileException failure)
        {
            missing.Add((path, failure.Message));
            return null;
        }
    }

    /// <summary>os-release(5): /etc first, else /usr/lib; the former is as a rule a link to the latter, so it is followed.</summary>
    private Dictionary<string, string> ReadOsRelease()
    {
        HostFileException? last = null;
        foreach (string path in new[] { "/etc/os-release", "/usr/lib/os-release" })
        {
            try
            {
                using HostFile file = HostFile.OpenLinked(path);
                return ParseOsRelease(file.ReadAll(64 * 1024));
            }
            catch (HostFileException failure)
            {
                last = failure;
            }
        }

        missing.Add(("os-release", last!.Message));
        return [];
    }

    private long ReadMemoryBytes()
    {
        string? first = Line("/proc/meminfo");
        string digits = new((first ?? "").Where(char.IsAsciiDigit).ToArray());
        return long.TryParse(digits, CultureInfo.InvariantCulture, out long kibibytes) && kibibytes < long.MaxValue / 1024 ? kibibytes * 1024 : 0;
    }

    private void ReadTimeZone()
    {
        TimeZone = HostFile.TryReadLink("/etc/localtime") is { } target ? DisplayText.Escape(target) : null;
        if (TimeZone is null)
        {
            try
            {
                TimeZone = DisplayText.Escape(HostFile.ReadSmall("/etc/timezone", 4096).AsSpan().TrimEnd((byte)'\n'));
            }
            catch (HostFileException)
            {
                missing.Add(("time zone", "neither a link /etc/localtime nor a file /etc/timezone; local time is taken for UTC"));
            }
        }

        UtcOffset = TimeZoneInfo.Local.GetUtcOffset(DateTimeOffset.FromUnixTimeMilliseconds(Clock.RealtimeNs / 1_000_000));
    }

    private List<HostAddress> ReadAddresses()
    {
        List<HostAddress> addresses = [];
        try
        {
            foreach (NetworkInterface card in NetworkInterface.GetAllNetworkInterfaces())
            {
                foreach (UnicastIPAddressInformation address in card.GetIPProperties().UnicastAddresses)
                {
                    addresses.Add(new HostAddress(DisplayText.Escape(card.Name), address.Address.ToString(), address.PrefixLength));
                }
            }
        }
        catch (Exception failure) when (failure is NetworkInformationException or IOException or UnauthorizedAccessException)
        {
            // The platform reads /etc/resolv.conf for it, which a bare host may lack.
            missing.Add(("addresses of the host", failure.Message));
        }

        return addresses;
    }
}
