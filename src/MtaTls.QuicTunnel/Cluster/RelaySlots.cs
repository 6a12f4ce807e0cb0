namespace MtaTls.QuicTunnel.Cluster;

/// <summary>Counts relayed connections, in all and for each other concentrator, up to limits. Thread-safe.</summary>
internal sealed class RelaySlots(int most, int mostPerNode)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _perNode = new(StringComparer.OrdinalIgnoreCase); // guarded by _lock. Names in certificates have no case.
    private int _count; // written under _lock

    public int Count => Volatile.Read(ref _count);

    public bool TryTake(string node)
    {
        lock (_lock)
        {
            int ofNode = _perNode.GetValueOrDefault(node);
            if (_count >= most || ofNode >= mostPerNode)
            {
                return false;
            }

            _perNode[node] = ofNode + 1;
            Volatile.Write(ref _count, _count + 1);
            return true;
        }
    }

    public void Return(string node)
    {
        lock (_lock)
        {
            int left = _perNode[node] - 1;
            if (left == 0)
            {
                _perNode.Remove(node);
            }
            else
            {
                _perNode[node] = left;
            }

            Volatile.Write(ref _count, _count - 1);
        }
    }
}
