using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ContainerIR.Evidence;
using ContainerIR.Evidence.Text;
using ContainerIR.Exporters;

namespace ContainerIR.Reports;

/// <summary>A report that was written.</summary>
/// <param name="File">Where.</param>
/// <param name="Sha256">Its digest.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record WrittenReport(string File, string Sha256, long Bytes);

/// <summary>Makes a report of verified bundles in the form the file's name asks for.</summary>
internal static class ReportRun
{
    /// <summary>Whether there is a form for a file's name.</summary>
    /// <exception cref="OperatorException">There is none.</exception>
    public static void CheckName(string file) => _ = FormOf(file);

    /// <summary>Writes the file whole: it stands under its name when it is complete.</summary>
    /// <exception cref="OperatorException">It cannot be written.</exception>
    public static Task<WrittenReport> RunAsync(HandoutSource source, string file, string tool, TimeProvider clock, CancellationToken ct) => Task.Factory.StartNew(
        () =>
        {
            Func<ReportContent, string> form = FormOf(file);
            byte[] text = Encoding.UTF8.GetBytes(form(ReportReader.Read(source, tool, clock.GetUtcNow(), ct)));
            string path = Path.GetFullPath(file), partial = path + ".partial";
            try
            {
                using (FileStream stream = new(partial, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                {
                    stream.Write(text);
                    stream.Flush(flushToDisk: true);
                }

                File.Move(partial, path, overwrite: true);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new OperatorException($"{DisplayText.Escape(path)} cannot be written: {failure.Message}", "Choose a file in a directory you may write to with --out FILE.", failure);
            }

            return new WrittenReport(path, Convert.ToHexStringLower(SHA256.HashData(text)), text.Length);
        },
        ct,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private static Func<ReportContent, string> FormOf(string file) => Path.GetExtension(file).ToUpperInvariant() switch
    {
        ".HTML" or ".HTM" => HtmlReport.Write,
        ".MD" => MarkdownReport.Write,
        ".JSON" => content => JsonSerializer.Serialize(content, ReportJson.Default.ReportContent) + "\n",
        _ => throw new OperatorException($"{DisplayText.Shorten(file, 200)} says no form.", "End the file's name with .html, .md or .json"),
    };
}
