using System.Text;

namespace ContainerIR.Collectors.Packages;

/// <summary>Package URLs (github.com/package-url/purl-spec): <c>pkg:deb/debian/bash@5.2?arch=amd64</c>.</summary>
internal static class PackageUrl
{
    /// <summary>Makes one.</summary>
    /// <param name="package">The package.</param>
    /// <param name="distribution">ID of os-release; empty when unknown.</param>
    /// <param name="distributionVersion">VERSION_ID of os-release; empty when unknown.</param>
    public static string Of(FoundPackage package, string distribution, string distributionVersion)
    {
        bool isSystem = package.Kind is "deb" or "apk" or "rpm";
        string path = package.Kind switch
        {
            "deb" or "apk" or "rpm" => $"{Encode(distribution.Length > 0 ? distribution : package.Kind switch { "deb" => "debian", "apk" => "alpine", _ => "unknown" })}/{Encode(package.Name)}",
            "maven" => string.Join('/', package.Name.Split(':', 2).Select(Encode)),
            "pypi" => Encode(package.Name.ToLowerInvariant().Replace('_', '-')),
            _ => string.Join('/', package.Name.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Encode)),
        };
        List<string> qualifiers = [];
        if (isSystem && package.Architecture is { Length: > 0 } architecture)
        {
            qualifiers.Add("arch=" + Encode(architecture));
        }

        if (isSystem && distribution.Length > 0)
        {
            qualifiers.Add("distro=" + Encode(distributionVersion.Length > 0 ? $"{distribution}-{distributionVersion}" : distribution));
        }

        string version = package.Version.Length > 0 ? "@" + Encode(package.Version) : "";
        return $"pkg:{package.Kind}/{path}{version}{(qualifiers.Count > 0 ? "?" + string.Join('&', qualifiers) : "")}";
    }

    private static string Encode(string text)
    {
        StringBuilder encoded = new();
        foreach (byte one in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)one) || one is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~' or (byte)':')
            {
                encoded.Append((char)one);
            }
            else
            {
                encoded.Append('%').Append(Convert.ToHexString([one]));
            }
        }

        return encoded.ToString();
    }
}
