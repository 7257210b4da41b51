using ContainerIR.Evidence;
using ContainerIR.Evidence.Encryption;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Encryption;

public sealed class An_age_key : IDisposable
{
    // The example pair of c2sp.org/age.
    private const string Secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    private const string Public = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Is_read_and_written_as_the_specification_shows()
    {
        using AgeIdentity identity = AgeIdentity.TryParse(Secret)!;
        Assert.Equal(Public, identity.Recipient.ToString());
        Assert.Equal(Secret, identity.EncodeSecret());
        Assert.Equal(Public, AgeRecipient.Parse(Public).ToString());
        Assert.DoesNotContain(Secret, identity.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Written_to_a_file_is_read_by_age_keygen_and_by_its_owner_alone()
    {
        string path = Path.Combine(folder.Path, "id");
        using AgeIdentity identity = AgeIdentity.Generate();
        AgeIdentityFile.Write(path, identity, DateTimeOffset.UtcNow);

        Assert.Equal(identity.Recipient.ToString(), RealEngine.Run("age-keygen", "-y", path).Trim());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(identity.Recipient.ToString(), AgeIdentityFile.Read(path).Single().Recipient.ToString());
        Assert.Throws<OperatorException>(() => AgeIdentityFile.Write(path, identity, DateTimeOffset.UtcNow));
    }

    [Theory]
    [InlineData("")]
    [InlineData("age1")]
    [InlineData("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk")]
    [InlineData("Age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")]
    [InlineData("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq9xxlc2")]
    [InlineData(Secret)]
    public void Is_refused_as_recipient_when_it_is_none(string text) => Assert.Throws<OperatorException>(() => AgeRecipient.Parse(text));

    [Fact]
    public void Of_small_order_is_refused_as_recipient()
    {
        Assert.Throws<OperatorException>(() => AgeRecipient.Parse(Bech32.Encode("age", new byte[32])));
        byte[] one = new byte[32];
        one[0] = 1;
        Assert.Throws<OperatorException>(() => AgeRecipient.Parse(Bech32.Encode("age", one)));
    }

    [Fact]
    public void Mistyped_in_a_file_is_named_by_line_and_never_repeated()
    {
        string path = Path.Combine(folder.Path, "id");
        File.WriteAllText(path, "# mine\n" + Secret[..^1] + "Q\n");

        OperatorException failure = Assert.Throws<OperatorException>(() => AgeIdentityFile.Read(path));

        Assert.Contains("Line 2", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("GFPYYSJZ", failure.ToString() + failure.Remedy, StringComparison.Ordinal);
    }

    [Property(MaxTest = 300)]
    public bool Text_gives_its_bytes_back(byte[] bytes) => bytes.Length > 250 || Bech32.Decode("x", Bech32.Encode("x", bytes))!.AsSpan().SequenceEqual(bytes);

    [Property(MaxTest = 500)]
    public bool Text_with_one_character_changed_is_refused(byte[] bytes, uint place, char other)
    {
        string text = Bech32.Encode("x", bytes.AsSpan(0, Math.Min(40, bytes.Length)));
        int at = 2 + (int)(place % (uint)(text.Length - 2));
        return char.ToLowerInvariant(other) == text[at] || Bech32.Decode("x", text[..at] + other + text[(at + 1)..]) is null;
    }
}
