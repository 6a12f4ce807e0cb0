using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>Requests of public clients and operators to a gateway process.</summary>
internal static class PublicClient
{
    public const string Plant7Host = "plant7.example.test";

    /// <summary>Creates a client that connects to the gateway for every host.</summary>
    public static HttpClient Create(HostProcess gateway, string host = Plant7Host, string address = "127.0.0.1", Version? version = null)
    {
        return new HttpClient(Handler(gateway, address))
        {
            BaseAddress = new Uri($"https://{host}:{gateway.Port}/"),
            DefaultRequestVersion = version ?? HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Wait.LongTimeout,
        };
    }

    public static SocketsHttpHandler Handler(HostProcess gateway, string address = "127.0.0.1") => new()
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(TestCertificates.Server) },
        ConnectCallback = async (_, token) =>
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Parse(address), gateway.Port, token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    /// <summary>Waits until the gateway has exactly these agents, each with this many sessions.</summary>
    public static async Task AgentsAsync(this HostProcess gateway, string[] agents, int sessions = 2, string address = "127.0.0.1")
    {
        using HttpClient client = Create(gateway, "localhost", address);
        string[] expected = [.. agents.SelectMany(a => Enumerable.Repeat(a, sessions)).Order(StringComparer.Ordinal)], found = [];
        using CancellationTokenSource hang = new(Wait.Timeout);
        while (!found.SequenceEqual(expected))
        {
            Assert.False(hang.IsCancellationRequested, $"{string.Join(' ', found)}\n{gateway.Log}");
            await Task.Delay(20);
            Registration[] list = await client.GetFromJsonAsync<Registration[]>("/admin/agents").Soon() ?? [];
            found = [.. list.Where(static r => !r.IsDraining).Select(static r => r.Agent).Order(StringComparer.Ordinal)];
        }
    }

    private sealed record Registration(string Agent, bool IsDraining);
}
