namespace MtaTls.Tool.Output;

/// <summary>A failure that the command reports in one line: what failed and what to try.</summary>
internal sealed class ToolException(int exitCode, string message, string? advice = null, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode => exitCode;

    /// <summary>What to try; null where nothing is known.</summary>
    public string? Advice => advice;
}
