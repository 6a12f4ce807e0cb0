using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>Whether the application's server is Kestrel: then its options are made.</summary>
internal sealed class KestrelOptionsAccessor
{
    private volatile KestrelServerOptions? _options;

    /// <summary>Kestrel's options; null under another server.</summary>
    public KestrelServerOptions? Options
    {
        get => _options;
        set => _options = value;
    }
}
