// A minimal client: an ordinary HttpClient whose connections are channels of one TLS session.
//   dotnet run -c Release --project samples/Client -- localhost 8443 /channel 100
using System.CommandLine;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MtaTls.Client;

var host = new Argument<string>("host") { Description = "The server's host name or IP address." };
var port = new Argument<ushort>("port") { Description = "The server's port." };
var path = new Argument<string>("path") { Description = "The path to request.", DefaultValueFactory = _ => "/" };
var channels = new Argument<int>("channels") { Description = "How many requests to send at the same time, each in its own channel, 1 to 5000.", DefaultValueFactory = _ => 1 };
var insecure = new Option<bool>("--insecure") { Description = "Accept any certificate. For development servers only." };
var root = new RootCommand("Sends requests in channels of one TLS session.") { host, port, path, channels, insecure };
root.Validators.Add(result =>
{
    if (result.GetResult(path) is { Tokens: [{ Value: var given }] } && !given.StartsWith('/'))
    {
        result.AddError($"'{given}' is neither an option nor a path. A path starts with '/'.");
    }

    if (result.GetResult(channels) is { Tokens: [{ Value: var number }] } && int.TryParse(number, out int count) && count is < 1 or > 5000)
    {
        result.AddError("channels must be from 1 to 5000.");
    }
});
root.SetAction(RunAsync);
return await root.Parse(args).InvokeAsync();

async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
{
    var options = new MtaTlsClientOptions { Host = parsed.GetRequiredValue(host), Port = parsed.GetValue(port), ApplicationProtocols = [SslApplicationProtocol.Http11] };
#pragma warning disable CA5359 // Only with the option --insecure.
    if (parsed.GetValue(insecure))
    {
        options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
    }
#pragma warning restore CA5359

    var uri = new Uri(new Uri($"https://{options.Host}:{options.Port}"), parsed.GetRequiredValue(path));
    int count = parsed.GetValue(channels);
    try
    {
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = count }.UseMtaTls(client));
        string[] bodies = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => http.GetStringAsync(uri, cancellationToken)));

        Console.WriteLine(bodies[0].Length <= 2000 ? bodies[0] : bodies[0][..2000] + "…");
        MtaTlsClientStatistics statistics = client.GetStatistics();
        Console.Error.WriteLine($"{bodies.Length} requests in {statistics.ChannelsOpened} channels of {statistics.Handshakes} TLS session(s), {statistics.BytesReceived} bytes received");
        return 0;
    }
    catch (Exception e) when (e is IOException or SocketException or AuthenticationException or HttpRequestException or PlatformNotSupportedException)
    {
        Console.Error.WriteLine($"{uri}: {e.Message}");
        return 1;
    }
}
