using System.Text;
using ContainerIR.Evidence.Text;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Text;

public sealed class Displayed_text
{
    [Theory]
    [InlineData("plain name.txt", "plain name.txt")]
    [InlineData("é 漢字", "é 漢字")]
    [InlineData("a\nb\r\t", "a\\nb\\r\\t")]
    [InlineData("\u001b[2J", "\\x1b[2J")]
    [InlineData("\u202egpj.exe", "\\u{202e}gpj.exe")]
    [InlineData("back\\slash", "back\\\\slash")]
    [InlineData("\u0085\u2028", "\\u{85}\\u{2028}")]
    public void Shows_what_is_harmless_and_escapes_the_rest(string given, string shown)
    {
        Assert.Equal(shown, DisplayText.Escape(given));
        Assert.Equal(shown, DisplayText.Escape(Encoding.UTF8.GetBytes(given)));
    }

    [Fact]
    public void Keeps_two_names_that_decode_alike_apart() =>
        Assert.NotEqual(DisplayText.Escape("c\xff"u8[..1].ToArray().Append((byte)0xff).ToArray()), DisplayText.Escape(new byte[] { (byte)'c', 0xfe }));

    [Property(MaxTest = 500)]
    public bool Never_holds_a_control_character(byte[] bytes) => !DisplayText.Escape(bytes).Any(char.IsControl);
}
