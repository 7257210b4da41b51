using System.Runtime.InteropServices;

namespace ContainerIR.Linux.Trees;

/// <summary>
/// The extended attributes of one object, as bytes, in the order the file system lists them. One instance is filled again for every object.
/// More than <see cref="MaxBytes"/> of one object are not kept.
/// </summary>
internal sealed unsafe class XattrList
{
    /// <summary>Names and values of one object that are kept at most.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const int MaxListBytes = 65536;

    private readonly byte[] names = GC.AllocateUninitializedArray<byte>(MaxListBytes, pinned: true);
    private readonly List<(int NameStart, int NameLength, int ValueStart, int ValueLength)> items = [];
    private byte[] values = GC.AllocateUninitializedArray<byte>(Libc.XATTR_SIZE_MAX, pinned: true);
    private int valuesUsed;

    /// <summary>How many were read.</summary>
    public int Count => items.Count;

    public ReadOnlySpan<byte> Name(int index) => names.AsSpan(items[index].NameStart, items[index].NameLength);

    public ReadOnlySpan<byte> Value(int index) => values.AsSpan(items[index].ValueStart, items[index].ValueLength);

    public void Clear()
    {
        items.Clear();
        valuesUsed = 0;
    }

    /// <summary>Whether there is such an attribute, and its value.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        for (int i = 0; i < items.Count; i++)
        {
            if (Name(i).SequenceEqual(name))
            {
                value = Value(i);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Reads all attributes of an open object or of a path descriptor.</summary>
    /// <returns>Null when all were read; else why not. What was read before is kept.</returns>
    public string? Read(int descriptor, bool isPathDescriptor)
    {
        Clear();
        byte* path = stackalloc byte[Nodes.ProcPathBytes];
        Nodes.WriteProcPath(descriptor, path);
        fixed (byte* list = names)
        {
            nint length = isPathDescriptor ? Libc.listxattr(path, list, MaxListBytes) : Libc.flistxattr(descriptor, list, MaxListBytes);
            if (length <= 0)
            {
                int errno = length < 0 ? Marshal.GetLastPInvokeError() : 0;
                return errno is 0 or Libc.EOPNOTSUPP ? null : "extended attributes: " + Libc.Describe(errno);
            }

            string? problem = null;
            for (int start = 0; start < length;)
            {
                int nameLength = names.AsSpan(start, (int)length - start).IndexOf((byte)0);
                if (nameLength < 0)
                {
                    break;
                }

                if (valuesUsed + Libc.XATTR_SIZE_MAX > values.Length && !Grow())
                {
                    return $"extended attributes: more than {MaxBytes} bytes";
                }

                fixed (byte* room = values)
                {
                    nint size = isPathDescriptor
                        ? Libc.getxattr(path, list + start, room + valuesUsed, Libc.XATTR_SIZE_MAX)
                        : Libc.fgetxattr(descriptor, list + start, room + valuesUsed, Libc.XATTR_SIZE_MAX);
                    if (size >= 0)
                    {
                        items.Add((start, nameLength, valuesUsed, (int)size));
                        valuesUsed += (int)size;
                    }
                    else if (Marshal.GetLastPInvokeError() is not Libc.ENODATA and int errno)
                    {
                        problem ??= "extended attributes: " + Libc.Describe(errno);
                    }
                }

                start += nameLength + 1;
            }

            return problem;
        }
    }

    private bool Grow()
    {
        if (values.Length >= MaxBytes + Libc.XATTR_SIZE_MAX)
        {
            return false;
        }

        byte[] larger = GC.AllocateUninitializedArray<byte>(Math.Min(values.Length * 2, MaxBytes + Libc.XATTR_SIZE_MAX), pinned: true);
        values.AsSpan(0, valuesUsed).CopyTo(larger);
        values = larger;
        return true;
    }
}
