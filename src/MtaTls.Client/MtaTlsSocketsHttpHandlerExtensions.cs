using System.Net.Security;
using MtaTls.Client;
using MtaTls.Client.Http;

#pragma warning disable IDE0130 // Extension methods are in the namespace of the type that they extend.
namespace System.Net.Http;
#pragma warning restore IDE0130

/// <summary>Lets a <see cref="SocketsHttpHandler"/> use channels of MTA-TLS sessions as its connections.</summary>
public static class MtaTlsSocketsHttpHandlerExtensions
{
    private static readonly RemoteCertificateValidationCallback s_refuse = static (_, _, _, _) => false;

    /// <summary>
    /// Lets the handler use channels as its connections. URIs do not change: the host and port of an <c>https://</c> or <c>wss://</c> URI become the destination of a channel. The
    /// TLS session goes to the endpoint of the options; if they name none, it goes to that host and port. Handlers with equal options share their sessions.
    /// </summary>
    /// <param name="handler">
    /// The handler, before its first request. Its <see cref="SocketsHttpHandler.SslOptions"/> apply to the sessions, and must not contradict the options. Its
    /// <see cref="SocketsHttpHandler.UseProxy"/> is set to false, and TLS handshakes of the handler itself always fail.
    /// </param>
    /// <param name="options">The endpoint and all other options. They are copied.</param>
    /// <returns>The handler.</returns>
    /// <exception cref="ArgumentException">The options are invalid. The message contains all errors.</exception>
    /// <exception cref="InvalidOperationException">The handler has settings that cannot be applied: ConnectCallback, PlaintextStreamFilter, Proxy, or members of SslOptions. The message names them.</exception>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, MtaTlsClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Host is not null || options.Endpoints.Count > 0)
        {
            MtaTlsClient client = SharedClients.Get(HandlerTlsSettings.Apply(ClientSettings.From(options), handler.SslOptions));
            return Connect(handler, _ => client);
        }
        // Checked and copied once, with a placeholder: the settings of each host differ only in the endpoint.
        ClientSettings template = HandlerTlsSettings.Apply(ClientSettings.From(options, new DnsEndPoint("endpoint.invalid", 443)), handler.SslOptions);
        return Connect(handler, endpoint => SharedClients.Get(template with { Host = endpoint.Host.Trim('[', ']'), Port = endpoint.Port }));
    }

    /// <summary>Lets the handler use channels as its connections, with the options that <paramref name="configure"/> sets.</summary>
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

    /// <summary>Lets the handler use channels of sessions with an endpoint as its connections, with default options.</summary>
    /// <param name="handler">The handler, before its first request.</param>
    /// <param name="host">The endpoint's domain name or IP address.</param>
    /// <param name="port">The endpoint's TCP port.</param>
    /// <inheritdoc cref="UseMtaTls(SocketsHttpHandler, MtaTlsClientOptions)" path="/exception|/returns"/>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, string host, int port = 443) =>
        handler.UseMtaTls(new MtaTlsClientOptions { Host = host, Port = port });

    /// <summary>Lets the handler use channels of a client as its connections. The application owns the client and disposes it.</summary>
    /// <param name="handler">The handler, before its first request.</param>
    /// <param name="client">The client.</param>
    /// <inheritdoc cref="UseMtaTls(SocketsHttpHandler, MtaTlsClientOptions)" path="/exception|/returns"/>
    public static SocketsHttpHandler UseMtaTls(this SocketsHttpHandler handler, MtaTlsClient client)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(client);
        return HandlerTlsSettings.Apply(client.Settings, handler.SslOptions) == client.Settings
            ? Connect(handler, _ => client)
            : throw new InvalidOperationException("The handler's SslOptions have settings that the client's sessions do not have. Set the members of MtaTlsClientOptions with the same names when the client is created.");
    }

    private static SocketsHttpHandler Connect(SocketsHttpHandler handler, Func<DnsEndPoint, MtaTlsClient> clientFor)
    {
        if (handler.ConnectCallback is not null || handler.PlaintextStreamFilter is not null)
        {
            throw new InvalidOperationException("The handler has a ConnectCallback or PlaintextStreamFilter already, and MTA-TLS needs both. To connect to the endpoint in another way, set MtaTlsClientOptions.ConnectCallback.");
        }

        if (handler.Proxy is not null)
        {
            throw new InvalidOperationException("The handler has a Proxy, which channels cannot use. To reach the endpoint through a proxy, set MtaTlsClientOptions.ConnectCallback.");
        }

        // Later changes of SslOptions would have no effect, so each connection checks that there were none.
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
        // A TLS handshake of the handler itself (HTTP/3 to an Alt-Svc, for example) would bypass the session, so this callback makes all of them fail.
        later.RemoteCertificateValidationCallback = s_refuse;
        handler.SslOptions = later;
        return handler;
    }
}
