namespace MtaTls.Protocol.Tests;

/// <summary>Gives a session octets that were written before, in pieces of given lengths, then the orderly end. What the session sends is thrown away.</summary>
internal sealed class ScriptedTransport(byte[] octets, int[] pieces) : IMtaTlsTransport
{
    private readonly byte[] _sink = new byte[16 * 1024];
    private int _position;
    private int _piece;

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int wanted = pieces.Length == 0 ? int.MaxValue : pieces[_piece++ % pieces.Length];
        int count = Math.Min(Math.Min(Math.Max(wanted, 1), buffer.Length), octets.Length - _position);
        octets.AsSpan(_position, count).CopyTo(buffer.Span);
        _position += count;
        return new(count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _sink;

    public void Advance(int count)
    {
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
