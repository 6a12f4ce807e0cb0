using System.Net;
using MtaTls.QuicTunnel.Packets;
using MtaTls.QuicTunnel.Sessions;

namespace MtaTls.QuicTunnel.Tests.Sessions;

public sealed class AddressPlanTests
{
    private readonly AddressPlan _plan;

    public AddressPlanTests()
    {
        var addresses = new TunnelAddressOptions();
        addresses.Identities["CN=laptop-1"] = ["10.99.0.2", "fd99::2"];
        addresses.Pool.Add("10.99.0.0/24");
        addresses.Pool.Add("10.99.1.64/26");
        addresses.Pool.Add("fd99::/64");
        var @interface = new TunnelInterfaceOptions();
        @interface.Addresses.Add("10.99.0.1/23");
        @interface.Addresses.Add("fd99::1/64");
        _plan = new AddressPlan(addresses, @interface);
    }

    [Theory]
    [InlineData("10.99.0.3", true)]
    [InlineData("10.99.1.100", true)]
    [InlineData("fd99::3", true)]
    [InlineData("10.99.0.1", false)] // the concentrator's own addresses
    [InlineData("fd99::1", false)]
    [InlineData("10.99.0.2", false)] // addresses of an identity
    [InlineData("fd99::2", false)]
    [InlineData("10.99.0.0", false)] // network addresses
    [InlineData("10.99.1.64", false)]
    [InlineData("fd99::", false)]
    [InlineData("10.99.1.255", false)] // broadcast addresses
    [InlineData("10.99.0.255", false)]
    [InlineData("10.99.1.127", false)]
    [InlineData("10.99.1.3", false)] // outside of the pool
    [InlineData("fd99:1::3", false)]
    [InlineData("224.0.0.1", false)]
    public void The_pool_excludes_reserved_addresses(string address, bool expected) =>
        Assert.Equal(expected, _plan.IsInPool(IpHeader.ToUInt128(IPAddress.Parse(address))));
}
