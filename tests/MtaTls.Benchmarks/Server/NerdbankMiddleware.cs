using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Nerdbank.Streams;

namespace MtaTls.Benchmarks.Server;

/// <summary>
/// A multiplexer as a .NET developer could build it: a MultiplexingStream over Kestrel's TLS, each of whose channels is a connection of the same Kestrel.
/// It has only what HTTP needs, without timeouts and graceful shutdown.
/// </summary>
internal sealed class NerdbankMiddleware(ConnectionDelegate next)
{
    public const string ChannelName = "";

    public static MultiplexingStream.Options CreateOptions() => new() { ProtocolMajorVersion = 2 };

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        int served = 0;
        await using MultiplexingStream multiplexer = await MultiplexingStream.CreateAsync(connection.Transport.AsStream(), CreateOptions());
        try
        {
            while (true)
            {
                MultiplexingStream.Channel channel = await multiplexer.AcceptChannelAsync(ChannelName, connection.ConnectionClosed);
                _ = ServeAsync(connection, channel, ++served);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or IOException)
        {
            // The client has disconnected.
        }
    }

    private async Task ServeAsync(ConnectionContext connection, MultiplexingStream.Channel channel, int number)
    {
        await using var context = new DefaultConnectionContext($"{connection.ConnectionId}-{number}") { Transport = channel };
        foreach ((Type type, object feature) in connection.Features)
        {
            if (context.Features[type] is null)
            {
                context.Features[type] = feature;
            }
        }

        context.Features.Set<IConnectionHeartbeatFeature>(new NoHeartbeat());
        context.Features.Set<IConnectionLifetimeNotificationFeature>(null);
        context.Features.Set<IConnectionMetricsTagsFeature>(null);
        try
        {
            await next(context);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The channel ended during its request.
        }
        finally
        {
            channel.Dispose();
        }
    }

    private sealed class NoHeartbeat : IConnectionHeartbeatFeature
    {
        public void OnHeartbeat(Action<object> action, object state)
        {
        }
    }
}
