using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Connects to a host: resolves its name, checks each resolved address, and tries the permitted ones concurrently (RFC 8305). It connects to a checked
/// address and does not resolve the name again, because a second lookup could return another address.
/// </summary>
internal sealed class TcpConnector(IHostResolver resolver, TimeProvider timeProvider)
{
    /// <exception cref="TcpConnectException">The name does not resolve, no address is permitted, none answers, or the timeout has elapsed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async Task<Socket> ConnectAsync(ClientAddress client, ChannelHost host, int port, Func<IPAddress, bool> isPermitted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(timeout, timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            IPAddress[] addresses = host.Address is { } address ? [address] : await ResolveAsync(host.Name!, client, linked.Token);
            var permitted = addresses.Select(ChannelHost.Normalize).Distinct().Where(isPermitted).ToList();
            if (permitted.Count == 0)
            {
                throw new TcpConnectException(addresses.Length == 0 ? "the name has no address" : $"the route does not allow {string.Join(", ", addresses.Take(AddressRace.MaxAttempts).Select(ChannelHost.Normalize))}");
            }

            IPEndPoint[] endpoints = [.. AddressRace.Interleave(permitted).Take(AddressRace.MaxAttempts).Select(a => new IPEndPoint(a, port))];
            try
            {
                return await AddressRace.ConnectAsync(endpoints, timeProvider, linked.Token);
            }
            catch (SocketException e)
            {
                throw new TcpConnectException($"{string.Join(", ", endpoints.AsEnumerable())}: {e.SocketErrorCode}", e);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TcpConnectException($"no connection within {timeout}") { IsTimeout = true };
        }
    }

    private async Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken)
    {
        try
        {
            return await resolver.ResolveAsync(name, client, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new TcpConnectException($"the name does not resolve ({e.SocketErrorCode})", e);
        }
    }
}
