using System.Text.Json;
using System.Text.Json.Serialization;

namespace MtaTls.Agents;

/// <summary>The protocol between an agent and its gateway: JSON over HTTP, in a channel of the agent's session.</summary>
internal static class AgentProtocol
{
    /// <summary>The path at which agents register.</summary>
    public const string Path = "/.well-known/mta-tls/agents";

    /// <summary>The problem type of a registration that did not come on a channel.</summary>
    public const string NotMultiplexed = "not-multiplexed";

    /// <summary>The problem type when no name was granted.</summary>
    public const string NoNameGranted = "no-name-granted";

    /// <summary>The problem type of a gateway that is stopping.</summary>
    public const string Draining = "draining";

    /// <summary>The problem type when a limit of the gateway is reached.</summary>
    public const string LimitReached = "limit-reached";

    /// <summary>The problem type of a gateway that is one of the nodes that the agent wants to avoid.</summary>
    public const string OtherNode = "other-node";

    public const string RegisteredEvent = "registered";
    public const string PingEvent = "ping";
    public const string DrainEvent = "drain";

    /// <summary>The port of a name without one: that of HTTP.</summary>
    public const int DefaultPort = 80;

    /// <summary>Parses a name that an agent serves: <c>host</c> or <c>host:port</c>. Wildcards are not allowed.</summary>
    public static bool TryParseName(string? text, out AgentName name)
    {
        name = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        int colon = text.LastIndexOf(':');
        int port = DefaultPort;
        if (colon >= 0 && (!int.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out port) || port is < 1 or > 65_535))
        {
            return false;
        }

        string host = (colon >= 0 ? text[..colon] : text).ToLowerInvariant();
        if (host.Length is 0 or > 253 || !host.Split('.').All(IsLabel) || char.IsAsciiDigit(host[host.LastIndexOf('.') + 1]))
        {
            return false;
        }

        name = new AgentName(host, port);
        return true;
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= 63 && label.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
}

/// <summary>A name that an agent serves, in lower case, with its port.</summary>
internal readonly record struct AgentName(string Host, int Port)
{
    public override string ToString() => Port == AgentProtocol.DefaultPort ? Host : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Host}:{Port}");
}

/// <summary>POST: the registration of an agent. Avoid has the nodes of the agent's other sessions: with several gateways behind one address, the agent connects again until it reaches another node.</summary>
internal sealed record RegistrationRequest(string Agent, string Instance, IReadOnlyList<string> Names, int Weight = 1, string? Protocols = null, IReadOnlyList<string>? Avoid = null);

/// <summary>PATCH: whether the agent drains. A draining agent gets no new connections.</summary>
internal sealed record RegistrationChange(bool Draining);

/// <summary>A name that was not granted, and the reason.</summary>
internal sealed record RefusedName(string Name, string Reason);

/// <summary>The first event of a registration. Urls has the addresses of granted names, as far as the gateway knows them. Nodes is the number of gateways that share their agents.</summary>
internal sealed record RegisteredMessage(
    string Id, IReadOnlyList<string> Granted, IReadOnlyList<RefusedName> Refused, double Heartbeat, string Node, IReadOnlyDictionary<string, string>? Urls = null, int? Nodes = null);

/// <summary>The event that asks the agent to leave within Deadline seconds. Alternates are gateways that it can use instead.</summary>
internal sealed record DrainMessage(double Deadline, IReadOnlyList<string> Alternates);

/// <summary>The members of a problem (RFC 9457) that an agent reads.</summary>
internal sealed record RegistrationProblem(string? Type, string? Title, string? Detail, IReadOnlyList<RefusedName>? Refused);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RegistrationRequest))]
[JsonSerializable(typeof(RegistrationChange))]
[JsonSerializable(typeof(RegisteredMessage))]
[JsonSerializable(typeof(DrainMessage))]
[JsonSerializable(typeof(RegistrationProblem))]
internal sealed partial class AgentJson : JsonSerializerContext;
