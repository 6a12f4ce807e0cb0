using System.CommandLine;
using MtaTls.Agents;
using MtaTls.Tool.Forwarding;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls http</c> and <c>mtatls tcp</c>: publish one local server at a gateway, a short form of <c>forward -R</c>.</summary>
internal static class PublishCommand
{
    public static Command CreateHttp(Terminal terminal, LoggingOptions logging) =>
        Create(terminal, logging, "http", "Publishes a local web server at a gateway and prints its public address.", isHttp: true);

    public static Command CreateTcp(Terminal terminal, LoggingOptions logging) =>
        Create(terminal, logging, "tcp", "Publishes a local TCP server at a gateway.", isHttp: false);

    private static Command Create(Terminal terminal, LoggingOptions logging, string kind, string description, bool isHttp)
    {
        var server = new Argument<HostAndPort>("server")
        {
            Description = "The local server: port, or host:port.",
            CustomParser = static result =>
            {
                if (PublishSpec.TryParseUpstream(result.Tokens[0].Value, out HostAndPort upstream))
                {
                    return upstream;
                }

                result.AddError($"'{result.Tokens[0].Value}' is not a port or host:port.");
                return default;
            },
        };
        var gateway = new Option<HostAndPort>("--gateway", "-g")
        {
            Description = "The gateway: host:port. Default port: 443.",
            HelpName = "host:port",
            CustomParser = GatewayOptions.Gateway().CustomParser,
        };
        EnvironmentDefaults.Apply(gateway, static text => HostAndPort.TryParse(text, 443, out HostAndPort value) ? value : throw new FormatException("it is not host:port"));
        gateway.Required = gateway.DefaultValueFactory is null;
        var name = new Option<string>("--name", "-n") { Description = "The name at the gateway. Default: the machine's name.", DefaultValueFactory = _ => Environment.MachineName.ToLowerInvariant() };
        name.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !AgentProtocol.TryParseName(result.Tokens[0].Value, out _))
            {
                result.AddError($"'{result.Tokens[0].Value}' is not a name of letters, digits, hyphens and dots, such as app1.internal.");
            }
        });
        var gateways = new GatewayOptions();
        var command = new Command(kind, description) { server, gateway, name };
        gateways.AddTo(command);
        command.SetAction((parsed, stop) =>
        {
            var run = new GatewayRun(terminal, logging, gateways, parsed, parsed.GetValue(gateway));
            HostAndPort upstream = parsed.GetValue(server);
            string text = parsed.GetRequiredValue(name);
            bool hasPort = text.Contains(':', StringComparison.Ordinal);
            if (!AgentProtocol.TryParseName(text, out AgentName agentName))
            {
                return Task.FromResult(terminal.Fail(new ToolException(ExitCode.Usage, $"The machine's name, '{text}', can't be a name at a gateway.", "Give a name with --name.")));
            }

            agentName = hasPort || isHttp ? agentName : agentName with { Port = upstream.Port };
            return run.RunAsync(_ => PublishAsync(run, new PublishSpec(agentName, upstream), stop), stop: stop);
        });
        return command;
    }

    private static async Task<int> PublishAsync(GatewayRun run, PublishSpec spec, CancellationToken stop)
    {
        await using Publisher publisher = await Publisher.StartAsync(run, [spec], null, TimeSpan.FromSeconds(30), stop);
        run.Terminal.WriteLine(Describe(publisher, spec, run.Gateway));
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await publisher.DrainAsync();
        return ExitCode.Success;
    }

    /// <summary>The line with the address of the published server.</summary>
    internal static string Describe(Publisher publisher, PublishSpec spec, HostAndPort gateway) => publisher.PublicUrl(spec) is { } url
        ? $"{url} -> {spec.Upstream}"
        : $"{spec.FullName} at {gateway} -> {spec.Upstream}";
}
