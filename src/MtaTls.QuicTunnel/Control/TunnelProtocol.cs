namespace MtaTls.QuicTunnel.Control;

/// <summary>The names and numbers by which both ends know the protocol.</summary>
internal static class TunnelProtocol
{
    /// <summary>The client's first unidirectional stream, which is its control stream.</summary>
    public const long ClientControlStreamId = 2;

    /// <summary>The concentrator's first unidirectional stream, which is its control stream.</summary>
    public const long ConcentratorControlStreamId = 3;

    /// <summary>The application protocols (ALPN), the preferred one first.</summary>
    public static readonly IReadOnlyList<string> ApplicationProtocols = ["qt-session", "qt-session-00"];
}
