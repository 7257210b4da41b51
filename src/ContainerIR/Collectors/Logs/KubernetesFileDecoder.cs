using ContainerIR.Rows;

namespace ContainerIR.Collectors.Logs;

/// <summary>The CRI form, Podman's k8s-file driver: <c>2026-11-22T19:43:44.5Z stdout F text</c>; P for a part of a line, F for its end.</summary>
internal sealed class KubernetesFileDecoder(LogAssembler assembler) : LineDecoder(assembler)
{
    protected override void Decode(ReadOnlySpan<byte> line, long at, long bytes, bool isEnded, bool isCut)
    {
        LogOddities oddities = (isEnded ? LogOddities.None : LogOddities.CutRecord) | (isCut ? LogOddities.Cut : LogOddities.None);
        int time = line.IndexOf((byte)' ');
        int stream = time < 0 ? -1 : line[(time + 1)..].IndexOf((byte)' ');
        ReadOnlySpan<byte> rest = stream < 0 ? [] : line[(time + stream + 2)..];
        if (stream < 0 || rest.Length < 1 || rest[0] is not ((byte)'F' or (byte)'P') || (rest.Length > 1 && rest[1] is not ((byte)' ' or (byte)':'))
            || !Rfc3339.TryParse(line[..time], out long nanoseconds))
        {
            AddForeign(line, at, bytes, oddities);
            return;
        }

        int text = rest.IndexOf((byte)' ');
        Assembler.Add(new LogRecord
        {
            Offset = at,
            Length = bytes,
            TimeNs = nanoseconds,
            Stream = line.Slice(time + 1, stream),
            Text = text < 0 ? [] : rest[(text + 1)..],
            EndsLine = rest[0] == 'F',
            Oddities = oddities,
        });
    }
}
