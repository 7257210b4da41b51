namespace ContainerIR.Reports;

/// <summary>What auditors look for, and what readers who know no containers need to read the rest.</summary>
internal static class Standards
{
    /// <summary>Outcomes of NIST CSF 2.0 that NIST SP 800-61r3 orders incident response by.</summary>
    public static IReadOnlyList<(string Id, string Asks, string ServedBy)> CsfOutcomes { get; } =
    [
        ("RS.AN-03", "Analysis establishes what took place and the root cause", "Programs, connections, changed files and their times (no judgement is made here)"),
        ("RS.AN-06", "Actions during an investigation are recorded; the records' integrity and provenance are preserved", "The journal of the acquisition, chained by digests and sealed; the records above"),
        ("RS.AN-07", "Incident data and metadata are collected; integrity and provenance are preserved", "What was taken, and what was not; digests of every piece; the signed root"),
        ("RS.AN-08", "An incident's magnitude is estimated and validated", "Counts of changed files and connections; peers on the public Internet"),
        ("RS.CO-03", "Information is shared with designated stakeholders", "This report, and exports that name the same signed root"),
    ];

    public static IReadOnlyList<(string Word, string Meaning)> Words { get; } =
    [
        ("Container", "A program together with all the files it needs, run apart from everything else on a server."),
        ("Image, template", "The fixed set of files a container is made from. Many containers can be made from one."),
        ("Bundle", "The folder with all evidence copied from one container at one time, sealed against change."),
        ("Digest, SHA-256", "A number computed from a file. Change one letter in the file and the number is another."),
        ("Seal", "A digital signature over the digests of everything in the bundle."),
        ("Journal", "The record of every step of the copying, each line tied to the one before it."),
        ("Collector", "The part of the program that copies one kind of evidence."),
        ("Gap", "Something that was sought and could not be copied, with the reason."),
        ("Process, program", "A program that is running. Each has a number and was started by another."),
        ("Port", "A number that tells apart the services at one network address."),
        ("UTC", "World time, the same everywhere."),
    ];
}
