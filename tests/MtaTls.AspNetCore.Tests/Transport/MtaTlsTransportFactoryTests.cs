using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.Tests.Transport;

/// <summary>The endpoints and applications that use MtaTlsTransportFactory.</summary>
public sealed class MtaTlsTransportFactoryTests
{
    [Fact]
    public void It_is_asked_before_Kestrels_socket_transport_whatever_else_is_called()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTls();
        builder.WebHost.UseSockets();
        builder.WebHost.UseMtaTls();
        builder.WebHost.UseKestrel();
        Assert.Equal([typeof(SocketTransportFactory), typeof(MtaTlsTransportFactory)], Factories(builder.Services));
    }

    [Fact]
    public void Other_endpoints_keep_Kestrels_transport_if_UseMtaTls_is_called_first()
    {
        ServiceCollection services = new();
        services.AddMtaTlsCore();
        services.AddMtaTlsCore();
        Assert.Equal([typeof(SocketTransportFactory), typeof(MtaTlsTransportFactory)], Factories(services));
    }

    [Fact]
    public void A_transport_of_the_application_is_not_replaced()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton<IConnectionListenerFactory, OwnTransport>();
        builder.WebHost.UseMtaTls();
        Assert.DoesNotContain(typeof(MtaTlsTransportFactory), Factories(builder.Services));
    }

    [Fact]
    public void Endpoints_are_IP_endpoints_and_localhost_is_one_of_either_family()
    {
        DirectEndPoints endPoints = new();
        endPoints.Add(new IPEndPoint(IPAddress.Any, 1));
        endPoints.Add(new IPEndPoint(IPAddress.Any, 1));
        endPoints.Add(new IPEndPoint(IPAddress.Loopback, 2));
        endPoints.Add(new DnsEndPoint("localhost", 3));
        Assert.True(endPoints.Contains(new IPEndPoint(IPAddress.Any, 1)));
        Assert.False(endPoints.Contains(new IPEndPoint(IPAddress.Any, 2)));
        Assert.True(endPoints.Contains(new IPEndPoint(IPAddress.Loopback, 2)));
        Assert.True(endPoints.Contains(new IPEndPoint(IPAddress.IPv6Loopback, 2)));
        Assert.False(endPoints.Contains(new DnsEndPoint("localhost", 3)));
    }

    private static IEnumerable<Type?> Factories(IServiceCollection services) =>
        services.Where(static s => s.ServiceType == typeof(IConnectionListenerFactory)).Select(static s => s.ImplementationType);

    private sealed class OwnTransport : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
