namespace MtaTls.Client.Http;

/// <summary>
/// The clients that handlers share: handlers with equal settings share one client and its sessions. Handlers and open sessions keep a client alive. Sessions
/// close when they are idle; a client without handlers and sessions is garbage-collected.
/// </summary>
internal static class SharedClients
{
    private static readonly Lock s_gate = new();
    private static readonly Dictionary<ClientSettings, WeakReference<MtaTlsClient>> s_clients = [];
    private static int s_purgeAt = 64;
    private static bool s_isExitHandled;

    /// <summary>The longest time that the end of the process is delayed until servers have answered close_notify.</summary>
    private static readonly TimeSpan s_exitTimeout = TimeSpan.FromSeconds(1);

    public static MtaTlsClient Get(ClientSettings settings)
    {
        lock (s_gate)
        {
            if (s_clients.TryGetValue(settings, out WeakReference<MtaTlsClient>? known) && known.TryGetTarget(out MtaTlsClient? client))
            {
                return client;
            }

            if (s_clients.Count >= s_purgeAt)
            {
                foreach ((ClientSettings gone, _) in s_clients.Where(static c => !c.Value.TryGetTarget(out _)).ToArray())
                {
                    s_clients.Remove(gone);
                }

                s_purgeAt = Math.Max(64, 2 * s_clients.Count);
            }
            if (!s_isExitHandled)
            {
                s_isExitHandled = true;
                AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
            }

            client = new MtaTlsClient(settings);
            s_clients[settings] = new WeakReference<MtaTlsClient>(client);
            return client;
        }
    }

    /// <summary>Ends the sessions with close_notify, so that servers see no failure. Shared clients are not disposed otherwise.</summary>
    private static void OnProcessExit(object? sender, EventArgs e)
    {
        MtaTlsClient[] clients;
        lock (s_gate)
        {
            clients = [.. s_clients.Values.Select(static c => c.TryGetTarget(out MtaTlsClient? client) ? client : null).OfType<MtaTlsClient>()];
        }
        Task[] ends = [.. clients.Select(static c => c.DisposeAsync(TimeSpan.Zero).AsTask())];
        try
        {
#pragma warning disable RS0030, VSTHRD002 // The process ends when this returns.
            Task.WaitAll(ends, s_exitTimeout);
#pragma warning restore RS0030, VSTHRD002
        }
        catch (AggregateException)
        {
            // A session that fails has ended as well.
        }
    }
}
