using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using MtaTls.Tool.Output;

namespace MtaTls.Tool;

/// <summary>What every command logs, and how. Logs go to standard error.</summary>
internal sealed class LoggingOptions
{
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Log what happens.", Recursive = true };
    private readonly Option<string> _format = new("--log-format") { Description = "How logs look.", Recursive = true, DefaultValueFactory = _ => "text" };

    public LoggingOptions() => _format.AcceptOnlyFromAmong("text", "json");

    public void AddTo(RootCommand root)
    {
        root.Add(_verbose);
        root.Add(_format);
    }

    public bool IsVerbose(ParseResult parsed) => parsed.GetValue(_verbose);

    /// <summary>A factory for a command that talks to a gateway. Logs go to standard error.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="level">What is logged without <c>--verbose</c>.</param>
    public ILoggerFactory CreateFactory(ParseResult parsed, LogLevel level) => LoggerFactory.Create(logging => Configure(parsed, logging, level));

    /// <summary>Logs to standard error.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="logging">The builder.</param>
    /// <param name="level">What is logged without <c>--verbose</c>.</param>
    public void Configure(ParseResult parsed, ILoggingBuilder logging, LogLevel level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("MtaTls", IsVerbose(parsed) ? LogLevel.Debug : level);
        logging.Services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        AddConsole(parsed, logging);
    }

    /// <summary>Logs as lines of text or JSON.</summary>
    public void AddConsole(ParseResult parsed, ILoggingBuilder logging)
    {
        if (parsed.GetValue(_format) == "json")
        {
            logging.AddJsonConsole(static options => options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ");
            return;
        }

        logging.AddConsole(static options => options.FormatterName = LineFormatter.FormatterName);
        logging.Services.AddSingleton<ConsoleFormatter>(new LineFormatter(IsVerbose(parsed)));
    }
}
