namespace MtaTls.Protocol;

/// <summary>When a session sends pings.</summary>
internal enum MtaTlsKeepAlivePolicy
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>While the session has channels, opened by either end, or opens that wait for an answer.</summary>
    WithChannels,

    /// <summary>As long as the session lives: for a session that is kept so that the other end can open channels.</summary>
    Always,
}
