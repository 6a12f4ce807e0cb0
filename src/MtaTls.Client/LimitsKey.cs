using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>The values of <see cref="MtaTlsSessionLimits"/> as they were when the options were first used; equal by value.</summary>
internal readonly record struct LimitsKey(
    int MaxChannelsPerSession, int MaxPendingChannels, int InitialWindowSize, int MaxWindowSize, int MaxPacketLength, long SessionReceiveBudget,
    int OutputBufferSize, int MaxQueuedAnswers, int RememberedChannelIds, TimeSpan CloseLingerTimeout, TimeSpan CloseTimeout,
    TimeSpan WriteStallTimeout, long SessionSendBudget, int MinPeerPacketLength, int MaxOpensPerSecond, int MaxEmptyPacketsPerSecond,
    int MaxSmallPacketsPerSecond, int MaxAcknowledgmentsPerSecond, TimeSpan ChannelWriteStallTimeout)
{
    public static LimitsKey From(MtaTlsSessionLimits limits) => new(
        limits.MaxChannelsPerSession, limits.MaxPendingChannels, limits.InitialWindowSize, limits.MaxWindowSize, limits.MaxPacketLength, limits.SessionReceiveBudget,
        limits.OutputBufferSize, limits.MaxQueuedAnswers, limits.RememberedChannelIds, limits.CloseLingerTimeout, limits.CloseTimeout,
        limits.WriteStallTimeout, limits.SessionSendBudget, limits.MinPeerPacketLength, limits.MaxOpensPerSecond, limits.MaxEmptyPacketsPerSecond,
        limits.MaxSmallPacketsPerSecond, limits.MaxAcknowledgmentsPerSecond, limits.ChannelWriteStallTimeout);

    public MtaTlsSessionLimits ToLimits() => new()
    {
        MaxChannelsPerSession = MaxChannelsPerSession,
        MaxPendingChannels = MaxPendingChannels,
        InitialWindowSize = InitialWindowSize,
        MaxWindowSize = MaxWindowSize,
        MaxPacketLength = MaxPacketLength,
        SessionReceiveBudget = SessionReceiveBudget,
        OutputBufferSize = OutputBufferSize,
        MaxQueuedAnswers = MaxQueuedAnswers,
        RememberedChannelIds = RememberedChannelIds,
        CloseLingerTimeout = CloseLingerTimeout,
        CloseTimeout = CloseTimeout,
        WriteStallTimeout = WriteStallTimeout,
        SessionSendBudget = SessionSendBudget,
        MinPeerPacketLength = MinPeerPacketLength,
        MaxOpensPerSecond = MaxOpensPerSecond,
        MaxEmptyPacketsPerSecond = MaxEmptyPacketsPerSecond,
        MaxSmallPacketsPerSecond = MaxSmallPacketsPerSecond,
        MaxAcknowledgmentsPerSecond = MaxAcknowledgmentsPerSecond,
        ChannelWriteStallTimeout = ChannelWriteStallTimeout,
    };
}
