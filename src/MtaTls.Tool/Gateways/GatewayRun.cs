using System.CommandLine;
using Microsoft.Extensions.Logging;
using MtaTls.Agent;
using MtaTls.Client;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Gateways;

/// <summary>One run of a command that connects to a gateway: its options, and the report of a failure.</summary>
internal sealed class GatewayRun(Terminal terminal, LoggingOptions logging, GatewayOptions options, ParseResult parsed, HostAndPort gateway)
{
    public Terminal Terminal => terminal;

    public HostAndPort Gateway => gateway;

    public ParseResult Parsed => parsed;

    public GatewayTrust Trust { get; } = options.CreateTrust(parsed);

    /// <summary>Creates the client's options, which the command may change.</summary>
    public MtaTlsClientOptions CreateOptions(ILoggerFactory logs) => options.Create(parsed, gateway, Trust, logs);

    /// <summary>Sets an agent's options for reaching the gateway.</summary>
    public void Apply(MtaTlsAgentOptions agent) => options.Apply(parsed, gateway, Trust, agent);

    /// <summary>Adds the command's logging to an application.</summary>
    /// <param name="builder">The application's logging.</param>
    /// <param name="level">Returns the lowest log level without <c>--verbose</c>. Called for each log event.</param>
    public void AddLogging(ILoggingBuilder builder, Func<LogLevel> level) => logging.Configure(parsed, builder, level);

    /// <summary>Runs a command's work, and turns a failure into a line and an exit code.</summary>
    /// <param name="work">The command's work. It returns the exit code.</param>
    /// <param name="json">Whether a failure is also written as JSON.</param>
    /// <param name="level">The lowest log level without <c>--verbose</c>.</param>
    /// <param name="stop">Canceled by the first signal.</param>
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
