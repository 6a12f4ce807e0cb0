using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Gateways;

/// <summary>Reaches a gateway through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6) or a SOCKS5 proxy (RFC 1928, 1929).</summary>
internal sealed class ProxyConnector(Uri proxy)
{
    private const int MaxHeadLength = 16 * 1024;

    public async ValueTask<Stream> ConnectAsync(DnsEndPoint gateway, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            try
            {
                await socket.ConnectAsync(proxy.IdnHost.Trim('[', ']'), proxy.Port, cancellationToken);
            }
            catch (SocketException e)
            {
                throw new ToolException(ExitCode.NotReachable, $"The proxy {proxy.Host}:{proxy.Port} could not be reached: {e.Message}.", "Check --proxy.", e);
            }

            var stream = new NetworkStream(socket, ownsSocket: true);
            await (proxy.Scheme == "http" ? HttpAsync(stream, gateway, cancellationToken) : SocksAsync(stream, gateway, cancellationToken));
            return stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task HttpAsync(NetworkStream stream, DnsEndPoint gateway, CancellationToken cancellationToken)
    {
        string target = new HostAndPort(gateway.Host, gateway.Port).ToString();
        string authorization = proxy.UserInfo.Length == 0 ? "" : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(proxy.UserInfo)))}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n"), cancellationToken);

        // One byte at a time, because the bytes after the head belong to the gateway's TLS session.
        byte[] head = new byte[MaxHeadLength];
        int length = 0;
        while (!head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            if (length == head.Length || await stream.ReadAsync(head.AsMemory(length, 1), cancellationToken) == 0)
            {
                throw Refused(length == 0 ? "it closed the connection" : "its answer is not HTTP");
            }

            length++;
        }

        string status = Encoding.ASCII.GetString(head, 0, head.AsSpan(0, length).IndexOf("\r\n"u8));
        if (!status.StartsWith("HTTP/1.", StringComparison.Ordinal) || status.Length < 12 || status[9] != '2')
        {
            throw Refused(status.Length < 10 ? "its answer is not HTTP" : status[9..]);
        }
    }

    private async Task SocksAsync(NetworkStream stream, DnsEndPoint gateway, CancellationToken cancellationToken)
    {
        string[] user = Uri.UnescapeDataString(proxy.UserInfo).Split(':', 2);
        bool hasUser = user[0].Length > 0;
        await stream.WriteAsync(hasUser ? [5, 2, 0, 2] : (byte[])[5, 1, 0], cancellationToken);
        byte[] answer = new byte[262];
        await ReadAsync(stream, answer.AsMemory(0, 2), cancellationToken);
        if (answer[0] != 5 || answer[1] is not (0 or 2))
        {
            throw Refused(answer[0] != 5 ? "it is not a SOCKS5 proxy" : "it accepts none of the offered authentication methods");
        }

        if (answer[1] == 2)
        {
            await stream.WriteAsync((byte[])[1, .. Short(user[0]), .. Short(user.Length > 1 ? user[1] : "")], cancellationToken);
            await ReadAsync(stream, answer.AsMemory(0, 2), cancellationToken);
            if (answer[1] != 0)
            {
                throw Refused("it refused the user name or password");
            }
        }

        byte[] port = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(port, (ushort)gateway.Port);
        byte[] address = IPAddress.TryParse(gateway.Host, out IPAddress? ip) ? [(byte)(ip.AddressFamily == AddressFamily.InterNetwork ? 1 : 4), .. ip.GetAddressBytes()] : [3, .. Short(gateway.Host)];
        await stream.WriteAsync((byte[])[5, 1, 0, .. address, .. port], cancellationToken);
        await ReadAsync(stream, answer.AsMemory(0, 5), cancellationToken);
        if (answer[1] != 0)
        {
            throw Refused(string.Create(CultureInfo.InvariantCulture, $"SOCKS5 reply {answer[1]}"));
        }

        int left = answer[3] switch { 1 => 3, 3 => answer[4], 4 => 15, _ => throw Refused("its answer is not SOCKS5") } + 2;
        await ReadAsync(stream, answer.AsMemory(0, left), cancellationToken);
    }

    private async Task ReadAsync(NetworkStream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            await stream.ReadExactlyAsync(buffer, cancellationToken);
        }
        catch (EndOfStreamException)
        {
            throw Refused("it closed the connection");
        }
    }

    private static byte[] Short(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= 255 ? [(byte)bytes.Length, .. bytes] : throw new ToolException(ExitCode.Usage, $"'{text[..32]}…' is too long for SOCKS5.");
    }

    private ToolException Refused(string reason) =>
        new(ExitCode.NotReachable, $"The proxy {proxy.Host}:{proxy.Port} did not connect to the gateway: {reason}.", "Check --proxy and the proxy's rules.");
}
