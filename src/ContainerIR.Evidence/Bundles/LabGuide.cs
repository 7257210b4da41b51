namespace ContainerIR.Evidence.Bundles;

/// <summary>The two files that let a lab check a bundle without this program.</summary>
internal static class LabGuide
{
    public static byte[] Readme { get; } = Read("README.txt");

    public static byte[] VerifyScript { get; } = Read("verify.sh");

    private static byte[] Read(string name)
    {
        using Stream resource = typeof(LabGuide).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly");
        byte[] content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }
}
