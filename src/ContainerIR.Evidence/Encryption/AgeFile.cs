namespace ContainerIR.Evidence.Encryption;

/// <summary>Files of age v1 (age-encryption.org/v1) for X25519 recipients: what <c>age</c> and <c>age -d</c> read and write. Memory does not grow with the file.</summary>
public static class AgeFile
{
    private const int CopyBytes = 128 * 1024;

    /// <summary>Encrypts a stream to its end. Neither stream is closed.</summary>
    /// <param name="plain">Read to its end.</param>
    /// <param name="encrypted">Receives the age file.</param>
    /// <param name="recipients">Each of them alone can open it; at least one.</param>
    /// <param name="ct">Leaves a file that every reader calls cut.</param>
    public static async Task EncryptAsync(Stream plain, Stream encrypted, IReadOnlyCollection<AgeRecipient> recipients, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(plain);
        ArgumentNullException.ThrowIfNull(encrypted);
        ArgumentNullException.ThrowIfNull(recipients);
        await using AgeEncryptStream stream = await AgeEncryptStream.CreateAsync(encrypted, recipients, ct);
        await plain.CopyToAsync(stream, CopyBytes, ct);
        await stream.CompleteAsync(ct);
    }

    /// <summary>Opens an age file: a stream of its content. The source is read forward only and not closed.</summary>
    /// <returns>A read-only stream whose reads throw <see cref="InvalidDataException"/> where the file was changed, reordered or cut.</returns>
    /// <exception cref="InvalidDataException">It is no age file, or its header was changed.</exception>
    /// <exception cref="OperatorException">None of the identities opens it.</exception>
    public static async Task<Stream> OpenAsync(Stream encrypted, IReadOnlyCollection<AgeIdentity> identities, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(encrypted);
        ArgumentNullException.ThrowIfNull(identities);
        return await AgeDecryptStream.OpenAsync(encrypted, identities, ct);
    }
}
