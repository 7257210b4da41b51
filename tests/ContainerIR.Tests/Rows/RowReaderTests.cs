using System.Text;
using System.Text.Json;
using ContainerIR.Rows;
using Xunit;

namespace ContainerIR.Tests.Rows;

public sealed class Rows_of_a_bundle
{
    private static (List<ProcessRow> Rows, RowProblems Problems) Read(string text, RowLimits? limits = null)
    {
        RowProblems problems = new();
        return ([.. ProcessRow.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), limits ?? RowLimits.Default, problems)], problems);
    }

    [Fact]
    public void Survive_lines_that_are_none()
    {
        (List<ProcessRow> rows, RowProblems problems) = Read(
            "{\"pid\":1}\n\nnot json\n[1]\n{\"pid\":\"x\"}\n{\"pid\":-4}\n{\"pid\":2,\"signs\":7,\"exe\":[],\"comm\":\"\\ud800\"}\n{\"pid\":3,\"signs\":[\"a\",5]}");

        Assert.Contains(rows, r => r.Pid == 1);
        Assert.Equal(["a"], rows.Single(r => r.Pid == 3).Signs);
        Assert.False(problems.IsClean);
    }

    [Fact]
    public void Are_bounded_in_length_and_number()
    {
        string longLine = "{\"pid\":9,\"comm\":\"" + new string('x', 300_000) + "\"}";

        (List<ProcessRow> rows, RowProblems problems) = Read($"{longLine}\n{{\"pid\":1}}\n{longLine}\n{{\"pid\":2}}\n{{\"pid\":3}}\n", new RowLimits(LineBytes: 1000, Rows: 2));

        Assert.Equal([1, 2], rows.Select(r => r.Pid));
        Assert.Equal((2, true), (problems.TooLong, problems.IsCut));
    }

    [Fact]
    public void Keep_the_very_bytes_of_a_name_that_is_no_text()
    {
        byte[] name = [(byte)'c', 0xff, (byte)'\\', 0x1b];
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            ByteJson.Write(json, "name", name);
            json.WriteEndObject();
        }

        using JsonDocument row = JsonDocument.Parse(stream.ToArray());
        Assert.Equal(name, ByteJson.Read(row.RootElement, "name"));
        Assert.Equal("c\\xff\\\\\\x1b", row.RootElement.GetProperty("name").GetString());
    }
}
