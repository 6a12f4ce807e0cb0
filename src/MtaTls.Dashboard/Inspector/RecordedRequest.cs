namespace MtaTls.Dashboard.Inspector;

/// <summary>A request as the page shows it.</summary>
internal sealed record RecordedRequest(
    RequestRow Head, string Protocol, string? Peer, double? FirstByte, IReadOnlyList<RecordedHeader> RequestHeaders, RecordedBody RequestBody, IReadOnlyList<RecordedHeader> ResponseHeaders,
    RecordedBody ResponseBody, string? Error, string? CannotReplay);

/// <summary>A recorded header. The value of a blanked header is replaced.</summary>
internal sealed record RecordedHeader(string Name, string Value);

/// <summary>A request as the list of requests shows it.</summary>
/// <param name="Number">1 for the first, and so on.</param>
/// <param name="Time">When it began.</param>
/// <param name="Method">Its method.</param>
/// <param name="Url">Its URL.</param>
/// <param name="Status">The response's status code.</param>
/// <param name="Duration">Milliseconds until the response had ended.</param>
/// <param name="RequestLength">Bytes of the request's body.</param>
/// <param name="ResponseLength">Bytes of the response's body.</param>
/// <param name="Destination">The id of the YARP destination that it went to; null: none.</param>
/// <param name="ReplayOf">The number of the request that this one repeats.</param>
internal sealed record RequestRow(
    long Number, DateTimeOffset Time, string Method, string Url, int Status, double Duration, long RequestLength, long ResponseLength, string? Destination, long? ReplayOf);
