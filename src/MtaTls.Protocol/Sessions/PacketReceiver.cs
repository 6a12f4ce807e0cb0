namespace MtaTls.Protocol;

/// <summary>The read loop's way into a channel: what its packets do to it. It holds nothing of a channel; each method takes the channel's lock once.</summary>
internal sealed class PacketReceiver(MtaTlsSession session)
{
    /// <summary>A data packet begins. Whether its data are to be received; if not they are skipped, and a rule that the packet breaks has closed the channel.</summary>
    public bool BeginPacket(MtaTlsChannel channel, int length)
    {
        MtaTlsSessionLimit? broken;
        lock (channel.Gate)
        {
            if (MayReceive(channel, length, out broken))
            {
                return true;
            }
        }

        BreakIf(channel, broken);
        return false;
    }

    /// <summary>A data packet that has arrived whole: begins it and receives its data, or skips them, in one go.</summary>
    public void ReceivePacket(MtaTlsChannel channel, ReadOnlySpan<byte> data)
    {
        MtaTlsSessionLimit? broken;
        lock (channel.Gate)
        {
            if (MayReceive(channel, data.Length, out broken))
            {
                for (bool begins = true; !data.IsEmpty; begins = false)
                {
                    Span<byte> room = channel.Received.BeginReceive(data.Length, begins).Span;
                    if (room.IsEmpty)
                    {
                        SkipUnderGate(channel, data.Length);
                        return;
                    }

                    data[..room.Length].CopyTo(room);
                    data = data[room.Length..];
                    EndReceiveUnderGate(channel, room.Length);
                }

                return;
            }
        }

        BreakIf(channel, broken);
    }

    /// <summary>Memory for bytes of the packet that has begun; empty when they will not be read.</summary>
    public static Memory<byte> BeginReceive(MtaTlsChannel channel, int packetRest, bool begins)
    {
        lock (channel.Gate)
        {
            return channel.Received.BeginReceive(packetRest, begins);
        }
    }

    public static void EndReceive(MtaTlsChannel channel, int count)
    {
        lock (channel.Gate)
        {
            EndReceiveUnderGate(channel, count);
        }
    }

    /// <summary>Bytes of the packet that has begun were thrown away; they are acknowledged as if they had been read.</summary>
    public static void Skip(MtaTlsChannel channel, int count)
    {
        lock (channel.Gate)
        {
            SkipUnderGate(channel, count);
        }
    }

    public void OnAcknowledgment(MtaTlsChannel channel, uint freeSpace)
    {
        lock (channel.Gate)
        {
            if (!channel.IsSending)
            {
                session.Counters.CountIgnored();
                return;
            }

            if (channel.TryAddWindow(freeSpace))
            {
                return;
            }
        }

        channel.Fail("The peer's acknowledgments overflow the window.");
    }

    public void OnNewMaxPacketLength(MtaTlsChannel channel, uint maxPacketLength)
    {
        bool isTooShort = maxPacketLength < session.Limits.MinPeerPacketLength;
        lock (channel.Gate)
        {
            if (!channel.IsSending)
            {
                session.Counters.CountIgnored();
                return;
            }

            if (!isTooShort)
            {
                channel.SetMaxPacketLength(maxPacketLength);
                return;
            }
        }

        PeerPacketsTooShort(channel, maxPacketLength);
    }

    /// <summary>The peer closes: confirm, send nothing more, let the application read what had arrived.</summary>
    /// <returns>Whether the id is free now.</returns>
    public static bool OnCloseRequest(MtaTlsChannel channel)
    {
        ChannelEffects effects;
        lock (channel.Gate)
        {
            effects = channel.Apply(ChannelEvent.PeerCloses);
        }

        channel.ReleaseIfDone();
        return (effects & ChannelEffects.FreeId) != 0;
    }

    /// <summary>The peer confirms our close: the id is free. A confirmation that answers no request closes the channel, which goes on to need its own.</summary>
    /// <returns>Whether the id is free now.</returns>
    public static bool OnCloseConfirmation(MtaTlsChannel channel)
    {
        ChannelEffects effects;
        lock (channel.Gate)
        {
            effects = channel.Apply(ChannelEvent.PeerConfirms);
        }

        if ((effects & ChannelEffects.Violation) != 0)
        {
            channel.Fail("A ChannelCloseConfirmation answers no request.");
        }

        channel.ReleaseIfDone();
        return (effects & ChannelEffects.FreeId) != 0;
    }

    /// <summary>The peer takes only packets that cost more than they carry, or none.</summary>
    public void PeerPacketsTooShort(MtaTlsChannel channel, uint maxPacketLength)
    {
        if (maxPacketLength == 0)
        {
            channel.Fail("The peer announced max_packet_length 0.");
            return;
        }

        session.Counters.CountExceeded(MtaTlsSessionLimit.MinPeerPacketLength);
        channel.Fail("The peer takes only packets that are too short.");
    }

    private static void EndReceiveUnderGate(MtaTlsChannel channel, int count)
    {
        channel.Received.EndReceive(count);
        channel.NotifyReadable();
        if (channel.Received.IsDiscarding)
        {
            channel.Session.Acknowledgments.EnqueueIfDue(channel);
        }
    }

    private static void SkipUnderGate(MtaTlsChannel channel, int count)
    {
        channel.Received.Skip(count);
        channel.Session.Acknowledgments.EnqueueIfDue(channel);
    }

    /// <summary>Whether a data packet may come now. The caller holds the channel's lock.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="length">The length of its data.</param>
    /// <param name="broken">What it exceeds; null when the channel only takes no more.</param>
    private bool MayReceive(MtaTlsChannel channel, int length, out MtaTlsSessionLimit? broken)
    {
        broken = null;
        if (!channel.IsSending)
        {
            channel.NoteIgnored(length);
            session.Counters.CountIgnored();
            return false;
        }

        ref ReceiveWindow window = ref channel.Received.Window;
        if (length > window.MaxPacketLength)
        {
            broken = MtaTlsSessionLimit.MaxPacketLength;
        }
        else if (channel.Received.Received + length > window.Limit)
        {
            broken = MtaTlsSessionLimit.MaxWindowSize;
        }

        return broken is null;
    }

    private void BreakIf(MtaTlsChannel channel, MtaTlsSessionLimit? broken)
    {
        if (broken is not { } limit)
        {
            return;
        }

        session.Counters.CountExceeded(limit);
        channel.Fail(limit == MtaTlsSessionLimit.MaxPacketLength ? "The peer sent a packet that is longer than it may be." : "The peer sent more than the window allows.");
    }
}
