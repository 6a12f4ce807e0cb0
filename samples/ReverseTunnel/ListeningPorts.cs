namespace ReverseTunnelSample;

/// <summary>Counts the TCP ports on which a process listens, according to the kernel (Linux).</summary>
internal static class ListeningPorts
{
    private const string Listening = "0A";

    public static int Count(int processId)
    {
        HashSet<string> sockets = [];
        foreach (string descriptor in Directory.EnumerateFiles($"/proc/{processId}/fd"))
        {
            // socket:[inode]
            if (new FileInfo(descriptor).LinkTarget is { } target && target.StartsWith("socket:[", StringComparison.Ordinal))
            {
                sockets.Add(target[8..^1]);
            }
        }

        return ((string[])["tcp", "tcp6"]).SelectMany(table => File.ReadLines($"/proc/{processId}/net/{table}").Skip(1))
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(columns => columns[3] == Listening && sockets.Contains(columns[9]));
    }
}
