using MtaTls.Client;
using MtaTls.Stress.Hosting;
using MtaTls.Stress.Soak;

namespace MtaTls.Stress.Scale;

/// <summary>10,000 channels on one session, each with a request at the same time.</summary>
internal sealed class ChannelsRun(StressOptions options) : ScaleRun(options, count: 10_000, rounds: 5)
{
    protected override async Task<string> RoundAsync(ServerProcess server)
    {
        MtaTlsClientOptions options = Caller.Options(server, server.Port);
        options.MaxSessions = 1;
        options.Limits.MaxChannelsPerSession = Count;
        await using MtaTlsClient client = new(ClientSettings.From(options));
        using HttpMessageInvoker http = new(new SocketsHttpHandler().UseMtaTls(client));
        long before = (await server.SampleAsync(collect: true)).Heap;
        ProcessSample? all = null;
        for (int again = 0; again < 2; again++)
        {
            // The server answers only when all requests have arrived, so all channels are open and in use at the same time.
            Task[] requests = [.. Enumerable.Range(0, again == 0 ? Count - 1 : Count).Select(_ => Task.Run(() => GatherAsync(http)))];
            if (again == 0)
            {
                while ((all = await server.SampleAsync()).Requests < Count - 1)
                {
                    if (requests.FirstOrDefault(static r => r.IsFaulted) is { } failed)
                    {
                        await failed;
                    }

                    await Task.Delay(50);
                }

                all = await server.SampleAsync(collect: true);
                requests = [.. requests, GatherAsync(http)];
            }

            await Task.WhenAll(requests);
        }

        MtaTlsClientStatistics statistics = client.GetStatistics();
        if (statistics.Handshakes != 1 || statistics.ActiveChannels != Count)
        {
            throw new InvalidDataException($"{statistics.ActiveChannels} channels on {statistics.Handshakes} sessions.");
        }

        return $"{Count} channels on one session, two requests on each, all at the same time ({MemoryPer(Count, before, all!.Heap, "request under way on its channel, server")})";
    }

    private async Task GatherAsync(HttpMessageInvoker http)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"https://app.internal/gather/{Count}");
        using HttpResponseMessage response = await http.SendAsync(request, CancellationToken.None);
        if (await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync() != Count.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            throw new InvalidDataException("A wrong answer.");
        }
    }
}
