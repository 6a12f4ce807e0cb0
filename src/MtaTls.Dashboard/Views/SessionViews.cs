using System.Buffers;
using MtaTls.AspNetCore;
using MtaTls.Dashboard.Sampling;
using MtaTls.Protocol;

namespace MtaTls.Dashboard.Views;

/// <summary>The views of sessions and of one session's channels. The server sorts and pages them, so that the browser's cost does not grow with their number.</summary>
internal static class SessionViews
{
    public static SessionsView Sessions(bool isAvailable, Sample sample, ViewQuery query)
    {
        SessionSample[] all = sample.Sessions;
        SessionSample[] rows = ArrayPool<SessionSample>.Shared.Rent(Math.Max(1, all.Length));
        int count = 0;
        foreach (SessionSample session in all)
        {
            if (query.Filter is not { } filter || Has(session.Text, filter))
            {
                rows[count++] = session;
            }
        }

        Span<SessionSample> matched = rows.AsSpan(0, count);
        Sort(matched, query, Key, "started");
        List<SessionRow> page = [];
        foreach (SessionSample row in Paging.Take<SessionSample>(matched, query))
        {
            page.Add(Row(row.Session, row.In, row.Out));
        }

        ArrayPool<SessionSample>.Shared.Return(rows, clearArray: true);
        return new SessionsView(isAvailable, all.Length, count, Paging.Page(query, count), Paging.Pages(count, query.Size), page);
    }

    public static ChannelsView Channels(IMtaTlsSessions? sessions, Sample sample, ViewQuery query)
    {
        if (query.Id is not { } id || sessions?.Find(id) is not { } session || sessions.ListChannels(id) is not { } all)
        {
            return new ChannelsView(null, 0, 0, 1, 1, []);
        }

        SessionSample? known = Array.Find(sample.Sessions, s => ReferenceEquals(s.Session, session));
        MtaTlsChannelInfo[] rows = query.Filter is { } filter ? [.. all.Where(c => Matches(c, filter))] : [.. all];
        Sort<MtaTlsChannelInfo>(rows, query, Key, "opened");
        List<ChannelRow> page = [];
        foreach (MtaTlsChannelInfo row in Paging.Take<MtaTlsChannelInfo>(rows, query))
        {
            page.Add(new ChannelRow(
                row.ChannelId.ToString(), row.IsOpenedByServer, Text(row.ClaimedSource), Text(row.Destination), row.OpenedAt, row.BytesReceived, row.BytesSent, row.UnreadBytes, row.UnsentBytes, row.SendWindow,
                row.ReceiveWindow, row.State.ToString()));
        }

        return new ChannelsView(Row(session, known?.In ?? 0, known?.Out ?? 0), all.Count, rows.Length, Paging.Page(query, rows.Length), Paging.Pages(rows.Length, query.Size), page);
    }

    /// <summary>Sorts the rows up to the end of the shown page.</summary>
    private static void Sort<T>(Span<T> rows, ViewQuery query, Func<T, string, SortKey> key, string otherwise)
    {
        string sort = query.Sort ?? otherwise;
        SortKey[] rented = ArrayPool<SortKey>.Shared.Rent(Math.Max(1, rows.Length));
        Span<SortKey> keys = rented.AsSpan(0, rows.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = key(rows[i], sort);
        }

        FirstRows.Sort(keys, rows, Math.Min(rows.Length, Paging.Page(query, rows.Length) * query.Size), query.Sort is null || query.Descending);
        ArrayPool<SortKey>.Shared.Return(rented, clearArray: true);
    }

    private static SortKey Key(SessionSample row, string sort)
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

    private static bool Matches(MtaTlsChannelInfo channel, string text)
        => Has(channel.ClaimedSource.ToString(), text) || Has(channel.Destination.ToString(), text) || Has(channel.State.ToString(), text) || Has(channel.ChannelId.ToString(), text);

    private static bool Has(string? value, string text) => value?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;

    private static string Text(in ChannelAddress address) => PeerText.Of(address.ToString());

    // The numbers of a shown row are read now. Its rates come from the samples.
    private static SessionRow Row(IMtaTlsSessionFeature session, double bitsIn, double bitsOut) => new(
        session.SessionId, session.RemoteEndPoint?.ToString() ?? "", session.ClientCertificate is { } certificate ? PeerText.Of(certificate.Subject) : null,
        session.ServerName is { } name ? PeerText.Of(name) : null, session.EndpointName, session.StartedAt, session.ActiveChannels, session.TotalChannelsOpened, session.BytesReceived, session.BytesSent, bitsIn, bitsOut,
        session.IsDraining, session.IsResumed);
}
