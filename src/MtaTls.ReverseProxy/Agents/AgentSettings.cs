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
        R.List(nameof(MtaTlsAgentRuleOptions.Names), "The names: plant7.internal, or *.plant7.internal for every name below it. With a port, for that port alone.", o => o.Names, required: true),
        R.Optional<AspNetCore.ClientCertificateConditionOptions>(
            nameof(MtaTlsAgentRuleOptions.ClientCertificate), "What the agent's certificate must be. Each kind that is set must hold; within a list one entry is enough.",
            (o, v) => o.ClientCertificate = v, RoutingSettings.ClientCertificate, "no condition"),
        R.Text(
            nameof(MtaTlsAgentRuleOptions.Policy), "An authorization policy of ASP.NET Core that the registration's user must satisfy.", o => o.Policy, (o, v) => o.Policy = v, defaultText: "no condition"),
        R.Boolean(nameof(MtaTlsAgentRuleOptions.AllowAnonymous), "Whether the rule may have no condition.", o => o.AllowAnonymous, (o, v) => o.AllowAnonymous = v),
        R.Integer(
            nameof(MtaTlsAgentRuleOptions.MaxAgents), "Registrations that one name of the rule may have at a time.", o => o.MaxAgents, (o, v) => o.MaxAgents = v, 1, 1_000_000, "registrations"),
    ],
    """{ "anyOf": [ { "required": [ "ClientCertificate" ] }, { "required": [ "Policy" ] }, { "required": [ "AllowAnonymous" ], "properties": { "AllowAnonymous": { "enum": [ true ] } } } ] }""");

    public static SettingTable<MtaTlsAgentsOptions> Table { get; } = new(
    [
        S.Sections(nameof(MtaTlsAgentsOptions.Rules), "Who may take which names. A name that no rule allows is refused.", static (o, _, rule) => o.Rules.Add(rule), Rule),
        S.Duration(
            nameof(MtaTlsAgentsOptions.WaitForAgent), "How long a request waits when no agent has its name; then it is answered 503 with Retry-After.",
            o => o.WaitForAgent, (o, v) => o.WaitForAgent = v, TimeSpan.Zero, s_hour),
        S.Integer(
            nameof(MtaTlsAgentsOptions.MaxWaiting), "Requests that wait for one name. Further ones are answered 503 at once.", o => o.MaxWaiting, (o, v) => o.MaxWaiting = v, 0, 1_000_000, "requests"),
        S.Duration(
            nameof(MtaTlsAgentsOptions.Heartbeat), "How often each agent is asked whether it is still there. Without an answer within 10 seconds its session ends.",
            o => o.Heartbeat, (o, v) => o.Heartbeat = v, TimeSpan.FromSeconds(1), s_hour),
        S.Integer(nameof(MtaTlsAgentsOptions.MaxAgents), "Registrations at a time.", o => o.MaxAgents, (o, v) => o.MaxAgents = v, 1, 10_000_000, "registrations"),
        S.Integer(nameof(MtaTlsAgentsOptions.MaxNamesPerAgent), "Names that one registration may ask for.", o => o.MaxNamesPerAgent, (o, v) => o.MaxNamesPerAgent = v, 1, 10_000, "names"),
        S.Integer(
            nameof(MtaTlsAgentsOptions.MaxChannelsPerAgent), "Channels that are open to one registration at a time. Further requests go to another agent, or wait.",
            o => o.MaxChannelsPerAgent, (o, v) => o.MaxChannelsPerAgent = v, 1, 1_000_000, "channels"),
        S.Duration(
            nameof(MtaTlsAgentsOptions.OpenTimeout), "How long an agent may take to answer an open before another agent is tried.", o => o.OpenTimeout, (o, v) => o.OpenTimeout = v, most: s_hour),
        S.Duration(
            nameof(MtaTlsAgentsOptions.DrainTimeout), "How long agents have to register elsewhere when this gateway stops.",
            o => o.DrainTimeout, (o, v) => o.DrainTimeout = v, TimeSpan.Zero, s_hour),
        S.List(nameof(MtaTlsAgentsOptions.Alternates), "Other gateways that agents are sent to when this one stops.", o => o.Alternates, "^[Hh][Tt][Tt][Pp][Ss]://"),
        S.Text(nameof(MtaTlsAgentsOptions.Node), "This gateway's name, which agents see.", o => o.Node, (o, v) => o.Node = v, defaultText: "the machine's name"),
    ]);
}
