using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using Microsoft.Data.Sqlite;

namespace ContainerIR.Cases;

/// <summary>A case as one file.</summary>
/// <param name="Path">The tar.</param>
/// <param name="Sha256">Its digest, lower-case hexadecimal.</param>
/// <param name="Files">Files in it.</param>
/// <param name="SizeBytes">Its size.</param>
public sealed record ArchivedCase(string Path, string Sha256, int Files, long SizeBytes);

/// <summary>
/// Puts a whole case into one tar: its database as of one instant, its bundles also where they are kept elsewhere, and last <c>manifest-sha256.txt</c>, which
/// <c>sha256sum --check</c> reads in the unpacked folder. Unpacked below <c>HOME/cases</c> it is a case again.
/// </summary>
public static class CaseArchive
{
    /// <summary>Name of the list of digests.</summary>
    public const string Manifest = "manifest-sha256.txt";

    private const int CopyBytes = 1 << 20;

    // One instant for all: what happened when is in the evidence. 0 would make GNU tar warn.
    private static readonly DateTimeOffset FixedTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes the tar; until it is whole it has another name.</summary>
    /// <exception cref="OperatorException">The case is open, something stands at <paramref name="outPath"/>, a bundle cannot be read or is no plain folder.</exception>
    public static async Task<ArchivedCase> WriteAsync(CaseStore store, string outPath, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(store);
        string target = Path.GetFullPath(outPath), partial = target + ".partial";
        if (!Casebook.IsClosed(store))
        {
            throw new OperatorException($"Case {store.Id} is open: what is archived must not go on.", $"Close it: cir case close {store.Id} --reason TEXT");
        }

        if (File.Exists(target) || (target + "/").StartsWith(store.Folder + "/", StringComparison.Ordinal))
        {
            throw new OperatorException($"{DisplayText.Escape(target)} {(File.Exists(target) ? "exists already" : "lies in the case itself")}.", "Name another file: --out FILE");
        }

        string copy = partial + ".db";
        try
        {
            using ArchiveStream file = new(new FileStream(partial, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }));
            StringBuilder manifest = new();
            int count = 0;
            await using (TarWriter tar = new(file, TarEntryFormat.Pax, leaveOpen: true))
            {
                File.Delete(copy);
                await AddAsync(tar, Snapshot(store, copy), $"{store.Id}/{CaseDatabase.FileName}");
                foreach (string aside in store.ListSetAside())
                {
                    await AddAsync(tar, aside, $"{store.Id}/{Path.GetFileName(aside)}");
                }

                foreach (string bundle in store.ListBundles())
                {
                    string real = new DirectoryInfo(bundle).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? bundle;
                    foreach (string path in FilesOf(real, ct))
                    {
                        await AddAsync(tar, path, $"{store.Id}/bundles/{Path.GetFileName(bundle)}/{Path.GetRelativePath(real, path)}");
                    }
                }

                byte[] list = Encoding.ASCII.GetBytes(manifest.ToString());
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, $"{store.Id}/{Manifest}") { DataStream = new MemoryStream(list), ModificationTime = FixedTime }, ct);
            }

            string digest = file.Complete();
            File.Move(partial, target, overwrite: false);
            return new ArchivedCase(target, digest, count + 1, new FileInfo(target).Length);

            async Task AddAsync(TarWriter tar, string path, string name)
            {
                ct.ThrowIfCancellationRequested();
                await using FileStream content = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, CopyBytes, FileOptions.SequentialScan);
                using DigestingStream digested = new(content);
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = digested, ModificationTime = FixedTime }, ct);
                manifest.Append(digested.Digest()).Append("  ").Append(name.AsSpan(store.Id.Length + 1)).Append('\n');
                count++;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new OperatorException($"Case {store.Id} cannot be archived: {failure.Message}", $"Check free space and rights of {DisplayText.Escape(Path.GetDirectoryName(target) ?? "/")}, and each bundle: cir verify", failure);
        }
        finally
        {
            File.Delete(copy);
            File.Delete(partial);
        }
    }

    // A copy as of one instant, without its write-ahead log (sqlite.org/lang_vacuum.html).
    private static string Snapshot(CaseStore store, string copy)
    {
        using SqliteCommand vacuum = store.Connection.CreateCommand();
        vacuum.CommandText = "VACUUM INTO $copy";
        vacuum.Parameters.AddWithValue("$copy", copy);
        vacuum.ExecuteNonQuery();
        File.SetUnixFileMode(copy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return copy;
    }

    // A bundle holds plain files and folders of generated ASCII names; what else stands there is not carried along unsaid.
    private static IEnumerable<string> FilesOf(string folder, CancellationToken ct)
    {
        foreach (FileSystemInfo each in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }).OrderBy(each => each.Name, StringComparer.Ordinal))
        {
            ct.ThrowIfCancellationRequested();
            if (each.LinkTarget is not null || each.Name.Any(letter => letter is <= ' ' or > '~' or '\\'))
            {
                throw new IOException($"{DisplayText.Escape(each.FullName)} is nothing a bundle holds");
            }

            if (each is DirectoryInfo inner)
            {
                foreach (string path in FilesOf(inner.FullName, ct))
                {
                    yield return path;
                }
            }
            else
            {
                yield return each.FullName;
            }
        }
    }

    /// <summary>Hashes what is read through it. Length and place are those of the file: the tar's header needs its size.</summary>
    private sealed class DigestingStream(FileStream file) : Stream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => file.Position = value; }

        public string Digest() => Convert.ToHexStringLower(hash.GetCurrentHash());

        public override int Read(Span<byte> buffer)
        {
            int count = file.Read(buffer);
            hash.AppendData(buffer[..count]);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            hash.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Hashes what is written through it.</summary>
    private sealed class ArchiveStream(FileStream file) : Stream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        /// <summary>Everything is on disk.</summary>
        public string Complete()
        {
            file.Flush(flushToDisk: true);
            return Convert.ToHexStringLower(hash.GetCurrentHash());
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            hash.AppendData(buffer);
            file.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            hash.Dispose();
            file.Dispose();
            base.Dispose(disposing);
        }
    }
}
