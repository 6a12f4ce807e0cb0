namespace MtaTls.AspNetCore.Routing;

/// <summary>Tells why no TCP connection could be opened. The message is for the server's log, never for the client.</summary>
internal sealed class TcpConnectException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>Whether <see cref="MtaTlsTcpOptions.ConnectTimeout"/> has elapsed.</summary>
    public bool IsTimeout { get; init; }
}
