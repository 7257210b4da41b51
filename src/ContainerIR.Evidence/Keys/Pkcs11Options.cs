namespace ContainerIR.Evidence.Keys;

/// <summary>Which key of which token.</summary>
/// <param name="ModulePath">The PKCS#11 module of the token's maker, an absolute path.</param>
/// <param name="TokenLabel">Label of the token; null where only one is plugged in.</param>
/// <param name="KeyId">CKA_ID of key and certificate, hexadecimal.</param>
public sealed record Pkcs11Options(string ModulePath, string? TokenLabel, string KeyId)
{
    /// <summary>OpenSC's pkcs11-tool.</summary>
    public string ToolPath { get; init; } = "pkcs11-tool";

    /// <summary>How long the tool may take: tokens are slow, and a person may have to touch one.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);
}
