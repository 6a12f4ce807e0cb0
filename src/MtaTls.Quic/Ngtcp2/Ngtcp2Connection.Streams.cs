namespace MtaTls.Quic.Ngtcp2;

/// <summary>The streams that this end opened. Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    private readonly List<OutgoingStream> _blockedStreams = [];

    private void AppendToStream(long streamId, StreamBlock block, bool fin)
    {
        if (_native == 0 || GetStream(streamId) is not { ResetCode: null } stream)
        {
            block.Free();
            Interlocked.Add(ref _unacknowledged, -block.Length);
            return;
        }
        stream.Append(block, fin);
        Queue(stream);
        _loop.Schedule(this);
    }

    private void ResetOutgoing(long streamId, ulong code)
    {
        if (_native == 0 || GetStream(streamId) is not { ResetCode: null } stream)
        {
            return;
        }

        stream.ResetCode = code;
        if (stream.IsOpen)
        {
            _library.ShutdownStreamWrite(_native, streamId, code);
        }

        _loop.Schedule(this);
    }

    private void StopIncoming(long streamId, ulong code)
    {
        if (_native == 0 || !_incoming.Contains(streamId))
        {
            return;
        }

        _library.ShutdownStreamRead(_native, streamId, code);
        EndIncoming(streamId);
        _loop.Schedule(this);
    }

    /// <summary>Returns a stream whose id came from <see cref="OpenUnidirectionalStream"/> and that has not ended; null otherwise.</summary>
    private OutgoingStream? GetStream(long streamId)
    {
        if (_streams.TryGetValue(streamId, out OutgoingStream? stream))
        {
            return stream;
        }

        bool mine = (streamId & 3) == (IsServer ? 3 : 2) && streamId >= _nextToOpen && streamId < Volatile.Read(ref _nextStreamId);
        return mine ? _streams[streamId] = new OutgoingStream(streamId) : null;
    }

    /// <summary>Opens the streams whose ids were returned, in order, as far as the peer's limit allows.</summary>
    private void OpenStreams()
    {
        if (_blockedStreams.Count > 0)
        {
            foreach (OutgoingStream stream in _blockedStreams)
            {
                Queue(stream);
            }

            _blockedStreams.Clear();
        }
        while (_isConnected && _nextToOpen < Volatile.Read(ref _nextStreamId))
        {
            long opened;
            if (_library.OpenUniStream(_native, &opened, null) != 0)
            {
                return; // Blocked until a packet brings more credit from the peer.
            }

            OutgoingStream stream = GetStream(opened)!;
            Volatile.Write(ref _nextToOpen, opened + 4);
            stream.IsOpen = true;
            if (stream.ResetCode is { } code)
            {
                _library.ShutdownStreamWrite(_native, opened, code);
            }
            else
            {
                Queue(stream);
            }
        }
    }

    private void Queue(OutgoingStream stream)
    {
        if (!stream.IsOpen || stream.IsQueued || !stream.HasUnsent || stream.ResetCode is not null)
        {
            return;
        }

        stream.IsQueued = true;
        _writable.Enqueue(stream);
    }

    /// <summary>Removes the first stream from the queue of streams that have data to send.</summary>
    private void Unqueue(OutgoingStream stream, bool blocked)
    {
        _writable.Dequeue();
        stream.IsQueued = false;
        if (blocked)
        {
            _blockedStreams.Add(stream);
        }
    }

    private void SendPing()
    {
        if (_native == 0 || !_isConnected)
        {
            return;
        }
        // ngtcp2 has no function that sends a PING. MAX_DATA is also an ack-eliciting frame.
        _library.ExtendMaxOffset(_native, InitialMaxData / 2 + 1);
        _loop.Schedule(this);
    }

    private void FreeStreams()
    {
        foreach (OutgoingStream stream in _streams.Values)
        {
            stream.Free();
        }

        _streams.Clear();
        _writable.Clear();
        _blockedStreams.Clear();
        _incoming.Clear();
        _early = null;
    }
}
