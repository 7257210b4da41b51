namespace ContainerIR.Analyzers.Sigma;

/// <summary>A part of a rule that holds for a row, or does not.</summary>
internal abstract record SigmaTest
{
    public abstract bool Holds(SigmaRow row);
}

/// <summary>All of them; true of none.</summary>
internal sealed record AllOf(IReadOnlyList<SigmaTest> Tests) : SigmaTest
{
    public override bool Holds(SigmaRow row) => Tests.All(test => test.Holds(row));
}

/// <summary>At least so many of them.</summary>
internal sealed record SomeOf(IReadOnlyList<SigmaTest> Tests, int Least = 1) : SigmaTest
{
    public override bool Holds(SigmaRow row) => Least == 1 ? Tests.Any(test => test.Holds(row)) : Tests.Count(test => test.Holds(row)) >= Least;
}

internal sealed record Not(SigmaTest Test) : SigmaTest
{
    public override bool Holds(SigmaRow row) => !Test.Holds(row);
}

/// <summary>A value of the field passes. Of a field with several values one is enough.</summary>
internal sealed record FieldPasses(string Field, Func<string, bool> Passes) : SigmaTest
{
    public override bool Holds(SigmaRow row)
    {
        IReadOnlyList<SigmaValue> values = row[Field];
        for (int i = 0; i < values.Count; i++)
        {
            if (Passes(values[i].Text))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A keyword: any value of the row passes.</summary>
internal sealed record AnyFieldPasses(Func<string, bool> Passes) : SigmaTest
{
    public override bool Holds(SigmaRow row) => row.Values.Any(value => Passes(value.Text));
}

/// <summary>Whether the row has the field.</summary>
internal sealed record FieldExists(string Field) : SigmaTest
{
    public override bool Holds(SigmaRow row) => row[Field].Count > 0;
}

/// <summary>Two fields compared with each other.</summary>
internal sealed record FieldsCompare(string Field, string Other, Func<string, string, bool> Compare) : SigmaTest
{
    public override bool Holds(SigmaRow row) => row[Field].Any(value => row[Other].Any(other => Compare(value.Text, other.Text)));
}
