using System.Text;
using System.Text.Json;
using ContainerIR.Rows;
using FsCheck.Xunit;
using Xunit;

namespace ContainerIR.Tests.Rows;

public sealed class A_stream_of_lines
{
    [Property(MaxTest = 200)]
    public bool Gives_every_byte_once(byte[] bytes)
    {
        StringBuilder joined = new();
        long end = 0;
        foreach (StreamLine line in JsonLines.Read(new MemoryStream(bytes)))
        {
            Assert.Equal(end, line.Offset);
            end = line.Offset + line.Length;
            joined.Append(Encoding.Latin1.GetString(line.Content.Span)).Append(line.IsEnded ? "\n" : "");
        }

        return joined.ToString() == Encoding.Latin1.GetString(bytes);
    }

    [Fact]
    public void Cuts_a_line_over_the_limit_and_goes_on()
    {
        List<(long Length, int Kept, bool Cut)> lines = [];
        foreach (StreamLine line in JsonLines.Read(new MemoryStream([.. new byte[200_000], (byte)'\n', 1, (byte)'\n']), limitBytes: 100))
        {
            lines.Add((line.Length, line.Content.Length, line.IsCut));
        }

        Assert.Equal([(200_001, 100, true), (2, 1, false)], lines);
    }
}

public sealed class An_instant
{
    [Theory]
    [InlineData("2026-11-22T19:43:44.527057974Z", 1795376624527057974)]
    [InlineData("2026-11-22T21:43:44.5+02:00", 1795376624500000000)]
    [InlineData("1969-12-31T23:59:59.999999999Z", -1)]
    public void Keeps_nanoseconds(string text, long nanoseconds)
    {
        Assert.True(Rfc3339.TryParse(Encoding.ASCII.GetBytes(text), out long read));
        Assert.Equal(nanoseconds, read);
        Assert.True(Rfc3339.TryParse(Encoding.ASCII.GetBytes(Rfc3339.Format(read)), out long again));
        Assert.Equal(read, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-22")]
    [InlineData("2026-13-22T19:43:44Z")]
    [InlineData("2026-02-30T19:43:44Z")]
    [InlineData("2026-11-22T19:43:44")]
    [InlineData("2026-11-22T19:43:44.Z")]
    [InlineData("9999-11-22T19:43:44Z")]
    [InlineData("2026-11-22T19:43:44.5+2:00")]
    public void Is_refused_in_another_form(string text) => Assert.False(Rfc3339.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Property]
    public bool Comes_back_the_same(long nanoseconds) =>
        !Rfc3339.TryParse(Encoding.ASCII.GetBytes(Rfc3339.Format(nanoseconds)), out long read) || read == nanoseconds;
}

public sealed class An_engine_event
{
    private static readonly string Id = new('c', 64);

    [Fact]
    public void Gives_the_command_line_of_an_exec()
    {
        EventRow row = Only($$$"""{"Type":"container","Action":"exec_create: sh -c echo \"a: b\"\u001b[2J","Actor":{"ID":"{{{Id}}}","Attributes":{"execID":"e1","name":"web","image":"app","label":"v"}},"timeNano":1795376624837742409}""");
        Assert.Equal(("exec_create", "sh -c echo \"a: b\"\\x1b[2J", "exec"), (row.Action, row.Detail, row.Class));
        Assert.Equal(("e1", "web", "app", 1795376624837742409L, true), (row.ExecId, row.Name, row.Image, row.TimeNs!.Value, row.OfContainer));
        Assert.Equal("v", row.Attributes["label"]);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{\"Type\":")]
    public void Becomes_a_row_with_its_error_when_it_is_none(string line)
    {
        EventRow row = Only(line);
        Assert.NotNull(row.Error);
        Assert.Equal(0, row.Offset);
    }

    [Theory]
    [InlineData("{\"Type\":7,\"Action\":null,\"Actor\":[],\"time\":\"x\"}")]
    [InlineData("{\"Actor\":{\"Attributes\":{\"a\":1,\"name\":null}},\"time\":99999999999999}")]
    public void Is_read_as_far_as_it_goes(string line) => Assert.Null(Only(line).TimeNs);

    [Fact]
    public void Comes_back_from_its_row()
    {
        EventRow row = Only($$$"""{"Type":"container","Action":"die","Actor":{"ID":"{{{Id}}}","Attributes":{"exitCode":"137","signal":"9","x":"y"}},"time":1795376624}""");
        using MemoryStream rows = new();
        using (Utf8JsonWriter json = new(rows))
        {
            row.Write(json);
        }

        rows.Write("\nbroken\n{\"n\":1}\n"u8);
        rows.Position = 0;
        int broken = 0;
        EventRow again = Assert.Single(EventRow.Read(rows, _ => broken++));
        Assert.Equal(2, broken);
        Assert.Equal((137L, "9", "lifecycle", 1795376624000000000L), (again.ExitCode!.Value, again.Signal, again.Class, again.TimeNs!.Value));
        Assert.Equal("y", again.Attributes["x"]);
    }

    private static EventRow Only(string line) => Assert.Single(EngineEvents.Read(new MemoryStream(Encoding.UTF8.GetBytes(line)), Id, ""));
}
