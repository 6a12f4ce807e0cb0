using System.Net;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// The system's own resolver: hosts file, search domains and all. A lookup holds a thread of the pool until it ends, whoever still waits for it: names that
/// never resolve must not hold them all, nor those of one client keep the others' waiting.
/// </summary>
internal sealed class SystemHostResolver(IOptions<MtaTlsOptions> options, LimitReports limits) : IHostResolver, IDisposable
{
    private readonly MtaTlsTcpOptions _options = options.Value.Tcp;
    private readonly SemaphoreSlim _lookups = new(options.Value.Tcp.MaxLookups);

    /// <summary>Asks the system; another in tests.</summary>
    internal Func<string, Task<IPAddress[]>> LookUp { get; init; } = Dns.GetHostAddressesAsync;

    public async Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken)
    {
        SemaphoreSlim own = client.Lookups(_options.MaxLookupsPerAddress);
        await EnterAsync(own, nameof(MtaTlsTcpOptions.MaxLookupsPerAddress), cancellationToken);
        try
        {
            await EnterAsync(_lookups, nameof(MtaTlsTcpOptions.MaxLookups), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            own.Release();
            throw;
        }

        return await LookUpAsync(name, client, own).WaitAsync(cancellationToken);
    }

    public void Dispose() => _lookups.Dispose();

    private async ValueTask EnterAsync(SemaphoreSlim lookups, string limit, CancellationToken cancellationToken)
    {
        if (!lookups.Wait(0, CancellationToken.None))
        {
            limits.Exceeded($"{nameof(MtaTlsOptions.Tcp)}:{limit}", "lookups wait");
            await lookups.WaitAsync(cancellationToken);
        }
    }

    private async Task<IPAddress[]> LookUpAsync(string name, ClientAddress client, SemaphoreSlim own)
    {
        client.Hold();
        try
        {
            return await LookUp(name);
        }
        finally
        {
            _lookups.Release();
            own.Release();
            client.Drop();
        }
    }
}
