using System.Net;
using System.Net.Sockets;
using MtaTls.AspNetCore.Connections;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// Connects to a host that a channel names: resolves it, asks of each resolved address whether it is permitted, and races the permitted ones (RFC 8305). What is
/// connected to is the address that was asked about; the name is not resolved again.
/// </summary>
internal sealed class TcpConnector(IHostResolver resolver, TimeProvider timeProvider)
{
    /// <summary>RFC 8305, section 5: the recommended delay before the next address is tried beside the ones before it.</summary>
    private static readonly TimeSpan s_attemptDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>A name with more addresses is tried at these many: whoever runs the name chooses how many there are.</summary>
    private const int MaxAttempts = 8;

    /// <exception cref="TcpConnectException">The name does not resolve, no address is permitted, none answers, or the time is up.</exception>
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
                throw new TcpConnectException(addresses.Length == 0 ? "the name has no address" : $"the route does not allow {string.Join(", ", addresses.Take(MaxAttempts).Select(ChannelHost.Normalize))}");
            }

            return await RaceAsync(Interleave(permitted).Take(MaxAttempts).Select(a => new IPEndPoint(a, port)).ToArray(), linked.Token);
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

    /// <summary>RFC 8305, section 4: the families in turn, beginning with that of the resolver's first answer.</summary>
    private static IEnumerable<IPAddress> Interleave(List<IPAddress> addresses)
    {
        IPAddress[] first = addresses.Where(a => a.AddressFamily == addresses[0].AddressFamily).ToArray();
        IPAddress[] second = addresses.Where(a => a.AddressFamily != addresses[0].AddressFamily).ToArray();
        for (int i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length)
            {
                yield return first[i];
            }

            if (i < second.Length)
            {
                yield return second[i];
            }
        }
    }

    private async Task<Socket> RaceAsync(IPEndPoint[] endpoints, CancellationToken cancellationToken)
    {
        using var losers = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<Socket>>();
        Socket? winner = null;
        SocketException? error = null;
        try
        {
            for (int next = 0; next < endpoints.Length || attempts.Count > 0;)
            {
                if (next < endpoints.Length)
                {
                    attempts.Add(ConnectAsync(endpoints[next++], losers.Token));
                }

                Task<Task<Socket>> first = Task.WhenAny(attempts);
                Task<Socket>? ended;
                try
                {
                    ended = next < endpoints.Length ? await first.WaitAsync(s_attemptDelay, timeProvider, losers.Token) : await first;
                }
                catch (TimeoutException)
                {
                    continue;
                }

                attempts.Remove(ended);
                try
                {
                    return winner = await ended;
                }
                catch (SocketException e)
                {
                    error = e;
                }
            }

            throw new TcpConnectException($"{string.Join(", ", endpoints.AsEnumerable())}: {error?.SocketErrorCode}", error);
        }
        finally
        {
            await losers.CancelAsync();
            foreach (Task<Socket> loser in attempts)
            {
                _ = loser.ContinueWith(static t =>
                {
                    if (t.IsCompletedSuccessfully)
                    {
                        t.Result.Dispose();
                    }
                    else
                    {
                        _ = t.Exception;
                    }
                }, TaskScheduler.Default);
            }
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(endpoint, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
