using MtaTls.Dashboard.Events;
using MtaTls.Dashboard.Inspector;
using MtaTls.Dashboard.Sampling;

namespace MtaTls.Dashboard.Views;

/// <summary>The data that a viewer gets each second: the head of the page, and one view.</summary>
internal sealed record Frame(
    string View, DateTimeOffset Time, DateTimeOffset Since, string Host, string Version, int Viewers, bool CanAct, Point Now,
    OverviewView? Overview = null, SessionsView? Sessions = null, ChannelsView? Channels = null, AgentsView? Agents = null, TunnelsView? Tunnels = null,
    EndpointsView? Endpoints = null, LimitsView? Limits = null, EventsView? Events = null, RequestsView? Requests = null);

/// <param name="Points">The points of the charts: all of them in the first frame of a stream, then only the newest one.</param>
/// <param name="LimitsExceeded">How often limits were exceeded, by option.</param>
/// <param name="HandshakeFailures">Failed handshakes, by error.</param>
/// <param name="SessionEnds">Ended sessions, by reason.</param>
/// <param name="WindowStalls">How often a channel had data to send but no window left.</param>
internal sealed record OverviewView(IReadOnlyList<Point> Points, IReadOnlyList<Count> LimitsExceeded, IReadOnlyList<Count> HandshakeFailures, IReadOnlyList<Count> SessionEnds, long WindowStalls);

/// <param name="IsAvailable">Whether the application has an MTA-TLS server.</param>
/// <param name="Total">All sessions.</param>
/// <param name="Matched">Sessions that match the filter.</param>
/// <param name="Page">The shown page.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="Rows">The rows of the shown page.</param>
internal sealed record SessionsView(bool IsAvailable, int Total, int Matched, int Page, int Pages, IReadOnlyList<SessionRow> Rows);

internal sealed record SessionRow(
    string Id, string Peer, string? Identity, string? ServerName, string? Endpoint, DateTimeOffset StartedAt, int Channels, long TotalChannels, long Received, long Sent, double In, double Out, bool IsDraining,
    bool IsResumed);

/// <param name="Session">The session; null: it has ended.</param>
/// <param name="Total">All channels of the session.</param>
/// <param name="Matched">Channels that match the filter.</param>
/// <param name="Page">The shown page.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="Rows">The rows of the shown page.</param>
internal sealed record ChannelsView(SessionRow? Session, int Total, int Matched, int Page, int Pages, IReadOnlyList<ChannelRow> Rows);

internal sealed record ChannelRow(
    string Id, bool IsOpenedByServer, string Source, string Destination, DateTimeOffset? OpenedAt, long Received, long Sent, long Unread, long Unsent, long SendWindow, long ReceiveWindow, string State);

internal sealed record AgentsView(bool IsAvailable, int Total, int Matched, int Page, int Pages, IReadOnlyList<AgentRow> Rows, IReadOnlyList<Count> Unserved, IReadOnlyList<Count> FailedOpens, long Retried);

internal sealed record AgentRow(
    string Id, string Agent, string Identity, string SessionId, IReadOnlyList<string> Names, int Weight, DateTimeOffset Since, int Active, long TotalChannels, string State, string Node);

/// <param name="IsAvailable">Whether the application has a concentrator or a client of QUIC tunnels.</param>
/// <param name="Scheduler">The scheduler, which chooses a path for each packet.</param>
/// <param name="Total">All sessions.</param>
/// <param name="Matched">Sessions that match the filter.</param>
/// <param name="Page">The shown page.</param>
/// <param name="Pages">The number of pages.</param>
/// <param name="Rows">The sessions of the shown page, the newest first.</param>
/// <param name="Drops">Dropped packets since the application's start, by reason.</param>
/// <param name="Received">Bytes of IP packets received from the tunnel.</param>
/// <param name="Sent">Bytes of IP packets sent into the tunnel.</param>
internal sealed record TunnelsView(bool IsAvailable, string? Scheduler, int Total, int Matched, int Page, int Pages, IReadOnlyList<TunnelRow> Rows, IReadOnlyList<Count> Drops, long Received, long Sent);

internal sealed record TunnelRow(string Name, bool IsClient, string? Identity, DateTimeOffset? CreatedAt, IReadOnlyList<string> Addresses, IReadOnlyList<PathRow> Paths);

internal sealed record PathRow(
    string Local, string Remote, string Access, string State, double RoundTrip, long CongestionWindow, int MaxPacketSize, long Received, long Sent, long PacketsReceived, long PacketsSent, long PacketsLost);

internal sealed record EndpointsView(bool IsAvailable, IReadOnlyList<EndpointRow> Rows);

internal sealed record EndpointRow(string Address, string? Name, string Mode, string? Obstacle, CertificateRow? Certificate);

internal sealed record CertificateRow(string Subject, string Issuer, string Thumbprint, DateTimeOffset NotAfter, double DaysLeft);

internal sealed record LimitsView(bool IsAvailable, IReadOnlyList<LimitRow> Rows, IReadOnlyList<Count> Exceeded);

internal sealed record LimitRow(string Name, long Used, long Limit, string Unit);

internal sealed record EventsView(int Most, IReadOnlyList<EventEntry> Rows);

internal sealed record RequestsView(bool IsEnabled, int Most, IReadOnlyList<RequestRow> Rows);
