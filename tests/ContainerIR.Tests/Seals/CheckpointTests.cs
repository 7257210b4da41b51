using System.Security.Cryptography;
using System.Text;
using ContainerIR.Evidence.Seals;
using Xunit;

namespace ContainerIR.Tests.Seals;

public sealed class A_checkpoint
{
    private const string Origin = "containerir/01234567-89ab-7cde-8f01-23456789abcd";
    private static readonly CheckpointKey Key = new(SHA256.HashData("a checkpoint key"u8));
    private static readonly string Note = new Checkpoint(Origin, 41, SHA256.HashData("a root"u8)).Sign(Key);

    [Fact]
    public void Is_read_back_by_its_key()
    {
        Checkpoint read = Checkpoint.Verify(Note, Key.VerifierKey(Origin));

        Assert.Equal(41, read.Size);
        Assert.Equal(SHA256.HashData("a root"u8), read.Root);
    }

    [Fact]
    public void Has_one_spelling_only()
    {
        // 68 bytes leave four bits of the last base64 digit unused, and .NET's reader skips white space: neither may make another note that verifies.
        int lastDigit = Note.IndexOf('=', Note.IndexOf('\u2014')) - 1;
        string[] others =
        [
            .. "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".Where(digit => digit != Note[lastDigit]).Select(digit => Note[..lastDigit] + digit + Note[(lastDigit + 1)..]),
            .. " \t\r".Select(space => Note.Insert(lastDigit - 3, $"{space}")),
            Note.Replace("\n41\n", "\n041\n", StringComparison.Ordinal),
            Note.Replace("\n41\n", "\n+41\n", StringComparison.Ordinal),
        ];

        Assert.Equal(68, others.Length);
        Assert.All(others, other => Assert.Throws<FormatException>(() => Checkpoint.Verify(other, Key.VerifierKey(Origin))));
    }

    [Fact]
    public void Is_not_good_with_any_one_byte_changed()
    {
        byte[] note = Encoding.UTF8.GetBytes(Note);
        for (int i = 0; i < note.Length * 8; i++)
        {
            byte[] changed = [.. note];
            changed[i / 8] ^= (byte)(1 << (i % 8));
            Assert.Throws<FormatException>(() => Checkpoint.Verify(Encoding.UTF8.GetString(changed), Key.VerifierKey(Origin)));
        }
    }
}
