using System.Text.Json.Serialization;

namespace MtaTls.Benchmarks.Work;

/// <summary>Work for a client process, sent as a line of JSON on its standard input.</summary>
internal sealed record WorkRequest(WorkKind Kind, int Streams = 1, long Bytes = 0, double Seconds = 0, int Port = 0, int Sessions = 1, string? Address = null);

/// <summary>The result of the work, as a line of JSON on standard output. A value that the work does not have is 0.</summary>
internal sealed record WorkResult
{
    public string? Error { get; init; }

    public long Operations { get; init; }

    public long Bytes { get; init; }

    public double Seconds { get; init; }

    public double ServerCpuSeconds { get; init; }

    public double ClientCpuSeconds { get; init; }

    public long ServerAllocatedBytes { get; init; }

    public long ServerPeakResidentBytes { get; init; }

    /// <summary>Further figures by name: latencies in milliseconds, memory in bytes, rates in bytes a second.</summary>
    public Dictionary<string, double> Figures { get; init; } = [];
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(WorkRequest))]
[JsonSerializable(typeof(WorkResult))]
internal sealed partial class WorkJson : JsonSerializerContext;
