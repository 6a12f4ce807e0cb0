namespace MtaTls.Protocol;

/// <summary>Applies the packets that the read loop receives to a channel. It has no state of its own; each method takes the channel's lock once.</summary>
internal sealed class PacketReceiver(MtaTlsSession session)
{
    /// <summary>A data packet begins. If it breaks a rule, the channel is closed.</summary>
    /// <returns>Whether its data must be received; otherwise it must be skipped.</returns>
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

    /// <summary>Handles a data packet that has arrived whole: receives or skips its data in one step.</summary>
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

    /// <summary>Returns memory for the next bytes of the packet that has begun; empty when no reader will read them.</summary>
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

    /// <summary>Bytes of the packet that has begun were discarded. They are acknowledged as if they had been read.</summary>
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

    /// <summary>The peer closes the channel: this end confirms and sends no more data. The application can still read the data that had arrived.</summary>
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

    /// <summary>The peer confirms this end's close, so the id is free. A confirmation without a request is an error that closes the channel; that close needs its own confirmation.</summary>
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
            channel.Fail("The peer sent a ChannelCloseConfirmation without a ChannelCloseRequest of this end.");
        }

        channel.ReleaseIfDone();
        return (effects & ChannelEffects.FreeId) != 0;
    }

    /// <summary>The peer announced a max_packet_length of 0, or one below <see cref="MtaTlsSessionLimits.MinPeerPacketLength"/>: closes the channel.</summary>
    public void PeerPacketsTooShort(MtaTlsChannel channel, uint maxPacketLength)
    {
        if (maxPacketLength == 0)
        {
            channel.Fail("The peer announced max_packet_length 0.");
            return;
        }

        session.Counters.CountExceeded(MtaTlsSessionLimit.MinPeerPacketLength);
        channel.Fail($"The peer announced max_packet_length {maxPacketLength}, which is less than MinPeerPacketLength ({session.Limits.MinPeerPacketLength}).");
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

    /// <summary>Checks whether the peer may send a data packet now. The caller holds the channel's lock.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="length">The length of its data.</param>
    /// <param name="broken">The limit that the packet exceeds; null when it is legal, and when the channel is closing and ignores data.</param>
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
        channel.Fail(limit == MtaTlsSessionLimit.MaxPacketLength
            ? "The peer sent a data packet that is longer than the max_packet_length that this end announced."
            : "The peer sent more data than the window allows.");
    }
}
