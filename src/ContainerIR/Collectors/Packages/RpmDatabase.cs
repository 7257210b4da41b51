using System.Buffers.Binary;
using System.Text;
using ContainerIR.Linux.Overlays;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Collectors.Packages;

/// <summary>
/// The RPM database where it is SQLite (rpm 4.16 and later): one blob a package, which is the package's header (rpm.org, RPM V4 header format). It is copied
/// beside its write-ahead log to a private folder and opened there; the older forms are named as gaps.
/// </summary>
internal static class RpmDatabase
{
    public static readonly string[] SqlitePaths = ["usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"];

    /// <summary>Forms we do not read.</summary>
    public static readonly string[] OtherPaths = ["var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages.db"];

    private const int MaxHeaderBytes = 64 * 1024 * 1024;
    private const int MaxPackages = 200_000;
    private const long MaxDatabaseBytes = 4L * 1024 * 1024 * 1024;
    private const int ConfigurationFlag = 1;

    // rpmtag.h
    private const int Name = 1000, Version = 1001, Release = 1002, Epoch = 1003, Arch = 1022, FileModes = 1030, FileDigests = 1035, FileFlags = 1037, SourceRpm = 1044,
        DirIndexes = 1116, BaseNames = 1117, DirNames = 1118, FileDigestAlgorithm = 5011;

