using System.CommandLine;
using MtaTls.Benchmarks.Commands;

var root = new RootCommand("Compares MTA-TLS with the alternatives. docs/performance.md explains the figures.")
{
    CompareCommand.Create(),
    CostCommand.Create(),
    CheckCommand.Create(),
    MicroCommand.Create(),
    PingsCommand.Create(),
    PageCommand.Create(),
    RestartCommand.Create(),
    AgentsCommand.Create(),
    ClusterCommand.Create(),
    ClusterFailoverCommand.Create(),
    TunnelsCommand.Create(),
    SocksCommand.Create(),
    AgentsRestartCommand.Create(),
    ChildCommands.CreateServe(),
    ChildCommands.CreateDrive(),
    ChildCommands.CreateLink(),
    ChildCommands.CreateRoll(),
    ChildCommands.CreateWatched(),
};
return await root.Parse(args).InvokeAsync();
