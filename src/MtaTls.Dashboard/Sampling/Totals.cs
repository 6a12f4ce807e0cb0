namespace MtaTls.Dashboard.Sampling;

/// <summary>The meters' counts at the time of a sample.</summary>
internal readonly record struct Totals(long Received, long Sent, long Opened, long Refused, long Handshakes, long Failures)
{
    public static Totals Read(MeterReader meters)
    {
        long handshakes = meters.Get(MeterReader.Handshakes, "");
        return new Totals(
            meters.Get(MeterReader.Io, "receive"), meters.Get(MeterReader.Io, "transmit"), meters.Sum(MeterReader.Opened), meters.Sum(MeterReader.Refused), handshakes,
            meters.Sum(MeterReader.Handshakes) - handshakes);
    }

    public static Point Point(in Totals now, in Totals before, DateTimeOffset at, double seconds, int sessions, int channels)
    {
        return new Point(
            at.ToUnixTimeMilliseconds() / 1000.0, sessions, channels, 8 * Rate(now.Received, before.Received), 8 * Rate(now.Sent, before.Sent), Rate(now.Opened, before.Opened), Rate(now.Refused, before.Refused),
            Rate(now.Handshakes, before.Handshakes), Rate(now.Failures, before.Failures));

        double Rate(long value, long last) => seconds > 0 ? Math.Max(0, value - last) / seconds : 0;
    }
}