    /// <summary>Reads every package of a database of the tree.</summary>
    /// <exception cref="IOException">The database cannot be read.</exception>
    public static List<DatabasePackage> Read(MergedTree tree, string path, MergedFile database)
    {
        if (database.SizeBytes > MaxDatabaseBytes)
        {
            throw new IOException($"larger than the limit of {MaxDatabaseBytes} bytes");
        }

        string folder = Directory.CreateTempSubdirectory("cir-rpm-").FullName;
        try
        {
            string copy = Path.Combine(folder, "rpmdb.sqlite");
            Copy(database, copy);
            using (MergedFile? log = tree.Open(path + "-wal"))
            {
                if (log is not null && log.SizeBytes <= MaxDatabaseBytes)
                {
                    Copy(log, copy + "-wal");
                }
            }

            return ReadCopy(copy);
        }
        catch (SqliteException failure)
        {
            throw new IOException($"SQLite: {failure.Message}", failure);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Reads one header; null when it is none, or of something that is no package (a public key).</summary>
    public static DatabasePackage? ParseHeader(ReadOnlySpan<byte> blob)
    {
        RpmHeader? header = RpmHeader.Parse(blob);
        if (header is null || header.Text(Name) is not { Length: > 0 } name || name == "gpg-pubkey")
        {
            return null;
        }

        string version = header.Text(Version) ?? "";
        version = header.Text(Release) is { Length: > 0 } release ? $"{version}-{release}" : version;
        version = header.Numbers(Epoch) is [var epoch, ..] && epoch > 0 ? $"{epoch}:{version}" : version;
        return new(name, version, header.Text(Arch), header.Text(SourceRpm), Files(header));
    }

    private static List<ExpectedFile> Files(RpmHeader header)
    {
        List<byte[]> names = header.Texts(BaseNames), folders = header.Texts(DirNames), digests = header.Texts(FileDigests);
        List<long> places = header.Numbers(DirIndexes), flags = header.Numbers(FileFlags), modes = header.Numbers(FileModes);
        string? algorithm = (header.Numbers(FileDigestAlgorithm) is [var number, ..] ? number : 1) switch { 1 => "md5", 2 => "sha1", 8 => "sha256", 9 => "sha384", 10 => "sha512", _ => null };
        List<ExpectedFile> files = [];
        for (int i = 0; algorithm is not null && i < names.Count && i < digests.Count && i < places.Count; i++)
        {
            bool isRegular = i >= modes.Count || (modes[i] & 0xF000) == 0x8000;
            if (digests[i].Length > 0 && isRegular && places[i] >= 0 && places[i] < folders.Count)
            {
                byte[] path = [.. folders[(int)places[i]].AsSpan().TrimStart((byte)'/'), .. names[i]];
                files.Add(new(path, algorithm, Encoding.ASCII.GetString(digests[i]).ToLowerInvariant(), i < flags.Count && (flags[i] & ConfigurationFlag) != 0));
            }
        }

        return files;
    }

    private static List<DatabasePackage> ReadCopy(string path)
    {
        SqliteConnectionStringBuilder options = new() { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false };
        using SqliteConnection connection = new(options.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();

        // The file is the suspect's: no functions or views of its own may run, and its pages are checked.
        command.CommandText = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA query_only=ON; PRAGMA max_page_count=1073741823;";
        command.ExecuteNonQuery();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'Packages' AND type = 'table' AND sql LIKE 'CREATE TABLE %' AND length(sql) < 300 AND instr(upper(sql), ' AS ') = 0";
        if (command.ExecuteScalar() is not 1L)
        {
            throw new IOException("it has no plain table Packages");
        }

        List<DatabasePackage> packages = [];
        command.CommandText = $"SELECT blob FROM Packages WHERE typeof(blob) = 'blob' AND length(blob) <= {MaxHeaderBytes} LIMIT {MaxPackages}";
        using SqliteDataReader rows = command.ExecuteReader();
        while (rows.Read())
        {
            if (ParseHeader((byte[])rows.GetValue(0)) is { } package)
            {
                packages.Add(package);
            }
        }

        return packages;
    }

    private static void Copy(MergedFile file, string path)
    {
        using FileStream copy = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        file.ReadThrough(MergedFile.NewBuffer(), bytes => copy.Write(bytes.Span));
    }
}

/// <summary>An RPM header as the database holds it: counts, an index of sixteen bytes each, and the data, big-endian.</summary>
internal sealed class RpmHeader
{
    private const int MaxTags = 65536;
    private const int MaxValues = 1_000_000;

    private readonly Dictionary<int, (int Type, int Offset, int Count)> tags = [];
    private readonly byte[] store;

    private RpmHeader(byte[] store) => this.store = store;

    /// <summary>Reads the index; null when it is none.</summary>
    public static RpmHeader? Parse(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 8)
        {
            return null;
        }

        uint count = BinaryPrimitives.ReadUInt32BigEndian(blob), bytes = BinaryPrimitives.ReadUInt32BigEndian(blob[4..]);
        if (count is 0 or > MaxTags || 8 + (16L * count) + bytes > blob.Length)
        {
            return null;
        }

        int data = 8 + (16 * (int)count);
        RpmHeader header = new(blob.Slice(data, (int)bytes).ToArray());
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = blob.Slice(8 + (16 * i), 16);
            int offset = BinaryPrimitives.ReadInt32BigEndian(entry[8..]), values = BinaryPrimitives.ReadInt32BigEndian(entry[12..]);
            if (offset >= 0 && offset < bytes && values is > 0 and <= MaxValues)
            {
                header.tags.TryAdd(BinaryPrimitives.ReadInt32BigEndian(entry), (BinaryPrimitives.ReadInt32BigEndian(entry[4..]), offset, values));
            }
        }

        return header;
    }

    /// <summary>The first text of a tag; null when there is none.</summary>
    public string? Text(int tag) => Texts(tag) is [var first, ..] ? Stanzas.Text(first) : null;

    /// <summary>All texts of a tag (types 6, 8 and 9).</summary>
    public List<byte[]> Texts(int tag)
    {
        List<byte[]> texts = [];
        if (tags.TryGetValue(tag, out (int Type, int Offset, int Count) entry) && entry.Type is 6 or 8 or 9)
        {
            int at = entry.Offset;
            for (int i = 0; i < (entry.Type == 6 ? 1 : entry.Count) && at < store.Length; i++)
            {
                int end = Array.IndexOf(store, (byte)0, at);
                if (end < 0)
                {
                    break;
                }

                texts.Add(store[at..end]);
                at = end + 1;
            }
        }

        return texts;
    }

    /// <summary>All numbers of a tag (16 and 32 bits: types 3 and 4).</summary>
    public List<long> Numbers(int tag)
    {
        List<long> numbers = [];
        if (tags.TryGetValue(tag, out (int Type, int Offset, int Count) entry) && entry.Type is 3 or 4)
        {
            int width = entry.Type == 3 ? 2 : 4;
            for (int i = 0, at = entry.Offset; i < entry.Count && at + width <= store.Length; i++, at += width)
            {
                numbers.Add(width == 2 ? BinaryPrimitives.ReadUInt16BigEndian(store.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(store.AsSpan(at)));
            }
        }

        return numbers;
    }
}
