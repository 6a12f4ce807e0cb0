using System.Net;

namespace MtaTls.AspNetCore.Routing;

/// <summary>The system's own resolver: hosts file, search domains and all.</summary>
internal sealed class SystemHostResolver : IHostResolver, IDisposable
{
    /// <summary>A lookup holds a thread of the pool until it ends, whoever still waits for it; names that never resolve must not hold them all.</summary>
    private const int MaxLookups = 16;

    private readonly SemaphoreSlim _lookups = new(MaxLookups);

    public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        await _lookups.WaitAsync(cancellationToken);
        return await LookUpAsync(name).WaitAsync(cancellationToken);
    }

    public void Dispose() => _lookups.Dispose();

    private async Task<IPAddress[]> LookUpAsync(string name)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(name);
        }
        finally
        {
            _lookups.Release();
        }
    }
}
