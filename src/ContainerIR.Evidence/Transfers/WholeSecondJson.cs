using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ContainerIR.Evidence.Transfers;

/// <summary>An instant as <c>2026-11-22T12:00:00Z</c> and in no other way (RFC 3339, UTC, whole seconds).</summary>
internal sealed class WholeSecondJson : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
        && DateTimeOffset.TryParseExact(reader.GetString(), Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)
            ? at
            : throw new JsonException("an instant is not RFC 3339 in UTC with whole seconds");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture));
}
