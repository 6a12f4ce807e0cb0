using MtaTls.AspNetCore;

namespace MtaTls.Dashboard.Sampling;

/// <summary>What is known of a session. Numbers are written by the sampler alone and read by all viewers; each is right by itself.</summary>
/// <param name="session">The session.</param>
internal sealed class SessionSample(IMtaTlsSessionFeature session)
{
    private long _lookedAt;

    public IMtaTlsSessionFeature Session => session;

    /// <summary>What a filter looks at. Made with the first filter, for none of it changes.</summary>
    public string Text => field ??= $"{session.RemoteEndPoint}\n{session.ClientCertificate?.Subject}\n{session.ServerName}\n{session.EndpointName}\n{session.SessionId}";

    /// <summary>Channels that were open when the session was looked at.</summary>
    public int Channels { get; private set; }

    /// <summary>Bytes of channel data received until then.</summary>
    public long Received { get; private set; }

    /// <summary>Bytes of channel data sent until then.</summary>
    public long Sent { get; private set; }

    /// <summary>Bits received a second, since the look before.</summary>
    public double In { get; private set; }

    /// <summary>Bits sent a second, since the look before.</summary>
    public double Out { get; private set; }

    /// <summary>The sample that the session was last seen in.</summary>
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
