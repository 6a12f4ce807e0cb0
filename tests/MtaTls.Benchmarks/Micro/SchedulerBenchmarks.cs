using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using MtaTls.Protocol;

namespace MtaTls.Benchmarks.Micro;

/// <summary>
/// Two sessions that are connected in memory, without TLS. Every channel writes one packet, and its peer reads it. This measures the send loop, the windows, the read loop and their use
/// of the thread pool. The figure is for one packet.
/// </summary>
public class SchedulerBenchmarks
{
    private const int Rounds = 64;

    private MtaTlsSession _client = null!;
    private MtaTlsSession _server = null!;
    private (MtaTlsChannel Client, MtaTlsChannel Server)[] _channels = [];
    private byte[] _data = [];

    [Params(1, 64)]
    public int Channels { get; set; }

    [Params(100, 16_375)]
    public int Length { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        (IDuplexPipe? near, IDuplexPipe? far) = DuplexPipePair.Create();
        _client = MtaTlsSession.Start(new PipeTransport(near), new() { Role = MtaTlsRole.Client });
        _server = MtaTlsSession.Start(new PipeTransport(far), new() { Role = MtaTlsRole.Server });
        _channels = new (MtaTlsChannel, MtaTlsChannel)[Channels];
        for (int i = 0; i < Channels; i++)
        {
            Task<MtaTlsChannel> opening = _client.OpenChannelAsync(new("192.0.2.1", 1), new("localhost", 80)).AsTask();
            MtaTlsChannel accepted = (await _server.AcceptChannelAsync())!.Accept();
            _channels[i] = (await opening, accepted);
        }

        _data = new byte[Length];
    }

    [Benchmark(OperationsPerInvoke = Rounds * 64)]
    public Task Packets() => Task.WhenAll(_channels.SelectMany(channel => new[] { WriteAsync(channel.Client.Output), ReadAsync(channel.Server.Input) }));

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    // The number of packets does not depend on the number of channels.
    private int Each => Rounds * 64 / Channels;

    private async Task WriteAsync(PipeWriter output)
    {
        await Task.Yield();
        for (int i = 0; i < Each; i++)
        {
            await output.WriteAsync(_data);
        }
    }

    private async Task ReadAsync(PipeReader input)
    {
        await Task.Yield();
        for (long left = (long)Each * Length; left > 0;)
        {
            ReadResult result = await input.ReadAsync();
            left -= result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
        }
    }
}
