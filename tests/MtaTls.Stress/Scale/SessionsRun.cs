using MtaTls.Client;
using MtaTls.Stress.Hosting;
using MtaTls.Stress.Soak;

namespace MtaTls.Stress.Scale;

/// <summary>1,000 sessions at once, with a request on each.</summary>
internal sealed class SessionsRun(StressOptions options) : ScaleRun(options, count: 1_000, rounds: 4)
{
    protected override async Task<string> RoundAsync(ServerProcess server)
    {
        MtaTlsClient[] clients = [.. Enumerable.Range(0, Count).Select(_ => new MtaTlsClient(ClientSettings.From(Caller.Options(server, server.Port))))];
        HttpMessageInvoker[] handlers = [.. clients.Select(static c => new HttpMessageInvoker(new SocketsHttpHandler().UseMtaTls(c)))];
        long before = (await server.SampleAsync(collect: true)).Heap;
        await Parallel.ForEachAsync(handlers, new ParallelOptions { MaxDegreeOfParallelism = 32 }, static async (http, cancellationToken) =>
        {
            for (int i = 0; i < 3; i++)
            {
                long seed = i + 1, size = 10_000 * (i + 1);
                using HttpRequestMessage request = new(HttpMethod.Get, $"https://app.internal/bytes/{seed}/{size}");
                using HttpResponseMessage response = await http.SendAsync(request, cancellationToken);
                byte[] body = await response.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync(cancellationToken);
                if (!body.AsSpan().SequenceEqual(Payload.ToArray(seed, (int)size)))
                {
                    throw new InvalidDataException("A wrong answer.");
                }
            }
        });
        ProcessSample all = await server.SampleAsync(collect: true);
        if (all.Sessions != Count || clients.Any(static c => c.GetStatistics() is not { ActiveSessions: 1, ConnectFailures: 0 }))
        {
            throw new InvalidDataException($"{all.Sessions} sessions at the server.");
        }

        foreach (HttpMessageInvoker http in handlers)
        {
            http.Dispose();
        }

        await Task.WhenAll(clients.Select(static c => c.DisposeAsync().AsTask()));
        return $"{Count} sessions, three requests on each ({MemoryPer(Count, before, all.Heap, "session, server")}, {all.WorkingSet / 1048576} MiB working set)";
    }
}
