using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Transport;

namespace MtaTls.AspNetCore.Tests.Transport;

/// <summary>Which endpoints get it, and in which applications.</summary>
public sealed class MtaTlsTransportFactoryTests
{
    [Fact]
    public void It_is_asked_before_Kestrels_sockets_whatever_else_is_called()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.WebHost.UseMtaTls();
        builder.WebHost.UseSockets();
        builder.WebHost.UseMtaTls();
        builder.WebHost.UseKestrel();
        Assert.Equal([typeof(SocketTransportFactory), typeof(MtaTlsTransportFactory)], Factories(builder.Services));
    }

    [Fact]
    public void Kestrels_own_stays_for_other_endpoints_where_UseMtaTls_comes_first()
    {
        ServiceCollection services = new();
        services.AddMtaTlsCore();
        services.AddMtaTlsCore();
        Assert.Equal([typeof(SocketTransportFactory), typeof(MtaTlsTransportFactory)], Factories(services));
    }

    [Fact]
    public void A_transport_of_the_applications_own_is_left_alone()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton<IConnectionListenerFactory, OwnTransport>();
        builder.WebHost.UseMtaTls();
        Assert.DoesNotContain(typeof(MtaTlsTransportFactory), Factories(builder.Services));
    }

    [Fact]
    public void Endpoints_are_told_apart_by_identity_and_are_IP_endpoints()
    {
        DirectEndPoints endPoints = new();
        IPEndPoint one = new(IPAddress.Loopback, 0), other = new(IPAddress.Loopback, 0);
        DnsEndPoint name = new("localhost", 0);
        endPoints.Add(one);
        endPoints.Add(one);
        endPoints.Add(name);
        Assert.True(endPoints.Contains(one));
        Assert.False(endPoints.Contains(other));
        Assert.False(endPoints.Contains(name));
    }

    private static IEnumerable<Type?> Factories(IServiceCollection services) =>
        services.Where(static s => s.ServiceType == typeof(IConnectionListenerFactory)).Select(static s => s.ImplementationType);

    private sealed class OwnTransport : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
