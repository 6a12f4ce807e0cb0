using MtaTls.QuicTunnel;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Packets;

namespace MtaTls.Fuzz.Targets;

/// <summary>The QUIC tunnel's control TLVs, datagrams and IP headers.</summary>
internal sealed class TunnelTarget : FuzzTarget
{
    public override string Name => "tunnel";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        if (TunnelDatagram.TryRead(input, out _, out _, out ReadOnlySpan<byte> packet))
        {
            Ip(packet);
        }

        Ip(input);
        PathMessage.TryRead(input, out _, out _);
        var control = new ConcentratorControl(new Silent(), 0, 4, ofNode: random.Next(4) == 0);
        try
        {
            for (int at = 0; at < input.Length;)
            {
                int length = Math.Min(random.Next(1, 30), input.Length - at);
                control.OnStreamData(random.Next(3) * 4, input.AsSpan(at, length), random.Next(8) == 0);
                at += length;
                if (random.Next(10) == 0)
                {
                    control.OnStreamReset(random.Next(1, 3) * 4);
                }
            }
        }
        catch (ControlViolationException)
        {
            // A violated rule is reported by this exception.
        }
        return default;
    }

    private static void Ip(ReadOnlySpan<byte> packet)
    {
        if (!IpHeader.TryRead(packet, out IpHeader header))
        {
            return;
        }

        _ = HopLimit.TryDecrement(packet.ToArray(), header);
    }

    private sealed class Silent : IConcentratorControlHandler
    {
        public void OnNewSession(ReadOnlySpan<byte> value)
        {
        }

        public void OnJoinSession(ReadOnlySpan<byte> sessionId)
        {
        }

        public void OnAccessReport(AccessReport report)
        {
        }
    }
}
