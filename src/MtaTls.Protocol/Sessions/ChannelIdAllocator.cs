namespace MtaTls.Protocol;

/// <summary>
/// Chooses this end's halves of channel ids: 2^15 values, with top bit 0 at the TLS client and 1 at the TLS server, so that two opens that cross cannot get the same pair.
/// Unused values come first, then freed ones, the least recently freed first. When all are in use, a half is shared: the other half tells its channels apart.
/// </summary>
internal sealed class ChannelIdAllocator(MtaTlsRole role)
{
    private const int Count = 1 << 15;

    private readonly int _top = role == MtaTlsRole.Server ? Count : 0;
    private readonly Queue<ushort> _freed = new();
    private int _fresh;
    private int _cursor;

    /// <summary>Takes a half.</summary>
    /// <param name="isTaken">Returns whether a half cannot be used for this channel, free or shared.</param>
    /// <param name="state">The argument for <paramref name="isTaken"/>.</param>
    /// <param name="half">The half.</param>
    /// <param name="shared">Whether another channel uses the half too. Then it must not be returned.</param>
    /// <returns>Whether there was a usable half.</returns>
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
