namespace MtaTls.QuicTunnel.Control;

/// <summary>The peer broke the rules of the control plane; its QUIC connection is closed with <see cref="Error"/>, its session goes on.</summary>
internal sealed class ControlViolationException(string message, QuicTunnelError error = QuicTunnelError.ProtocolViolation) : Exception(message)
{
    public QuicTunnelError Error { get; } = error;
}
