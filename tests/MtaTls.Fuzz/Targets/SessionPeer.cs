using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using MtaTls.Protocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>The other end of a session: it sends valid packets on the channels that both ends have opened, and sometimes a broken one.</summary>
internal sealed class SessionPeer(PipeWriter output, PipeReader input, MtaTlsRole session, Random random)
{
    private static readonly byte[] s_idOfCorpus = [0, 1, 0x80, 0];

    private readonly byte[] _buffer = new byte[40_000];
    private readonly List<ChannelId> _channels = [];
    private readonly List<ushort> _requests = [];
    private readonly bool _breaks = random.Next(4) == 0;
    private ushort _half;

    public async Task SpeakAsync()
    {
        for (int steps = random.Next(60); steps > 0; steps--)
        {
            Learn();
            int length = Write();
            if (_breaks && random.Next(20) == 0)
            {
                _buffer[random.Next(length)] ^= (byte)(1 << random.Next(8));
            }

            await output.WriteAsync(_buffer.AsMemory(0, length));
            if (random.Next(4) == 0)
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>Returns the input with ids of open channels in place of the corpus's id.</summary>
    public byte[] Retarget(byte[] octets)
    {
        Learn();
        if (_channels.Count == 0)
        {
            return octets;
        }

        for (int at = 0; (at = Next(octets, at)) >= 0; at += 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(octets.AsSpan(at), _channels[random.Next(_channels.Count)].Value);
        }

        return octets;
    }

    private static int Next(byte[] octets, int from)
    {
        int found = octets.AsSpan(from).IndexOf(s_idOfCorpus);
        return found < 0 ? -1 : from + found;
    }

    private int Write()
    {
        if (_requests.Count > 0 && random.Next(3) > 0)
        {
            return Answer();
        }

        ChannelId id = _channels.Count == 0 ? default : _channels[random.Next(_channels.Count)];
        return (_channels.Count == 0 ? 0 : random.Next(9)) switch
        {
            0 => Request(),
            1 => new ChannelCloseRequest(id).Write(_buffer),
            2 => new NewMaxPacketLength(id, (uint)random.Next(60, 20_000)).Write(_buffer),
            3 => new Acknowledgment(id, random.Next(10) == 0 ? uint.MaxValue : (uint)random.Next(100_000)).Write(_buffer),
            4 when random.Next(8) == 0 => new ChannelCloseConfirmation(id).Write(_buffer),
            _ => Data(id),
        };
    }

    private int Request() => new ChannelEstablishmentRequest
    {
        SenderChannelId = Half(),
        SenderWindowLength = (uint)random.Next(200_000),
        SenderMaxPacketLength = (uint)random.Next(1, 20_000),
        SourceAddressMachine = "192.0.2.1"u8,
        DestinationAddressMachine = random.Next(10) == 0 ? "not/valid"u8 : "app.internal"u8,
        DestinationPort = 80,
    }.Write(_buffer);

    private int Answer()
    {
        int which = random.Next(_requests.Count);
        ushort sender = _requests[which];
        // Sometimes an answer is sent twice.
        if (random.Next(20) > 0)
        {
            _requests.RemoveAt(which);
        }

        if (random.Next(5) == 0)
        {
            return new ChannelRequestEchec { SenderChannelId = sender, Error = "no room"u8 }.Write(_buffer);
        }

        var id = new ChannelId(sender, random.Next(20) == 0 ? (ushort)random.Next(65_536) : Half());
        _channels.Add(id);
        return new ChannelEstablishmentSuccess(id, (uint)random.Next(200_000), (uint)random.Next(1, 20_000)).Write(_buffer);
    }

    private int Data(ChannelId id)
    {
        int length = random.Next(3) == 0 ? random.Next(20_000) : random.Next(100);
        return new Plaintext(id, length).Write(_buffer) + length;
    }

    /// <summary>Chooses this end's half of a channel id; sometimes one that was used before.</summary>
    private ushort Half()
    {
        if (random.Next(20) > 0)
        {
            _half += (ushort)random.Next(1, 8);
        }

        return (ushort)(session == MtaTlsRole.Server ? _half & 0x7FFF : _half | 0x8000);
    }

    /// <summary>Reads what the session has sent so far, and remembers the channels that it has opened or asks for.</summary>
    private void Learn()
    {
        if (!input.TryRead(out ReadResult result))
        {
            return;
        }

        byte[] octets = result.Buffer.ToArray();
        int at = 0;
        while (PacketHeader.TryRead(octets.AsSpan(at), out PacketHeader header))
        {
            int length = header.Length + (header.Type == PacketType.Plaintext ? PacketHeader.DataSize : PacketHeader.Size);
            if (octets.Length - at < length)
            {
                break;
            }

            ReadOnlySpan<byte> body = octets.AsSpan(at + PacketHeader.Size);
            if (header.Type == PacketType.ChannelEstablishmentSuccess)
            {
                _channels.Add(new ChannelId(BinaryPrimitives.ReadUInt32BigEndian(body)));
            }
            else if (header.Type == PacketType.ChannelEstablishmentRequest)
            {
                _requests.Add(BinaryPrimitives.ReadUInt16BigEndian(body));
            }

            at += length;
        }
        input.AdvanceTo(result.Buffer.GetPosition(at), result.Buffer.End);
    }
}
