using MtaTls.ReverseProxy.Agents;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>What is remembered of one name: the members on other nodes, and whether they are known.</summary>
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

    /// <summary>Whether it was read at least once.</summary>
    public bool IsLoaded => _isLoaded;

    /// <summary>Whether it may have changed since it was read.</summary>
    public bool IsStale { get => _isStale; set => _isStale = value; }

    /// <summary>Whether it is never forgotten.</summary>
    public bool IsKept { get => _isKept; set => _isKept = value; }

    /// <summary>When it was last asked for.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>Members on other nodes, whether they count now or not.</summary>
    public DirectoryMember[] Members => Volatile.Read(ref _members);

    public void Use(long timestamp) => Volatile.Write(ref _lastUsed, timestamp);

    /// <summary>This node's agents and those of others that count now. The same list while nothing changes.</summary>
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

        AgentMember[] result = [.. local, .. members.Where(m => nodes.IsValid(m)).Select(static m => m.Agent)];
        Volatile.Write(ref _combined, new Combined(local, members, version, result));
        return result;
    }

    /// <summary>Takes what was read.</summary>
    public void Set(DirectoryMember[] members)
    {
        Volatile.Write(ref _members, members);
        _isLoaded = true;
    }

    /// <summary>Takes members out.</summary>
    /// <returns>Whether there was one.</returns>
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

    /// <summary>Reads the name, once for all callers that ask meanwhile, and once more if it changes while it is read.</summary>
    /// <param name="read">Reads it; false: it could not.</param>
    /// <param name="isNews">Whether what is being read now may be out of date already.</param>
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
            bool isDone = await read(this);
            lock (_lock)
            {
                if (!_again || !isDone)
                {
                    _again = false;
                    _loading = null;
                    return isDone;
                }

                _again = false;
            }
        }
    }

    private sealed record Combined(IReadOnlyList<AgentMember> Local, DirectoryMember[] Members, int Version, IReadOnlyList<AgentMember> Result);
}
