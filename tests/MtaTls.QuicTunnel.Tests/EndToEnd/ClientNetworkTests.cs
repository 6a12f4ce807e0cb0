using System.Net;
using System.Net.Sockets;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Client;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>How the client reacts to changes of the host's interfaces.</summary>
public sealed class ClientNetworkTests
{
    [Fact]
    public async Task The_failure_and_return_of_an_access_network_are_reported_over_the_other_path()
    {
        await using TunnelHost host = await TunnelHost.StartAsync(options => options.Scheduler = TunnelScheduler.ActiveBackup);
        var network = new FakeNetwork();
        await using QuicTunnelClient client = await host.ConnectAsync(
            options =>
            {
                options.LocalAddresses.Add("127.0.0.1");
                options.LocalAddresses.Add("127.0.0.2");
                options.AccessNetworks["127.0.0.1"] = AccessNetwork.Gpp;
                options.AccessNetworks["127.0.0.2"] = AccessNetwork.NonGpp;
            },
            network);
        await Wait.UntilAsync(() => StateOf(AccessNetwork.Gpp) == TunnelPathState.Active && StateOf(AccessNetwork.NonGpp) == TunnelPathState.Active, "not reported");
        network.Lose("127.0.0.1");
        await Wait.UntilAsync(() => StateOf(AccessNetwork.Gpp) == TunnelPathState.Unavailable, "the loss was not reported");
        Assert.Equal(TunnelPathState.Active, StateOf(AccessNetwork.NonGpp));
        Assert.Equal(TunnelPathState.Unavailable, client.Paths.Single(path => path.LocalEndPoint.Address.ToString() == "127.0.0.1").State);
        network.Regain("127.0.0.1");
        await Wait.UntilAsync(() => StateOf(AccessNetwork.Gpp) == TunnelPathState.Active, "the return was not reported");

        TunnelPathState? StateOf(AccessNetwork access) =>
            host.Sessions.List().SelectMany(session => session.Paths).FirstOrDefault(path => path.Access == access)?.State;
    }

    [Fact]
    public async Task The_client_waits_for_a_missing_local_address()
    {
        await using TunnelHost host = await TunnelHost.StartAsync();
        var network = new FakeNetwork();
        network.Lose("127.0.0.2");
        await using QuicTunnelClient client = host.CreateClient(
            options =>
            {
                options.LocalAddresses.Add("127.0.0.2");
                options.Reconnect.InitialDelay = options.Reconnect.MaxDelay = TimeSpan.FromHours(1); // only the change can end the delay
            },
            network);
        client.Start();
        await Wait.UntilAsync(() => host.Logs.Entries.Any(entry => entry.Event == "AddressNotThere"), "it did not look");
        Assert.Null(client.SessionName);
        network.Regain("127.0.0.2");
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
    }

    // Two links of one session that reach only another concentrator than the session's replace each other.
    [Fact]
    public void A_link_whose_connection_was_replaced_waits_longer_and_longer()
    {
        var backoff = new Backoff(new TunnelReconnectOptions { InitialDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(5), Jitter = 0 }, Random.Shared);
        var replaced = new QuicCloseReason(QuicCloseKind.Application, IsRemote: true, (ulong)QuicTunnelError.LimitExceeded);
        Assert.Equal([1, 2, 4, 5], Enumerable.Range(0, 4).Select(_ =>
        {
            backoff.OnServed(replaced);
            return (int)backoff.Next().TotalSeconds;
        }));
        foreach (QuicCloseReason other in (QuicCloseReason[])[new(QuicCloseKind.IdleTimeout, IsRemote: false), replaced with { IsRemote = false }, replaced with { ErrorCode = 0 }])
        {
            backoff.OnServed(other);
            Assert.Equal(1, backoff.Next().TotalSeconds);
        }
    }

    [Fact]
    public void Reconnect_delays_double_up_to_the_limit_and_are_partly_random()
    {
        var backoff = new Backoff(new TunnelReconnectOptions { InitialDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(5) }, new Random(3));
        foreach (int due in new[] { 1, 2, 4, 5, 5 })
        {
            Assert.InRange(backoff.Next().TotalSeconds, due / 2.0, due);
        }

        backoff.OnServed(new QuicCloseReason(QuicCloseKind.IdleTimeout, IsRemote: false));
        Assert.InRange(backoff.Next().TotalSeconds, 0.5, 1);
        Assert.NotEqual(backoff.Next(), new Backoff(new TunnelReconnectOptions { InitialDelay = TimeSpan.FromSeconds(2), MaxDelay = TimeSpan.FromSeconds(5) }, new Random(4)).Next());
    }

    private sealed class FakeNetwork : INetworkMonitor
    {
        private readonly HashSet<string> _lost = [];

        public event Action? Changed;

        public bool HasAddress(IPAddress address)
        {
            lock (_lost)
            {
                return !_lost.Contains(address.ToString());
            }
        }

        public bool HasAddress(IPAddress address, string interfaceName) => true;

        public IPAddress? FindAddress(string interfaceName, AddressFamily family) => null;

        public IPAddress? FindSource(IPAddress destination) => null;

        public void Lose(string address)
        {
            lock (_lost)
            {
                _lost.Add(address);
            }

            Changed?.Invoke();
        }

        public void Regain(string address)
        {
            lock (_lost)
            {
                _lost.Remove(address);
            }

            Changed?.Invoke();
        }

        public void Dispose()
        {
        }
    }
}
