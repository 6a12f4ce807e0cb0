using System.Diagnostics;
using System.Net;
using System.Runtime;
using System.Text.Json;
using MtaTls.Benchmarks.Carriers;
using MtaTls.Benchmarks.Http;
using MtaTls.Benchmarks.Measuring;
using MtaTls.Benchmarks.Server;

namespace MtaTls.Benchmarks.Work;

/// <summary>The client process: does one piece of work after another with one server, and returns the results.</summary>
internal sealed class WorkRunner(Contender contender, ServerInfo server) : IAsyncDisposable
{
    private static readonly EncodedRequest s_small = EncodedRequest.Get("/plaintext");

    private readonly HttpClient _admin = new() { BaseAddress = new($"http://127.0.0.1:{server.AdminPort}") };
    private HttpSession? _session;

    public async Task<WorkResult> RunAsync(WorkRequest request, CancellationToken ct)
    {
        try
        {
            return request.Kind switch
            {
                WorkKind.WarmUp => await WarmUpAsync(request, ct),
                WorkKind.Download => await TransferAsync(request, upload: false, ct),
                WorkKind.Upload => await TransferAsync(request, upload: true, ct),
                WorkKind.SmallGet => await SmallGetAsync(request, ct),
                WorkKind.OpenGetClose => await OpenGetCloseAsync(request, ct),
                WorkKind.HoldSilent or WorkKind.HoldIdle or WorkKind.HoldMany => await HoldAsync(request, ct),
                WorkKind.SustainedDownload => await SustainedDownloadAsync(request, ct),
                WorkKind.PageLoad => await PageLoadAsync(request, ct),
                WorkKind.FirstByte => await FirstByteAsync(request, ct),
                WorkKind.Fairness => await FairnessAsync(request, ct),
                _ => throw new ArgumentOutOfRangeException(nameof(request)),
            };
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            // A failed session is not used again.
            _session = null;
            return new WorkResult { Error = Describe(exception) };
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
        {
            await _session.DisposeAsync();
        }

        _admin.Dispose();
    }

    private static string Describe(Exception exception) =>
        $"{exception.GetType().Name}: {exception.Message}{(exception.InnerException is { } inner ? " <- " + Describe(inner) : "")}";

    /// <summary>Runs until neither end has compiled much for a while. A method is compiled up to three times, each time after a pause, and a busy machine does it late.</summary>
    private async Task<WorkResult> WarmUpAsync(WorkRequest work, CancellationToken ct)
    {
        const int FewMethods = 15;
        const int QuietPasses = 3;
        long started = Stopwatch.GetTimestamp();
        long compiled = 0;
        for (int quiet = 0; quiet < QuietPasses;)
        {
            await SmallGetAsync(new(WorkKind.SmallGet, 64, Seconds: 0.5), ct);
            await TransferAsync(new(WorkKind.Download, 4, 32 << 20), upload: false, ct);
            await TransferAsync(new(WorkKind.Upload, 4, 32 << 20), upload: true, ct);
            if (!contender.SpeaksHttp2())
            {
                await OpenGetCloseAsync(new(WorkKind.OpenGetClose, 16, Seconds: 0.3), ct);
            }

            await Task.Delay(200, ct); // frequently called methods are compiled again after 100 ms without new methods
            long now = (await StatisticsAsync("/stats", ct)).CompiledMethods + JitInfo.GetCompiledMethodCount();
            quiet = now - compiled < FewMethods ? quiet + 1 : 0;
            compiled = now;
            if (Stopwatch.GetElapsedTime(started).TotalSeconds > work.Seconds)
            {
                break;
            }
        }

        return new();
    }

    private async Task<WorkResult> TransferAsync(WorkRequest work, bool upload, CancellationToken ct)
    {
        await using HttpSession? fresh = work.Port != 0 ? await ConnectAsync(work, ct) : null;
        IReadOnlyList<IRequester> requesters = await (fresh ?? await SharedSessionAsync(ct)).GetRequestersAsync(work.Streams, ct);
        long each = work.Bytes / work.Streams;
        EncodedRequest request = upload ? EncodedRequest.Post("/sink", each) : EncodedRequest.Get($"/bytes/{each}");
        return await MeasureAsync(
            async () =>
            {
                await Task.WhenAll(requesters.Select(requester => Task.Run(
                    async () =>
                    {
                        byte[] buffer = new byte[64 * 1024];
                        if (upload)
                        {
                            await requester.PostAsync(request, each, buffer, ct);
                        }
                        else if (await requester.GetAsync(request, buffer, null, ct) != each)
                        {
                            throw new InvalidDataException("A wrong length.");
                        }
                    },
                    ct)));
                return (work.Streams, each * work.Streams);
            },
            ct);
    }

    private async Task<WorkResult> SmallGetAsync(WorkRequest work, CancellationToken ct)
    {
        IReadOnlyList<IRequester> requesters = await (await SharedSessionAsync(ct)).GetRequestersAsync(work.Streams, ct);
        return await MeasureAsync(async () => (await RequestForAsync(requesters, work.Seconds, null, ct), 0), ct);
    }

    private static async Task<long> RequestForAsync(IReadOnlyList<IRequester> requesters, double seconds, TimeSpan? pause, CancellationToken ct, List<double>? milliseconds = null)
    {
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        long[] counts = await Task.WhenAll(requesters.Select((requester, index) => Task.Run(
            async () =>
            {
                long count = 0;
                byte[] buffer = new byte[256];
                if (pause is { } first)
                {
                    await Task.Delay(first * (index / (double)requesters.Count), ct); // spread over the pause
                }

                while (Stopwatch.GetTimestamp() < end)
                {
                    long started = Stopwatch.GetTimestamp();
                    await requester.GetAsync(s_small, buffer, null, ct);
                    count++;
                    if (milliseconds is not null)
                    {
                        lock (milliseconds)
                        {
                            milliseconds.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                        }
                    }

                    if (pause is { } wait)
                    {
                        await Task.Delay(wait, ct);
                    }
                }

                return count;
            },
            ct)));
        return counts.Sum();
    }

    private async Task<WorkResult> OpenGetCloseAsync(WorkRequest work, CancellationToken ct)
    {
        HttpSession session = await SharedSessionAsync(ct);
        return await MeasureAsync(
            async () =>
            {
                long end = Stopwatch.GetTimestamp() + (long)(work.Seconds * Stopwatch.Frequency);
                long[] counts = await Task.WhenAll(Enumerable.Range(0, work.Streams).Select(_ => Task.Run(
                    async () =>
                    {
                        long count = 0;
                        byte[] buffer = new byte[256];
                        while (Stopwatch.GetTimestamp() < end)
                        {
                            await using IRequester requester = await session.OpenAsync(ct);
                            await requester.GetAsync(s_small, buffer, null, ct);
                            count++;
                        }

                        return count;
                    },
                    ct)));
                return (counts.Sum(), 0);
            },
            ct);
    }

    private async Task<WorkResult> HoldAsync(WorkRequest work, CancellationToken ct)
    {
        if (_session is not null)
        {
            await _session.DisposeAsync(); // so that only the streams of this work are counted
        }

        _session = null;
        ServerStatistics before = await StatisticsAsync("/gc", ct);
        long residentBefore = ProcessTree.Memory(server.ProcessIds).Resident;
        var sessions = new List<HttpSession>();
        try
        {
            for (int i = 0; i < work.Sessions; i++)
            {
                sessions.Add(await ConnectAsync(new(WorkKind.SmallGet), ct));
            }

            var held = new List<IRequester>();
            foreach (HttpSession session in sessions)
            {
                held.AddRange(await session.GetRequestersAsync(work.Streams / work.Sessions, ct));
            }

            if (work.Kind != WorkKind.HoldSilent && work.Seconds > 0)
            {
                byte[] buffer = new byte[256];
                foreach (IRequester[] chunk in held.Chunk(256))
                {
                    await Task.WhenAll(chunk.Select(requester => requester.GetAsync(s_small, buffer, null, ct).AsTask()));
                }
            }

            await Task.Delay(500, ct); // until the work of the last requests has ended
            ServerStatistics after = await StatisticsAsync("/gc", ct);
            long resident = ProcessTree.Memory(server.ProcessIds).Resident;
            double rate = 0;
            if (work.Kind == WorkKind.HoldIdle)
            {
                rate = await RequestForAsync([.. held.Take(1000)], work.Seconds, TimeSpan.FromMilliseconds(100), ct) / work.Seconds;
            }

            ServerStatistics peak = await StatisticsAsync("/stats", ct);
            return new()
            {
                Operations = held.Count,
                ServerPeakResidentBytes = ProcessTree.Memory(server.ProcessIds).Peak,
                Figures =
                {
                    ["managedBytesEach"] = (after.ManagedBytes - before.ManagedBytes) / (double)held.Count,
                    ["residentBytesEach"] = (resident - residentBefore) / (double)held.Count,
                    ["residentBytes"] = resident,
                    ["activeRequestsPerSecond"] = rate,
                    ["allocatedBytes"] = peak.AllocatedBytes,
                },
            };
        }
        finally
        {
            foreach (HttpSession session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    private async Task<WorkResult> SustainedDownloadAsync(WorkRequest work, CancellationToken ct)
    {
        var sessions = new List<HttpSession>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        try
        {
            var requesters = new List<IRequester>();
            for (int i = 0; i < work.Sessions; i++)
            {
                sessions.Add(await ConnectAsync(work, ct));
                requesters.AddRange(await sessions[i].GetRequestersAsync(work.Streams / work.Sessions, ct));
            }

            long received = 0;
            var endless = EncodedRequest.Get($"/bytes/{1L << 40}");
            Task<long>[] downloads = requesters.Select(requester => Task.Run(
                () => requester.GetAsync(endless, new byte[256 * 1024], count => Interlocked.Add(ref received, count), enough.Token).AsTask(),
                ct)).ToArray();
            Task<Task<long>> ended = Task.WhenAny(downloads);
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(2), ct));
            long early = Interlocked.Read(ref received);
            long middle = Stopwatch.GetTimestamp();
            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(work.Seconds - 2), ct));
            if (ended.IsCompleted)
            {
                await await ended;
            }

            long late = Interlocked.Read(ref received) - early;
            double lateSeconds = Stopwatch.GetElapsedTime(middle).TotalSeconds;
            await enough.CancelAsync();
            foreach (Task<long> download in downloads)
            {
                _ = download.ContinueWith(task => task.Exception, TaskScheduler.Default);
            }

            return new()
            {
                Bytes = early + late,
                Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
                Figures = { ["bytesPerSecondLater"] = late / lateSeconds, ["bytesPerSecondFirst2s"] = early / 2.0 },
            };
        }
        finally
        {
            foreach (HttpSession session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    private async Task<WorkResult> PageLoadAsync(WorkRequest work, CancellationToken ct)
    {
        // Browsers open six HTTP/1.1 connections; a multiplexer has no such limit.
        int parallel = contender is Contender.Plain or Contender.Http1 ? 6 : 100;
        EncodedRequest[] objects = Page.ObjectSizes.Select(size => EncodedRequest.Get($"/bytes/{size}")).ToArray();
        long started = Stopwatch.GetTimestamp();
        await using HttpSession session = await ConnectAsync(work, ct);
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, parallel).Select(async _ =>
        {
            int mine = Interlocked.Increment(ref next) - 1;
            if (mine >= objects.Length)
            {
                return;
            }

            IRequester requester = await session.OpenAsync(ct);
            byte[] buffer = new byte[16 * 1024];
            for (; mine < objects.Length; mine = Interlocked.Increment(ref next) - 1)
            {
                await requester.GetAsync(objects[mine], buffer, null, ct);
            }
        }));
        return new() { Operations = objects.Length, Bytes = Page.ObjectSizes.Sum(), Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds };
    }

    private async Task<WorkResult> FirstByteAsync(WorkRequest work, CancellationToken ct)
    {
        await using HttpSession session = await ConnectAsync(work, ct);
        byte[] buffer = new byte[256];
        IRequester warm = await session.OpenAsync(ct); // so that the connection of a multiplexer exists already
        await warm.GetAsync(s_small, buffer, null, ct);
        var milliseconds = new List<double>();
        for (int i = 0; i < work.Streams; i++)
        {
            long started = Stopwatch.GetTimestamp();
            IRequester requester = await session.OpenAsync(ct);
            await requester.GetAsync(s_small, buffer, null, ct);
            milliseconds.Add(Stopwatch.GetElapsedTime(started, requester.FirstByteAt).TotalMilliseconds);
        }

        return new() { Operations = work.Streams, Figures = { ["milliseconds"] = Statistics.Median(milliseconds) } };
    }

    // In slices, alternately alone and with bulk, because a single stall of the machine in a second would be the p99 of that second.
    private async Task<WorkResult> FairnessAsync(WorkRequest work, CancellationToken ct)
    {
        const int Slices = 4;
        await using HttpSession session = await ConnectAsync(work, ct);
        IReadOnlyList<IRequester> requesters = await session.GetRequestersAsync(work.Streams + 1, ct);
        IRequester[] interactive = requesters.Skip(1).ToArray(); // the bulk stream shares the first HTTP/2 connection with 99 of them
        var pause = TimeSpan.FromMilliseconds(50);
        double slice = work.Seconds / Slices;
        List<double> alone = [], beside = [];
        var bulk = new BulkDownload(requesters[0]);
        double bulkBytes = 0, bulkSeconds = 0;
        await RequestForAsync(interactive, Math.Min(1, work.Seconds), pause, ct);
        for (int i = 0; i < Slices; i++)
        {
            await RequestForAsync(interactive, slice, pause, ct, alone);
            Task running = bulk.RunAsync(ct);
            await Task.Delay(TimeSpan.FromSeconds(Math.Min(0.3, slice)), ct); // until bulk has its full rate
            long before = bulk.Received;
            long started = Stopwatch.GetTimestamp();
            await RequestForAsync(interactive, slice, pause, ct, beside);
            bulkSeconds += Stopwatch.GetElapsedTime(started).TotalSeconds;
            bulkBytes += bulk.Received - before;
            bulk.Stop();
            await running;
        }

        return new()
        {
            Operations = alone.Count + beside.Count,
            Figures =
            {
                ["p50Alone"] = Statistics.Percentile(alone, 0.5),
                ["p99Alone"] = Statistics.Percentile(alone, 0.99),
                ["p50Beside"] = Statistics.Percentile(beside, 0.5),
                ["p99Beside"] = Statistics.Percentile(beside, 0.99),
                ["bulkBytesPerSecond"] = bulkBytes / bulkSeconds,
            },
        };
    }

    private async Task<WorkResult> MeasureAsync(Func<Task<(long Operations, long Bytes)>> work, CancellationToken ct)
    {
        ServerStatistics before = await StatisticsAsync("/stats", ct);
        IReadOnlyDictionary<int, long> serverBefore = ProcessTree.CpuTimes(server.ProcessIds);
        IReadOnlyDictionary<int, long> clientBefore = ProcessTree.CpuTimes([Environment.ProcessId]);
        long serverWaits = ProcessTree.Waits(server.ProcessIds), clientWaits = ProcessTree.Waits([Environment.ProcessId]);
        long started = Stopwatch.GetTimestamp();
        (long operations, long bytes) = await work();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double serverCpu = ProcessTree.CpuSeconds(serverBefore, ProcessTree.CpuTimes(server.ProcessIds));
        double clientCpu = ProcessTree.CpuSeconds(clientBefore, ProcessTree.CpuTimes([Environment.ProcessId]));
        ServerStatistics after = await StatisticsAsync("/stats", ct);
        return new()
        {
            Operations = operations,
            Bytes = bytes,
            Seconds = seconds,
            ServerCpuSeconds = serverCpu,
            ClientCpuSeconds = clientCpu,
            ServerAllocatedBytes = after.AllocatedBytes - before.AllocatedBytes,
            ServerPeakResidentBytes = ProcessTree.Memory(server.ProcessIds).Peak,
            Figures = new()
            {
                ["serverWaits"] = ProcessTree.Waits(server.ProcessIds) - serverWaits,
                ["clientWaits"] = ProcessTree.Waits([Environment.ProcessId]) - clientWaits,
            },
        };
    }

    private async Task<ServerStatistics> StatisticsAsync(string path, CancellationToken ct) =>
        JsonSerializer.Deserialize(await _admin.GetStringAsync(path, ct), ServerJson.Default.ServerStatistics)!;

    private async ValueTask<HttpSession> SharedSessionAsync(CancellationToken ct) => _session ??= await ConnectAsync(new(WorkKind.SmallGet), ct);

    private async ValueTask<HttpSession> ConnectAsync(WorkRequest work, CancellationToken ct)
    {
        IPAddress address = work.Address is null ? IPAddress.Loopback : IPAddress.Parse(work.Address);
        return new(await CarrierFactory.ConnectAsync(contender, server, address, work.Port, ct), contender.SpeaksHttp2());
    }
}
