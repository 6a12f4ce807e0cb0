using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>A packet as octets: its type and the octets after its length field. For a data packet these begin with the channel id.</summary>
internal sealed record RawPacket(PacketType Type, byte[] Body)
{
    public uint UInt32(int offset) => BinaryPrimitives.ReadUInt32BigEndian(Body.AsSpan(offset));

    public ushort UInt16(int offset) => BinaryPrimitives.ReadUInt16BigEndian(Body.AsSpan(offset));

    public ChannelId Id => new(UInt32(0));

    public byte[] Data => Body[4..];
}

/// <summary>A peer without a session. The test decides which octets it writes, and reads the answers of the session under test.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private readonly IDuplexPipe _pipe;

    private RawPeer(IDuplexPipe pipe, PipeTransport transport, MtaTlsSessionOptions options)
    {
        _pipe = pipe;
        Transport = transport;
        Session = MtaTlsSession.Start(transport, options);
    }

    /// <summary>The session under test.</summary>
    public MtaTlsSession Session { get; }

    public PipeTransport Transport { get; }

    public static RawPeer Create(MtaTlsRole sessionRole = MtaTlsRole.Server, Action<MtaTlsSessionOptions>? configure = null, int pauseWriterThreshold = 0)
    {
        (IDuplexPipe a, IDuplexPipe b) = DuplexPipe.CreatePair(new PipeOptions(pauseWriterThreshold: pauseWriterThreshold, resumeWriterThreshold: pauseWriterThreshold / 2));
        var options = new MtaTlsSessionOptions { Role = sessionRole };
        configure?.Invoke(options);
        return new(b, new PipeTransport(a), options);
    }

    public async Task SendAsync(params byte[][] packets)
    {
        foreach (byte[] packet in packets)
        {
            _pipe.Output.Write(packet);
        }

        await _pipe.Output.FlushAsync();
    }

    /// <summary>Ends the stream in order, as close_notify does.</summary>
    public ValueTask EndAsync() => _pipe.Output.CompleteAsync();

    /// <summary>Breaks the stream, as the end of TCP without close_notify does.</summary>
    public ValueTask BreakAsync() => _pipe.Output.CompleteAsync(new IOException("Truncated."));

    /// <summary>Returns the session's next packet; null at the orderly end.</summary>
    public async Task<RawPacket?> ReceiveAsync()
    {
        using var hang = new CancellationTokenSource(SessionPair.HangTimeout);
        while (true)
        {
            ReadResult result = await _pipe.Input.ReadAsync(hang.Token);
            ReadOnlySequence<byte> buffer = result.Buffer;
            byte[] octets = buffer.ToArray();
            if (PacketHeader.TryRead(octets, out PacketHeader header))
            {
                int start = header.Type == PacketType.Plaintext ? 5 : 3;
                int end = start + header.Length + (header.Type == PacketType.Plaintext ? 4 : 0);
                if (octets.Length >= end)
                {
                    _pipe.Input.AdvanceTo(buffer.GetPosition(end));
                    return new(header.Type, octets[start..end]);
                }
            }
            _pipe.Input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    /// <summary>Returns the session's next packet of a type, and skips others before it.</summary>
    public async Task<RawPacket> ReceiveAsync(PacketType type)
    {
        while (await ReceiveAsync() is { } packet)
        {
            if (packet.Type == type)
            {
                return packet;
            }
        }
        throw new InvalidOperationException($"The stream ended before a {type}.");
    }

    /// <summary>Waits until the session has flushed this many octets that are not read yet, and leaves them there.</summary>
    public async Task ArrivedAsync(int octets)
    {
        using var hang = new CancellationTokenSource(SessionPair.HangTimeout);
        while (true)
        {
            if (_pipe.Input.TryRead(out ReadResult result))
            {
                bool arrived = result.Buffer.Length >= octets;
                _pipe.Input.AdvanceTo(result.Buffer.Start);
                if (arrived)
                {
                    return;
                }
            }
            await Task.Delay(1, hang.Token);
        }
    }

    /// <summary>Opens a channel at the session under test, which accepts it.</summary>
    public async Task<MtaTlsChannel> OpenAsync(ushort sender = 1, uint window = 1 << 20, uint maxPacketLength = 16_375)
    {
        await SendAsync(Request(sender, window, maxPacketLength));
        MtaTlsChannelRequest? request = await Session.AcceptChannelAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        MtaTlsChannel channel = request!.Accept();
        await ReceiveAsync(PacketType.ChannelEstablishmentSuccess);
        return channel;
    }

    /// <summary>Waits until the session has handled all packets sent so far: sends a bad request after them and waits for its refusal.</summary>
    public async Task SettleAsync()
    {
        await SendAsync(Request(0x7FFF, host: "not/valid"));
        await ReceiveAsync(PacketType.ChannelRequestEchec);
    }

    public async Task<MtaTlsSessionException> FailureAsync() =>
        await Assert.ThrowsAnyAsync<MtaTlsSessionException>(() => Session.Completion.WaitAsync(SessionPair.HangTimeout));

    public static byte[] Request(ushort sender, uint window = 1 << 20, uint maxPacketLength = 16_375, string host = "app.example", int port = 80)
    {
        byte[] machine = System.Text.Encoding.Latin1.GetBytes(host);
        var request = new ChannelEstablishmentRequest
        {
            SenderChannelId = sender,
            SenderWindowLength = window,
            SenderMaxPacketLength = maxPacketLength,
            SourceAddressMachine = "192.0.2.1"u8,
            SourcePort = 40_000,
            DestinationAddressMachine = machine,
            DestinationPort = (ushort)port,
        };
        byte[] packet = new byte[request.Size];
        request.Write(packet);
        return packet;
    }

    public static byte[] Success(ushort sender, ushort receiver, uint window = 1 << 20, uint maxPacketLength = 16_375)
    {
        byte[] packet = new byte[ChannelEstablishmentSuccess.Size];
        new ChannelEstablishmentSuccess(new ChannelId((uint)sender << 16 | receiver), window, maxPacketLength).Write(packet);
        return packet;
    }

    public static byte[] Echec(ushort sender, string error)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(error);
        var echec = new ChannelRequestEchec { SenderChannelId = sender, Error = text };
        byte[] packet = new byte[echec.Size];
        echec.Write(packet);
        return packet;
    }

    public static byte[] Data(ChannelId id, params ReadOnlySpan<byte> data)
    {
        byte[] packet = new byte[PacketHeader.DataSize + data.Length];
        new Plaintext(id, data.Length).Write(packet);
        data.CopyTo(packet.AsSpan(PacketHeader.DataSize));
        return packet;
    }

    public static byte[] Close(ChannelId id)
    {
        byte[] packet = new byte[ChannelCloseRequest.Size];
        new ChannelCloseRequest(id).Write(packet);
        return packet;
    }

    public static byte[] Confirm(ChannelId id)
    {
        byte[] packet = new byte[ChannelCloseConfirmation.Size];
        new ChannelCloseConfirmation(id).Write(packet);
        return packet;
    }

    public static byte[] Acknowledge(ChannelId id, uint freeSpace)
    {
        byte[] packet = new byte[Acknowledgment.Size];
        new Acknowledgment(id, freeSpace).Write(packet);
        return packet;
    }

    public static byte[] MaxPacketLength(ChannelId id, uint value)
    {
        byte[] packet = new byte[NewMaxPacketLength.Size];
        new NewMaxPacketLength(id, value).Write(packet);
        return packet;
    }

    public async ValueTask DisposeAsync()
    {
        await _pipe.Output.CompleteAsync();
        await Session.DisposeAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        await _pipe.Input.CompleteAsync();
    }
}
