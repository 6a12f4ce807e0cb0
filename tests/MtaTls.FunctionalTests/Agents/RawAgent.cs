using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Agents;

/// <summary>An agent without MtaTls.Agent: it writes HTTP/1.1 as text on a channel, and the test answers the channels that the gateway opens.</summary>
internal sealed partial class RawAgent : IAsyncDisposable
{
    private readonly RawClient _client;
    private readonly HttpChannel _registration;

    private RawAgent(RawClient client, HttpChannel registration, int status, string body)
    {
        _client = client;
        _registration = registration;
        Status = status;
        Body = body;
    }

    public MtaTlsSession Session => _client.Session;

    /// <summary>The status of the registration's answer.</summary>
    public int Status { get; }

    /// <summary>The first event, or the problem details.</summary>
    public string Body { get; }

    public string Id => IdPattern().Match(Body).Groups[1].Value;

    public static async Task<RawAgent> RegisterAsync(
        int gateway, string[] names, Action<MtaTlsChannelRequest> requested, X509Certificate2? certificate = null, string instance = "i1", string agent = "raw")
    {
        RawClient client = await RawClient.ConnectAsync(
            gateway, tls => tls.ClientCertificate = certificate ?? TestCertificates.Client, new MtaTlsSessionOptions { Role = MtaTlsRole.Client, ChannelRequested = requested });
        HttpChannel channel = await client.OpenAsync("localhost", gateway);
        string json = $$"""{ "agent": "{{agent}}", "instance": "{{instance}}", "names": {{JsonSerializer.Serialize(names)}} }""";
        await channel.SendAsync($"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost:{gateway}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(json)}\r\n\r\n{json}");
        string head = (await channel.ReadResponseHeadAsync())!;
        int status = int.Parse(head.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        string body = "";
        bool isEmpty = head.Contains("Content-Length: 0\r\n", StringComparison.Ordinal);
        while (!isEmpty && (!body.Contains('}', StringComparison.Ordinal) || (status == 200 && !body.Contains("\n\n", StringComparison.Ordinal))))
        {
            body += Encoding.UTF8.GetString(await channel.ReadAsync(1));
        }

        return new RawAgent(client, channel, status, body);
    }

    /// <summary>Reads the next event of the registration, with its chunk framing.</summary>
    public async Task<string> ReadEventAsync()
    {
        string text = "";
        while (!text.Contains("event: ", StringComparison.Ordinal) || !text.EndsWith("\n\n", StringComparison.Ordinal))
        {
            text += Encoding.UTF8.GetString(await _registration.ReadAsync(1));
        }

        return text;
    }

    /// <summary>Sends a request about a registration on this agent's session.</summary>
    public Task<int> SendAsync(string method, string id, string json = "") => SendAsync(_client, method, id, json);

    /// <summary>Sends a request about a registration on a session.</summary>
    public static async Task<int> SendAsync(RawClient client, string method, string id, string json = "")
    {
        await using HttpChannel channel = await client.OpenAsync("localhost", 1);
        await channel.SendAsync($"{method} /.well-known/mta-tls/agents/{id} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}");
        return (await channel.ReadResponseAsync()).Status;
    }

    /// <summary>Closes the connection, as a killed process does. Otherwise the gateway would find the end only by a ping.</summary>
    public void Kill()
    {
        Session.Abort();
        _client.Socket.Dispose();
    }

    /// <summary>Ends the registration by ending its channel.</summary>
    public ValueTask EndRegistrationAsync() => _registration.DisposeAsync();

    /// <summary>Answers each request on a channel with a fixed text.</summary>
    public static async void Serve(MtaTlsChannelRequest request, string text)
    {
        try
        {
            await using HttpChannel channel = new(request.Accept());
            while (await channel.ReadResponseHeadAsync() is not null)
            {
                await channel.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\n\r\n{text}");
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The gateway has closed it.
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [GeneratedRegex("\"id\":\"([0-9a-f]+)\"")]
    private static partial Regex IdPattern();
}
