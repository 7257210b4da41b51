using System.Text;
using ContainerIR.Evidence.Files;

namespace ContainerIR.Evidence.Bundles;

/// <summary>A BagIt manifest: lines of digest, two spaces, path, sorted by path as bytes. <c>sha256sum --check</c> reads it.</summary>
internal static class ManifestFile
{
    public static byte[] Write(IEnumerable<WrittenFile> files, Func<WrittenFile, string> digest)
    {
        StringBuilder text = new();
        foreach (WrittenFile file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
        {
            text.Append(digest(file)).Append("  ").Append(file.Path).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
