using MtaTls.QuicTunnel.Diagnostics;

namespace MtaTls.QuicTunnel.Packets;

/// <summary>Limits how many ICMP errors a concentrator sends (RFC 1812, section 4.3.2.8; RFC 4443, section 2.4): 1,000 a second.</summary>
internal sealed class IcmpErrorRate(TimeProvider time) : SharedRate(perSecond: 1_000, time);
