using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;
using R = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.Agents.MtaTlsAgentRuleOptions>;
using S = MtaTls.Configuration.Settings<MtaTls.ReverseProxy.Agents.MtaTlsAgentsOptions>;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>The settings of <c>MtaTls:Agents</c>.</summary>
internal static class AgentSettings
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    public static SettingTable<MtaTlsAgentRuleOptions> Rule { get; } = new(
    [
        R.List(nameof(MtaTlsAgentRuleOptions.Names), "The names: plant7.internal, or *.plant7.internal for every name below it. A name with a port is for that port only.", o => o.Names, required: true),
        R.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(MtaTlsAgentRuleOptions.ClientCertificate), "The condition that the agent's client certificate must meet. Each kind that is set must hold; within a list one entry is enough.",
            (o, v) => o.ClientCertificate = v, RoutingSettings.ClientCertificate, "no condition"),
        R.Text(
            nameof(MtaTlsAgentRuleOptions.Policy), "An authorization policy of ASP.NET Core that the registration's user must satisfy. Its resource is the name, a string.", o => o.Policy, (o, v) => o.Policy = v, defaultText: "no condition"),
        R.Boolean(nameof(MtaTlsAgentRuleOptions.AllowAnonymous), "Whether the rule may have no condition. Every agent that may register at all may then take its names.", o => o.AllowAnonymous, (o, v) => o.AllowAnonymous = v),
        R.Integer(
            nameof(MtaTlsAgentRuleOptions.MaxAgents), "The most registrations that one name of the rule may have at a time. An agent has one registration for each session.", o => o.MaxAgents, (o, v) => o.MaxAgents = v, 1, 1_000_000, "registrations"),
    ],
    """{ "anyOf": [ { "required": [ "ClientCertificate" ] }, { "required": [ "Policy" ] }, { "required": [ "AllowAnonymous" ], "properties": { "AllowAnonymous": { "enum": [ true ] } } } ] }""");

    public static SettingTable<MtaTlsAgentsOptions> Table { get; } = new(
    [
        S.Sections(nameof(MtaTlsAgentsOptions.Rules), "The names that agents may take. A name that no rule allows is refused.", static (o, _, rule) => o.Rules.Add(rule), Rule),
        S.Duration(
            nameof(MtaTlsAgentsOptions.WaitForAgent), "How long a request waits while no agent has its name. Then it is answered 503 with Retry-After.",
            o => o.WaitForAgent, (o, v) => o.WaitForAgent = v, TimeSpan.Zero, s_hour),
        S.Integer(
            nameof(MtaTlsAgentsOptions.MaxWaiting), "The most requests that may wait for one name. Further requests are answered 503 at once.", o => o.MaxWaiting, (o, v) => o.MaxWaiting = v, 0, 1_000_000, "requests"),
        S.Duration(
            nameof(MtaTlsAgentsOptions.Heartbeat), "How often the gateway pings each agent. If an agent does not answer within 10 seconds, its session ends.",
            o => o.Heartbeat, (o, v) => o.Heartbeat = v, TimeSpan.FromSeconds(1), s_hour),
        S.Integer(nameof(MtaTlsAgentsOptions.MaxAgents), "The most registrations at a time. Further registrations are answered 503.", o => o.MaxAgents, (o, v) => o.MaxAgents = v, 1, 10_000_000, "registrations"),
        S.Integer(nameof(MtaTlsAgentsOptions.MaxNamesPerAgent), "The most names that one registration may ask for.", o => o.MaxNamesPerAgent, (o, v) => o.MaxNamesPerAgent = v, 1, 10_000, "names"),
        S.Integer(
            nameof(MtaTlsAgentsOptions.MaxChannelsPerAgent), "The most open channels to one registration at a time. Further requests go to another agent, or wait.",
            o => o.MaxChannelsPerAgent, (o, v) => o.MaxChannelsPerAgent = v, 1, 1_000_000, "channels"),
        S.Duration(
            nameof(MtaTlsAgentsOptions.OpenTimeout), "How long an agent may take to answer when the gateway opens a channel. Then another agent is tried.", o => o.OpenTimeout, (o, v) => o.OpenTimeout = v, most: s_hour),
        S.Duration(
            nameof(MtaTlsAgentsOptions.DrainTimeout), "How long agents have to register with other gateways when this gateway stops.",
            o => o.DrainTimeout, (o, v) => o.DrainTimeout = v, TimeSpan.Zero, s_hour),
        S.List(nameof(MtaTlsAgentsOptions.Alternates), "The gateways that agents are told to use when this one stops, https://gw2.example:8443 for example.", o => o.Alternates, "^[Hh][Tt][Tt][Pp][Ss]://"),
        S.Text(nameof(MtaTlsAgentsOptions.Node), "This gateway's name, which it tells its agents.", o => o.Node, (o, v) => o.Node = v, defaultText: "Cluster:Node, else the machine's name"),
    ]);
}
