namespace ContainerIR.Cli.Screens;

/// <summary>What the console is started with: the same as the commands take.</summary>
/// <param name="Surroundings">The process.</param>
/// <param name="Endpoint">Endpoint of the engine; null to look for it.</param>
/// <param name="Home">Where cases and keys live; null for the usual place.</param>
/// <param name="PassphraseFile">File with the passphrase; null to ask.</param>
/// <param name="IsAscii">Whether only ASCII may be drawn.</param>
/// <param name="IsColourless">Whether NO_COLOR is set.</param>
internal sealed record ConsoleFacts(Surroundings Surroundings, string? Endpoint, string? Home, string? PassphraseFile, bool IsAscii, bool IsColourless);
