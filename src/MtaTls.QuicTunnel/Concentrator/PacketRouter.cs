using MtaTls.QuicTunnel.Diagnostics;
using MtaTls.QuicTunnel.Interfaces;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Concentrator;

/// <summary>
/// Between the sessions and the packet interface: the ingress filter of RFC 2827 in one direction, the way to the owner of the destination in the
/// other. The host's kernel behind a TUN device routes and counts hops; the concentrator itself does so between two clients.
/// </summary>
internal sealed class PacketRouter : ISessionRouter, IPacketReceiver
{
    private const int MaxIcmpPerSecond = 1_000;
    private readonly IPacketInterface _interface;
    private readonly AddressTable _addresses;
    private readonly TunnelCounters _counters;
    private readonly EventRate _icmpErrors;   // under a lock on itself
    private readonly bool _allowClientToClient;

    public PacketRouter(IPacketInterface packetInterface, AddressTable addresses, bool allowClientToClient, TunnelCounters counters, TimeProvider timeProvider)
    {
        _interface = packetInterface;
        _addresses = addresses;
        _allowClientToClient = allowClientToClient;
        _counters = counters;
        _icmpErrors = new EventRate(MaxIcmpPerSecond, timeProvider);
    }

    /// <summary>A packet from a client.</summary>
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

    /// <summary>A packet from the host.</summary>
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
        if (!_allowClientToClient)
        {
            _counters.Dropped(DropReason.ClientToClient);
            return;
        }

        Span<byte> copy = stackalloc byte[2048];
        if (packet.Length > copy.Length)
        {
            // No path carries it.
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

    /// <summary>False when no path carries the packet, for its size (<paramref name="maxPacket"/> does) or its protocol, which its sender must know.</summary>
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
        if (error.IsEmpty || !TryTakeIcmpError())
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

    private bool TryTakeIcmpError()
    {
        lock (_icmpErrors)
        {
            return _icmpErrors.TryTake();
        }
    }
}
