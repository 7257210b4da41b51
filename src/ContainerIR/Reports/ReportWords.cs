using System.Globalization;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Reports;

/// <summary>Words a reader who does not know containers needs, and numbers as people read them.</summary>
internal static class ReportWords
{
    /// <summary>What a collector takes, in a sentence.</summary>
    public static string OfCollector(string name) => name switch
    {
        "host" => "The server itself: its clock, system version, accounts.",
        "events" => "What the container software reported: starts, stops, commands run inside.",
        "traffic" => "A short recording of network traffic.",
        "network" => "Open network connections and addresses.",
        "processes" => "Programs that were running.",
        "memory" => "Contents of the running programs' memory.",
        "logs" => "What the programs wrote as their output.",
        "rootfs-diff" => "Every file that was added, changed or deleted since the container was made.",
        "configuration" => "How the container was set up.",
        "image" => "The template the container was made from.",
        "layers" => "Whether the files of that template are still as they were built.",
        "mounts" => "Storage from outside that was attached to the container.",
        "tmpfs" => "Files that existed in memory only.",
        "volumes" => "The contents of storage that was attached.",
        "host-context" => "What happened around the container on the server: logins, scheduled jobs, the container software itself.",
        "packages" => "Installed software and its versions, and what of it was changed.",
        "secrets" => "Which passwords and keys lay within reach and are to be replaced; their values are masked.",
        _ => "",
    };

    /// <summary>Where the image it was built on ends, how sure that is, and why.</summary>
    public static string OfBase(ImageReport image) => image.Base.Layers == 0
        ? $"unknown ({image.Base.Why}): whose a layer is cannot be told"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{(image.Base.Names.Count > 0 ? string.Join(", ", image.Base.Names) : "an image this server does not have by name")}: the lowest {(image.Base.Layers == 1 ? "layer is" : $"{image.Base.Layers} layers are")} its own ({image.Base.Confidence}: {image.Base.Why}). What is above was added by whoever built the application.");

    /// <summary>Where a container was when it was copied.</summary>
    public static string OfPlace(BundleReport bundle) => bundle.Disk is null ? "on " + bundle.Host : $"from a disk, read on {bundle.Host}";

    /// <summary>What a verdict on a file means, in a sentence.</summary>
    public static string OfVerdict(string verdict) => verdict switch
    {
        "added" => "The template does not have it: it was put there while the container existed.",
        "modified" => "Its content is not what the template has.",
        "deleted" => "The template has it and it was removed.",
        "renamed" => "It was moved here from another place.",
        "metadata-only" => "Same content; owner, rights or times were changed.",
        "touched" => "Same content and same rights: it was written without a lasting change.",
        "whiteout-of-nothing" => "A mark of deletion where the template has nothing: made and deleted, or the mark is forged.",
        "mount-stub" => "An empty place where storage from outside was attached.",
        "unreadable" => "It is listed, but could not be examined.",
        _ => "Of a kind this version does not know.",
    };

    /// <summary>Text of the evidence, escaped for display and cut, the length said where it was.</summary>
    public static string Cut(string? text, int max = 400)
    {
        string shown = DisplayText.Escape(text is { Length: > 100_000 } ? text[..100_000] : text ?? "");
        return shown.Length <= max ? shown : string.Create(CultureInfo.InvariantCulture, $"{shown[..(char.IsHighSurrogate(shown[max - 1]) ? max - 1 : max)]}… ({text!.Length} characters)");
    }

    /// <summary>The same for what is in display form already.</summary>
    public static string CutShown(string shown, int max = 400) =>
        shown.Length <= max ? shown : string.Create(CultureInfo.InvariantCulture, $"{shown[..(char.IsHighSurrogate(shown[max - 1]) ? max - 1 : max)]}… ({shown.Length} characters)");

    /// <summary>A command, or what a program wrote, in display form: values of passwords are their lengths.</summary>
    public static string Command(string shown, int max = 400) => CutShown(SecretPatterns.Conceal(shown), max);

    /// <summary>An instant of RFC 3339 for a table: to the second. Anything else as it is.</summary>
    public static string Second(string at) => at.Length >= 20 && at[10] == 'T' ? at[..19].Replace('T', ' ') : at;

    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(long number, string noun) => $"{Number(number)} {noun}{(number == 1 ? "" : "s")}";

    public static string Instant(DateTimeOffset? at) => at is { } known ? known.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " UTC" : "unknown";

    public static string Day(DateTimeOffset? at) => at is { } known ? known.UtcDateTime.ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture) : "an unknown time";
}
