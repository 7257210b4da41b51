namespace ContainerIR.Cli;

/// <summary>What this program is.</summary>
internal static class Product
{
    public static string Version { get; } = typeof(Product).Assembly.GetName().Version!.ToString(fieldCount: 3);
}
