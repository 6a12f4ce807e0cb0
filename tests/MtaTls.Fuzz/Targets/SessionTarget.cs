using System.Collections.Concurrent;
using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>
/// A live session of a server or a client. Its peer first sends valid packets with the ids of its channels, and then the input. After every input the session
/// ends in time, and nothing remains: no channel, no reservation, no unsent byte.
/// </summary>
internal sealed class SessionTarget(MtaTlsRole role) : FuzzTarget
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public override string Name => role == MtaTlsRole.Server ? "session" : "client-session";

    public override string CorpusName => "session";

    public override async ValueTask RunAsync(byte[] input, Random random)
    {
        var budget = new MtaTlsReceiveBudget(1 << 20);
        var applications = new ConcurrentBag<Task>();
        int behaviours = random.Next();
        // On a busy machine the session may be aborted after a while, which is no defect. If it has not ended after half a minute, that is one.
        bool hasty = random.Next(2) == 0;
        var there = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        // Limited, because the peer may grant windows of 4 GiB to an application that writes endlessly.
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19));
        var session = MtaTlsSession.Start(new PipeTransport(new Duplex(there.Reader, back.Writer)), new MtaTlsSessionOptions
        {
            Role = role,
            ReceiveBudget = budget,
            Limits = { MaxChannelsPerSession = 40, MaxPendingChannels = 8, SessionReceiveBudget = 1 << 18, CloseLingerTimeout = TimeSpan.FromMilliseconds(20), CloseTimeout = hasty ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(30) },
            ChannelRequested = request => applications.Add(ServeAsync(request, behaviours + request.SenderChannelId)),
        });
        for (int opens = role == MtaTlsRole.Client ? random.Next(12) : 0; opens > 0; opens--)
        {
            applications.Add(OpenAsync(session, behaviours + opens));
        }

        var peer = new SessionPeer(there.Writer, back.Reader, role, random);
        try
        {
            await peer.SpeakAsync();
            await there.Writer.WriteAsync(peer.Retarget(input));
        }
        catch (Exception e) when (e is IOException || (hasty && e is TimeoutException))
        {
            // The session may have ended before, because the peer did not confirm a close.
        }
        if (random.Next(2) == 0)
        {
            await there.Writer.CompleteAsync();
        }
        else
        {
            await there.Writer.CompleteAsync(new IOException("Truncated."));
        }

        Task drained = DrainAsync(back.Reader, hasty);
        try
        {
            await session.Completion.WaitAsync(s_hang);
        }
        catch (MtaTlsSessionException)
        {
            // The peer violated the protocol, as intended.
        }
        await session.DisposeAsync().AsTask().WaitAsync(s_hang);
        await Task.WhenAll(applications).WaitAsync(s_hang);
        await drained.WaitAsync(s_hang);
        Require(session.ActiveChannels == 0, $"{session.ActiveChannels} channels stay.");
        Require(session.PendingChannels == 0, $"{session.PendingChannels} opens stay.");
        Require(budget.Reserved == 0, $"{budget.Reserved} bytes remain reserved.");
        // A session that did not wait for its send loop ends before it; the loop releases its reservations when it ends.
        for (long begin = Environment.TickCount64; session.SendBudget.Used != 0 && Environment.TickCount64 - begin < s_hang.TotalMilliseconds;)
        {
            await Task.Delay(1);
        }

        Require(session.SendBudget.Used == 0, $"{session.SendBudget.Used} bytes remain in buffers for sending.");
    }

    private static async Task DrainAsync(PipeReader input, bool hasty)
    {
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync();
                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException || (hasty && e is TimeoutException))
        {
            // The session was aborted.
        }
    }

    /// <summary>An application that gets an open: it accepts, refuses, answers late, or never.</summary>
    private static async Task ServeAsync(MtaTlsChannelRequest request, int behaviour)
    {
        try
        {
            switch (behaviour & 7)
            {
                case 0:
                    request.Refuse("no");
                    return;
                case 1:
                    return;   // never answered
                case 2:
                    await Task.Yield();
                    break;
            }
            await UseAsync(request.Accept(), behaviour);
        }
        catch (IOException)
        {
            // The channel or the session has failed.
        }
    }

    /// <summary>An application that opens a channel; some cancel the open.</summary>
    private static async Task OpenAsync(MtaTlsSession session, int behaviour)
    {
        using var timeout = new CancellationTokenSource();
        try
        {
            ValueTask<MtaTlsChannel> opened = session.OpenChannelAsync(new ChannelAddress("192.0.2.1", 1), new ChannelAddress("app.internal", 80), timeout.Token);
            if ((behaviour & 7) == 0)
            {
                await timeout.CancelAsync();
            }

            await UseAsync(await opened, behaviour);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Refused, cancelled, or the session has failed.
        }
    }

    /// <summary>An application that uses a channel: it echoes, reads, writes endlessly, or aborts.</summary>
    private static async Task UseAsync(MtaTlsChannel opened, int behaviour)
    {
        await using MtaTlsChannel channel = opened;
        await Task.Yield();
        switch (behaviour >> 3 & 3)
        {
            case 0:
                channel.Abort(behaviour % 2 == 0 ? null : new InvalidOperationException("The application failed."));
                break;
            case 1:
                while (!(await channel.Output.WriteAsync(new byte[3_000])).IsCompleted)
                {
                }
                break;
            case 2:
                await channel.Input.CopyToAsync(Stream.Null);
                break;
            default:
                await channel.Input.CopyToAsync(channel.Output);
                break;
        }
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
