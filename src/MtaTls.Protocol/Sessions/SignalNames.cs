using System.Text;

namespace MtaTls.Protocol;

/// <summary>
/// The destinations of opens that are signals. Names under <c>.invalid</c> never exist (RFC 6761, section 6.4), so a peer that does not know them refuses the open.
/// See docs/mta-tls-wire.md, "Signals".
/// </summary>
internal static class SignalNames
{
    public const string PingName = "ping.mta-tls.invalid";
    public const string GoAwayName = "go-away.mta-tls.invalid";

    /// <summary>The smallest window for which a legal max_packet_length exists.</summary>
    public const int Window = 2;
    public const int MaxPacketLength = 1;

    public static ReadOnlySpan<byte> Ping => "ping.mta-tls.invalid"u8;

    public static ReadOnlySpan<byte> GoAway => "go-away.mta-tls.invalid"u8;

    public static bool Is(ReadOnlySpan<byte> destination, ReadOnlySpan<byte> name) => destination.Length == name.Length && Ascii.EqualsIgnoreCase(destination, name);
}
