using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Tests.Routing;

public sealed class TcpConnectorTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Resolver _resolver = new();
    private readonly ClientAddress _client = new(new MtaTlsLimits(), new MtaTlsReceiveBudget(1 << 20), new MtaTlsSendBudget(1 << 20));

    public TcpConnectorTests() => _listener.Start();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Every_resolved_address_is_checked_and_only_permitted_ones_are_used()
    {
        _resolver.Addresses = [IPAddress.Parse("127.0.0.2"), IPAddress.Parse("::ffff:127.0.0.3"), IPAddress.Loopback];
        var asked = new List<IPAddress>();
        using Socket socket = await ConnectAsync("db.internal", a =>
        {
            asked.Add(a);
            return a.Equals(IPAddress.Loopback);
        });
        Assert.Equal(["127.0.0.2", "127.0.0.3", "127.0.0.1"], asked.Select(a => a.ToString()));
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, Port), socket.RemoteEndPoint);
    }

    [Fact]
    public async Task The_name_is_resolved_once_so_that_it_cannot_change_after_the_check()
    {
        _resolver.Addresses = [IPAddress.Loopback];
        using Socket socket = await ConnectAsync("rebind.example", _ => true);
        Assert.Equal(1, _resolver.Calls);
    }

    [Fact]
    public async Task Without_a_permitted_address_there_is_no_connection()
    {
        _resolver.Addresses = [IPAddress.Loopback, IPAddress.IPv6Loopback];
        TcpConnectException error = await Assert.ThrowsAsync<TcpConnectException>(() => ConnectAsync("db.internal", _ => false));
        Assert.Contains("127.0.0.1, ::1", error.Message, StringComparison.Ordinal);
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task The_system_resolver_and_its_answers_are_checked_too()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using SystemHostResolver resolver = SystemHostResolverTests.Create(services);
        Assert.True(ChannelHost.TryParse("localhost", out ChannelHost host));
        TcpConnectException error = await Assert.ThrowsAsync<TcpConnectException>(() =>
            new TcpConnector(resolver, TimeProvider.System).ConnectAsync(_client, host, Port, a => SpecialAddresses.Classify(a) == AddressClass.Public, s_timeout, default));
        Assert.Contains("127.0.0.1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_refuses_does_not_delay_the_next_one()
    {
        // 127.0.0.2 has no listener at this port.
        _resolver.Addresses = [IPAddress.Parse("127.0.0.2"), IPAddress.Loopback];
        using Socket socket = await ConnectAsync("db.internal", _ => true);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, Port), socket.RemoteEndPoint);
    }

    [Fact]
    public async Task An_address_that_never_answers_does_not_delay_the_next_one()
    {
        // A full backlog drops further connections, so the connect hangs without leaving this machine.
        using var silent = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.IPv6Loopback, Port));
        silent.Listen(0);
        var fillers = Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp)).ToList();
        var filling = fillers.Select(f => f.ConnectAsync(IPAddress.IPv6Loopback, Port)).ToList();
        try
        {
            while (!filling.Any(f => f.IsCompleted))
            {
                await Task.Yield();
            }

            _resolver.Addresses = [IPAddress.IPv6Loopback, IPAddress.Loopback];
            using Socket socket = await ConnectAsync("db.internal", _ => true);
            Assert.Equal(new IPEndPoint(IPAddress.Loopback, Port), socket.RemoteEndPoint);
        }
        finally
        {
            fillers.ForEach(f => f.Dispose());
            await Task.WhenAll(filling.Select(f => f.ContinueWith(t => t.Exception, TaskScheduler.Default)));
        }
    }

    [Fact]
    public async Task The_timeout_covers_the_name()
    {
        _resolver.Never = true;
        TcpConnectException error = await Assert.ThrowsAsync<TcpConnectException>(() => ConnectAsync("slow.example", _ => true, TimeSpan.FromMilliseconds(50)));
        Assert.Contains("no connection within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_callers_cancellation_is_not_a_timeout()
    {
        _resolver.Never = true;
        using var cancel = new CancellationTokenSource();
        Assert.True(ChannelHost.TryParse("slow.example", out ChannelHost host));
        Task<Socket> connect = new TcpConnector(_resolver, TimeProvider.System).ConnectAsync(_client, host, Port, _ => true, s_timeout, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connect);
    }

    [Fact]
    public async Task A_refused_connection_is_an_error_that_names_the_cause()
    {
        _listener.Stop();
        _resolver.Addresses = [IPAddress.Loopback];
        // Bound, so that nobody else listens there.
        using Socket closed = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        TcpConnectException error = await Assert.ThrowsAsync<TcpConnectException>(() => ConnectAsync("db.internal", _ => true, port: ((IPEndPoint)closed.LocalEndPoint!).Port));
        Assert.Contains("ConnectionRefused", error.Message, StringComparison.Ordinal);
    }

    private Task<Socket> ConnectAsync(string name, Func<IPAddress, bool> isPermitted, TimeSpan? timeout = null, int? port = null)
    {
        Assert.True(ChannelHost.TryParse(name, out ChannelHost host));
        return new TcpConnector(_resolver, TimeProvider.System).ConnectAsync(_client, host, port ?? Port, isPermitted, timeout ?? s_timeout, default);
    }

    private sealed class Resolver : IHostResolver
    {
        public IPAddress[] Addresses { get; set; } = [];

        public bool Never { get; set; }

        public int Calls { get; private set; }

        public async Task<IPAddress[]> ResolveAsync(string name, ClientAddress client, CancellationToken cancellationToken)
        {
            Calls++;
            if (Never)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return Addresses;
        }
    }
}
