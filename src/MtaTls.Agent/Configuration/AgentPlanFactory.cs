using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agents;
using MtaTls.Configuration;
using MtaTls.Protocol;

namespace MtaTls.Agent.Configuration;

/// <summary>Parses options.</summary>
internal sealed class AgentPlanFactory(IHostEnvironment environment, TimeProvider time, ILoggerFactory loggers)
{
    private const string Section = MtaTlsAgentOptions.SectionName;

    private readonly ILogger _logger = loggers.CreateLogger(AgentLog.Category);

    /// <param name="options">The options.</param>
    /// <param name="errors">Collects the errors. If there are any, the plan must not be used.</param>
    public AgentPlan Create(MtaTlsAgentOptions options, ErrorList errors)
    {
        HashSet<AgentName> names = [];
        for (int i = 0; i < options.Names.Count; i++)
        {
            if (!AgentProtocol.TryParseName(options.Names[i], out AgentName name))
            {
                errors.Add($"{Section}:Names:{i}", $"'{options.Names[i]}' is not a valid name, such as plant7.internal or plant7.internal:8080. Wildcards and IP addresses can't be registered.");
            }
            else if (!names.Add(name))
            {
                errors.Add($"{Section}:Names:{i}", $"'{options.Names[i]}' is listed twice.");
            }
        }

        Dictionary<AgentName, ChannelAddress> forward = [];
        for (int i = 0; i < options.Forward.Count; i++)
        {
            ReadForward(options.Forward[i], $"{Section}:Forward:{i}", names, forward, errors);
        }

        if (options.Names.Count == 0 && options.Forward.Count == 0)
        {
            errors.Add($"{Section}:Names", "at least one entry is required in Names or Forward.");
        }

        string agent = options.Agent ?? DefaultAgent();
        if (agent.Length is 0 or > 64 || !agent.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
        {
            errors.Add($"{Section}:Agent", $"'{agent}' is not 1 to 64 letters, digits, hyphens, underscores or dots.");
        }

        if (options.AuthorityPath is not null && options.CertificateChainPolicy is not null)
        {
            errors.Add($"{Section}:AuthorityPath", "is set together with CertificateChainPolicy. Set one of them.");
        }

        return new AgentPlan
        {
            Options = options,
            Agent = agent,
            Gateways = ReadGateways(options, errors),
            Names = names,
            Forward = forward,
            Certificate = CertificateSource.Create(
                CertificateDescription.Of(options.ClientCertificate, environment.ContentRootPath), $"{Section}:ClientCertificate", CertificatePurpose.Client, _logger, time, errors),
            Authorities = AuthoritySource.Create(options.AuthorityPath, environment.ContentRootPath, $"{Section}:AuthorityPath", _logger, errors),
        };
    }

    private static List<Uri> ReadGateways(MtaTlsAgentOptions options, ErrorList errors)
    {
        List<Uri> gateways = [];
        for (int i = 0; i < options.Gateways.Count; i++)
        {
            if (TryParseGateway(options.Gateways[i], out Uri gateway))
            {
                gateways.Add(gateway);
            }
            else
            {
                errors.Add($"{Section}:Gateways:{i}", $"'{options.Gateways[i]}' is not https://host or https://host:port.");
            }
        }

        if (options.Gateways.Count == 0)
        {
            errors.Add($"{Section}:Gateways", "at least one gateway is required, such as https://gw.example:8443.");
        }

        return gateways;
    }

    public static bool TryParseGateway(string? text, out Uri gateway)
    {
        bool isValid = Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0
            && ChannelAddress.IsValidHost(uri.IdnHost);
        gateway = isValid ? uri! : new Uri("https://invalid");
        return isValid;
    }

    private static void ReadForward(MtaTlsAgentForwardOptions options, string key, HashSet<AgentName> names, Dictionary<AgentName, ChannelAddress> forward, ErrorList errors)
    {
        bool isNamed = AgentProtocol.TryParseName(options.Name, out AgentName name) && options.Name!.Contains(':', StringComparison.Ordinal);
        if (!isNamed)
        {
            errors.Add($"{key}:Name", $"'{options.Name}' is not a name with a port, such as ssh.plant7.internal:22.");
        }

        if (!TryParseUpstream(options.Upstream, out ChannelAddress upstream))
        {
            errors.Add($"{key}:Upstream", $"'{options.Upstream}' is not a host with a port, such as 127.0.0.1:22.");
        }
        else if (isNamed && (names.Contains(name) || !forward.TryAdd(name, upstream)))
        {
            errors.Add($"{key}:Name", $"'{options.Name}' is listed twice.");
        }
    }

    private static bool TryParseUpstream(string? text, out ChannelAddress upstream)
    {
        upstream = default;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > 65_535)
        {
            return false;
        }

        string host = text![..colon];
        host = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
        if (!ChannelAddress.IsValidHost(host))
        {
            return false;
        }

        upstream = new ChannelAddress(host, port);
        return true;
    }

    private static string DefaultAgent()
    {
        string name = string.Concat(Environment.MachineName.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-'));
        return name.Length switch
        {
            0 => "agent",
            > 64 => name[..64],
            _ => name,
        };
    }
}
