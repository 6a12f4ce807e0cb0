namespace MtaTls.AspNetCore;

/// <summary>What an operator wants to know of the server beside its sessions: a service that <c>UseMtaTls()</c> registers.</summary>
public interface IMtaTlsServerStatus
{
    /// <summary>Sessions that are open. Costs nothing, however many there are.</summary>
    int ActiveSessions { get; }

    /// <summary>Channels that clients opened and that are open. Costs nothing, however many there are.</summary>
    int ActiveChannels { get; }

    /// <summary>The endpoints that the server listens on, those that do not speak MTA-TLS with the reason. Empty before the server has started.</summary>
    IReadOnlyList<MtaTlsEndpointInfo> ListEndpoints();

    /// <summary>The limits of <c>MtaTls:Limits</c> and <c>MtaTls:Tcp</c> that things of all sessions count against, with how much of each is used now. Limits that are off are left out.</summary>
    /// <remarks>How many channels the fullest session has is looked at once in five seconds at most.</remarks>
    IReadOnlyList<MtaTlsLimitUsage> ListLimits();
}
