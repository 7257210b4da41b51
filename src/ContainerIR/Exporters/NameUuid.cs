using System.Security.Cryptography;
using System.Text;

namespace ContainerIR.Exporters;

/// <summary>UUID version 5 (RFC 9562 section 5.5): the same name gives the same id, so that what is exported twice is the same.</summary>
internal static class NameUuid
{
    /// <summary>Of everything of ours that has no namespace of its own.</summary>
    public static readonly Guid Own = new("6d0ac2f9-9d0b-5e1c-8a55-0c1f3c1e7a01");

    /// <summary>Namespace of STIX 2.1 cyber-observable objects (section 2.9).</summary>
    public static readonly Guid Stix = new("00abedb4-aa42-466c-9c01-fed23315a9b7");

    public static Guid Make(Guid space, string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        byte[] whole = new byte[16 + text.Length];
        space.TryWriteBytes(whole, bigEndian: true, out _);
        text.CopyTo(whole, 16);
#pragma warning disable CA5350 // The standard says SHA-1; nothing rests on its strength here.
        Span<byte> id = SHA1.HashData(whole).AsSpan(0, 16);
#pragma warning restore CA5350
        id[6] = (byte)((id[6] & 0x0f) | 0x50);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        return new Guid(id, bigEndian: true);
    }
}
