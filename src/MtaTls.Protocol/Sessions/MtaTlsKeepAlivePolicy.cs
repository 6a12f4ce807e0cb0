namespace MtaTls.Protocol;

/// <summary>When a session sends pings.</summary>
internal enum MtaTlsKeepAlivePolicy
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>While the session has channels, opened by either end, or opens without an answer.</summary>
    WithChannels,

    /// <summary>As long as the session lives: for a session that is kept open so that the peer can open channels.</summary>
    Always,
}
