using System.Globalization;
using System.Security.Cryptography;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Files;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Evidence.Verification;

/// <summary>Both manifests name the same files; these and no others are below data/; each has both digests.</summary>
internal static class PayloadCheck
{
    private const string Name = "payload";
    private const string Frames = "frames";
    private const int BufferBytes = 1024 * 1024;

    public static string Run(VerificationRun run)
    {
        run.PayloadSha256 = ManifestReader.Read(run, Name, BundleLayout.ManifestSha256, SHA256.HashSizeInBytes, isPayload: true);
        run.PayloadSha512 = ManifestReader.Read(run, Name, BundleLayout.ManifestSha512, SHA512.HashSizeInBytes, isPayload: true);
        foreach (string path in run.PayloadSha256.Keys.Except(run.PayloadSha512.Keys))
        {
            run.Fail(Name, path, $"{BundleLayout.ManifestSha512} does not list it");
        }

        foreach (string path in run.PayloadSha512.Keys.Except(run.PayloadSha256.Keys))
        {
            run.Fail(Name, path, $"{BundleLayout.ManifestSha256} does not list it");
        }

        HashSet<string> directories = ["data"];
        byte[] buffer = new byte[BufferBytes];
        foreach ((string path, string sha256) in run.PayloadSha256.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            run.Cancelled.ThrowIfCancellationRequested();
            for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
            {
                directories.Add(path[..slash]);
            }

            Compare(run, path, sha256, run.PayloadSha512.GetValueOrDefault(path), buffer);
        }

        FindUnlisted(run, directories);
        string oxum = string.Create(CultureInfo.InvariantCulture, $"{run.PayloadBytes}.{run.PayloadSha256.Count}");
        if (run.BagInfo.TryGetValue("Payload-Oxum", out string? stated) && stated != oxum)
        {
            run.Fail(Name, BundleLayout.BagInfo, $"Payload-Oxum is {DisplayText.Shorten(stated, 100)}, the payload has {oxum}");
        }

        return $"{run.PayloadSha256.Count} files, {run.PayloadBytes} bytes, SHA-256 and SHA-512";
    }

    private static void FindUnlisted(VerificationRun run, HashSet<string> directories)
    {
        foreach (TreeEntry entry in run.Entries.Values)
        {
            if (entry.Kind == TreeEntryKind.File && entry.Path.StartsWith(BundleLayout.DataPrefix, StringComparison.Ordinal)
                && !run.PayloadSha256.ContainsKey(entry.Path))
            {
                run.Fail(Name, entry.Path, "no manifest lists it");
            }

            if (entry.Kind == TreeEntryKind.Directory && entry.Path.StartsWith("data", StringComparison.Ordinal) && !directories.Contains(entry.Path))
            {
                run.Fail(Name, entry.Path, "no listed file is in this directory");
            }
        }
    }

    private static void Compare(VerificationRun run, string path, string sha256, string? sha512, byte[] buffer)
    {
        using FileStream? file = run.Tree.OpenRead(path);
        if (file is null)
        {
            run.Fail(Name, path, "a manifest lists it, and it is missing or no regular file");
            return;
        }

        // Where a chunk list is listed too, the item is stored as frames.
        string list = path + ItemName.ChunksSuffix;
        using FileStream? chunks = run.PayloadSha256.ContainsKey(list) ? run.Tree.OpenRead(list) : null;
        FrameFollower? frames = chunks is null ? null : new FrameFollower(chunks);
        long size = 0;
        using IncrementalHash hash256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash hash512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        try
        {
            for (int count = file.Read(buffer); count > 0; count = file.Read(buffer))
            {
                run.Cancelled.ThrowIfCancellationRequested();
                hash256.AppendData(buffer, 0, count);
                hash512.AppendData(buffer, 0, count);
                frames?.Feed(buffer.AsSpan(0, count));
                size += count;
                run.PayloadBytes += count;
                run.Options.Progress?.Report(run.PayloadBytes);
            }
        }
        catch (IOException failure)
        {
            run.Fail(Name, path, $"it cannot be read: {failure.Message}");
            return;
        }

        run.PayloadSizes[path] = size;
        frames?.End();
        if (frames?.Fault is string fault)
        {
            run.Fail(Frames, path, fault);
        }
        else if (frames is not null)
        {
            run.FramedContentBytes[path] = frames.RawBytes;
        }

        if (Convert.ToHexStringLower(hash256.GetHashAndReset()) != sha256)
        {
            run.Fail(Name, path, $"its SHA-256 is not the one in {BundleLayout.ManifestSha256}");
        }

        if (sha512 is not null && Convert.ToHexStringLower(hash512.GetHashAndReset()) != sha512)
        {
            run.Fail(Name, path, $"its SHA-512 is not the one in {BundleLayout.ManifestSha512}");
        }
    }
}
