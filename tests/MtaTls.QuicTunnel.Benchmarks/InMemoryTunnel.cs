using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MtaTls.QuicTunnel.Concentrator;
using QuicTunnelSample;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Starts a concentrator with packets in memory.</summary>
internal static class InMemoryTunnel
{
    public static async Task<IHost> StartAsync(string directory)
    {
        SampleCertificates.Write(directory);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.AddQuicTunnel(options =>
        {
            options.Listen.Add("127.0.0.1:0");
            options.Certificate.Path = Path.Combine(directory, "concentrator.pem");
            options.Certificate.KeyPath = Path.Combine(directory, "concentrator.key");
            options.Authentication.Mode = TunnelAuthenticationMode.Anonymous;
            options.Interface.Kind = TunnelInterfaceKind.InMemory;
            options.Interface.Addresses.Add("10.99.0.1/16");
            options.Addresses.Pool.Add("10.99.0.0/16");
            options.Sessions.IdleTimeout = TimeSpan.FromMinutes(10);
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    public static int PortOf(IHost host) => host.Services.GetRequiredService<TunnelConcentrator>().EndPoints[0].Port;
}
