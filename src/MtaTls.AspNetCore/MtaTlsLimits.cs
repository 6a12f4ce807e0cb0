using System.Runtime.CompilerServices;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore;

/// <summary>What a client can make the server spend, session by session. Each limit is read when a session starts and enforced while it runs.</summary>
public sealed class MtaTlsLimits
{
    /// <summary>Open channels of one session, those whose application has not ended yet included; 1 to 1,000,000, default 10,000. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannelsPerSession { get => Session.MaxChannelsPerSession; set => Session.MaxChannelsPerSession = value; }

    /// <summary>Opens received and not answered yet in one session; 1 to 65,536, default 256. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxPendingChannels { get => Session.MaxPendingChannels; set => Session.MaxPendingChannels = value; }

    /// <summary>The bytes that a client may send on a new channel before the first Acknowledgment; 4,096 to 1 GiB, default 262,144 (256 KiB).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int InitialWindowSize { get => Session.InitialWindowSize; set => Session.InitialWindowSize = value; }

    /// <summary>How far the window of a channel that is read fast may grow; 4,096 to 1 GiB, default 8,388,608 (8 MiB). Not less than <see cref="InitialWindowSize"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxWindowSize { get => Session.MaxWindowSize; set => Session.MaxWindowSize = value; }

    /// <summary>
    /// The longest data that one packet may carry to the server; 1 to 16,777,215 bytes, default 16,375: with its header of 9 bytes a full packet
    /// then fills one TLS record. Less than <see cref="InitialWindowSize"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxPacketLength { get => Session.MaxPacketLength; set => Session.MaxPacketLength = value; }

    /// <summary>
    /// The bytes that all channels of one session may have in flight or unread; default 67,108,864 (64 MiB). Windows share it; the least is
    /// 4 KiB for each of <see cref="MaxChannelsPerSession"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SessionReceiveBudget { get => Session.SessionReceiveBudget; set => Session.SessionReceiveBudget = value; }

    /// <summary>
    /// The same for all sessions of the server together; 65,536 to 2^40, default 1,073,741,824 (1 GiB), not less than <see cref="SessionReceiveBudget"/>.
    /// Where it is used up, windows stop growing and opens are refused.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ServerReceiveBudget { get; set => field = Check(value, 65_536, 1L << 40); } = 1L << 30;

    /// <summary>
    /// The same for all sessions of one client address, which is an IPv4 address or a /64 of IPv6; 65,536 to 2^40, default 805,306,368 (768 MiB): a quarter of
    /// <see cref="ServerReceiveBudget"/> stays for others. Where it is not less than that there is no such limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long AddressReceiveBudget { get; set => field = Check(value, 65_536, 1L << 40); } = 3L << 28;

    /// <summary>
    /// The bytes that the buffers of all sessions of the server may hold for data that was written and not sent; 65,536 to 2^40, default 268,435,456 (256 MiB), not less than
    /// <see cref="SessionSendBudget"/>. The less of it is left, the earlier writers wait; when it is exceeded, channels that cannot send are closed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long ServerSendBudget { get; set => field = Check(value, 65_536, 1L << 40); } = 1L << 28;

    /// <summary>
    /// The same for all sessions of one client address, which is an IPv4 address or a /64 of IPv6; 65,536 to 2^40, default 201,326,592 (192 MiB): a quarter of
    /// <see cref="ServerSendBudget"/> stays for others. Where it is not less than that there is no such limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long AddressSendBudget { get; set => field = Check(value, 65_536, 1L << 40); } = 3L << 26;

