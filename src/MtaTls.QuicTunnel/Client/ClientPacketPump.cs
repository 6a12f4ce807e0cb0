using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Client;

/// <summary>Sends the host's packets into the session, and answers packets that cannot be sent with ICMP errors.</summary>
internal sealed class ClientPacketPump(ClientSessions sessions, IPacketInterface packetInterface) : IPacketReceiver
{
    public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch)
    {
        TunnelCounters counters = sessions.Counters;
        if (!IpHeader.TryRead(packet, out IpHeader header))
        {
            counters.Dropped(DropReason.Malformed);
        }
        else if (IpHeader.IsLinkScoped(header.Destination) || IpHeader.IsLinkScoped(header.Source))
        {
            counters.Dropped(DropReason.LinkScope);
        }
        else if (sessions.Current is not { } session)
        {
            counters.Dropped(DropReason.NoPath);
        }
        else
        {
            switch (session.Send(packet, header.ProtocolType, out int maxPacket, batch))
            {
                case SendResult.NoPath:
                    counters.Dropped(DropReason.NoPath);
                    break;
                case SendResult.Congested:
                    counters.Dropped(DropReason.Congested);
                    break;
                case SendResult.TooBig:
                    counters.Dropped(DropReason.TooBig);
                    Answer(packet, header, maxPacket);
                    break;
                case SendResult.NotCarried:
                    counters.Dropped(DropReason.TooBig);
                    Answer(packet, header, maxPacket: 0);
                    break;
            }
        }
    }

    public void OnNotWritten(int packets)
    {
        for (int i = 0; i < packets; i++)
        {
            sessions.Counters.Dropped(DropReason.Interface);
        }
    }

    private void Answer(ReadOnlySpan<byte> packet, in IpHeader header, int maxPacket)
    {
        Span<byte> error = stackalloc byte[IcmpError.MaxLength];
        int length = maxPacket > 0 ? IcmpError.WriteTooBig(packet, header, maxPacket, error) : IcmpError.WriteUnreachable(packet, header, error);
        if (length > 0)
        {
            packetInterface.Write(error[..length]);
            packetInterface.Flush();
        }
    }
}
