namespace MtaTls.Benchmarks.Work;

/// <summary>The kinds of work of a client process.</summary>
internal enum WorkKind
{
    /// <summary>All kinds in small amounts, until both ends have compiled their code or <c>Seconds</c> have elapsed.</summary>
    WarmUp,

    /// <summary>GETs <c>Bytes</c> in total, over <c>Streams</c> at once.</summary>
    Download,

    /// <summary>POSTs <c>Bytes</c> in total, over <c>Streams</c> at once.</summary>
    Upload,

    /// <summary>Small GETs for <c>Seconds</c>, <c>Streams</c> in flight, on streams that stay open.</summary>
    SmallGet,

    /// <summary>Open a stream, GET, close, for <c>Seconds</c>, <c>Streams</c> at once.</summary>
    OpenGetClose,

    /// <summary>Keeps <c>Streams</c> streams without data open, and measures the server's memory before and with them.</summary>
    HoldSilent,

    /// <summary>Keeps <c>Streams</c> streams open after one request each; 1,000 of them then send requests for <c>Seconds</c>.</summary>
    HoldIdle,

    /// <summary>Keeps <c>Streams</c> channels without data open on <c>Sessions</c> sessions.</summary>
    HoldMany,

    /// <summary>One endless download: its rate between second 2 and <c>Seconds</c>.</summary>
    SustainedDownload,

    /// <summary>100 objects of mixed sizes on a new connection, as a browser fetches them.</summary>
    PageLoad,

    /// <summary>The time from opening a further stream to the first byte of its response, one after another.</summary>
    FirstByte,

    /// <summary>100 interactive streams for <c>Seconds</c>, alone and during a bulk download.</summary>
    Fairness,
}