    /// <summary>
    /// How long a TLS handshake may take, its ClientHello included; more than 0, default 10 seconds, or <see cref="Timeout.InfiniteTimeSpan"/>.
    /// Where <c>HttpsConnectionAdapterOptions.HandshakeTimeout</c> is set, and shorter, that counts.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan HandshakeTimeout { get; set => field = Check(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an open channel may wait for its first byte under <see cref="MtaTlsDispatch.FirstData"/>; more than 0, default 00:02:10 as
    /// Kestrel's keep-alive timeout, which takes over from then on, or <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ChannelIdleTimeout { get; set => field = Check(value); } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// How long a session may have no channel; more than 0, default 00:02:10, or <see cref="Timeout.InfiniteTimeSpan"/>. After that it is ended in order.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionIdleTimeout { get; set => field = Check(value); } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// How old a session may become, for example so that load balancers and clients with old DNS answers spread anew; more than 0, default <see cref="Timeout.InfiniteTimeSpan"/>. A random part of up
    /// to a tenth is taken off. At that age the client is told to go elsewhere (go-away), HTTP/1.1 channels end with their next response, and 30 seconds later opens are refused: the session ends
    /// when the channels that are open have finished. Sessions on which this end opens channels, as those of agents, go on.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan SessionLifetime { get; set => field = Check(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long a channel whose application has ended may make no progress in sending what was written, before the rest is discarded; more than 0,
    /// default 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan CloseLingerTimeout { get => Session.CloseLingerTimeout; set => Session.CloseLingerTimeout = value; }

    /// <summary>How long a client may take to confirm that a channel is closed, before its session is ended; more than 0, default 30 seconds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan CloseTimeout { get => Session.CloseTimeout; set => Session.CloseTimeout = value; }

    /// <summary>
    /// How long a client may read nothing while bytes wait to be sent to it, before its session is ended; more than 0, default 60 seconds, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>. Some 64 KiB must be taken within it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan WriteStallTimeout { get => Session.WriteStallTimeout; set => Session.WriteStallTimeout = Check(value); }

    /// <summary>
    /// How long a client may grant a channel no window while bytes wait to be sent on it; more than 0, default 5 minutes, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>. After that the channel is closed, and the session goes on. Kestrel's MinResponseDataRate ends HTTP responses sooner.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan ChannelWriteStallTimeout { get => Session.ChannelWriteStallTimeout; set => Session.ChannelWriteStallTimeout = Check(value); }

    /// <summary>
    /// The bytes that the buffers of all channels of one session may hold for data that was written and not sent; 4,096 and up, default 67,108,864 (64 MiB). The less of it is
    /// left, the earlier a channel's writer waits: from an eighth of what is left on, but not before it has 4 KiB unsent.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public long SessionSendBudget { get => Session.SessionSendBudget; set => Session.SessionSendBudget = value; }

    /// <summary>The bytes that a channel's application may have written and not sent before its next flush waits; 1 to 1 GiB, default 131,072 (128 KiB).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int OutputBufferSize { get => Session.OutputBufferSize; set => Session.OutputBufferSize = value; }

    /// <summary>
    /// Refusals and confirmations of one session that wait to be sent; 16 to 1,048,576, default 16,384. A client that causes more without reading them loses its session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxQueuedAnswers { get => Session.MaxQueuedAnswers; set => Session.MaxQueuedAnswers = value; }

    /// <summary>
    /// Ids of closed channels that are remembered; 4,096 to 1,048,576, default 4,096. Late packets for them are ignored; packets for other unknown ids end the session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int RememberedChannelIds { get => Session.RememberedChannelIds; set => Session.RememberedChannelIds = value; }

    /// <summary>
    /// The smallest max_packet_length that a client may announce; 1 to 16,384, default 1: any that the draft allows. Opens below it are refused, channels that fall below it
    /// are closed: packets of a byte would cost ten times the answer that they carry.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MinPeerPacketLength { get => Session.MinPeerPacketLength; set => Session.MinPeerPacketLength = value; }

    /// <summary>Opens of one session in one second; 0 to 1,000,000,000, default 0: no limit. Further opens are refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxOpensPerSecond { get => Session.MaxOpensPerSecond; set => Session.MaxOpensPerSecond = value; }

