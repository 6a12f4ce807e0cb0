using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>What applies to every HTTPS endpoint that does not say otherwise.</summary>
public sealed class MtaTlsEndpointDefaults
{
    /// <summary>Whether the extension is answered, required or ignored. Default: <see cref="DataMultiplexingMode.Allowed"/>.</summary>
    public DataMultiplexingMode Mode { get; set; }

    /// <summary>When an accepted channel is given to the application. Default: <see cref="MtaTlsDispatch.FirstData"/>.</summary>
    public MtaTlsDispatch Dispatch { get; set; }
}
