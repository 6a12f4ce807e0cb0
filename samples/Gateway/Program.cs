using System.CommandLine;
using Gateway;
using MtaTls.Samples;

// Starts two web applications, Redis and the gateway, runs the client once and stops everything again. With --serve everything keeps running.
// All ports are free ones, so that no other program on this machine uses them. Environment variables replace the ports in Proxy/appsettings.json.
var serve = new Option<bool>("--serve") { Description = "Keep everything running afterwards, until Ctrl+C." };
var root = new RootCommand("Two web applications and Redis behind one gateway, and a client that reaches all of them over one TLS session.") { serve };
root.SetAction((parsed, _) => RunAsync(parsed.GetValue(serve)));
return await root.Parse(args).InvokeAsync();

static async Task<int> RunAsync(bool keep)
{
    (int proxyPort, int pagesPort, int chatPort, int redisPort) = (FreePort.Find(), FreePort.Find(), FreePort.Find(), FreePort.Find());
    using var certificate = new GatewayCertificate();
    await using var processes = new Processes();
    try
    {
        processes.StartWebApp("Pages", $"http://127.0.0.1:{pagesPort}");
        processes.StartWebApp("Chat", $"http://127.0.0.1:{chatPort}");
        bool redis = processes.TryStart("redis-server", "--port", $"{redisPort}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no");
        if (!redis)
        {
            Console.WriteLine("redis-server is not installed (apt-get install redis-server), so its route is not used.");
        }

        processes.StartWebApp("Proxy", null, ("MtaTls__Endpoints__Public__Url", $"https://localhost:{proxyPort}"),
            ("MtaTls__Channels__0__Upstream", $"127.0.0.1:{redisPort}"),
            ("ReverseProxy__Clusters__pages__Destinations__pages__Address", $"http://127.0.0.1:{pagesPort}"),
            ("ReverseProxy__Clusters__chat__Destinations__chat__Address", $"http://127.0.0.1:{chatPort}"),
            ("MtaTls__Endpoints__Public__Certificate__Path", certificate.Path), ("MtaTls__Endpoints__Public__Certificate__KeyPath", certificate.KeyPath));
        foreach (int port in redis ? (int[])[pagesPort, chatPort, redisPort, proxyPort] : [pagesPort, chatPort, proxyPort])
        {
            await processes.WaitForPortAsync(port);
        }

        Console.WriteLine();
        int result = await processes.RunAsync("Client", ["localhost", $"{proxyPort}", certificate.Path, .. redis ? (string[])[] : ["--no-redis"]]);
        if (result == 0 && keep)
        {
            Console.WriteLine($"\nThe gateway listens on https://localhost:{proxyPort}. Its certificate is {certificate.Path}. Ctrl+C stops everything.");
            Console.WriteLine($"The live page: https://localhost:{proxyPort}/mta-tls");
            await processes.WaitForCancelAsync();
        }

        return result;
    }
    catch (InvalidOperationException e)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}
