using System.Security.Cryptography;
using System.Text;

namespace ContainerIR.Playbooks;

/// <summary>
/// Identifiers of CACAO from the slugs authors write, so that the same file always compiles to the same bytes. A playbook's is a UUID version 5 (RFC 9562, section 5.5).
/// CACAO 2.0 (section 10.10) wants version 4 for everything else: there the bits of the hash stand for the random ones.
/// </summary>
internal static class SlugId
{
    // Made once for this project; what is below it never changes.
    private static readonly byte[] Namespace = Convert.FromHexString("6f1d0c2e7a535c0b9e1b43d2a8c95e71");

    /// <summary>Our extension definition: what CACAO has no property for.</summary>
    public static string Extension { get; } = Of("extension-definition", "containerir-playbook/1");

    /// <summary>The identity that stands behind the shipped playbooks.</summary>
    public static string Creator { get; } = Of("identity", "containerir");

    /// <summary>Id of a playbook.</summary>
    public static string Playbook(string slug) => Of("playbook", slug);

    /// <summary>Identifier of a thing.</summary>
    /// <param name="type">Type of CACAO object, the part before <c>--</c>.</param>
    /// <param name="name">Its name, unique in its type.</param>
    public static string Of(string type, string name)
    {
        // RFC 9562 fixes SHA-1 here; nothing rests on it but sameness.
#pragma warning disable CA5350
        byte[] hash = SHA1.HashData([.. Namespace, .. Encoding.UTF8.GetBytes($"{type}/{name}")]);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | (type == "playbook" ? 0x50 : 0x40));
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        string hex = Convert.ToHexStringLower(hash.AsSpan(0, 16));
        return $"{type}--{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
    }
}
