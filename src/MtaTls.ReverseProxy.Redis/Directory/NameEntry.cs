using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>One name in the cache: its members on other nodes, and whether they have been read.</summary>
internal sealed class NameEntry(string name)
{
    private readonly Lock _lock = new();
    private DirectoryMember[] _members = [];
    private Combined? _combined;
    private Task<bool>? _loading;   // guarded by _lock, as is _again
    private bool _again;
    private volatile bool _isLoaded;
    private volatile bool _isStale;
    private volatile bool _isKept;
    private long _lastUsed;

    public string Name => name;

    /// <summary>Whether the name was read at least once.</summary>
    public bool IsLoaded => _isLoaded;

    /// <summary>Whether the name may have changed since it was read.</summary>
    public bool IsStale { get => _isStale; set => _isStale = value; }

    /// <summary>Whether it is being read.</summary>
    public bool IsLoading
    {
        get
        {
            lock (_lock)
            {
                return _loading is not null;
            }
        }
    }

    /// <summary>Whether the name is never removed from the cache.</summary>
    public bool IsKept { get => _isKept; set => _isKept = value; }

    /// <summary>The timestamp of the last use.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>The members on other nodes, valid now or not.</summary>
    public DirectoryMember[] Members => Volatile.Read(ref _members);

    public void Use(long timestamp) => Volatile.Write(ref _lastUsed, timestamp);

    /// <summary>This node's agents and the valid members on other nodes. It returns the same list while nothing changes.</summary>
    public IReadOnlyList<AgentMember> Combine(IReadOnlyList<AgentMember> local, NodeTable nodes)
    {
        int version = nodes.Version;
        DirectoryMember[] members = Members;
        if (members.Length == 0)
        {
            return local;
        }

        if (Volatile.Read(ref _combined) is { } current && ReferenceEquals(current.Local, local) && ReferenceEquals(current.Members, members) && current.Version == version)
        {
            return current.Result;
        }

        AgentMember[] result = [.. local, .. members.Where(m => nodes.IsValid(m)).Select(static m => m.Agent).Distinct()];
        Volatile.Write(ref _combined, new Combined(local, members, version, result));
        return result;
    }

    /// <summary>Stores the members that were read.</summary>
    public void Set(DirectoryMember[] members)
    {
        Volatile.Write(ref _members, members);
        _isLoaded = true;
    }

    /// <summary>Removes a member.</summary>
    /// <returns>Whether the name had it.</returns>
    public bool Remove(AgentMember member)
    {
        lock (_lock)
        {
            DirectoryMember[] left = [.. Members.Where(m => m.Agent.Id != member.Id)];
            bool isNews = left.Length < Members.Length;
            if (isNews)
            {
                Volatile.Write(ref _members, left);
            }

            return isNews;
        }
    }

    /// <summary>Reads the name. Callers that ask during a read share it. If the name changes during the read, it is read once more.</summary>
    /// <param name="read">Reads the name; false: the read failed.</param>
    /// <param name="isNews">Whether the name has changed, so that a read under way may return old members.</param>
    public Task<bool> LoadAsync(Func<NameEntry, Task<bool>> read, bool isNews)
    {
        lock (_lock)
        {
            _again |= isNews && _loading is not null;
            return _loading ??= Task.Run(() => RunAsync(read));
        }
    }

    private async Task<bool> RunAsync(Func<NameEntry, Task<bool>> read)
    {
        while (true)
        {
            bool isDone = false, again = false;
            try
            {
                isDone = await read(this);
            }
            finally
            {
                // Also after an exception, such as that of a subscriber to changes: or the name would never be read again.
                lock (_lock)
                {
                    again = _again && isDone;
                    _again = false;
                    _loading = again ? _loading : null;
                }
            }

            if (!again)
            {
                return isDone;
            }
        }
    }

    private sealed record Combined(IReadOnlyList<AgentMember> Local, DirectoryMember[] Members, int Version, IReadOnlyList<AgentMember> Result);
}
