namespace MtaTls.AspNetCore.Routing;

/// <summary>The result of comparing a request's Host header or :authority with the destination of its channel.</summary>
internal enum HostMatch
{
    /// <summary>The request names another host, or none. The answer is 421 unless <see cref="MtaTlsOptions.AllowHostMismatch"/> is set.</summary>
    Other,

    /// <summary>The request names the destination.</summary>
    Destination,

    /// <summary>The request names no valid host: an A-label cannot be decoded. The answer is 400.</summary>
    Invalid,
}
