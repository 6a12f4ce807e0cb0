using System.Net;
using System.Net.Security;
using MtaTls.Protocol;

namespace MtaTls.Client.Http;

/// <summary>Replaces a handler's connections by channels: ConnectCallback opens the channel, and PlaintextStreamFilter returns it in place of the connection.</summary>
/// <param name="clientFor">Returns the client whose sessions carry connections to a host and port.</param>
internal sealed class HttpChannelConnector(Func<DnsEndPoint, MtaTlsClient> clientFor)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = context.InitialRequestMessage;
        if (request.RequestUri is { Scheme: var scheme } uri && scheme != Uri.UriSchemeHttps && scheme != Uri.UriSchemeWss)
        {
            throw new NotSupportedException($"MTA-TLS channels carry https:// and wss:// only, not {uri.Scheme}://.");
        }

        MtaTlsClient client = clientFor(context.DnsEndPoint);
        // In the URI, from which the handler takes the host, an IPv6 address is in brackets.
        var destination = new ChannelAddress(context.DnsEndPoint.Host.Trim('[', ']'), context.DnsEndPoint.Port);
        // Whether the handler is going to offer HTTP/2 by ALPN. If it decides otherwise later, the filter notices it.
        bool mayUseHttp2 = request.Version.Major >= 2 || request.VersionPolicy == HttpVersionPolicy.RequestVersionOrHigher;
        MtaTlsClientChannel channel = await OpenAsync(client, mayUseHttp2, destination, cancellationToken).ConfigureAwait(false);
        try
        {
            ChannelSslStream stream = await (IsHttp2(channel) ? ChannelSslStreamPool.Http2 : ChannelSslStreamPool.Http11).RentAsync().ConfigureAwait(false);
            stream.Attach(channel);
            return stream;
        }
        catch
        {
            await channel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask<Stream> FilterAsync(SocketsHttpPlaintextStreamFilterContext context, CancellationToken cancellationToken)
    {
        if (context.PlaintextStream is not ChannelSslStream stream)
        {
            throw new NotSupportedException("The handler has opened a connection that is not an MTA-TLS channel.");
        }
        // The channel comes with the stream, not from the request, because a redirect may have changed the request's URI meanwhile.
        MtaTlsClientChannel channel = stream.Detach();
        if (IsHttp2(channel) == (context.NegotiatedHttpVersion.Major == 2))
        {
            return channel;
        }
        // The handler speaks HTTP/1.1 although ALPN selected HTTP/2, so it needs a session with HTTP/1.1.
        await channel.DisposeAsync().ConfigureAwait(false);
        return await OpenAsync(clientFor(new DnsEndPoint(channel.Destination.Host, channel.Destination.Port)), mayUseHttp2: false, channel.Destination, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<MtaTlsClientChannel> OpenAsync(MtaTlsClient client, bool mayUseHttp2, ChannelAddress destination, CancellationToken cancellationToken)
    {
        ProtocolList protocols = (mayUseHttp2 ? ProtocolList.Http2OrHttp11 : ProtocolList.Http11).RestrictedTo(client.Settings.ApplicationProtocols);
        if (protocols.Count == 0)
        {
            throw new NotSupportedException($"The request needs HTTP/1.1, which is not in ApplicationProtocols ({client.Settings.ApplicationProtocols}).");
        }

        MtaTlsClientChannel channel = await client.OpenAsync(protocols, destination, null, cancellationToken).ConfigureAwait(false);
        channel.ToleratesLateWrite = true;
        return channel;
    }

    private static bool IsHttp2(MtaTlsClientChannel channel) => channel.ApplicationProtocol.Span.SequenceEqual(SslApplicationProtocol.Http2.Protocol.Span);
}
