using System.CommandLine;
using ContainerIR.Cli.Output;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Extractions;

namespace ContainerIR.Cli.Commands;

/// <summary><c>cir bundle extract</c>: one item, or one entry of a tar in it, as a file.</summary>
internal static class BundleExtract
{
    private const string FrameSuffix = ".zst";

    public static Command Make(Surroundings surroundings)
    {
        Argument<string> bundle = Shared.Bundle();
        Argument<string> item = new("ITEM[/ENTRY]")
        {
            Description = "Path of an item, from data/ on; or that of a tar item, a slash, and an entry in it. A name that is no plain text is given as cir shows it.",
        };
        Option<string?> outFile = new("--out") { Description = "New file that gets the content; - for the standard output. Default: a name made here, never one found in evidence.", HelpName = "FILE" };
        Option<long?> maxBytes = new("--max-bytes") { Description = "Write no more than this. Default: 64 GiB.", HelpName = "N" };
        Option<bool> json = Shared.Json();
        Command command = new("extract", "Read one item, or one entry of a tar, out of a sealed bundle, decompressed and held against its digests.") { bundle, item, outFile, maxBytes, json };
        command.SetAction(async (parsed, ct) =>
        {
            ExtractionRequest request = new() { BundlePath = parsed.GetRequiredValue(bundle), Source = parsed.GetRequiredValue(item) };
            request = parsed.GetValue(maxBytes) is { } limit ? request with { MaxBytes = limit } : request;
            string file = parsed.GetValue(outFile) ?? NameFor(request.Source);
            if (file == "-" && (surroundings.OutWidth() is not null || parsed.GetValue(json)))
            {
                throw new OperatorException("Evidence is not written to a terminal, nor between JSON.", "Redirect the output, or name a file: --out FILE");
            }

            ExtractedContent content = file == "-" ? await ToOutputAsync(surroundings, request, ct) : await ToFileAsync(request, file, ct);
            if (content.Problem is { } problem)
            {
                surroundings.Say($"{DisplayText.Escape(request.Source)}: {DisplayText.Escape(problem)}.{(file == "-" ? " What was written is not evidence." : " Nothing was kept.")}");
                surroundings.Say($"What to do: see all that is wrong: cir verify {DisplayText.Escape(request.BundlePath)}");
                return ExitCode.VerificationFailed;
            }

            if (parsed.GetValue(json))
            {
                CliJson.Write(surroundings.Out, new ExtractedJson(content.ItemPath, content.Entry, Path.GetFullPath(file), content.SizeBytes, content.Sha256), CliJson.Default.ExtractedJson);
            }
            else
            {
                Action<string> print = file == "-" ? surroundings.Say : surroundings.Out.WriteLine;
                print($"{content.Sha256}  {(file == "-" ? "-" : DisplayText.Escape(Path.GetFullPath(file)))}");
                surroundings.Say($"{Quantities.Bytes(content.SizeBytes)} of {DisplayText.Escape(content.ItemPath)}{(content.Entry is null ? "" : $", entry {Cells.Safe(content.Entry)}")}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The item's own file name, which was generated; an entry's name was found in evidence and is not used.</summary>
    private static string NameFor(string source)
    {
        int end = source.IndexOf(".tar.zst/", StringComparison.Ordinal) is >= 0 and var framed ? framed + ".tar.zst".Length
            : source.IndexOf(".tar/", StringComparison.Ordinal) is >= 0 and var plain ? plain + ".tar".Length
            : source.Length;
        string name = Path.GetFileName(source[..end]);
        name = name.EndsWith(FrameSuffix, StringComparison.Ordinal) ? name[..^FrameSuffix.Length] : name;
        name = end < source.Length ? name + ".entry" : name;
        return name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') && name[0] is not ('.' or '-') ? name : "extracted";
    }

    private static async Task<ExtractedContent> ToOutputAsync(Surroundings surroundings, ExtractionRequest request, CancellationToken ct)
    {
        await using Stream output = surroundings.OpenOut();
        return await Extraction.RunAsync(request, output, ct);
    }

    private static async Task<ExtractedContent> ToFileAsync(ExtractionRequest request, string file, CancellationToken ct)
    {
        bool made = false, isGood = false;
        try
        {
            // CreateNew is O_CREAT | O_EXCL: what stands there, a dangling link too, is refused.
            await using FileStream stream = new(file, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            made = true;
            ExtractedContent content = await Extraction.RunAsync(request, stream, ct);
            isGood = content.Problem is null;
            return content;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{DisplayText.Escape(file)} cannot be written: {failure.Message}", "Choose a new file name in a directory you may write to: --out FILE", failure);
        }
        finally
        {
            if (made && !isGood)
            {
                File.Delete(file);
            }
        }
    }
}

/// <summary>What <c>cir bundle extract --json</c> prints.</summary>
internal sealed record ExtractedJson(string Item, string? Entry, string File, long SizeBytes, string Sha256);
