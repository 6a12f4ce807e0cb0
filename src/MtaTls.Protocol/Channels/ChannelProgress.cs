namespace MtaTls.Protocol;

/// <summary>
/// Closes channels on which the peer makes no progress: it grants no window, does not read while a send budget is exceeded, or does not confirm a close. Each method takes the channel's lock, unless its
/// comment says that the caller holds it.
/// </summary>
internal static class ChannelProgress
{
    /// <summary>How long a channel may send nothing while the send budgets are exceeded.</summary>
    private static readonly TimeSpan s_stuck = TimeSpan.FromSeconds(1);

    /// <summary>Called by the session's clock while the channel is closing or waits for window.</summary>
    /// <exception cref="MtaTlsSessionException">The peer has not confirmed the close in time.</exception>
    public static void Check(MtaTlsChannel channel)
    {
        MtaTlsSessionLimits limits = channel.Session.Limits;
        lock (channel.Gate)
        {
            switch (channel.Life)
            {
                case ChannelLifecycle.Ended:
                    channel.Watch.Stop(channel);
                    return;
                case not ChannelLifecycle.Open:
                    CheckClosing(channel, limits);
                    return;
            }

            if (!channel.Watch.IsStalled)
            {
                channel.Watch.Stop(channel);
                return;
            }

            if (channel.Unsent.HoldsTooMuch && CloseIfStuck(channel))
            {
                return;
            }

            if (limits.ChannelWriteStallTimeout == Timeout.InfiniteTimeSpan || channel.Session.Clock.ElapsedSince(channel.Watch.StalledSince) < limits.ChannelWriteStallTimeout)
            {
                return;
            }
        }

        channel.Session.Counters.CountExceeded(MtaTlsSessionLimit.ChannelWriteStallTimeout);
        channel.FailTo($"The peer granted the channel no window within ChannelWriteStallTimeout ({limits.ChannelWriteStallTimeout}).");
    }

    /// <summary>
    /// Called when a send budget is exceeded and the channel holds more than its minimum. Closes the channel when it can send nothing: the peer has never granted any window, has granted none for a second,
    /// or has not read for a second. The caller holds the channel's lock.
    /// </summary>
    /// <returns>Whether it was closed.</returns>
    public static bool CloseIfStuck(MtaTlsChannel channel)
    {
        if (!channel.IsSending)
        {
            return false;
        }

        bool isStuck = channel.Unsent.CanSend
            ? channel.Session.Writer.IsStuck
            : !channel.HasSent || (channel.Watch.IsStalled && channel.Session.Clock.ElapsedSince(channel.Watch.StalledSince) >= s_stuck);
        if (!isStuck)
        {
            return false;
        }

        channel.Session.Counters.CountExceeded(channel.Session.SendBudget.Exhausted);
        channel.FailUnderGate("The send budget is used up, and the peer does not read or grants no window.");
        return true;
    }

    /// <summary>As <see cref="CloseIfStuck"/>, for a caller that does not hold the channel's lock: it catches channels whose application writes no more.</summary>
    public static void CloseIfHoldingAndStuck(MtaTlsChannel channel)
    {
        lock (channel.Gate)
        {
            if (channel.Unsent.HoldsTooMuch)
            {
                CloseIfStuck(channel);
            }
        }

        channel.ReleaseIfDone();
    }

    /// <summary>The channel has data to send and no window. The caller holds its lock.</summary>
    public static void NoteStall(MtaTlsChannel channel)
    {
        if (channel.Watch.IsStalled || !channel.IsSending)
        {
            return;
        }

        channel.Watch.BeginStall(channel.Session.Clock.Now);
        channel.Session.Counters.CountWindowStall();
        channel.Watch.Start(channel);
    }

    /// <summary>The close of the channel made progress. The caller holds the channel's lock.</summary>
    public static void NoteClosing(MtaTlsChannel channel)
    {
        channel.Watch.CloseProgress = channel.Session.Clock.Now;
        channel.Watch.Start(channel);
    }

    private static void CheckClosing(MtaTlsChannel channel, MtaTlsSessionLimits limits)
    {
        TimeSpan waited = channel.Session.Clock.ElapsedSince(channel.Watch.CloseProgress);
        if (channel.Life == ChannelLifecycle.Flushing)
        {
            if (waited < limits.CloseLingerTimeout)
            {
                return;
            }

            channel.Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseLingerTimeout);
            channel.Apply(ChannelEvent.Flushed);
        }
        else if (waited >= limits.CloseTimeout)
        {
            channel.Session.Counters.CountExceeded(MtaTlsSessionLimit.CloseTimeout);
            throw new MtaTlsSessionException($"The peer did not confirm the close of channel {channel.Id} within CloseTimeout ({limits.CloseTimeout}).", MtaTlsSessionEnd.LimitExceeded, MtaTlsSessionLimit.CloseTimeout);
        }
    }
}
