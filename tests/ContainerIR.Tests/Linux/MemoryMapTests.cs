using System.Buffers.Binary;
using System.Text;
using ContainerIR.Linux;
using Xunit;

namespace ContainerIR.Tests.Linux;

public sealed class A_memory_map
{
    [Fact]
    public void Takes_paths_with_spaces_and_strange_bytes_as_they_are()
    {
        MemoryMap map = new();
        byte[] text = [.. "7f0000000000-7f0000001000 rwxp 00002000 fe:10 77   /a b (deleted)"u8, 0xff, 0x1b, (byte)'\n'];
        Assert.Equal(text.Length, map.Take(text));
        MemoryMapping mapping = Assert.Single(map.Mappings);
        Assert.Equal((0x7f0000000000ul, 0x2000ul, 0xfeu, 0x10u, 77ul, "rwxp"), (mapping.Start, mapping.Offset, mapping.DeviceMajor, mapping.DeviceMinor, mapping.Inode, mapping.Permissions));
        Assert.Equal([.. "/a b (deleted)"u8, 0xff, 0x1b], mapping.Path);
        Assert.True(mapping.LooksInjected);
    }

    [Fact]
    public void Keeps_half_a_line_for_the_next_piece()
    {
        MemoryMap map = new();
        Assert.Equal(0, map.Take("00400000-00401000 r--p 0000"u8));
        Assert.Empty(map.Mappings);
    }

    [Theory]
    [InlineData("rubbish\n")]
    [InlineData("00401000-00400000 r--p 00000000 fe:00 1 /x\n")]
    [InlineData("00400000-zz r--p 00000000 fe:00 1 /x\n")]
    public void Counts_what_it_does_not_understand(string line)
    {
        MemoryMap map = new();
        map.Take(Encoding.ASCII.GetBytes(line));
        Assert.Equal(1, map.Malformed);
        Assert.Empty(map.Mappings);
    }

    [Theory]
    [InlineData("00400000-00401000 r-xp 00000000 00:00 0 [vdso]\n", false)]
    [InlineData("00400000-00401000 r-xp 00000000 00:00 0 \n", true)]
    [InlineData("00400000-00401000 r-xp 00000000 fe:00 9 /bin/sh\n", false)]
    [InlineData("00400000-00401000 rw-p 00000000 00:00 0 [heap]\n", false)]
    public void Tells_what_injected_code_looks_like(string line, bool looksInjected)
    {
        MemoryMap map = new();
        map.Take(Encoding.ASCII.GetBytes(line));
        Assert.Equal(looksInjected, map.Mappings[0].LooksInjected);
    }
}

public sealed class Runs_of_pages
{
    [Fact]
    public void Join_only_where_they_touch_within_one_mapping()
    {
        PageRuns runs = new();
        runs.BeginMapping();
        runs.Add(0x1000, 0x2000);
        runs.Add(0x2000, 0x3000);
        runs.Add(0x4000, 0x5000);
        runs.BeginMapping();
        runs.Add(0x5000, 0x6000);
        Assert.Equal(3, runs.Count);
        Assert.Equal(new PageRun(0x1000, 0x3000), runs[0]);
    }

    [Fact]
    public void Swallow_small_holes_when_there_are_too_many_and_say_how_much()
    {
        PageRuns runs = new(mergeAbove: 2);
        runs.BeginMapping();
        ulong merged = 0;
        for (ulong i = 0; i < 10; i++)
        {
            merged += runs.Add(i * 0x2000, (i * 0x2000) + 0x1000);
        }

        Assert.Equal(3, runs.Count);
        Assert.Equal(7ul * 0x1000, merged);
        runs.Add(0x100000, 0x101000);
        Assert.Equal(4, runs.Count);
    }

    [Fact]
    public void End_at_a_limit_and_say_so()
    {
        PageRuns runs = new(limit: 1);
        runs.BeginMapping();
        runs.Add(0, 0x1000);
        runs.Add(0x800000, 0x801000);
        Assert.Equal(1, runs.Count);
        Assert.True(runs.IsCut);
    }
}

public sealed class Registers_of_a_frozen_thread
{
    [Fact]
    public void Are_program_counter_stack_pointer_and_arguments_of_its_system_call()
    {
        byte[] registers = ThreadRegisters.FromSyscallText("35 0x7ffc1 0x2 0x3 0x4 0x5 0x6 0x7ffe00001000 0x401234\n"u8)!;
        Assert.Equal((0x401234ul, 0x7ffe00001000ul, 35ul, 0x7ffc1ul), (Word(registers, 16), Word(registers, 19), Word(registers, 15), Word(registers, 14)));
    }

    [Fact]
    public void Are_two_where_it_is_in_no_system_call()
    {
        byte[] registers = ThreadRegisters.FromSyscallText("-1 0x7ffe00001000 0x401234\n"u8)!;
        Assert.Equal((0x401234ul, ulong.MaxValue), (Word(registers, 16), Word(registers, 15)));
    }

    [Theory]
    [InlineData("running\n")]
    [InlineData("")]
    [InlineData("1 2 3 4 5\n")]
    public void Are_none_where_the_kernel_tells_none(string text) => Assert.Null(ThreadRegisters.FromSyscallText(Encoding.ASCII.GetBytes(text)));

    private static ulong Word(byte[] registers, int index) => BinaryPrimitives.ReadUInt64LittleEndian(registers.AsSpan(index * 8));
}
