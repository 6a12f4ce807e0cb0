using System.Text.Json;
using System.Text.Json.Serialization;

namespace MtaTls.Agents;

/// <summary>What an agent and its gateway say to each other: JSON over HTTP, in a channel of the agent's session.</summary>
internal static class AgentProtocol
{
    /// <summary>Where agents register.</summary>
    public const string Path = "/.well-known/mta-tls/agents";

    /// <summary>The problem type of a registration that did not come on a channel.</summary>
    public const string NotMultiplexed = "not-multiplexed";

    /// <summary>The problem type where no name was granted.</summary>
    public const string NoNameGranted = "no-name-granted";

    /// <summary>The problem type of a gateway that is stopping.</summary>
    public const string Draining = "draining";

    /// <summary>The problem type where a limit of the gateway is reached.</summary>
    public const string LimitReached = "limit-reached";

    /// <summary>The problem type of a gateway whose node the agent wants to avoid.</summary>
    public const string OtherNode = "other-node";

    public const string RegisteredEvent = "registered";
    public const string PingEvent = "ping";
    public const string DrainEvent = "drain";

    /// <summary>The port of a name that has none: HTTP's.</summary>
    public const int DefaultPort = 80;

    /// <summary>Reads a name that an agent serves: <c>host</c> or <c>host:port</c>. A wildcard is no name.</summary>
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

/// <summary>POST: what an agent asks for. Avoid names nodes that its other sessions have: with several gateways behind one address, the agent then tries again to meet another.</summary>
internal sealed record RegistrationRequest(string Agent, string Instance, IReadOnlyList<string> Names, int Weight = 1, string? Protocols = null, IReadOnlyList<string>? Avoid = null);

/// <summary>PATCH: the agent takes no new connections from now on.</summary>
internal sealed record RegistrationChange(bool Draining);

/// <summary>A name that was not granted, and why.</summary>
internal sealed record RefusedName(string Name, string Reason);

/// <summary>The first event of a registration. Urls tells where granted names can be reached, as far as the gateway knows; Nodes, how many gateways share their agents.</summary>
internal sealed record RegisteredMessage(
    string Id, IReadOnlyList<string> Granted, IReadOnlyList<RefusedName> Refused, double Heartbeat, string Node, IReadOnlyDictionary<string, string>? Urls = null, int? Nodes = null);

/// <summary>The event that asks the agent to leave: within so many seconds, for one of these gateways or another.</summary>
internal sealed record DrainMessage(double Deadline, IReadOnlyList<string> Alternates);

/// <summary>A problem of RFC 9457, as far as an agent reads it.</summary>
internal sealed record RegistrationProblem(string? Type, string? Title, string? Detail, IReadOnlyList<RefusedName>? Refused);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RegistrationRequest))]
[JsonSerializable(typeof(RegistrationChange))]
[JsonSerializable(typeof(RegisteredMessage))]
[JsonSerializable(typeof(DrainMessage))]
[JsonSerializable(typeof(RegistrationProblem))]
internal sealed partial class AgentJson : JsonSerializerContext;
