using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>A client's request to open a channel (draft-badra-tls-multiplexing-01, section 2.1.1).</summary>
/// <param name="Session">The session, with the client's certificate and address and the endpoint's name.</param>
/// <param name="ClaimedSource">The source that the client names. It is a claim of the client and not verified.</param>
/// <param name="Destination">The host and port that the client asks for.</param>
public readonly record struct MtaTlsChannelOpen(IMtaTlsSessionFeature Session, ChannelAddress ClaimedSource, ChannelAddress Destination);
