using MtaTls.Quic;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>What is known of a path now: how soon it delivers, and how much.</summary>
/// <param name="Delay">The seconds that a packet takes which meets no other on the way: half the least round-trip time.</param>
/// <param name="Delivery">The seconds until a packet that is given to the path now is delivered: what is queued there counts, and what losses cost.</param>
/// <param name="Rate">Bytes a second, at least 1.</param>
/// <param name="HasRoom">Whether the congestion window has room.</param>
/// <param name="IsProven">Whether the path has carried enough for its rate to be known.</param>
internal readonly record struct PathEstimate(double Delay, double Delivery, double Rate, bool HasRoom, bool IsProven)
{
    private const int Packet = 1400;
    private const long ProvenBytes = 500_000;

    // A lost packet is repeated after more than a round trip, and others wait for it.
    private const double RoundTripsOfLoss = 20;

    public static PathEstimate Of(TunnelPath path)
    {
        IQuicConnection connection = path.Connection;
        double smoothed = Math.Max(connection.SmoothedRtt.TotalSeconds, 1e-5);
        double least = connection.MinRtt.TotalSeconds;
        least = least > 0 ? Math.Min(least, smoothed) : smoothed;
        long window = Math.Max(1, connection.CongestionWindow);
        long inFlight = connection.BytesInFlight + ((long)connection.QueuedDatagrams * Packet);
        // BBR's window is twice what the path holds.
        double rate = Math.Max(1, Math.Max(connection.DeliveryRate, window / smoothed / 2));
        bool hasRoom = inFlight < window;
        double delivery = (least / 2) + Math.Max(0, (inFlight / rate) - least) + (hasRoom ? 0 : Packet / rate) + (path.LossRate * RoundTripsOfLoss * smoothed);
        return new PathEstimate(least / 2, delivery, rate, hasRoom, connection.BytesDelivered > ProvenBytes);
    }
}
