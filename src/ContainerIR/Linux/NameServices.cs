using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>
/// Keeps the C library from loading the host's name-service modules. The published file is linked statically: on a host whose nsswitch.conf names
/// compat, sss, ldap, mdns or systemd, the first look-up of a user or host would load that host's own C library into ours and abort the process.
/// </summary>
public static unsafe partial class NameServices
{
    /// <summary>Must be the first call of the program: users and groups come from files, hosts from files and DNS (nsswitch.conf(5)).</summary>
    public static void UseFilesAndDns()
    {
        fixed (byte* passwd = "passwd\0"u8, group = "group\0"u8, hosts = "hosts\0"u8, files = "files\0"u8, filesDns = "files dns\0"u8)
        {
            _ = __nss_configure_lookup(passwd, files);
            _ = __nss_configure_lookup(group, files);
            _ = __nss_configure_lookup(hosts, filesDns);
        }
    }

    // glibc, nss/nss_database.h: overrides one line of nsswitch.conf for this process.
    [LibraryImport("libc")]
    private static partial int __nss_configure_lookup(byte* database, byte* serviceLine);
}
