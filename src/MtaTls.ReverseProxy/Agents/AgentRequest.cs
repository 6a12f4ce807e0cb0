using MtaTls.Agents;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The options that a request to an agent carries in <see cref="System.Net.Http.HttpRequestMessage.Options"/>.</summary>
internal static class AgentRequest
{
    /// <summary>The public client's address.</summary>
    public static readonly HttpRequestOptionsKey<ChannelAddress> Source = new("MtaTls.Agents.Source");

    /// <summary>The name that the request is for, if its address does not contain it.</summary>
    public static readonly HttpRequestOptionsKey<AgentName> Name = new("MtaTls.Agents.Name");

    /// <summary>The agent that the request is sent to.</summary>
    public static readonly HttpRequestOptionsKey<AgentMember> Member = new("MtaTls.Agents.Member");

    public static ChannelAddress SourceOf(Microsoft.AspNetCore.Http.ConnectionInfo connection) => connection.RemoteIpAddress is { } address
        ? new ChannelAddress(new System.Net.IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, connection.RemotePort))
        : default;
}
