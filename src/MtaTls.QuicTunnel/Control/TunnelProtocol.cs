namespace MtaTls.QuicTunnel.Control;

/// <summary>Constants of the protocol that both ends use.</summary>
internal static class TunnelProtocol
{
    /// <summary>The client's control stream: its first unidirectional stream (draft section 4.1).</summary>
    public const long ClientControlStreamId = 2;

    /// <summary>The concentrator's control stream: its first unidirectional stream (draft section 4.1).</summary>
    public const long ConcentratorControlStreamId = 3;

    /// <summary>The application protocols (ALPN, draft section 5), the preferred one first.</summary>
    public static readonly IReadOnlyList<string> ApplicationProtocols = ["qt-session", "qt-session-00"];
}
