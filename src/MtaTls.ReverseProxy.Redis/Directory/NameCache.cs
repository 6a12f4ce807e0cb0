using System.Collections.Concurrent;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The cache of names with their members on other nodes. Its size is limited.</summary>
internal sealed class NameCache(Func<int> most, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, NameEntry> _entries = new(StringComparer.Ordinal);
    private readonly Lock _sweep = new();

    public int Count => _entries.Count;

    public ICollection<NameEntry> All => _entries.Values;

    public NameEntry? Find(string name)
    {
        if (!_entries.TryGetValue(name, out NameEntry? entry))
        {
            return null;
        }

        entry.Use(time.GetTimestamp());
        return entry;
    }

    /// <summary>The same, which is no use of the name: for what others say of it.</summary>
    public NameEntry? Peek(string name) => _entries.GetValueOrDefault(name);

    public NameEntry GetOrAdd(string name)
    {
        if (Find(name) is { } entry)
        {
            return entry;
        }

        if (_entries.Count >= most())
        {
            MakeRoom();
        }

        entry = _entries.GetOrAdd(name, static name => new NameEntry(name));
        entry.Use(time.GetTimestamp());
        return entry;
    }

    /// <summary>Removes a tenth of the names: first names without members, because a client can invent any number of them, then the least recently used.</summary>
    private void MakeRoom()
    {
        lock (_sweep)
        {
            int limit = most();
            if (_entries.Count < limit)
            {
                return;
            }

            int count = _entries.Count - limit + Math.Max(1, limit / 10);
            foreach (NameEntry entry in _entries.Values.Where(static e => !e.IsKept).OrderBy(static e => e.Members.Length > 0).ThenBy(static e => e.LastUsed).Take(count).ToArray())
            {
                _entries.TryRemove(new KeyValuePair<string, NameEntry>(entry.Name, entry));
            }
        }
    }
}
