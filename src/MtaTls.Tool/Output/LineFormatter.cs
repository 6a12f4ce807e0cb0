using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace MtaTls.Tool.Output;

/// <summary>Writes the time, the level and the message of a log event in one line.</summary>
/// <param name="isVerbose">Whether exceptions are written with their stack trace.</param>
internal sealed class LineFormatter(bool isVerbose) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string level = logEntry.LogLevel switch
        {
            LogLevel.Trace => "trace",
            LogLevel.Debug => "debug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warning",
            LogLevel.Error => "error",
            _ => "critical",
        };
        textWriter.Write(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetLocalNow():HH:mm:ss} {level}: {logEntry.Formatter(logEntry.State, logEntry.Exception)}"));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(isVerbose ? Environment.NewLine + exception : " " + exception.Message);
        }

        textWriter.WriteLine();
    }
}
