using MtaTls.Client;
using MtaTls.Stress.Hosting;
using MtaTls.Stress.Soak;

namespace MtaTls.Stress.Scale;

/// <summary>A million channels on one session, each opened when another has closed.</summary>
internal sealed class OpensRun(StressOptions options) : ScaleRun(options, count: 1_000_000, rounds: 10)
{
    private const int AtATime = 64;

    private MtaTlsClient? _client;
    private long _opened;

    protected override async Task<string> RoundAsync(ServerProcess server)
    {
        _client ??= new MtaTlsClient(ClientSettings.From(Caller.Options(server, server.Port)));
        int left = Count / Rounds;
        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await using MtaTlsClientChannel channel = await _client.OpenChannelAsync("app.internal", 443);
            }
        })));
        _opened += Count / Rounds;
        if (_client.GetStatistics() is var statistics && (statistics.Handshakes, statistics.ChannelsOpened, statistics.ChannelsRefused) != (1, _opened, 0))
        {
            throw new InvalidDataException($"{statistics}");
        }

        return $"{Count / Rounds} opens, {_opened} on this session";
    }

    // The session stays for the next round.
    protected override bool IsIdle(ProcessSample sample) => (sample with { Sessions = 0, Others = 0 }).IsIdle;

    protected override ValueTask EndAsync() => _client?.DisposeAsync() ?? default;
}
