using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>Tells whether the application's server is Kestrel: only then are Kestrel's options created.</summary>
internal sealed class KestrelOptionsAccessor
{
    private volatile KestrelServerOptions? _options;

    /// <summary>Kestrel's options; null under a server other than Kestrel.</summary>
    public KestrelServerOptions? Options
    {
        get => _options;
        set => _options = value;
    }
}
