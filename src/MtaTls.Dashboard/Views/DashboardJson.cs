using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using MtaTls.Dashboard.Inspector;

namespace MtaTls.Dashboard.Views;

/// <summary>Serializes the page's data.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(JsonStringEnumConverter<LogLevel>)])]
[JsonSerializable(typeof(Frame))]
[JsonSerializable(typeof(RecordedRequest))]
[JsonSerializable(typeof(TokenMessage))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(ReplayMessage))]
internal sealed partial class DashboardJson : JsonSerializerContext;

/// <summary>The antiforgery token that the page sends with an action, and its header.</summary>
internal sealed record TokenMessage(string Header, string Token);

/// <summary>The error that the page shows.</summary>
internal sealed record ErrorMessage(string Error);

/// <summary>The number and status code of a request that was sent again.</summary>
internal sealed record ReplayMessage(long Number, int Status);
