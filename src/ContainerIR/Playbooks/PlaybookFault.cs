using ContainerIR.Evidence;

namespace ContainerIR.Playbooks;

/// <summary>Something wrong in a playbook's file.</summary>
/// <param name="Line">Line, from 1; 0 where a file has none (JSON).</param>
/// <param name="Column">Column, from 1; 0 where a file has none.</param>
/// <param name="Problem">What is wrong and what would be right, display form.</param>
internal sealed record PlaybookFault(int Line, int Column, string Problem)
{
    /// <summary>As compilers write it: editors jump to it.</summary>
    public string At(string file) => Line == 0 ? $"{file}: {Problem}" : $"{file}:{Line}:{Column}: {Problem}";

    /// <summary>The faults of a file as one problem for the operator.</summary>
    public static OperatorException Refuse(string file, IReadOnlyList<PlaybookFault> faults) => new(
        $"{file} is no playbook that can run:\n" + string.Join('\n', faults.Take(50).Select(fault => "  " + fault.At(file))),
        $"Mend them and check again: cir playbook check {file}");
}
