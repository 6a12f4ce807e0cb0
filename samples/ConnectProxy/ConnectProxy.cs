using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.Client;
using MtaTls.Protocol;

namespace MtaTls.Samples;

/// <summary>A CONNECT proxy (RFC 9110, section 9.3.6) whose tunnels are channels of an MTA-TLS session.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private const int MaxHeadLength = 8192;
    private static readonly TimeSpan s_headTimeout = TimeSpan.FromSeconds(10);

    private readonly MtaTlsClient _client;
    private readonly Func<string, X509Certificate2>? _certificates;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    private ConnectProxy(MtaTlsClient client, IPEndPoint endPoint, Func<string, X509Certificate2>? certificates)
    {
        _client = client;
        _certificates = certificates;
        _listener = new TcpListener(endPoint);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <param name="client">Opens the channels.</param>
    /// <param name="endPoint">Where to listen. Every program that can reach it can use the session, so keep it on the loopback interface.</param>
    /// <param name="certificates">
    /// Null: a tunnel carries all bytes of the browser, including its own TLS. Not null: the proxy terminates the browser's TLS, with the certificate that this function returns for a host. The channel then carries
    /// HTTP for an application behind <c>UseMtaTls()</c>.
    /// </param>
    public static ConnectProxy Start(MtaTlsClient client, IPEndPoint endPoint, Func<string, X509Certificate2>? certificates = null) => new(client, endPoint, certificates);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        await using var browser = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (await ReadDestinationAsync(browser) is not { } destination)
            {
                await AnswerAsync(browser, "405 Method Not Allowed");
                return;
            }
            MtaTlsClientChannel channel;
            try
            {
                channel = await _client.OpenChannelAsync(destination, cancellationToken: _stopping.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                await AnswerAsync(browser, "502 Bad Gateway");
                return;
            }
            await using (channel)
            {
                await AnswerAsync(browser, "200 OK");
                if (_certificates is null)
                {
                    await TunnelAsync(browser, channel);
                    return;
                }
                await using var tls = new SslStream(browser);
                var options = new SslServerAuthenticationOptions { ServerCertificate = _certificates(destination.Host) };
                if (!channel.ApplicationProtocol.IsEmpty)
                {
                    options.ApplicationProtocols = [new SslApplicationProtocol(channel.ApplicationProtocol.ToArray())];
                }

                await tls.AuthenticateAsServerAsync(options, _stopping.Token);
                await TunnelAsync(tls, channel);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // One end has closed, and the tunnel ends with it.
        }
    }

    /// <summary>Reads the head of the request; null: it is not a CONNECT with a valid host and port.</summary>
    private async Task<ChannelAddress?> ReadDestinationAsync(Stream browser)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        limit.CancelAfter(s_headTimeout);
        // Browsers wait for the response before they send more, so this reads no bytes after the head.
        byte[] head = new byte[MaxHeadLength];
        int length = 0;
        while (!head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            int read = length < head.Length ? await browser.ReadAsync(head.AsMemory(length), limit.Token) : 0;
            if (read == 0)
            {
                return null;
            }

            length += read;
        }
        string[] words = Encoding.ASCII.GetString(head, 0, head.AsSpan(0, length).IndexOf("\r\n"u8)).Split(' ');
        int colon = words.Length == 3 ? words[1].LastIndexOf(':') : -1;
        if (colon < 1 || words[0] != "CONNECT" || !ushort.TryParse(words[1].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return null;
        }

        string host = words[1][..colon].Trim('[', ']');
        return ChannelAddress.IsValidHost(host) ? new ChannelAddress(host, port) : null;
    }

    private async Task TunnelAsync(Stream browser, MtaTlsClientChannel channel)
    {
        // Channels have no half close: when one direction ends, the tunnel ends.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Task up = browser.CopyToAsync(channel, end.Token), down = channel.CopyToAsync(browser, end.Token);
        await Task.WhenAny(up, down);
        await end.CancelAsync();
        await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static ValueTask AnswerAsync(Stream browser, string status) => browser.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n\r\n"));
}
