using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Tool.Forwarding;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls forward</c>: opens local ports whose connections are channels of one session, as <c>ssh -N -L -D</c> does.</summary>
internal static class ForwardCommand
{
    private delegate bool SpecParser(string text, out ForwardSpec? spec);

    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Argument<HostAndPort> gateway = GatewayOptions.Gateway();
        var local = new Option<ForwardSpec[]>("--local", "-L")
        {
            Description = "A local port for one destination: [bind:]port:host:port. Port 0: any free port.",
            HelpName = "forward",
            CustomParser = result => Parse(result, ForwardSpec.TryParseLocal, "[bind:]port:host:port"),
        };
        var dynamic = new Option<ForwardSpec[]>("--dynamic", "-D")
        {
            Description = "A local port that is a SOCKS5 and an HTTP proxy: [bind:]port.",
            HelpName = "port",
            CustomParser = result => Parse(result, ForwardSpec.TryParseDynamic, "[bind:]port"),
        };
        var remote = new Option<PublishSpec[]>("--remote", "-R")
        {
            Description = "Publishes a local server at the gateway: name:port=host:port.",
            HelpName = "publish",
            CustomParser = static result => ParsePublished(result),
        };
        var maxConnections = new Option<int>("--max-connections") { Description = "The most connections at a time on each port.", DefaultValueFactory = _ => 10_000 };
        var drain = new Option<int>("--drain-timeout") { Description = "How many seconds a stop waits for connections in use, before it ends them.", DefaultValueFactory = _ => 30 };
        maxConnections.Validators.Add(static result => OptionRange.Check(result, 1, 1_000_000));
        drain.Validators.Add(static result => OptionRange.Check(result, 0, 3_600));
        var gateways = new GatewayOptions();
        var command = new Command("forward", "Opens local ports whose connections go through one TLS session. Like ssh -N with -L, -D and -R.") { gateway, local, dynamic, remote, maxConnections, drain };
        gateways.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(local) is null && result.GetResult(dynamic) is null && result.GetResult(remote) is null)
            {
                result.AddError("Nothing to forward. Give -L [bind:]port:host:port, -D [bind:]port or -R name:port=host:port.");
            }
        });
        command.SetAction((parsed, stop) =>
        {
            var run = new GatewayRun(terminal, logging, gateways, parsed, parsed.GetValue(gateway));
            ForwardSpec[] specs = [.. parsed.GetValue(local) ?? [], .. parsed.GetValue(dynamic) ?? []];
            return run.RunAsync(logs => ForwardAsync(run, specs, parsed.GetValue(remote) ?? [], parsed.GetValue(maxConnections), TimeSpan.FromSeconds(parsed.GetValue(drain)), logs, stop), level: LogLevel.Warning, stop: stop);
        });
        return command;
    }

    private static async Task<int> ForwardAsync(GatewayRun run, ForwardSpec[] specs, PublishSpec[] published, int maxConnections, TimeSpan drain, ILoggerFactory logs, CancellationToken stop)
    {
        await using Publisher? publisher = published.Length > 0 ? await Publisher.StartAsync(run, published, null, drain, stop) : null;
        foreach (PublishSpec spec in published)
        {
            run.Terminal.WriteLine(PublishCommand.Describe(publisher!, spec, run.Gateway));
        }

        MtaTlsClientOptions options = run.CreateOptions(logs);
        options.KeepConnected = true;
        await using MtaTlsClient? client = specs.Length > 0 ? await MtaTlsClient.ConnectAsync(options, stop) : null;
        List<LocalPort> ports = [];
        try
        {
            foreach (ForwardSpec spec in specs)
            {
                var port = LocalPort.Open(spec, client!, run.Terminal, maxConnections);
                ports.Add(port);
                run.Terminal.WriteLine($"{port.EndPoint} -> {(spec.Destination is { } destination ? destination.ToString() : "SOCKS5 and HTTP proxy")} through {run.Gateway}");
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAll([.. ports.Select(port => port.DrainAsync(drain)), publisher?.DrainAsync() ?? Task.CompletedTask]);
            if (client is null)
            {
                return ExitCode.Success;
            }

            MtaTlsClientStatistics statistics = client.GetStatistics();
            run.Terminal.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{statistics.ChannelsOpened} connections in {statistics.Handshakes} session(s), {statistics.ChannelsRefused} refused; {statistics.BytesReceived} bytes received, {statistics.BytesSent} sent."));
            return ExitCode.Success;
        }
        finally
        {
            foreach (LocalPort port in ports)
            {
                await port.DisposeAsync();
            }
        }
    }

    private static ForwardSpec[] Parse(ArgumentResult result, SpecParser parser, string form)
    {
        List<ForwardSpec> specs = [];
        foreach (Token token in result.Tokens)
        {
            if (parser(token.Value, out ForwardSpec? spec))
            {
                specs.Add(spec!);
            }
            else
            {
                result.AddError($"'{token.Value}' is not valid. Write {form}.");
            }
        }

        return [.. specs];
    }

    private static PublishSpec[] ParsePublished(ArgumentResult result)
    {
        List<PublishSpec> specs = [];
        foreach (Token token in result.Tokens)
        {
            if (PublishSpec.TryParse(token.Value, out PublishSpec? spec))
            {
                specs.Add(spec);
            }
            else
            {
                result.AddError($"'{token.Value}' is not valid. Write name:port=host:port.");
            }
        }

        return [.. specs];
    }
}
