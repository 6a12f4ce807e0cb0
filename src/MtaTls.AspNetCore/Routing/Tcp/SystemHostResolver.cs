using System.Net;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;

namespace MtaTls.AspNetCore.Routing;

/// <summary>
/// The system's resolver, with its hosts file and search domains. A lookup takes a thread until it ends, even if no caller waits for it any more. The thread does not belong to
/// the thread pool, so names that never resolve delay nothing else. A limit per client address keeps one client's lookups from delaying those of others.
/// </summary>
internal sealed class SystemHostResolver(IOptions<MtaTlsOptions> options, LimitReports limits) : IHostResolver, IDisposable
{
    private readonly MtaTlsTcpOptions _options = options.Value.Tcp;
    private readonly SemaphoreSlim _lookups = new(options.Value.Tcp.MaxLookups);

    /// <summary>Asks the system. Tests replace it.</summary>
    internal Func<string, Task<IPAddress[]>> LookUp { get; init; } = LookUpOnDedicatedThread;

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

    // Dns.GetHostAddressesAsync would block a thread of the thread pool.
#pragma warning disable RS0030 // A blocking call, on a thread of its own.
    private static Task<IPAddress[]> LookUpOnDedicatedThread(string name) =>
        Task.Factory.StartNew(static n => Dns.GetHostAddresses((string)n!), name, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
#pragma warning restore RS0030

    private async ValueTask EnterAsync(SemaphoreSlim lookups, string limit, CancellationToken cancellationToken)
    {
#pragma warning disable VSTHRD103 // With a timeout of 0 it does not wait.
        bool hasRoom = lookups.Wait(0, CancellationToken.None);
#pragma warning restore VSTHRD103
        if (!hasRoom)
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
