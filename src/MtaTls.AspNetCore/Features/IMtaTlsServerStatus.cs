namespace MtaTls.AspNetCore;

/// <summary>The state of the server for operators: counts, endpoints and limits. A service that <c>UseMtaTls()</c> registers.</summary>
public interface IMtaTlsServerStatus
{
    /// <summary>The number of open sessions. Reading it takes the same time however many there are.</summary>
    int ActiveSessions { get; }

    /// <summary>The number of open channels that clients have opened. Reading it takes the same time however many there are.</summary>
    int ActiveChannels { get; }

    /// <summary>Lists the endpoints that the server listens on, with or without MTA-TLS. Those without have the reason. Empty before the server has started.</summary>
    IReadOnlyList<MtaTlsEndpointInfo> ListEndpoints();

    /// <summary>
    /// Lists the counts and budgets of <c>MtaTls:Limits</c> and <c>MtaTls:Tcp</c> for the whole server, and <c>MaxChannelsPerSession</c> and <c>MaxSessionsPerAddress</c>, with their present use.
    /// Limits that are off are left out.
    /// </summary>
    /// <remarks>The use of <c>MaxChannelsPerSession</c> is counted at most once in five seconds.</remarks>
    IReadOnlyList<MtaTlsLimitUsage> ListLimits();
}
