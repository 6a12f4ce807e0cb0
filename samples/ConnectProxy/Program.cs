// A local CONNECT proxy: what a browser (or curl -x) opens through it becomes channels of one TLS session to a gateway.
//   dotnet run -c Release --project samples/ConnectProxy -- gateway.example 8443 3128
//   chromium --proxy-server=http://127.0.0.1:3128
// Arguments: the gateway's host and port, and the local port to listen on.
//   --insecure       takes any certificate of the gateway (of a development server)
//   --terminate-tls  ends the browser's TLS here, with a certificate made for this run, so that the channels carry HTTP, as an application behind UseMtaTls() serves
//                    it. Without it channels carry the browser's own TLS, and the gateway connects them to their destinations by TCP (a route of MtaTls:Channels).
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client;
using MtaTls.Samples;

string[] words = [.. args.Where(a => !a.StartsWith("--", StringComparison.Ordinal))];
if (words.Length != 3 || !int.TryParse(words[1], out int gatewayPort) || !int.TryParse(words[2], out int port))
{
    Console.Error.WriteLine("usage: ConnectProxy <gateway host> <gateway port> <local port> [--insecure] [--terminate-tls]");
    return 2;
}

var options = new MtaTlsClientOptions { Host = words[0], Port = gatewayPort, Mode = MtaTlsClientMode.Required };
#pragma warning disable CA5359 // Only when it is asked for, and by its right name.
if (args.Contains("--insecure"))
{
    options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
}
#pragma warning restore CA5359

X509Certificate2? certificate = null;
if (args.Contains("--terminate-tls"))
{
    options.ApplicationProtocols = [SslApplicationProtocol.Http11];
    certificate = LocalCertificate.Make();
    Console.WriteLine($"Browsers take this run's certificate with --ignore-certificate-errors-spki-list={LocalCertificate.SpkiHash(certificate)}");
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, stop.Token);
await using var proxy = ConnectProxy.Start(client, new IPEndPoint(IPAddress.Loopback, port), certificate);
Console.WriteLine($"Listening on {proxy.EndPoint}; channels go to {words[0]}:{gatewayPort}. Ctrl+C ends it.");
await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
MtaTlsClientStatistics statistics = client.GetStatistics();
Console.WriteLine($"{statistics.ChannelsOpened} channels of {statistics.Handshakes} TLS session(s), {statistics.BytesReceived} bytes received, {statistics.BytesSent} sent.");
return 0;
