using System.Globalization;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MtaTls.Client;
using MtaTls.Samples.Quickstart;
using MtaTls.Tls;

return await Arguments.RunAsync(args, RunAsync);

static async Task<int> RunAsync(Arguments arguments)
{
    TlsEngine.ThrowIfUnsupported();

    X509Certificate2 certificate = TemporaryCertificate.Make();
    await using WebApp app = await WebApp.StartAsync(certificate, arguments.Port);
    var origin = new Uri($"https://localhost:{app.Port}/");
    Console.WriteLine($"A web app behind UseMtaTls() serves {origin}; OpenSSL {TlsEngine.Version}.");

    SocketsHttpHandler Ordinary() => new() { SslOptions = { CertificateChainPolicy = TemporaryCertificate.Trust(certificate) } };
    MtaTlsClientOptions Options() => new()
    {
        Host = "localhost",
        Port = app.Port,
        Mode = MtaTlsClientMode.Required,
        ApplicationProtocols = [SslApplicationProtocol.Http11],
        CertificateChainPolicy = TemporaryCertificate.Trust(certificate),
    };

    // Both run once before the measurement, so that neither includes the time of the just-in-time compiler.
    await using (MtaTlsClient warm = await MtaTlsClient.ConnectAsync(Options()))
    {
        await new Work("warm-up", origin, 10, 60, () => new SocketsHttpHandler().UseMtaTls(warm)).RunAsync();
    }

    await new Work("warm-up", origin, 10, 60, Ordinary).RunAsync();

    int before = app.Connections;
    MtaTlsClientStatistics statistics;
    JsonElement connection;
    Work channels;
    await using (MtaTlsClient client = await MtaTlsClient.ConnectAsync(Options()))
    {
        channels = new Work($"{arguments.Channels} channels of one TLS session", origin, arguments.Channels, arguments.Rounds, () => new SocketsHttpHandler().UseMtaTls(client));
        await Report.WatchAsync(channels);
        statistics = client.GetStatistics();
        using var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(client));
        connection = await http.GetFromJsonAsync<JsonElement>(new Uri(origin, "/api/connection"));
    }
    int sessionHandshakes = app.Connections - before;

    before = app.Connections;
    var connections = new Work($"{arguments.Channels} TLS connections", origin, arguments.Channels, arguments.Rounds, Ordinary);
    await Report.WatchAsync(connections);
    int connectionHandshakes = app.Connections - before;
    using var plain = new HttpClient(Ordinary());
    JsonElement ordinary = await plain.GetFromJsonAsync<JsonElement>(new Uri(origin, "/api/connection"));

    static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
    static string Rate(Work work) => string.Create(CultureInfo.InvariantCulture, $"{(work.Requests + work.Messages) / work.Elapsed.TotalSeconds:N0}/s");
    static string Seconds(Work work) => string.Create(CultureInfo.InvariantCulture, $"{work.Elapsed.TotalSeconds:0.00} s");
    static string Throughput(Work work) => string.Create(CultureInfo.InvariantCulture, $"{work.Bytes / work.Elapsed.TotalSeconds / (1 << 20):0.0} MiB/s");
    static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "none";

    Report.Table(
    [
        ("TLS version", Text(connection, "tls"), Text(ordinary, "tls")),
        ("data_multiplexing negotiated", connection.GetProperty("session").ValueKind == JsonValueKind.String ? "yes" : "no", ordinary.GetProperty("session").ValueKind == JsonValueKind.String ? "yes" : "no"),
        ("TLS handshakes (counted by the server)", Number(sessionHandshakes), Number(connectionHandshakes)),
        ("channels", Number(statistics.ChannelsOpened), "-"),
        ("HTTP requests", Number(channels.Requests), Number(connections.Requests)),
        ("WebSocket messages", Number(channels.Messages), Number(connections.Messages)),
        ("bytes of content received", Number(channels.Bytes), Number(connections.Bytes)),
        ("time", Seconds(channels), Seconds(connections)),
        ("rate", Rate(channels), Rate(connections)),
        ("throughput", Throughput(channels), Throughput(connections)),
    ], "MTA-TLS, one session", $"HTTPS, {arguments.Channels} connections");

    if (arguments.Serve)
    {
        Console.WriteLine($"Serving {origin} until Ctrl+C. Try: curl -k {origin}   or open it in a browser (the certificate is made for this run).");
        Console.WriteLine($"The live page: {origin}mta-tls");
        await app.WaitForShutdownAsync();
    }
    return 0;
}
