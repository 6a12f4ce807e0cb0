using System.Net;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.Tests.Routing;

public class ChannelRouteTableTests
{
    [Fact]
    public void The_first_match_decides()
    {
        ChannelRouteTable table = Create(
            new() { Name = "one", Hosts = { "db.internal" }, Ports = { "5432" }, Action = ChannelRouteAction.Reject },
            new() { Name = "two", Hosts = { "*.internal" }, Action = ChannelRouteAction.Tcp, AllowAnonymous = true },
            new() { Name = "three" });
        Assert.Equal("one", Find(table, "DB.internal.", 5432));
        Assert.Equal("two", Find(table, "db.internal", 5433));
        Assert.Equal("three", Find(table, "db.example", 5432));
    }

    [Fact]
    public void A_route_for_an_endpoint_matches_only_that_endpoint()
    {
        ChannelRouteTable table = Create(new ChannelRouteOptions { Name = "public", Endpoints = { "Public", "Other" }, Action = ChannelRouteAction.Reject });
        Assert.Equal("public", Find(table, "a.internal", 80, "public"));
        Assert.Null(Find(table, "a.internal", 80, "Private"));
        Assert.Null(Find(table, "a.internal", 80));
    }

    [Fact]
    public void A_route_with_a_certificate_condition_is_not_for_clients_without_one()
    {
        ChannelRouteTable table = Create(new ChannelRouteOptions { Name = "x", ClientCertificate = new() { Thumbprints = { new string('a', 64) } }, Action = ChannelRouteAction.Tcp });
        Assert.Null(Find(table, "a.internal", 80));
    }

    [Fact]
    public void Every_error_of_every_route_is_reported_and_names_its_key()
    {
        var errors = new List<string>();
        ChannelRouteTable.Create(
            [
                new() { Hosts = { "ok.internal", "not ok" }, Ports = { "0" }, Endpoints = { "E" } },
                new() { Action = ChannelRouteAction.Tcp, Upstream = "nowhere", AllowedNetworks = { "10.0.0.1/8" } },
                new() { Action = ChannelRouteAction.Http, Upstream = "a:1", AllowedNetworks = { "10.0.0.0/8" }, AllowAnonymous = true },
                new() { Name = "0", Action = (ChannelRouteAction)9, ClientCertificate = new() },
            ],
            errors);
        string[] keys =
        [
            "MtaTls:Channels:0:Hosts:1", "MtaTls:Channels:0:Ports:0",
            "MtaTls:Channels:1:AllowedNetworks:0", "MtaTls:Channels:1", "MtaTls:Channels:1:Upstream",
            "MtaTls:Channels:2:Upstream", "MtaTls:Channels:2:AllowedNetworks", "MtaTls:Channels:2:AllowAnonymous",
            "MtaTls:Channels:3:ClientCertificate", "MtaTls:Channels:3:Action", "MtaTls:Channels:3:Upstream", "MtaTls:Channels:3:Name",
        ];
        Assert.Equal(keys.Except(["MtaTls:Channels:3:Upstream"]), errors.Select(e => e[..e.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("127.0.0.1:6379", "127.0.0.1", true)]
    [InlineData("[::1]:6379", "::1", true)]
    [InlineData("127.0.0.1:6379", "127.0.0.2", false)]
    [InlineData("localhost:6379", "127.0.0.1", false)]
    public void An_upstream_names_its_address_but_not_what_a_name_resolves_to(string upstream, string address, bool names)
    {
        ChannelRoute route = Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Upstream = upstream });
        Assert.Equal(names, route.Names(IPAddress.Parse(address)));
    }

    [Fact]
    public void Hosts_and_allowed_networks_name_addresses()
    {
        ChannelRoute route = Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Hosts = { "*", "10.1.0.0/16", "192.168.0.9" }, AllowedNetworks = { "fd00::/8", "172.16.0.1" } });
        foreach (string named in new[] { "10.1.2.3", "192.168.0.9", "fd12::1", "172.16.0.1" })
        {
            Assert.True(route.Names(IPAddress.Parse(named)), named);
        }

        foreach (string other in new[] { "10.2.2.3", "192.168.0.8", "fe80::1", "172.16.0.2", "127.0.0.1" })
        {
            Assert.False(route.Names(IPAddress.Parse(other)), other);
        }
    }

    [Fact]
    public void A_listener_of_the_server_is_named_only_by_its_address_and_port()
    {
        IPAddress loopback = IPAddress.Loopback;
        Assert.True(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Upstream = "127.0.0.1:80" }).NamesExactly(loopback, 80));
        Assert.False(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Upstream = "127.0.0.1:81" }).NamesExactly(loopback, 80));
        Assert.True(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Hosts = { "127.0.0.1" }, Ports = { "80" } }).NamesExactly(loopback, 80));
        Assert.False(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Hosts = { "127.0.0.1" } }).NamesExactly(loopback, 80));
        Assert.False(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, Hosts = { "127.0.0.0/8" }, Ports = { "80" } }).NamesExactly(loopback, 80));
        Assert.False(Route(new() { Action = ChannelRouteAction.Tcp, AllowAnonymous = true, AllowedNetworks = { "127.0.0.1" }, Ports = { "80" } }).NamesExactly(loopback, 80));
    }

    private static string? Find(ChannelRouteTable table, string host, int port, string? endpoint = null)
    {
        Assert.True(ChannelHost.TryParse(host, out ChannelHost parsed));
        return table.Find(parsed, port, endpoint, null)?.Name;
    }

    private static ChannelRoute Route(ChannelRouteOptions options)
    {
        var errors = new List<string>();
        var route = new ChannelRoute(options, "K", "0", errors);
        Assert.Empty(errors);
        return route;
    }

    private static ChannelRouteTable Create(params ChannelRouteOptions[] options)
    {
        var errors = new List<string>();
        var table = ChannelRouteTable.Create(options, errors);
        Assert.Empty(errors);
        return table;
    }
}
