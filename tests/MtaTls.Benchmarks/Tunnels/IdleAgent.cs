using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MtaTls.Client;
using MtaTls.Client.Sessions;
using MtaTls.Protocol;
using MtaTls.Tls;

namespace MtaTls.Benchmarks.Tunnels;

/// <summary>An agent that registers, accepts the gateway's channels, and sends nothing. It uses few resources, so that thousands of agents on the gateway's machine do not distort its measurement.</summary>
internal sealed class IdleAgent : IAsyncDisposable
{
    private readonly SocketPipes _pipes;
    private readonly MtaTlsSession _session;

    private IdleAgent(SocketPipes pipes, MtaTlsSession session) => (_pipes, _session) = (pipes, session);

    /// <summary>Connects and registers.</summary>
    /// <param name="gateway">The gateway.</param>
    /// <param name="context">The TLS context that all agents share, with the certificate and the authority.</param>
    /// <param name="agent">The agent's name, and the first label of the host name that it serves.</param>
    /// <param name="domain">The other labels of the host name.</param>
    /// <param name="ct">Ends the attempt.</param>
    public static async Task<IdleAgent> RegisterAsync(IPEndPoint gateway, TlsClientContext context, string agent, string domain, CancellationToken ct)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(gateway, ct);
        SocketPipes pipes = new(
            new NetworkStream(socket, ownsSocket: true), new DnsEndPoint("127.0.0.1", gateway.Port), new KeepAliveKey(false, true, TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(60)));
        TlsConnection tls = await TlsConnection.ConnectAsync(pipes, context, ct);
        IdleAgent idle = new(pipes, MtaTlsSession.Start(tls, new MtaTlsSessionOptions { Role = MtaTlsRole.Client, ChannelRequested = static request => request.Accept() }));
        MtaTlsChannel channel = await idle._session.OpenChannelAsync(default, new ChannelAddress("localhost", gateway.Port), ct);
        string json = $$"""{ "agent": "{{agent}}", "instance": "{{agent}}", "names": [ "{{agent}}.{{domain}}" ] }""";
        string request = $"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost:{gateway.Port}\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}";
        await channel.Output.WriteAsync(Encoding.ASCII.GetBytes(request), ct);
        while (true)
        {
            ReadResult result = await channel.Input.ReadAsync(ct);
            string answer = Encoding.ASCII.GetString(result.Buffer.ToArray());
            if (answer.Contains("event: registered", StringComparison.Ordinal))
            {
                channel.Input.AdvanceTo(result.Buffer.End);
                return idle;
            }

            if (result.IsCompleted || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 5", StringComparison.Ordinal))
            {
                throw new IOException($"{agent} was not registered: {answer}");
            }

            channel.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _session.Abort();
        await _session.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _pipes.DisposeAsync();
    }
}
