namespace ContainerIR.Rows;

/// <summary>The append-only timeline of a case, as far as a running playbook writes it.</summary>
internal interface IPlaybookTimeline
{
    /// <summary>
    /// Appends a row; it is on disk when this returns. A row whose run and seq stand there already is passed over when it is the same: after a crash the
    /// engine appends its last row again rather than lose it.
    /// </summary>
    /// <exception cref="ContainerIR.Evidence.OperatorException">The timeline cannot be written: the run stops before the next change.</exception>
    void Append(PlaybookEvent row);
}
