using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using MtaTls.Tool.Output;

namespace MtaTls.Tool;

/// <summary>The logging options of every command.</summary>
internal sealed class LoggingOptions
{
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Write debug logs to standard error.", Recursive = true };
    private readonly Option<string> _format = new("--log-format") { Description = "The format of logs.", Recursive = true, DefaultValueFactory = _ => "text" };

    public LoggingOptions() => _format.AcceptOnlyFromAmong("text", "json");

    public void AddTo(RootCommand root)
    {
        root.Add(_verbose);
        root.Add(_format);
    }

    public bool IsVerbose(ParseResult parsed) => parsed.GetValue(_verbose);

    /// <summary>Creates the loggers of a command that connects to a gateway. They write to standard error.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="level">The lowest log level without <c>--verbose</c>.</param>
    public ILoggerFactory CreateFactory(ParseResult parsed, LogLevel level) => LoggerFactory.Create(logging => Configure(parsed, logging, () => level));

    /// <summary>Configures logging to standard error.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="logging">The builder.</param>
    /// <param name="level">Returns the lowest log level without <c>--verbose</c>. Called for each log event.</param>
    public void Configure(ParseResult parsed, ILoggingBuilder logging, Func<LogLevel> level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Warning);
        bool isVerbose = IsVerbose(parsed);
        logging.AddFilter("MtaTls", actual => actual >= (isVerbose ? LogLevel.Debug : level()));
        logging.Services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        AddConsole(parsed, logging);
    }

    /// <summary>Adds the console logger, with lines of text or JSON.</summary>
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
