using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Reads and writes single packets on a TLS connection, for a client that sends what no session would send.</summary>
internal sealed class RawPackets(TlsConnection tls)
{
    private const int MaxDataLength = 16_000;

    private byte[] _received = [];

    /// <summary>Opens a channel and waits until the server has accepted it.</summary>
    /// <param name="sender">The first half of its id.</param>
    /// <param name="window">The bytes that the server may send before the first Acknowledgment.</param>
    public async Task<ChannelId> OpenAsync(ushort sender, uint window = 1 << 20)
    {
        WriteOpen(sender, window);
        await tls.FlushAsync();
        while (true)
        {
            (PacketType type, byte[] body) = await ReadAsync() ?? throw new EndOfStreamException();
            if (type == PacketType.ChannelEstablishmentSuccess && ChannelEstablishmentSuccess.Read(body) is { } success && success.ChannelId.Sender == sender)
            {
                return success.ChannelId;
            }
        }
    }

    /// <summary>Writes an open without waiting for its answer.</summary>
    public void WriteOpen(ushort sender, uint window = 1 << 20, uint maxPacketLength = 16_375)
    {
        var request = new ChannelEstablishmentRequest
        {
            SenderChannelId = sender,
            SenderWindowLength = window,
            SenderMaxPacketLength = maxPacketLength,
            SourceAddressMachine = "192.0.2.1"u8,
            SourcePort = 40_000,
            DestinationAddressMachine = "app.test"u8,
            DestinationPort = 80,
        };
        byte[] packet = new byte[request.Size];
        request.Write(packet);
        tls.Write(packet);
    }

    public void WriteData(ChannelId id, ReadOnlySpan<byte> data)
    {
        byte[] packet = new byte[PacketHeader.DataSize + MaxDataLength];
        while (!data.IsEmpty)
        {
            int length = Math.Min(data.Length, MaxDataLength);
            new Plaintext(id, length).Write(packet);
            data[..length].CopyTo(packet.AsSpan(PacketHeader.DataSize));
            tls.Write(packet.AsSpan(0, PacketHeader.DataSize + length));
            data = data[length..];
        }
    }

    public void WriteClose(ChannelId id)
    {
        byte[] packet = new byte[ChannelCloseRequest.Size];
        new ChannelCloseRequest(id).Write(packet);
        tls.Write(packet);
    }

    public void WriteRefusal(ushort sender, string error)
    {
        var refusal = new ChannelRequestEchec { SenderChannelId = sender, Error = System.Text.Encoding.UTF8.GetBytes(error) };
        byte[] packet = new byte[refusal.Size];
        refusal.Write(packet);
        tls.Write(packet);
    }

    public void WriteSuccess(ushort sender, ushort receiver)
    {
        var success = new ChannelEstablishmentSuccess { ChannelId = new ChannelId((uint)sender << 16 | receiver), ReceiverWindowLength = 1 << 20, ReceiverMaxPacketLength = 16_375 };
        byte[] packet = new byte[ChannelEstablishmentSuccess.Size];
        success.Write(packet);
        tls.Write(packet);
    }

    public void WriteConfirmation(ChannelId id)
    {
        byte[] packet = new byte[ChannelCloseConfirmation.Size];
        new ChannelCloseConfirmation(id).Write(packet);
        tls.Write(packet);
    }

    /// <summary>Reads the next ChannelCloseRequest, and returns its channel.</summary>
    public async Task<ChannelId> ReadCloseAsync()
    {
        while (true)
        {
            (PacketType type, byte[] body) = await ReadAsync() ?? throw new EndOfStreamException();
            if (type == PacketType.ChannelCloseRequest)
            {
                return ChannelCloseRequest.Read(body).ChannelId;
            }
        }
    }

    /// <summary>Returns the sender_channel_id of an open that is a signal.</summary>
    public static ushort SignalOf(byte[] body, string name)
    {
        var request = ChannelEstablishmentRequest.Read(body);
        Assert.Equal(name, System.Text.Encoding.ASCII.GetString(request.DestinationAddressMachine));
        return request.SenderChannelId;
    }

    /// <summary>Reads the next packet, and returns its type and its body without the header; null at the end of the stream.</summary>
    public async Task<(PacketType Type, byte[] Body)?> ReadAsync()
    {
        byte[] buffer = new byte[32 * 1024];
        while (true)
        {
            if (PacketHeader.TryRead(_received, out PacketHeader header))
            {
                int start = header.Type == PacketType.Plaintext ? 5 : PacketHeader.Size;
                int end = start + header.Length + (header.Type == PacketType.Plaintext ? 4 : 0);
                if (_received.Length >= end)
                {
                    byte[] body = _received[start..end];
                    _received = _received[end..];
                    return (header.Type, body);
                }
            }

            int read = await tls.ReadAsync(buffer).Soon();
            if (read == 0)
            {
                return null;
            }

            _received = [.. _received, .. buffer.AsSpan(0, read)];
        }
    }
}
