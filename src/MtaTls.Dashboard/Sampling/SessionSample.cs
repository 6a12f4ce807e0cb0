using MtaTls.AspNetCore;

namespace MtaTls.Dashboard.Sampling;

/// <summary>The sampled numbers of a session. Only the sampler writes them, and all viewers read them. Each number is correct, but they may be of different samples.</summary>
/// <param name="session">The session.</param>
internal sealed class SessionSample(IMtaTlsSessionFeature session)
{
    private long _lookedAt;

    public IMtaTlsSessionFeature Session => session;

    /// <summary>The text that a filter searches. It is made at the first use, and never changes.</summary>
    public string Text => field ??= $"{session.RemoteEndPoint}\n{session.ClientCertificate?.Subject}\n{session.ServerName}\n{session.EndpointName}\n{session.SessionId}";

    /// <summary>Open channels at the last read.</summary>
    public int Channels { get; private set; }

    /// <summary>Bytes of channel data received until the last read.</summary>
    public long Received { get; private set; }

    /// <summary>Bytes of channel data sent until the last read.</summary>
    public long Sent { get; private set; }

    /// <summary>Received channel data between the last two reads, in bits per second.</summary>
    public double In { get; private set; }

    /// <summary>Sent channel data between the last two reads, in bits per second.</summary>
    public double Out { get; private set; }

    /// <summary>The number of the last sample with this session.</summary>
    public long SeenIn { get; set; }

    /// <summary>Reads the session's numbers.</summary>
    public void Look(TimeProvider time)
    {
        long now = time.GetTimestamp();
        (long received, long sent) = (session.BytesReceived, session.BytesSent);
        double seconds = _lookedAt == 0 ? 0 : time.GetElapsedTime(_lookedAt, now).TotalSeconds;
        In = seconds > 0 ? 8 * (received - Received) / seconds : 0;
        Out = seconds > 0 ? 8 * (sent - Sent) / seconds : 0;
        (Channels, Received, Sent, _lookedAt) = (session.ActiveChannels, received, sent, now);
    }
}
