using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Bundles;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Journals;
using ContainerIR.Evidence.Keys;
using ContainerIR.Evidence.Seals;
using ContainerIR.Evidence.Time;
using ContainerIR.Evidence.Transport;
using ContainerIR.Evidence.Verification;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using ContainerIR.Tests.Transport;
using Xunit;

namespace ContainerIR.Tests.Verification;

/// <summary>
/// Bundles and parts of them with a few bytes changed at random: no crash, no hang, no growth, no false "verified". CIR_FUZZ says how many
/// (tests/fuzz.sh: 100,000 and more), CIR_SEED repeats a run.
/// </summary>
public sealed class Mutated_evidence
{
    private static readonly int Count = int.TryParse(Environment.GetEnvironmentVariable("CIR_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : 6_000;
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("CIR_SEED"), out int seed) ? seed : Random.Shared.Next(int.MaxValue / 2);
    private static readonly string Memory = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
    private static readonly string[] Vectors = ["good", "good-stamped", "good-witness", "good-pq", "good-recovered", "good-stamped-journal"];

    private long slowest;
    private int resealedVerified;

    [Fact]
    public async Task Is_never_verified_unless_every_byte_is_the_same()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(worker => Task.Run(() => MutateBundles(worker))));
        Assert.True(slowest < TimeSpan.FromSeconds(20).Ticks, $"the slowest took {TimeSpan.FromTicks(slowest)}, CIR_SEED={Seed}");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        // Other tests of the same process hold memory too, about 100 MB at most; 100,000 mutations (tests/fuzz.sh) run alone.
        Assert.True(grown < 256 * 1024 * 1024, $"{grown} bytes more are held after {Count} bundles");
        Console.Error.WriteLine($"{Count} mutated bundles in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s, slowest {TimeSpan.FromTicks(slowest).TotalMilliseconds:0} ms, {resealedVerified} signed again, CIR_SEED={Seed}");
    }

    [Fact]
    public async Task Never_breaks_the_readers_of_its_parts()
    {
        string good = Path.Combine(Repository.Root, "tests", "vectors", "good-stamped", "bundle");
        string pq = Path.Combine(Repository.Root, "tests", "vectors", "good-pq", "bundle");
        byte[] root = File.ReadAllBytes(Path.Combine(good, BundleLayout.TagManifest));
        byte[] signature = File.ReadAllBytes(Path.Combine(good, BundleLayout.ResponderSignature));
        byte[] token = File.ReadAllBytes(Path.Combine(good, BundleLayout.ResponderToken));
        byte[] mlDsa = File.ReadAllBytes(Path.Combine(pq, MlDsaSignature.BundlePath));
        byte[] pqRoot = File.ReadAllBytes(Path.Combine(pq, BundleLayout.TagManifest));
        byte[] note = File.ReadAllBytes(Path.Combine(good, BundleLayout.Checkpoint));
        string key = File.ReadAllText(Path.Combine(good, BundleLayout.CheckpointKey));
        byte[] chunk = File.ReadAllBytes(Path.Combine(good, ForgedBundle.Chunks));
        byte[] frames = File.ReadAllBytes(Path.Combine(good, ForgedBundle.Framed));
        byte[] line = Encoding.ASCII.GetBytes(File.ReadLines(Path.Combine(good, BundleLayout.Journal)).ElementAt(3));
        byte[] certificates = File.ReadAllBytes(Path.Combine(good, BundleLayout.Certificates));
        (byte[] Good, Action<byte[]> Read)[] readers =
        [
            (signature, bytes => CadesSignature.Verify(bytes, root)),
            (token, bytes => TimestampToken.Verify(bytes, SHA256.HashData(signature))),
            (mlDsa, bytes => MlDsaSignature.Verify(bytes, pqRoot)),
            (note, bytes => Checkpoint.Verify(Encoding.UTF8.GetString(bytes), key)),
            (chunk, bytes => ThrowIfNull(ChunkRecord.Parse(bytes.AsMemory(0, Math.Max(0, bytes.Length - 1))) is ChunkRecord read && read.ToLine().AsSpan().SequenceEqual(bytes))),
            (frames, bytes => SeekTable.Read(new MemoryStream(bytes))),
            (frames[..275], bytes => ZstdFrame.ContentBytes(bytes)),
            (line, bytes => JournalFormat.Parse(bytes, "")),
            (certificates, bytes => CertificateFile.Read(Encoding.UTF8.GetString(bytes))),
        ];
        Random random = new(Seed);
        for (int i = 0; i < Count * 5; i++)
        {
            (byte[] original, Action<byte[]> read) = readers[i % readers.Length];
            byte[] bytes = Mutate(original, random);
            try
            {
                read(bytes);

                // The first four are signed: what they take is what was signed.
                Assert.True(i % readers.Length >= 4 || bytes.AsSpan().SequenceEqual(original) || i % readers.Length is 1 or 2, $"reader {i % readers.Length} takes a change, CIR_SEED={Seed}");
            }
            catch (FormatException)
            {
            }
            catch (Exception failure) when (failure is not Xunit.Sdk.XunitException)
            {
                throw new InvalidOperationException($"reader {i % readers.Length}, mutation {i}, CIR_SEED={Seed}: {failure.Message}", failure);
            }
        }

        await MutatePartsAsync(random);
    }

    private static void ThrowIfNull(bool good)
    {
        if (!good)
        {
            throw new FormatException("no chunk record");
        }
    }

    private void MutateBundles(int worker)
    {
        Random random = new(Seed + worker);
        string folder = Path.Combine(Memory, $"cir-fuzz-{Environment.ProcessId}-{worker}");
        try
        {
            foreach (string vector in Vectors)
            {
                Directory.CreateDirectory(folder);
                RealEngine.Run("cp", "-a", Path.Combine(Repository.Root, "tests", "vectors", vector, "bundle"), Path.Combine(folder, vector));
            }

            for (int i = worker; i < Count; i += 2)
            {
                MutateOne(Path.Combine(folder, Vectors[random.Next(Vectors.Length)]), random, i);
            }
        }
        finally
        {
            RealEngine.Run("rm", "-rf", folder);
        }
    }

    private void MutateOne(string bundle, Random random, int i)
    {
        string[] files = [.. Directory.EnumerateFiles(bundle, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string file = files[random.Next(files.Length)];
        byte[] good = File.ReadAllBytes(file);
        byte[] bad = Mutate(good, random);

        // In every eighth the root is signed again, so that the change is judged for itself: then only the reading is looked at.
        bool isResealed = i % 8 == 7 && !file.Contains("/seal/", StringComparison.Ordinal) && !file.EndsWith(BundleLayout.TagManifest, StringComparison.Ordinal);
        string[] signed = [BundleLayout.TagManifest, BundleLayout.ResponderSignature, BundleLayout.Certificates];
        byte[][] kept = isResealed ? [.. signed.Select(name => File.ReadAllBytes(Path.Combine(bundle, name)))] : [];
        File.WriteAllBytes(file, bad);
        try
        {
            if (isResealed)
            {
                new ForgedBundle(bundle).SignRoot();
                resealedVerified++;
            }

            long started = Stopwatch.GetTimestamp();
            VerificationReport report = BundleVerifier.VerifyAsync(bundle, new VerifyOptions(), CancellationToken.None).GetAwaiter().GetResult();
            slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(started).Ticks);
            bool isSame = good.AsSpan().SequenceEqual(bad);

            // CMS leaves parts of these two unsigned (certificates beside the one that counts, unsigned attributes): a change there proves nothing less.
            bool hasUnsignedParts = file.EndsWith(".tsr", StringComparison.Ordinal) || file.EndsWith(".mldsa65.p7s", StringComparison.Ordinal);
            if (!isResealed && (report.Verdict == Verdict.Verified) != isSame && !(hasUnsignedParts && report.Verdict == Verdict.Verified))
            {
                throw new InvalidOperationException($"it says {report.Verdict}");
            }

            if (report.Verdict == Verdict.Verified != (report.Failures.Count == 0))
            {
                throw new InvalidOperationException($"{report.Verdict} with {report.Failures.Count} failures");
            }
        }
        catch (Exception failure)
        {
            string saved = Path.Combine(Path.GetTempPath(), $"cir-fuzz-{Seed}-{i}");
            File.WriteAllBytes(saved, bad);
            throw new InvalidOperationException($"mutation {i} of {Path.GetRelativePath(bundle, file)} ({Path.GetFileName(bundle)}), CIR_SEED={Seed}, kept in {saved}: {failure.Message}", failure);
        }
        finally
        {
            File.WriteAllBytes(file, good);
            for (int kind = 0; kind < kept.Length; kind++)
            {
                File.WriteAllBytes(Path.Combine(bundle, signed[kind]), kept[kind]);
            }
        }
    }

    /// <summary>The tar of a bundle, changed, in parts whose list fits: it is unpacked or refused, and nothing is outside its folder.</summary>
    private static async Task MutatePartsAsync(Random random)
    {
        using TemporaryFolder folder = new();
        (string bundle, PackedBundle packed) = await SomeTransport.PackAsync(folder);
        string name = Path.GetFileName(bundle);
        byte[] tar = [.. packed.PartPaths.SelectMany(File.ReadAllBytes)];
        for (int i = 0; i < Count / 20; i++)
        {
            using TemporaryFolder own = new();
            string parts = SomeTransport.WriteParts(own, name, Mutate(tar, random));
            string output = Path.Combine(own.Path, "out");
            try
            {
                string unpacked = await BundleUnpacker.UnpackAsync(parts, output, [], CancellationToken.None);
                Assert.Equal(Path.Combine(output, name), unpacked);
            }
            catch (OperatorException)
            {
            }

            Assert.Equal(["hostile", "out"], Directory.EnumerateFileSystemEntries(own.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
    }

    /// <summary>One to three changes: a bit, a byte, a length that lies, a stretch taken out, doubled, made zero, brought from elsewhere, or the end cut off.</summary>
    private static byte[] Mutate(byte[] good, Random random)
    {
        List<byte> bytes = [.. good];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count + 1);
            int length = Math.Min(random.Next(1, 1 << random.Next(1, 9)), bytes.Count - at);
            switch (random.Next(9))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = ((byte[])[0x00, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF, (byte)'\n', (byte)'"', (byte)'{'])[random.Next(10)];
                    break;
                case 3:
                    bytes.RemoveRange(at, length);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 5:
                    for (int i = at; i < at + length; i++)
                    {
                        bytes[i] = 0;
                    }

                    break;
                case 6:
                    int from = random.Next(bytes.Count - length + 1);
                    byte[] stretch = [.. bytes.GetRange(from, length)];
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, stretch);
                    break;
                case 7:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    byte[] noise = new byte[random.Next(1, 40)];
                    random.NextBytes(noise);
                    bytes.InsertRange(at, noise);
                    break;
            }
        }

        return [.. bytes];
    }
}
