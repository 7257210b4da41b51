using System.CommandLine;
using ContainerIR.Acquisitions;
using ContainerIR.Cases;
using ContainerIR.Cli.Output;
using ContainerIR.Collectors;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Items;
using ContainerIR.Evidence.Text;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir acquire</c>: one container becomes one sealed, verifiable, indexed bundle.</summary>
internal static class AcquireCommand
{
    private const int MaxGapsShown = 20;

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> container = new("CONTAINER") { Description = "Id, unique prefix of an id, or name." };
        Option<string> caseId = new("--case") { Description = "Case the bundle belongs to; opened when it does not exist.", HelpName = "ID", Required = true };
        Option<string> profile = new("--profile")
        {
            Description = "triage: volatile state and metadata, no file bytes. standard: plus logs, changed files, executables. full: plus memory, traffic, volumes, image.",
            HelpName = "triage|standard|full",
            DefaultValueFactory = _ => "standard",
        };
        profile.AcceptOnlyFromAmong("triage", "standard", "full");
        Option<string?> outDirectory = new("--out") { Description = "Directory that gets the bundle. Default: the case's own folder.", HelpName = "DIR" };
        Option<string[]> skip = new("--skip") { Description = "Collector to leave out; may be given several times.", HelpName = "NAME" };
        Option<bool> imageLayers = new("--image-layers") { Description = "Copy the image's layers too, as an OCI layout by digest (in profile full they are)." };
        Option<string[]> imageKeys = new("--image-key")
        {
            Description = "PEM file with a public key or certificate to verify the image's signatures with (cosign, notation); may be given several times.",
            HelpName = "FILE",
        };
        Option<string[]> imageSignatures = new("--image-signatures")
        {
            Description = "OCI layout with signatures of the image that were fetched from its registry: Docker keeps none. May be given several times.",
            HelpName = "DIR",
        };
        VolatileOptions volatileOptions = new();
        Option<string> compress = new("--compress")
        {
            Description = "auto: what gets smaller. none: fastest. zstd: always. Items are zstd files in any case.",
            HelpName = "auto|none|zstd",
            DefaultValueFactory = _ => "auto",
        };
        compress.AcceptOnlyFromAmong("auto", "none", "zstd");
        Option<string[]> mounts = new("--mount")
        {
            Description = "Volume or bind mount to copy, by its place in the container: in any profile, also where it is a directory of the host system. Several times for several; others are left out.",
            HelpName = "PATH",
        };
        Option<string?> examiner = Shared.Examiner();
        Option<string?> reason = Shared.Reason();
        Option<string?> endpoint = Shared.Endpoint();
        Option<string?> root = Shared.Root();
        Option<string?> home = Shared.Home();
        Option<string?> passphraseFile = Shared.PassphraseFile();
        Option<bool> json = Shared.Json();
        SealingOptions sealing = new(surroundings, home, passphraseFile);
        Command command = new("acquire", "Copy the evidence of a container, most volatile first, and seal it in a bundle.")
        {
            container, caseId, profile, outDirectory, skip, mounts, imageLayers, imageKeys, imageSignatures, compress, examiner, reason, endpoint, root, home, passphraseFile, json,
        };
        volatileOptions.AddTo(command);
        sealing.AddTo(command);
        command.SetAction((parsed, ct) =>
        {
            AcquisitionRequest request = new()
            {
                Container = parsed.GetRequiredValue(container),
                CaseId = CaseId.Check(parsed.GetRequiredValue(caseId)),
                Profile = Enum.Parse<Profile>(parsed.GetRequiredValue(profile), ignoreCase: true),
                Choices = volatileOptions.Read(parsed),
                Skip = CheckSkip(parsed.GetValue(skip) ?? []),
                ImageLayers = parsed.GetValue(imageLayers),
                ImageKeys = parsed.GetValue(imageKeys) ?? [],
                ImageSignatures = [.. (parsed.GetValue(imageSignatures) ?? []).Select(Path.GetFullPath)],
                Compression = Enum.Parse<Compression>(parsed.GetRequiredValue(compress), ignoreCase: true),
                Mounts = parsed.GetValue(mounts) ?? [],
                OutDirectory = parsed.GetValue(outDirectory) is { Length: > 0 } directory ? Path.GetFullPath(directory) : null,
                Examiner = parsed.GetValue(examiner),
                Reason = parsed.GetValue(reason),
                Endpoint = parsed.GetValue(endpoint),
                Root = parsed.GetValue(root) is { Length: > 0 } data ? Path.GetFullPath(data) : null,
            };
            Passphrases passphrases = new(surroundings, parsed.GetValue(passphraseFile));
            AcquisitionParts parts = new(surroundings.Home(parsed.GetValue(home)), passphrases.Read, surroundings.Clock) { Seal = sealing.Read(parsed, passphrases) };
            return RunAsync(surroundings, request, parts, passphrases, parsed.GetValue(json), ct);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        Surroundings surroundings, AcquisitionRequest request, AcquisitionParts parts, Passphrases passphrases, bool json, CancellationToken ct)
    {
        BundlePathSeen seen = new();
        AcquisitionResult result;
        try
        {
            using ProgressLine? live = surroundings.ErrorWidth() is null ? null : new ProgressLine(surroundings.Error, surroundings.ErrorWidth, surroundings.Clock);
            seen.Next = live ?? (IProgress<AcquisitionProgress>)new PlainProgress(surroundings.Say);
            result = await AcquireAsync(surroundings, request, parts, passphrases, seen, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            surroundings.Say("Interrupted. The journal is closed; nothing runs on.");
            SayHowToRecover(surroundings, seen.BundlePath);
            return ExitCode.Interrupted;
        }
        catch (BundleWriteException failure)
        {
            surroundings.Say($"The bundle could not be written: {DisplayText.Escape(failure.Message)}");
            SayHowToRecover(surroundings, seen.BundlePath);
            return ExitCode.BundleWriteFailed;
        }

        if (json)
        {
            CliJson.Write(surroundings.Out, AcquisitionJson.From(result), CliJson.Default.AcquisitionJson);
        }
        else
        {
            Print(surroundings.Out, result);
        }

        return result.Gaps.Count == 0 && result.TimestampFault is null ? ExitCode.Success : ExitCode.SealedWithGaps;
    }

    /// <summary>What <c>cir acquire</c> and the console both do: rights, what an earlier run left, key and case on first use, then the acquisition.</summary>
    public static Task<AcquisitionResult> AcquireAsync(
        Surroundings surroundings, AcquisitionRequest request, AcquisitionParts parts, Passphrases passphrases, IProgress<AcquisitionProgress> progress, CancellationToken ct)
    {
        if (!surroundings.IsRoot)
        {
            throw new OperatorException(
                "Acquiring needs root: sockets, processes and changed files are read from the host's side, which the kernel allows nobody else.",
                "sudo cir acquire … (the same command); cir doctor says what works without.");
        }

        LeftFrozen.Repair(surroundings);
        if (parts.Seal.Identity is null)
        {
            ResponderKeys.MakeOnFirstUse(surroundings, parts.Home, request.Examiner, passphrases);
        }

        OpenCase(surroundings, request, parts);
        return surroundings.Acquire(request, parts, progress, ct);
    }

    private static void OpenCase(Surroundings surroundings, AcquisitionRequest request, AcquisitionParts parts)
    {
        (CaseStore opened, bool isNew) = CaseStore.OpenOrCreate(parts.Home, request.CaseId, new CaseFacts(request.Examiner, request.Reason), parts.Clock);
        using (opened)
        {
            if (isNew)
            {
                surroundings.Say($"Case {opened.Id} is new: opened in {DisplayText.Escape(opened.Folder)}");
            }
        }
    }

    private static string[] CheckSkip(string[] names)
    {
        string[] known = [.. CollectorList.All.Select(entry => entry.Name)];
        return names.FirstOrDefault(name => !known.Contains(name)) is { } unknown
            ? throw new OperatorException($"There is no collector '{DisplayText.Shorten(unknown, 60)}' to skip.", $"The collectors are: {string.Join(", ", known)}")
            : names;
    }

    private static void SayHowToRecover(Surroundings surroundings, string? bundlePath)
    {
        if (bundlePath is null)
        {
            surroundings.Say("No bundle was begun. What to do: run the same command again.");
            return;
        }

        string path = DisplayText.Escape(bundlePath);
        surroundings.Say($"The unsealed bundle stays in {path}");
        surroundings.Say($"What to do: seal what is provable of it: cir bundle recover {path}");
        surroundings.Say("            and acquire again while the container is there: the same command makes a new bundle.");
    }

    private static void Print(TextWriter writer, AcquisitionResult result)
    {
        long raw = result.Items.Sum(item => item.RawBytes);
        long stored = result.Items.Sum(item => item.StoredBytes);
        string path = DisplayText.Escape(result.BundlePath);
        writer.WriteLine();
        writer.WriteLine($"Sealed   {path}");
        writer.WriteLine($"Root     sha256 {result.RootSha256}");
        writer.WriteLine($"Items    {result.Items.Count}, {Quantities.Bytes(raw)} read, {Quantities.Bytes(stored)} stored, in {Quantities.Elapsed(result.Duration)}");
        foreach (EvidenceItem item in result.Items.Where(item => item.Status != ItemStatus.Complete))
        {
            writer.WriteLine($"         {item.Path}: {item.Status.ToString().ToLowerInvariant()}: {Cells.Fit(item.Error ?? "no reason given", 300)}");
        }

        writer.WriteLine($"Gaps     {(result.Gaps.Count == 0 ? "none" : result.Gaps.Count)}");
        foreach (Gap gap in result.Gaps.Take(MaxGapsShown))
        {
            writer.WriteLine($"         {gap.Collector}: {Cells.Fit(gap.Sought, 200)}: {Cells.Fit(gap.Reason, 300)}");
        }

        if (result.Gaps.Count > MaxGapsShown)
        {
            writer.WriteLine($"         … {result.Gaps.Count - MaxGapsShown} more: cir case show {result.CaseId}");
        }

        if (result.TimestampFault is { } fault)
        {
            writer.WriteLine($"Time     no token over the signature: {Cells.Safe(DisplayText.Escape(fault))}");
        }

        if (result.IndexProblem is { } problem)
        {
            writer.WriteLine($"Index    not filled: {Cells.Safe(problem)}");
        }

        writer.WriteLine();
        writer.WriteLine("Next     Write the root digest down where this host cannot change it. Then:");
        writer.WriteLine($"         cir case show {result.CaseId}");
        writer.WriteLine($"         cir verify {path}");
    }

    // Remembers where the bundle is, for the words after an interruption, and passes the report on.
    private sealed class BundlePathSeen : IProgress<AcquisitionProgress>
    {
        public IProgress<AcquisitionProgress>? Next { get; set; }

        public string? BundlePath { get; private set; }

        public void Report(AcquisitionProgress value)
        {
            BundlePath = value.BundlePath ?? BundlePath;
            Next?.Report(value);
        }
    }
}
