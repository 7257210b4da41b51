using ContainerIR.Acquisitions;
using ContainerIR.Cli;
using ContainerIR.Evidence;
using Xunit;

namespace ContainerIR.Tests.Cli;

/// <summary>Where the passphrase of the responder's key comes from.</summary>
public sealed class The_passphrase : IDisposable
{
    private readonly SomeTerminal terminal = new();

    public void Dispose() => terminal.Dispose();

    [Fact]
    public void Comes_from_the_file_before_the_environment_before_a_person()
    {
        string file = Path.Combine(terminal.Folder, "pass");
        File.WriteAllText(file, "from the file\n");
        terminal.Variables["CIR_PASSPHRASE"] = "from the environment";
        terminal.Typed = new(["from a person"]);

        Assert.Equal("from the file", Read(PassphraseUse.OpenKey, file));
        Assert.Equal("from the environment", Read(PassphraseUse.OpenKey));
        terminal.Variables.Clear();
        Assert.Equal("from a person", Read(PassphraseUse.OpenKey));
    }

    [Theory]
    [InlineData("pass word\n", "pass word")]
    [InlineData("pass word\r\n", "pass word")]
    [InlineData(" pass word ", " pass word ")]
    [InlineData("pass word\n\n", "pass word\n")]
    public void In_a_file_ends_before_its_last_line_feed(string content, string expected)
    {
        string file = Path.Combine(terminal.Folder, "pass");
        File.WriteAllText(file, content);

        Assert.Equal(expected, Read(PassphraseUse.OpenKey, file));
    }

    [Fact]
    public void Of_a_new_key_is_asked_twice()
    {
        terminal.Typed = new(["a long passphrase", "a long passphrase"]);

        Assert.Equal("a long passphrase", Read(PassphraseUse.ProtectNewKey));

        Assert.Equal(2, terminal.Questions.Count);
    }

    [Fact]
    public void Typed_differently_the_second_time_is_refused()
    {
        terminal.Typed = new(["a long passphrase", "a long passphrasf"]);

        Assert.Contains("differ", Assert.Throws<OperatorException>(() => Read(PassphraseUse.ProtectNewKey)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_asked_once_a_run()
    {
        terminal.Typed = new(["a long passphrase"]);
        Passphrases passphrases = new(terminal.Surroundings, null);

        Assert.Equal(passphrases.Read(PassphraseUse.OpenKey), passphrases.Read(PassphraseUse.OpenKey));
        Assert.Single(terminal.Questions);
    }

    [Fact]
    public void Must_not_be_empty_and_for_a_new_key_not_short()
    {
        terminal.Variables["CIR_PASSPHRASE"] = "";
        Assert.Contains("empty", Assert.Throws<OperatorException>(() => Read(PassphraseUse.OpenKey)).Message, StringComparison.Ordinal);

        terminal.Variables["CIR_PASSPHRASE"] = "1234567";
        Assert.Equal("1234567", Read(PassphraseUse.OpenKey));
        OperatorException problem = Assert.Throws<OperatorException>(() => Read(PassphraseUse.ProtectNewKey));
        Assert.Contains("at least 8", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("1234567", problem.Message + problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void From_a_file_that_cannot_be_one_is_refused()
    {
        string large = Path.Combine(terminal.Folder, "large");
        File.WriteAllText(large, new string('x', 5000));
        string binary = Path.Combine(terminal.Folder, "binary");
        File.WriteAllBytes(binary, [0xff, 0xfe, 0x00]);

        Assert.Throws<OperatorException>(() => Read(PassphraseUse.OpenKey, large));
        Assert.Throws<OperatorException>(() => Read(PassphraseUse.OpenKey, binary));
        Assert.Throws<OperatorException>(() => Read(PassphraseUse.OpenKey, "/no/such/file"));
        Assert.Throws<OperatorException>(() => Read(PassphraseUse.OpenKey, terminal.Folder));
    }

    [Fact]
    public void That_is_wrong_does_not_open_the_key()
    {
        terminal.Variables["CIR_PASSPHRASE"] = "a long passphrase";
        Passphrases right = new(terminal.Surroundings, null);
        AcquisitionParts parts = new(new ContainerIR.Cases.CaseHome(terminal.Home), right.Read, TimeProvider.System);
        Assert.Equal("Jane", Responder.Open(parts, "Jane").Name);
        terminal.Variables["CIR_PASSPHRASE"] = "another passphrase";
        Passphrases wrong = new(terminal.Surroundings, null);

        OperatorException problem = Assert.Throws<OperatorException>(() => Responder.Open(parts with { Passphrase = wrong.Read }, "Jane"));

        Assert.Contains("passphrase is wrong", problem.Message, StringComparison.Ordinal);
    }

    private string Read(PassphraseUse use, string? file = null) => new Passphrases(terminal.Surroundings, file).Read(use);
}
