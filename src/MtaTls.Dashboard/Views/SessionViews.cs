using MtaTls.AspNetCore;
using MtaTls.Dashboard.Sampling;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Views;

/// <summary>The views of sessions and of one session's channels. Sorted and paged here, so that a page costs the browser the same however many there are.</summary>
internal static class SessionViews
{
    public static SessionsView Sessions(bool isAvailable, Sample sample, ViewQuery query)
    {
        SessionSample[] rows = query.Filter is { } filter ? [.. sample.Sessions.Where(s => Matches(s.Session, filter))] : [.. sample.Sessions];
        Sort(rows, query, static (row, sort) => Key(row, sort), "started");
        List<SessionRow> page = [];
        foreach (ref readonly SessionSample row in Paging.Take<SessionSample>(rows, query))
        {
            page.Add(Row(row));
        }

        return new SessionsView(isAvailable, sample.Sessions.Length, rows.Length, Paging.Page(query, rows.Length), Paging.Pages(rows.Length, query.Size), page);
    }

    public static ChannelsView Channels(IMtaTlsSessions? sessions, Sample sample, ViewQuery query)
    {
        if (query.Id is not { } id || sessions?.Find(id) is not { } session || sessions.ListChannels(id) is not { } all)
        {
            return new ChannelsView(null, 0, 0, 1, 1, []);
        }

        SessionSample known = Array.Find(sample.Sessions, s => ReferenceEquals(s.Session, session));
        MtaTlsChannelInfo[] rows = query.Filter is { } filter ? [.. all.Where(c => Matches(c, filter))] : [.. all];
        Sort(rows, query, static (row, sort) => Key(row, sort), "opened");
        List<ChannelRow> page = [];
        foreach (MtaTlsChannelInfo row in Paging.Take<MtaTlsChannelInfo>(rows, query))
        {
            page.Add(new ChannelRow(
                row.ChannelId.ToString(), row.IsOpenedByServer, Text(row.ClaimedSource), Text(row.Destination), row.OpenedAt, row.BytesReceived, row.BytesSent, row.UnreadBytes, row.UnsentBytes, row.SendWindow,
                row.ReceiveWindow, row.State.ToString()));
        }

        SessionSample now = new(session, session.ActiveChannels, session.BytesReceived, session.BytesSent, known.In, known.Out);
        return new ChannelsView(Row(now), all.Count, rows.Length, Paging.Page(query, rows.Length), Paging.Pages(rows.Length, query.Size), page);
    }

    private static void Sort<T>(T[] rows, ViewQuery query, Func<T, string, SortKey> key, string otherwise)
    {
        string sort = query.Sort ?? otherwise;
        bool isDescending = query.Sort is null || query.Descending;
        SortKey[] keys = Array.ConvertAll(rows, row => key(row, sort));
        Array.Sort(keys, rows);
        if (isDescending)
        {
            Array.Reverse(rows);
        }
    }

    private static SortKey Key(in SessionSample row, string sort)
    {
        IMtaTlsSessionFeature session = row.Session;
        long started = session.StartedAt.UtcTicks;
        return sort switch
        {
            "peer" => new SortKey(session.RemoteEndPoint?.ToString() ?? "", 0, started),
            "identity" => new SortKey(session.ClientCertificate?.Subject ?? "", 0, started),
            "serverName" => new SortKey(session.ServerName ?? "", 0, started),
            "endpoint" => new SortKey(session.EndpointName ?? "", 0, started),
            "channels" => new SortKey(null, row.Channels, started),
            "received" => new SortKey(null, row.Received, started),
            "sent" => new SortKey(null, row.Sent, started),
            "in" => new SortKey(null, row.In, started),
            "out" => new SortKey(null, row.Out, started),
            _ => new SortKey(null, started, started),
        };
    }

    private static SortKey Key(MtaTlsChannelInfo row, string sort)
    {
        long opened = row.OpenedAt?.UtcTicks ?? 0;
        return sort switch
        {
            "source" => new SortKey(row.ClaimedSource.ToString(), 0, opened),
            "destination" => new SortKey(row.Destination.ToString(), 0, opened),
            "received" => new SortKey(null, row.BytesReceived, opened),
            "sent" => new SortKey(null, row.BytesSent, opened),
            "unread" => new SortKey(null, row.UnreadBytes, opened),
            "unsent" => new SortKey(null, row.UnsentBytes, opened),
            "state" => new SortKey(row.State.ToString(), 0, opened),
            "id" => new SortKey(null, row.ChannelId.Value, opened),
            _ => new SortKey(null, opened, row.ChannelId.Value),
        };
    }

    private static bool Matches(IMtaTlsSessionFeature session, string text)
        => Has(session.RemoteEndPoint?.ToString(), text) || Has(session.ClientCertificate?.Subject, text) || Has(session.ServerName, text) || Has(session.EndpointName, text) || Has(session.SessionId, text);

    private static bool Matches(MtaTlsChannelInfo channel, string text)
        => Has(channel.ClaimedSource.ToString(), text) || Has(channel.Destination.ToString(), text) || Has(channel.State.ToString(), text) || Has(channel.ChannelId.ToString(), text);

    private static bool Has(string? value, string text) => value?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;

    private static string Text(in ChannelAddress address) => PeerText.Of(address.ToString());

    private static SessionRow Row(in SessionSample row)
    {
        IMtaTlsSessionFeature session = row.Session;
        return new SessionRow(
            session.SessionId, session.RemoteEndPoint?.ToString() ?? "", session.ClientCertificate is { } certificate ? PeerText.Of(certificate.Subject) : null,
            session.ServerName is { } name ? PeerText.Of(name) : null, session.EndpointName, session.StartedAt, row.Channels, session.TotalChannelsOpened, row.Received, row.Sent, row.In, row.Out, session.IsDraining,
            session.IsResumed);
    }
}
