using MtaTls.Configuration;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The settings of the concentrator: the section <c>QuicTunnel</c> of the configuration. They are checked when the application starts:
/// one <see cref="Microsoft.Extensions.Options.OptionsValidationException"/> lists every invalid setting.
/// </summary>
public sealed class QuicTunnelOptions
{
    /// <summary>The name of the configuration section: <c>QuicTunnel</c>.</summary>
    public const string SectionName = "QuicTunnel";

    /// <summary>The UDP end points, as <c>address:port</c> or <c>[address]:port</c>. Port 0 means a free port. An IPv6 end point accepts IPv6 only.</summary>
    /// <value>Required: at least one. Default: empty.</value>
    public IList<string> Listen { get; } = [];

    /// <summary>The concentrator's certificate: a file, a certificate in a store, or an object, with an exportable private key. Renewed files are read again within ten seconds.</summary>
    /// <value>Required.</value>
    public CertificateOptions Certificate { get; } = new();

    /// <summary>How clients authenticate.</summary>
    public TunnelAuthenticationOptions Authentication { get; set; } = new();

    /// <summary>The interface that packets from clients go to, and packets for clients come from.</summary>
    public TunnelInterfaceOptions Interface { get; set; } = new();

    /// <summary>Which addresses clients may use.</summary>
    public TunnelAddressOptions Addresses { get; set; } = new();

    /// <summary>The limits of sessions and connections.</summary>
    public TunnelSessionOptions Sessions { get; set; } = new();

    /// <summary>The settings of one of several concentrators behind a load balancer.</summary>
    public TunnelClusterOptions Cluster { get; set; } = new();

    /// <summary>How packets from clients are put back into order.</summary>
    public TunnelReorderingOptions Reordering { get; set; } = new();

    /// <summary>The queue of packets that wait for the paths.</summary>
    public TunnelQueueOptions Queue { get; set; } = new();

    /// <summary>The congestion control algorithm of each path for the packets that the concentrator sends.</summary>
    /// <value>Default: <see cref="TunnelCongestionControl.Bbr"/>.</value>
    public TunnelCongestionControl CongestionControl { get; set; } = TunnelCongestionControl.Bbr;

    /// <summary>How packets to a client are distributed over its paths.</summary>
    /// <value>Default: <see cref="TunnelScheduler.EarliestDelivery"/>.</value>
    public TunnelScheduler Scheduler { get; set; } = TunnelScheduler.EarliestDelivery;

    /// <summary>
    /// The directory for one qlog file (<c>.sqlog</c>) per connection, for programs such as qvis. A file has at most 64 MiB, and a process creates at most 1,000 files. Writing costs time: use it only to find
    /// faults. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, no files.</value>
    public string? QlogDirectory { get; set; }

    /// <summary>Errors of reading the configuration. They are reported together with the other invalid settings.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
