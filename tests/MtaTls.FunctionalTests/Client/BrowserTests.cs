using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using MtaTls.Client;
using MtaTls.FunctionalTests.Support;
using MtaTls.Samples;

namespace MtaTls.FunctionalTests.Client;

/// <summary>A real browser loads a real application through channels.</summary>
public sealed partial class BrowserTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-browser-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Chromium_renders_the_Razor_Pages_template_through_a_CONNECT_proxy_into_channels()
    {
        string? chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "Chromium is not installed.");

        await using RazorPagesApp app = await RazorPagesApp.StartAsync(_folder);
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(new MtaTlsClientOptions
        {
            Host = "localhost",
            Port = app.Port,
            Mode = MtaTlsClientMode.Required,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            CertificateChainPolicy = GatewayCertificates.Trust(),
            KeepAlive = { Ping = false },
        });
        using var local = new LocalAuthority();
        await using var proxy = ConnectProxy.Start(client, new IPEndPoint(IPAddress.Loopback, 0), local.CertificateFor);

        // Set MTATLS_TEST_SCREENSHOT to keep the screenshot.
        string screenshot = Environment.GetEnvironmentVariable("MTATLS_TEST_SCREENSHOT") ?? Path.Combine(_folder.FullName, "page.png");
        string[] common =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1000,700", $"--user-data-dir={_folder.FullName}/profile", $"--proxy-server=http://{proxy.EndPoint}", "--proxy-bypass-list=<-loopback>",
            $"--ignore-certificate-errors-spki-list={local.SpkiHash}",
        ];
        string page = $"https://localhost:{app.Port}/";
        string dom = await RunAsync(chromium!, [.. common, "--virtual-time-budget=5000", "--dump-dom", page]);
        Assert.Contains("<h1 class=\"display-4\">Welcome</h1>", dom, StringComparison.Ordinal);
        await RunAsync(chromium!, [.. common, "--virtual-time-budget=5000", $"--screenshot={screenshot}", page]);
        // A blank page of this size compresses to a few hundred bytes.
        Assert.True(new FileInfo(screenshot).Length > 5_000, "The screenshot is empty.");

        // All files of the page were requested at least once, on channels of one session, and none failed.
        foreach (string file in new[] { "/lib/bootstrap/dist/css/bootstrap.min", "/css/site", "/RazorPages", "/lib/jquery/dist/jquery.min", "/lib/bootstrap/dist/js/bootstrap.bundle.min", "/js/site" })
        {
            // The other process may still have to write it.
            await Wait.UntilAsync(() => Regex.IsMatch(app.Log, $"Request finished HTTP/1.1 GET https://localhost:{app.Port}{Regex.Escape(file)}[^ ]* - (200|304)"));
        }

        Assert.DoesNotMatch("Request finished HTTP/1.1 GET [^ ]+ - [45]", app.Log);
        MtaTlsClientStatistics statistics = client.GetStatistics();
        Assert.Equal(1, statistics.Handshakes);
        Assert.True(statistics.ChannelsOpened >= 2, "The browser's connections were not channels.");
    }

    private static async Task<string> RunAsync(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
            Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}: {await errors}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>samples/RazorPages as a separate process, as a user runs it.</summary>
    private sealed partial class RazorPagesApp : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly List<string> _lines = [];
        private readonly TaskCompletionSource<int> _port = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private RazorPagesApp(ProcessStartInfo start)
        {
            _process = new Process { StartInfo = start, EnableRaisingEvents = true };
            _process.OutputDataReceived += (_, e) => Add(e.Data);
            _process.ErrorDataReceived += (_, e) => Add(e.Data);
            _process.Exited += (_, _) => _port.TrySetException(new InvalidOperationException("The sample ended:\n" + Log));
        }

        public int Port { get; private set; }

        public string Log
        {
            get
            {
                lock (_lines)
                {
                    return string.Join('\n', _lines);
                }
            }
        }

        public static async Task<RazorPagesApp> StartAsync(DirectoryInfo folder)
        {
            string certificate = Path.Combine(folder.FullName, "server.pem"), key = Path.Combine(folder.FullName, "server.key");
            await File.WriteAllTextAsync(certificate, GatewayCertificates.Server.ExportCertificatePem());
            using (ECDsa ecdsa = GatewayCertificates.Server.GetECDsaPrivateKey()!)
            {
                await File.WriteAllTextAsync(key, ecdsa.ExportPkcs8PrivateKeyPem());
            }

            DirectoryInfo root = new(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(root.FullName, "MtaTls.AspNetCore.sln")))
            {
                root = root.Parent!;
            }
            // .../bin/Release/net10.0/: the sample is built in the same configuration.
            string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            string project = Path.Combine(root.FullName, "samples", "RazorPages");
            var start = new ProcessStartInfo("dotnet", [Path.Combine(project, "bin", configuration, "net10.0", "RazorPages.dll")])
            {
                WorkingDirectory = project,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["ASPNETCORE_ENVIRONMENT"] = "Development",
                    ["Logging__Console__FormatterName"] = "simple",
                    ["Logging__Console__FormatterOptions__SingleLine"] = "true",
                    ["Logging__LogLevel__Microsoft.AspNetCore"] = "Information",
                    ["MtaTls__Endpoints__Public__Url"] = "https://127.0.0.1:0",
                    ["MtaTls__Endpoints__Public__Mode"] = "Required",
                    ["MtaTls__Endpoints__Public__Certificate__Path"] = certificate,
                    ["MtaTls__Endpoints__Public__Certificate__KeyPath"] = key,
                },
            };
            var app = new RazorPagesApp(start);
            app._process.Start();
            app._process.BeginOutputReadLine();
            app._process.BeginErrorReadLine();
            app.Port = await app._port.Task.Soon();
            return app;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }

            await _process.WaitForExitAsync().Soon();
            _process.Dispose();
        }

        [GeneratedRegex(@"Now listening on: https://127\.0\.0\.1:(\d+)")]
        private static partial Regex Listening();

        private void Add(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (_lines)
            {
                _lines.Add(line);
            }

            if (Listening().Match(line) is { Success: true } match)
            {
                _port.TrySetResult(int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }
}
