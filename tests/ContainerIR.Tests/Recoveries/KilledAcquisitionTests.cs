using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Acquisitions;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Recoveries;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Items;
using Xunit;

namespace ContainerIR.Tests.Recoveries;

/// <summary>A writer in a process of its own, killed with SIGKILL; then, for some, damage as a failing disk does it. What is provable is told by code of its own.</summary>
public sealed class A_killed_acquisition
{
    private const int Kills = 100;

    private static readonly string Memory = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    [Fact]
    public async Task Is_recovered_to_exactly_its_provable_prefix_wherever_it_is_killed()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("CIR_SEED"), out int given) ? given : Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"CIR_SEED={seed}");
        int[] outcomes = new int[4];
        await Parallel.ForEachAsync(Enumerable.Range(0, Kills), new ParallelOptions { MaxDegreeOfParallelism = 3 }, async (i, _) =>
        {
            Random random = new(seed + i);
            try
            {
                Interlocked.Increment(ref outcomes[(int)await KillAndRecoverAsync(random, i)]);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"kill {i} with CIR_SEED={seed}: {failure.Message}", failure);
            }
        });

        // Otherwise the kills did not fall where this test means them to.
        Assert.True(outcomes[(int)Outcome.Recovered] + outcomes[(int)Outcome.CutShort] > Kills / 2, $"CIR_SEED={seed}: {string.Join(' ', outcomes)}");
        Assert.True(outcomes[(int)Outcome.CutShort] > Kills / 10, $"CIR_SEED={seed}: {string.Join(' ', outcomes)}");
    }

    private enum Outcome
    {
        /// <summary>Recovered; every item was closed.</summary>
        Recovered,

        /// <summary>Recovered, and something was salvaged or lost.</summary>
        CutShort,

        /// <summary>It had been sealed before the kill.</summary>
        Sealed,

        /// <summary>Damage took the first line of the journal: nothing can be proven.</summary>
        Nothing,
    }

    private static async Task<Outcome> KillAndRecoverAsync(Random random, int i)
    {
        string folder = Path.Combine(Memory, $"cir-kill-{Environment.ProcessId}-{i}");
        Directory.CreateDirectory(folder);
        try
        {
            int sealAfter = i % 4 == 3 ? random.Next(1, 5) : 0;
            using (Process writer = DyingWriter.Start(folder, sealAfter))
            {
                // Some items are waited for, so that the kills fall all over a bundle and not all into its first milliseconds; then a random while.
                for (int items = random.Next(sealAfter > 0 ? sealAfter + 1 : 12); items > 0; items--)
                {
                    await writer.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
                }

                long until = Stopwatch.GetTimestamp() + (long)(random.NextDouble() * 0.04 * Stopwatch.Frequency);
                SpinWait.SpinUntil(() => Stopwatch.GetTimestamp() >= until);
                writer.Kill();
                await writer.WaitForExitAsync();
            }

            string bundle = Path.Combine(folder, "EV-x");
            if (File.Exists(Path.Combine(bundle, BundleLayout.TagManifest)))
            {
                await MustVerifyAsync(bundle);
                return Outcome.Sealed;
            }

            if (i % 3 == 1)
            {
                Damage(bundle, random);
            }

            ProvablePrefix? provable = ProvablePrefix.Of(bundle);
            RecoveredBundle recovered;
            try
            {
                recovered = await BundleRecovery.RecoverAsync(
                    bundle, SomeBundle.Identity, new RecoveryOptions { Agent = "cir 0.1.0", MakeFrameDecoder = () => new ZstdFrameDecoder() }, CancellationToken.None);
            }
            catch (OperatorException) when (provable is null)
            {
                return Outcome.Nothing;
            }

            await MustVerifyAsync(bundle);
            Compare(bundle, provable!, recovered);
            return recovered.Salvaged.Count + recovered.Lost.Count > 0 ? Outcome.CutShort : Outcome.Recovered;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>One to three files are cut, have a range of zeros, or have a bit flipped.</summary>
    private static void Damage(string bundle, Random random)
    {
        string[] files = [.. Directory.EnumerateFiles(bundle, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0).Order(StringComparer.Ordinal)];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            string file = files[random.Next(files.Length)];
            byte[] bytes = File.ReadAllBytes(file);
            if (bytes.Length == 0)
            {
                continue;
            }

            int at = random.Next(bytes.Length);
            if (file.EndsWith("journal.jsonl", StringComparison.Ordinal))
            {
                // The last whole line has no later one to vouch for it: damage inside it cannot be seen, which docs/evidence-format.md says.
                int last = bytes.AsSpan(0, bytes.AsSpan().LastIndexOf((byte)'\n') is var end and > 0 ? end : 0).LastIndexOf((byte)'\n');
                if (at > last)
                {
                    continue;
                }
            }

            switch (random.Next(3))
            {
                case 0:
                    bytes = bytes[..at];
                    break;
                case 1:
                    bytes.AsSpan(at, Math.Min(4096, bytes.Length - at)).Clear();
                    break;
                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }

            File.WriteAllBytes(file, bytes);
        }
    }

    private static void Compare(string bundle, ProvablePrefix provable, RecoveredBundle recovered)
    {
        Assert.Equal(provable.RawBytes.Keys.Order(StringComparer.Ordinal), recovered.Bundle.Items.Select(item => item.Path).Order(StringComparer.Ordinal));
        using TemporaryFolder own = new();
        foreach (EvidenceItem item in recovered.Bundle.Items)
        {
            byte[] content = DyingWriter.Content(item.Path);
            bool isWhole = provable.Whole.Contains(item.Path);
            long expected = provable.RawBytes[item.Path];
            Assert.Equal((item.Path, expected), (item.Path, item.RawBytes));
            Assert.Equal(isWhole ? ItemStatus.Complete : expected > 0 ? ItemStatus.TruncatedSalvaged : ItemStatus.Lost, item.Status);
            string file = Path.Combine(bundle, item.Path);
            Assert.Equal(item.Status != ItemStatus.Lost, File.Exists(file));
            if (item.Status == ItemStatus.Lost)
            {
                continue;
            }

            byte[] kept = item.Path.EndsWith(".zst", StringComparison.Ordinal) ? An_item.Decompress(own, file) : File.ReadAllBytes(file);
            Assert.True(kept.AsSpan().SequenceEqual(content.AsSpan(0, (int)item.RawBytes)), $"{item.Path} has a byte that was never written");
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(kept)), item.RawSha256);
        }

        // What was lost is told: by the result, and in the bundle.
        foreach (EvidenceItem item in recovered.Salvaged.Concat(recovered.Lost))
        {
            Assert.Contains(recovered.Bundle.Gaps, gap => gap.Sought == item.Source && gap.Reason.Contains("interrupted", StringComparison.Ordinal));
        }
    }

    private static async Task MustVerifyAsync(string path)
    {
        VerificationReport report = await BundleVerifier.VerifyAsync(path, new(), CancellationToken.None);
        Assert.True(report.Verdict == Verdict.Verified, string.Join('\n', report.Failures));
    }

    /// <summary>What an unsealed bundle proves, told without any code of the product.</summary>
    private sealed class ProvablePrefix
    {
        public Dictionary<string, long> RawBytes { get; } = [];

        public HashSet<string> Whole { get; } = [];

        public static ProvablePrefix? Of(string bundle)
        {
            ProvablePrefix found = new();
            Dictionary<string, string> closed = [];
            List<JsonElement> lines = ProvenLines(File.ReadAllBytes(Path.Combine(bundle, "journal.jsonl")));
            foreach (JsonElement line in lines)
            {
                JsonElement fields = line.GetProperty("fields");
                switch (line.GetProperty("event").GetString())
                {
                    case "item.open":
                        found.RawBytes[fields.GetProperty("path").GetString()!] = 0;
                        break;
                    case "item.close":
                        closed[fields.GetProperty("item").GetProperty("path").GetString()!] = fields.GetProperty("item").GetProperty("sha256").GetString()!;
                        break;
                }
            }

            foreach (string path in found.RawBytes.Keys)
            {
                string file = Path.Combine(bundle, path);
                if (closed.TryGetValue(path, out string? sha256) && File.Exists(file) && Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))) == sha256)
                {
                    found.Whole.Add(path);
                    found.RawBytes[path] = DyingWriter.Content(path).Length;
                }
                else if (path.EndsWith(".zst", StringComparison.Ordinal))
                {
                    found.RawBytes[path] = Frames(File.Exists(file + ".partial") ? file + ".partial" : file, file + ".chunks.jsonl");
                }
            }

            return lines.Count == 0 ? null : found;
        }

        /// <summary>Each line is vouched for by the next; where a whole line does not fit, nothing vouches for the one before it.</summary>
        private static List<JsonElement> ProvenLines(byte[] journal)
        {
            List<JsonElement> lines = [];
            string prev = new('0', 64);
            for (int start = 0, end; (end = Array.IndexOf(journal, (byte)'\n', start)) >= 0; start = end + 1)
            {
                JsonElement? line = Parse(journal[start..end]);
                if (line?.GetProperty("prev").GetString() != prev || line?.GetProperty("seq").GetInt64() != lines.Count)
                {
                    return lines.Count == 0 ? [] : lines[..^1];
                }

                prev = Convert.ToHexStringLower(SHA256.HashData(journal.AsSpan(start, end + 1 - start)));
                lines.Add(line!.Value);
            }

            return lines;
        }

        private static JsonElement? Parse(byte[] line)
        {
            try
            {
                JsonElement root = JsonDocument.Parse(line).RootElement;
                _ = root.GetProperty("seq").GetInt64();
                _ = root.GetProperty("prev").GetString();
                _ = DateTimeOffset.Parse(root.GetProperty("time").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
                _ = root.GetProperty("mono_ns").GetInt64();
                _ = root.GetProperty("event").GetString();
                _ = root.GetProperty("fields").GetRawText();
                return line.All(b => b is >= 0x20 and < 0x7f) ? root : null;
            }
            catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                return null;
            }
        }

        private static long Frames(string payload, string chunks)
        {
            if (!File.Exists(payload) || !File.Exists(chunks))
            {
                return 0;
            }

            byte[] bytes = File.ReadAllBytes(payload);
            string list = Encoding.Latin1.GetString(File.ReadAllBytes(chunks));
            (long raw, int offset) = (0, 0);
            foreach (string line in list.Split('\n')[..^1])
            {
                try
                {
                    JsonElement chunk = JsonDocument.Parse(line).RootElement;
                    int length = chunk.GetProperty("len").GetInt32();
                    if (chunk.GetProperty("off").GetInt64() != offset || chunk.GetProperty("raw_off").GetInt64() != raw || length > bytes.Length - offset
                        || Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(offset, length))) != chunk.GetProperty("sha256").GetString())
                    {
                        break;
                    }

                    // A flipped bit in the list's own raw digest or raw length disproves the frame too.
                    byte[] content = DyingWriter.Content("data/0001-files/" + Path.GetFileName(chunks)[..^".chunks.jsonl".Length]);
                    int rawLength = chunk.GetProperty("raw_len").GetInt32();
                    if (rawLength != Math.Min(FramePool.ChunkBytes, content.Length - raw)
                        || Convert.ToHexStringLower(SHA256.HashData(content.AsSpan((int)raw, rawLength))) != chunk.GetProperty("raw_sha256").GetString()
                        || chunk.GetProperty("i").GetInt32() != raw / FramePool.ChunkBytes)
                    {
                        break;
                    }

                    (raw, offset) = (raw + rawLength, offset + length);
                }
                catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentOutOfRangeException)
                {
                    break;
                }
            }

            return raw;
        }
    }
}
