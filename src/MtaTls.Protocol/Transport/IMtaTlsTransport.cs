namespace MtaTls.Protocol;

/// <summary>
/// The byte stream below a session, usually TLS. The session <em>pulls</em>: it asks for bytes where it wants them, so that data are decrypted
/// straight into the buffer of the channel that they are for.
/// </summary>
/// <remarks>
/// One reader (<see cref="ReadAsync"/>) and one writer (all other members but <see cref="Abort"/> and <see cref="ForbidResumption"/>) are active at a
/// time; those two may be called from any thread at any time. The session that is started on a transport owns it and disposes it.
/// </remarks>
internal interface IMtaTlsTransport : IAsyncDisposable
{
    /// <summary>Reads at least one byte into <paramref name="buffer"/>.</summary>
    /// <param name="buffer">Where the bytes go; not empty.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The number of bytes read; 0 when the peer ended the stream in order (close_notify).</returns>
    /// <exception cref="IOException">The stream failed, or ended without close_notify (truncation).</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Room for packets that are coalesced with others into one record.</summary>
    /// <param name="sizeHint">The least number of bytes wanted, at most 16,384; 0 for any.</param>
    /// <returns>Writable memory, valid until the next call of a writing member.</returns>
    Memory<byte> GetMemory(int sizeHint = 0);

    /// <summary>Counts <paramref name="count"/> bytes of the memory that <see cref="GetMemory"/> gave as written.</summary>
    /// <param name="count">The number of bytes written.</param>
    void Advance(int count);

    /// <summary>Writes bytes after those that were advanced, without gathering them in a buffer first. They have been taken when this returns.</summary>
    /// <param name="packets">One or more packets, headers in place.</param>
    void Write(ReadOnlySpan<byte> packets);

    /// <summary>Sends all that was written. The only member that waits for the peer (back-pressure).</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that ends when the transport takes more.</returns>
    /// <exception cref="IOException">The stream failed.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends the own direction in order: sends all that was written, then close_notify. What the peer sends can still be read.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that ends when close_notify has been handed on.</returns>
    ValueTask CompleteAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends both directions at once; a pending read or flush fails.</summary>
    /// <param name="reason">Why; <see langword="null"/> when there is nothing to tell.</param>
    void Abort(Exception? reason = null);

    /// <summary>Makes the TLS session not resumable (section 3: after a fatal error of a channel the secure session must not be resumed).</summary>
    void ForbidResumption();
}
