namespace MtaTls.Protocol.Tests;

/// <summary>
/// Passes prepared octets to a session, in pieces of given lengths, and then the orderly end. Data that the session sends is discarded. At each position in
/// <paramref name="opened"/> the script waits for one more ChannelEstablishmentSuccess, because before that packet a peer cannot know the channel.
/// </summary>
internal sealed class ScriptedTransport(byte[] octets, int[] pieces, int[] opened) : IMtaTlsTransport
{
    private readonly byte[] _sink = new byte[16 * 1024];
    private readonly SemaphoreSlim _successes = new(0);
    private int _position;
    private int _piece;
    private int _passed;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (; _passed < opened.Length && _position == opened[_passed]; _passed++)
        {
            await _successes.WaitAsync(cancellationToken);
        }

        int end = _passed < opened.Length ? opened[_passed] : octets.Length;
        int wanted = pieces.Length == 0 ? int.MaxValue : pieces[_piece++ % pieces.Length];
        int count = Math.Min(Math.Min(Math.Max(wanted, 1), buffer.Length), end - _position);
        octets.AsSpan(_position, count).CopyTo(buffer.Span);
        _position += count;
        return count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _sink;

    public void Advance(int count)
    {
        if (_sink[0] == (byte)PacketType.ChannelEstablishmentSuccess)
        {
            _successes.Release();
        }
    }

    public void Write(ReadOnlySpan<byte> packets)
    {
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => default;

    public ValueTask CompleteAsync(CancellationToken cancellationToken = default) => default;

    public void Abort(Exception? reason = null)
    {
    }

    public void ForbidResumption()
    {
    }

    public ValueTask DisposeAsync() => default;
}
