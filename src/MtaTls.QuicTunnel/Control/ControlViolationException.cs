namespace MtaTls.QuicTunnel.Control;

/// <summary>The peer violated the rules of the control plane. Its QUIC connection is closed with <see cref="Error"/>; its session continues.</summary>
internal sealed class ControlViolationException(string message, QuicTunnelError error = QuicTunnelError.ProtocolViolation) : Exception(message)
{
    public QuicTunnelError Error { get; } = error;
}
