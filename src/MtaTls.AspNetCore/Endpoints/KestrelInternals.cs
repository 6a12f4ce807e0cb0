using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// The few members of Kestrel that are not public and that tell, for certain, what TLS settings an endpoint has. Pairing endpoints with settings by the
/// order of Kestrel's public callbacks is a guess, and a wrong guess serves another endpoint's certificate. Where a Kestrel lacks one of
/// them, <see cref="AreAvailable"/> is false and no endpoint of the application is touched.
/// </summary>
internal static class KestrelInternals
{
    private const string EndpointConfigType = "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.EndpointConfig, Microsoft.AspNetCore.Server.Kestrel.Core";

    private static readonly Lazy<bool> s_probed = new(Probe);

    public static bool AreAvailable => s_probed.Value;

    /// <summary>The settings that the endpoint's <c>UseHttps</c> was given; null where it has none or a callback decides.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_HttpsOptions")]
    public static extern HttpsConnectionAdapterOptions? HttpsOptions(ListenOptions endpoint);

    /// <summary>Whether the endpoint uses HTTPS, in whatever way.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_IsTls")]
    public static extern bool IsTls(ListenOptions endpoint);

    /// <summary>The endpoint's name in <c>Kestrel:Endpoints</c>; null where it is none of the configuration's, or this Kestrel does not tell.</summary>
    public static string? EndpointName(ListenOptions endpoint)
    {
        try
        {
            return EndpointConfig(endpoint) is { } configuration ? ConfigurationName(configuration) : null;
        }
        catch (Exception e) when (e is MissingMemberException or TypeLoadException)
        {
            return null;
        }
    }

    /// <summary>The endpoint's middleware, the first to see a connection first.</summary>
    public static List<Func<ConnectionDelegate, ConnectionDelegate>> Middleware(ListenOptions endpoint) => MiddlewareField(endpoint);

    /// <summary>What is applied to each endpoint when it is made.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EndpointDefaults")]
    public static extern Action<ListenOptions> EndpointDefaults(KestrelServerOptions kestrel);

    /// <summary>The endpoints made so far.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetListenOptions")]
    public static extern ListenOptions[] Endpoints(KestrelServerOptions kestrel);

    /// <summary>Applies <c>Kestrel:EndpointDefaults</c> and <c>ConfigureHttpsDefaults</c>.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ApplyHttpsDefaults")]
    public static extern void ApplyHttpsDefaults(KestrelServerOptions kestrel, HttpsConnectionAdapterOptions https);

    /// <summary>Fills in Kestrel's default certificate, the development certificate included, where there is one.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ApplyDefaultCertificate")]
    public static extern void ApplyDefaultCertificate(KestrelServerOptions kestrel, HttpsConnectionAdapterOptions https);

    /// <summary>Lets Kestrel read certificates from its configuration, which <c>UseHttps</c> does too.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "EnableHttpsConfiguration")]
    public static extern void EnableHttpsConfiguration(KestrelServerOptions kestrel);

    /// <summary>The options of a connection of the socket transport, from the transport's: the pool of memory is among those that are not public.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern SocketConnectionFactoryOptions CreateConnectionOptions(SocketTransportOptions transport);

    /// <summary>Where the middleware of <c>UseHttps</c> is among the endpoint's own; -1 where it has none.</summary>
    /// <remarks>Recognized by the type of its closure, which a <c>UseHttps</c> on an endpoint that is thrown away shows.</remarks>
    public static int IndexOfHttps(ListenOptions endpoint)
    {
        List<Func<ConnectionDelegate, ConnectionDelegate>> middleware = Middleware(endpoint);
        KestrelServerOptions scratch = new() { ApplicationServices = endpoint.ApplicationServices };
        Type? byOptions = null, byCallback = null;
        scratch.Listen(IPAddress.Loopback, 0, e => byOptions = Middleware(e.UseHttps(new HttpsConnectionAdapterOptions()))[^1].Target?.GetType());
        scratch.Listen(IPAddress.Loopback, 0, e => byCallback = Middleware(e.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = static _ => default }))[^1].Target?.GetType());
        return middleware.FindIndex(m => m.Target?.GetType() is { } type && (type == byOptions || type == byCallback));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EndpointConfig")]
    [return: UnsafeAccessorType(EndpointConfigType)]
    private static extern object? EndpointConfig(ListenOptions endpoint);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Name")]
    private static extern string ConfigurationName([UnsafeAccessorType(EndpointConfigType)] object configuration);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_middleware")]
    private static extern ref List<Func<ConnectionDelegate, ConnectionDelegate>> MiddlewareField(ListenOptions endpoint);

    private static bool Probe()
    {
        try
        {
            KestrelServerOptions scratch = new();
            bool complete = EndpointDefaults(scratch) is not null;
            scratch.Listen(IPAddress.Loopback, 0, e => complete &= HttpsOptions(e) is null && !IsTls(e) && Middleware(e).Count == 0);
            HttpsConnectionAdapterOptions https = new() { ServerCertificateSelector = static (_, _) => null };
            ApplyHttpsDefaults(scratch, https);
            ApplyDefaultCertificate(scratch, https);
            return complete && Endpoints(scratch).Length == 1 && CreateConnectionOptions(new SocketTransportOptions()) is not null;
        }
        catch (Exception e) when (e is MissingMemberException or TypeLoadException)
        {
            return false;
        }
    }
}
