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
            client = new MtaTlsClient(settings);
            s_clients[settings] = new WeakReference<MtaTlsClient>(client);
            return client;
        }
    }
}
