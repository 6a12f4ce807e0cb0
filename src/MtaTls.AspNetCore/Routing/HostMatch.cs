namespace MtaTls.AspNetCore.Routing;

/// <summary>How a request's Host header or :authority compares with the destination of its channel.</summary>
internal enum HostMatch
{
    /// <summary>It names another host, or none: 421.</summary>
    Other,

    /// <summary>It names the destination.</summary>
    Destination,

    /// <summary>It is no host name (an A-label that stands for nothing): 400.</summary>
    Invalid,
}
