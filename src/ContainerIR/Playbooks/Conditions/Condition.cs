using System.Globalization;
using System.Text.RegularExpressions;

namespace ContainerIR.Playbooks.Conditions;

/// <summary>What a condition is judged by.</summary>
/// <param name="Variable">Value of a variable; null when it has none.</param>
/// <param name="Finding">Values of a property of the findings of the last triage: <c>rule</c>, <c>severity</c>, <c>score</c>.</param>
internal sealed record ConditionScope(Func<string, string?> Variable, Func<string, IReadOnlyList<string>> Finding);

/// <summary>
/// A boolean expression as CACAO 2.0 asks for: the comparisons of STIX patterning (<c>= != &lt; &gt; &lt;= &gt;= IN LIKE MATCHES</c>, <c>AND OR NOT</c>) over
/// <c>__name__:value</c> and <c>finding:rule</c>. A comparison with a variable that has no value is false. Numbers compare as numbers where both sides are numbers.
/// </summary>
internal abstract class Condition
{
    private static readonly TimeSpan MatchTime = TimeSpan.FromSeconds(1);

    /// <summary>Judges it.</summary>
    public abstract bool Holds(ConditionScope scope);

    /// <summary>Names of the variables it asks for.</summary>
    public abstract IEnumerable<string> Variables { get; }

    internal sealed class Either(Condition left, Condition right) : Condition
    {
        public override IEnumerable<string> Variables => left.Variables.Concat(right.Variables);

        public override bool Holds(ConditionScope scope) => left.Holds(scope) || right.Holds(scope);
    }

    internal sealed class Both(Condition left, Condition right) : Condition
    {
        public override IEnumerable<string> Variables => left.Variables.Concat(right.Variables);

        public override bool Holds(ConditionScope scope) => left.Holds(scope) && right.Holds(scope);
    }

    internal sealed class Not(Condition inner) : Condition
    {
        public override IEnumerable<string> Variables => inner.Variables;

        public override bool Holds(ConditionScope scope) => !inner.Holds(scope);
    }

    /// <summary>A side of a comparison: a literal, a variable or a property of findings.</summary>
    internal sealed record Operand(string? Literal, string? Variable, string? Finding)
    {
        public IReadOnlyList<string> Values(ConditionScope scope) =>
            Literal is not null ? [Literal]
            : Finding is not null ? scope.Finding(Finding)
            : scope.Variable(Variable!) is { } value ? [value] : [];

        public IEnumerable<string> Names => Variable is null ? [] : [Variable];
    }

    internal sealed class Comparison(Operand left, string sign, IReadOnlyList<Operand> right) : Condition
    {
        public override IEnumerable<string> Variables => left.Names.Concat(right.SelectMany(each => each.Names));

        public override bool Holds(ConditionScope scope) =>
            left.Values(scope).Any(value => right.SelectMany(each => each.Values(scope)).Any(other => Compare(value, other)));

        private bool Compare(string value, string other) => sign switch
        {
            "=" or "IN" => Order(value, other) == 0,
            "!=" => Order(value, other) != 0,
            "<" => Order(value, other) < 0,
            ">" => Order(value, other) > 0,
            "<=" => Order(value, other) <= 0,
            ">=" => Order(value, other) >= 0,
            "LIKE" => Regex.IsMatch(value, LikeForm(other), RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant, MatchTime),
            _ => Regex.IsMatch(value, other, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, MatchTime),
        };

        private static int Order(string value, string other) =>
            decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) && decimal.TryParse(other, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal with)
                ? number.CompareTo(with)
                : string.CompareOrdinal(value, other);

        private static string LikeForm(string pattern) =>
            "^" + string.Concat(pattern.Select(each => each switch { '%' => ".*", '_' => ".", _ => Regex.Escape(each.ToString()) })) + "\\z";
    }
}
