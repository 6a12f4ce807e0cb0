using System.CommandLine;
using Microsoft.Extensions.Logging;
using MtaTls.Agent;
using MtaTls.Client;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Gateways;

/// <summary>One run of a command that connects to a gateway: its client, and the report of what failed.</summary>
internal sealed class GatewayRun(Terminal terminal, LoggingOptions logging, GatewayOptions options, ParseResult parsed, HostAndPort gateway)
{
    public Terminal Terminal => terminal;

    public HostAndPort Gateway => gateway;

    public ParseResult Parsed => parsed;

    public GatewayTrust Trust { get; } = options.CreateTrust(parsed);

    /// <summary>The client's options, to be completed by the command.</summary>
    public MtaTlsClientOptions CreateOptions(ILoggerFactory logs) => options.Create(parsed, gateway, Trust, logs);

    /// <summary>Sets what an agent needs to reach the gateway.</summary>
    public void Apply(MtaTlsAgentOptions agent) => options.Apply(parsed, gateway, Trust, agent);

    /// <summary>Adds the command's logging to an application.</summary>
    public void AddLogging(ILoggingBuilder builder, LogLevel level) => logging.Configure(parsed, builder, level);

    /// <summary>Runs a command's work and turns what fails into a line and an exit code.</summary>
    /// <param name="work">The command's work; returns its exit code.</param>
    /// <param name="json">Whether a failure is written as JSON as well.</param>
    /// <param name="level">What is logged without <c>--verbose</c>.</param>
    /// <param name="stop">Is cancelled by the first signal.</param>
    public async Task<int> RunAsync(Func<ILoggerFactory, Task<int>> work, bool json = false, LogLevel level = LogLevel.None, CancellationToken stop = default)
    {
        using ILoggerFactory logs = logging.CreateFactory(parsed, level);
        try
        {
            return await work(logs);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (ConnectFailure.Explain(e, gateway, Trust) is { } failure)
        {
            if (logging.IsVerbose(parsed))
            {
                terminal.Note(e.ToString());
            }

            return terminal.Fail(failure, json);
        }
    }
}
