using System.Globalization;
using Spectre.Console;

namespace MtaTls.Samples.Quickstart;

/// <summary>Shows the progress: as a bar on a terminal, otherwise as one line each second.</summary>
internal static class Report
{
    public static async Task WatchAsync(Work work)
    {
        if (AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected)
        {
            await AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask(work.Name, maxValue: 1);
                await FollowAsync(work, TimeSpan.FromMilliseconds(100), () =>
                {
                    bar.Description = $"{work.Name}: {work.Open} open, {work.Requests + work.Messages} done";
                    bar.Value = work.Progress;
                });
            });
        }
        else
        {
            await FollowAsync(work, TimeSpan.FromSeconds(1), () => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{work.Name}: {work.Elapsed.TotalSeconds,5:0.0} s  {work.Progress,4:0%}  {work.Open} open, {work.Requests} requests, {work.Messages} WebSocket messages")));
        }
    }

    public static void Table(IEnumerable<(string Name, string Left, string Right)> rows, string left, string right)
    {
        Table table = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn(new TableColumn(left).RightAligned()).AddColumn(new TableColumn(right).RightAligned());
        foreach ((string name, string leftValue, string rightValue) in rows)
        {
            table.AddRow(Markup.Escape(name), Markup.Escape(leftValue), Markup.Escape(rightValue));
        }

        AnsiConsole.WriteLine();
        AnsiConsole.Write(table);
    }

    private static async Task FollowAsync(Work work, TimeSpan interval, Action show)
    {
        Task running = work.RunAsync();
        while (await Task.WhenAny(running, Task.Delay(interval)) != running)
        {
            show();
        }

        await running;
        show();
    }
}
