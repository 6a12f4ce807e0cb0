namespace MtaTls.Tool.Output;

/// <summary>A failure that the command reports in one line: what failed, and what the user can do.</summary>
internal sealed class ToolException(int exitCode, string message, string? advice = null, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode => exitCode;

    /// <summary>What the user can do; null: nothing is known.</summary>
    public string? Advice => advice;
}
