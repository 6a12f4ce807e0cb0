using System.Globalization;
using Spectre.Console;

namespace ReverseTunnelSample;

/// <summary>Shows the load: as a live line on a terminal, otherwise as one line for each step.</summary>
internal static class Report
{
    /// <summary>Runs one step, and shows the requests meanwhile.</summary>
    public static async Task StepAsync(string title, Load load, Func<Task> step)
    {
        Dictionary<string, int> before = new(load.Agents);
        if (AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected)
        {
            await AnsiConsole.Status().StartAsync(Markup.Escape(title), async status =>
            {
                Task running = step();
                while (await Task.WhenAny(running, Task.Delay(100)) != running)
                {
                    status.Status(Markup.Escape($"{title,-46} {Text(load, before)}"));
                }

                await running;
            });
        }
        else
        {
            await step();
        }

        Console.WriteLine($"{title,-46} {Text(load, before)}");
    }

    public static void Table(IEnumerable<(string Name, string Value)> rows)
    {
        Table table = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn(new TableColumn("").RightAligned()).HideHeaders();
        foreach ((string name, string value) in rows)
        {
            table.AddRow(Markup.Escape(name), Markup.Escape(value));
        }

        AnsiConsole.WriteLine();
        AnsiConsole.Write(table);
    }

    private static string Text(Load load, Dictionary<string, int> before)
    {
        IEnumerable<string> agents = load.Agents.OrderBy(static a => a.Key, StringComparer.Ordinal)
            .Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Key} {a.Value - before.GetValueOrDefault(a.Key),6}"));
        return $"{string.Join("  ", agents)}  failed {load.Failures.Count}";
    }
}
