namespace ContainerIR.Collectors.Packages;

/// <summary>Alpine's package database, lib/apk/db/installed (wiki.alpinelinux.org, Apk spec): records of one-letter fields, blank lines between.</summary>
internal static class ApkDatabase
{
    public const string Path = "lib/apk/db/installed";
    private const int MaxFiles = 1_000_000;

    /// <summary>Packages with their files. <c>F:</c> names a folder, <c>R:</c> a file in it, <c>Z:</c> its digest: <c>Q1</c> and the SHA-1 in base64, <c>Q2</c> the SHA-256.</summary>
    public static List<DatabasePackage> Parse(byte[] content)
    {
        List<DatabasePackage> packages = [];
        string name = "", version = "";
        string? architecture = null, source = null;
        List<ExpectedFile> files = [];
        byte[] folder = [], file = [];
        int start = 0, allFiles = 0;
        while (start <= content.Length)
        {
            int end = start < content.Length ? Array.IndexOf(content, (byte)'\n', start) : content.Length;
            end = end < 0 ? content.Length : end;
            ReadOnlySpan<byte> line = content.AsSpan(Math.Min(start, content.Length), Math.Max(0, end - start));
            start = end + 1;
            if (line.IsEmpty)
            {
                if (name.Length > 0)
                {
                    packages.Add(new(name, version, architecture, source, files));
                }

                (name, version, architecture, source, files, folder, file) = ("", "", null, null, [], [], []);
                continue;
            }

            if (line.Length < 2 || line[1] != ':')
            {
                continue;
            }

            ReadOnlySpan<byte> value = line[2..];
            switch (line[0])
            {
                case (byte)'P':
                    name = Stanzas.Text(value);
                    break;
                case (byte)'V':
                    version = Stanzas.Text(value);
                    break;
                case (byte)'A':
                    architecture = Stanzas.Text(value);
                    break;
                case (byte)'o':
                    source = Stanzas.Text(value);
                    break;
                case (byte)'F':
                    folder = value.ToArray();
                    break;
                case (byte)'R':
                    file = folder.Length == 0 ? value.ToArray() : [.. folder, (byte)'/', .. value];
                    break;
                case (byte)'Z' when file.Length > 0 && Digest(value) is { } digest && ++allFiles <= MaxFiles:
                    files.Add(new(file, digest.Algorithm, digest.Hex, IsConfiguration: file.AsSpan().StartsWith("etc/"u8)));
                    break;
            }
        }

        return packages;
    }

    private static (string Algorithm, string Hex)? Digest(ReadOnlySpan<byte> value)
    {
        Span<byte> bytes = stackalloc byte[64];
        if (value.Length is < 4 or > 64 || value[0] != 'Q' || System.Buffers.Text.Base64.DecodeFromUtf8(value[2..], bytes, out _, out int count) != System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        return (value[1], count) switch
        {
            ((byte)'1', 20) => ("sha1", Convert.ToHexStringLower(bytes[..count])),
            ((byte)'2', 32) => ("sha256", Convert.ToHexStringLower(bytes[..count])),
            _ => null,
        };
    }
}
