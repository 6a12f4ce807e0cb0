using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>
/// A live session whose peer speaks the protocol for a while, with the ids that it is given, and then the input. Whatever it was, the session ends in time, and nothing
/// stays: no channel, no reservation, no unsent octet.
/// </summary>
internal sealed class SessionTarget : FuzzTarget
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public override string Name => "session";

    public override async ValueTask RunAsync(byte[] input, Random random)
    {
        var budget = new MtaTlsReceiveBudget(1 << 20);
        var applications = new ConcurrentBag<Task>();
        int behaviours = random.Next();
        var there = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        MtaTlsSession session = MtaTlsSession.Start(new PipeTransport(new Duplex(there.Reader, back.Writer)), new MtaTlsSessionOptions
        {
            Role = MtaTlsRole.Server,
            ReceiveBudget = budget,
            Limits = { MaxChannelsPerSession = 40, MaxPendingChannels = 8, SessionReceiveBudget = 1 << 18, CloseLingerTimeout = TimeSpan.FromMilliseconds(20), CloseTimeout = TimeSpan.FromMilliseconds(200) },
            ChannelRequested = request => applications.Add(ServeAsync(request, behaviours + request.SenderChannelId)),
        });
        try
        {
            await SpeakAsync(there.Writer, back.Reader, random);
            await there.Writer.WriteAsync(input);
        }
        catch (IOException)
        {
            // The session has ended before: a peer that confirms no close is given up.
        }
        if (random.Next(2) == 0)
            await there.Writer.CompleteAsync();
        else
            await there.Writer.CompleteAsync(new IOException("Truncated."));
        Task drained = DrainAsync(back.Reader);
        try
        {
            await session.Completion.WaitAsync(s_hang);
        }
        catch (MtaTlsSessionException)
        {
            // The peer broke a rule, as it was to.
        }
        await session.DisposeAsync().AsTask().WaitAsync(s_hang);
        await Task.WhenAll(applications).WaitAsync(s_hang);
        await drained.WaitAsync(s_hang);
        Require(session.ActiveChannels == 0, $"{session.ActiveChannels} channels stay.");
        Require(budget.Reserved == 0, $"{budget.Reserved} octets stay reserved.");
        Require(session.Unsent.Value == 0, $"{session.Unsent.Value} octets stay unsent.");
    }

    /// <summary>Valid packets, on channels that the session has opened.</summary>
    private static async Task SpeakAsync(PipeWriter output, PipeReader input, Random random)
    {
        var ids = new List<ChannelId>();
        int steps = random.Next(60);
        for (int step = 0; step < steps; step++)
        {
            Learn(input, ids);
            int choice = ids.Count == 0 ? 0 : random.Next(7);
            ChannelId id = ids.Count == 0 ? default : ids[random.Next(ids.Count)];
            byte[] buffer = new byte[40_000];
            int length = choice switch
            {
                0 => new ChannelEstablishmentRequest
                {
                    SenderChannelId = (ushort)(step * 8 + random.Next(8)),
                    SenderWindowLength = (uint)random.Next(200_000),
                    SenderMaxPacketLength = (uint)random.Next(1, 20_000),
                    SourceAddressMachine = "192.0.2.1"u8,
                    DestinationAddressMachine = random.Next(10) == 0 ? "not/valid"u8 : "app.internal"u8,
                    DestinationPort = 80,
                }.Write(buffer),
                1 => new ChannelCloseRequest(id).Write(buffer),
                2 => new NewMaxPacketLength(id, (uint)random.Next(60, 20_000)).Write(buffer),
                3 => new Acknowledgment(id, (uint)random.Next(100_000)).Write(buffer),
                _ => WriteData(buffer, id, random),
            };
            await output.WriteAsync(buffer.AsMemory(0, length));
            if (choice == 0)
                await Task.Yield();
        }
    }

    private static int WriteData(byte[] buffer, ChannelId id, Random random)
    {
        int length = random.Next(3) == 0 ? random.Next(20_000) : random.Next(100);
        return new Plaintext(id, length).Write(buffer) + length;
    }

    /// <summary>Takes what the session has sent so far; notes the channels that it has opened.</summary>
    private static void Learn(PipeReader input, List<ChannelId> ids)
    {
        if (!input.TryRead(out ReadResult result))
            return;
        byte[] octets = result.Buffer.ToArray();
        int at = 0;
        while (PacketHeader.TryRead(octets.AsSpan(at), out PacketHeader header))
        {
            int length = header.Length + (header.Type == PacketType.Plaintext ? PacketHeader.DataSize : PacketHeader.Size);
            if (octets.Length - at < length)
                break;
            if (header.Type == PacketType.ChannelEstablishmentSuccess)
                ids.Add(new ChannelId(BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(at + PacketHeader.Size))));
            at += length;
        }
        input.AdvanceTo(result.Buffer.GetPosition(at), result.Buffer.End);
    }

    private static async Task DrainAsync(PipeReader input)
    {
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync();
                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    return;
            }
        }
        catch (IOException)
        {
            // The session was aborted.
        }
    }

    /// <summary>An application: it echoes, reads, writes without end, aborts, refuses, answers late, or never.</summary>
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
            await using MtaTlsChannel channel = request.Accept();
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
        catch (IOException)
        {
            // The channel or the session has failed.
        }
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
