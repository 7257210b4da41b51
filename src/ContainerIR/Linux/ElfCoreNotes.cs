using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>What NT_PRPSINFO tells of a process. Numbers are those of its own pid namespace where it has one.</summary>
internal sealed record CoreProcess(
    int Pid, int ParentPid, int ProcessGroup, int Session, uint Uid, uint Gid, char State, uint Flags, byte[] Comm, byte[] CommandLine);

/// <summary>
/// The notes of a core (include/uapi/linux/elf.h, elfcore.h; core(5)): one NT_PRSTATUS for each thread, the leader's first, each followed by the
/// other registers of that thread; NT_PRPSINFO, NT_AUXV and NT_FILE after the first. Bytes a terminal could obey are <c>?</c> here; the exact
/// names stand in the rows beside the core.
/// </summary>
internal sealed class ElfCoreNotes
{
    private const uint NT_PRSTATUS = 1;
    private const uint NT_PRFPREG = 2;
    private const uint NT_PRPSINFO = 3;
    private const uint NT_AUXV = 6;
    private const uint NT_FILE = 0x46494c45;

    // The kernel's own bound: fs/binfmt_elf.c, core_file_note_size_limit.
    private const int MaxFileNote = 4 * 1024 * 1024;
    private readonly List<byte[]> notes = [];

    /// <summary>The notes, in order.</summary>
    public IReadOnlyList<byte[]> All => notes;

    /// <summary>Sum of their sizes.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Mappings NT_FILE has no place for.</summary>
    public int FilesLeftOut { get; private set; }

    public static ElfCoreNotes Build(CoreProcess process, IReadOnlyList<CoreThread> threads, byte[] auxv, IReadOnlyList<MemoryMapping> mappings)
    {
        ElfCoreNotes built = new();
        for (int i = 0; i < threads.Count; i++)
        {
            CoreThread thread = threads[i];
            built.Add("CORE", NT_PRSTATUS, Status(process, thread));
            if (i == 0)
            {
                built.Add("CORE", NT_PRPSINFO, Information(process));
                built.Add("CORE", NT_AUXV, auxv);
                built.Add("CORE", NT_FILE, built.Files(mappings));
            }

            if (thread.Floating is { } floating)
            {
                built.Add("CORE", NT_PRFPREG, floating);
            }

            if (thread.Extended is { } extended)
            {
                built.Add("LINUX", ThreadRegisters.ExtendedNote, extended);
            }
        }

        return built;
    }

    private void Add(string name, uint type, ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
        {
            return;
        }

        // Elf64_Nhdr: n_namesz with the NUL, n_descsz, n_type; both parts padded to 4.
        int nameSize = name.Length + 1, namePadded = (nameSize + 3) & ~3, padded = (content.Length + 3) & ~3;
        byte[] note = new byte[12 + namePadded + padded];
        BinaryPrimitives.WriteInt32LittleEndian(note, nameSize);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(4), content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), type);
        _ = System.Text.Encoding.ASCII.GetBytes(name, note.AsSpan(12));
        content.CopyTo(note.AsSpan(12 + namePadded));
        notes.Add(note);
        SizeBytes += note.Length;
    }

    // struct elf_prstatus: info 0, cursig 12, sigpend 16, sighold 24, pid 32, ppid 36, pgrp 40, sid 44, four timevals 48, reg 112, fpvalid behind.
    private static byte[] Status(CoreProcess process, CoreThread thread)
    {
        byte[] status = new byte[112 + ThreadRegisters.GeneralBytes + 8];
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(32), thread.InnerTid);
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(36), process.ParentPid);
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(40), process.ProcessGroup);
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(44), process.Session);
        thread.General.CopyTo(status.AsSpan(112));
        BinaryPrimitives.WriteInt32LittleEndian(status.AsSpan(112 + ThreadRegisters.GeneralBytes), thread.Floating is null ? 0 : 1);
        return status;
    }

    // struct elf_prpsinfo: state, sname, zomb, nice, flag 8, uid 16, gid 20, pid 24, ppid 28, pgrp 32, sid 36, fname[16] 40, psargs[80] 56.
    private static byte[] Information(CoreProcess process)
    {
        byte[] information = new byte[136];
        int state = "RSDTZW".IndexOf(process.State, StringComparison.Ordinal);
        information[0] = (byte)Math.Max(0, state);
        information[1] = (byte)process.State;
        information[2] = process.State == 'Z' ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(information.AsSpan(8), process.Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(information.AsSpan(16), process.Uid);
        BinaryPrimitives.WriteUInt32LittleEndian(information.AsSpan(20), process.Gid);
        BinaryPrimitives.WriteInt32LittleEndian(information.AsSpan(24), process.Pid);
        BinaryPrimitives.WriteInt32LittleEndian(information.AsSpan(28), process.ParentPid);
        BinaryPrimitives.WriteInt32LittleEndian(information.AsSpan(32), process.ProcessGroup);
        BinaryPrimitives.WriteInt32LittleEndian(information.AsSpan(36), process.Session);
        Harmless(process.Comm, information.AsSpan(40, 15));
        Harmless(process.CommandLine.AsSpan().TrimEnd((byte)0), information.AsSpan(56, 79));
        return information;
    }

    // Count, page size, then (start, end, offset in pages) for each, then the names.
    private byte[] Files(IReadOnlyList<MemoryMapping> mappings)
    {
        List<int> taken = [];
        int size = 16;
        for (int i = 0; i < mappings.Count; i++)
        {
            if (!mappings[i].IsOfFile)
            {
                continue;
            }

            int needed = 24 + mappings[i].Path.Length + 1;
            if (size + needed > MaxFileNote)
            {
                FilesLeftOut++;
                continue;
            }

            size += needed;
            taken.Add(i);
        }

        byte[] note = new byte[size];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(note.AsSpan(0, 16 + (24 * taken.Count)));
        words[0] = (ulong)taken.Count;
        words[1] = (ulong)Environment.SystemPageSize;
        int at = 16 + (24 * taken.Count);
        for (int i = 0; i < taken.Count; i++)
        {
            MemoryMapping mapping = mappings[taken[i]];
            words[2 + (3 * i)] = mapping.Start;
            words[3 + (3 * i)] = mapping.End;
            words[4 + (3 * i)] = mapping.Offset / words[1];
            Harmless(mapping.Path, note.AsSpan(at, mapping.Path.Length));
            at += mapping.Path.Length + 1;
        }

        return note;
    }

    private static void Harmless(ReadOnlySpan<byte> text, Span<byte> target)
    {
        int length = Math.Min(text.Length, target.Length);
        for (int i = 0; i < length; i++)
        {
            target[i] = text[i] switch { 0 => (byte)' ', < 0x20 or 0x7f => (byte)'?', byte plain => plain };
        }
    }
}
