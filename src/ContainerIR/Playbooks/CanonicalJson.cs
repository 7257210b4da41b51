using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ContainerIR.Playbooks;

/// <summary>The one canonical form of a JSON document (RFC 8785): what is hashed and stored of a compiled playbook.</summary>
internal static class CanonicalJson
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Canonical bytes.</summary>
    /// <exception cref="EncoderFallbackException">A text holds a lone surrogate, which RFC 8785 (section 3.2.2.2) refuses.</exception>
    public static byte[] Write(JsonNode? node)
    {
        StringBuilder text = new();
        Write(text, node);
        return Utf8.GetBytes(text.ToString());
    }

    /// <summary>SHA-256 of canonical bytes, lower-case hexadecimal.</summary>
    public static string Sha256(byte[] canonical) => Convert.ToHexStringLower(SHA256.HashData(canonical));

    private static void Write(StringBuilder text, JsonNode? node)
    {
        switch (node)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject members:
                char separator = '{';
                foreach ((string name, JsonNode? value) in members.OrderBy(member => member.Key, StringComparer.Ordinal))
                {
                    text.Append(separator);
                    separator = ',';
                    WriteString(text, name);
                    text.Append(':');
                    Write(text, value);
                }

                text.Append(members.Count == 0 ? "{}" : "}");
                break;
            case JsonArray items:
                text.Append('[');
                for (int i = 0; i < items.Count; i++)
                {
                    text.Append(i == 0 ? "" : ",");
                    Write(text, items[i]);
                }

                text.Append(']');
                break;
            default:
                WriteValue(text, node.AsValue());
                break;
        }
    }

    private static void WriteValue(StringBuilder text, JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                text.Append("true");
                break;
            case JsonValueKind.False:
                text.Append("false");
                break;
            case JsonValueKind.String:
                WriteString(text, value.GetValue<string>());
                break;
            default:
                text.Append(NumberOf(double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture)));
                break;
        }
    }

    // ECMA-262, Number::toString: the shortest digits that read back, laid out by the size of the exponent.
    private static string NumberOf(double number)
    {
        if (!double.IsFinite(number))
        {
            throw new FormatException("a number of the document is larger than IEEE 754 double precision holds");
        }

        if (number == 0)
        {
            return "0";
        }

        string shortest = Math.Abs(number).ToString("E16", CultureInfo.InvariantCulture);
        for (int digitsAfterPoint = 0; digitsAfterPoint < 16; digitsAfterPoint++)
        {
            string tried = Math.Abs(number).ToString("E" + digitsAfterPoint.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            if (double.Parse(tried, CultureInfo.InvariantCulture) == Math.Abs(number))
            {
                shortest = tried;
                break;
            }
        }

        int mark = shortest.IndexOf('E', StringComparison.Ordinal);
        string digits = shortest[..mark].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        int point = int.Parse(shortest[(mark + 1)..], CultureInfo.InvariantCulture) + 1;
        string sign = number < 0 ? "-" : "";
        if (point is > 0 and <= 21)
        {
            return sign + (digits.Length <= point ? digits.PadRight(point, '0') : digits[..point] + "." + digits[point..]);
        }

        if (point is > -6 and <= 0)
        {
            return sign + "0." + new string('0', -point) + digits;
        }

        int exponent = point - 1;
        return string.Create(
            CultureInfo.InvariantCulture, $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent)}");
    }

    private static void WriteString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char each in value)
        {
            _ = each switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)each:x4}"),
                _ => text.Append(each),
            };
        }

        text.Append('"');
    }
}
