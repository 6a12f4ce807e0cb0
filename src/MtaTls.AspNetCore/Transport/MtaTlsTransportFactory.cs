using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Endpoints;

namespace MtaTls.AspNetCore.Transport;

/// <summary>
/// The transport of endpoints that speak MTA-TLS. It uses Kestrel's socket transport and its options, except that a session reads and writes its socket directly. Kestrel serves
/// all other connections of these endpoints as before.
/// </summary>
internal sealed class MtaTlsTransportFactory(DirectEndPoints endPoints, IOptions<SocketTransportOptions> options, IServiceProvider services, ILoggerFactory loggers, TimeProvider time)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endPoints.Contains(endpoint);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        SocketTransportOptions sockets = options.Value;
        ILogger logger = loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets");
        return new(AcceptedConnectionListener.Bind(endpoint, sockets, KestrelInternals.CreateConnectionOptions(sockets), services.GetService<IMemoryPoolFactory<byte>>(), logger, time));
    }
}
