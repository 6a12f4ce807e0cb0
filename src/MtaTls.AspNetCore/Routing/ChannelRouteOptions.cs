namespace MtaTls.AspNetCore;

/// <summary>
/// One route of <c>MtaTls:Channels</c>: its conditions on channels, and where matching channels go. All conditions that are set must match; a route without conditions matches every channel.
/// Routes are tried in order and the first match decides.
/// </summary>
public sealed class ChannelRouteOptions
{
    /// <summary>The route's name in logs and metrics.</summary>
    /// <value>Default: its position in the list ("0" is the first).</value>
    public string? Name { get; set; }

    /// <summary>
    /// The destination hosts that the route matches (destination_address_machine; draft-badra-tls-multiplexing-01, section 2.1.1). Each is a name, <c>*.suffix</c> (every name below the suffix,
    /// not the suffix itself), an IP address, a network such as <c>10.0.0.0/8</c>, or <c>*</c>. Case and one trailing dot are ignored.
    /// </summary>
    /// <value>Default: empty, every host.</value>
    public IList<string> Hosts { get; } = [];

    /// <summary>The destination ports that the route matches. Each is a port (<c>443</c>) or a range (<c>7000-7010</c>), from 1 to 65535.</summary>
    /// <value>Default: empty, every port.</value>
    public IList<string> Ports { get; } = [];

    /// <summary>The names of the endpoints whose channels the route matches (of <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>).</summary>
    /// <value>Default: empty, every endpoint.</value>
    public IList<string> Endpoints { get; } = [];

    /// <summary>The condition on the session's client certificate.</summary>
    /// <value>Default: null, no condition.</value>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>Where a matching channel goes.</summary>
    /// <value>Default: <see cref="ChannelRouteAction.Http"/>.</value>
    public ChannelRouteAction Action { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: the <c>host:port</c> to which every matching channel is connected, in place of the destination that it names. An IP address here (not a name) may be
    /// private.
    /// </summary>
    /// <value>Default: null, the destination that the channel names.</value>
    public string? Upstream { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: addresses and networks to which the route may connect although they are not public (loopback, private, link-local and so on). The check applies to
    /// the address of the connection, after names are resolved. A network must lie within the block of such addresses: <c>10.1.0.0/16</c> allows private addresses, but <c>0.0.0.0/0</c> allows none.
    /// </summary>
    /// <value>Default: empty. Addresses and networks in <see cref="Hosts"/>, and an address in <see cref="Upstream"/>, are allowed too.</value>
    public IList<string> AllowedNetworks { get; } = [];

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: the version of the PROXY protocol header that gives the destination the client's address, before all other data. The destination must
    /// expect the header.
    /// </summary>
    /// <value>Default: <see cref="ProxyProtocolVersion.None"/>.</value>
    public ProxyProtocolVersion ProxyProtocol { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/> and <see cref="ChannelRouteAction.Agent"/>: whether the route is open to clients without a certificate. A route with one of these actions needs
    /// this or <see cref="ClientCertificate"/>, else it is an error.
    /// </summary>
    /// <value>Default: false.</value>
    public bool AllowAnonymous { get; set; }

    /// <summary>The route's key in the configuration, for error messages; null for a route that is added in code.</summary>
    internal string? ConfigurationKey { get; set; }
}
