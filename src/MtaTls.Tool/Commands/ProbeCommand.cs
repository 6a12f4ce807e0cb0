using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Protocol;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;
using Spectre.Console;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls probe</c>: checks a server step by step.</summary>
internal static class ProbeCommand
{
    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Argument<HostAndPort> server = GatewayOptions.Gateway("server");
        var destination = new Option<HostAndPort>("--destination")
        {
            Description = "The destination of the channel to open. Default: the server itself.",
            HelpName = "host:port",
            CustomParser = GatewayOptions.HostArgument("destination", "", null).CustomParser,
        };
        var alpn = new Option<string[]>("--alpn") { Description = "Application protocols to offer, such as h2 and http/1.1.", HelpName = "protocol", AllowMultipleArgumentsPerToken = true };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        var gateways = new GatewayOptions();
        var command = new Command("probe", "Checks whether a server speaks MTA-TLS: TLS version, certificate, extension, time to open a channel.") { server, destination, alpn, json };
        gateways.AddTo(command);
        command.SetAction((parsed, stop) =>
        {
            var run = new GatewayRun(terminal, logging, gateways, parsed, parsed.GetValue(server));
            HostAndPort target = parsed.GetValue(destination) is { Host: not null } given ? given : run.Gateway;
            bool asJson = parsed.GetValue(json);
            return run.RunAsync(logs => ProbeAsync(run, target, parsed.GetValue(alpn) ?? [], asJson, logs, stop), asJson, stop: stop);
        });
        return command;
    }

    private static async Task<int> ProbeAsync(GatewayRun run, HostAndPort target, string[] protocols, bool json, ILoggerFactory logs, CancellationToken stop)
    {
        MtaTlsClientOptions options = run.CreateOptions(logs);
        // Not Required: the report also describes a server without the extension.
        options.Mode = MtaTlsClientMode.Preferred;
        options.ApplicationProtocols = [.. protocols.Select(static p => new SslApplicationProtocol(p))];
        long begin = Stopwatch.GetTimestamp();
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, stop);
        TimeSpan connected = Stopwatch.GetElapsedTime(begin);
        begin = Stopwatch.GetTimestamp();
        MtaTlsClientChannel? channel = null;
        MtaTlsChannelRefusedException? refusal = null;
        try
        {
            channel = await client.OpenChannelAsync(target.ToChannelAddress(), cancellationToken: stop);
        }
        catch (MtaTlsChannelRefusedException e)
        {
            refusal = e;
        }

        TimeSpan opened = Stopwatch.GetElapsedTime(begin);
        MtaTlsClientSessionInfo? session = client.GetSessions() is [var first, ..] ? first : null;
        await using (channel)
        {
            var report = new ProbeReport(run.Gateway, target, connected, opened, session, refusal, run.Trust.Chain);
            if (json)
            {
                run.Terminal.WriteJson(report.ToJson());
            }
            else
            {
                report.Write(run.Terminal);
            }

            if (report.Failure is { } failure)
            {
                run.Terminal.Note($"mtatls: {failure.Message} {failure.Advice}");
                return failure.ExitCode;
            }

            return ExitCode.Success;
        }
    }

    /// <summary>The result of the probe.</summary>
    private sealed class ProbeReport(
        HostAndPort server,
        HostAndPort target,
        TimeSpan connected,
        TimeSpan opened,
        MtaTlsClientSessionInfo? session,
        MtaTlsChannelRefusedException? refusal,
        IReadOnlyList<CertificateFacts> chain)
    {
        private bool IsMultiplexed => session is not null;

        public ToolException? Failure => !IsMultiplexed ? Explained(new MtaTlsNotNegotiatedException()) : refusal is not null ? Explained(refusal) : null;

        public JsonObject ToJson()
        {
            var json = new JsonObject
            {
                ["ok"] = Failure is null,
                ["step"] = ExitCode.Step(Failure?.ExitCode ?? ExitCode.Success),
                ["server"] = server.ToString(),
                ["multiplexed"] = IsMultiplexed,
                ["connectMilliseconds"] = Math.Round(connected.TotalMilliseconds, 3),
                ["tlsVersion"] = session is null ? null : Version(session.SslProtocol),
                ["cipherSuite"] = session?.NegotiatedCipherSuite.ToString(),
                ["applicationProtocol"] = session?.NegotiatedApplicationProtocol.ToString(),
                ["destination"] = target.ToString(),
                ["opened"] = IsMultiplexed && refusal is null,
                ["openMilliseconds"] = IsMultiplexed ? Math.Round(opened.TotalMilliseconds, 3) : null,
                ["error"] = Failure?.Message,
                ["advice"] = Failure?.Advice,
            };
            json["certificates"] = new JsonArray([.. chain.Select(static c => (JsonNode)new JsonObject
            {
                ["subject"] = c.Subject,
                ["issuer"] = c.Issuer,
                ["names"] = new JsonArray([.. c.Names.Select(static n => (JsonNode?)JsonValue.Create(n))]),
                ["notBefore"] = c.NotBefore.ToString("O", CultureInfo.InvariantCulture),
                ["notAfter"] = c.NotAfter.ToString("O", CultureInfo.InvariantCulture),
                ["key"] = c.KeyAlgorithm,
                ["sha256"] = c.Sha256,
            })]);
            return json;
        }

        public void Write(Terminal terminal)
        {
            Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumn("").AddColumn("");
            void Row(string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));
            Row("Server", server.ToString());
            Row("MTA-TLS", IsMultiplexed ? "yes" : "no: the server did not answer data_multiplexing");
            Row("Connected", string.Create(CultureInfo.InvariantCulture, $"in {connected.TotalMilliseconds:0.0} ms (TCP and TLS)"));
            if (session is not null)
            {
                Row("TLS", $"{Version(session.SslProtocol)}, {session.NegotiatedCipherSuite}");
                Row("ALPN", session.NegotiatedApplicationProtocol.Protocol.IsEmpty ? "none" : session.NegotiatedApplicationProtocol.ToString());
            }

            if (IsMultiplexed)
            {
                Row("Channel", string.Create(CultureInfo.InvariantCulture, $"to {target}: {(refusal is null ? "opened" : "refused")} in {opened.TotalMilliseconds:0.0} ms"));
            }

            foreach ((CertificateFacts facts, int depth) in chain.Select(static (c, i) => (c, i)))
            {
                Row(depth == 0 ? "Certificate" : "Issued by", $"{facts.Subject}{(facts.Names.Count > 0 && depth == 0 ? $" for {string.Join(", ", facts.Names)}" : "")}, {facts.KeyAlgorithm}, until {facts.NotAfter:yyyy-MM-dd}");
            }

            terminal.Console.Write(table);
            if (chain.Count > 0)
            {
                // Not in the table: it would be broken into two lines there, and could not be copied for --fingerprint.
                terminal.WriteLine($"Fingerprint {chain[0].Sha256}");
            }
        }

        private ToolException? Explained(Exception e) => ConnectFailure.Explain(e, server, new GatewayTrust(false, null));

        private static string Version(SslProtocols protocol) => protocol switch
        {
            SslProtocols.Tls12 => "TLS 1.2",
            SslProtocols.Tls13 => "TLS 1.3",
            _ => protocol.ToString(),
        };
    }
}
