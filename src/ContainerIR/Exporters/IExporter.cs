namespace ContainerIR.Exporters;

/// <summary>A form evidence is handed over in.</summary>
internal interface IExporter
{
    /// <summary>What it is asked for by: <c>mactime</c>, <c>stix</c> …</summary>
    string Name { get; }

    /// <summary>What it is, for the help and for the derived bag.</summary>
    string Description { get; }

    /// <summary>Writes the files of one bundle. It reads streams and holds no more than a row of them.</summary>
    /// <param name="bundle">A bundle that was verified.</param>
    /// <param name="folder">Where its files go.</param>
    /// <param name="ct">Cancels.</param>
    void Export(VerifiedBundle bundle, DerivedFolder folder, CancellationToken ct);
}
