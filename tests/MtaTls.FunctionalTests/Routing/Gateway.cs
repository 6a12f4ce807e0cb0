using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Routing;

/// <summary>A gateway on real Kestrel, configured by appsettings.json.</summary>
internal static class Gateway
{
    public static Task<TestApp> StartAsync(
        string settings, Action<WebApplication>? map = null, Action<HttpsConnectionAdapterOptions>? https = null, Action<WebApplicationBuilder>? configure = null,
        int port = 0)
        => TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, endpoint => endpoint.UseHttps(o =>
                {
                    o.ServerCertificate = TestCertificates.Server;
                    https?.Invoke(o);
                })));
                builder.WebHost.UseMtaTls();
                configure?.Invoke(builder);
            },
            map ?? (static app => app.MapGet("/", () => "app")),
            files: directory => Write(directory, settings));

    /// <summary>Asks for a client certificate, and accepts any that the test root has issued.</summary>
    public static void WithClientCertificates(HttpsConnectionAdapterOptions https)
    {
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
        https.ClientCertificateValidation = static (certificate, _, _) => certificate.Issuer == TestCertificates.Root.Subject;
    }

    /// <summary>Replaces the settings of a running gateway in one step.</summary>
    public static void Write(string directory, string settings)
    {
        string path = Path.Combine(directory, "appsettings.json");
        File.WriteAllText(path + ".new", settings);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Waits for this many log entries of the event, because a log entry may be written before or after the client sees an effect.</summary>
    public static async Task<string[]> LoggedAsync(this TestApp app, string eventName, int count = 1)
    {
        await Wait.UntilAsync(() => app.Messages(eventName).Length >= count);
        return app.Messages(eventName);
    }

    /// <summary>Returns the messages of the event so far.</summary>
    public static string[] Messages(this TestApp app, string eventName) => [.. app.Logs.GetSnapshot().Where(r => r.Id.Name == eventName).Select(r => r.Message)];
}
