using MtaTls.Configuration;

namespace MtaTls.QuicTunnel;

/// <summary>
/// The concentrator's settings; the section <c>QuicTunnel</c> of the configuration. They are checked together when the application starts:
/// one <see cref="Microsoft.Extensions.Options.OptionsValidationException"/> names every key that is wrong.
/// </summary>
public sealed class QuicTunnelOptions
{
    /// <summary>The name of the configuration section: <c>QuicTunnel</c>.</summary>
    public const string SectionName = "QuicTunnel";

    /// <summary>UDP end points, <c>address:port</c> or <c>[address]:port</c>. At least one; port 0 takes a free one. An IPv6 end point takes IPv6 only.</summary>
    public IList<string> Listen { get; } = [];

    /// <summary>The concentrator's certificate: a file, a certificate store or an object, with an exportable private key. Required. Renewed files are read again within ten seconds.</summary>
    public CertificateOptions Certificate { get; } = new();

    /// <summary>How clients show who they are.</summary>
    public TunnelAuthenticationOptions Authentication { get; set; } = new();

    /// <summary>Where packets from clients go, and packets for them come from.</summary>
    public TunnelInterfaceOptions Interface { get; set; } = new();

    /// <summary>Which addresses clients may use.</summary>
    public TunnelAddressOptions Addresses { get; set; } = new();

    /// <summary>The limits of sessions and connections.</summary>
    public TunnelSessionOptions Sessions { get; set; } = new();

    /// <summary>How packets from clients are put back into order.</summary>
    public TunnelReorderingOptions Reordering { get; set; } = new();

    /// <summary>How packets wait that the paths cannot carry yet.</summary>
    public TunnelQueueOptions Queue { get; set; } = new();

    /// <summary>The congestion control of each path for what this end sends. Default <see cref="TunnelCongestionControl.Bbr"/>.</summary>
    public TunnelCongestionControl CongestionControl { get; set; } = TunnelCongestionControl.Bbr;

    /// <summary>How packets to clients are spread over their paths. Default <see cref="TunnelScheduler.EarliestDelivery"/>.</summary>
    public TunnelScheduler Scheduler { get; set; } = TunnelScheduler.EarliestDelivery;

    /// <summary>
    /// A directory where each connection writes what happens to it as a qlog file (<c>.sqlog</c>), for programs such as qvis: at most 64 MiB a connection and 1,000 files a process. For finding faults: it costs
    /// time. A path from configuration is relative to the content root.
    /// </summary>
    /// <value>Default: null, nowhere.</value>
    public string? QlogDirectory { get; set; }

    /// <summary>What could not be read from the configuration; reported with everything else that is wrong.</summary>
    internal ErrorList ConfigurationErrors { get; } = new();
}
