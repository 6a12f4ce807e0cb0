using MtaTls.AspNetCore;

namespace MtaTls.Dashboard.Sampling;

/// <summary>A session as it was when the sample was taken.</summary>
/// <param name="Session">The session.</param>
/// <param name="Channels">Channels that are open.</param>
/// <param name="Received">Bytes of channel data received.</param>
/// <param name="Sent">Bytes of channel data sent.</param>
/// <param name="In">Bits received a second since the sample before.</param>
/// <param name="Out">Bits sent a second since the sample before.</param>
internal readonly record struct SessionSample(IMtaTlsSessionFeature Session, int Channels, long Received, long Sent, double In, double Out);
