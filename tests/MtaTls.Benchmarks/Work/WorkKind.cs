namespace MtaTls.Benchmarks.Work;

/// <summary>What a client process can be asked to do.</summary>
internal enum WorkKind
{
    /// <summary>A bit of everything, until both ends have compiled what they run or <c>Seconds</c> have passed.</summary>
    WarmUp,

    /// <summary>GETs <c>Bytes</c> in all, over <c>Streams</c> at once.</summary>
    Download,

    /// <summary>POSTs <c>Bytes</c> in all, over <c>Streams</c> at once.</summary>
    Upload,

    /// <summary>Small GETs for <c>Seconds</c>, <c>Streams</c> in flight, each stream kept.</summary>
    SmallGet,

    /// <summary>Open a stream, GET, close, for <c>Seconds</c>, <c>Streams</c> at once.</summary>
    OpenGetClose,

    /// <summary>Holds <c>Streams</c> streams that have not spoken; memory of the server before and with them.</summary>
    HoldSilent,

    /// <summary>Holds <c>Streams</c> streams after one request each, 1,000 of which then send requests for <c>Seconds</c>.</summary>
    HoldIdle,

    /// <summary>Holds <c>Streams</c> silent channels spread over <c>Sessions</c> sessions.</summary>
    HoldMany,

    /// <summary>One endless download: its rate between second 2 and <c>Seconds</c>.</summary>
    SustainedDownload,

    /// <summary>100 objects of mixed sizes on a fresh connection, as a browser would fetch them.</summary>
    PageLoad,

    /// <summary>From opening a further stream to the first octet of its response; one after another.</summary>
    FirstByte,

    /// <summary>100 interactive streams for <c>Seconds</c>, then again beside a bulk download.</summary>
    Fairness,
}
