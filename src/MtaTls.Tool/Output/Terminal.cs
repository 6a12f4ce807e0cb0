using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace MtaTls.Tool.Output;

/// <summary>The command's output: results go to standard output, everything else to standard error. It has colors only on a terminal, and none with NO_COLOR.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error)
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();

    /// <summary>Writes results as tables.</summary>
    public IAnsiConsole Console { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

    /// <summary>Whether a progress bar can be drawn.</summary>
    public bool IsInteractive => Console.Profile.Capabilities.Interactive && !System.Console.IsOutputRedirected;

    /// <summary>Writes one line of the result.</summary>
    public void WriteLine(string line)
    {
        lock (_lock)
        {
            output.WriteLine(line);
        }
    }

    /// <summary>Writes one line that is not part of the result.</summary>
    public void Note(string line)
    {
        lock (_lock)
        {
            error.WriteLine(line);
        }
    }

    /// <summary>Writes the result as one JSON value.</summary>
    public void WriteJson(JsonNode value) => WriteLine(value.ToJsonString(s_json));

    /// <summary>Reports a failure and returns its exit code.</summary>
    public int Fail(ToolException failure, bool json = false)
    {
        if (json)
        {
            WriteJson(new JsonObject { ["ok"] = false, ["step"] = ExitCode.Step(failure.ExitCode), ["error"] = failure.Message, ["advice"] = failure.Advice });
        }

        Note($"mtatls: {failure.Message}{(failure.Advice is null ? "" : $" {failure.Advice}")}");
        return failure.ExitCode;
    }
}
