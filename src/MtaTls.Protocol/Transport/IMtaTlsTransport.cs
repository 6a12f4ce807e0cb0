namespace MtaTls.Protocol;

/// <summary>
/// The byte stream below a session, usually TLS. The session <em>pulls</em>: it passes the buffer to read into, so that data is decrypted
/// directly into the buffer of its channel.
/// </summary>
/// <remarks>
/// At most one reader (<see cref="ReadAsync"/>) and one writer (all other members except <see cref="Abort"/> and <see cref="ForbidResumption"/>) are active at a
/// time. Those two can be called from any thread at any time. The session that is started on a transport owns it and disposes it.
/// </remarks>
internal interface IMtaTlsTransport : IAsyncDisposable
{
    /// <summary>Reads at least one byte into <paramref name="buffer"/>.</summary>
    /// <param name="buffer">The memory for the bytes; not empty.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of bytes read; 0 when the peer ended the stream in order (close_notify).</returns>
    /// <exception cref="IOException">The stream failed, or ended without close_notify (truncation).</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Returns memory for packets that share one TLS record with others.</summary>
    /// <param name="sizeHint">The fewest bytes that the memory must have, at most 16,384; 0 for any number.</param>
    /// <returns>Memory to write, valid until the next call of a writing member.</returns>
    Memory<byte> GetMemory(int sizeHint = 0);

    /// <summary>Tells that <paramref name="count"/> bytes were written to the memory of <see cref="GetMemory"/>.</summary>
    /// <param name="count">The number of bytes written.</param>
    void Advance(int count);

    /// <summary>Writes bytes after those that were advanced, without copying them into that memory first. When this returns, the caller can reuse <paramref name="packets"/>.</summary>
    /// <param name="packets">One or more packets with their headers.</param>
    void Write(ReadOnlySpan<byte> packets);

    /// <summary>Sends all written bytes. It is the only member that waits for the peer (backpressure).</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that ends when the transport accepts more bytes.</returns>
    /// <exception cref="IOException">The stream failed.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends the sending direction in order: sends all written bytes, then close_notify. Bytes from the peer can still be read.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that ends when close_notify was passed to the connection.</returns>
    ValueTask CompleteAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends both directions at once. A pending read or flush fails.</summary>
    /// <param name="reason">The cause; <see langword="null"/> when there is none.</param>
    void Abort(Exception? reason = null);

    /// <summary>Prevents the resumption of the TLS session (section 3: after a fatal error of a channel it must not be resumed).</summary>
    void ForbidResumption();
}
