using System.Net.Security;
using MtaTls.Client;
using MtaTls.Client.Http;

#pragma warning disable IDE0130 // In the namespace of what is extended.
namespace System.Net.Http;
#pragma warning restore IDE0130

/// <summary>Makes the connections of a <see cref="SocketsHttpHandler"/> channels of MTA-TLS sessions.</summary>
public static class MtaTlsSocketsHttpHandlerExtensions
{
    private static readonly RemoteCertificateValidationCallback s_refuse = static (_, _, _, _) => false;

    /// <summary>
    /// Makes the handler's connections channels. URIs stay as they are: the host and port of an <c>https://</c> or <c>wss://</c> URI become a channel's destination, and
    /// the TLS session goes to the options' endpoint, or where <see cref="MtaTlsClientOptions.Host"/> is null to that host and port. Handlers with equal options share their sessions.
    /// </summary>
    /// <param name="handler">
    /// The handler, before its first request. What its <see cref="SocketsHttpHandler.SslOptions"/> say counts for the sessions, and must not contradict the options. Its
    /// <see cref="SocketsHttpHandler.UseProxy"/> is switched off, and handshakes of its own are refused.
    /// </param>
    /// <param name="options">The endpoint and everything else; copied.</param>
    /// <returns>The handler.</returns>
    /// <exception cref="ArgumentException">The options are wrong; the message names every error.</exception>
    /// <exception cref="InvalidOperationException">The handler has settings that could not count: ConnectCallback, PlaintextStreamFilter, Proxy, or members of SslOptions, all of which the message names.</exception>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, MtaTlsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Host is not null || options.Endpoints.Count > 0)
        {
            MtaTlsClient client = SharedClients.Get(HandlerTlsSettings.TakeOver(ClientSettings.From(options), handler.SslOptions));
            return Connect(handler, _ => client);
        }
        // Checked now and copied once: each host's settings differ from these in nothing but the endpoint.
        ClientSettings template = HandlerTlsSettings.TakeOver(ClientSettings.From(options, new DnsEndPoint("endpoint.invalid", 443)), handler.SslOptions);
        return Connect(handler, endpoint => SharedClients.Get(template with { Host = endpoint.Host.Trim('[', ']'), Port = endpoint.Port }));
    }

    /// <summary>Makes the handler's connections channels, with the options that <paramref name="configure"/> sets.</summary>
    /// <param name="handler">The handler, before its first request.</param>
    /// <param name="configure">Sets the options.</param>
    /// <inheritdoc cref="UseMtaTls(SocketsHttpHandler, MtaTlsClientOptions)" path="/exception|/returns"/>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, Action<MtaTlsClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new MtaTlsClientOptions();
        configure(options);
        return handler.UseMtaTls(options);
    }

    /// <summary>Makes the handler's connections channels of sessions to the endpoint with this name, on its default options.</summary>
    /// <param name="handler">The handler, before its first request.</param>
    /// <param name="host">The endpoint's domain name or IP address.</param>
    /// <param name="port">The endpoint's TCP port.</param>
    /// <inheritdoc cref="UseMtaTls(SocketsHttpHandler, MtaTlsClientOptions)" path="/exception|/returns"/>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, string host, int port = 443) =>
        handler.UseMtaTls(new MtaTlsClientOptions { Host = host, Port = port });

    /// <summary>Makes the handler's connections channels of a client that the application owns and disposes.</summary>
    /// <param name="handler">The handler, before its first request.</param>
    /// <param name="client">The client.</param>
    /// <inheritdoc cref="UseMtaTls(SocketsHttpHandler, MtaTlsClientOptions)" path="/exception|/returns"/>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, MtaTlsClient client)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(client);
        return HandlerTlsSettings.TakeOver(client.Settings, handler.SslOptions) == client.Settings
            ? Connect(handler, _ => client)
            : throw new InvalidOperationException("The handler's SslOptions have settings that the client's sessions do not have. Set the members of MtaTlsClientOptions with the same names when the client is created.");
    }

    private static SocketsHttpHandler Connect(SocketsHttpHandler handler, Func<DnsEndPoint, MtaTlsClient> clientFor)
    {
        if (handler.ConnectCallback is not null || handler.PlaintextStreamFilter is not null)
        {
            throw new InvalidOperationException("The handler has a ConnectCallback or PlaintextStreamFilter already, and MTA-TLS needs both. To connect to the endpoint in another way set MtaTlsClientOptions.ConnectCallback.");
        }

        if (handler.Proxy is not null)
        {
            throw new InvalidOperationException("The handler has a Proxy, which channels cannot use. To reach the endpoint through a proxy set MtaTlsClientOptions.ConnectCallback.");
        }

        // What is set from now on would not count any more. It is looked at again when a connection is made.
        SslClientAuthenticationOptions later = new();
        var connector = new HttpChannelConnector(endpoint =>
        {
            if (handler.SslOptions != later || !HandlerTlsSettings.AreDefault(later, s_refuse))
            {
                throw new InvalidOperationException("The handler's SslOptions were changed after UseMtaTls, which copies them. Set them before, or set the members of MtaTlsClientOptions with the same names.");
            }

            return clientFor(endpoint);
        });
        handler.ConnectCallback = connector.ConnectAsync;
        handler.PlaintextStreamFilter = connector.FilterAsync;
        handler.UseProxy = false;
        // A handshake of the handler's own (HTTP/3 to an Alt-Svc, for example) would leave the session behind: none succeeds.
        later.RemoteCertificateValidationCallback = s_refuse;
        handler.SslOptions = later;
        return handler;
    }
}
