using MtaTls.Benchmarks.Carriers;

namespace MtaTls.Benchmarks.Http;

/// <summary>The carrier of one client, and the requesters that use it.</summary>
internal sealed class HttpSession(ICarrier carrier, bool http2) : IAsyncDisposable
{
    private const int StreamsPerConnection = 100; // Kestrel's default limit

    private readonly List<IRequester> _requesters = [];
    private readonly List<Http2Connection> _connections = [];

    public ICarrier Carrier => carrier;

    /// <summary>Returns at least <paramref name="count"/> requesters, earlier ones first, so that workloads reuse their connections.</summary>
    public async ValueTask<IReadOnlyList<IRequester>> GetRequestersAsync(int count, CancellationToken ct)
    {
        int missing = count - _requesters.Count;
        const int AtOnce = 64; // below the listener's backlog and the limits of handshakes
        for (int done = 0; done < missing; done += AtOnce)
        {
            if (http2)
            {
                for (int i = 0; i < Math.Min(AtOnce, missing - done); i++)
                {
                    _requesters.Add(await OpenAsync(ct));
                }
            }
            else
            {
                _requesters.AddRange(await Task.WhenAll(Enumerable.Range(0, Math.Min(AtOnce, missing - done)).Select(_ => OpenAsync(ct).AsTask())));
            }
        }

        return _requesters.GetRange(0, count);
    }

    /// <summary>Creates a requester: on a new stream of the carrier, or with HTTP/2 on a connection that has room.</summary>
    public async ValueTask<IRequester> OpenAsync(CancellationToken ct)
    {
        if (!http2)
        {
            return new Http1Requester(await carrier.OpenAsync(ct));
        }

        Http2Connection? connection;
        lock (_connections)
        {
            connection = _connections.Find(candidate => candidate.Requesters < StreamsPerConnection);
        }

        if (connection is null)
        {
            connection = await Http2Connection.ConnectAsync(await carrier.OpenAsync(ct), ct);
            lock (_connections)
            {
                _connections.Add(connection);
            }
        }

        return new Http2Requester(connection);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IRequester requester in _requesters)
        {
            await requester.DisposeAsync();
        }

        foreach (Http2Connection connection in _connections)
        {
            await connection.DisposeAsync();
        }

        await carrier.DisposeAsync();
    }
}
