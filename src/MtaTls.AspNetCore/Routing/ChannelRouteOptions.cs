namespace MtaTls.AspNetCore;

/// <summary>
/// One route of <c>MtaTls:Channels</c>: which channels it is for (all conditions that are set must hold; none set: every channel) and where they go. Routes
/// are tried in order and the first match decides.
/// </summary>
public sealed class ChannelRouteOptions
{
    /// <summary>The name by which logs and metrics call the route. <value>Default: its place in the list ("0" is the first).</value></summary>
    public string? Name { get; set; }

    /// <summary>
    /// The destination hosts (destination_address_machine, section 3 of the draft) that the route is for, any of: a name, <c>*.suffix</c> (every name below it, not itself), an address, a
    /// network such as <c>10.0.0.0/8</c>, <c>*</c>. Case and one trailing dot do not count. <value>Default: empty, every host.</value>
    /// </summary>
    public IList<string> Hosts { get; } = [];

    /// <summary>The destination ports that the route is for, any of: a port (<c>443</c>) or a range (<c>7000-7010</c>), within 1 to 65535. <value>Default: empty, every port.</value></summary>
    public IList<string> Ports { get; } = [];

    /// <summary>The names of the endpoints that the route is for (of <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>). <value>Default: empty, every endpoint.</value></summary>
    public IList<string> Endpoints { get; } = [];

    /// <summary>What the session's client certificate must be. <value>Default: null, no condition.</value></summary>
    public ClientCertificateConditionOptions? ClientCertificate { get; set; }

    /// <summary>Where a matching channel goes. <value>Default: <see cref="ChannelRouteAction.Http"/>.</value></summary>
    public ChannelRouteAction Action { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: the <c>host:port</c> that every matching channel is connected to, whatever destination it names. An address here (not a name) may be a private
    /// one. <value>Default: null, the destination that the channel names.</value>
    /// </summary>
    public string? Upstream { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: addresses and networks that the route may connect to although they are not public (loopback, private, link-local and so on). The check is made
    /// on the address that is connected to, after names are resolved. A network counts where it lies within the special block, so <c>10.1.0.0/16</c> allows private
    /// addresses but <c>0.0.0.0/0</c> allows none. <value>Default: empty. Addresses and networks in <see cref="Hosts"/> and an address in <see cref="Upstream"/> count too.</value>
    /// </summary>
    public IList<string> AllowedNetworks { get; } = [];

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/>: the PROXY protocol header that tells the destination the address of the channel's client, before everything else. The destination must
    /// expect it. Default: <see cref="ProxyProtocolVersion.None"/>.
    /// </summary>
    public ProxyProtocolVersion ProxyProtocol { get; set; }

    /// <summary>
    /// For <see cref="ChannelRouteAction.Tcp"/> and <see cref="ChannelRouteAction.Agent"/>: true to allow the route to clients without a certificate. Such a route with neither this nor <see cref="ClientCertificate"/> is an
    /// error. <value>Default: false.</value>
    /// </summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Where the route stands in the configuration, for error messages; null for a route made in code.</summary>
    internal string? ConfigurationKey { get; set; }
}
