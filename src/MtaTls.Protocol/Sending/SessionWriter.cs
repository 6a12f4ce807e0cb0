using System.Diagnostics;

namespace MtaTls.Protocol;

/// <summary>
/// The send loop: the only code that writes to the transport. It sends control packets before data. The channels that have data take turns and send one packet each. It flushes when nothing is left to send,
/// or when <see cref="FlushPacer"/> says so.
/// </summary>
internal sealed class SessionWriter : IDisposable
{
    /// <summary>The most bytes of data that a channel sends in one turn. With the header they fill a TLS record.</summary>
    private const int Quantum = 16 * 1024 - PacketHeader.DataSize;

    /// <summary>Packets shorter than this many bytes share a TLS record.</summary>
    private const int GatherBelow = 4 * 1024;

    private readonly MtaTlsSession _session;
    private readonly IMtaTlsTransport _transport;
    private readonly SendQueue _queue;
    private readonly AcknowledgmentPacer _acknowledgments;
    private readonly FlushPacer _flushes;

    public SessionWriter(MtaTlsSession session, IMtaTlsTransport transport, TimeProvider time)
    {
        (_session, _transport, _queue, _acknowledgments) = (session, transport, session.Queue, session.Acknowledgments);
        _flushes = new FlushPacer(session, transport, time);
    }

    /// <summary>Whether the send loop has begun to send close_notify, after <see cref="SendQueue.Complete"/>.</summary>
    public bool HasCompleted { get; private set; }

    /// <summary>Whether the peer has not read for a second.</summary>
    public bool IsStuck => _flushes.IsStuck;

    public void Dispose() => _flushes.Dispose();

    /// <summary>Runs until <see cref="SendQueue.Stop"/>, until <see cref="SendQueue.Complete"/> has been carried out, or until the transport fails.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            bool idle = WriteUntilFlush();
            if (_flushes.HasUnflushed)
            {
                await _flushes.FlushAsync().ConfigureAwait(false);
            }

            if (!idle)
            {
                continue;
            }

            switch (_queue.Sleep())
            {
                case SendQueue.Next.Wait:
                    await _queue.WaitAsync().ConfigureAwait(false);
                    break;
                case SendQueue.Next.Complete:
                    HasCompleted = true;
                    await _transport.CompleteAsync().ConfigureAwait(false);
                    return;
                case SendQueue.Next.Stop:
                    return;
            }
        }
    }

    /// <summary>Writes a short packet into the record that it shares with others. The channel calls it under its lock.</summary>
    public void Gather(ReadOnlySpan<byte> packet) => packet.CopyTo(_transport.GetMemory(packet.Length).Span);

    /// <summary>Writes until a flush is due.</summary>
    /// <returns>Whether nothing is left to send.</returns>
    private bool WriteUntilFlush()
    {
        // When the queue never gets empty, acknowledgments that can wait would otherwise never be sent.
        if (_acknowledgments.IsDue)
        {
            WriteLateAcknowledgments();
        }

        while (!_flushes.IsFlushDue)
        {
            if (!_queue.TryTake(out ControlItem control, out MtaTlsChannel? ready, out bool stopped))
            {
                if (stopped)
                {
                    return true;
                }

                break;
            }

            if (ready is null)
            {
                Write(control);
            }
            else
            {
                WriteData(ready);
            }
        }

        if (_flushes.IsFlushDue)
        {
            return false;
        }

        if (!_acknowledgments.IsPaused)
        {
            WriteLateAcknowledgments();
        }

        return true;
    }

    private void WriteData(MtaTlsChannel channel)
    {
        int length = channel.Unsent.TryTake(this, Quantum, GatherBelow, out ReadOnlySpan<byte> packet, out bool more);
        if (length == 0)
        {
            return;
        }

        if (packet.IsEmpty)
        {
            _transport.Advance(PacketHeader.DataSize + length);   // TryTake has gathered it
        }
        else
        {
            bool isWritten = false;
            try
            {
                _transport.Write(packet);
                isWritten = true;
            }
            finally
            {
                more = channel.Unsent.Taken(length, isWritten);
            }
        }

        Count(PacketHeader.DataSize + length);
        _session.Counters.BytesSent += length;
        if (more)
        {
            _queue.Requeue(channel);
        }
    }

    private void WriteLateAcknowledgments()
    {
        for (int left = _acknowledgments.Begin(); left > 0; left--)
        {
            if (_acknowledgments.Take() is { } channel)
            {
                WriteAcknowledgment(channel);
            }
        }
    }

    private void Write(ControlItem item)
    {
        switch (item.Kind)
        {
            case ControlKind.Request or ControlKind.Refusal:
                WritePacket(item.Packet);
                break;
            case ControlKind.Success:
                MtaTlsChannel channel = item.Channel!;
                channel.Announce();
                Advance(new ChannelEstablishmentSuccess(channel.Id, channel.FirstWindow, channel.FirstMaxPacketLength).Write(Room(ChannelEstablishmentSuccess.Size)));
                break;
            case ControlKind.CloseRequest:
                item.Channel!.CloseRequestIsWritten();
                Advance(new ChannelCloseRequest(item.Channel!.Id).Write(Room(ChannelCloseRequest.Size)));
                break;
            case ControlKind.Confirmation:
                Advance(new ChannelCloseConfirmation(item.Channel!.Id).Write(Room(ChannelCloseConfirmation.Size)));
                break;
            case ControlKind.Acknowledgment:
                WriteAcknowledgment(item.Channel!);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private void WriteAcknowledgment(MtaTlsChannel channel)
    {
        _acknowledgments.TakeGrant(channel, out uint freeSpace, out int maxPacketLength);
        if (freeSpace == 0)
        {
            return;
        }

        Advance(new Acknowledgment(channel.Id, freeSpace).Write(Room(Acknowledgment.Size)));
        if (maxPacketLength > 0)
        {
            Advance(new NewMaxPacketLength(channel.Id, (uint)maxPacketLength).Write(Room(NewMaxPacketLength.Size)));
        }
    }

    private void WritePacket(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < GatherBelow)
        {
            packet.CopyTo(Room(packet.Length));
            Advance(packet.Length);
            return;
        }

        _transport.Write(packet);
        Count(packet.Length);
    }

    private Span<byte> Room(int size) => _transport.GetMemory(size).Span;

    private void Advance(int written)
    {
        _transport.Advance(written);
        Count(written);
    }

    private void Count(int written)
    {
        _flushes.Written(written);
        _session.Counters.PacketsSent++;
    }
}
