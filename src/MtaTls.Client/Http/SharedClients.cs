namespace MtaTls.Client.Http;

/// <summary>
/// The clients that handlers share: one for all that have equal settings, so that they share its sessions. A client is kept by its handlers and by its sessions, which
/// close when they are idle; when both are gone, so is the client.
/// </summary>
internal static class SharedClients
{
    private static readonly Lock s_gate = new();
    private static readonly Dictionary<ClientSettings, WeakReference<MtaTlsClient>> s_clients = [];
    private static int s_purgeAt = 64;
    private static bool s_endsWithProcess;

    /// <summary>How long the end of the process waits at most until servers have answered close_notify.</summary>
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
            if (!s_endsWithProcess)
            {
                s_endsWithProcess = true;
                AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
            }

            client = new MtaTlsClient(settings);
            s_clients[settings] = new WeakReference<MtaTlsClient>(client);
            return client;
        }
    }

    /// <summary>Nobody disposes a shared client. The sessions end with close_notify all the same, so that servers see no failure.</summary>
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
            // A session that fails now has ended as well.
        }
    }
}
