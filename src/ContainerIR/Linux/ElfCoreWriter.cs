using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>What came of writing a core.</summary>
internal sealed class CoreResult
{
    /// <summary>Ranges kept in the list; more are only counted.</summary>
    public const int MaxRanges = 1_000;

    /// <summary>Bytes of memory in the core.</summary>
    public ulong CopiedBytes { get; set; }

    /// <summary>Bytes that could not be read and are zeros in the core.</summary>
    public ulong UnreadableBytes { get; private set; }

    /// <summary>Where they are.</summary>
    public List<PageRun> Unreadable { get; } = [];

    /// <summary>Whether the process went away before the end: the core ends there.</summary>
    public bool EndedEarly { get; set; }

    public void AddUnreadable(ulong start, ulong end)
    {
        UnreadableBytes += end - start;
        if (Unreadable.Count > 0 && Unreadable[^1].End == start)
        {
            Unreadable[^1] = new PageRun(Unreadable[^1].Start, end);
        }
        else if (Unreadable.Count < MaxRanges)
        {
            Unreadable.Add(new PageRun(start, end));
        }
    }
}

/// <summary>
/// Writes an ELF core (elf(5), core(5)) front to back in one pass. Every mapping is covered by PT_LOAD segments: one for each run of copied pages,
/// which stretches (p_memsz) over the hole behind it, and one without bytes (p_filesz 0) where a mapping begins with a hole. So a hole costs 56
/// bytes at most, and gdb takes it from the file NT_FILE names, or as zero.
/// </summary>
internal sealed class ElfCoreWriter
{
    private const int HeaderBytes = 64;
    private const int SegmentBytes = 56;
    private const int SectionBytes = 64;
    private const int BufferBytes = 1024 * 1024;
    private const int MaxPieces = 256;
    private const uint PT_LOAD = 1;
    private const uint PT_NOTE = 4;

    /// <summary>elf(5): a program header count that does not fit stands in sh_info of the first section header.</summary>
    private const int PN_XNUM = 0xffff;

    private readonly CorePlan plan;
    private readonly ElfCoreNotes notes;
    private readonly byte[] buffer = new byte[BufferBytes];
    private readonly PageRun[] pieces = new PageRun[MaxPieces];

    public ElfCoreWriter(CorePlan plan, ElfCoreNotes notes)
    {
        (this.plan, this.notes) = (plan, notes);
        long segments = 1;
        foreach (Segment _ in Segments())
        {
            segments++;
        }

        SegmentCount = segments;
        NotesAt = HeaderBytes + (segments * SegmentBytes) + (segments >= PN_XNUM ? SectionBytes : 0);
        long page = Environment.SystemPageSize;
        MemoryAt = (NotesAt + notes.SizeBytes + page - 1) / page * page;
    }

    /// <summary>Program headers, the one of the notes included.</summary>
    public long SegmentCount { get; }

    /// <summary>Offset of the notes.</summary>
    public long NotesAt { get; }

    /// <summary>Offset of the first page.</summary>
    public long MemoryAt { get; }

    /// <summary>Writes it all.</summary>
    public async Task<CoreResult> WriteAsync(ProcessMemory memory, Stream output, CancellationToken ct)
    {
        await WriteHeadersAsync(output, ct);
        foreach (byte[] note in notes.All)
        {
            await output.WriteAsync(note, ct);
        }

        int padding = (int)(MemoryAt - NotesAt - notes.SizeBytes);
        Array.Clear(buffer, 0, padding);
        await output.WriteAsync(buffer.AsMemory(0, padding), ct);
        return await WriteMemoryAsync(memory, output, ct);
    }

