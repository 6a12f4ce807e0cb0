namespace MtaTls.Protocol;

/// <summary>
/// Hands out the halves of channel ids that this end chooses: 2^15 values, top bit 0 at the TLS client and 1 at the TLS server, so that two opens that cross can't end in one pair.
/// Fresh ones first, then freed ones, least recently freed first; when all are in use, any that its user can still tell apart.
/// </summary>
internal sealed class ChannelIdAllocator(MtaTlsRole role)
{
    private const int Count = 1 << 15;

    private readonly int _top = role == MtaTlsRole.Server ? Count : 0;
    private readonly Queue<ushort> _freed = new();
    private int _fresh;
    private int _cursor;

    /// <summary>Takes a half.</summary>
    /// <param name="isTaken">Whether a half cannot be used although it is free, or cannot be shared.</param>
    /// <param name="state">Passed to it.</param>
    /// <param name="half">The half.</param>
    /// <param name="shared">Whether it is also in use elsewhere; then it must not be returned.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTake<TState>(Func<TState, ushort, bool> isTaken, TState state, out ushort half, out bool shared)
    {
        shared = false;
        while (_fresh < Count)
        {
            half = (ushort)(_top | _fresh++);
            if (!isTaken(state, half))
            {
                return true;
            }

            _freed.Enqueue(half);
        }
        for (int tries = _freed.Count; tries > 0; tries--)
        {
            half = _freed.Dequeue();
            if (!isTaken(state, half))
            {
                return true;
            }

            _freed.Enqueue(half);
        }
        shared = true;
        for (int tries = 0; tries < Count; tries++)
        {
            half = (ushort)(_top | _cursor);
            _cursor = (_cursor + 1) % Count;
            if (!isTaken(state, half))
            {
                return true;
            }
        }
        half = 0;
        return false;
    }

    public void Return(ushort half) => _freed.Enqueue(half);
}
