using System.Collections.Concurrent;

namespace MtaTls.QuicTunnel.Tests.Cluster;

/// <summary>A directory of sessions that several concentrators of one process share. Each has its own object.</summary>
internal sealed class MemoryDirectory(ConcurrentDictionary<string, TunnelSessionOwner> entries, string node, string? address) : ITunnelSessionDirectory
{
    /// <summary>The address that the directory gives for this concentrator.</summary>
    public volatile string? Address = address;

    public void Add(string session, string? identity) => entries[session] = new TunnelSessionOwner(node, identity, Address);

    public void Remove(string session) => entries.TryRemove(session, out _);

    public ValueTask<TunnelSessionOwner?> FindAsync(string session, CancellationToken cancellationToken = default) => new(entries.GetValueOrDefault(session));
}
