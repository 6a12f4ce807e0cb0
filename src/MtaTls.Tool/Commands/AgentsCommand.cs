using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MtaTls.Tool.Management;
using MtaTls.Tool.Output;
using MtaTls.Tool.Serving;
using Spectre.Console;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls agents</c>: the agents of the gateway that runs on this machine.</summary>
internal static class AgentsCommand
{
    private const string Gateway = "mtatls serve";

    public static Command Create(Terminal terminal)
    {
        Option<string> socket = ServedApplication.SocketOption("gateway");
        socket.Recursive = true;
        var command = new Command("agents", "Lists, drains or ends the agents of the gateway on this machine.") { socket };

        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = new Command("list", "Lists the registered agents.") { json };
        list.SetAction((parsed, stop) => RunAsync(terminal, parsed.GetRequiredValue(socket), parsed.GetValue(json), async client =>
        {
            JsonArray agents = (await client.GetAsync("/agents", stop)).AsArray();
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(agents);
            }
            else
            {
                Write(terminal, agents);
            }
        }));
        command.Add(list);
        command.Add(Change("drain", "Sends an agent no new connections and asks it to register with another gateway. Requests that it serves continue.", withSeconds: true));
        command.Add(Change("end", "Ends an agent's session at once. Requests that it serves fail. The agent may connect again.", withSeconds: false));
        return command;

        Command Change(string action, string description, bool withSeconds)
        {
            var name = new Argument<string>("agent") { Description = "The agent's name or id, as 'mtatls agents list' shows it." };
            var seconds = new Option<int>("--deadline") { Description = "How many seconds the agent has to move to another gateway, 0 to 3600.", DefaultValueFactory = _ => 10 };
            var change = new Command(action, description) { name };
            if (withSeconds)
            {
                change.Add(seconds);
            }

            change.SetAction((parsed, stop) => RunAsync(terminal, parsed.GetRequiredValue(socket), false, async client =>
            {
                string wanted = parsed.GetRequiredValue(name);
                JsonNode[] matches = [.. (await client.GetAsync("/agents", stop)).AsArray().OfType<JsonNode>().Where(a => Text(a, "id") == wanted || Text(a, "agent") == wanted)];
                if (matches.Length == 0)
                {
                    throw new ToolException(ExitCode.Failure, $"No registered agent has the name or id '{wanted}'.", "'mtatls agents list' shows all agents.");
                }

                foreach (JsonNode agent in matches)
                {
                    string query = withSeconds ? string.Create(CultureInfo.InvariantCulture, $"?seconds={parsed.GetValue(seconds)}") : "";
                    await client.SendAsync(HttpMethod.Post, $"/agents/{Uri.EscapeDataString(Text(agent, "id"))}/{action}{query}", stop);
                    terminal.WriteLine($"{Text(agent, "agent")} ({Text(agent, "id")}): {(withSeconds ? "draining" : "ended")}");
                }
            }));
            return change;
        }
    }

    private static async Task<int> RunAsync(Terminal terminal, string socket, bool json, Func<ManagementClient, Task> work)
    {
        using var client = new ManagementClient(socket, Gateway);
        try
        {
            await work(client);
            return ExitCode.Success;
        }
        catch (ToolException e)
        {
            return terminal.Fail(e, json);
        }
    }

    private static void Write(Terminal terminal, JsonArray agents)
    {
        if (agents.Count == 0)
        {
            terminal.WriteLine("No agent is registered.");
            return;
        }

        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string column in new[] { "Agent", "Names", "Channels", "Weight", "Since", "State", "Id" })
        {
            table.AddColumn(column);
        }

        foreach (JsonNode agent in agents.OfType<JsonNode>())
        {
            DateTimeOffset since = agent["since"]!.GetValue<DateTimeOffset>();
            string names = string.Join("\n", agent["names"]!.AsArray().Select(static n => n!.GetValue<string>()));
            table.AddRow([.. new[]
            {
                Text(agent, "agent"), names, $"{agent["activeChannels"]}", $"{agent["weight"]}", since.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                agent["isDraining"]!.GetValue<bool>() ? "draining" : "serving", Text(agent, "id"),
            }.Select(static text => Markup.Escape(text))]);
        }

        terminal.Console.Write(table);
    }

    private static string Text(JsonNode agent, string property) => agent[property]!.GetValue<string>();
}
