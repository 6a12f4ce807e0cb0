using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.Protocol;

namespace MtaTls.Tool.Forwarding;

/// <summary>The request of a local program to the proxy port.</summary>
/// <param name="Destination">The destination that the program asks for.</param>
/// <param name="Protocol">The proxy protocol of the request, and of its answer.</param>
/// <param name="Head">Bytes that the destination gets first, such as a plain HTTP request.</param>
internal sealed record ProxyRequest(ChannelAddress Destination, ProxyProtocol Protocol, ReadOnlyMemory<byte> Head);

/// <summary>The protocol of a proxy request.</summary>
internal enum ProxyProtocol
{
    Socks5,
    HttpConnect,
    Http,
}

/// <summary>The result of a proxy request.</summary>
internal enum ProxyAnswer
{
    Connected,
    Refused,
    Failed,
}

/// <summary>
/// The first exchange on a proxy port: SOCKS5 (RFC 1928) without authentication, HTTP CONNECT (RFC 9110, section 9.3.6), or an HTTP request with an absolute URL. Such a request is forwarded as the only one of
/// its connection.
/// </summary>
internal static class ProxyHandshake
{
    private const int MaxHeadLength = 32 * 1024;

    /// <summary>Reads the request; null: it was invalid, and the program got an error.</summary>
    public static async Task<ProxyRequest?> ReadAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] first = new byte[1];
        if (await socket.ReceiveAsync(first, SocketFlags.None, cancellationToken) == 0)
        {
            return null;
        }

        return first[0] == 5 ? await ReadSocksAsync(socket, cancellationToken) : await ReadHttpAsync(socket, first[0], cancellationToken);
    }

    /// <summary>Tells the program the result. A successful plain HTTP request is answered by its destination instead.</summary>
    public static async Task AnswerAsync(Socket socket, ProxyProtocol protocol, ProxyAnswer answer, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = (protocol, answer) switch
        {
            (ProxyProtocol.Socks5, ProxyAnswer.Connected) => SocksReply(0),
            (ProxyProtocol.Socks5, ProxyAnswer.Refused) => SocksReply(5),
            (ProxyProtocol.Socks5, _) => SocksReply(1),
            (ProxyProtocol.HttpConnect, ProxyAnswer.Connected) => "HTTP/1.1 200 Connected\r\n\r\n"u8.ToArray(),
            (ProxyProtocol.Http, ProxyAnswer.Connected) => default,
            (_, ProxyAnswer.Refused) => Problem("502 Bad Gateway", "The gateway refused the destination."),
            _ => Problem("504 Gateway Timeout", "The gateway could not be reached."),
        };
        if (!bytes.IsEmpty)
        {
            await SendAsync(socket, bytes, cancellationToken);
        }
    }

    private static async Task<ProxyRequest?> ReadSocksAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[256];
        await ReadExactlyAsync(socket, buffer.AsMemory(0, 1), cancellationToken);
        int methods = buffer[0];
        await ReadExactlyAsync(socket, buffer.AsMemory(0, methods), cancellationToken);
        bool hasNone = buffer.AsSpan(0, methods).Contains((byte)0);
        await SendAsync(socket, new byte[] { 5, (byte)(hasNone ? 0 : 0xFF) }, cancellationToken);
        if (!hasNone)
        {
            return null;
        }

        await ReadExactlyAsync(socket, buffer.AsMemory(0, 4), cancellationToken);
        (byte command, byte type) = (buffer[1], buffer[3]);
        if (buffer[0] != 5 || command != 1 || type is not (1 or 3 or 4))
        {
            await SendAsync(socket, SocksReply((byte)(command != 1 ? 7 : 8)), cancellationToken);
            return null;
        }

        if (type == 3)
        {
            await ReadExactlyAsync(socket, buffer.AsMemory(0, 1), cancellationToken);
        }

        int length = type switch { 1 => 4, 4 => 16, _ => buffer[0] };
        byte[] rest = new byte[length + 2];
        await ReadExactlyAsync(socket, rest, cancellationToken);
        string host = type == 3 ? Encoding.ASCII.GetString(rest, 0, length) : new IPAddress(rest.AsSpan(0, length)).ToString();
        if (!ChannelAddress.IsValidHost(host))
        {
            await SendAsync(socket, SocksReply(8), cancellationToken);
            return null;
        }

        return new ProxyRequest(new ChannelAddress(host, BinaryPrimitives.ReadUInt16BigEndian(rest.AsSpan(length))), ProxyProtocol.Socks5, default);
    }

    private static async Task<ProxyRequest?> ReadHttpAsync(Socket socket, byte first, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[MaxHeadLength];
        buffer[0] = first;
        int length = 1, end;
        while ((end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int received = length < buffer.Length ? await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellationToken) : 0;
            if (received == 0)
            {
                if (length == buffer.Length)
                {
                    await SendAsync(socket, Problem("431 Request Header Fields Too Large", "The request's header is too long."), cancellationToken);
                }

                return null;
            }

            length += received;
        }

        string[] lines = Encoding.Latin1.GetString(buffer, 0, end).Split("\r\n");
        ReadOnlyMemory<byte> rest = buffer.AsMemory(end + 4, length - end - 4);
        string[] words = lines[0].Split(' ');
        if (words.Length == 3 && words[0] == "CONNECT" && Gateways.HostAndPort.TryParse(words[1], null, out Gateways.HostAndPort target))
        {
            return new ProxyRequest(target.ToChannelAddress(), ProxyProtocol.HttpConnect, rest);
        }

        if (words.Length == 3 && Uri.TryCreate(words[1], UriKind.Absolute, out Uri? uri) && uri.Scheme == "http" && ChannelAddress.IsValidHost(uri.IdnHost.Trim('[', ']')))
        {
            byte[] head = [.. Encoding.Latin1.GetBytes(OriginForm(words, uri, lines)), .. rest.Span];
            return new ProxyRequest(new ChannelAddress(uri.IdnHost.Trim('[', ']'), uri.Port), ProxyProtocol.Http, head);
        }

        await SendAsync(socket, Problem("400 Bad Request", "This port is a proxy. It accepts SOCKS5, HTTP CONNECT, and HTTP requests with an absolute http:// URL."), cancellationToken);
        return null;
    }

    /// <summary>The request in origin form, for the destination. It closes its connection, because the program's next request may be for another destination.</summary>
    private static string OriginForm(string[] words, Uri uri, string[] lines)
    {
        IEnumerable<string> headers = lines.Skip(1).Where(static line =>
            !line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase)
            && !line.StartsWith("Keep-Alive:", StringComparison.OrdinalIgnoreCase)
            && !line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase));
        // An upgrade needs its Connection header. It also takes the whole connection.
        bool isUpgrade = lines.Any(static line => line.StartsWith("Upgrade:", StringComparison.OrdinalIgnoreCase));
        return $"{words[0]} {uri.PathAndQuery} {words[2]}\r\n{string.Join("\r\n", headers)}\r\nConnection: {(isUpgrade ? "Upgrade" : "close")}\r\n\r\n";
    }

    private static byte[] SocksReply(byte code) => [5, code, 0, 1, 0, 0, 0, 0, 0, 0];

    private static byte[] Problem(string status, string text) =>
        Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {text.Length + 1}\r\nConnection: close\r\n\r\n{text}\n");

    private static async Task ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int received = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            if (received == 0)
            {
                throw new EndOfStreamException("The program closed the connection.");
            }

            buffer = buffer[received..];
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }
}
