using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Scheduling;

/// <summary>An estimate of the delay and rate of a path now.</summary>
/// <param name="Delay">The one-way delay without queues, in seconds: half the smallest round-trip time.</param>
/// <param name="Delivery">The expected seconds until a packet that the path takes now is delivered, including queued packets and the cost of losses.</param>
/// <param name="Rate">The rate in bytes per second, at least 1.</param>
/// <param name="HasRoom">Whether the congestion window has room.</param>
/// <param name="IsProven">Whether the path has delivered enough bytes to know its rate.</param>
/// <param name="IsInterrupted">Whether the congestion window is far smaller than the path needs: BBR measures the round-trip time (ProbeRTT).</param>
internal readonly record struct PathEstimate(double Delay, double Delivery, double Rate, bool HasRoom, bool IsProven, bool IsInterrupted)
{
    private const int Packet = 1400;
    private const long ProvenBytes = 500_000;

    // A lost packet is repeated after more than one round trip, and other packets wait for it.
    private const double RoundTripsOfLoss = 20;

    public static PathEstimate Of(TunnelPath path)
    {
        IQuicConnection connection = path.Connection;
        double smoothed = Math.Max(connection.SmoothedRtt.TotalSeconds, 1e-5);
        double least = connection.MinRtt.TotalSeconds;
        least = least > 0 ? Math.Min(least, smoothed) : smoothed;
        long window = Math.Max(1, connection.CongestionWindow);
        long inFlight = connection.BytesInFlight + ((long)connection.QueuedDatagrams * Packet);
        bool isProven = connection.BytesDelivered > ProvenBytes;
        // The delivery rate is measured. The window may be far larger than the path needs, so it counts only at the beginning. BBR's window is twice the bandwidth-delay product.
        double rate = Math.Max(1, isProven ? connection.DeliveryRate : Math.Max(connection.DeliveryRate, window / smoothed / 2));
        bool hasRoom = inFlight < window;
        double delivery = (least / 2) + Math.Max(0, (inFlight / rate) - least) + (hasRoom ? 0 : Packet / rate) + (path.LossRate * RoundTripsOfLoss * smoothed);
        // BBR makes the window very small for a short time to measure the round-trip time (ProbeRTT). The path then carries less than its rate.
        bool isInterrupted = isProven && window < rate * least * PathModel.InterruptedShare;
        return new PathEstimate(least / 2, delivery, Math.Max(1, Math.Min(rate, window / least)), hasRoom, isProven, isInterrupted);
    }
}
