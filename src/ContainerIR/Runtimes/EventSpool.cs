namespace ContainerIR.Runtimes;

/// <summary>A temporary file that no other process can name: removed from its directory as soon as it is open.</summary>
internal static class EventSpool
{
    /// <summary>Makes one.</summary>
    /// <exception cref="Evidence.OperatorException">The directory does not take it.</exception>
    public static FileStream Create(string directory)
    {
        string path = Path.Combine(directory, ".cir-spool-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(12)));
        try
        {
            FileStream spool = new(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
#pragma warning disable CA1416 // The product runs on Linux only.
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
#pragma warning restore CA1416
            });
            File.Delete(path);
            return spool;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new Evidence.OperatorException(
                $"No temporary file can be made in {Evidence.Text.DisplayText.Escape(directory)}: {failure.Message}",
                "Set TMPDIR to a directory that can be written and has 64 MiB free.",
                failure);
        }
    }
}
