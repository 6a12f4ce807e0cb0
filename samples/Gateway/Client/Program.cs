using System.CommandLine;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR.Client;
using MtaTls.Client;

// Reaches three services over one TLS session, each by its own name and with its own protocol. Only the gateway can reach them directly.
var host = new Argument<string>("host") { Description = "The gateway's host name." };
var port = new Argument<ushort>("port") { Description = "The gateway's port." };
var certificate = new Argument<string>("certificate") { Description = "A PEM file with the gateway's certificate." };
var noRedis = new Option<bool>("--no-redis") { Description = "Do not use the route to Redis." };
var root = new RootCommand("Reaches three services through the gateway.") { host, port, certificate, noRedis };
root.SetAction((parsed, _) => RunAsync(parsed.GetRequiredValue(host), parsed.GetValue(port), parsed.GetRequiredValue(certificate), !parsed.GetValue(noRedis)));
return await root.Parse(args).InvokeAsync();

static async Task<int> RunAsync(string host, int port, string certificate, bool redis)
{
    var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
    trust.CustomTrustStore.ImportFromPemFile(certificate);
    await using MtaTlsClient gateway = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
    {
        Host = host,
        Port = port,
        Mode = MtaTlsClientMode.Required,
        CertificateChainPolicy = trust,
        // The protocol in the HTTP channels of the session.
        ApplicationProtocols = { SslApplicationProtocol.Http11 },
    });

    // A Razor Pages application, with HttpClient.
    using SocketsHttpHandler handler = new SocketsHttpHandler().UseMtaTls(gateway);
    using var http = new HttpClient(handler, disposeHandler: false);
    string page = await http.GetStringAsync("https://pages.internal/");
    Console.WriteLine($"pages.internal  {Regex.Match(page, "<title>(.*?)</title>").Groups[1].Value}, {page.Length} characters");
    foreach (string file in Regex.Matches(page, "(?:href|src)=\"(/[^\"]+\\.(?:css|js))\"").Select(m => m.Groups[1].Value))
    {
        Console.WriteLine($"                {file}: {(await http.GetByteArrayAsync("https://pages.internal" + file)).Length} bytes");
    }

    // A SignalR chat, with its WebSocket in a channel.
    await using (HubConnection chat = new HubConnectionBuilder().WithUrl("https://chat.internal/chatHub", options =>
    {
        options.HttpMessageHandlerFactory = _ => new SocketsHttpHandler().UseMtaTls(gateway);
        options.WebSocketFactory = async (context, cancellationToken) =>
        {
            var socket = new ClientWebSocket();
            await socket.ConnectAsync(new UriBuilder(context.Uri) { Scheme = "wss" }.Uri, new HttpMessageInvoker(handler, disposeHandler: false), cancellationToken);
            return socket;
        };
    }).Build())
    {
        var heard = new TaskCompletionSource<string>();
        chat.On<string, string>("ReceiveMessage", (user, message) => heard.TrySetResult($"{user}: {message}"));
        await chat.StartAsync();
        await chat.InvokeAsync("SendMessage", "client", "hello through a channel");
        Console.WriteLine($"chat.internal   {await heard.Task.WaitAsync(TimeSpan.FromSeconds(30))}");
    }

    // Redis, with its own protocol over TCP.
    if (redis)
    {
        await using MtaTlsClientChannel channel = await gateway.OpenChannelAsync("redis.internal", 6379);
        using var reader = new StreamReader(channel);
        foreach (string command in (string[])["PING", "SET greeting hello", "GET greeting"])
        {
            await channel.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"));
            string? answer = await reader.ReadLineAsync();
            if (answer!.StartsWith('$'))
            {
                answer = await reader.ReadLineAsync();
            }

            Console.WriteLine($"redis.internal  {command} -> {answer}");
        }
    }

    // The gateway refuses destinations that no route allows.
    try
    {
        await using MtaTlsClientChannel channel = await gateway.OpenChannelAsync("169.254.169.254", 80);
        Console.WriteLine("169.254.169.254 was opened, although no route allows it.");
        return 1;
    }
    catch (MtaTls.Protocol.MtaTlsChannelRefusedException e)
    {
        Console.WriteLine($"169.254.169.254 {e.Message}");
    }

    MtaTlsClientStatistics statistics = gateway.GetStatistics();
    Console.WriteLine();
    Console.WriteLine($"TLS handshakes: {statistics.Handshakes}   channels: {statistics.ChannelsOpened} opened, {statistics.ChannelsRefused} refused");
    return statistics.Handshakes == 1 ? 0 : 1;
}
