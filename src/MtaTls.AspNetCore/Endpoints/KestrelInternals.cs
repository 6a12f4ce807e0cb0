using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>
/// The few non-public members of Kestrel from which the TLS settings of an endpoint can be read for certain. Kestrel's public callbacks show the settings without
/// their endpoint; pairing them by order would be a guess, and a wrong guess serves another endpoint's certificate. If a version of Kestrel lacks one of
/// these members, <see cref="AreAvailable"/> is false and the application's endpoints are not changed.
/// </summary>
internal static class KestrelInternals
{
    private const string EndpointConfigType = "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.EndpointConfig, Microsoft.AspNetCore.Server.Kestrel.Core";

    private static readonly Lazy<bool> s_probed = new(Probe);

    public static bool AreAvailable => s_probed.Value;

    /// <summary>The settings of the endpoint's <c>UseHttps</c>; null if it has none, or if a callback chooses them per connection.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_HttpsOptions")]
    public static extern HttpsConnectionAdapterOptions? HttpsOptions(ListenOptions endpoint);

    /// <summary>Whether the endpoint uses HTTPS, with fixed settings or with a callback.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_IsTls")]
    public static extern bool IsTls(ListenOptions endpoint);

    /// <summary>The endpoint's name in <c>Kestrel:Endpoints</c>; null if it is not from the configuration, or if this version of Kestrel does not show it.</summary>
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

    /// <summary>The endpoint's connection middleware, in the order in which it sees a connection.</summary>
    public static List<Func<ConnectionDelegate, ConnectionDelegate>> Middleware(ListenOptions endpoint) => MiddlewareField(endpoint);

    /// <summary>The callback that Kestrel applies to each endpoint when it creates it.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EndpointDefaults")]
    public static extern Action<ListenOptions> EndpointDefaults(KestrelServerOptions kestrel);

    /// <summary>The endpoints created so far.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetListenOptions")]
    public static extern ListenOptions[] Endpoints(KestrelServerOptions kestrel);

    /// <summary>Applies <c>Kestrel:EndpointDefaults</c> and <c>ConfigureHttpsDefaults</c>.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ApplyHttpsDefaults")]
    public static extern void ApplyHttpsDefaults(KestrelServerOptions kestrel, HttpsConnectionAdapterOptions https);

    /// <summary>Sets Kestrel's default certificate, or the development certificate, if there is one.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "ApplyDefaultCertificate")]
    public static extern void ApplyDefaultCertificate(KestrelServerOptions kestrel, HttpsConnectionAdapterOptions https);

    /// <summary>Lets Kestrel read certificates from its configuration, as <c>UseHttps</c> does.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "EnableHttpsConfiguration")]
    public static extern void EnableHttpsConfiguration(KestrelServerOptions kestrel);

    /// <summary>Creates connection options from the options of the socket transport. The constructor is not public, and it also copies the memory pool, which is not public either.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern SocketConnectionFactoryOptions CreateConnectionOptions(SocketTransportOptions transport);

    /// <summary>The index of the middleware of <c>UseHttps</c> among the endpoint's middleware; -1 if there is none.</summary>
    /// <remarks>It is recognized by the type of its closure, which is taken from a <c>UseHttps</c> on a temporary endpoint.</remarks>
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
