using System.Globalization;
using System.Net.Security;
using System.Text;
using MtaTls.Client;
using MtaTls.Protocol;

namespace MtaTls.ReverseProxy.Redis.Tests.Support;

/// <summary>An agent without this project's code: it registers with JSON that a test writes, and answers each request with a fixed text.</summary>
internal sealed class RawAgent : IAsyncDisposable
{
    private readonly MtaTlsClient _client;
    private readonly MtaTlsClientChannel _registration;

    private RawAgent(MtaTlsClient client, MtaTlsClientChannel registration, int status, string body)
    {
        _client = client;
        _registration = registration;
        Status = status;
        Body = body;
    }

    /// <summary>The status code of the response to the registration.</summary>
    public int Status { get; }

    /// <summary>The first chunk of the response: the first event, or the problem.</summary>
    public string Body { get; }

    /// <param name="gateway">The gateway's port.</param>
    /// <param name="name">The name.</param>
    /// <param name="avoid">The JSON value of <c>avoid</c>.</param>
    /// <param name="text">The answer to each request.</param>
    public static async Task<RawAgent> RegisterAsync(int gateway, string name, string avoid, string text)
    {
        MtaTlsClientOptions options = new()
        {
            Host = "localhost",
            Port = gateway,
            Mode = MtaTlsClientMode.Required,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            CertificateChainPolicy = TestCertificates.TrustRoot(),
            ChannelRequested = (request, cancellationToken) =>
            {
                _ = ServeAsync(new HttpChannel(request.Accept()), text);
                return ValueTask.CompletedTask;
            },
        };
        options.ClientCertificate.Certificate = TestCertificates.Client;
        MtaTlsClient client = await MtaTlsClient.ConnectAsync(options).Soon();
        MtaTlsClientChannel channel = await client.OpenChannelAsync("localhost", gateway).Soon();
        string json = $$"""{ "agent": "{{text}}", "instance": "i1", "names": [ "{{name}}" ], "avoid": {{avoid}} }""";
        string head = $"POST /.well-known/mta-tls/agents HTTP/1.1\r\nHost: localhost:{gateway}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(json)}\r\n\r\n";
        await channel.WriteAsync(Encoding.UTF8.GetBytes(head + json)).AsTask().Soon();
        int status = int.Parse((await LineAsync(channel)).Split(' ')[1], CultureInfo.InvariantCulture);
        int length = 0;
        while (await LineAsync(channel) is { Length: > 0 } line)
        {
            length = line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase) ? int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture) : length;
        }

        // The events come in chunks.
        byte[] body = new byte[length > 0 ? length : int.Parse(await LineAsync(channel), NumberStyles.HexNumber, CultureInfo.InvariantCulture)];
        await channel.ReadExactlyAsync(body).AsTask().Soon();
        return new RawAgent(client, channel, status, Encoding.UTF8.GetString(body));
    }

    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync();
        await _client.DisposeAsync();
    }

    private static async Task ServeAsync(HttpChannel channel, string text)
    {
        await using (channel)
        {
            try
            {
                while (await channel.ReadResponseHeadAsync() is not null)
                {
                    await channel.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\n\r\n{text}");
                }
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                // The gateway has closed the channel.
            }
        }
    }

    private static async Task<string> LineAsync(Stream stream)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (one[0] != '\n')
        {
            await stream.ReadExactlyAsync(one).AsTask().Soon();
            line.Append((char)one[0]);
        }

        return line.ToString().TrimEnd();
    }
}
