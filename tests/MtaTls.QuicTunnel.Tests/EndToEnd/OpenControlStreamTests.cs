using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MtaTls.Quic;
using MtaTls.Quic.Tests.Support;
using MtaTls.QuicTunnel.Control;
using MtaTls.QuicTunnel.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.EndToEnd;

/// <summary>Tests with a concentrator that never closes its control stream, as section 4.1 of the draft can also be read.</summary>
public sealed class OpenControlStreamTests : IQuicConnectionHandler
{
    private readonly List<IQuicConnection> _connections = [];
    private ulong? _refusal;
    private TlvType _answer = TlvType.SessionId;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_join_succeeds_at_a_concentrator_that_keeps_its_control_stream_open_unless_it_refuses(bool refuses)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        _refusal = refuses ? (ulong)QuicTunnelError.ConflictingState : null;
        await using IQuicEngine engine = QuicEngine.Create(NullLoggerFactory.Instance);
        var options = new QuicListenerOptions { ApplicationProtocols = TunnelProtocol.ApplicationProtocols, Certificate = TestCertificates.Instance.Server };
        options.EndPoints.Add(new IPEndPoint(IPAddress.Loopback, 0));
        await using IQuicListener listener = engine.Listen(options, _ => this);
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = host.CreateClient(
            static options =>
            {
                options.LocalAddresses.Add("127.0.0.1");
                options.LocalAddresses.Add("127.0.0.2");
            },
            to: listener.LocalEndPoints[0]);
        client.Start();
        await client.WaitForSessionAsync().WaitAsync(Wait.Timeout);
        if (refuses)
        {
            await Wait.UntilAsync(() => host.Logs.Entries.Any(static entry => entry.Event == "ClientJoinRefused"), "not refused");
            Assert.Single(client.Paths);
        }
        else
        {
            await Wait.UntilAsync(() => client.Paths.Count == 2, "the second connection did not join");
        }
    }

    [Fact]
    public async Task A_concentrator_that_breaks_the_protocol_is_an_error_that_names_it_and_the_rule()
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        _answer = TlvType.JoinSession;
        await using IQuicEngine engine = QuicEngine.Create(NullLoggerFactory.Instance);
        var options = new QuicListenerOptions { ApplicationProtocols = TunnelProtocol.ApplicationProtocols, Certificate = TestCertificates.Instance.Server };
        options.EndPoints.Add(new IPEndPoint(IPAddress.Loopback, 0));
        await using IQuicListener listener = engine.Listen(options, _ => this);
        await using TunnelHost host = await TunnelHost.StartAsync();
        await using QuicTunnelClient client = host.CreateClient(to: listener.LocalEndPoints[0]);
        client.Start();
        await Wait.UntilAsync(() => host.Logs.Entries.Any(static entry => entry.Event == "ConcentratorViolation"), "nothing was said");
        string message = host.Logs.Entries.First(static entry => entry is { Level: LogLevel.Error, Event: "ConcentratorViolation" }).Message;
        Assert.Contains(listener.LocalEndPoints[0].ToString(), message, StringComparison.Ordinal);
        Assert.Contains("TLV type 0x03", message, StringComparison.Ordinal);
    }

    void IQuicConnectionHandler.OnConnected(IQuicConnection connection)
    {
        lock (_connections)
        {
            _connections.Add(connection);
        }
    }

    void IQuicConnectionHandler.OnStreamData(IQuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (data.IsEmpty)
        {
            return;
        }

        long stream = connection.OpenUnidirectionalStream();
        if (data[0] == (byte)TlvType.NewSession)
        {
            connection.SendStream(stream, Tlv.Encode(_answer, "a session of sixteen"u8), fin: false);
        }
        else if (_refusal is { } code)
        {
            connection.ResetStream(stream, code);
        }
    }

    void IQuicConnectionHandler.OnStreamReset(IQuicConnection connection, long streamId, ulong errorCode)
    {
    }

    void IQuicConnectionHandler.OnDatagram(IQuicConnection connection, ReadOnlySpan<byte> data)
    {
    }

    void IQuicConnectionHandler.OnClosed(IQuicConnection connection, QuicCloseReason reason)
    {
    }
}
