namespace MtaTls.AspNetCore.Routing;

/// <summary>Why no TCP connection was made. The message is for our log, never for the peer.</summary>
internal sealed class TcpConnectException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>Whether <see cref="MtaTlsTcpOptions.ConnectTimeout"/> was over.</summary>
    public bool IsTimeout { get; init; }
}
