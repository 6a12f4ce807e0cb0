using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace MtaTls.Tool.Output;

/// <summary>Where the command writes: results to standard output, everything else to standard error. Colours only on a terminal, and none with NO_COLOR.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error)
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();

    /// <summary>Results as tables, for a person.</summary>
    public IAnsiConsole Console { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

    /// <summary>Whether progress can be drawn over itself.</summary>
    public bool IsInteractive => Console.Profile.Capabilities.Interactive && !System.Console.IsOutputRedirected;

    /// <summary>One line of the result.</summary>
    public void WriteLine(string line)
    {
        lock (_lock)
        {
            output.WriteLine(line);
        }
    }

    /// <summary>One line that is not the result.</summary>
    public void Note(string line)
    {
        lock (_lock)
        {
            error.WriteLine(line);
        }
    }

    /// <summary>The result as one JSON value.</summary>
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