    /// <summary>Pings and go-aways of one session in one second; 0 (no limit) to 1,000,000,000, default 10. Further signals are refused without effect.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSignalsPerSecond { get => Session.MaxSignalsPerSecond; set => Session.MaxSignalsPerSecond = value; }

    /// <summary>
    /// Packets of one session in one second that bring nothing (data without bytes, acknowledgments of nothing, NewMaxPacketLength, packets for closed
    /// channels, opens that are refused); 0 to 1,000,000,000, default 200,000; 0: no limit. A client that sends more loses its session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxEmptyPacketsPerSecond { get => Session.MaxEmptyPacketsPerSecond; set => Session.MaxEmptyPacketsPerSecond = value; }

    /// <summary>
    /// Data packets of one session in one second that carry 1 to 31 bytes; 0 to 1,000,000,000, default 0: no limit, because interactive typing causes such packets. A client that
    /// sends more loses its session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSmallPacketsPerSecond { get => Session.MaxSmallPacketsPerSecond; set => Session.MaxSmallPacketsPerSecond = value; }

    /// <summary>
    /// Acknowledgment and NewMaxPacketLength packets of one session in one second; 0 to 1,000,000,000, default 0: no limit, for a client that reads fast
    /// acknowledges much. A client that sends more loses its session.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxAcknowledgmentsPerSecond { get => Session.MaxAcknowledgmentsPerSecond; set => Session.MaxAcknowledgmentsPerSecond = value; }

    /// <summary>
    /// The longest ClientHello in which the extension is looked for, in bytes with its record headers; 512 to 131,072, default 16,384 (a client that offers post-quantum
    /// key shares sends about 2,000). A connection with a longer one is left to Kestrel's HTTPS; where MTA-TLS is required it gets a fatal alert.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxClientHelloLength { get; set => field = Check(value, 512, 131_072); } = 16_384;

    /// <summary>
    /// MTA-TLS handshakes of all endpoints that are under way, from a whole ClientHello on; 1 to 1,000,000, default 10,000. Further connections that offer the
    /// extension are closed. Connections that have sent nothing, or want ordinary HTTPS, do not count: <see cref="HandshakeTimeout"/> and Kestrel's
    /// MaxConcurrentConnections hold them.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxHandshakes { get; set => field = Check(value, 1, 1_000_000); } = 10_000;

    /// <summary>
    /// MTA-TLS sessions of all endpoints at a time; 1 to 1,000,000, default 100,000. Further connections that offer the extension are closed. Ordinary
    /// HTTPS connections do not count; Kestrel's MaxConcurrentConnections limits both.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessions { get; set => field = Check(value, 1, 1_000_000); } = 100_000;

    /// <summary>
    /// Handshakes and MTA-TLS sessions of one client address at a time, which is an IPv4 address or a /64 of IPv6; 0 to 1,000,000, default 0: no limit, for many
    /// clients can be behind one address. Further connections that offer the extension are closed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxSessionsPerAddress { get; set => field = Check(value, 0, 1_000_000); }

    /// <summary>
    /// Open channels of all sessions together, those whose application has not ended yet included; 1 to 1,000,000, default 1,000,000. Further opens
    /// are refused.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public int MaxChannels { get; set => field = Check(value, 1, 1_000_000); } = 1_000_000;

    /// <summary>Those that the protocol itself enforces.</summary>
    internal MtaTlsSessionLimits Session { get; } = new();

    private static T Check<T>(T value, T least, T most, [CallerMemberName] string? name = null)
        where T : IComparable<T>
        => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"The value must be from {least} to {most}.");

    private static TimeSpan Check(TimeSpan value, [CallerMemberName] string? name = null)
        => value == Timeout.InfiniteTimeSpan || (value > TimeSpan.Zero && value <= SettingRanges.MaxTimeout)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"The value must be more than zero and at most {SettingRanges.MaxTimeout:c}, or -00:00:00.001 for infinite.");
}
