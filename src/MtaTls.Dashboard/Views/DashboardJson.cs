using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using MtaTls.Dashboard.Inspector;

namespace MtaTls.Dashboard.Views;

/// <summary>How the page's data are written.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(JsonStringEnumConverter<LogLevel>)])]
[JsonSerializable(typeof(Frame))]
[JsonSerializable(typeof(RecordedRequest))]
[JsonSerializable(typeof(TokenMessage))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(ReplayMessage))]
internal sealed partial class DashboardJson : JsonSerializerContext;

/// <summary>What the page sends with an action.</summary>
internal sealed record TokenMessage(string Header, string Token);

/// <summary>Why something was not done.</summary>
internal sealed record ErrorMessage(string Error);

/// <summary>The request that was sent again, as it was recorded.</summary>
internal sealed record ReplayMessage(long Number, int Status);
