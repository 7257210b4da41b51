using System.Buffers;
using System.Runtime.InteropServices;

namespace ContainerIR.Linux;

/// <summary>Which pages of a mapping to find.</summary>
internal enum PageChoice
{
    /// <summary>Every page that has content: resident or swapped, zero page apart.</summary>
    All,

    /// <summary>Only pages of the process's own (written since the file was mapped): pages that are still the file's are counted, not given.</summary>
    Own,
}

/// <summary>
/// Tells which pages a process has (Documentation/admin-guide/mm/pagemap.rst): by PAGEMAP_SCAN where the kernel has it (6.7), else by
/// reading pagemap (which cannot tell the zero page from others). Neither touches a page.
/// </summary>
internal sealed unsafe class PageMap : IDisposable
{
    private const ulong PM_PRESENT = 1UL << 63;
    private const ulong PM_SWAP = 1UL << 62;
    private const ulong PM_FILE = 1UL << 61;
    private const int Regions = 512;
    private const int EntriesPerRead = 32 * 1024;
    private static readonly ulong PageSize = (ulong)Environment.SystemPageSize;
    private readonly Descriptor file;
    private bool canScan;

    private PageMap(Descriptor file, bool canScan) => (this.file, this.canScan) = (file, canScan);

    /// <summary>Whether the kernel scans for us.</summary>
    public bool IsScanning => canScan;

    /// <param name="process">Process or thread.</param>
    /// <param name="useScan">False to read pagemap even where the kernel could scan.</param>
    /// <param name="errno">Why not.</param>
    public static PageMap? Open(ProcEntry process, bool useScan, out int errno)
    {
        Descriptor? file = process.Open("pagemap", Libc.O_RDONLY, out errno);
        return file is null ? null : new PageMap(file, useScan);
    }

    /// <summary>Finds pages of an address range.</summary>
    /// <param name="start">First address, at a page.</param>
    /// <param name="end">End, at a page.</param>
    /// <param name="choice">Which.</param>
    /// <param name="found">Called for each run, in order.</param>
    /// <param name="fileBytes">Bytes of pages that were left because they are their file's.</param>
    /// <returns>0, or the errno that ended it.</returns>
    public int Find(ulong start, ulong end, PageChoice choice, Action<ulong, ulong> found, out ulong fileBytes)
    {
        fileBytes = 0;
        if (canScan)
        {
            int errno = Scan(start, end, choice, found, ref fileBytes, out bool gaveAny);
            if (gaveAny || errno is not (Libc.ENOTTY or Libc.EINVAL))
            {
                return errno;
            }

            canScan = false;
        }

        return Walk(start, end, choice, found, ref fileBytes);
    }

    public void Dispose() => file.Dispose();

    private int Scan(ulong start, ulong end, PageChoice choice, Action<ulong, ulong> found, ref ulong fileBytes, out bool gaveAny)
    {
        PageRegion* regions = stackalloc PageRegion[Regions];
        gaveAny = false;
        while (start < end)
        {
            PageScan scan = new()
            {
                size = (ulong)sizeof(PageScan),
                start = start,
                end = end,
                vec = (ulong)regions,
                vec_len = Regions,
                category_inverted = PageScan.PAGE_IS_PFNZERO,
                category_mask = PageScan.PAGE_IS_PFNZERO,
                category_anyof_mask = PageScan.PAGE_IS_PRESENT | PageScan.PAGE_IS_SWAPPED,
                return_mask = PageScan.PAGE_IS_FILE | PageScan.PAGE_IS_PRESENT | PageScan.PAGE_IS_SWAPPED,
            };
            nint count = Libc.ioctl(file.Number, Libc.PAGEMAP_SCAN, (nint)(&scan));
            if (count < 0)
            {
                return Marshal.GetLastPInvokeError();
            }

            gaveAny = true;
            for (int i = 0; i < count; i++)
            {
                if (choice == PageChoice.Own && (regions[i].categories & PageScan.PAGE_IS_FILE) != 0)
                {
                    fileBytes += regions[i].end - regions[i].start;
                }
                else
                {
                    found(regions[i].start, regions[i].end);
                }
            }

            if (scan.walk_end <= start)
            {
                return Libc.EIO;
            }

            start = scan.walk_end;
        }

        return 0;
    }

    private int Walk(ulong start, ulong end, PageChoice choice, Action<ulong, ulong> found, ref ulong fileBytes)
    {
        ulong[] entries = ArrayPool<ulong>.Shared.Rent(EntriesPerRead);
        try
        {
            ulong runStart = 0, runEnd = 0;
            while (start < end)
            {
                int wanted = (int)Math.Min(EntriesPerRead, (end - start) / PageSize);
                int count = file.ReadAt(MemoryMarshal.AsBytes(entries.AsSpan(0, wanted)), (long)(start / PageSize * 8), out int errno) / 8;
                if (count <= 0)
                {
                    Flush(found, runStart, runEnd);
                    return errno != 0 ? errno : Libc.ESRCH;
                }

                for (int i = 0; i < count; i++, start += PageSize)
                {
                    ulong entry = entries[i];
                    if ((entry & (PM_PRESENT | PM_SWAP)) == 0)
                    {
                        continue;
                    }

                    if (choice == PageChoice.Own && (entry & PM_FILE) != 0)
                    {
                        fileBytes += PageSize;
                        continue;
                    }

                    if (start != runEnd)
                    {
                        Flush(found, runStart, runEnd);
                        runStart = start;
                    }

                    runEnd = start + PageSize;
                }
            }

            Flush(found, runStart, runEnd);
            return 0;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(entries);
        }
    }

    private static void Flush(Action<ulong, ulong> found, ulong start, ulong end)
    {
        if (end > start)
        {
            found(start, end);
        }
    }
}
