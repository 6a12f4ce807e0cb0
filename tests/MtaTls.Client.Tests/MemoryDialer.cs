using System.IO.Pipelines;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;

namespace MtaTls.Client.Tests;

/// <summary>Connects to real sessions of the protocol over in-memory pipes, or fails as the test requests.</summary>
internal sealed class MemoryDialer : IDialer
{
    private readonly Lock _gate = new();

    /// <summary>The server's ends, in the order in which they were connected.</summary>
    public List<MtaTlsSession> Servers { get; } = [];

    public int Attempts { get; private set; }

    public Exception? Failure { get; set; }

    public bool IsMultiplexed { get; set; } = true;

    /// <summary>Whether the server's ends of further connections neither read nor write, like a process that hangs.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>The times until the endpoint stops, from the go-aways of all connections.</summary>
    public List<TimeSpan> GoAways { get; } = [];

    public Action<MtaTlsChannelRequest> Answer { get; set; } = static request => request.Accept();

    public Action<MtaTlsSessionLimits>? ServerLimits { get; set; }

    /// <summary>The task that attempts to connect wait for.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public async ValueTask<DialedConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Attempts++;
        }

        await Gate.WaitAsync(cancellationToken);
        if (Failure is not null)
        {
            throw Failure;
        }

        Pipe up = new(), down = new();
        if (IsMultiplexed && !IsFrozen)
        {
            var options = new MtaTlsSessionOptions { Role = MtaTlsRole.Server, ChannelRequested = request => Answer(request) };
            ServerLimits?.Invoke(options.Limits);
            lock (_gate)
            {
                Servers.Add(MtaTlsSession.Start(new PipeTransport(new Duplex(up.Reader, down.Writer)), options));
            }
        }
        return new DialedConnection(new PipeTransport(new Duplex(down.Reader, up.Writer)), static () => default)
        {
            IsMultiplexed = IsMultiplexed,
            WentAway = GoAways.Add,
            LocalAddress = new ChannelAddress("192.0.2.1", 4711),
            ApplicationProtocol = ReadOnlyMemory<byte>.Empty,
        };
    }

    public void Dispose()
    {
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