    private async Task WriteHeadersAsync(Stream output, CancellationToken ct)
    {
        Array.Clear(buffer, 0, HeaderBytes);
        WriteElfHeader(buffer);
        WriteSegment(buffer.AsSpan(HeaderBytes), PT_NOTE, 0, NotesAt, 0, (ulong)notes.SizeBytes, 0, 4);
        int used = HeaderBytes + SegmentBytes;
        long offset = MemoryAt;
        ulong page = (ulong)Environment.SystemPageSize;
        foreach (Segment segment in Segments())
        {
            if (used + SegmentBytes > BufferBytes)
            {
                await output.WriteAsync(buffer.AsMemory(0, used), ct);
                used = 0;
            }

            WriteSegment(buffer.AsSpan(used), PT_LOAD, segment.Flags, offset, segment.Start, segment.FileBytes, segment.MemoryBytes, page);
            used += SegmentBytes;
            offset += (long)segment.FileBytes;
        }

        await output.WriteAsync(buffer.AsMemory(0, used), ct);
        if (SegmentCount >= PN_XNUM)
        {
            Array.Clear(buffer, 0, SectionBytes);
            // Elf64_Shdr: sh_size 32 and sh_info 44 of section 0 hold what does not fit into the header.
            BinaryPrimitives.WriteUInt64LittleEndian(buffer.AsSpan(32), 1);
            BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(44), (uint)SegmentCount);
            await output.WriteAsync(buffer.AsMemory(0, SectionBytes), ct);
        }
    }

    private async Task<CoreResult> WriteMemoryAsync(ProcessMemory memory, Stream output, CancellationToken ct)
    {
        CoreResult result = new();
        int count = 0, used = 0;
        bool isForced = true;
        for (int m = 0; m < plan.Plans.Length; m++)
        {
            bool useForce = plan.Plans[m].Treatment != MappingTreatment.Device;
            int first = plan.Plans[m].FirstRun, behind = first + plan.Plans[m].RunCount;
            for (int i = first; i < behind; i++)
            {
                for (ulong at = plan.Runs[i].Start; at < plan.Runs[i].End;)
                {
                    if (used == BufferBytes || count == MaxPieces || isForced != useForce)
                    {
                        if (!await CopyAsync(memory, output, count, used, isForced, result, ct))
                        {
                            return result;
                        }

                        (count, used, isForced) = (0, 0, useForce);
                    }

                    ulong length = Math.Min(plan.Runs[i].End - at, (ulong)(BufferBytes - used));
                    pieces[count++] = new PageRun(at, at + length);
                    used += (int)length;
                    at += length;
                }
            }
        }

        await CopyAsync(memory, output, count, used, isForced, result, ct);
        return result;
    }

    private async Task<bool> CopyAsync(ProcessMemory memory, Stream output, int count, int used, bool useForce, CoreResult result, CancellationToken ct)
    {
        if (memory.Read(pieces.AsSpan(0, count), useForce, buffer.AsSpan(0, used), result.AddUnreadable) == MemoryRead.Gone)
        {
            result.EndedEarly = true;
            return false;
        }

        await output.WriteAsync(buffer.AsMemory(0, used), ct);
        result.CopiedBytes += (ulong)used;
        return true;
    }

    private IEnumerable<Segment> Segments()
    {
        for (int m = 0; m < plan.Plans.Length; m++)
        {
            MemoryMapping mapping = plan.Map.Mappings[m];
            // PF_X 1, PF_W 2, PF_R 4.
            uint flags = ((mapping.Access & MapAccess.Read) != 0 ? 4u : 0) | ((mapping.Access & MapAccess.Write) != 0 ? 2u : 0)
                | ((mapping.Access & MapAccess.Execute) != 0 ? 1u : 0);
            int first = plan.Plans[m].FirstRun, count = plan.Plans[m].RunCount;
            ulong covered = count == 0 ? mapping.End : plan.Runs[first].Start;
            if (covered > mapping.Start)
            {
                yield return new Segment(mapping.Start, 0, covered - mapping.Start, flags);
            }

            for (int i = first; i < first + count; i++)
            {
                PageRun run = plan.Runs[i];
                ulong next = i + 1 < first + count ? plan.Runs[i + 1].Start : mapping.End;
                yield return new Segment(run.Start, run.Length, next - run.Start, flags);
            }
        }
    }

    private void WriteElfHeader(Span<byte> header)
    {
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(header);
        bool isExtended = SegmentCount >= PN_XNUM;
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], (ushort)(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 183 : 62));
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], HeaderBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], isExtended ? (ulong)(HeaderBytes + (SegmentCount * SegmentBytes)) : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], SegmentBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], (ushort)(isExtended ? PN_XNUM : SegmentCount));
        BinaryPrimitives.WriteUInt16LittleEndian(header[58..], (ushort)(isExtended ? SectionBytes : 0));
        BinaryPrimitives.WriteUInt16LittleEndian(header[60..], (ushort)(isExtended ? 1 : 0));
    }

    // Elf64_Phdr: p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align.
    private static void WriteSegment(Span<byte> target, uint type, uint flags, long offset, ulong address, ulong fileBytes, ulong memoryBytes, ulong align)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, type);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], flags);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], fileBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], memoryBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], align);
    }

    private readonly record struct Segment(ulong Start, ulong FileBytes, ulong MemoryBytes, uint Flags);
}
