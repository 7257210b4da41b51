using ContainerIR.Linux;

namespace ContainerIR.Collectors.Logs;

/// <summary>One open file of a container's log.</summary>
/// <param name="File">The file; every one is open before the first is copied, so that a rotation meanwhile takes none away.</param>
/// <param name="ItemName">Its name in the bundle, without the ending of frames.</param>
/// <param name="Role"><c>current</c>, <c>rotated</c>, or <c>held</c> (open in the engine, its name gone or taken by another file).</param>
/// <param name="Generation">0 for the one written to; 1 for the last rotated, and so on.</param>
/// <param name="IsCompressed">Whether the engine compressed it (gzip).</param>
internal sealed record LogFile(HostFile File, string ItemName, string Role, int Generation, bool IsCompressed);
