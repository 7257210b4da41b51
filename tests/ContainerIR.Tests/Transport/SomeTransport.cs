using System.Text;
using ContainerIR.Evidence.Transport;
using ContainerIR.Tests.Bundles;

namespace ContainerIR.Tests.Transport;

/// <summary>A small packed bundle, and ways to spoil it.</summary>
internal static class SomeTransport
{
    public const long PartBytes = 4096;

    /// <summary>Everything below a directory: path, and content as text of its bytes (null for a directory).</summary>
    public static IReadOnlyDictionary<string, string?> Contents(string directory) =>
        Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(directory, path), path => Directory.Exists(path) ? null : Convert.ToHexString(File.ReadAllBytes(path)));

    public static async Task<(string Bundle, PackedBundle Packed)> PackAsync(TemporaryFolder folder, params ContainerIR.Evidence.Encryption.AgeRecipient[] recipients)
    {
        string bundle = (await SomeBundle.SmallAsync(folder)).Path;
        return (bundle, await BundlePacker.PackAsync(bundle, Path.Combine(folder.Path, "parts"), recipients, PartBytes, CancellationToken.None));
    }

    /// <summary>Writes parts of a tar of our making, with a list that fits.</summary>
    public static string WriteParts(TemporaryFolder folder, string name, byte[] tar)
    {
        string parts = Directory.CreateDirectory(Path.Combine(folder.Path, "hostile")).FullName;
        string part = PartsList.PartName(name, false, 1);
        File.WriteAllBytes(Path.Combine(parts, part), tar);
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(tar));
        File.WriteAllBytes(Path.Combine(parts, name + PartsList.Suffix), PartsList.Write([new PartsList.Part(part, hash)]));
        return parts;
    }

    /// <summary>One entry of any type, path and link.</summary>
    public static byte[] Entry(string path, char type = '0', string content = "x", string link = "")
    {
        byte[] block = new byte[512];
        Encoding.Latin1.GetBytes(path, block);
        Encoding.ASCII.GetBytes("0000644\00000000\00000000\0" + Convert.ToString(content.Length, 8).PadLeft(11, '0') + "\0" + "02263567430\0", block.AsSpan(100));
        block[156] = (byte)type;
        Encoding.ASCII.GetBytes(link, block.AsSpan(157));
        Encoding.ASCII.GetBytes("ustar\0" + "00", block.AsSpan(257));
        block.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(b => b), 8).PadLeft(6, '0') + "\0", block.AsSpan(148));
        byte[] padded = new byte[(content.Length + 511) / 512 * 512];
        Encoding.Latin1.GetBytes(content, padded);
        return [.. block, .. padded];
    }
}
