// The least client: HttpClient as ever, its connections being channels of one TLS session.
//   dotnet run -c Release --project samples/Client -- localhost 8443 /channel 100
// Arguments: host, port, path, number of channels; --insecure takes any certificate (of a development server).
using System.Net.Security;
using MtaTls.Client;

string[] words = [.. args.Where(a => !a.StartsWith("--", StringComparison.Ordinal))];
if (words.Length != 4 || !int.TryParse(words[1], out int port) || !int.TryParse(words[3], out int channels))
{
    Console.Error.WriteLine("usage: Client <host> <port> <path> <channels> [--insecure]");
    return 2;
}

var options = new MtaTlsClientOptions { Host = words[0], Port = port, ApplicationProtocols = [SslApplicationProtocol.Http11] };
#pragma warning disable CA5359 // Only when it is asked for, and by its right name.
if (args.Contains("--insecure"))
{
    options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
}
#pragma warning restore CA5359

await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options);
using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = channels }.UseMtaTls(client));

string[] bodies = await Task.WhenAll(Enumerable.Range(0, channels).Select(_ => http.GetStringAsync(new Uri($"https://{words[0]}:{port}{words[2]}"))));

Console.WriteLine(bodies[0].Length <= 2000 ? bodies[0] : bodies[0][..2000] + "…");
MtaTlsClientStatistics statistics = client.GetStatistics();
Console.Error.WriteLine($"{bodies.Length} requests in {statistics.ChannelsOpened} channels of {statistics.Handshakes} TLS session(s), {statistics.BytesReceived} bytes received");
return 0;
