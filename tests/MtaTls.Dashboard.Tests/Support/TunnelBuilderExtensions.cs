using System.Globalization;
using Microsoft.Extensions.Hosting;
using MtaTls.QuicTunnel;

namespace MtaTls.Dashboard.Tests.Support;

/// <summary>Makes an application a concentrator, with packets in memory.</summary>
internal static class TunnelBuilderExtensions
{
    public static void AddTunnel(this IHostApplicationBuilder builder, int port, string authority) => builder.AddQuicTunnel(options =>
    {
        options.Listen.Add(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"));
        options.Certificate.Certificate = TestCertificates.Server;
        options.Authentication.AuthorityPath = authority;
        options.Interface.Kind = TunnelInterfaceKind.InMemory;
        options.Interface.Addresses.Add("10.99.0.1/24");
        options.Addresses.Pool.Add("10.99.0.64/26");
    });
}
