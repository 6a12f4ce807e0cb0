using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>The defaults of all HTTPS endpoints (<c>MtaTls:EndpointDefaults</c>).</summary>
public sealed class MtaTlsEndpointDefaults
{
    /// <summary>Whether clients may offer the extension, must offer it, or get ordinary HTTPS in any case. Default: <see cref="DataMultiplexingMode.Allowed"/>.</summary>
    public DataMultiplexingMode Mode { get; set; }

    /// <summary>When the application gets a channel. Default: <see cref="MtaTlsDispatch.FirstData"/>.</summary>
    public MtaTlsDispatch Dispatch { get; set; }
}
