using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace MtaTls.Aspire.Hosting;

/// <summary>Sets the gateway's settings, as arguments and environment variables of <c>mtatls serve</c>.</summary>
internal static class GatewaySettings
{
    public const string Endpoint = "MtaTls__Endpoints__Aspire";
    public const string CertificatePath = Endpoint + "__Certificate__Path";
    public const string CertificateKeyPath = Endpoint + "__Certificate__KeyPath";

    /// <summary>The first index in lists. It is higher than those of a configuration file, because entries with the same index would be merged.</summary>
    private const int FirstPlace = 1_000_000;

    public static void AddArguments(MtaTlsGatewayResource gateway, IList<object> arguments)
    {
        arguments.Add("serve");
        if (gateway.ConfigurationPath is { } path)
        {
            arguments.Add("--config");
            arguments.Add(path);
        }
        else
        {
            arguments.Add("--no-config");
        }
    }

    public static void AddEnvironment(MtaTlsGatewayResource gateway, Dictionary<string, object> environment)
    {
        EndpointReference health = new(gateway, MtaTlsGatewayResource.HealthEndpointName);
        environment[Endpoint + "__Url"] = ReferenceExpression.Create($"https://localhost:{gateway.HttpsEndpoint.Property(EndpointProperty.TargetPort)}");
        environment["Gateway__HealthUrl"] = ReferenceExpression.Create($"http://127.0.0.1:{health.Property(EndpointProperty.TargetPort)}");
        // Several gateways can run on one machine, so each needs its own management socket.
        environment["MTATLS_SOCKET"] = Path.Combine(Path.GetTempPath(), $"mtatls-{Environment.UserName}", string.Create(CultureInfo.InvariantCulture, $"{gateway.Name}-{Environment.ProcessId}.sock"));
    }

    public static void AddAgents(int rule, string[] names, Dictionary<string, object> environment)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"MtaTls__Agents__Rules__{FirstPlace + rule}");
        environment[key + "__AllowAnonymous"] = "true";
        for (int i = 0; i < names.Length; i++)
        {
            environment[string.Create(CultureInfo.InvariantCulture, $"{key}__Names__{i}")] = names[i];
            if (!names[i].Contains(':', StringComparison.Ordinal))
            {
                string host = names[i].StartsWith("*.", StringComparison.Ordinal) ? "{name}" + names[i][1..] : names[i];
                environment["Gateway__AgentHosts__" + host] = host;
            }
        }
    }

    public static void AddRoute(int route, string host, EndpointReference endpoint, Dictionary<string, object> environment)
    {
        if (endpoint.Scheme is "http" or "https")
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"aspire-{route}");
            environment[$"ReverseProxy__Routes__{name}__ClusterId"] = name;
            environment[$"ReverseProxy__Routes__{name}__Match__Hosts__0"] = host;
            environment[$"ReverseProxy__Clusters__{name}__Destinations__{endpoint.EndpointName}__Address"] = endpoint;
            return;
        }

        string key = string.Create(CultureInfo.InvariantCulture, $"MtaTls__Channels__{FirstPlace + route}");
        environment[key + "__Name"] = host;
        environment[key + "__Hosts__0"] = host;
        environment[key + "__Action"] = "Tcp";
        environment[key + "__Upstream"] = endpoint.Property(EndpointProperty.HostAndPort);
        // The endpoint is on this machine, and a route may use addresses that are not public only if it lists them.
        environment[key + "__AllowedNetworks__0"] = "127.0.0.0/8";
        environment[key + "__AllowedNetworks__1"] = "::1/128";
        environment[key + "__AllowAnonymous"] = "true";
    }
}
