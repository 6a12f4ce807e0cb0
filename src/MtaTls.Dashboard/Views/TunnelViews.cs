using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MtaTls.Dashboard.Sampling;
using MtaTls.QuicTunnel;

namespace MtaTls.Dashboard.Views;

/// <summary>The view of QUIC tunnel sessions and their paths, at a concentrator or a client.</summary>
internal static class TunnelViews
{
    public static TunnelsView Tunnels(ITunnelSessions? concentrator, IServiceProvider services, MeterReader meters, ViewQuery query)
    {
        QuicTunnelClient? client = services.GetService<QuicTunnelClient>();
        List<TunnelRow> all = [];
        if (client is not null)
        {
            all.Add(new TunnelRow(client.SessionName ?? "", true, null, null, [], [.. client.Paths.Select(Row)]));
        }

        foreach (TunnelSessionInfo session in (concentrator?.List() ?? []).OrderByDescending(static s => s.CreatedAt))
        {
            all.Add(new TunnelRow(
                session.Name, false, session.Identity is { } identity ? PeerText.Of(identity) : null, session.CreatedAt, [.. session.Addresses.Select(static a => a.ToString())], [.. session.Paths.Select(Row)]));
        }

        TunnelRow[] rows = [.. all.Where(r => query.Filter is not { } text || Matches(r, text))];
        string? scheduler = concentrator is not null ? services.GetService<IOptions<QuicTunnelOptions>>()?.Value.Scheduler.ToString()
            : client is not null ? services.GetService<IOptions<QuicTunnelClientOptions>>()?.Value.Scheduler.ToString() : null;
        return new TunnelsView(
            concentrator is not null || client is not null, scheduler, all.Count, rows.Length, Paging.Page(query, rows.Length), Paging.Pages(rows.Length, query.Size), Paging.Take<TunnelRow>(rows, query).ToArray(),
            meters.List(MeterReader.TunnelDrops), meters.Get(MeterReader.TunnelIo, "receive"), meters.Get(MeterReader.TunnelIo, "transmit"));
    }

    private static PathRow Row(TunnelPathInfo path) => new(
        path.LocalEndPoint.ToString(), path.RemoteEndPoint.ToString(), path.Access.ToString(), path.State.ToString(), path.RoundTripTime.TotalMilliseconds, path.CongestionWindow, path.MaxPacketSize, path.BytesReceived,
        path.BytesSent, path.PacketsReceived, path.PacketsSent, path.PacketsLost);

    private static bool Matches(TunnelRow row, string text)
        => Has(row.Name, text) || Has(row.Identity, text) || row.Addresses.Any(a => Has(a, text)) || row.Paths.Any(p => Has(p.Remote, text) || Has(p.Local, text));

    private static bool Has(string? value, string text) => value?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;
}
