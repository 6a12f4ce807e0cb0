using MtaTls.Protocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>The packets of the draft: each is read or refused, and a packet that was read writes the same bytes again.</summary>
internal sealed class PacketsTarget : FuzzTarget
{
    private readonly byte[] _written = new byte[70_000];

    public override string Name => "packets";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        try
        {
            ReadOnlySpan<byte> rest = input;
            while (PacketHeader.TryRead(rest, out PacketHeader header))
            {
                if (header.Type == PacketType.Plaintext)
                {
                    if (!Plaintext.TryRead(rest, header, out Plaintext data) || rest.Length - PacketHeader.DataSize < header.Length)
                    {
                        break;
                    }

                    Same(rest[..PacketHeader.DataSize], data.Write(_written));
                    rest = rest[(PacketHeader.DataSize + data.Length)..];
                    continue;
                }
                if (rest.Length < PacketHeader.Size + header.Length)
                {
                    break;
                }

                ReadOnlySpan<byte> whole = rest[..(PacketHeader.Size + header.Length)];
                Same(whole, Rewrite(header.Type, whole[PacketHeader.Size..]));
                rest = rest[whole.Length..];
            }
        }
        catch (MtaTlsProtocolException)
        {
            // A broken packet is refused.
        }
        return default;
    }

    private int Rewrite(PacketType type, ReadOnlySpan<byte> body) => type switch
    {
        PacketType.ChannelEstablishmentRequest => ChannelEstablishmentRequest.Read(body).Write(_written),
        PacketType.ChannelEstablishmentSuccess => ChannelEstablishmentSuccess.Read(body).Write(_written),
        PacketType.ChannelRequestEchec => ChannelRequestEchec.Read(body).Write(_written),
        PacketType.ChannelCloseRequest => ChannelCloseRequest.Read(body).Write(_written),
        PacketType.ChannelCloseConfirmation => ChannelCloseConfirmation.Read(body).Write(_written),
        PacketType.NewMaxPacketLength => NewMaxPacketLength.Read(body).Write(_written),
        _ => Acknowledgment.Read(body).Write(_written),
    };

    private void Same(ReadOnlySpan<byte> read, int written) => Require(read.SequenceEqual(_written.AsSpan(0, written)), "A packet is not written as it was read.");
}
