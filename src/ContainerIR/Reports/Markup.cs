using System.Text;

namespace ContainerIR.Reports;

/// <summary>Text as markup: the one way anything that is not a literal of ours gets into the document.</summary>
internal static class Markup
{
    /// <summary>Text between tags or in a quoted attribute (HTML Living Standard 13.3, escaping a string). It is isolated from the direction of its neighbours.</summary>
    public static string Of(string? text) => $"<bdi>{Attribute(text)}</bdi>";

    /// <summary>Text in SVG or in a quoted attribute.</summary>
    public static string Attribute(string? text)
    {
        StringBuilder escaped = new();
        foreach (char c in text ?? "")
        {
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&quot;"),
                '\'' => escaped.Append("&#39;"),
                '`' => escaped.Append("&#96;"),
                _ => escaped.Append(c),
            };
        }

        return escaped.ToString();
    }
}
