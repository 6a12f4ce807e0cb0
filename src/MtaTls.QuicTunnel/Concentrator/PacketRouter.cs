using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// Routes packets between the sessions and the packet interface. Packets from clients pass the ingress filter of RFC 2827; packets from the host go to the session that owns the
/// destination. The host's kernel behind a TUN device decrements the hop limit; between two clients the concentrator does it.
/// </summary>
internal sealed class PacketRouter : ISessionRouter, IPacketReceiver
{
    private readonly IPacketInterface _interface;
    private readonly AddressTable _addresses;
    private readonly TunnelCounters _counters;
    private readonly IcmpErrorRate _icmpErrors;

    public PacketRouter(IPacketInterface packetInterface, AddressTable addresses, TunnelCounters counters, TimeProvider timeProvider)
    {
        _interface = packetInterface;
        _addresses = addresses;
        _counters = counters;
        _icmpErrors = new IcmpErrorRate(timeProvider);
    }

    /// <summary>Routes a packet from a client.</summary>
    public void OnPacketFrom(ConcentratorSession session, ushort protocolType, ReadOnlySpan<byte> packet)
    {
        if (!InnerPacket.TryRead(protocolType, packet, out IpHeader header, out DropReason reason))
        {
            _counters.Dropped(reason);
        }
        else if (!session.Owns(header.Source) && !_addresses.TryClaim(session, header.Source))
        {
            _counters.Dropped(DropReason.SpoofedSource);
        }
        else if (IpHeader.IsLinkScoped(header.Destination))
        {
            _counters.Dropped(DropReason.LinkScope);
        }
        else if (_addresses.TryFind(header.Destination, out ConcentratorSession? destination))
        {
            RouteBetween(session, destination, packet, header);
        }
        else if (!_interface.Write(packet))
        {
            _counters.Dropped(DropReason.Interface);
        }
    }

    public void Flush() => _interface.Flush();

    /// <summary>Routes a packet from the host.</summary>
    public void OnPacket(ReadOnlySpan<byte> packet, SendBatch? batch)
    {
        if (!IpHeader.TryRead(packet, out IpHeader header))
        {
            _counters.Dropped(DropReason.Malformed);
        }
        else if (IpHeader.IsLinkScoped(header.Destination))
        {
            _counters.Dropped(DropReason.LinkScope);
        }
        else if (!_addresses.TryFind(header.Destination, out ConcentratorSession? session))
        {
            _counters.Dropped(DropReason.NoRoute);
        }
        else if (!TrySend(session, packet, header, out int maxPacket, batch))
        {
            AnswerTooBig(packet, header, maxPacket, origin: null);
        }
    }

    public void OnNotWritten(int packets)
    {
        for (int i = 0; i < packets; i++)
        {
            _counters.Dropped(DropReason.Interface);
        }
    }

    private void RouteBetween(ConcentratorSession from, ConcentratorSession to, ReadOnlySpan<byte> packet, in IpHeader header)
    {
        if (!_addresses.AllowsClientToClient)
        {
            _counters.Dropped(DropReason.ClientToClient);
            return;
        }

        Span<byte> copy = stackalloc byte[2048];
        if (packet.Length > copy.Length)
        {
            // No path carries a packet of this size.
            AnswerTooBig(packet, header, TunnelSession.LeastIPv6Datagram - TunnelDatagram.HeaderLength, from);
            return;
        }

        copy = copy[..packet.Length];
        packet.CopyTo(copy);
        if (!HopLimit.TryDecrement(copy, header))
        {
            _counters.Dropped(DropReason.HopLimit);
            Span<byte> error = stackalloc byte[IcmpError.MaxLength];
            Answer(error[..IcmpError.WriteTimeExceeded(packet, header, error)], header, from);
        }
        else if (!TrySend(to, copy, header, out int maxPacket))
        {
            AnswerTooBig(packet, header, maxPacket, from);
        }
    }

    /// <summary>Sends a packet, and counts a drop. False if the sender must get an ICMP error: no path carries the packet, because of its size (see <paramref name="maxPacket"/>) or its protocol.</summary>
    private bool TrySend(ConcentratorSession session, ReadOnlySpan<byte> packet, in IpHeader header, out int maxPacket, SendBatch? batch = null)
    {
        switch (session.Send(packet, header.ProtocolType, out maxPacket, batch))
        {
            case SendResult.NoPath:
                _counters.Dropped(DropReason.NoPath);
                break;
            case SendResult.Congested:
                _counters.Dropped(DropReason.Congested);
                break;
            case SendResult.TooBig or SendResult.NotCarried:
                return false;
        }

        return true;
    }

    private void AnswerTooBig(ReadOnlySpan<byte> packet, in IpHeader header, int mtu, ConcentratorSession? origin)
    {
        _counters.Dropped(DropReason.TooBig);
        Span<byte> error = stackalloc byte[IcmpError.MaxLength];
        Answer(error[..(mtu > 0 ? IcmpError.WriteTooBig(packet, header, mtu, error) : IcmpError.WriteUnreachable(packet, header, error))], header, origin);
    }

    private void Answer(ReadOnlySpan<byte> error, in IpHeader header, ConcentratorSession? origin)
    {
        if (error.IsEmpty || !_icmpErrors.TryTake())
        {
            return;
        }

        if (origin is null)
        {
            _interface.Write(error);
            _interface.Flush();
        }
        else
        {
            origin.Send(error, header.ProtocolType, out _);
        }
    }
}
