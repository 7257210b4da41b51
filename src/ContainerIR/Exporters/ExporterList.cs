namespace ContainerIR.Exporters;

/// <summary>All formats. A new one is one file and one line here.</summary>
internal static class ExporterList
{
    public static IReadOnlyList<IExporter> All { get; } =
    [
        new MactimeExporter(),
        new TimesketchCsvExporter(),
        new TimesketchJsonExporter(),
        new PlasoExporter(),
        new CaseUcoExporter(),
        new StixExporter(),
        new EcsExporter(),
        new OcsfExporter(),
        new SarifExporter(),
        new CycloneDxExporter(),
        new OciExporter(),
        new TarExporter(),
    ];
}
