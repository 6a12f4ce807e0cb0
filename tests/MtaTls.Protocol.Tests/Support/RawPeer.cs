using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace MtaTls.Protocol.Tests;

/// <summary>A packet as octets: what follows its length field, and for a data packet the channel id before the data.</summary>
internal sealed record RawPacket(PacketType Type, byte[] Body)
{
    public uint UInt32(int offset) => BinaryPrimitives.ReadUInt32BigEndian(Body.AsSpan(offset));

    public ushort UInt16(int offset) => BinaryPrimitives.ReadUInt16BigEndian(Body.AsSpan(offset));

    public ChannelId Id => new(UInt32(0));

    public byte[] Data => Body[4..];
}

/// <summary>A peer without a session: writes octets as a test likes, and reads what the session under test answers.</summary>
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

    /// <summary>The orderly end of the stream, as close_notify.</summary>
    public ValueTask EndAsync() => _pipe.Output.CompleteAsync();

    /// <summary>The stream breaks, as the end of TCP without close_notify.</summary>
    public ValueTask BreakAsync() => _pipe.Output.CompleteAsync(new IOException("Truncated."));

    /// <summary>The session's next packet; null at the orderly end.</summary>
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

    /// <summary>The session's next packet of the type; others before it are passed over.</summary>
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

    /// <summary>Opens a channel at the session under test, which accepts it.</summary>
    public async Task<MtaTlsChannel> OpenAsync(ushort sender = 1, uint window = 1 << 20, uint maxPacketLength = 16_375)
    {
        await SendAsync(Request(sender, window, maxPacketLength));
        MtaTlsChannelRequest? request = await Session.AcceptChannelAsync().AsTask().WaitAsync(SessionPair.HangTimeout);
        MtaTlsChannel channel = request!.Accept();
        await ReceiveAsync(PacketType.ChannelEstablishmentSuccess);
        return channel;
    }

    /// <summary>Waits until the session has taken all packets sent so far: it answers a bad request after them.</summary>
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
