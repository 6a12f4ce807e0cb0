using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A route, read from <see cref="ChannelRouteOptions"/>.</summary>
internal sealed class ChannelRoute
{
    private readonly List<HostPattern> _hosts = [];
    private readonly List<PortRange> _ports = [];
    private readonly HashSet<string> _endpoints;
    private readonly List<IPNetwork> _allowedNetworks = [];
    private readonly ClientCertificateCondition? _certificate;

    /// <summary>Reads <paramref name="options"/> and adds errors to <paramref name="errors"/>. Each error begins with its configuration key.</summary>
    public ChannelRoute(ChannelRouteOptions options, string key, string defaultName, List<string> errors)
    {
        Name = string.IsNullOrEmpty(options.Name) ? defaultName : options.Name;
        Action = options.Action;
        _endpoints = new HashSet<string>(options.Endpoints, StringComparer.OrdinalIgnoreCase);

        for (int i = 0; i < options.Hosts.Count; i++)
        {
            if (HostPattern.TryParse(options.Hosts[i], out HostPattern? pattern, out string? error))
            {
                _hosts.Add(pattern);
            }
            else
            {
                errors.Add($"{key}:Hosts:{i}: {error}.");
            }
        }

        for (int i = 0; i < options.Ports.Count; i++)
        {
            if (PortRange.TryParse(options.Ports[i], out PortRange range))
            {
                _ports.Add(range);
            }
            else
            {
                errors.Add($"{key}:Ports:{i}: '{options.Ports[i]}' is neither a port (443) nor a range (7000-7010) from 1 to 65535.");
            }
        }

        for (int i = 0; i < options.AllowedNetworks.Count; i++)
        {
            if (HostPattern.TryParseNetwork(options.AllowedNetworks[i], out IPNetwork network))
            {
                _allowedNetworks.Add(network);
            }
            else
            {
                errors.Add($"{key}:AllowedNetworks:{i}: '{options.AllowedNetworks[i]}' is neither an IP address nor a network that begins at the address given, such as 10.0.0.0/8.");
            }
        }

        if (options.ClientCertificate is { } certificate)
        {
            _certificate = new ClientCertificateCondition(certificate, $"{key}:ClientCertificate", errors);
        }

        ProxyProtocol = options.ProxyProtocol;
        if (!Enum.IsDefined(options.ProxyProtocol))
        {
            errors.Add($"{key}:ProxyProtocol: '{options.ProxyProtocol}' is not one of None, V1, V2.");
        }

        if (!Enum.IsDefined(options.Action))
        {
            errors.Add($"{key}:Action: '{options.Action}' is not one of Http, Tcp, Agent, Reject.");
        }

        ReadTcp(options, key, errors);
    }

    public string Name { get; }

    public ChannelRouteAction Action { get; }

    /// <summary>The version of the PROXY protocol header that a Tcp route sends to its destination.</summary>
    public ProxyProtocolVersion ProxyProtocol { get; }

    /// <summary>The names of the endpoints that the route matches; empty for every endpoint.</summary>
    public IReadOnlySet<string> Endpoints => _endpoints;

    public bool HasCertificateCondition => _certificate is not null;

    /// <summary>Whether the route matches every channel.</summary>
    public bool IsGeneral => _endpoints.Count == 0 && _ports.Count == 0 && _certificate is null && (_hosts.Count == 0 || _hosts.Exists(static h => h.IsAny));

    /// <summary>The host and port to which a Tcp route connects every channel; null for the destination that the channel names.</summary>
    public (ChannelHost Host, int Port)? Upstream { get; private set; }

    public bool Matches(in ChannelHost host, int port, string? endpoint, X509Certificate2? clientCertificate)
    {
        if (_endpoints.Count > 0 && (endpoint is null || !_endpoints.Contains(endpoint)))
        {
            return false;
        }

        if (_ports.Count > 0 && !_ports.Exists(range => range.Contains(port)))
        {
            return false;
        }

        return MatchesHost(host) && (_certificate is null || _certificate.Matches(clientCertificate));
    }

    /// <summary>Whether the route allows an address that is not public, because the route names it.</summary>
    public bool Names(IPAddress address)
    {
        if (Upstream is { Host.Address: { } upstream } && upstream.Equals(address))
        {
            return true;
        }

        foreach (IPNetwork network in _allowedNetworks)
        {
            if (SpecialAddresses.Names(network, address))
            {
                return true;
            }
        }

        foreach (HostPattern host in _hosts)
        {
            if (host.Network is { } network && SpecialAddresses.Names(network, address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the route names exactly this address and port. Otherwise it may not connect to a listener of this server.</summary>
    public bool NamesExactly(IPAddress address, int port)
    {
        if (Upstream is { } upstream)
        {
            return upstream.Port == port && address.Equals(upstream.Host.Address);
        }

        return _ports.Contains(new PortRange(port, port))
            && _hosts.Exists(host => host.Network is { } network && network.BaseAddress.Equals(address) && network.PrefixLength == address.GetAddressBytes().Length * 8);
    }

    private bool MatchesHost(in ChannelHost host)
    {
        if (_hosts.Count == 0)
        {
            return true;
        }

        foreach (HostPattern pattern in _hosts)
        {
            if (pattern.Matches(host))
            {
                return true;
            }
        }

        return false;
    }

    private void ReadTcp(ChannelRouteOptions options, string key, List<string> errors)
    {
        bool isForwarded = options.Action is ChannelRouteAction.Tcp or ChannelRouteAction.Agent;
        if (isForwarded && options.ClientCertificate is null && !options.AllowAnonymous)
        {
            errors.Add($"{key}: a route with the action {options.Action} needs a ClientCertificate condition, or AllowAnonymous: true to be open to all clients.");
        }

        if (options.Action != ChannelRouteAction.Tcp)
        {
            if (options.Upstream is not null)
            {
                errors.Add($"{key}:Upstream: is for the action Tcp; this route's action is {options.Action}.");
            }

            if (options.AllowedNetworks.Count > 0)
            {
                errors.Add($"{key}:AllowedNetworks: is for the action Tcp; this route's action is {options.Action}.");
            }

            if (options.ProxyProtocol != ProxyProtocolVersion.None)
            {
                errors.Add($"{key}:ProxyProtocol: is for the action Tcp; this route's action is {options.Action}.");
            }

            if (options.AllowAnonymous && !isForwarded)
            {
                errors.Add($"{key}:AllowAnonymous: is for the actions Tcp and Agent; this route's action is {options.Action}.");
            }

            return;
        }

        if (options.Upstream is null)
        {
            return;
        }

        int colon = options.Upstream.LastIndexOf(':');
        if (colon > 0 && ChannelHost.TryParseUriHost(options.Upstream.AsSpan(0, colon), out ChannelHost host) && PortRange.TryParsePort(options.Upstream.AsSpan(colon + 1), out int port))
        {
            Upstream = (host, port);
        }
        else
        {
            errors.Add($"{key}:Upstream: '{options.Upstream}' is not 'host:port' (IPv6 in brackets).");
        }
    }
}
