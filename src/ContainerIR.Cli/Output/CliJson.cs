using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ContainerIR.Actions;
using ContainerIR.Actions.Changes;
using ContainerIR.Cases;
using ContainerIR.Cli.Commands;
using ContainerIR.Exporters;
using ContainerIR.Reports;
using ContainerIR.Shippers;

namespace ContainerIR.Cli.Output;

/// <summary>
/// Every document <c>--json</c> prints: snake_case, one indented object, ASCII (what is not ASCII is a JSON escape, so that the text is safe on a terminal too).
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(AcquisitionJson))]
[JsonSerializable(typeof(CaseOverview))]
[JsonSerializable(typeof(IReadOnlyList<CaseSummary>))]
[JsonSerializable(typeof(CaseFolderJson))]
[JsonSerializable(typeof(CasebookHead))]
[JsonSerializable(typeof(CheckedCase))]
[JsonSerializable(typeof(RebuiltJson))]
[JsonSerializable(typeof(IndexedBundle))]
[JsonSerializable(typeof(ArchivedCase))]
[JsonSerializable(typeof(ContainersJson))]
[JsonSerializable(typeof(KeysJson))]
[JsonSerializable(typeof(DoctorJson))]
[JsonSerializable(typeof(RecoveredJson))]
[JsonSerializable(typeof(StampedJson))]
[JsonSerializable(typeof(SignedJson))]
[JsonSerializable(typeof(ProofMadeJson))]
[JsonSerializable(typeof(IReadOnlyList<ProofCheckJson>))]
[JsonSerializable(typeof(ExtractedJson))]
[JsonSerializable(typeof(PackedJson))]
[JsonSerializable(typeof(UnpackedJson))]
[JsonSerializable(typeof(PartsJson))]
[JsonSerializable(typeof(HandoverJson))]
[JsonSerializable(typeof(ReceiptJson))]
[JsonSerializable(typeof(CustodyChainJson))]
[JsonSerializable(typeof(RequestJson))]
[JsonSerializable(typeof(AgeJson))]
[JsonSerializable(typeof(ExportResult))]
[JsonSerializable(typeof(WrittenReport))]
[JsonSerializable(typeof(ShipResult))]
[JsonSerializable(typeof(ActionOutcome))]
[JsonSerializable(typeof(ActionPreview))]
[JsonSerializable(typeof(UndoResult))]
[JsonSerializable(typeof(IReadOnlyList<ChangeStatus>))]
internal sealed partial class CliJson : JsonSerializerContext
{
    public static void Write<T>(TextWriter writer, T value, JsonTypeInfo<T> type) => writer.WriteLine(JsonSerializer.Serialize(value, type));
}
